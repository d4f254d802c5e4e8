//! Rejections: what was considered and not recommended, with the numbers.
//!
//! Every statement whose reading of a table no recommendation improves is traced to one rejection for that table: the
//! best candidate it asked for, and the rule that speaks against it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::report::Rejection;
use crate::snapshot::{IndexSpec, Oid};
use crate::whatif::{CandidateId, ddl};

use super::candidates::{Turned, TurnedBy};
use super::costing::{Judge, Set};
use super::existing;
use super::facts::Facts;
use super::problem::Problem;
use super::selection::Selection;

/// The rules, in the order in which a report shows them.
const RULES: [&str; 6] =
    ["over-budget", "write-heavy", "low-cardinality", "no-planner-gain", "already-indexed", "small-table"];

/// One verdict before merging.
struct Verdict {
    rule: &'static str,
    reason: String,
    numbers: BTreeMap<String, f64>,
}

/// All rejections, merged by shape and rule, in a stable order.
pub(super) fn rejections(problem: &Problem<'_, '_, '_>, selection: &Selection) -> Vec<Rejection> {
    let facts = problem.facts;
    let mut merged: BTreeMap<(usize, IndexSpec), (Verdict, BTreeSet<usize>)> = BTreeMap::new();
    let mut add = |spec: &IndexSpec, statements: BTreeSet<usize>, verdict: Verdict| {
        let rank = RULES.iter().position(|r| *r == verdict.rule).unwrap_or(RULES.len());
        merged.entry((rank, spec.clone())).or_insert_with(|| (verdict, BTreeSet::new())).1.extend(statements);
    };
    let mut explained: BTreeSet<(usize, Oid)> = BTreeSet::new();
    // First what is rejected as a whole, for all its statements at once.
    for (id, gained) in &selection.over_budget {
        let spec = &problem.generated.pool.get(*id).spec;
        let statements = unsatisfied(problem, selection, *id);
        if !statements.is_empty() && best_of_kind(problem, selection, *id, &selection.over_budget) {
            explained.extend(statements.iter().map(|s| (*s, spec.table)));
            add(spec, statements, over_budget(problem, selection, *id, *gained));
        }
    }
    for (id, (gain, writes)) in &selection.write_heavy {
        let spec = &problem.generated.pool.get(*id).spec;
        let statements: BTreeSet<usize> = unsatisfied(problem, selection, *id)
            .into_iter()
            .filter(|s| !explained.contains(&(*s, spec.table)))
            .collect();
        if statements.is_empty() {
            continue;
        }
        explained.extend(statements.iter().map(|s| (*s, spec.table)));
        add(spec, statements, write_heavy(problem, *id, *gain, *writes));
    }
    // A column that tells too few rows apart is worth saying even where another index serves the statement.
    for turned in &problem.generated.turned {
        if let Some(verdict) = turned_away(facts, turned) {
            let done = satisfied(problem, selection, turned.statement, turned.spec.table);
            if done && matches!(turned.why, TurnedBy::LowCardinality { null_test: true, .. }) {
                continue;
            }
            if !done {
                explained.insert((turned.statement, turned.spec.table));
            }
            add(&turned.spec, BTreeSet::from([turned.statement]), verdict);
        }
    }
    for ((statement, table), wishes) in problem.generated.pool.wishes() {
        if explained.contains(&(*statement, *table)) || satisfied(problem, selection, *statement, *table) {
            continue;
        }
        if let Some((id, verdict)) = best_wish(problem, selection, *statement, wishes) {
            add(&problem.generated.pool.get(id).spec, BTreeSet::from([*statement]), verdict);
        }
    }
    let mut out: Vec<Rejection> = Vec::new();
    for ((_, spec), (verdict, statements)) in merged {
        let Some(table) = facts.table(spec.table) else { continue };
        out.push(Rejection {
            table: table.display_name(),
            columns: ddl::key_columns(&spec, table),
            method: spec.method.to_string(),
            rule: verdict.rule.to_owned(),
            reason: verdict.reason,
            numbers: verdict.numbers,
            queryids: statements.iter().filter_map(|s| facts.statement(*s)).map(|s| s.queryid.clone()).collect(),
        });
    }
    out
}

/// Whether the chosen indexes already improve how the statement reads the table.
fn satisfied(problem: &Problem<'_, '_, '_>, selection: &Selection, statement: usize, table: Oid) -> bool {
    let part = problem.part(statement, &selection.chosen);
    problem.costing.used(statement, &part).iter().any(|id| problem.generated.pool.get(*id).spec.table == table)
}

/// The askers of a candidate that no chosen index serves on its table.
fn unsatisfied(problem: &Problem<'_, '_, '_>, selection: &Selection, id: CandidateId) -> BTreeSet<usize> {
    let candidate = problem.generated.pool.get(id);
    let asked = candidate.asked_by.iter().copied();
    asked.filter(|s| !satisfied(problem, selection, *s, candidate.spec.table)).collect()
}

