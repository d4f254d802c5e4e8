//! Types that need a rewrite later.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::sql::ast::TypeName;
use crate::sql::ast::ddl::{AlterAction, ColumnDef, ConstraintKind, Ddl, IndexConstraint};

pub(in crate::check) const RULE: Rule = Rule {
    id: "column-type",
    area: Area::Migration,
    severity: Severity::Info,
    title: "A column has a type that is often regretted",
    thresholds: &[],
    problem: "Some types need a rewrite, or a bug, to get rid of: integer keys run out, varchar(n) limits change, timestamp loses its zone, json cannot be compared or indexed, char(n) pads, serial sequences have their own owner and privileges.",
    detection: "Columns of CREATE TABLE and ADD COLUMN: int and smallint primary keys, serial types, varchar(n), char(n), timestamp without time zone, json, money.",
    example: "`id int PRIMARY KEY`, `name varchar(50)` and `at timestamp` fire; `id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY`, `name text` and `at timestamptz` do not.",
    remedy: "bigint, identity, text with a CHECK, timestamptz, jsonb.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let (table, columns): (_, Vec<&ColumnDef>) = match context.step.ddl() {
        Some(Ddl::CreateTable(create)) if !create.temporary => (&create.name, create.columns.iter().collect()),
        Some(Ddl::AlterTable(alter)) => {
            let added = alter.actions.iter().filter_map(|a| match a {
                AlterAction::AddColumn { column, .. } => Some(column),
                _ => None,
            });
            (&alter.table, added.collect())
        }
        _ => return,
    };
    for column in columns {
        let key = column
            .constraints
            .iter()
            .any(|c| matches!(c.kind, ConstraintKind::Index { kind: IndexConstraint::Primary, .. }));
        let Some((problem, better)) = regretted(&column.ty, key) else { continue };
        let start = context.step.range.start + column.offset;
        found.push(Draft {
            object: format!("{}.{}", context.display(table), column.name),
            message: format!("{} {problem}", column.name),
            remedy: Some(better.to_owned()),
            range: Some(start..start + column.name.len()),
            ..Draft::default()
        });
    }
}

fn regretted(ty: &TypeName, key: bool) -> Option<(&'static str, &'static str)> {
    Some(match ty.name.as_str() {
        _ if ty.array => return None,
        "int4" | "int2" if key => ("is a key that runs out at 2 billion rows or less", "bigint"),
        "serial" | "serial4" | "smallserial" | "serial2" => (
            "runs out at 2 billion rows or less, by a sequence with privileges of its own",
            "bigint GENERATED ALWAYS AS IDENTITY",
        ),
        "bigserial" | "serial8" => ("has a sequence with privileges of its own", "bigint GENERATED ALWAYS AS IDENTITY"),
        "varchar" if !ty.modifiers.is_empty() => (
            "has a limit that takes an ACCESS EXCLUSIVE lock to change",
            "text, with a CHECK on its length where one is needed",
        ),
        "bpchar" => ("is padded with blanks", "text"),
        "timestamp" => ("loses the time zone of what is put in", "timestamptz"),
        "json" => ("cannot be compared, indexed or edited in place", "jsonb"),
        "money" => ("has its decimals and its sign from the locale", "numeric"),
        _ => return None,
    })
}
