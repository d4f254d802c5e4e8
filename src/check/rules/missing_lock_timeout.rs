//! Strong locks without a limit on waiting.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::{Held, LockMode, locks};

pub(in crate::check) const RULE: Rule = Rule {
    id: "missing-lock-timeout",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "A strong lock is asked for without a lock_timeout",
    thresholds: &[],
    problem: "A statement that waits for its lock behind a long query makes everything that comes after it wait too: one forgotten transaction turns a change of the catalog into an outage.",
    detection: "The first statement of a file that takes SHARE or a stronger lock on a table that the same change did not create and that is not small, while no lock_timeout was set before it. `--assume-lock-timeout` says that the runner's connection has one.",
    example: "`ALTER TABLE users ADD COLUMN age int;` fires; after `SET lock_timeout = '2s';` it does not.",
    remedy: "`SET lock_timeout = '2s';` at the top of the file, and try again when it fails.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    if context.session.lock_timeout {
        return;
    }
    let strong = |held: &&Held| held.mode >= LockMode::Share && context.exposure(&held.table, held.work).is_some();
    let before = &context.steps[..context.position];
    // The schema is this statement's: near enough to know whether an earlier one has been told already.
    if before.iter().any(|s| locks(&s.command, context.schema, context.version).iter().any(|h| strong(&h))) {
        return;
    }
    let Some(held) = context.step.locks.iter().find(strong) else { return };
    let table = context.display(&held.table);
    found.push(Draft {
        message: format!(
            "this asks for {} on {table}: while it waits, {} waits behind it, without limit",
            held.mode.as_str(),
            held.mode.blocks()
        ),
        object: table,
        remedy: Some("SET lock_timeout = '2s';".to_owned()),
        ..Draft::default()
    });
}
