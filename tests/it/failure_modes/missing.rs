//! The database lacks something that the analysis lives on.

use super::own_server;
use crate::harness::binary::pgwise;
use crate::harness::{self, connect};

#[tokio::test]
async fn an_empty_database_is_not_a_sound_one() {
    let database = harness::database("fail_empty").await;
    if !database.extension("pg_stat_statements").await {
        return;
    }
    let run = pgwise(&["analyze", "--url", database.url()]);
    run.ends(0, 10);
    run.prints(&["looked at 0 tables and 0 statements", "says nothing about the indexes"]);
    assert_eq!(run.stderr, "");
    let json = pgwise(&["analyze", "--format", "json", "--url", database.url()]).json();
    assert_eq!(json["source"]["tables"], 0);
    assert_eq!(json["workload"]["statements_analysed"], 0);

    // With a table and a statement that needs nothing, it reads differently.
    database
        .execute(
            "create table t (id int primary key, v int); insert into t select i, i from generate_series(1, 3000) i",
        )
        .await;
    database.execute("analyze t").await;
    database.client().await.query("select v from t where id = $1", &[&1]).await.expect("runs");
    let run = pgwise(&["analyze", "--url", database.url()]);
    run.ends(0, 10);
    run.prints(&["Nothing to change"]);
    let json = pgwise(&["analyze", "--format", "json", "--url", database.url()]).json();
    assert_eq!(json["source"]["tables"], 1);
}

#[tokio::test]
async fn without_the_statements_extension_the_way_to_it_is_given_and_works() {
    let database = harness::database("fail_statements").await;
    database.execute("create table t (id int primary key, v int); create index on t (v); create index on t (v)").await;
    database.execute("insert into t select i, i from generate_series(1, 5000) i").await;
    database.execute("analyze t").await;
    let run = pgwise(&["analyze", "--url", database.url()]);
    run.fails(
        10,
        &["no workload to analyse", "pg_stat_statements is not installed", "CREATE EXTENSION pg_stat_statements"],
    );
    // What could be judged without a workload: one of two duplicates goes.
    run.prints(&["DROP INDEX CONCURRENTLY public.t_v_idx", "no statement was counted"]);
    let json = pgwise(&["analyze", "--format", "json", "--url", database.url()]);
    assert_eq!(json.code, Some(2));
    assert_eq!(json.json()["recommendations"][0]["kind"], "drop_index");
    if database.extension("pg_stat_statements").await {
        let run = pgwise(&["analyze", "--url", database.url()]);
        run.ends(0, 10);
        assert_eq!(run.stderr, "");
    }
}

#[tokio::test]
async fn a_server_that_did_not_load_the_library_says_so() {
    let Some(server) = own_server(&[("shared_preload_libraries", "")]) else { return };
    let url = server.url("postgres");
    connect(&url).await.batch_execute("create extension pg_stat_statements").await.expect("contrib");
    let run = pgwise(&["analyze", "--url", &url]);
    run.fails(
        10,
        &["pg_stat_statements is installed but not loaded", "ALTER SYSTEM SET shared_preload_libraries", "restart"],
    );
    run.prints(&["0 statements"]);
}

#[tokio::test]
async fn without_hypopg_a_twin_or_else_the_model_judges_and_says_so() {
    let database = harness::database("fail_hypopg").await;
    if !database.extension("pg_stat_statements").await {
        return;
    }
    database
        .execute(
            "create table t (id int primary key, v int not null, w text);
             insert into t select i, i, repeat('x', 50) from generate_series(1, 50000) i",
        )
        .await;
    database.execute("analyze t").await;
    let client = database.client().await;
    for i in 1..20 {
        client.query("select w from t where v = $1", &[&i]).await.expect("runs");
    }
    let run = pgwise(&["analyze", "--url", database.url()]);
    run.ends(0, 10);
    run.prints(&["HypoPG is not installed in this database", "USING btree (v)"]);
    assert_eq!(run.stderr, "");
    let json = pgwise(&["analyze", "--format", "json", "--url", database.url()]).json();
    // Where there are server programs of its version.
    let twin = json["cost_source"]["kind"] == "twin";
    assert!(twin || json["cost_source"]["kind"] == "model");
    assert_eq!(json["recommendations"][0]["evidence"], if twin { "planner" } else { "model" });
    let json = pgwise(&["analyze", "--what-if", "rule", "--format", "json", "--url", database.url()]).json();
    assert_eq!(json["recommendations"][0]["evidence"], "rule");

    let run = pgwise(&["analyze", "--what-if", "hypopg", "--url", database.url()]);
    run.fails(10, &["HypoPG is not installed in this database", "CREATE EXTENSION hypopg"]);
    assert_eq!(run.stdout, "");
    if database.extension("hypopg").await {
        let run = pgwise(&["analyze", "--what-if", "hypopg", "--format", "json", "--url", database.url()]);
        run.ends(0, 10);
        assert_eq!(run.json()["recommendations"][0]["evidence"], "planner");
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_to_plan_is_modelled_or_left_out_with_the_reason() {
    let database = harness::database("fail_slow_plan").await;
    database
        .execute(
            "create function slow() returns int immutable language plpgsql
                 as 'begin perform pg_sleep(20); return 1; end';
             create table t (id int primary key, v int not null);
             insert into t select i, i from generate_series(1, 5000) i",
        )
        .await;
    database.execute("analyze t").await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("w.sql");
    // Planning folds the call, and so makes it.
    std::fs::write(&file, "select id from t where v = slow();\nselect id from t where v = $1;\n").expect("written");
    let sql = file.to_str().expect("UTF-8");
    let json = ["analyze", "--format", "json", "--statement-timeout", "1s", "--sql", sql, "--url", database.url()];
    let run = pgwise(&json);
    run.ends(0, 15);
    let report = run.json();
    assert_eq!(report["workload"]["statements_seen"], 2);
    let reasons = report["not_evaluated"].to_string() + &report["workload"]["skipped"].to_string();
    // Left out, unless the planner model knows better than to call the function.
    let modelled = report["workload"]["statements_analysed"] == 2;
    assert!(modelled || reasons.contains("statement time"), "{reasons}");
    // Where nothing at all can be read in the time given, there is no report.
    let run = pgwise(&["analyze", "--statement-timeout", "0", "--sql", sql, "--url", database.url()]);
    assert_eq!(run.code, Some(2));
}
