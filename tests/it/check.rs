//! `pgwise check` against the shop's snapshot: what a migration does to the workload of production.

#![allow(clippy::unwrap_used, reason = "a test's helper fails by panicking, as the test does")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use pgwise::check::{InputFile, Options, check};
use pgwise::report::{CheckReport, Finding, check_schema};
use pgwise::snapshot::{Snapshot, file};
use pgwise::whatif::model::ModelSource;

fn shop() -> Arc<Snapshot> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-workloads/shop/snapshot.json.zst");
    Arc::new(file::read(File::open(path).unwrap()).unwrap())
}

fn judge(snapshot: &Arc<Snapshot>, text: &str) -> CheckReport {
    let files = [InputFile { path: "m.sql".to_owned(), text: text.to_owned(), judged: true }];
    let mut model = ModelSource::new(snapshot, 1).unwrap();
    let options = Options { assume_lock_timeout: true, ..Options::default() };
    check(&files, Some(snapshot), Some(&mut model), &options)
}

fn finding<'r>(report: &'r CheckReport, rule: &str) -> Option<&'r Finding> {
    report.findings.iter().find(|f| f.rule == rule)
}

#[test]
fn dropping_an_index_that_production_uses_is_a_regression_with_numbers() {
    let snapshot = shop();
    let plans: Vec<String> =
        snapshot.statements.items.iter().filter_map(|s| s.plan.captured()).map(|p| p.json.to_string()).collect();
    let used = snapshot
        .catalog
        .indexes()
        .map(|(_, i)| i)
        .filter(|i| i.constraint.is_none() && plans.iter().any(|p| p.contains(&format!("\"{}\"", i.name))));
    let mut regressions = 0;
    for index in used {
        let report = judge(&snapshot, &format!("DROP INDEX CONCURRENTLY {};", index.name));
        // Another index may serve just as well: then nothing is said.
        let Some(found) = finding(&report, "plan-regression") else { continue };
        assert!(found.evidence["cost_after"] > found.evidence["cost_before"] * 1.2, "{found:?}");
        assert!(found.message.contains(&index.name) && !found.queryids.is_empty(), "{found:?}");
        regressions += 1;
    }
    assert!(regressions > 0, "the shop has an index that its workload needs");
    let unused = snapshot
        .catalog
        .indexes()
        .map(|(_, i)| i)
        .find(|i| i.constraint.is_none() && !i.unique && !plans.iter().any(|p| p.contains(&i.name)));
    let unused = unused.expect("the shop has an index that no plan uses");
    let report = judge(&snapshot, &format!("DROP INDEX CONCURRENTLY {};", unused.name));
    assert!(finding(&report, "plan-regression").is_none(), "{:?}", report.findings);
}

#[test]
fn a_statement_that_names_what_goes_is_broken() {
    let snapshot = shop();
    let report = judge(&snapshot, "ALTER TABLE orders RENAME COLUMN status TO state;");
    let found = finding(&report, "broken-query").unwrap();
    assert!(found.evidence["statements"] >= 1.0 && found.message.contains("orders.status"), "{found:?}");
    assert!(finding(&report, "rename").is_some());
}

#[test]
fn an_index_that_nothing_uses_or_that_another_serves_is_said() {
    let snapshot = shop();
    let primary = "CREATE INDEX CONCURRENTLY again ON orders (id);";
    let report = judge(&snapshot, primary);
    assert!(finding(&report, "redundant-index-added").is_some(), "{:?}", report.findings);
    assert!(finding(&report, "plan-regression").is_none());
}

#[test]
fn a_foreign_key_without_an_index_is_said_and_one_with_it_is_not() {
    let snapshot = shop();
    let bare = "ALTER TABLE orders ADD COLUMN coupon_id bigint;\n\
                ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (coupon_id) REFERENCES users (id) NOT VALID;";
    assert!(finding(&judge(&snapshot, bare), "unindexed-foreign-key-added").is_some());
    let indexed = format!("{bare}\nCREATE INDEX CONCURRENTLY ON orders (coupon_id);");
    assert!(finding(&judge(&snapshot, &indexed), "unindexed-foreign-key-added").is_none());
}

#[test]
fn sizes_turn_severity_up_and_down() {
    let snapshot = shop();
    let mut tables: Vec<_> =
        snapshot.catalog.tables.iter().filter(|t| t.partition_of.is_none() && t.rows().is_some()).collect();
    tables.sort_by(|a, b| a.rows().unwrap().total_cmp(&b.rows().unwrap()));
    let (small, big) = (tables.first().unwrap(), tables.last().unwrap());
    assert!(small.rows().unwrap() < 1000.0, "the shop has a small table");
    let index = |name: &str, column: &str| format!("CREATE INDEX i ON {name} ({column});");
    let on_small = judge(&snapshot, &index(&small.name, &small.columns[0].name));
    assert!(finding(&on_small, "index-not-concurrent").is_none());
    let on_big = judge(&snapshot, &index(&big.name, &big.columns[0].name));
    assert!(finding(&on_big, "index-not-concurrent").unwrap().evidence["rows"] >= 100_000.0);
}

#[test]
fn the_report_validates_against_its_schema() {
    let snapshot = shop();
    let report = judge(&snapshot, "ALTER TABLE orders DROP COLUMN status;\nSELEC 1;");
    let json = serde_json::to_value(&report).unwrap();
    let validator = jsonschema::validator_for(&check_schema()).unwrap();
    assert!(validator.is_valid(&json), "{:?}", validator.iter_errors(&json).map(|e| e.to_string()).collect::<Vec<_>>());
}
