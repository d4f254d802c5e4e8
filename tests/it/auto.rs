//! `--what-if auto`: the planner model searches, and the best real planner at hand proves.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::PathBuf;
use std::sync::Arc;

use pgwise::advise::{self, Options};
use pgwise::progress::Silent;
use pgwise::snapshot::{PlanOutcome, Snapshot, file};
use pgwise::whatif::model::ModelSource;
use pgwise::whatif::proving::Proving;
use pgwise::whatif::twin::TwinOptions;
use pgwise::workload;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::binary::pgwise;
use crate::harness::{self, skipping};
use crate::twin::build_with;

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-workloads/shop/snapshot.json.zst");

const SCHEMA: &str = "
    create table orders (id int primary key, customer int not null, state text not null, doc jsonb, placed int not null);
    insert into orders select i, i % 5000, (array['new', 'paid', 'sent'])[1 + i % 3], jsonb_build_object('k', i % 1000), i
        from generate_series(1, 50000) i";
const STATEMENTS: &str = "
    select * from orders where customer = 77;
    select id from orders where placed between 100 and 120 order by placed;
    select * from orders where doc @> '{\"k\": 7}';";

fn shop() -> Snapshot {
    file::read(std::fs::File::open(SHOP).unwrap()).unwrap()
}

fn write(folder: &TempDir, snapshot: &Snapshot) -> String {
    let path = folder.path().join("snapshot.json");
    std::fs::write(&path, serde_json::to_string(snapshot).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "where the test server's programs are is the environment's to say")]
fn pg_bin() -> Option<PathBuf> {
    std::env::var_os("PGWISE_TEST_PG_BIN").map(Into::into)
}

/// `analyze --snapshot` with a twin, where there are server programs for one.
async fn with_twin(snapshot: &Snapshot, path: &str) -> Option<Value> {
    let Some(twin) = build_with(snapshot, TwinOptions::default()).await else {
        skipping("no server programs of the snapshot's major version");
        return None;
    };
    drop(twin);
    let mut arguments = vec!["analyze", "--snapshot", path, "--format", "json"];
    let folder = pg_bin();
    if let Some(folder) = &folder {
        arguments.extend(["--pg-bin", folder.to_str().unwrap()]);
    }
    let run = pgwise(&arguments);
    run.ends(0, 120);
    Some(run.json())
}

fn created(report: &Value) -> Vec<&Value> {
    report["recommendations"].as_array().unwrap().iter().filter(|r| r["kind"] == "create_index").collect()
}

/// Doubles what the server said that the most expensive statements cost.
fn doctor(snapshot: &mut Snapshot, statements: usize) {
    let mut left = statements;
    for item in &mut snapshot.statements.items {
        if let PlanOutcome::Captured(plan) = &mut item.plan
            && left > 0
            && let Some(cost) = plan.json["Plan"]["Total Cost"].as_f64().filter(|cost| *cost > 1000.0)
        {
            plan.json["Plan"]["Total Cost"] = Value::from(2.0 * cost);
            left -= 1;
        }
    }
    assert_eq!(left, 0, "so many statements with a plan");
}

#[test]
fn a_file_is_all_that_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let mut snapshot = shop();
    // Without a schema there is nothing to build a twin from.
    snapshot.schema = None;
    let path = write(&folder, &snapshot);
    let run = pgwise(&["analyze", "--snapshot", &path, "--format", "json"]);
    run.ends(0, 60);
    let report = run.json();
    let source = &report["cost_source"];
    assert_eq!((&source["kind"], &source["searched_by"]), (&"model".into(), &"model".into()), "{source}");
    assert!(source["proved_by"].is_null() && source["proof_questions"] == 0, "{source}");
    assert!(source["statements_compared"].as_u64() > Some(40) && source["statements_disagreeing"] == 0, "{source}");
    assert!(source["note"].as_str().unwrap().contains("no real planner proved the outcome"), "{source}");
    assert!(created(&report).len() >= 10);
    for one in created(&report) {
        assert!(one["evidence"] == "model" || one["evidence"] == "rule", "{one}");
    }
    let forms = ["table", "markdown", "sql"].map(|format| {
        let run = pgwise(&["analyze", "--snapshot", &path, "--format", format]);
        run.ends(0, 60);
        run.stdout
    });
    for form in forms {
        let flat = form.split_whitespace().filter(|word| *word != "--").collect::<Vec<_>>().join(" ");
        assert!(flat.contains("within 10 % of the server's"), "{form}");
    }
}

