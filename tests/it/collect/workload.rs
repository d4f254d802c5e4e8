//! Statements as pg_stat_statements counted them.

use std::time::Duration;

use pgwise::collect::{CollectOptions, collect};
use pgwise::progress::Silent;
use pgwise::snapshot::{LeftOutReason, PlanKind, StatementSource};

use super::{pool, prepared, snapshot_of, with_role};
use crate::harness::Database;

/// A database with the extension; `None` where the server has it not, or not loaded.
async fn counting(topic: &str) -> Option<Database> {
    let database = prepared(topic).await;
    let installed = database.extension("pg_stat_statements").await;
    let loaded = database.client().await.query("select 1 from pg_stat_statements limit 1", &[]).await.is_ok();
    (installed && loaded).then_some(database)
}

#[tokio::test]
async fn counted_statements_are_kept_and_the_others_counted() {
    let Some(database) = counting("collect_statements").await else { return };
    let client = database.client().await;
    for i in 0..20 {
        client
            .batch_execute(&format!("select count(*) from orders where user_id = {i} and status = 'planted-new'"))
            .await
            .expect("run");
    }
    client.batch_execute("select * from users where email = 'planted-1@example.org'").await.expect("run");
    client.batch_execute("select count(*) from pg_class").await.expect("run");
    client.batch_execute("set work_mem = '5MB'").await.expect("run");
    let options = CollectOptions { min_calls: 10, ..CollectOptions::default() };
    // The second collection sees the statements of the first.
    snapshot_of(database.url(), &options).await;
    let snapshot = snapshot_of(database.url(), &options).await;
    let statements = &snapshot.statements;
    assert_eq!(statements.source, StatementSource::PgStatStatements);
    let kept: Vec<&str> = statements.items.iter().map(|s| s.query.as_str()).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!((statements.items[0].calls, statements.items[0].rows), (20, 20));
    assert!(statements.items[0].plan.captured().is_some_and(|p| p.kind == PlanKind::Generic));
    assert!(statements.items[0].blocks.shared_hit + statements.items[0].blocks.shared_read > 0);
    let left_out = |reason| statements.left_out.iter().find(|l| l.reason == reason).map_or(0, |l| l.statements);
    assert!(left_out(LeftOutReason::OwnStatement) > 10);
    assert!(left_out(LeftOutReason::Utility) > 3);
    assert!(left_out(LeftOutReason::SystemCatalog) >= 1);
    assert!(left_out(LeftOutReason::TooFewCalls) >= 1);
    let calls: u64 = statements.left_out.iter().map(|l| l.calls).sum();
    assert_eq!(calls + 20, statements.total_calls);
    assert!(!serde_json::to_string(&snapshot.statements).expect("json").contains("planted"));
}

#[tokio::test]
async fn an_interval_shows_what_ran_in_it() {
    let Some(database) = counting("collect_interval").await else { return };
    let client = database.client().await;
    client.batch_execute("select count(*) from orders where id = 1").await.expect("run");
    client.batch_execute("select count(*) from users where id = 1").await.expect("run");
    let options = CollectOptions { interval: Some(Duration::from_millis(1500)), ..CollectOptions::default() };
    let pool = pool(database.url()).await;
    let collecting = async { collect(&pool, &options, &Silent).await.expect("collect") };
    let working = async {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        for i in 0..5 {
            client.batch_execute(&format!("select count(*) from orders where id = {i}")).await.expect("run");
        }
    };
    let (snapshot, ()) = tokio::join!(collecting, working);
    let items = &snapshot.statements.items;
    assert_eq!(items.len(), 1, "{:?}", items.iter().map(|s| &s.query).collect::<Vec<_>>());
    assert_eq!((items[0].calls, items[0].min_ms), (5, None));
    assert!(snapshot.statements.interval_ms >= Some(1500) && snapshot.statements.since.is_some());
    assert!(!snapshot.statements.reset_during_interval);
}

#[tokio::test]
async fn a_reset_during_the_interval_is_noticed() {
    let Some(database) = counting("collect_reset").await else { return };
    let client = database.client().await;
    client.batch_execute("select count(*) from users where id = 1").await.expect("run");
    let options =
        CollectOptions { interval: Some(Duration::from_millis(1500)), explain: false, ..CollectOptions::default() };
    let pool = pool(database.url()).await;
    let collecting = async { collect(&pool, &options, &Silent).await.expect("collect") };
    let working = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Of this database only: other tests count at the same time.
        let reset = "select pg_stat_statements_reset(0, oid, 0) from pg_database where datname = current_database()";
        client.batch_execute(reset).await.expect("reset");
        client.batch_execute("select count(*) from orders where id = 2").await.expect("run");
    };
    let (snapshot, ()) = tokio::join!(collecting, working);
    assert!(snapshot.statements.reset_during_interval);
    let figures: Vec<_> = snapshot.statements.items.iter().map(|s| (s.query.as_str(), s.calls)).collect();
    assert_eq!(figures, [("select count(*) from orders where id = $1", 1)]);
}

#[tokio::test]
async fn hidden_texts_are_counted_and_the_grant_is_named() {
    let Some(database) = counting("collect_hidden").await else { return };
    let role = format!("{}_role", database.name());
    database.execute(&format!("create role \"{role}\" login password 'x'")).await;
    database.execute("select count(*) from users where id = 1").await;
    let snapshot = snapshot_of(&with_role(database.url(), &role), &CollectOptions::default()).await;
    database.execute(&format!("drop owned by \"{role}\"; drop role \"{role}\"")).await;
    let hidden = snapshot.statements.left_out.iter().find(|l| l.reason == LeftOutReason::TextHidden).expect("hidden");
    assert!(hidden.statements > 0 && snapshot.statements.items.is_empty());
    let note = snapshot.not_seen.iter().find(|n| n.part == "statements").expect("said so");
    assert_eq!(note.remedy.as_deref(), Some(format!("GRANT pg_read_all_stats TO {role}").as_str()));
}
