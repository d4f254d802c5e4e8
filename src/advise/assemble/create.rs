//! Recommendations to create an index.

use std::collections::BTreeSet;

use crate::report::{self, Confidence, Evidence, Impact, IndexReport, QueryImpact, Recommendation, RecommendationKind};
use crate::snapshot::{IndexMethod, IndexSpec, Table, TableKind};
use crate::sql;
use crate::whatif::ddl::{self, Build, Names};
use crate::whatif::{CandidateId, CostSourceKind};

use super::super::candidates::{Family, TRIGRAM_EXTENSION};
use super::super::costing::{Judge, Set};
use super::super::problem::Problem;
use super::super::rejections::size_text;
use super::super::selection::Selection;
use super::{statement, without};

/// Share by which a statement's cost must rise to be said to get worse.
const WORSE: f64 = 0.01;

/// One recommendation for each chosen candidate.
pub(super) fn recommendations(
    problem: &Problem<'_, '_, '_>,
    selection: &Selection,
) -> Vec<(CandidateId, Recommendation)> {
    let mut names = Names::new(&problem.facts.snapshot.catalog);
    let mut out = Vec::new();
    for candidate in &selection.chosen {
        let spec = &problem.generated.pool.get(*candidate).spec;
        if let Some(table) = problem.facts.table(spec.table) {
            out.push((*candidate, one(problem, selection, *candidate, table, &mut names)));
        }
    }
    out
}

fn one(
    problem: &Problem<'_, '_, '_>,
    selection: &Selection,
    candidate: CandidateId,
    table: &Table,
    names: &mut Names,
) -> Recommendation {
    let spec = &problem.generated.pool.get(candidate).spec;
    let name = names.choose(spec, table);
    let partitioned = table.kind == TableKind::Partitioned;
    let build = if partitioned { Build::Plain } else { Build::Concurrently };
    let chosen = &selection.chosen;
    let served = served(problem, chosen, candidate);
    let keys = served_keys(problem, chosen, candidate);
    let impact = impact(problem, chosen, candidate, &served, &keys);
    let evidence = evidence(problem, chosen, candidate, &served);
    let mut reason = reason(problem, candidate, &served, &keys);
    let steps: Vec<String> = if partitioned {
        reason
            .push_str(" The steps block nobody while they build; the one statement blocks writes to every partition.");
        let catalog = &problem.facts.snapshot.catalog;
        ddl::create_script(spec, table, &name, catalog, names).iter().map(|sql| statement(sql)).collect()
    } else {
        vec![]
    };
    Recommendation {
        id: report::id(
            RecommendationKind::CreateIndex,
            &table.display_name(),
            &ddl::create_index(spec, table, None, Build::Plain),
        ),
        kind: RecommendationKind::CreateIndex,
        table: table.display_name(),
        ddl: statement(&ddl::create_index(spec, table, Some(&name), build)),
        steps,
        prerequisites: prerequisites(problem, spec),
        undo_ddl: statement(&ddl::drop_index(&table.schema, &name, !partitioned)),
        index: Some(IndexReport {
            name,
            method: spec.method.to_string(),
            columns: ddl::key_columns(spec, table),
            include: ddl::include_columns(spec, table),
            predicate: spec.predicate.clone(),
            unique: spec.unique,
            estimated_bytes: whole(problem.bytes(candidate)),
        }),
        impact,
        write_overhead: problem.write_overhead(candidate),
        queries: served.iter().filter_map(|s| query(problem, chosen, Some(table), *s)).collect(),
        evidence,
        confidence: confidence(problem, candidate, evidence, &served),
        reason,
        related: vec![],
    }
}

