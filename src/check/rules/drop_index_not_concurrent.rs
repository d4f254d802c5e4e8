//! DROP INDEX that waits for everybody.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::context::Exposure;
use crate::check::draft::Draft;
use crate::sql::ast::ddl::{Ddl, ObjectKind};

pub(in crate::check) const RULE: Rule = Rule {
    id: "drop-index-not-concurrent",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "DROP INDEX and REINDEX without CONCURRENTLY block reads and writes",
    thresholds: &[],
    problem: "DROP INDEX takes ACCESS EXCLUSIVE on the table: short, but it waits behind every running query, and all others wait behind it. REINDEX keeps writers out until the index is built anew, and readers that would use it.",
    detection: "DROP INDEX, REINDEX INDEX and REINDEX TABLE without CONCURRENTLY on tables that the same change did not create and that are not small.",
    example: "`DROP INDEX orders_status_idx;` fires; `DROP INDEX CONCURRENTLY orders_status_idx;` does not.",
    remedy: "The CONCURRENTLY forms, outside of a transaction (REINDEX's since 12).",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let (what, at) = match context.step.ddl() {
        Some(Ddl::Drop(drop)) if drop.kind == ObjectKind::Index && !drop.concurrently => ("DROP INDEX", "INDEX"),
        Some(Ddl::Reindex { what, concurrently: false, .. }) => ("REINDEX", *what),
        _ => return,
    };
    let known: Vec<_> = context
        .step
        .locks
        .iter()
        .map(|held| (context.display(&held.table), context.exposure(&held.table, held.work)))
        .collect();
    // An index that nobody knows belongs to a table that nobody knows, unless there is a snapshot.
    let (object, exposure) = match known.into_iter().find(|(_, exposure)| exposure.is_some()) {
        Some((table, exposure)) => (table, exposure.unwrap_or_default()),
        None if context.step.locks.is_empty() && context.production.is_none() => {
            ("its table".to_owned(), Exposure::default())
        }
        None => return,
    };
    found.push(Draft {
        message: format!(
            "{what} blocks reads and writes of {object} while it waits for its lock and works{}",
            exposure.phrase()
        ),
        object,
        evidence: exposure.numbers(),
        remedy: with_concurrently(context.text, at),
        ..Draft::default()
    });
}

/// The statement with CONCURRENTLY put in after a word.
fn with_concurrently(text: &str, word: &str) -> Option<String> {
    let at = text.to_ascii_uppercase().find(word)? + word.len();
    Some(format!("{} CONCURRENTLY{};", text.get(..at)?, text.get(at..)?))
}
