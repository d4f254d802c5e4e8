//! Statements that run while a table is locked.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::{LockMode, Work};
use crate::sql::ast::Statement;
use crate::sql::ast::ddl::Command;

pub(in crate::check) const RULE: Rule = Rule {
    id: "work-after-exclusive-lock",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "Other statements run while a table is locked exclusively",
    thresholds: &[],
    problem: "A lock is held until its transaction ends. Whatever follows ALTER TABLE in the same transaction, an index or an UPDATE of many rows, keeps every reader out for as long as it takes.",
    detection: "A statement that scans, builds or changes rows, in a transaction in which an earlier statement took ACCESS EXCLUSIVE on a table that the same change did not create and that is not small.",
    example: "`BEGIN; ALTER TABLE t ADD c int; UPDATE t SET c = 1; COMMIT;` fires; with the UPDATE after COMMIT it does not.",
    remedy: "End the transaction after the statement that locks, and do the rest in others.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let changes_rows = matches!(
        &context.step.command,
        Command::Query(statement)
            if matches!(statement.as_ref(), Statement::Update(_) | Statement::Delete(_) | Statement::Merge(_))
    );
    let works =
        context.step.locks.iter().any(|held| {
            (held.work > Work::Catalog || changes_rows) && context.exposure(&held.table, Work::Scan).is_some()
        });
    let exclusive =
        context.transaction.locks.iter().find(|(table, mode)| {
            *mode == LockMode::AccessExclusive && context.exposure(table, Work::Catalog).is_some()
        });
    let (true, Some((table, _))) = (works, exclusive) else { return };
    let table = context.display(table);
    found.push(Draft {
        message: format!(
            "an earlier statement of this transaction locks {table} against every read until this one is done too"
        ),
        object: table,
        remedy: Some("run it in a transaction of its own, after the one that locks".to_owned()),
        ..Draft::default()
    });
}
