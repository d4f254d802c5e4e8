//! What users and extensions define: functions, operators, types and casts are planned as the server plans them.

#![expect(clippy::unwrap_used, reason = "a test")]

use pgwise::collect::{CollectOptions, collect};
use pgwise::planner::PlanTree;
use pgwise::progress::Silent;
use pgwise::snapshot::{Snapshot, ValuesPolicy};
use pgwise::whatif::model;

use super::join::server_plan;
use crate::harness;

const SCHEMA: &str = include_str!("extension/schema.sql");
const STATEMENTS: &str = include_str!("extension/statements.sql");
const EXTENSIONS: [&str; 7] = ["pg_trgm", "citext", "hstore", "ltree", "btree_gin", "cube", "intarray"];

/// Scans and joins from the top down.
fn nodes(tree: &PlanTree, into: &mut Vec<String>) {
    into.push(format!("{} {}", tree.node, tree.index.as_deref().unwrap_or_default()));
    for child in &tree.children {
        nodes(child, into);
    }
}

async fn snapshot(database: &harness::Database) -> Snapshot {
    let options = CollectOptions { explain: false, values: ValuesPolicy::All, ..CollectOptions::default() };
    collect(&database.pool().await, &options, &Silent).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_define_costs_what_the_server_says() {
    let database = harness::database("extensions").await;
    for extension in EXTENSIONS {
        database.extension(extension).await;
    }
    database.execute(SCHEMA).await;
    database.execute("vacuum analyze").await;
    let snapshot = snapshot(&database).await;
    assert!(snapshot.not_seen.iter().all(|n| n.part != "functions" && n.part != "types"), "{:?}", snapshot.not_seen);
    let client = database.client().await;
    let mut wrong = Vec::new();
    for sql in STATEMENTS.lines().filter(|line| !line.is_empty()) {
        let server = server_plan(&client, sql).await;
        let (cost, rows) = (server["Total Cost"].as_f64().unwrap(), server["Plan Rows"].as_f64().unwrap());
        match model::explain(&snapshot, sql) {
            Err(why) => wrong.push(format!("{sql}\n  {why}")),
            Ok(plan) => {
                let root = &plan.root;
                if (root.total_cost / cost - 1.0).abs() > 0.01 || (root.rows - rows).abs() > 0.5 {
                    let mut shown = Vec::new();
                    nodes(root, &mut shown);
                    wrong.push(format!(
                        "{sql}\n  server {cost} {rows}, model {} {}: {shown:?} {:?}\n{server}",
                        root.total_cost, root.rows, plan.notes
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
