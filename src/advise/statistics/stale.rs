//! Tables whose statistics are missing or stale.

use std::collections::BTreeSet;

use crate::report::{Confidence, Recommendation, RecommendationKind};
use crate::snapshot::{Table, TableKind};

use super::super::problem::Problem;
use super::{Advice, analysable, analyze, recommendation};

/// Changes since the last ANALYZE, in multiples of what autovacuum waits for, from which it is late.
const LATE: f64 = 2.0;

/// ANALYZE for each table that statements read and that has no statistics, or old ones.
pub(super) fn recommendations(problem: &Problem<'_, '_, '_>) -> Vec<Recommendation> {
    let facts = problem.facts;
    // What the role may not see is not missing.
    let hidden = facts.snapshot.not_seen.iter().any(|n| n.part == "statistics");
    let mut out = Vec::new();
    for table in facts.snapshot.catalog.tables.iter().filter(|t| analysable(t) && t.partition_of.is_none()) {
        let readers = problem.all_readers_of(table.oid);
        if readers.is_empty() {
            continue;
        }
        let reason = if without_statistics(table) {
            (!hidden).then(|| missing(problem, table)).flatten()
        } else {
            stale(problem, table)
        };
        if let Some((reason, confidence)) = reason {
            let statements: BTreeSet<usize> = readers;
            let advice = Advice {
                kind: RecommendationKind::AnalyzeTable,
                table,
                key: "analyze".to_owned(),
                ddl: analyze(table),
                then: None,
                undo_ddl: String::new(),
                reason,
                confidence,
                statements,
            };
            out.push(recommendation(problem, advice));
        }
    }
    out
}

/// Whether no column has the statistics that the planner reads for the table.
fn without_statistics(table: &Table) -> bool {
    table.columns.iter().all(|c| c.statistics().is_none())
}

fn missing(problem: &Problem<'_, '_, '_>, table: &Table) -> Option<(String, Confidence)> {
    if table.kind == TableKind::Partitioned {
        let rows = problem.facts.rows(table.oid)?;
        return (rows > 0.0).then(|| {
            let reason = format!(
                "The partitioned table of {rows:.0} rows has no statistics of its own: autovacuum analyses its partitions, never the whole. Every estimate over all of it is a default."
            );
            (reason, Confidence::High)
        });
    }
    // An empty table has nothing to tell, and of a small one any plan is good.
    let pages = problem.facts.pages(table.oid);
    let live = table.activity.as_ref().map_or(0, |a| a.live_rows);
    let small = problem.facts.rows(table.oid).is_some_and(|rows| rows < problem.facts.options.min_table_rows);
    if (pages < 1.0 && live == 0) || small {
        return None;
    }
    let known = table.activity.as_ref().and_then(|a| a.last_analyze);
    let when =
        if known.is_some() { "its statistics were lost since the last ANALYZE" } else { "it was never analysed" };
    let rows = problem.facts.rows(table.oid).map_or_else(String::new, |rows| format!(" of about {rows:.0} rows"));
    let reason = format!(
        "The table{rows} has no statistics ({when}): every estimate about it is a default, and so is what an index on it would bring."
    );
    Some((reason, Confidence::High))
}

/// Changed by more than twice what autovacuum waits for (`relation_needs_vacanalyze`).
fn stale(problem: &Problem<'_, '_, '_>, table: &Table) -> Option<(String, Confidence)> {
    let activity = table.activity.as_ref()?;
    let rows = problem.facts.rows(table.oid)?.max(activity.live_rows as f64);
    let setting = |name: &str, default: f64| {
        let own = table.options.iter().find_map(|o| o.strip_prefix(name)?.strip_prefix('=')?.parse::<f64>().ok());
        own.unwrap_or_else(|| problem.facts.cost_setting(name, default))
    };
    let wait = setting("autovacuum_analyze_threshold", 50.0) + setting("autovacuum_analyze_scale_factor", 0.1) * rows;
    let changed = activity.modified_since_analyze as f64;
    let enough = rows >= problem.facts.options.min_table_rows && changed > LATE * wait;
    enough.then(|| {
        let share = 100.0 * changed / rows.max(1.0);
        let last = activity.last_analyze.map_or_else(String::new, |at| format!(" at {}", at.strftime("%Y-%m-%d %H:%M UTC")));
        let reason = format!(
            "{changed:.0} rows changed since the last ANALYZE{last}, {share:.0} % of the table: estimates, and advice that rests on them, are of the past."
        );
        (reason, Confidence::High)
    })
}