/// Whose word it is: a real planner's where one proved it for every statement served.
fn evidence(problem: &Problem<'_, '_, '_>, chosen: &Set, candidate: CandidateId, served: &[usize]) -> Evidence {
    if problem.costing.judge(candidate) != Judge::Planner || served.is_empty() {
        return Evidence::Rule;
    }
    let by_model = |statement: &usize| {
        let answer = problem.costing.answer(*statement, &problem.part(*statement, chosen));
        answer.is_none_or(|costed| costed.by == CostSourceKind::Model)
    };
    if served.iter().any(by_model) { Evidence::Model } else { Evidence::Planner }
}

/// Statements whose plans use the candidate among the chosen, the most time saved first.
fn served(problem: &Problem<'_, '_, '_>, chosen: &Set, candidate: CandidateId) -> Vec<usize> {
    let mut served: Vec<(usize, f64)> = problem
        .statements_of(candidate)
        .iter()
        .filter(|s| problem.costing.used(**s, &problem.part(**s, chosen)).contains(&candidate))
        .map(|s| (*s, saved_ms(problem, chosen, *s)))
        .filter(|(s, _)| problem.cost(*s, chosen) < problem.base.get(s).copied().unwrap_or(0.0))
        .collect();
    served.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    served.into_iter().map(|(s, _)| s).collect()
}

/// Foreign keys (positions in the problem's list) whose checks only this one of the chosen serves.
fn served_keys(problem: &Problem<'_, '_, '_>, chosen: &Set, candidate: CandidateId) -> Vec<usize> {
    let others = without(chosen, candidate);
    let keys = problem.foreign_keys.iter().enumerate();
    keys.filter(|(_, key)| {
        problem.serves_key(candidate, key) && !others.iter().any(|other| problem.serves_key(*other, key))
    })
    .map(|(position, _)| position)
    .collect()
}

/// Time that the whole of the chosen saves a statement: its measured time, by the ratio of costs.
fn saved_ms(problem: &Problem<'_, '_, '_>, chosen: &Set, statement: usize) -> f64 {
    let base = problem.base.get(&statement).copied().unwrap_or(0.0);
    let total = problem.facts.statement(statement).map_or(0.0, |s| s.total_ms);
    if base > 0.0 { total * (1.0 - problem.cost(statement, chosen) / base).max(0.0) } else { 0.0 }
}

fn impact(
    problem: &Problem<'_, '_, '_>,
    chosen: &Set,
    candidate: CandidateId,
    served: &[usize],
    keys: &[usize],
) -> Impact {
    let rest = without(chosen, candidate);
    let (mut before, mut after, mut saved) = (0.0, 0.0, 0.0);
    for statement in served {
        let base = problem.base.get(statement).copied().unwrap_or(0.0);
        let cost = problem.cost(*statement, chosen);
        before += problem.weight(*statement) * base;
        after += problem.weight(*statement) * cost;
        saved += saved_ms(problem, chosen, *statement) * share(problem, &rest, candidate, *statement, chosen);
    }
    for key in keys.iter().map(|k| &problem.foreign_keys[*k]) {
        before += key.check.checks * key.before;
        after += key.check.checks * key.after.min(key.before);
        // A delete spends on the check what the check is of its cost: as good as all of it.
        for (statement, rows) in &key.check.statements {
            let Some(s) = problem.facts.statement(*statement) else { continue };
            let plan = problem.base.get(statement).copied().unwrap_or(0.0) * s.calls as f64;
            let (checks, left) = (rows * key.before, rows * key.after.min(key.before));
            if plan + checks > 0.0 {
                saved += s.total_ms * (checks - left) / (plan + checks);
            }
        }
    }
    Impact {
        workload_cost_before: Some(before),
        workload_cost_after: Some(after),
        reduction_pct: (before > 0.0).then(|| 100.0 * (1.0 - after / before)),
        time_saved_ms_per_hour: problem.facts.statement_hours().map(|hours| saved / hours),
        time_saved_ms: Some(saved),
        bytes_freed: None,
    }
}

