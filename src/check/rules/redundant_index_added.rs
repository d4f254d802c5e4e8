//! New indexes that old ones already serve.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::schema::{Index, IndexKey, index_of};
use crate::sql::ast::ddl::Ddl;
use crate::sql::quote::qualified;

pub(in crate::check) const RULE: Rule = Rule {
    id: "redundant-index-added",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "A new index duplicates another, or makes one superfluous",
    thresholds: &[],
    problem: "An index that another one already serves costs every write and serves no read. One that extends an old one makes the old one superfluous.",
    detection: "CREATE INDEX of the same method, predicate, operator classes and directions as an index of the table whose keys it equals or begins (the new one is superfluous), or which it extends (the old one is, unless it is unique or backs a constraint).",
    example: "`CREATE INDEX ON orders (user_id)` beside an index on (user_id, created_at) fires; on (created_at, user_id) it does not.",
    remedy: "Leave the new index out, or drop the old one in the same change.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::CreateIndex(create)) = context.step.ddl() else { return };
    let Some(table) = context.known(&create.table) else { return };
    let new = index_of(create, true);
    if create.if_not_exists && table.indexes.iter().any(|i| i.name == new.name) {
        return;
    }
    for old in table.indexes.iter().filter(|i| i.valid && comparable(i, &new)) {
        let served = !new.unique && begins(&old.keys, &new.keys) && new.include.iter().all(|c| holds(old, c));
        let replaces = !old.unique
            && old.constraint.is_none()
            && begins(&new.keys, &old.keys)
            && old.include.iter().all(|c| holds(&new, c));
        let (message, remedy) = if served && old.keys.len() == new.keys.len() {
            (format!("{} already is this index", old.name), "leave this index out".to_owned())
        } else if served {
            (
                format!("{} already serves what this index would: it begins with the same keys", old.name),
                "leave this index out".to_owned(),
            )
        } else if replaces {
            let schema = &table.key.0;
            (
                format!(
                    "this index serves everything that {} does: the old one only costs writes from now on",
                    old.name
                ),
                format!("DROP INDEX CONCURRENTLY {};", qualified(schema, &old.name)),
            )
        } else {
            continue;
        };
        let evidence =
            [("old_index_bytes", old.bytes.map(|b| b as f64)), ("old_index_scans", old.scans.map(|s| s as f64))];
        found.push(Draft {
            object: format!("{}.{}", table.key.0, old.name),
            message,
            evidence: evidence.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            remedy: Some(remedy),
            ..Draft::default()
        });
    }
}

fn comparable(old: &Index, new: &Index) -> bool {
    old.method == "btree" && new.method == "btree" && old.predicate == new.predicate
}

/// Whether a list of keys begins with another.
fn begins(keys: &[IndexKey], first: &[IndexKey]) -> bool {
    keys.len() >= first.len() && keys.iter().zip(first).all(|(a, b)| a == b)
}

fn holds(index: &Index, column: &String) -> bool {
    index.include.contains(column) || index.keys.iter().any(|k| k.column.as_ref() == Some(column))
}
