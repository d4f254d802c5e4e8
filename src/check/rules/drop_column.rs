//! Columns that go with their data, and with their indexes.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::schema::index_reads;
use crate::sql::ast::ddl::{AlterAction, Ddl};

pub(in crate::check) const RULE: Rule = Rule {
    id: "drop-column",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "DROP COLUMN loses data, and the indexes that hold the column",
    thresholds: &[],
    problem: "The values are gone, clients that still name the column fail, and every index and constraint that holds it is dropped along, which nobody sees in the statement.",
    detection: "DROP COLUMN on a table that the same change did not create. Indexes that go with it are named.",
    example: "`ALTER TABLE orders DROP COLUMN status;` fires, and names the index on (status, created_at).",
    remedy: "Deploy code that no longer names the column first. Where an index goes with it that other queries need, create its replacement before.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::AlterTable(alter)) = context.step.ddl() else { return };
    for action in &alter.actions {
        let AlterAction::DropColumn { column, .. } = action else { continue };
        let known = context.known(&alter.table);
        if known.is_some_and(|t| t.created_here || t.temporary) {
            continue;
        }
        let lost: Vec<&str> = known
            .into_iter()
            .flat_map(|t| &t.indexes)
            .filter(|i| index_reads(i, column))
            .map(|i| i.name.as_str())
            .collect();
        let along = match lost.as_slice() {
            [] => String::new(),
            [one] => format!("; the index {one} goes with it"),
            many => format!("; the indexes {} go with it", many.join(", ")),
        };
        let object = format!("{}.{column}", context.display(&alter.table));
        found.push(Draft {
            message: format!("the values of {object} are lost, and clients that name it fail{along}"),
            object,
            evidence: vec![("indexes_lost", lost.len() as f64)],
            remedy: Some("deploy code that does not name the column first".to_owned()),
            ..Draft::default()
        });
    }
}
