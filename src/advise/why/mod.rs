//! Why an index is recommended, and why not (`--explain-why`).
//!
//! In: the indexes that somebody asks about, the problem after its proof, and the selection. Out: for each, what became of
//! it, and what the statements that read its table would cost with it alone and beside the advice. An index that no
//! statement led to joins the pool without entering the search: to ask changes no advice.

mod spec;

use crate::report::{Evidence, IndexExplanation, IndexOutcome, QueryExplanation};
use crate::whatif::ddl::{self, Build};
use crate::whatif::{CandidateId, CostSourceKind};

use super::candidates::{Turned, TurnedBy};
use super::costing::{Judge, Set};
use super::existing;
use super::problem::Problem;
use super::rejections::size_text;
use super::selection::Selection;
use super::write_cost::{self, TableWrites};

pub use spec::{Inquiry, InquiryError};

/// One statement under the four configurations.
struct Row {
    statement: usize,
    before: f64,
    alone: f64,
    advised: f64,
    both: f64,
    used_alone: bool,
    used_beside: bool,
    by_model: bool,
}

/// Answers every question.
pub(super) fn explain(problem: &mut Problem<'_, '_, '_>, selection: &Selection) -> Vec<IndexExplanation> {
    let inquiries = &problem.facts.options.explain_why;
    inquiries.iter().filter_map(|inquiry| one(problem, selection, inquiry)).collect()
}

fn one(problem: &mut Problem<'_, '_, '_>, selection: &Selection, inquiry: &Inquiry) -> Option<IndexExplanation> {
    let facts = problem.facts;
    let table = facts.table(inquiry.spec.table)?;
    let pool = &problem.generated.pool;
    let (id, candidate) = pool.iter().find(|(_, c)| existing::same_shape(&c.spec, &inquiry.spec))?;
    let rows = rows(problem, selection, id);
    let weighted =
        |cost: fn(&Row) -> f64| -> f64 { rows.iter().map(|row| problem.weight(row.statement) * cost(row)).sum() };
    let writes = write_cost::of(facts, &TableWrites::of(facts, table.oid), &candidate.spec, candidate.fraction);
    let (outcome, reason) = outcome(problem, selection, id, &rows, writes.cost);
    let evidence = match problem.costing.judge(id) {
        Judge::Planner if rows.iter().any(|row| row.by_model) => Some(Evidence::Model),
        Judge::Planner => Some(Evidence::Planner),
        Judge::Rule => Some(Evidence::Rule),
        Judge::Nobody => None,
    };
    let mut ordered: Vec<&Row> = rows.iter().collect();
    ordered.sort_by(|a, b| {
        let gain = |row: &Row| problem.weight(row.statement) * (row.before - row.alone);
        gain(b).total_cmp(&gain(a)).then_with(|| a.statement.cmp(&b.statement))
    });
    Some(IndexExplanation {
        asked: inquiry.asked.clone(),
        ddl: format!("{};", ddl::create_index(&inquiry.spec, table, None, Build::Plain)),
        table: table.display_name(),
        outcome,
        reason,
        was_candidate: !candidate.asked_by.is_empty() || candidate.for_foreign_key,
        evidence,
        estimated_bytes: problem.costing.source_bytes(id),
        write_overhead: writes,
        cost_before: weighted(|row| row.before),
        cost_alone: weighted(|row| row.alone),
        cost_advised: weighted(|row| row.advised),
        cost_both: weighted(|row| row.both),
        queries: ordered.into_iter().filter_map(|row| query(problem, row)).collect(),
    })
}

fn query(problem: &Problem<'_, '_, '_>, row: &Row) -> Option<QueryExplanation> {
    let statement = problem.facts.statement(row.statement)?;
    Some(QueryExplanation {
        queryid: statement.queryid.clone(),
        query: statement.query.split_whitespace().collect::<Vec<_>>().join(" "),
        calls: statement.calls,
        cost_before: row.before,
        cost_alone: row.alone,
        cost_advised: row.advised,
        cost_both: row.both,
        used_alone: row.used_alone,
        used_beside_advice: row.used_beside,
    })
}

