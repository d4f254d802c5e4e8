//! What the monitored server sees of pgwise, and what pgwise makes of a server that goes away.

use std::time::Duration;

use pgwise::collect::{CollectOptions, Error, collect, statements_from_sql};
use pgwise::progress::Silent;

use super::{pool, prepared, snapshot_of, with_role};

#[tokio::test]
async fn nothing_but_reading_is_ever_sent() {
    let database = prepared("collect_safety").await;
    if !database.extension("pg_stat_statements").await {
        return;
    }
    let client = database.client().await;
    if client.query("select 1 from pg_stat_statements limit 1", &[]).await.is_err() {
        return;
    }
    let role = format!("{}_role", database.name());
    database.execute(&format!("create role \"{role}\" login superuser password 'x'")).await;
    let statements = statements_from_sql(
        "select * from orders where id = $1; update orders set total = $1; delete from users;
         select * from hidden_away; select 1; select * from nowhere; select nextval('users_id_seq')",
    );
    let options = CollectOptions { statements: Some(statements), explain_analyze: true, ..CollectOptions::default() };
    snapshot_of(&with_role(database.url(), &role), &options).await;
    let sql = "select query from pg_stat_statements s join pg_roles r on r.oid = s.userid where rolname = $1";
    let sent: Vec<String> = client.query(sql, &[&role]).await.expect("texts").iter().map(|r| r.get(0)).collect();
    assert!(sent.len() > 25, "{sent:#?}");
    let allowed = [
        "SELECT",
        "WITH",
        "EXPLAIN",
        "PREPARE",
        "DEALLOCATE",
        "SET",
        "BEGIN",
        "ROLLBACK",
        // Cleaning a session before its next use.
        "RESET",
        "CLOSE",
        "UNLISTEN",
        "DISCARD",
    ];
    for text in &sent {
        let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with("--")).collect();
        let statement = lines.join(" ");
        let verb = statement.split_whitespace().next().unwrap_or_default();
        assert!(allowed.contains(&verb), "{text}");
        // The one statement executed by EXPLAIN ANALYZE may be counted under its own text.
        assert!(text.contains("/* pgwise */") || text.starts_with("select * from"), "{text}");
    }
    database.execute(&format!("drop owned by \"{role}\"; drop role \"{role}\"")).await;
}

#[tokio::test]
async fn a_server_that_ends_sessions_again_and_again_is_survived_or_reported() {
    let database = prepared("collect_terminated").await;
    let client = database.client().await;
    let text: Vec<String> = (0..60).map(|i| format!("select * from orders where id = $1 and {i} = {i}")).collect();
    let statements = statements_from_sql(&text.join(";"));
    let options = CollectOptions { statements: Some(statements), ..CollectOptions::default() };
    let pool = pool(database.url()).await;
    let collecting = tokio::time::timeout(Duration::from_secs(30), collect(&pool, &options, &Silent));
    let terminating = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(40)).await;
            let sql = "select pg_terminate_backend(pid) from pg_stat_activity \
                       where application_name = 'pgwise' and datname = current_database()";
            client.batch_execute(sql).await.expect("terminate");
        }
    };
    let (outcome, ()) = tokio::join!(collecting, terminating);
    match outcome.expect("no hang") {
        Ok(snapshot) => assert_eq!(snapshot.statements.items.len(), 60),
        Err(error) => assert!(matches!(error, Error::Lost(_) | Error::Server { .. }), "{error:?}"),
    }
    // With the server at peace again, so is the pool.
    let snapshot = collect(&pool, &options, &Silent).await.expect("collect");
    assert!(snapshot.statements.items.iter().all(|s| s.plan.captured().is_some()));
}
