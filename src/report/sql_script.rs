//! A script that psql runs as it is: what adds something first, then the drops; every statement by itself, because
//! CREATE INDEX CONCURRENTLY refuses a transaction.
//!
//! Whatever a database put into names and texts stands in line comments (no `*/` ends those, and line breaks start a new
//! comment line) or in SQL's own escapes.

use super::{Recommendation, RecommendationKind, Report, figures, neutral, words};

/// Width of comment lines.
const WIDTH: usize = 100;

pub(super) fn render(report: &Report) -> String {
    let mut script = Script(String::new());
    script.comment(&format!(
        "{}: advice for database {} (PostgreSQL {}), {}",
        report.tool,
        report.source.database,
        figures::version(report.source.server_version_num),
        words::origin(report),
    ));
    script.comment(&words::verdict(report));
    script.comment(&format!("Workload: {}.", words::looked_at(&report.workload)));
    script.comment(&format!("Judged by: {}.", words::cost_source(report)));
    if let Some(agreement) = words::agreement(report) {
        script.comment(&format!("Agreement: {agreement}."));
    }
    for part in &report.not_evaluated {
        script.comment(&format!("Not evaluated: {}: {}", part.what, part.reason));
    }
    if report.recommendations.is_empty() {
        return script.0;
    }
    script.comment("");
    script.comment(
        "Run it with psql, outside a transaction. If building an index concurrently fails, it leaves an invalid index \
         behind: drop that before trying again.",
    );
    script.blank();
    script.statement("\\set ON_ERROR_STOP on");
    prerequisites(report, &mut script);
    for (number, recommendation) in words::ordered(report) {
        one(number, recommendation, &mut script);
    }
    script.0
}

fn prerequisites(report: &Report, script: &mut Script) {
    let mut done: Vec<&str> = Vec::new();
    for (_, r) in words::ordered(report) {
        for prerequisite in &r.prerequisites {
            if !done.contains(&prerequisite.as_str()) {
                if done.is_empty() {
                    script.blank();
                    script.comment("Prerequisites");
                }
                script.statement(&terminated(prerequisite));
                done.push(prerequisite);
            }
        }
    }
}

fn one(number: usize, r: &Recommendation, script: &mut Script) {
    script.blank();
    script.comment(&format!("{number}. {} [{}]", words::title(r), r.id));
    script.comment(&r.reason);
    let gain = words::gain(r);
    if !gain.is_empty() {
        script.comment(&format!("Gain: {gain}."));
    }
    if r.kind != RecommendationKind::DropIndex
        && let Some(size) = words::size(r)
    {
        script.comment(&format!("Size: {size}."));
    }
    if let Some(writes) = words::writes(r) {
        script.comment(&format!("Writes: {writes}."));
    }
    script.comment(&format!("Evidence: {}.", words::evidence(r)));
    if !r.undo_ddl.is_empty() {
        script.comment(&format!("Undo: {}", neutral::one_line(&neutral::statement(&r.undo_ddl))));
    }
    for sql in r.statements() {
        script.statement(&terminated(sql));
    }
}

/// The statement with exactly one closing semicolon.
fn terminated(sql: &str) -> String {
    format!("{};", neutral::statement(sql).trim_end_matches(|c: char| c == ';' || c.is_whitespace()))
}

struct Script(String);

impl Script {
    fn blank(&mut self) {
        self.0.push('\n');
    }

    fn statement(&mut self, sql: &str) {
        self.0.push_str(sql);
        self.0.push('\n');
    }

    /// Comment lines, broken between words.
    fn comment(&mut self, text: &str) {
        let mut line = String::from("--");
        for word in neutral::one_line(text).split(' ') {
            if line.len() > 2 && line.len() + 1 + word.len() > WIDTH {
                self.statement(&line);
                line = String::from("--");
            }
            if !word.is_empty() {
                line.push(' ');
                line.push_str(word);
            }
        }
        self.statement(&line);
    }
}
