//! Unique constraints that build their index under lock.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::Work;
use crate::sql::ast::ddl::{AlterAction, ConstraintKind, Ddl, IndexConstraint};
use crate::sql::quote::{ident, ident_list};

pub(in crate::check) const RULE: Rule = Rule {
    id: "unique-without-index",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "A unique or primary key builds its index under ACCESS EXCLUSIVE",
    thresholds: &[],
    problem: "ADD UNIQUE, ADD PRIMARY KEY and ADD EXCLUDE build an index while nobody can read or write the table. They cannot be NOT VALID.",
    detection: "ADD CONSTRAINT … UNIQUE, PRIMARY KEY or EXCLUDE without USING INDEX on a table that the same change did not create and that is not small.",
    example: "`ALTER TABLE users ADD CONSTRAINT u UNIQUE (email);` fires; `ADD CONSTRAINT u UNIQUE USING INDEX users_email_idx` does not.",
    remedy: "CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … USING INDEX, which takes a moment. An exclusion constraint has no such way: add it in a quiet hour.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::AlterTable(alter)) = context.step.ddl() else { return };
    for action in &alter.actions {
        let AlterAction::AddConstraint(constraint) = action else { continue };
        let ConstraintKind::Index { kind, columns, using_index: None } = &constraint.kind else { continue };
        let Some(exposure) = context.exposure(&alter.table, Work::IndexBuild) else { continue };
        let table = context.display(&alter.table);
        let (word, suffix) = match kind {
            IndexConstraint::Primary => ("PRIMARY KEY", "pkey"),
            IndexConstraint::Unique => ("UNIQUE", "key"),
            IndexConstraint::Exclude => ("EXCLUDE", "excl"),
        };
        let name =
            constraint.name.clone().unwrap_or_else(|| format!("{}_{}_{suffix}", alter.table.name, columns.join("_")));
        let remedy = (*kind != IndexConstraint::Exclude).then(|| {
            let (table, name) = (Context::sql_name(&alter.table), ident(&name));
            let keys = ident_list(columns.iter().map(String::as_str));
            format!(
                "CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({keys});\n\
                 ALTER TABLE {table} ADD CONSTRAINT {name} {word} USING INDEX {name};"
            )
        });
        found.push(Draft {
            message: format!(
                "this builds an index while it blocks every read and write of {table}{}",
                exposure.phrase()
            ),
            object: table,
            evidence: exposure.numbers(),
            remedy,
            severity: exposure.is_big().then_some(Severity::Error),
            ..Draft::default()
        });
    }
}
