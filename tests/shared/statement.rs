//! Statements for a collector that is told what to look at.

use pgwise::snapshot::{Blocks, PlanOutcome, Statement};

/// A statement of which nothing is known but its place in the order; the collector sorts by total time.
pub(crate) fn statement(position: usize, text: &str) -> Statement {
    let time = 1_000_000.0 - position as f64;
    Statement {
        queryid: position.to_string(),
        user: None,
        query: text.to_owned(),
        calls: 1,
        total_ms: time,
        mean_ms: time,
        min_ms: None,
        max_ms: None,
        stddev_ms: None,
        plan_ms: None,
        rows: 1,
        blocks: Blocks::default(),
        wal_bytes: None,
        plan: PlanOutcome::NotAsked,
    }
}
