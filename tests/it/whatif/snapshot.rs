//! Snapshots for what-if questions.

use pgwise::collect::{CollectOptions, collect};
use pgwise::connect::{ConnectOptions, Env, Pool, PoolOptions};
use pgwise::progress::Silent;
use pgwise::snapshot::{Blocks, PlanOutcome, Snapshot, Statement, ValuesPolicy};

use crate::harness::Database;

/// A pool of so many guarded sessions.
pub(super) async fn pool(database: &Database, size: usize) -> Pool {
    let options = ConnectOptions::resolve(Some(database.url()), &Env::default()).unwrap();
    Pool::connect(&options, PoolOptions { max_size: size, ..PoolOptions::default() }).await.unwrap()
}

/// A snapshot with these statements and their plans.
pub(super) async fn take(database: &Database, statements: &[&str]) -> Snapshot {
    let options = CollectOptions {
        statements: Some(statements.iter().enumerate().map(|(i, text)| statement(i, text)).collect()),
        values: ValuesPolicy::All,
        ..CollectOptions::default()
    };
    let snapshot = collect(&pool(database, 2).await, &options, &Silent).await.unwrap();
    // The tests name statements by their position.
    let kept: Vec<&str> = snapshot.statements.items.iter().map(|s| s.query.as_str()).collect();
    assert_eq!(kept, statements);
    snapshot
}

/// A statement of which nothing is known but its place in the order.
pub(crate) fn statement(position: usize, text: &str) -> Statement {
    Statement {
        queryid: position.to_string(),
        user: None,
        query: text.to_owned(),
        calls: 1,
        // The collector sorts by total time.
        total_ms: 1000.0 - position as f64,
        mean_ms: 1000.0 - position as f64,
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