/// Every statement that reads the index's table, under the four configurations.
fn rows(problem: &mut Problem<'_, '_, '_>, selection: &Selection, id: CandidateId) -> Vec<Row> {
    let table = problem.generated.pool.get(id).spec.table;
    let statements: Vec<usize> = problem
        .facts
        .workload
        .queries
        .iter()
        .filter(|query| query.bound.tables().contains(&table) && problem.base.contains_key(&query.statement))
        .map(|query| query.statement)
        .collect();
    let alone = Set::from([id]);
    let sets = |problem: &Problem<'_, '_, '_>, statement: usize| {
        let mut advised = problem.part(statement, &selection.chosen);
        advised.remove(&id);
        let both: Set = advised.union(&alone).copied().collect();
        (advised, both)
    };
    let mut requests = Vec::new();
    for statement in &statements {
        let (advised, both) = sets(problem, *statement);
        requests.extend([(*statement, alone.clone()), (*statement, advised), (*statement, both)]);
    }
    problem.costing.ask(&requests);
    let rows = statements.into_iter().map(|statement| {
        let (advised, both) = sets(problem, statement);
        let costing = &problem.costing;
        let before = problem.base.get(&statement).copied().unwrap_or(0.0);
        let cost = |set: &Set| costing.cost(statement, set).unwrap_or(before);
        let answer = costing.answer(statement, &alone);
        Row {
            statement,
            before,
            alone: cost(&alone),
            advised: cost(&advised),
            both: cost(&both),
            used_alone: costing.used(statement, &alone).contains(&id),
            used_beside: costing.used(statement, &both).contains(&id),
            by_model: answer.is_none_or(|costed| costed.by == CostSourceKind::Model),
        }
    });
    rows.collect()
}