/// Whether no other candidate of the map, with the same table and leading key, gained more: one rejection an idea.
fn best_of_kind(
    problem: &Problem<'_, '_, '_>,
    selection: &Selection,
    id: CandidateId,
    map: &BTreeMap<CandidateId, f64>,
) -> bool {
    let own = &problem.generated.pool.get(id).spec;
    let gained = map.get(&id).copied().unwrap_or(0.0);
    !map.iter().any(|(other, value)| {
        let spec = &problem.generated.pool.get(*other).spec;
        *other != id
            && spec.table == own.table
            && spec.keys[0] == own.keys[0]
            && (*value, std::cmp::Reverse(*other)) > (gained, std::cmp::Reverse(id))
            && !unsatisfied(problem, selection, *other).is_empty()
    })
}

fn over_budget(problem: &Problem<'_, '_, '_>, selection: &Selection, id: CandidateId, gained: f64) -> Verdict {
    let bytes = problem.bytes(id);
    let used: f64 = selection.chosen.iter().map(|c| problem.bytes(*c)).sum();
    let mut numbers = BTreeMap::from([
        ("estimated_bytes".to_owned(), bytes.round()),
        ("chosen_bytes".to_owned(), used.round()),
        ("workload_cost_saved".to_owned(), gained),
    ]);
    let options = problem.facts.options;
    let budget = options.budget_bytes(problem.facts.snapshot.server.database_bytes);
    let count_full = options.max_indexes.is_some_and(|limit| selection.chosen.len() >= limit);
    let reason = match budget {
        Some(budget) if !count_full => {
            numbers.insert("budget_bytes".to_owned(), budget.round());
            format!(
                "about {} would exceed the budget of {}, of which {} are spent on indexes that bring more",
                size_text(bytes),
                size_text(budget),
                size_text(used)
            )
        }
        _ => {
            let limit = selection.chosen.len();
            numbers.insert("max_indexes".to_owned(), limit as f64);
            format!("only {limit} indexes are allowed, and others bring more")
        }
    };
    Verdict { rule: "over-budget", reason, numbers }
}

fn write_heavy(problem: &Problem<'_, '_, '_>, id: CandidateId, gain: f64, writes: f64) -> Verdict {
    let overhead = problem.write_overhead(id);
    let mut numbers = BTreeMap::from([("reads_cost_saved".to_owned(), gain), ("writes_cost_added".to_owned(), writes)]);
    let mut reason = format!("its writes would cost {writes:.0} where the statements that read it gain {gain:.0}");
    // Writing to a String cannot fail.
    if let Some(rate) = overhead.writes_per_hour {
        numbers.insert("writes_per_hour".to_owned(), rate);
        let _ = write!(reason, ": {rate:.0} new entries per hour");
    }
    if let Some(lost) = overhead.hot_updates_lost_pct.filter(|lost| *lost > 0.0) {
        numbers.insert("hot_updates_lost_pct".to_owned(), lost);
        let _ = write!(reason, ", and {lost:.0} % of the table's updates would no longer be HOT");
    }
    Verdict { rule: "write-heavy", reason, numbers }
}

fn turned_away(facts: &Facts<'_>, turned: &Turned) -> Option<Verdict> {
    match turned.why {
        TurnedBy::SmallTable { rows } => {
            let least = facts.options.min_table_rows;
            Some(Verdict {
                rule: "small-table",
                reason: format!("the table has {rows:.0} rows, fewer than {least:.0}: reading it whole is cheaper"),
                numbers: BTreeMap::from([("rows".to_owned(), rows), ("min_table_rows".to_owned(), least)]),
            })
        }
        TurnedBy::LowCardinality { selectivity, null_test: true, .. } => Some(Verdict {
            rule: "low-cardinality",
            reason: format!("the column is NULL in about {:.0} % of the rows", 100.0 * selectivity),
            numbers: BTreeMap::from([("selectivity_pct".to_owned(), 100.0 * selectivity)]),
        }),
        TurnedBy::LowCardinality { distinct, selectivity, .. } => {
            let mut numbers = BTreeMap::from([("selectivity_pct".to_owned(), 100.0 * selectivity)]);
            let values = distinct.map_or_else(String::new, |distinct| {
                numbers.insert("n_distinct".to_owned(), distinct);
                format!("{distinct:.0} distinct values: ")
            });
            let most = facts.key_stats(turned.spec.table, &turned.spec.keys[0].target)?.mcv_freqs.first().copied();
            let skew = most.map_or_else(String::new, |most| {
                numbers.insert("most_common_pct".to_owned(), 100.0 * most);
                format!("; the most common one is {:.0} %", 100.0 * most)
            });
            let reason = format!("{values}the condition leaves about {:.0} % of the rows{skew}", 100.0 * selectivity);
            Some(Verdict { rule: "low-cardinality", reason, numbers })
        }
    }
}

