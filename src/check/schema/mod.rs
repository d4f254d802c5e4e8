//! The schema as the statements played so far leave it.
//!
//! It begins as the snapshot's catalog, or empty. Without a snapshot a table that no file created exists as far as
//! anyone knows, with unknown columns and size; with one, it does not exist.

mod apply;
mod build;

pub(super) use apply::{index_of, index_reads, type_text};

use std::collections::BTreeMap;

use crate::snapshot::Oid;
use crate::sql::ast::TableName;

/// A table's schema and name.
pub(super) type Key = (String, String);

/// The schema at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Schema {
    pub(super) tables: BTreeMap<Key, Table>,
    /// Where names without a schema are looked for.
    pub(super) search_path: Vec<String>,
    /// Whether every table is known: there is a snapshot.
    pub(super) complete: bool,
    /// Enum values added, by type and value: they may not be used in the transaction that adds them.
    pub(super) added_enum_values: Vec<String>,
}

/// A table.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) key: Key,
    /// The snapshot's table, where it comes from there.
    pub(super) oid: Option<Oid>,
    /// Created by one of the files that are judged: empty until something fills it.
    pub(super) created_here: bool,
    /// Whether all columns are known.
    pub(super) columns_known: bool,
    pub(super) rows: Option<f64>,
    pub(super) heap_bytes: Option<u64>,
    pub(super) total_bytes: Option<u64>,
    pub(super) partitioned: bool,
    pub(super) temporary: bool,
    pub(super) columns: Vec<Column>,
    pub(super) indexes: Vec<Index>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) checks: Vec<Check>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    /// `pg_type.typname` (domains followed down), `_` before an array's element.
    pub(super) ty: String,
    /// Type modifiers as written, `12,2`; empty for none.
    pub(super) modifiers: String,
    pub(super) not_null: bool,
    pub(super) has_default: bool,
    /// Share of nulls, where statistics say.
    pub(super) null_frac: Option<f64>,
    /// `pg_stats.n_distinct`, where statistics say.
    pub(super) n_distinct: Option<f64>,
}

/// An index.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) method: String,
    pub(super) keys: Vec<IndexKey>,
    pub(super) include: Vec<String>,
    /// The predicate in canonical form.
    pub(super) predicate: Option<String>,
    pub(super) unique: bool,
    /// The constraint that it backs: its name.
    pub(super) constraint: Option<String>,
    pub(super) primary: bool,
    pub(super) valid: bool,
    pub(super) bytes: Option<u64>,
    /// Scans since the counters were reset.
    pub(super) scans: Option<u64>,
    /// The snapshot's index, where it comes from there.
    pub(super) oid: Option<Oid>,
    pub(super) created_here: bool,
}

/// A key of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct IndexKey {
    /// The column; `None` for an expression.
    pub(super) column: Option<String>,
    /// The expression in canonical form.
    pub(super) expression: Option<String>,
    /// The operator class, where it is not the type's default.
    pub(super) opclass: Option<String>,
    /// The collation, where it is not the column's own.
    pub(super) collation: Option<String>,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
}

/// A foreign key, by its referencing table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ForeignKey {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) references: Key,
    pub(super) validated: bool,
}

/// A check constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: Option<String>,
    /// Columns that it proves not null.
    pub(super) not_null: Vec<String>,
    pub(super) validated: bool,
}

/// What is known about a table that a statement names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lookup<'s> {
    /// It is there.
    Known(&'s Table),
    /// Nobody knows: there is no snapshot.
    Unknown,
    /// It is not there.
    Missing,
}

impl<'s> Lookup<'s> {
    pub(super) fn known(self) -> Option<&'s Table> {
        match self {
            Self::Known(table) => Some(table),
            Self::Unknown | Self::Missing => None,
        }
    }
}

impl Schema {
    /// The table that a name means.
    pub(super) fn table(&self, name: &TableName) -> Lookup<'_> {
        match self.resolve(name) {
            Some(key) => self.tables.get(&key).map_or(Lookup::Missing, Lookup::Known),
            None if self.complete => Lookup::Missing,
            None => Lookup::Unknown,
        }
    }

    /// The key of the table that a name means, if there is one.
    fn resolve(&self, name: &TableName) -> Option<Key> {
        let of = |schema: &str| (schema.to_owned(), name.name.clone());
        match &name.schema {
            Some(schema) => Some(of(schema)).filter(|key| self.tables.contains_key(key)),
            None => self.search_path.iter().map(|s| of(s)).find(|key| self.tables.contains_key(key)),
        }
    }

    /// The key that a table gets when it is created under this name.
    pub(super) fn key_for(&self, name: &TableName) -> Key {
        let first = || self.search_path.first().cloned().unwrap_or_else(|| "public".to_owned());
        (name.schema.clone().unwrap_or_else(first), name.name.clone())
    }

    /// The table and index that an index's name means.
    pub(super) fn index(&self, name: &TableName) -> Option<(&Table, &Index)> {
        let in_schema = |schema: &str| {
            self.tables
                .values()
                .filter(|t| t.key.0 == schema)
                .find_map(|t| t.indexes.iter().find(|i| i.name == name.name).map(|i| (t, i)))
        };
        match &name.schema {
            Some(schema) => in_schema(schema),
            None => self.search_path.iter().find_map(|s| in_schema(s)),
        }
    }
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// `schema.name`, unquoted: for messages, never for SQL.
    pub(super) fn display_name(&self) -> String {
        format!("{}.{}", self.key.0, self.key.1)
    }
}