/// A candidate's share of what the chosen save a statement: where several indexes serve one plan, each is credited
/// with what would be lost without it, so that the same second is not promised twice.
fn share(problem: &Problem<'_, '_, '_>, rest: &Set, candidate: CandidateId, statement: usize, chosen: &Set) -> f64 {
    let used: BTreeSet<CandidateId> = problem.costing.used(statement, &problem.part(statement, chosen));
    if used.len() < 2 {
        return 1.0;
    }
    let now = problem.cost(statement, chosen);
    let mut losses = 0.0;
    let mut own = 0.0;
    for id in &used {
        let set = if *id == candidate { rest.clone() } else { without(chosen, *id) };
        let loss = (problem.cost(statement, &set) - now).max(0.0);
        losses += loss;
        if *id == candidate {
            own = loss;
        }
    }
    if losses > 0.0 { own / losses } else { 1.0 / used.len() as f64 }
}

/// Statements that cost more with all of the chosen than without, the most weighted cost first.
pub(super) fn worse(problem: &Problem<'_, '_, '_>, chosen: &Set) -> Vec<QueryImpact> {
    let more = |statement: usize, base: f64| problem.cost(statement, chosen) - base * (1.0 + WORSE);
    let mut worse: Vec<(usize, f64)> = problem
        .base
        .iter()
        .map(|(statement, base)| (*statement, problem.weight(*statement) * more(*statement, *base)))
        .filter(|(_, more)| *more > 0.0)
        .collect();
    worse.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    worse.into_iter().filter_map(|(statement, _)| query(problem, chosen, None, statement)).collect()
}

/// What a statement costs without and with the chosen, and how its plan reads a table (the dearest scan without one).
fn query(problem: &Problem<'_, '_, '_>, chosen: &Set, table: Option<&Table>, statement: usize) -> Option<QueryImpact> {
    let s = problem.facts.statement(statement)?;
    let base = problem.base.get(&statement).copied()?;
    let part = problem.part(statement, chosen);
    let node = |set: &Set| {
        problem.costing.answer(statement, set).map_or_else(String::new, |costed| {
            let is_table = |name: &String| table.is_some_and(|t| *name == t.name || *name == t.display_name());
            let scan = costed.scans.iter().find(|(name, _)| is_table(name));
            scan.map_or_else(|| costed.node.clone(), |(_, scan)| scan.clone())
        })
    };
    Some(QueryImpact {
        queryid: s.queryid.clone(),
        query: sql::pretty(&s.query),
        calls: s.calls,
        mean_time_ms: s.mean_ms,
        cost_before: base,
        cost_after: problem.cost(statement, chosen),
        node_before: node(&Set::new()),
        node_after: node(&part),
    })
}

fn prerequisites(problem: &Problem<'_, '_, '_>, spec: &IndexSpec) -> Vec<String> {
    if needs_trigrams(spec) && !problem.facts.snapshot.server.has_extension(TRIGRAM_EXTENSION) {
        vec![format!("CREATE EXTENSION IF NOT EXISTS {};", sql::quote::ident(TRIGRAM_EXTENSION))]
    } else {
        vec![]
    }
}

/// Whether the index needs pg_trgm.
pub(in super::super) fn needs_trigrams(spec: &IndexSpec) -> bool {
    spec.keys.iter().any(|k| k.opclass.as_deref().is_some_and(|o| o.ends_with("_trgm_ops")))
}

fn confidence(
    problem: &Problem<'_, '_, '_>,
    candidate: CandidateId,
    evidence: Evidence,
    served: &[usize],
) -> Confidence {
    let candidate = problem.generated.pool.get(candidate);
    match evidence {
        Evidence::Rule if candidate.family == Family::PatternUnknown => Confidence::Low,
        Evidence::Model
            if problem.costing.account().is_some_and(|a| served.iter().any(|s| a.disagreeing.contains(s))) =>
        {
            Confidence::Low
        }
        Evidence::Rule | Evidence::Model => Confidence::Medium,
        Evidence::Planner => {
            let statistics =
                candidate.spec.keys.iter().all(|k| problem.facts.key_stats(candidate.spec.table, &k.target).is_some());
            // Few calls or no statistics: the planner's word, on a thin base.
            let calls: u64 = served.iter().filter_map(|s| problem.facts.statement(*s)).map(|s| s.calls).sum();
            if statistics && calls > 1 { Confidence::High } else { Confidence::Medium }
        }
    }
}

