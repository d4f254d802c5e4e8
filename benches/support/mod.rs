//! What benchmarks measure on: the shop's snapshot with more statements, candidates for them, and a snapshot of
//! thousands of tables made of copies of it. All of it is the same on every run.

#![allow(dead_code, unused_imports, reason = "no benchmark uses all of it")]
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod candidates;
mod random;
mod statements;
mod synthetic;

pub(crate) use candidates::{Asked, ask, candidates, configurations};
pub(crate) use random::Random;
pub(crate) use statements::{JOINS, SINGLE_TABLE};
pub(crate) use synthetic::{Scale, synthetic};

use pgwise::demo::Sample;
use pgwise::snapshot::{Blocks, PlanOutcome, Snapshot, Statement, file};

/// The shop as it was collected.
pub(crate) fn shop() -> Snapshot {
    file::read(Sample::shop_snapshot()).unwrap()
}

/// A snapshot with these statements instead of its own.
pub(crate) fn with_statements(mut snapshot: Snapshot, texts: &[&str]) -> Snapshot {
    snapshot.statements.items = texts.iter().zip(1..).map(|(text, n)| statement(n, text, 100, 1.0)).collect();
    snapshot
}

/// A statement with its counters.
pub(crate) fn statement(number: usize, text: &str, calls: u64, mean_ms: f64) -> Statement {
    Statement {
        queryid: number.to_string(),
        user: None,
        query: text.to_owned(),
        calls,
        total_ms: calls as f64 * mean_ms,
        mean_ms,
        min_ms: None,
        max_ms: None,
        stddev_ms: None,
        plan_ms: None,
        rows: calls,
        blocks: Blocks::default(),
        wal_bytes: None,
        plan: PlanOutcome::NotAsked,
    }
}
