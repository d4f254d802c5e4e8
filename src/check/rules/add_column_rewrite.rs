//! New columns that write the table anew.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::{Work, rewrites};
use crate::sql::ast::ddl::{AlterAction, Ddl};

pub(in crate::check) const RULE: Rule = Rule {
    id: "add-column-rewrite",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "ADD COLUMN writes the whole table anew",
    thresholds: &[],
    problem: "Since version 11 a constant default costs nothing. A default that differs from row to row, a serial or identity column and a stored generated column still have every row written anew, with all indexes, under ACCESS EXCLUSIVE.",
    detection: "ADD COLUMN with a volatile default, a serial type, GENERATED … AS IDENTITY or GENERATED ALWAYS AS (…) STORED on a table that the same change did not create and that is not small.",
    example: "`ADD COLUMN token uuid DEFAULT gen_random_uuid()` fires; `ADD COLUMN state text NOT NULL DEFAULT 'new'` does not.",
    remedy: "Add the column without the default, set the default for new rows (ALTER COLUMN … SET DEFAULT), and fill the old rows in batches.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::AlterTable(alter)) = context.step.ddl() else { return };
    for action in &alter.actions {
        let AlterAction::AddColumn { column, .. } = action else { continue };
        if !rewrites(column) {
            continue;
        }
        let Some(exposure) = context.exposure(&alter.table, Work::Rewrite) else { continue };
        let table = context.display(&alter.table);
        found.push(Draft {
            object: format!("{table}.{}", column.name),
            message: format!(
                "this writes {table} and its indexes anew while it blocks every read and write{}",
                exposure.phrase()
            ),
            evidence: exposure.numbers(),
            remedy: Some(
                "add the column without the default, then SET DEFAULT, then fill old rows in batches".to_owned(),
            ),
            severity: exposure.is_big().then_some(Severity::Error),
            ..Draft::default()
        });
    }
}