fn outcome(
    problem: &Problem<'_, '_, '_>,
    selection: &Selection,
    id: CandidateId,
    rows: &[Row],
    write_cost: f64,
) -> (IndexOutcome, String) {
    let pool = &problem.generated.pool;
    let spec = &pool.get(id).spec;
    let weighted =
        |gain: &dyn Fn(&Row) -> f64| -> f64 { rows.iter().map(|row| problem.weight(row.statement) * gain(row)).sum() };
    let (before, gain) = (weighted(&|row| row.before), weighted(&|row| row.before - row.alone));
    let beside = weighted(&|row| row.advised - row.both);
    let share = |part: f64| if before > 0.0 { 100.0 * part / before } else { 0.0 };
    let helped = rows.iter().filter(|row| row.used_alone && row.alone < row.before).count();
    let alone = format!(
        "alone it takes {:.1} % off the cost of the {} statements that read the table, {helped} of which use it",
        share(gain),
        rows.len()
    );
    if selection.chosen.contains(&id) {
        return (
            IndexOutcome::Recommended,
            format!("recommended: {alone}; without it the advice would cost {beside:.0} more"),
        );
    }
    if let Some(name) = problem.served.get(&id) {
        return (IndexOutcome::Exists, format!("the existing index {name} serves all that it would"));
    }
    if problem.costing.judge(id) == Judge::Nobody {
        let why = problem.costing.refusal(id).unwrap_or("no cost source can judge it");
        return (IndexOutcome::NotEvaluated, why.to_owned());
    }
    let table = problem.facts.table(spec.table);
    let wider = selection.chosen.iter().find(|other| existing::prefix_of(spec, &pool.get(**other).spec));
    if let (Some(wider), Some(table)) = (wider, table) {
        let wider = ddl::describe(&pool.get(*wider).spec, table);
        return (IndexOutcome::Covered, format!("the recommended index on {wider} begins with it; {alone}"));
    }
    let rejected = |why: String| (IndexOutcome::Rejected, why);
    if let Some(turned) = problem.generated.turned.iter().find(|t| existing::same_shape(&t.spec, spec)) {
        return rejected(format!("{}; {alone}", turned_away(turned)));
    }
    if let Some(net) = selection.over_budget.get(&id) {
        let bytes = size_text(problem.bytes(id));
        return rejected(format!("over-budget: about {bytes} for {net:.0} of cost, and others gain more; {alone}"));
    }
    if let Some((gain, writes)) = selection.write_heavy.get(&id) {
        return rejected(format!("write-heavy: reads would gain {gain:.0}, writes cost {writes:.0} more; {alone}"));
    }
    if gain <= 0.0 || helped == 0 {
        return rejected(format!(
            "no-planner-gain: no plan of the {} statements that read the table gets cheaper",
            rows.len()
        ));
    }
    let best = |pair: &dyn Fn(&Row) -> (f64, f64)| {
        let pcts = rows.iter().map(pair).filter(|(from, _)| *from > 0.0).map(|(from, to)| 100.0 * (1.0 - to / from));
        pcts.fold(0.0, f64::max)
    };
    let least = problem.facts.options.min_improvement_pct;
    let best_alone = best(&|row| (row.before, row.alone));
    if best_alone < least {
        return rejected(format!(
            "no-planner-gain: no statement gets {least:.0} % cheaper, the best {best_alone:.1} %; {alone}"
        ));
    }
    let best_beside = best(&|row| (row.advised, row.both));
    if best_beside < least {
        return rejected(format!(
            "others serve: {alone}, but beside what is recommended no statement gets more than {best_beside:.1} % cheaper"
        ));
    }
    if beside <= write_cost {
        return rejected(format!(
            "write-heavy: beside what is recommended reads would gain {beside:.0}, and writes cost {write_cost:.0}; {alone}"
        ));
    }
    rejected(format!(
        "the search found sets that bring more: {alone}, beside what is recommended {:.1} %",
        share(beside)
    ))
}

fn turned_away(turned: &Turned) -> String {
    match turned.why {
        TurnedBy::SmallTable { rows } => format!("small-table: it has {rows:.0} rows"),
        TurnedBy::LowCardinality { distinct, selectivity, .. } => {
            let distinct = distinct.map_or_else(String::new, |d| format!(", of {d:.0} distinct values"));
            format!("low-cardinality: its condition leaves {:.1} % of the rows{distinct}", 100.0 * selectivity)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::advise::fixture::{self, Toy, ask};
    use crate::advise::{Options, advise};
    use crate::progress::Silent;
    use crate::report::IndexOutcome;

    use super::Inquiry;

    #[test]
    fn asking_changes_no_advice() {
        let asks = [ask(fixture::ORDERS, 1000).equal(&[2])];
        let (snapshot, workload) = fixture::shop(fixture::tables(), &asks);
        let run = |asked: &[&str]| {
            let explain_why = asked.iter().map(|a| Inquiry::parse(a, &snapshot).unwrap()).collect();
            let options = Options { explain_why, ..Options::default() };
            let mut toy = Toy::new(&snapshot, &asks);
            advise(&snapshot, &workload, Some(&mut toy), &options, &Silent).unwrap()
        };
        let plain = run(&[]);
        let asked = run(&["orders (user_id)", "orders (views)", "orders (id)"]);
        assert_eq!(plain.recommendations, asked.recommendations);
        let outcomes: Vec<IndexOutcome> = asked.explanations.iter().map(|e| e.outcome).collect();
        assert_eq!(outcomes, [IndexOutcome::Recommended, IndexOutcome::Rejected, IndexOutcome::Exists]);
        assert!(asked.explanations[0].cost_alone < asked.explanations[0].cost_before);
        assert!(!asked.explanations[1].was_candidate);
    }
}
