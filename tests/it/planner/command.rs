//! The planner model as a user meets it: over the sample's snapshot, with no server anywhere.

use crate::harness::binary::pgwise;

pub(super) const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-workloads/shop/snapshot.json.zst");

#[test]
fn a_query_is_explained_from_a_snapshot_alone() {
    let run = pgwise(&["explain", "--snapshot", SNAPSHOT, "SELECT * FROM orders WHERE id = 5"]);
    run.ends(0, 10);
    run.prints(&["The planner model's plan", "Index Scan using orders_pkey on orders (cost=0.42..8.44 rows=1)"]);
}

#[test]
fn names_in_a_plan_do_nothing_to_a_terminal() {
    let query = "SELECT * FROM orders AS \"a\u{1b}[31m\u{9b}2J\" WHERE id = 5";
    for format in ["text", "json"] {
        let run = pgwise(&["explain", "--snapshot", SNAPSHOT, "--format", format, query]);
        run.ends(0, 10);
        assert!(!run.stdout.contains(|c: char| c.is_control() && c != '\n'), "{:?}", run.stdout);
    }
}

#[test]
fn what_cannot_be_explained_is_one_message() {
    let two = pgwise(&["explain", "--snapshot", SNAPSHOT, "SELECT 1; SELECT 2"]);
    two.fails(10, &["not exactly one query"]);
    let unknown = pgwise(&["explain", "--snapshot", SNAPSHOT, "SELECT * FROM no_such_table"]);
    unknown.fails(10, &["no_such_table"]);
}

#[test]
fn the_model_advises_on_a_snapshot_and_says_so() {
    let run = pgwise(&["analyze", "--snapshot", SNAPSHOT, "--what-if", "model", "--format", "json"]);
    run.ends(0, 30);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("a report");
    assert_eq!(report["cost_source"]["kind"], "model");
    let advised = report["recommendations"].as_array().expect("a list");
    let by_model = advised.iter().filter(|r| r["kind"] == "create_index" && r["evidence"] == "model");
    assert!(by_model.clone().count() >= 10, "{}", by_model.count());
    assert!(advised.iter().all(|r| r["evidence"] != "planner"), "no planner was asked");
}
