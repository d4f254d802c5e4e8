//! What a report says to run, runs as it is in psql, on a database whose names break careless quoting.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::binary::{self, pgwise};
use crate::harness::{self, Database};

/// Mixed case, quotes, blanks, keywords, letters beyond ASCII, and names as long as names get.
const SCHEMA: &str = r#"
    create schema "Sales ""East""";
    create table "Sales ""East"""."Order" (
        "Id" int primary key, "user" int not null, "select" text not null, "größe" int not null, "a.b" timestamptz not null,
        "it's; --" text, "$1" int not null, a_name_that_is_as_long_as_the_server_lets_a_column_name_ever_be int not null);
    insert into "Sales ""East"""."Order"
        select i, i * 7919 % 20000, 'State ' || i % 40000, i % 30011, timestamptz '2025-01-01' + i * interval '1 minute',
               case when i % 100 = 0 then 'note ' || i end, i % 25013, i % 30013
        from generate_series(1, 60000) i;
    create table "table" ("order" int primary key, "group" jsonb not null, "where" text not null, "from" text[] not null);
    insert into "table"
        select i, jsonb_build_object('k', i % 900), 'Some text number ' || i, array['t' || i % 700, 'u' || i % 911]
        from generate_series(1, 30000) i;
    create index "Copy 1" on "table" ("where"); create index "Copy ""2""" on "table" ("where");
    create table "Parts" ("At" date not null, "Sensor" int not null, v float8) partition by range ("At");
    create table "Parts 1" partition of "Parts" for values from ('2025-01-01') to ('2025-07-01');
    create table "Parts 2" partition of "Parts" for values from ('2025-07-01') to ('2026-01-01');
    insert into "Parts" select date '2025-01-01' + i % 365, i * 31 % 5003, i from generate_series(1, 60000) i;
"#;

const WORKLOAD: &[&str] = &[
    r#"select "Id" from "Sales ""East"""."Order" where "user" = 7"#,
    r#"select "Id" from "Sales ""East"""."Order" where lower("select") = 'state 5'"#,
    r#"select * from "Sales ""East"""."Order" where "größe" = 5 order by "a.b" desc limit 3"#,
    r#"select "Id" from "Sales ""East"""."Order" where "$1" = 5 and "it's; --" is not null"#,
    r#"select "Id" from "Sales ""East"""."Order"
       where a_name_that_is_as_long_as_the_server_lets_a_column_name_ever_be = 5"#,
    r#"select "order" from "table" where "group" @> '{"k": 5}'"#,
    r#"select "order" from "table" where "where" ilike '%number 77%'"#,
    r#"select "order" from "table" where "from" @> array['t5']"#,
    r#"select v from "Parts" where "Sensor" = 17"#,
];

async fn database(topic: &str) -> Option<Database> {
    let database = harness::database(topic).await;
    if !database.extension("pg_stat_statements").await {
        return None;
    }
    database.execute(SCHEMA).await;
    database.execute("vacuum analyze").await;
    database.forget_statements().await;
    let client = database.client().await;
    for statement in WORKLOAD {
        for _ in 0..8 {
            client.batch_execute(statement).await.unwrap_or_else(|e| panic!("{statement}: {e:?}"));
        }
    }
    Some(database)
}

/// Runs a script as `psql -v ON_ERROR_STOP=1` does from a pipe.
fn psql(database: &Database, script: &str) {
    let mut child = Command::new(binary::psql())
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.url()])
        .env("PGCLIENTENCODING", "UTF8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql runs");
    let mut stdin = child.stdin.take().expect("piped");
    // psql leaves at the first error, and what is then still to be read is told to nobody.
    stdin.write_all(script.as_bytes()).ok();
    drop(stdin);
    let output = child.wait_with_output().expect("psql ends");
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn report(database: &Database, what_if: &str) -> Value {
    let arguments =
        ["analyze", "--format", "json", "--min-history", "0", "--what-if", what_if, "--url", database.url()];
    let run = pgwise(&arguments);
    run.ends(0, 20);
    validate(&run.json());
    run.json()
}

/// Against the schema that is published, not the one that the types would give.
fn validate(report: &Value) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/report.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).expect("kept")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(report).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn recommendations(report: &Value) -> &[Value] {
    report["recommendations"].as_array().expect("a list")
}

fn strings<'a>(recommendations: &'a [Value], key: &str) -> Vec<&'a str> {
    recommendations.iter().map(|r| r[key].as_str().expect("text")).collect()
}

fn prerequisites(report: &Value) -> Vec<&str> {
    let lists = recommendations(report).iter().filter_map(|r| r["prerequisites"].as_array());
    lists.flatten().map(|p| p.as_str().expect("text")).collect()
}

async fn indexes(database: &Database) -> (i64, i64) {
    let sql = "select count(*), count(*) filter (where not indisvalid) from pg_index i
               join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
               where n.nspname in ('public', 'Sales \"East\"')";
    let row = database.client().await.query_one(sql, &[]).await.expect("counts");
    (row.get(0), row.get(1))
}

async fn ddl_runs(database: &Database, what_if: &str) {
    let report = report(database, what_if);
    let advice = recommendations(&report);
    let all = strings(advice, "ddl").join("\n");
    for word in [r#""user""#, r#""Sensor""#, r#"DROP INDEX CONCURRENTLY public."Copy"#, "größe"] {
        assert!(all.contains(word), "no advice names {word}: {all}");
    }
    let before = indexes(database).await;
    psql(database, &prerequisites(&report).join("\n"));
    // What `jq -r '.recommendations[].ddl'` prints.
    psql(database, &(all + "\n"));
    let after = indexes(database).await;
    assert_ne!(before, after);
    assert_eq!(after.1, 0, "an index is not valid");
    // And back, the last first.
    let mut undo = strings(advice, "undo_ddl");
    undo.reverse();
    psql(database, &undo.join("\n"));
    assert_eq!(indexes(database).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn advice_of_rules_runs_as_it_is() {
    let Some(database) = database("psql_rule").await else { return };
    ddl_runs(&database, "rule").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn advice_of_the_planner_runs_as_it_is() {
    let Some(database) = database("psql_hypopg").await else { return };
    if !database.extension("hypopg").await {
        return;
    }
    ddl_runs(&database, "hypopg").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_of_the_report_runs_as_it_is() {
    let Some(database) = database("psql_script").await else { return };
    let run = pgwise(&["analyze", "--format", "sql", "--min-history", "0", "--url", database.url()]);
    run.ends(0, 20);
    let before = indexes(&database).await;
    psql(&database, &run.stdout);
    let after = indexes(&database).await;
    assert_ne!(before, after);
    assert_eq!(after.1, 0, "an index is not valid");
    // With the advice followed, it is not given again.
    let again = report(&database, "rule");
    let creates = recommendations(&again).iter().filter(|r| r["kind"] == "create_index");
    assert_eq!(creates.count(), 0, "{:#}", again["recommendations"]);
}