fn reason(problem: &Problem<'_, '_, '_>, candidate: CandidateId, served: &[usize], keys: &[usize]) -> String {
    let pool = problem.generated.pool.get(candidate);
    let spec = &pool.spec;
    let mut parts: Vec<String> = Vec::new();
    if let Some(first) = served.first() {
        let count = served.len();
        let statements = if count == 1 { "one statement".to_owned() } else { format!("{count} statements") };
        let ms: f64 = served.iter().filter_map(|s| problem.facts.statement(*s)).map(|s| s.total_ms).sum();
        let calls: u64 = served.iter().filter_map(|s| problem.facts.statement(*s)).map(|s| s.calls).sum();
        let node = problem.costing.answer(*first, &Set::new()).map_or("", |c| c.node.as_str());
        let now = if node.is_empty() { String::new() } else { format!(", now by {node}") };
        parts.push(format!("Serves {statements} ({calls} calls, {ms:.0} ms{now})."));
    }
    for key in keys.iter().map(|k| &problem.foreign_keys[*k]) {
        let parent = problem.facts.table(key.check.references).map_or_else(String::new, Table::display_name);
        parts.push(format!(
            "Foreign key {} has no index: each of the {:.0} rows of {parent} that went scanned the whole table to check it.",
            key.check.name, key.check.checks
        ));
    }
    parts.extend(shape_reason(pool.family, spec));
    if problem.costing.judge(candidate) == Judge::Rule && !served.is_empty() {
        let why = problem.costing.refusal(candidate).map_or_else(String::new, |r| format!(" ({r})"));
        parts.push(format!("No planner judged it{why}: a rule of thumb estimated the gain."));
    }
    if needs_trigrams(spec) {
        parts.push("A pattern needs at least three characters in a row to use it.".to_owned());
    }
    if pool.family == Family::PatternUnknown {
        parts.push("It serves patterns with a fixed beginning only.".to_owned());
    }
    parts.push(format!("About {}.", size_text(problem.bytes(candidate))));
    parts.join(" ")
}

fn shape_reason(family: Family, spec: &IndexSpec) -> Option<String> {
    let pattern = spec.keys.iter().any(|k| k.opclass.as_deref().is_some_and(|o| o.ends_with("_pattern_ops")));
    let text = match family {
        Family::Btree | Family::Include if pattern => {
            "The operator class lets LIKE with a fixed beginning use it under any collation."
        }
        Family::Include => "The INCLUDE columns let it answer without reading the table.",
        Family::Partial => "Its predicate keeps out the rows that the statements never ask for.",
        Family::Gin if spec.method == IndexMethod::Gin => "Only an inverted index serves the condition.",
        Family::Gist if spec.method == IndexMethod::Spgist => "An SP-GiST index serves containment and overlap.",
        Family::Gist => "A GiST index serves overlap, containment and distance.",
        Family::Hash => "It keeps four bytes of hash instead of the wide value; it serves equality and nothing else.",
        Family::Brin => {
            "The rows lie in the column's order, so that a summary of each range of pages tells most of them apart."
        }
        Family::Merged => "It serves what several narrower indexes would, for less room and fewer writes.",
        _ => return None,
    };
    Some(text.to_owned())
}

/// A non-negative float as whole bytes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the type's range; `as` saturates"
)]
fn whole(bytes: f64) -> Option<u64> {
    bytes.is_finite().then(|| bytes.max(0.0).round() as u64)
}
