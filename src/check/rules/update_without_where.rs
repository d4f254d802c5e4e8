//! Changes of every row at once.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::Work;
use crate::sql::ast::Statement;
use crate::sql::ast::ddl::Command;

pub(in crate::check) const RULE: Rule = Rule {
    id: "update-without-where",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "UPDATE or DELETE without WHERE changes every row at once",
    thresholds: &[],
    problem: "One statement holds the locks of all rows until it ends, doubles the table (every row gets a new version), and makes replicas and vacuum wait.",
    detection: "UPDATE and DELETE without WHERE on a table that the same change did not create and that is not small.",
    example: "`UPDATE users SET plan = 'free';` fires; `UPDATE users SET plan = 'free' WHERE id BETWEEN 1 AND 10000;` does not.",
    remedy: "Change rows in batches by key, each in a transaction of its own; TRUNCATE instead of deleting all.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Command::Query(statement) = &context.step.command else { return };
    let (what, table, filter) = match statement.as_ref() {
        Statement::Update(update) => ("UPDATE", &update.table, &update.filter),
        Statement::Delete(delete) => ("DELETE", &delete.table, &delete.filter),
        _ => return,
    };
    if filter.is_some() {
        return;
    }
    let Some(exposure) = context.exposure(table, Work::Rewrite) else { return };
    let table = context.display(table);
    found.push(Draft {
        message: format!("this {what} changes every row of {table} in one transaction{}", exposure.phrase()),
        object: table,
        evidence: exposure.numbers(),
        remedy: Some("change the rows in batches by key, each batch in a transaction of its own".to_owned()),
        severity: exposure.is_big().then_some(Severity::Error),
        ..Draft::default()
    });
}
