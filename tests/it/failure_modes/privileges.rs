//! A role that may do nothing but connect.

use super::as_role;
use crate::harness;
use crate::harness::binary::pgwise;

#[tokio::test]
async fn a_role_with_only_connect_gets_the_grants_that_it_needs() {
    let database = harness::database("fail_connect_only").await;
    if !database.extension("pg_stat_statements").await {
        return;
    }
    // A name that a GRANT must quote.
    let role = format!("Only Connect {}", std::process::id());
    database
        .execute(&format!(
            "create role \"{role}\" login password 'pw'; revoke all on schema public from public;
             create table t (id int primary key, v int not null, w text);
             insert into t select i, i, repeat('x', 50) from generate_series(1, 50000) i"
        ))
        .await;
    database.execute("analyze t").await;
    database.forget_statements().await;
    let client = database.client().await;
    for i in 1..20 {
        client.query("select w from t where v = $1", &[&i]).await.expect("runs");
    }
    let url = as_role(database.url(), &role.replace(' ', "%20"), "pw");
    let run = pgwise(&["analyze", "--url", &url]);
    // In the schema where the extension is, the view itself is out of sight.
    let usage = run.stderr.contains("USAGE ON SCHEMA");
    if usage {
        run.fails(10, &["no workload to analyse", "permission denied"]);
        database.execute(&grant(&run.stderr)).await;
    }
    let run = pgwise(&["analyze", "--url", &url]);
    run.fails(10, &["no workload to analyse", "may not read the texts", "GRANT pg_read_all_stats TO"]);
    run.prints(&["0 of", "no privilege to read 1 of 1 tables", "GRANT pg_read_all_data TO"]);
    database.execute(&grant(&run.stderr)).await;

    // Texts are seen; the statistics and plans need the other grant that the report names.
    let run = pgwise(&["analyze", "--format", "json", "--url", &url]);
    run.ends(0, 10);
    let report = run.json();
    let missing = report["not_evaluated"].as_array().expect("a list");
    let statistics = missing.iter().find(|n| n["what"] == "statistics").expect("says what is hidden");
    database.execute(statistics["remedy"].as_str().expect("a grant")).await;
    let run = pgwise(&["analyze", "--format", "json", "--url", &url]);
    run.ends(0, 10);
    let report = run.json();
    let missing = report["not_evaluated"].as_array().expect("a list");
    assert!(!missing.iter().any(|n| n.to_string().contains("GRANT")), "{missing:?}");
    assert_eq!(report["recommendations"][0]["index"]["columns"], serde_json::json!(["v"]));
    database.execute(&format!("drop owned by \"{role}\"; drop role \"{role}\"")).await;
}

/// The statements of the hint.
fn grant(stderr: &str) -> String {
    let (_, hint) = stderr.split_once("hint:").expect("a hint");
    hint.trim().to_owned()
}

#[tokio::test]
async fn a_role_that_may_not_call_hypopg_is_told() {
    let database = harness::database("fail_hypopg_schema").await;
    let statements = database.extension("pg_stat_statements").await;
    if !statements || !database.extension("hypopg").await {
        return;
    }
    let role = format!("no_hypopg_{}", std::process::id());
    let set_up = format!(
        "create role {role} login password 'pw'; grant pg_monitor to {role};
         create schema shut; alter extension hypopg set schema shut; create table t (id int primary key)"
    );
    database.execute(&set_up).await;
    let url = as_role(database.url(), &role, "pw");
    let run = pgwise(&["analyze", "--url", &url]);
    run.ends(0, 10);
    run.prints(&["HypoPG cannot be used: permission denied for schema shut"]);
    let run = pgwise(&["analyze", "--what-if", "hypopg", "--url", &url]);
    run.fails(10, &["HypoPG cannot be used: permission denied for schema shut", "hint:"]);
    database.execute(&format!("drop owned by {role}; drop role {role}")).await;
}
