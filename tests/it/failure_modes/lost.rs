//! The server goes away while it is asked.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use pgwise::throwaway::Server;
use tempfile::TempDir;
use tokio_postgres::Client;

use super::own_server;
use crate::harness::binary::{Run, start};
use crate::harness::connect;

/// Statements enough to be still at it when the server stops: each takes a while to plan, as planning folds the call.
const STATEMENTS: usize = 30;

pub(super) async fn slow_workload(url: &str) -> (Client, TempDir) {
    let admin = connect(url).await;
    let columns: Vec<String> = (0..10).map(|i| format!("c{i} int not null")).collect();
    let values: Vec<String> = (0..10).map(|i| format!("i % {}", 1000 + i)).collect();
    let set_up = format!(
        "create extension pg_stat_statements;
         create function slow() returns int immutable language plpgsql
             as 'begin perform pg_sleep(0.05); return 1; end';
         create table t ({}); insert into t select {} from generate_series(1, 20000) i",
        columns.join(", "),
        values.join(", ")
    );
    admin.batch_execute(&set_up).await.expect("set up");
    admin.batch_execute("analyze t").await.expect("analyze");
    let mut text = String::new();
    for i in 0..STATEMENTS {
        let (a, b) = (i % 10, i / 10);
        writeln!(text, "select c{b} from t where c{a} = slow() and c{b} = $1;").expect("to a string");
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("w.sql"), text).expect("written");
    (admin, folder)
}

/// Analyses the slow workload, stops the server once this query counts something, and gives how the run ended and how
/// long after that.
async fn stopped_when(server: Server, what_if: &str, counts: &str) -> (Run, Duration) {
    let url = server.url("postgres");
    let (admin, folder) = slow_workload(&url).await;
    if what_if == "hypopg" {
        admin.batch_execute("create extension hypopg").await.expect("the caller looked");
    }
    let report = folder.path().join("report.json");
    let report = report.to_str().expect("UTF-8");
    let sql = folder.path().join("w.sql");
    let sql = sql.to_str().expect("UTF-8");
    let mut run = start(&["analyze", "--what-if", what_if, "--url", &url, "--sql", sql, "-o", report]);
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let row = admin.query_one(counts, &[]).await.expect("counts");
        if row.get::<_, i64>(0) > 0 {
            break;
        }
        assert!(run.is_running(), "it ended before the server could be stopped");
        assert!(Instant::now() < deadline, "it never came so far");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stopped = Instant::now();
    tokio::task::spawn_blocking(move || server.stop()).await.expect("stops");
    let ended = tokio::task::spawn_blocking(|| run.finish()).await.expect("ends");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("ours").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["w.sql"], "nothing is written, whole or half");
    (ended, stopped.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_while_statements_are_explained() {
    let Some(server) = own_server(&[]) else { return };
    let counts = "select count(*) from pg_stat_activity where application_name = 'pgwise' and query like '%EXPLAIN%'";
    let (run, after) = stopped_when(server, "rule", counts).await;
    run.fails(30, &["the server was lost while the database was read", "see the server's log, then run again"]);
    assert!(after < Duration::from_secs(10), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_while_it_is_asked_what_indexes_would_bring() {
    let Some(server) = own_server(&[]) else { return };
    let available = "select from pg_available_extensions where name = 'hypopg'";
    if connect(&server.url("postgres")).await.query_opt(available, &[]).await.expect("lists").is_none() {
        crate::harness::skipping("the server has no HypoPG");
        return;
    }
    let counts = "select count(*) from pg_stat_statements where query like '%hypopg_create_index(asked%'";
    let (run, after) = stopped_when(server, "hypopg", counts).await;
    run.fails(60, &["the analysis was broken off, and no report was written", "lost", "see the server's log"]);
    assert!(after < Duration::from_secs(10), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_ended_by_hand_do_not_end_the_run() {
    let Some(server) = own_server(&[]) else { return };
    let url = server.url("postgres");
    let (admin, folder) = slow_workload(&url).await;
    let sql = folder.path().join("w.sql");
    let sql = sql.to_str().expect("UTF-8");
    let mut run = start(&["analyze", "--what-if", "rule", "--format", "json", "--url", &url, "--sql", sql]);
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
               where application_name = 'pgwise' and query like '%EXPLAIN%'";
    let mut ended = 0;
    while ended == 0 && run.is_running() {
        ended = admin.query_one(end, &[]).await.expect("ends them").get::<_, i64>(0);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(ended > 0, "it ended before its sessions could be");
    let run = tokio::task::spawn_blocking(|| run.finish()).await.expect("ends");
    run.ends(0, 30);
    assert_eq!(run.json()["workload"]["statements_analysed"], STATEMENTS);
}
