//! CONCURRENTLY where it cannot run.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::sql::ast::ddl::{AlterAction, Ddl};

pub(in crate::check) const RULE: Rule = Rule {
    id: "concurrently-in-transaction",
    area: Area::Migration,
    severity: Severity::Error,
    title: "A CONCURRENTLY form inside a transaction fails",
    thresholds: &[],
    problem: "CREATE INDEX CONCURRENTLY, DROP INDEX CONCURRENTLY, REINDEX CONCURRENTLY and DETACH PARTITION CONCURRENTLY commit between their phases, so the server refuses them within a transaction block: the migration fails.",
    detection: "One of these statements after BEGIN, or in a file that its runner wraps in a transaction.",
    example: "`BEGIN; CREATE INDEX CONCURRENTLY …; COMMIT;` fires; the same without BEGIN in a plain file does not.",
    remedy: "Move the statement into a file of its own and tell the runner not to wrap it (`-- no-transaction`, `transaction:false`, `-- +goose NO TRANSACTION`, `disable_ddl_transaction!`).",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    if !context.transaction.open {
        return;
    }
    let what = match context.step.ddl() {
        Some(Ddl::CreateIndex(create)) if create.concurrently => "CREATE INDEX CONCURRENTLY",
        Some(Ddl::Drop(drop)) if drop.concurrently => "DROP INDEX CONCURRENTLY",
        Some(Ddl::Reindex { concurrently: true, .. }) => "REINDEX CONCURRENTLY",
        Some(Ddl::AlterTable(alter))
            if alter.actions.iter().any(|a| matches!(a, AlterAction::DetachPartition { concurrently: true, .. })) =>
        {
            "DETACH PARTITION CONCURRENTLY"
        }
        _ => return,
    };
    found.push(Draft {
        object: what.to_owned(),
        message: format!("{what} cannot run inside a transaction: the server refuses it, and the migration fails"),
        remedy: Some("run it in a file of its own, without a transaction".to_owned()),
        ..Draft::default()
    });
}
