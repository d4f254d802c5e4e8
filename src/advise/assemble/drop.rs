//! Recommendations to drop an index.

use crate::report::{
    self, Confidence, Evidence, Impact, IndexReport, Recommendation, RecommendationKind, WriteOverhead,
};
use crate::snapshot::{IndexSpec, TableKind};
use crate::whatif::ddl::{self, Build};
use crate::whatif::{CandidateId, CostSourceKind};

use super::super::drops::{Drop, Why};
use super::super::problem::Problem;
use super::super::write_cost::{self, TableWrites};
use super::statement;

/// One recommendation for each drop, with the candidate that makes it possible. `created` has the ids of what will be
/// created.
pub(super) fn recommendations(
    problem: &Problem<'_, '_, '_>,
    drops: &[Drop<'_>],
    created: &[(CandidateId, String)],
) -> Vec<(Option<CandidateId>, Recommendation)> {
    drops
        .iter()
        .map(|drop| {
            let creator = match drop.why {
                Why::Superseded { by } if created.iter().any(|(c, _)| *c == by) => Some(by),
                _ => None,
            };
            (creator, one(problem, drop))
        })
        .collect()
}

fn one(problem: &Problem<'_, '_, '_>, drop: &Drop<'_>) -> Recommendation {
    let facts = problem.facts;
    let Drop { table, index, why, worth } = drop;
    let spec: IndexSpec = index.spec(table.oid);
    let partitioned = table.kind == TableKind::Partitioned;
    let writes = TableWrites::of(facts, table.oid);
    let mut overhead: WriteOverhead = write_cost::of(facts, &writes, &spec, write_cost::fraction(facts, table, index));
    // A drop gives back what the index costs; it loses no HOT update.
    overhead.cost = -overhead.cost;
    overhead.table_writes_pct = overhead.table_writes_pct.map(|pct| -pct);
    overhead.hot_updates_lost_pct = None;
    let plain =
        index.definition.clone().unwrap_or_else(|| ddl::create_index(&spec, table, Some(&index.name), Build::Plain));
    let undo_ddl = if partitioned { plain } else { concurrently(&plain) };
    Recommendation {
        id: report::id(RecommendationKind::DropIndex, &table.display_name(), &index.name),
        kind: RecommendationKind::DropIndex,
        table: table.display_name(),
        ddl: statement(&ddl::drop_index(&table.schema, &index.name, !partitioned)),
        steps: vec![],
        prerequisites: vec![],
        undo_ddl: statement(&undo_ddl),
        index: Some(IndexReport {
            name: index.name.clone(),
            method: index.method_name.clone(),
            columns: ddl::key_columns(&spec, table),
            include: ddl::include_columns(&spec, table),
            predicate: index.predicate.clone(),
            unique: index.unique,
            estimated_bytes: index.bytes,
        }),
        impact: Impact { bytes_freed: index.bytes, ..impact(problem, drop) },
        write_overhead: overhead,
        queries: vec![],
        evidence: match (worth, problem.costing.kind()) {
            (Some(_), Some(CostSourceKind::Model)) => Evidence::Model,
            (Some(_), Some(_)) => Evidence::Planner,
            _ => Evidence::Rule,
        },
        confidence: match why {
            Why::Duplicate { .. } => Confidence::High,
            // An invalid index may be one that is being built right now.
            Why::Prefix { .. } | Why::Superseded { .. } | Why::Invalid | Why::Costly { .. } => Confidence::Medium,
            // No statement of the workload misses it either.
            Why::Unused { .. } if worth.is_some() => Confidence::Medium,
            Why::Unused { .. } => Confidence::Low,
        },
        reason: reason(drop),
        related: vec![],
    }
}

/// What the statements that use it cost now, and without it.
fn impact(problem: &Problem<'_, '_, '_>, drop: &Drop<'_>) -> Impact {
    let Some(worth) = drop.worth.as_ref().filter(|w| w.users > 0) else { return Impact::default() };
    let (before, after) = worth.costs(|statement| problem.weight(statement));
    Impact {
        workload_cost_before: Some(before),
        workload_cost_after: Some(after),
        reduction_pct: (before > 0.0).then(|| 100.0 * (1.0 - after / before)),
        ..Impact::default()
    }
}

/// `pg_get_indexdef`'s text, to be built without blocking writes.
fn concurrently(definition: &str) -> String {
    for start in ["CREATE UNIQUE INDEX ", "CREATE INDEX "] {
        if let Some(rest) = definition.strip_prefix(start) {
            return format!("{start}CONCURRENTLY {}", rest.strip_prefix("CONCURRENTLY ").unwrap_or(rest));
        }
    }
    definition.to_owned()
}

fn reason(drop: &Drop<'_>) -> String {
    let Drop { index, why, worth, .. } = drop;
    let scans = index.activity.as_ref().map_or_else(String::new, |a| {
        let times = if a.scans == 1 { "once".to_owned() } else { format!("{} times", a.scans) };
        format!(" It was scanned {times} since the counters' reset; its queries will use the other.")
    });
    match why {
        Why::Duplicate { of } => format!("It is the same as {of}: every write pays for both.{scans}"),
        Why::Prefix { of } => format!("{of} begins with the same keys and serves all that it serves.{scans}"),
        Why::Superseded { .. } => {
            format!("A recommended index begins with the same keys: drop this one after building that.{scans}")
        }
        Why::Unused { hours } => {
            let plans = match worth {
                Some(w) if w.worst.is_none() => " No statement of the workload would cost more without it.",
                Some(_) => " No statement of the workload would be much slower without it.",
                None => "",
            };
            format!(
                "Nobody scanned it in the {:.1} days that the counters cover.{plans} Make sure that it is not new, and that no replica and no rare job uses it.",
                hours / 24.0
            )
        }
        Why::Costly { writes } => {
            let (users, loss) = worth.as_ref().map_or((0, 0.0), |w| (w.users, w.loss));
            let readers = if users == 1 { "the statement that reads it".to_owned() } else { format!("the {users} statements that read it") };
            format!("Its writes cost {writes:.0} where {readers} would lose {:.0}: other indexes serve nearly as well.", loss.max(0.0))
        }
        Why::Invalid => {
            "It is invalid: a CREATE INDEX CONCURRENTLY failed, or is still running. Writes maintain it, no query may use it."
                .to_owned()
        }
    }
}
