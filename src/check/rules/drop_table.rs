//! Tables that go with their rows.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::sql::ast::ddl::{Ddl, ObjectKind};

pub(in crate::check) const RULE: Rule = Rule {
    id: "drop-table",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "DROP TABLE loses data",
    thresholds: &[],
    problem: "The rows are gone, and whatever still reads the table fails. The drop itself needs ACCESS EXCLUSIVE on the table and on those that its foreign keys reference.",
    detection: "DROP TABLE, DROP MATERIALIZED VIEW or DROP SCHEMA … CASCADE of what the same change did not create.",
    example: "`DROP TABLE old_orders;` fires; dropping a table that the file itself created does not.",
    remedy: "Rename the table first and wait a release; keep a dump of its rows; then drop it.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::Drop(drop)) = context.step.ddl() else { return };
    for name in &drop.names {
        let what = match drop.kind {
            ObjectKind::Table => "table",
            ObjectKind::MaterializedView => "materialised view",
            ObjectKind::Schema if drop.cascade => "schema",
            _ => return,
        };
        let known = context.known(name);
        if known.is_some_and(|t| t.created_here || t.temporary) {
            continue;
        }
        let rows = known.and_then(|t| t.rows);
        let lost = rows.map_or_else(String::new, |rows| format!(" with its {rows:.0} rows"));
        found.push(Draft {
            object: context.display(name),
            message: format!("the {what} {} is lost{lost}, and whatever uses it fails", context.display(name)),
            evidence: rows.map(|rows| ("rows", rows)).into_iter().collect(),
            remedy: Some("rename it first and drop it a release later".to_owned()),
            ..Draft::default()
        });
    }
}
