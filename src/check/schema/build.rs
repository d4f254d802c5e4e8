//! The snapshot's catalog as the schema to begin with.

use crate::snapshot::{self, Catalog, Snapshot};
use crate::sql::canonical_conjuncts;

use super::{Check, Column, ForeignKey, Index, IndexKey, Key, Schema, Table};

impl Schema {
    /// The schema before the first file.
    pub(in crate::check) fn new(production: Option<&Snapshot>) -> Self {
        let Some(snapshot) = production else {
            return Self { search_path: vec!["public".to_owned()], ..Self::default() };
        };
        let catalog = &snapshot.catalog;
        let mut search_path = snapshot.server.search_path.clone();
        search_path.retain(|s| s != "pg_catalog");
        if search_path.is_empty() {
            search_path.push("public".to_owned());
        }
        let tables = catalog.tables.iter().map(|t| (key(t), table(t, catalog))).collect();
        Self { tables, search_path, complete: true, added_enum_values: vec![] }
    }
}

fn key(table: &snapshot::Table) -> Key {
    (table.schema.clone(), table.name.clone())
}

fn table(table: &snapshot::Table, catalog: &Catalog) -> Table {
    let total = [table.heap_bytes, table.toast_bytes, table.indexes_bytes];
    let column_names = |numbers: &[i16]| -> Vec<String> {
        numbers.iter().filter_map(|n| table.column(*n)).map(|c| c.name.clone()).collect()
    };
    Table {
        key: key(table),
        oid: Some(table.oid),
        created_here: false,
        columns_known: true,
        rows: table.rows(),
        heap_bytes: table.heap_bytes,
        total_bytes: table.heap_bytes.map(|_| total.iter().flatten().sum()),
        partitioned: table.kind == snapshot::TableKind::Partitioned,
        temporary: false,
        columns: table.columns.iter().map(column).collect(),
        indexes: table.indexes.iter().map(|i| index(i, &column_names)).collect(),
        foreign_keys: table
            .foreign_keys
            .iter()
            .filter_map(|f| {
                Some(ForeignKey {
                    name: Some(f.name.clone()),
                    columns: column_names(&f.columns),
                    references: catalog.table(f.references).map(key)?,
                    validated: f.validated,
                })
            })
            .collect(),
        checks: table.checks.iter().map(check).collect(),
    }
}

fn column(column: &snapshot::Column) -> Column {
    let name = &column.ty.name;
    let modifiers = name.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(inner, _)| inner);
    Column {
        name: column.name.clone(),
        ty: column.ty.base.clone(),
        modifiers: modifiers.to_owned(),
        not_null: column.not_null,
        has_default: column.default.is_some() || column.identity.is_some(),
        null_frac: column.statistics().map(|s| s.null_frac),
        n_distinct: column.statistics().map(|s| s.n_distinct),
    }
}

fn index(index: &snapshot::Index, column_names: &dyn Fn(&[i16]) -> Vec<String>) -> Index {
    let keys = index.keys.iter().map(|key| IndexKey {
        column: key.column.and_then(|c| column_names(&[c]).pop()),
        expression: key.expression.clone(),
        opclass: (!key.opclass_is_default).then(|| key.opclass.clone()),
        collation: key.collation.clone().filter(|_| !key.collation_is_default),
        descending: key.descending,
        nulls_first: key.nulls_first,
    });
    Index {
        name: index.name.clone(),
        method: index.method_name.clone(),
        keys: keys.collect(),
        include: column_names(&index.include),
        predicate: index.predicate.as_deref().map(canonical),
        unique: index.unique,
        constraint: index.constraint.clone(),
        primary: index.primary,
        valid: index.valid,
        bytes: index.bytes,
        scans: index.activity.as_ref().map(|a| a.scans),
        oid: Some(index.oid),
        created_here: false,
    }
}

/// A predicate's canonical text: its conjuncts sorted.
pub(super) fn canonical(predicate: &str) -> String {
    canonical_conjuncts(predicate).map_or_else(|| predicate.to_owned(), |conjuncts| conjuncts.join(" AND "))
}

fn check(check: &snapshot::CheckConstraint) -> Check {
    // `CHECK ((a IS NOT NULL))`, as pg_get_constraintdef prints it.
    let expression = check.definition.trim_start_matches("CHECK").trim_end_matches("NOT VALID").trim();
    Check {
        name: Some(check.name.clone()),
        not_null: super::apply::proved_not_null(expression),
        validated: check.validated,
    }
}
