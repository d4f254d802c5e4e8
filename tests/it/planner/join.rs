//! Joins of the model against EXPLAIN: every kind and method, two tables and many, with and without workers.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;

use pgwise::collect::{CollectOptions, collect};
use pgwise::planner::PlanTree;
use pgwise::progress::Silent;
use pgwise::snapshot::ValuesPolicy;
use pgwise::whatif::model;
use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::harness;

const SCHEMA: &str = include_str!("join/schema.sql");
const STATEMENTS: &str = include_str!("join/statements.sql");
/// Share of statements whose total cost must be the server's to the cent.
const LEAST_EXACT: f64 = 0.95;
/// Share within a hundredth.
const LEAST_CLOSE: f64 = 0.98;
/// How many of the worst are shown on failure.
const SHOWN: usize = 12;

pub(super) async fn server_plan(client: &Client, sql: &str) -> Value {
    let messages = client.simple_query(&format!("explain (format json) {sql}")).await.unwrap();
    let lines: Vec<&str> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    let mut plan: Value = serde_json::from_str(&lines.join("\n")).unwrap();
    plan[0]["Plan"].take()
}

fn draw_server(plan: &Value, depth: usize, out: &mut String) {
    let text = |name: &str| plan[name].as_str().unwrap_or_default();
    let _ = writeln!(
        out,
        "{:width$}{} {} {}{} {:.2}..{:.2} {} {}",
        "",
        text("Node Type"),
        text("Join Type"),
        text("Alias"),
        text("Index Name"),
        plan["Startup Cost"].as_f64().unwrap_or_default(),
        plan["Total Cost"].as_f64().unwrap_or_default(),
        plan["Plan Rows"],
        plan["Plan Width"],
        width = depth * 2
    );
    for child in plan["Plans"].as_array().into_iter().flatten() {
        draw_server(child, depth + 1, out);
    }
}

fn draw_model(plan: &PlanTree, depth: usize, out: &mut String) {
    let _ = writeln!(
        out,
        "{:width$}{} {}{} {:.2}..{:.2} {} {}",
        "",
        plan.node,
        plan.relation.as_deref().unwrap_or_default(),
        plan.index.as_deref().unwrap_or_default(),
        plan.startup_cost,
        plan.total_cost,
        plan.rows,
        plan.width,
        width = depth * 2
    );
    for child in &plan.children {
        draw_model(child, depth + 1, out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn join_costs_are_the_servers() {
    let database = harness::database("joins").await;
    database.execute(SCHEMA).await;
    database.execute("vacuum analyze").await;
    let options = CollectOptions { explain: false, values: ValuesPolicy::All, ..CollectOptions::default() };
    let snapshot = collect(&database.pool().await, &options, &Silent).await.unwrap();
    let client = database.client().await;
    let (mut exact, mut close, mut all) = (0.0, 0.0, 0.0);
    let mut worst: Vec<(f64, String)> = Vec::new();
    for sql in STATEMENTS.lines().filter(|line| !line.is_empty()) {
        all += 1.0;
        let server = server_plan(&client, sql).await;
        let cost = server["Total Cost"].as_f64().unwrap();
        let mut shown = String::new();
        draw_server(&server, 1, &mut shown);
        match model::explain(&snapshot, sql) {
            Err(why) => worst.push((f64::INFINITY, format!("{sql}\n{why}\n"))),
            Ok(found) => {
                let model = found.root;
                let off = (model.total_cost / cost - 1.0).abs();
                exact += f64::from(u8::from((model.total_cost - cost).abs() <= 0.011));
                close += f64::from(u8::from(off <= 0.01));
                if (model.total_cost - cost).abs() > 0.011 {
                    shown.push_str("model:\n");
                    draw_model(&model, 1, &mut shown);
                    worst.push((off, format!("{sql}\n{shown}")));
                }
            }
        }
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    let lines: Vec<String> = worst.iter().take(SHOWN).map(|(off, text)| format!("{off:.4}: {text}\n")).collect();
    let shown = lines.concat();
    let found = format!("{exact} of {all} to the cent, {close} within a hundredth\n{shown}");
    assert!(exact >= LEAST_EXACT * all && close >= LEAST_CLOSE * all, "{found}");
}
