//! Changes of type that write the table anew.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::{Work, is_free_change};
use crate::check::schema::type_text;
use crate::sql::ast::ddl::{AlterAction, Ddl};

pub(in crate::check) const RULE: Rule = Rule {
    id: "alter-type-rewrite",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "ALTER COLUMN TYPE writes the whole table anew",
    thresholds: &[],
    problem: "Every row is written anew and every index on the column rebuilt, under ACCESS EXCLUSIVE. Clients that read the old type may break as well.",
    detection: "ALTER COLUMN … TYPE that is not one of the free changes: varchar(n) to a longer one or to text, text to varchar, numeric(p,s) to a greater p with the same s, cidr to inet, a greater precision of times. The old type comes from the snapshot or from the files before.",
    example: "`ALTER COLUMN id TYPE bigint` on an integer column fires; `ALTER COLUMN name TYPE varchar(200)` on a varchar(100) does not.",
    remedy: "Add a column of the new type, keep both in step by a trigger, fill it in batches, then swap the names in one short transaction.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::AlterTable(alter)) = context.step.ddl() else { return };
    for action in &alter.actions {
        let AlterAction::AlterType { column, ty, using, collation } = action else { continue };
        let (name, modifiers) = type_text(ty);
        let before = context.known(&alter.table).and_then(|t| t.column(column));
        let free = !collation
            && using.is_none()
            && before.is_some_and(|b| is_free_change((&b.ty, &b.modifiers), (&name, &modifiers)));
        if free {
            continue;
        }
        let Some(exposure) = context.exposure(&alter.table, Work::Rewrite) else { continue };
        let table = context.display(&alter.table);
        let from = before.map_or_else(String::new, |b| format!(" from {}", b.ty));
        found.push(Draft {
            object: format!("{table}.{column}"),
            message: format!(
                "changing this type{from} to {name} writes {table} and its indexes anew while it blocks every read and write{}",
                exposure.phrase()
            ),
            evidence: exposure.numbers(),
            remedy: Some("add a column of the new type, fill it in batches, then swap the names".to_owned()),
            severity: exposure.is_big().then_some(Severity::Error),
            ..Draft::default()
        });
    }
}