#[test]
fn advice_for_statements_that_the_model_gets_wrong_is_doubted() {
    let folder = tempfile::tempdir().unwrap();
    let mut snapshot = shop();
    snapshot.schema = None;
    doctor(&mut snapshot, 5);
    let path = write(&folder, &snapshot);
    let run = pgwise(&["analyze", "--snapshot", &path, "--format", "json"]);
    run.ends(0, 60);
    let report = run.json();
    assert_eq!(report["cost_source"]["statements_disagreeing"], 5);
    assert!(created(&report).iter().any(|r| r["evidence"] == "model" && r["confidence"] == "low"));
    assert!(created(&report).iter().any(|r| r["evidence"] == "model" && r["confidence"] == "medium"));
    pgwise(&["analyze", "--snapshot", &path]).prints(&["are more than 10 % off the server's"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_proves_what_the_model_found() {
    let mut snapshot = shop();
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, &snapshot);
    let Some(report) = with_twin(&snapshot, &path).await else { return };
    let source = &report["cost_source"];
    assert_eq!((&source["kind"], &source["searched_by"]), (&"twin".into(), &"model".into()), "{source}");
    assert_eq!(source["proved_by"], "twin");
    assert!(source["proof_questions"].as_u64() > Some(0), "{source}");
    assert!(source["proof_questions"].as_u64() < source["search_questions"].as_u64(), "{source}");
    let proved = created(&report).iter().filter(|r| r["evidence"] == "planner").count();
    assert!(proved >= 10, "{proved}");

    // What the model is off at the twin costs in the search, too.
    doctor(&mut snapshot, 5);
    let path = write(&folder, &snapshot);
    let Some(report) = with_twin(&snapshot, &path).await else { return };
    let source = &report["cost_source"];
    assert!(source["statements_disagreeing"].as_u64() >= Some(5), "{source}");
    assert!(created(&report).iter().all(|r| r["confidence"] != "low" || r["evidence"] != "planner"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hypopg_proves_on_a_live_database() {
    let database = harness::database("auto_live").await;
    if !database.extension("hypopg").await {
        return;
    }
    database.execute(SCHEMA).await;
    database.execute("vacuum analyze").await;
    let folder = tempfile::tempdir().unwrap();
    let sql = folder.path().join("w.sql");
    std::fs::write(&sql, STATEMENTS).unwrap();
    let run = pgwise(&["analyze", "--url", database.url(), "--sql", sql.to_str().unwrap(), "--format", "json"]);
    run.ends(0, 60);
    let report = run.json();
    let source = &report["cost_source"];
    assert_eq!((&source["searched_by"], &source["proved_by"]), (&"model".into(), &"hypopg".into()), "{source}");
    assert_eq!(source["statements_compared"], 3, "{source}");
    let btree = created(&report).into_iter().find(|r| r["index"]["columns"][0] == "customer").unwrap();
    assert_eq!(btree["evidence"], "planner");
    // HypoPG does not know GIN: a twin says it, or the model alone.
    let gin = created(&report).into_iter().find(|r| r["index"]["method"] == "gin").unwrap();
    assert!(gin["evidence"] == "planner" || gin["evidence"] == "model", "{gin}");
}

#[test]
fn the_number_of_threads_shows_in_nothing() {
    let snapshot = Arc::new(shop());
    let workload = workload::bind(&snapshot);
    let reports: Vec<String> = [1, 4]
        .into_iter()
        .map(|threads| {
            let model = ModelSource::new(&snapshot, threads).unwrap();
            let mut source = Proving::new(&snapshot, model, Box::new(|| Err("none".to_owned())));
            let report = advise::advise(&snapshot, &workload, Some(&mut source), &Options::default(), &Silent).unwrap();
            serde_json::to_string_pretty(&report).unwrap()
        })
        .collect();
    assert!(reports[0].contains("\"evidence\": \"model\""));
    assert_eq!(reports[0], reports[1]);
}
