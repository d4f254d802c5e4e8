//! Columns that no old row can have.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::{holds_rows, is_serial};
use crate::sql::ast::ddl::{AlterAction, ConstraintKind, Ddl, IndexConstraint};

pub(in crate::check) const RULE: Rule = Rule {
    id: "add-not-null-without-default",
    area: Area::Migration,
    severity: Severity::Error,
    title: "ADD COLUMN NOT NULL without a default fails on a table with rows",
    thresholds: &[],
    problem: "The old rows would hold a null, so the server refuses the statement as soon as there is one row.",
    detection: "ADD COLUMN … NOT NULL without DEFAULT, IDENTITY or GENERATED on a table that the same change did not create, unless the snapshot shows it empty.",
    example: "`ALTER TABLE users ADD COLUMN age int NOT NULL;` fires; with `DEFAULT 0` it does not.",
    remedy: "Give a default, or add the column nullable, fill it, and set NOT NULL by way of a validated CHECK.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::AlterTable(alter)) = context.step.ddl() else { return };
    for action in &alter.actions {
        let AlterAction::AddColumn { column, .. } = action else { continue };
        let has = |wanted: fn(&ConstraintKind) -> bool| column.constraints.iter().any(|c| wanted(&c.kind));
        let required = has(|k| {
            matches!(k, ConstraintKind::NotNull(_) | ConstraintKind::Index { kind: IndexConstraint::Primary, .. })
        });
        let filled = has(|k| {
            matches!(k, ConstraintKind::Default(_) | ConstraintKind::Identity | ConstraintKind::Generated { .. })
        });
        if !required || filled || is_serial(&column.ty.name) || !holds_rows(context.schema, &alter.table) {
            continue;
        }
        let table = context.display(&alter.table);
        found.push(Draft {
            object: format!("{table}.{}", column.name),
            message: format!("this fails if {table} holds a single row: its {} would be null", column.name),
            remedy: Some("give the column a default, or add it nullable and set NOT NULL once it is filled".to_owned()),
            ..Draft::default()
        });
    }
}