/// The best thing that the statement asked for on the table, and why it is not recommended.
fn best_wish(
    problem: &Problem<'_, '_, '_>,
    selection: &Selection,
    statement: usize,
    wishes: &[CandidateId],
) -> Option<(CandidateId, Verdict)> {
    let base = problem.base.get(&statement).copied()?;
    let judged = |id: &CandidateId| problem.costing.judge(*id) != Judge::Nobody;
    let alone = |id: CandidateId| problem.costing.cost(statement, &Set::from([id]));
    let open: Vec<CandidateId> =
        wishes.iter().copied().filter(|id| judged(id) && !problem.served.contains_key(id)).collect();
    let best = open
        .iter()
        .filter_map(|id| alone(*id).map(|cost| (*id, cost)))
        .min_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    if let Some((id, cost)) = best
        && let Some(net) = selection.invisible.get(&id)
    {
        let share = 100.0 * net / problem.workload_cost(&Set::new()).max(f64::MIN_POSITIVE);
        let numbers = gain_numbers(base, cost);
        let reason = format!("it would save {share:.4} % of the workload's cost, too little to be worth an index");
        return Some((id, Verdict { rule: "no-planner-gain", reason, numbers }));
    }
    // What an existing index serves is the answer to more than a rival that adds a column to it.
    if let Some((id, name)) = wishes.iter().find_map(|id| problem.served.get(id).map(|name| (*id, name.clone()))) {
        let numbers = BTreeMap::from([("cost".to_owned(), base)]);
        return Some((id, Verdict { rule: "already-indexed", reason: format!("{name} serves it already"), numbers }));
    }
    // A narrower index than a recommended one would be redundant as soon as that is built.
    let judge =
        if problem.costing.judge(*wishes.first()?) == Judge::Planner { "the planner" } else { "the rule of thumb" };
    let spec_of = |id: CandidateId| &problem.generated.pool.get(id).spec;
    let begun =
        |id: &CandidateId| selection.chosen.iter().copied().find(|c| existing::prefix_of(spec_of(*id), spec_of(*c)));
    if let Some((id, wider)) = wishes.iter().find_map(|id| begun(id).map(|c| (*id, c)))
        && let Some(table) = problem.facts.table(spec_of(id).table)
    {
        let shape = ddl::describe(spec_of(wider), table);
        let reason = if id == wider {
            format!("{shape} is recommended, and {judge} sees no use for this statement")
        } else {
            format!("the recommended index on {shape} begins with it")
        };
        let numbers = gain_numbers(base, problem.cost(statement, &selection.chosen));
        return Some((id, Verdict { rule: "already-indexed", reason, numbers }));
    }
    let id = open.first().copied()?;
    let cost = best.map_or_else(|| problem.costing.cost(statement, &open.iter().copied().collect()), |b| Some(b.1));
    let cost = cost.unwrap_or(base).min(base);
    let saved = if base > 0.0 { 100.0 * (1.0 - cost / base) } else { 0.0 };
    let names: Vec<String> = problem
        .costing
        .answer(statement, &Set::new())
        .map(|c| c.used_existing.iter().cloned().collect())
        .unwrap_or_default();
    let table = problem.generated.pool.get(id).spec.table;
    let own: Vec<String> = names
        .into_iter()
        .filter(|name| problem.facts.table(table).is_some_and(|t| t.indexes.iter().any(|i| i.name == *name)))
        .collect();
    let wanted = problem.facts.options.min_improvement_pct;
    let verdict = if saved < 1.0 && !own.is_empty() {
        Verdict {
            rule: "already-indexed",
            reason: format!("{} is what {judge} uses, with this index too", own.join(" and ")),
            numbers: gain_numbers(base, cost),
        }
    } else {
        Verdict {
            rule: "no-planner-gain",
            reason: if saved < wanted {
                format!(
                    "{judge} expects {base:.0} without it and {cost:.0} with it: {saved:.0} % less, \
                     where {wanted:.0} % is asked for"
                )
            } else {
                format!(
                    "{judge} expects {base:.0} without it and {cost:.0} with it: too few page reads a call to matter"
                )
            },
            numbers: gain_numbers(base, cost),
        }
    };
    Some((id, verdict))
}

fn gain_numbers(before: f64, after: f64) -> BTreeMap<String, f64> {
    BTreeMap::from([("cost_before".to_owned(), before), ("cost_after".to_owned(), after)])
}

/// Bytes for people: `1.5 MB`, in powers of 1024 as PostgreSQL's own `pg_size_pretty`.
pub(super) fn size_text(bytes: f64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = bytes / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(value < 10.0);
    format!("{value:.digits$} {}", UNITS[unit])
}
