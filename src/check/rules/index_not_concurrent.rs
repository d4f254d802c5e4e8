//! CREATE INDEX that keeps writers out.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::Work;
use crate::sql::ast::ddl::Ddl;

pub(in crate::check) const RULE: Rule = Rule {
    id: "index-not-concurrent",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "CREATE INDEX without CONCURRENTLY blocks writes",
    thresholds: &[],
    problem: "CREATE INDEX holds a SHARE lock on the table until it is built: no row can be inserted, updated or deleted meanwhile. On a large table that is minutes.",
    detection: "CREATE INDEX without CONCURRENTLY on a table that the same change did not create. With a snapshot, tables under 1,000 rows are left alone and those from a million rows are errors, with the time that the build takes.",
    example: "`CREATE INDEX ON orders (status);` fires; the same on a table that the file creates does not, nor does `CREATE INDEX CONCURRENTLY`.",
    remedy: "`CREATE INDEX CONCURRENTLY`, outside of a transaction. If it fails it leaves an invalid index: drop that and try again. On a partitioned table: CREATE INDEX ON ONLY the parent, CONCURRENTLY on each partition, ATTACH.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::CreateIndex(create)) = context.step.ddl() else { return };
    if create.concurrently {
        return;
    }
    let partitioned = context.known(&create.table).is_some_and(|t| t.partitioned);
    if create.only && partitioned {
        return;
    }
    let Some(exposure) = context.exposure(&create.table, Work::IndexBuild) else { return };
    let table = context.display(&create.table);
    let remedy = if partitioned {
        "create the index ON ONLY the partitioned table, CONCURRENTLY on each partition, and attach those to it"
            .to_owned()
    } else {
        concurrent_form(context.text)
    };
    found.push(Draft {
        message: format!("building this index blocks every write to {table} until it is done{}", exposure.phrase()),
        object: table,
        evidence: exposure.numbers(),
        remedy: Some(remedy),
        severity: exposure.is_big().then_some(Severity::Error),
        ..Draft::default()
    });
}

/// The statement with CONCURRENTLY put in after INDEX.
fn concurrent_form(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    match lower.find("index") {
        Some(at) => format!("{}INDEX CONCURRENTLY{};", &text[..at], &text[at + "index".len()..]),
        None => format!("{text};"),
    }
}
