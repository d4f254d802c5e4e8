//! NOT VALID undone by its own transaction.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::sql::ast::ddl::{AlterAction, Ddl};

pub(in crate::check) const RULE: Rule = Rule {
    id: "validate-in-same-transaction",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "A constraint is validated in the transaction that adds it",
    thresholds: &[],
    problem: "ADD CONSTRAINT … NOT VALID takes a strong lock for a moment. Where VALIDATE CONSTRAINT runs in the same transaction that lock is still held while all rows are read: nothing is won.",
    detection: "VALIDATE CONSTRAINT of a constraint that an earlier statement of the same transaction added.",
    example: "`BEGIN; ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; COMMIT;` fires; with a COMMIT between the two it does not.",
    remedy: "Put VALIDATE CONSTRAINT into a transaction, or a file, of its own.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::AlterTable(alter)) = context.step.ddl() else { return };
    for action in &alter.actions {
        let AlterAction::ValidateConstraint { name } = action else { continue };
        if context.transaction.open && context.transaction.not_valid.contains(name) {
            found.push(Draft {
                object: format!("{}.{name}", context.display(&alter.table)),
                message: format!("{name} was added in this transaction, whose lock is held while all rows are read"),
                remedy: Some("validate it in a transaction of its own".to_owned()),
                ..Draft::default()
            });
        }
    }
}
