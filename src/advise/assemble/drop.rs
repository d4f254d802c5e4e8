//! Recommendations to drop an index.

use crate::report::{
    self, Confidence, Evidence, Impact, IndexReport, Recommendation, RecommendationKind, WriteOverhead,
};
use crate::snapshot::{IndexSpec, TableKind};
use crate::whatif::CandidateId;
use crate::whatif::ddl::{self, Build};

use super::super::drops::{Drop, Why};
use super::super::facts::Facts;
use super::super::write_cost::{self, TableWrites};
use super::statement;

/// One recommendation for each drop, with the candidate that makes it possible. `created` has the ids of what will be
/// created.
pub(super) fn recommendations(
    facts: &Facts<'_>,
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
            (creator, one(facts, drop))
        })
        .collect()
}

fn one(facts: &Facts<'_>, drop: &Drop<'_>) -> Recommendation {
    let Drop { table, index, why } = drop;
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
        impact: Impact { bytes_freed: index.bytes, ..Impact::default() },
        write_overhead: overhead,
        queries: vec![],
        evidence: Evidence::Rule,
        confidence: match why {
            Why::Duplicate { .. } => Confidence::High,
            // An invalid index may be one that is being built right now.
            Why::Prefix { .. } | Why::Superseded { .. } | Why::Invalid => Confidence::Medium,
            Why::Unused { .. } => Confidence::Low,
        },
        reason: reason(drop),
        related: vec![],
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
    let Drop { index, why, .. } = drop;
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
        Why::Unused { hours } => format!(
            "Nobody scanned it in the {:.1} days that the counters cover. Make sure that it is not new, and that no replica and no rare job uses it.",
            hours / 24.0
        ),
        Why::Invalid => {
            "It is invalid: a CREATE INDEX CONCURRENTLY failed, or is still running. Writes maintain it, no query may use it."
                .to_owned()
        }
    }
}
