//! Constraints that check every row under lock.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::Work;
use crate::sql::ast::ddl::{AlterAction, ConstraintKind, Ddl};
use crate::sql::quote::ident;

pub(in crate::check) const RULE: Rule = Rule {
    id: "constraint-without-not-valid",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "A foreign key or check is validated while it locks the table",
    thresholds: &[],
    problem: "ADD CONSTRAINT reads every row before it returns: a CHECK under ACCESS EXCLUSIVE, which blocks even reads; a foreign key under SHARE ROW EXCLUSIVE on both tables, which blocks writes to both.",
    detection: "ADD CONSTRAINT … FOREIGN KEY or CHECK without NOT VALID on a table that the same change did not create and that is not small.",
    example: "`ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users;` fires; with NOT VALID it does not.",
    remedy: "Add it NOT VALID, which takes a moment, then VALIDATE CONSTRAINT in another transaction: that only takes SHARE UPDATE EXCLUSIVE and lets writes pass.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::AlterTable(alter)) = context.step.ddl() else { return };
    for action in &alter.actions {
        let AlterAction::AddConstraint(constraint) = action else { continue };
        let (what, blocked) = match &constraint.kind {
            ConstraintKind::ForeignKey { references, .. } => (
                "foreign key",
                format!("every write to {0} and {1}", context.display(&alter.table), context.display(references)),
            ),
            ConstraintKind::Check(_) => ("check", format!("every read and write of {}", context.display(&alter.table))),
            _ => continue,
        };
        if constraint.not_valid {
            continue;
        }
        let Some(exposure) = context.exposure(&alter.table, Work::Scan) else { continue };
        let name = constraint.name.as_deref().map_or_else(|| "…".to_owned(), ident);
        found.push(Draft {
            object: context.display(&alter.table),
            message: format!("adding this {what} blocks {blocked} while it reads all rows{}", exposure.phrase()),
            evidence: exposure.numbers(),
            remedy: Some(format!(
                "{} NOT VALID;\nALTER TABLE {} VALIDATE CONSTRAINT {name}; -- in another transaction",
                context.text,
                Context::sql_name(&alter.table)
            )),
            severity: exposure.is_big().then_some(Severity::Error),
            ..Draft::default()
        });
    }
}
