//! Foreign keys without an index on the referencing side: every delete of a referenced row reads the whole table.

use std::collections::BTreeSet;

use crate::snapshot::{AttrNumber, ForeignKey, Index, IndexMethod, IndexSpec, KeySpec, KeyTarget, Oid, Table};
use crate::sql::quote;
use crate::workload::WriteKind;

use super::super::facts::{Facts, Suitability};
use super::{Family, Proposal, btree_spec};

/// Share of NULLs from which an index without them is worth its own shape.
const MOSTLY_NULL: f64 = 0.3;

/// The checks that one foreign key causes and no index serves.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct ForeignKeyCheck {
    /// The referencing table.
    pub(in super::super) table: Oid,
    /// The referenced table.
    pub(in super::super) references: Oid,
    /// The constraint's name.
    pub(in super::super) name: String,
    /// Referencing columns in order.
    pub(in super::super) columns: Vec<AttrNumber>,
    /// Referenced rows deleted (or given another key) over the statements' period.
    pub(in super::super) checks: f64,
    /// Statements that delete (or re-key) referenced rows, with the rows each did.
    pub(in super::super) statements: Vec<(usize, f64)>,
}

impl ForeignKeyCheck {
    /// The index on the referencing columns, and without the rows whose reference is NULL where those are many: no check
    /// asks for them.
    pub(super) fn proposals(&self, facts: &Facts<'_>) -> Vec<Proposal> {
        let keys: Vec<KeySpec> = self.columns.iter().map(|c| KeySpec::column(*c)).collect();
        let whole = Proposal {
            equality_keys: keys.len(),
            spec: btree_spec(self.table, keys),
            family: Family::ForeignKey,
            fraction: 1.0,
            parents: vec![],
        };
        let mostly_null = |c: &AttrNumber| {
            let nulls = facts.stats(self.table, *c).map_or(0.0, |s| s.null_frac);
            let column = facts.table(self.table)?.column(*c)?;
            (nulls >= MOSTLY_NULL).then(|| (format!("{} IS NOT NULL", quote::ident(&column.name)), 1.0 - nulls))
        };
        let partial = self.columns.iter().find_map(mostly_null).map(|(predicate, fraction)| {
            let mut part = whole.clone();
            part.spec.predicate = Some(predicate);
            part.fraction = fraction;
            part
        });
        [Some(whole), partial].into_iter().flatten().collect()
    }

    /// Whether an index of this shape serves the checks.
    pub(in super::super) fn served_by(&self, facts: &Facts<'_>, spec: &IndexSpec) -> bool {
        let Some(table) = facts.table(self.table).filter(|_| spec.table == self.table) else { return false };
        shape_supports(spec, table, &self.columns)
    }
}

/// Every unserved foreign key whose referenced rows are deleted.
pub(super) fn checks(facts: &Facts<'_>) -> Vec<ForeignKeyCheck> {
    let mut found = Vec::new();
    for table in &facts.snapshot.catalog.tables {
        // A partition's foreign keys come from its parent.
        if facts.suitability(table.oid) != Suitability::Yes || table.partition_of.is_some() {
            continue;
        }
        for key in &table.foreign_keys {
            if key.columns.is_empty() || table.indexes.iter().any(|i| supports(i, table, &key.columns)) {
                continue;
            }
            let check = check(facts, table, key);
            if check.checks >= 1.0 && !found.iter().any(|c: &ForeignKeyCheck| same_columns(c, &check)) {
                found.push(check);
            }
        }
    }
    found
}

fn same_columns(a: &ForeignKeyCheck, b: &ForeignKeyCheck) -> bool {
    a.table == b.table && a.references == b.references && a.columns == b.columns
}

fn check(facts: &Facts<'_>, table: &Table, key: &ForeignKey) -> ForeignKeyCheck {
    let mut statements = Vec::new();
    for query in &facts.workload.queries {
        let Some(statement) = facts.statement(query.statement) else { continue };
        let touches = query.bound.writes.iter().any(|w| {
            w.table == key.references
                && match w.kind {
                    WriteKind::Delete => true,
                    WriteKind::Update => key.referenced_columns.iter().any(|c| w.columns.contains(c)),
                    WriteKind::Insert => false,
                }
        });
        if touches {
            statements.push((query.statement, statement.rows as f64));
        }
    }
    let seen: f64 = statements.iter().map(|(_, rows)| rows).sum();
    let counted = facts.table(key.references).and_then(|t| t.activity.as_ref()).map_or(0.0, |a| a.deletes as f64);
    let counted = counted * facts.counter_scale().unwrap_or(1.0);
    ForeignKeyCheck {
        table: table.oid,
        references: key.references,
        name: key.name.clone(),
        columns: key.columns.clone(),
        checks: seen.max(counted),
        statements,
    }
}

/// Whether an existing index serves the checks of a foreign key: the columns lead it in any order, and it is whole, or
/// partial on nothing but `IS NOT NULL` of one of them.
pub(in super::super) fn supports(index: &Index, table: &Table, columns: &[AttrNumber]) -> bool {
    index.valid && shape_supports(&index.spec(table.oid), table, columns)
}

/// The same of a shape.
pub(in super::super) fn shape_supports(spec: &IndexSpec, table: &Table, columns: &[AttrNumber]) -> bool {
    let whole = match &spec.predicate {
        None => true,
        Some(predicate) => columns.iter().filter_map(|c| table.column(*c)).any(|c| is_not_null(predicate, &c.name)),
    };
    let column = |key: &KeySpec| match key.target {
        KeyTarget::Column(attnum) => Some(attnum),
        KeyTarget::Expression(_) => None,
    };
    let leading: Vec<AttrNumber> = spec.keys.iter().map_while(column).collect();
    whole
        && match spec.method {
            IndexMethod::Btree => leads_with(columns, &leading),
            IndexMethod::Hash => columns == leading,
            _ => false,
        }
}

fn is_not_null(predicate: &str, column: &str) -> bool {
    let text = predicate.trim().trim_start_matches('(').trim_end_matches(')').replace('"', "");
    text == format!("{} IS NOT NULL", column.replace('"', ""))
}

fn leads_with(columns: &[AttrNumber], leading: &[AttrNumber]) -> bool {
    let wanted: BTreeSet<AttrNumber> = columns.iter().copied().collect();
    leading.len() >= wanted.len() && leading[..wanted.len()].iter().copied().collect::<BTreeSet<_>>() == wanted
}
