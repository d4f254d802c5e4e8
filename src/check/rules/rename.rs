//! New names for what clients use.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::sql::ast::ddl::{Ddl, ObjectKind};

pub(in crate::check) const RULE: Rule = Rule {
    id: "rename",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "Renaming a table or column breaks what uses the old name",
    thresholds: &[],
    problem: "Between the migration and the last restart of the application, one of the two uses a name that is not there.",
    detection: "RENAME of a table, view or column that the same change did not create.",
    example: "`ALTER TABLE users RENAME COLUMN email TO mail;` fires; renaming an index or a constraint does not.",
    remedy: "For a column: add the new one, write both, move the readers, drop the old one. For a table: rename it and create a view with the old name in the same transaction.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::Rename(rename)) = context.step.ddl() else { return };
    let Some(relation) = &rename.relation else { return };
    let what = match rename.kind {
        ObjectKind::Column => "column",
        ObjectKind::Table => "table",
        ObjectKind::View | ObjectKind::MaterializedView => "view",
        ObjectKind::Schema => "schema",
        _ => return,
    };
    if context.known(relation).is_some_and(|t| t.created_here) {
        return;
    }
    let mut object = context.display(relation);
    if let Some(part) = &rename.part {
        object = format!("{object}.{part}");
    }
    found.push(Draft {
        message: format!("clients that still use the {what} {object} fail as soon as this has run"),
        object,
        remedy: Some("add the new name beside the old one, move the clients, then drop the old name".to_owned()),
        ..Draft::default()
    });
}
