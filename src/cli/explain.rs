//! `pgwise explain`: what PostgreSQL does with one query, and what the planner model makes of it.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::collect::{self, CollectOptions};
use crate::connect::Env;
use crate::plan::Explain;
use crate::planner::{Plan, PlanTree};
use crate::report::neutral;
use crate::snapshot::{PlanOutcome, Snapshot, Statement};
use crate::whatif::model;

use super::args::{ExplainArgs, ExplainFormat};
use super::failure::Failure;
use super::{Outcome, analyze, output, progress, session};

/// What the command prints.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    query: &'a str,
    /// The server's own plan, where there is a server.
    server: Option<Tree>,
    /// The planner model's.
    model: Option<Tree>,
    /// What the model does otherwise than the server.
    notes: Vec<String>,
}

/// A plan node.
#[derive(Debug, Serialize)]
struct Tree {
    node: String,
    startup_cost: f64,
    total_cost: f64,
    rows: f64,
    children: Vec<Tree>,
}

pub(super) fn run(args: ExplainArgs, env: &Env) -> Result<Outcome, Failure> {
    let text = read_query(&args.query)?;
    let mut statements = collect::statements_from_sql(&text);
    let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
        return Err(Failure::new("there is not exactly one query to explain")
            .hint("give one SELECT, INSERT, UPDATE, DELETE or MERGE, a file with one, or - for standard input"));
    };
    let settings = session::settings(args.collect, crate::config::AnalyzeSettings::default(), &args.config)?;
    let snapshot = match &args.snapshot {
        Some(path) => {
            let mut snapshot = analyze::read_snapshot(path)?;
            snapshot.statements = collect::from_files(vec![statement]);
            snapshot
        }
        None => live(args.connection.url.as_deref(), statement, &settings, env)?,
    };
    let item = snapshot.statements.items.first();
    let query = item.map_or(text.as_str(), |item| item.query.as_str());
    let server = item.and_then(|item| match &item.plan {
        PlanOutcome::Captured(plan) => Explain::from_json(&plan.json).ok(),
        _ => None,
    });
    let modelled = model::explain(&snapshot, query);
    if let (None, Err(error)) = (&server, &modelled) {
        return Err(Failure::new("the query has no plan").because(error.clone()));
    }
    let notes = match &modelled {
        Ok(plan) => plan.notes.clone(),
        Err(error) => vec![error.to_string()],
    };
    let explained = Explained {
        query,
        server: server.as_ref().map(|explain| of_server(explain, explain.root())),
        model: modelled.as_ref().ok().map(|plan: &Plan| of_model(&plan.root)),
        notes,
    };
    match args.format {
        ExplainFormat::Text => output::stdout(text_of(&explained).as_bytes())?,
        ExplainFormat::Json => {
            let json = serde_json::to_string_pretty(&explained)
                .map_err(|e| Failure::new("the plan cannot be written as JSON").because(e))?;
            output::stdout(format!("{}\n", neutral::json(&json)).as_bytes())?;
        }
    }
    Ok(Outcome::Clean)
}

/// The query: standard input for `-`, a file where there is one of that name, else the text itself.
fn read_query(argument: &str) -> Result<String, Failure> {
    if argument == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|e| Failure::new("cannot read the query from standard input").because(e))?;
        return Ok(text);
    }
    let path = Path::new(argument);
    if path.is_file() {
        return std::fs::read_to_string(path)
            .map_err(|e| Failure::new(format!("cannot read the SQL file {}", path.display())).because(e));
    }
    Ok(argument.to_owned())
}

/// A snapshot of a live database with this one statement and its plan.
fn live(
    url: Option<&str>,
    statement: Statement,
    settings: &crate::config::Settings,
    env: &Env,
) -> Result<Snapshot, Failure> {
    let progress = progress::for_stderr();
    session::runtime()?.block_on(async {
        let pool = session::connect(url, &settings.collect, env).await?;
        let statements = Some(vec![statement]);
        let options = CollectOptions { statements, ..session::collect_options(&settings.collect) };
        let snapshot = collect::collect(&pool, &options, Arc::clone(&progress).as_ref()).await?;
        pool.close();
        Ok(snapshot)
    })
}

fn of_server(explain: &Explain, node: &crate::plan::PlanNode) -> Tree {
    Tree {
        node: explain.describe(node),
        startup_cost: node.startup_cost,
        total_cost: node.total_cost,
        rows: node.plan_rows,
        children: explain.children(node).map(|child| of_server(explain, child)).collect(),
    }
}

fn of_model(tree: &PlanTree) -> Tree {
    let mut node = tree.node.clone();
    if let Some(index) = &tree.index {
        node.push_str(if tree.relation.is_some() { " using " } else { " on " });
        node.push_str(index);
    }
    if let Some(relation) = &tree.relation {
        node.push_str(" on ");
        node.push_str(relation);
    }
    Tree {
        node,
        startup_cost: tree.startup_cost,
        total_cost: tree.total_cost,
        rows: tree.rows,
        children: tree.children.iter().map(of_model).collect(),
    }
}

fn text_of(explained: &Explained<'_>) -> String {
    let mut text = String::new();
    for (title, tree) in [("PostgreSQL's plan", &explained.server), ("The planner model's plan", &explained.model)] {
        if let Some(tree) = tree {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{title}");
            write_tree(&mut text, tree, 1);
            text.push('\n');
        }
    }
    if let (Some(server), Some(model)) = (&explained.server, &explained.model)
        && server.total_cost > 0.0
    {
        let _ = writeln!(
            text,
            "The model's cost is {:.4} times the server's, its rows {:.4} times.",
            model.total_cost / server.total_cost,
            model.rows.max(1.0) / server.rows.max(1.0)
        );
    }
    for note in &explained.notes {
        let _ = writeln!(text, "Note: {}", neutral::line(note));
    }
    text
}

fn write_tree(text: &mut String, tree: &Tree, depth: usize) {
    let _ = writeln!(
        text,
        "{}{}  (cost={:.2}..{:.2} rows={:.0})",
        "  ".repeat(depth),
        neutral::line(&tree.node),
        tree.startup_cost,
        tree.total_cost,
        tree.rows
    );
    for child in &tree.children {
        write_tree(text, child, depth + 1);
    }
}
