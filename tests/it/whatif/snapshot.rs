//! Snapshots for what-if questions.

use pgwise::collect::{CollectOptions, collect};
use pgwise::connect::{ConnectOptions, Env, Pool, PoolOptions};
use pgwise::progress::Silent;
use pgwise::snapshot::{Snapshot, ValuesPolicy};

use crate::harness::Database;
use crate::statement::statement;

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
