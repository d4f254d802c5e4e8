//! Tables and what hangs on them, from the system catalogs, for all schemas that users own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Aggregate, AttrNumber, ColumnStats, ExtendedStatistics, Index, Oid, Signature, TableActivity, UserCast, UserType,
};

/// The user's part of the catalog. `tables` is sorted by oid; use [`Catalog::table`] to look one up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Catalog {
    /// Tables of every kind that can hold or route rows, materialised views included, sorted by oid.
    pub tables: Vec<Table>,
    /// Views, sorted by oid.
    pub views: Vec<View>,
    /// User-defined and extension functions outside `pg_catalog`, sorted by schema, name, arguments.
    pub functions: Vec<Function>,
    /// Extended statistics objects, sorted by schema and name.
    pub extended_statistics: Vec<ExtendedStatistics>,
    /// Operators outside `pg_catalog`, sorted by schema, name and operand types.
    #[serde(default)]
    pub operators: Vec<Operator>,
    /// Operator classes outside `pg_catalog`, sorted by schema, name and method.
    #[serde(default)]
    pub operator_classes: Vec<OperatorClass>,
    /// Types outside `pg_catalog`, sorted by schema and name.
    #[serde(default)]
    pub types: Vec<UserType>,
    /// Casts that are not the server's own, sorted by source and target.
    #[serde(default)]
    pub casts: Vec<UserCast>,
}

impl Catalog {
    /// The table with this oid.
    pub fn table(&self, oid: Oid) -> Option<&Table> {
        self.tables.binary_search_by_key(&oid, |t| t.oid).ok().map(|i| &self.tables[i])
    }

    /// The table with this name in this schema. Linear: build a map for many look-ups.
    pub fn table_named(&self, schema: &str, name: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.schema == schema && t.name == name)
    }

    /// Every index with its table.
    pub fn indexes(&self) -> impl Iterator<Item = (&Table, &Index)> {
        self.tables.iter().flat_map(|t| t.indexes.iter().map(move |i| (t, i)))
    }

    /// Direct partitions of a partitioned table.
    pub fn partitions_of(&self, parent: Oid) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(move |t| t.partition_of.as_ref().is_some_and(|p| p.parent == parent))
    }
}

/// A table, partitioned table, materialised view or foreign table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    /// `pg_class.oid`.
    pub oid: Oid,
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Owner.
    pub owner: String,
    /// Kind.
    pub kind: TableKind,
    /// Permanent, unlogged or temporary.
    pub persistence: Persistence,
    /// `pg_class.reltuples`: -1 if never vacuumed or analysed. For a partitioned table, the leaves' sum where known.
    pub reltuples: f64,
    /// `pg_class.relpages`.
    pub relpages: u32,
    /// `pg_class.relallvisible`.
    pub relallvisible: u32,
    /// Blocks on disk now (`pg_relation_size / block_size`), where it could be read: the planner's own input.
    pub actual_pages: Option<u32>,
    /// Size of the heap's main fork.
    pub heap_bytes: Option<u64>,
    /// Size of the TOAST table and its index.
    pub toast_bytes: Option<u64>,
    /// Size of all indexes.
    pub indexes_bytes: Option<u64>,
    /// The partition key as `pg_get_partkeydef` prints it, for a partitioned table.
    pub partition_key: Option<String>,
    /// Where it hangs, for a partition.
    pub partition_of: Option<PartitionOf>,
    /// Parents by plain inheritance.
    pub inherits: Vec<Oid>,
    /// Storage options (`fillfactor=90`, `parallel_workers=4`), sorted.
    pub options: Vec<String>,
    /// The tablespace, where it is not the database's own: see [`Server::tablespaces`](super::Server::tablespaces).
    #[serde(default)]
    pub tablespace: Option<String>,
    /// What a foreign table stands for.
    #[serde(default)]
    pub foreign: Option<ForeignTable>,
    /// Row-level security in force.
    pub row_security: bool,
    /// Replica identity as in `pg_class.relreplident`: `d`, `n`, `f`, `i`.
    pub replica_identity: String,
    /// Columns, sorted by number; dropped ones left out.
    pub columns: Vec<Column>,
    /// Indexes, sorted by name.
    pub indexes: Vec<Index>,
    /// Foreign keys that this table holds (as the referencing side), sorted by name.
    pub foreign_keys: Vec<ForeignKey>,
    /// Check constraints, sorted by name.
    pub checks: Vec<CheckConstraint>,
    /// Activity counters, where visible.
    pub activity: Option<TableActivity>,
}

impl Table {
    /// The column with this number.
    pub fn column(&self, attnum: AttrNumber) -> Option<&Column> {
        self.columns.binary_search_by_key(&attnum, |c| c.attnum).ok().map(|i| &self.columns[i])
    }

    /// The column with this name.
    pub fn column_named(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The number of rows as far as known: `reltuples` scaled to the pages on disk as the planner does it
    /// (`estimate_rel_size`), else the live-row counter, else `None`.
    pub fn rows(&self) -> Option<f64> {
        if self.reltuples >= 0.0 {
            match (self.actual_pages, self.relpages) {
                (Some(actual), pages) if pages > 0 => {
                    Some((self.reltuples / f64::from(pages) * f64::from(actual)).round())
                }
                _ => Some(self.reltuples),
            }
        } else {
            self.activity.as_ref().map(|a| a.live_rows as f64)
        }
    }

    /// `schema.name`, unquoted: for messages, never for SQL.
    pub fn display_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// `pg_class.relkind` of a [`Table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// An ordinary table (or a leaf partition).
    Ordinary,
    /// A partitioned table, without storage of its own.
    Partitioned,
    /// A materialised view.
    MaterializedView,
    /// A foreign table.
    Foreign,
}

/// `pg_class.relpersistence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Persistence {
    /// Logged.
    Permanent,
    /// Not logged.
    Unlogged,
    /// Of one session.
    Temporary,
}

/// Where a foreign table's rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForeignTable {
    /// The foreign server's name.
    pub server: String,
    /// The foreign-data wrapper's name.
    pub wrapper: String,
    /// Options of the table that its planning may need and that are no secrets (`fetch_size=100`), sorted.
    pub options: Vec<String>,
}

/// A partition's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartitionOf {
    /// The direct parent.
    pub parent: Oid,
    /// The topmost partitioned table.
    pub root: Oid,
    /// The bound as `pg_get_expr(relpartbound)` prints it.
    pub bound: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// `pg_attribute.attnum`.
    pub attnum: AttrNumber,
    /// Name.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub ty: ColumnType,
    /// NOT NULL.
    pub not_null: bool,
    /// The default (or generation) expression as `pg_get_expr` prints it.
    pub default: Option<String>,
    /// `a` (always) or `d` (by default), for an identity column.
    pub identity: Option<String>,
    /// Whether `default` is a generation expression.
    pub generated: bool,
    /// Whether the generated value is computed when read (18+): the planner puts the expression in its place.
    #[serde(default)]
    pub generated_virtual: bool,
    /// The collation, qualified and quoted, if the type is collatable.
    pub collation: Option<String>,
    /// Whether that collation sorts as C does, so that a plain B-tree serves LIKE prefixes.
    pub collation_is_c: bool,
    /// `pg_attribute.attstattarget`, where set.
    pub statistics_target: Option<i32>,
    /// `pg_attribute.attstorage`: `p`, `m`, `e`, `x`.
    pub storage: String,
    /// Statistics of the table itself (`inherited = false`).
    pub stats: Option<ColumnStats>,
    /// Statistics with its children (`inherited = true`): the only ones of a partitioned table.
    pub stats_inherited: Option<ColumnStats>,
}

impl Column {
    /// The statistics that describe all rows the table stands for: inherited ones where there are any.
    pub fn statistics(&self) -> Option<&ColumnStats> {
        self.stats_inherited.as_ref().or(self.stats.as_ref())
    }
}

/// A column's type, with what an advisor needs to know about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnType {
    /// `format_type(atttypid, atttypmod)`: `numeric(12,2)`.
    pub name: String,
    /// `pg_type.typname` of the base type, domains followed down: `int4`, `text`, `jsonb`, `_int4`.
    pub base: String,
    /// Schema of the base type.
    pub schema: String,
    /// Kind of the declared type.
    pub kind: TypeKind,
    /// `pg_type.typcategory` of the base type: `N`, `S`, `D`, `A`, …
    pub category: String,
    /// `typname` of the element type, for an array.
    pub element: Option<String>,
    /// `pg_type.typlen`: bytes, -1 for variable length, -2 for a C string.
    pub length: i16,
    /// `pg_type.typalign`: `c` (1 byte), `s` (2), `i` (4), `d` (8); empty in files of older versions.
    #[serde(default)]
    pub alignment: String,
    /// `pg_type.typbyval`: passed by value.
    #[serde(default)]
    pub by_value: bool,
    /// The declared maximum or shape (`atttypmod`, or the domain's `typtypmod`), -1 for none: 14 for `varchar(10)`.
    #[serde(default = "no_modifier")]
    pub modifier: i32,
    /// `typname` of a range's subtype (of a multirange's range's, too).
    #[serde(default)]
    pub subtype: Option<String>,
    /// Access methods with a default operator class for the type, sorted: `["brin", "btree", "hash"]`.
    pub default_opclasses: Vec<String>,
    /// The labels in order, for an enum.
    pub enum_labels: Option<Vec<String>>,
}

/// `atttypmod` of a type without a modifier.
fn no_modifier() -> i32 {
    -1
}

/// `pg_type.typtype` of the declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    /// A base type, arrays included.
    Base,
    /// A composite type.
    Composite,
    /// A domain.
    Domain,
    /// An enum.
    Enum,
    /// A range.
    Range,
    /// A multirange.
    Multirange,
    /// A pseudo-type.
    Pseudo,
}

/// A foreign key, seen from the referencing table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForeignKey {
    /// Constraint name.
    pub name: String,
    /// Referencing columns in order.
    pub columns: Vec<AttrNumber>,
    /// The referenced table.
    pub references: Oid,
    /// Referenced columns in order.
    pub referenced_columns: Vec<AttrNumber>,
    /// ON DELETE.
    pub on_delete: ForeignKeyAction,
    /// ON UPDATE.
    pub on_update: ForeignKeyAction,
    /// Whether it is validated.
    pub validated: bool,
}

/// What a foreign key does when the referenced row goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForeignKeyAction {
    /// Refuse at the end of the statement.
    NoAction,
    /// Refuse at once.
    Restrict,
    /// Delete or update too.
    Cascade,
    /// Set the columns to NULL.
    SetNull,
    /// Set the columns to their defaults.
    SetDefault,
}

/// A check constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckConstraint {
    /// Constraint name.
    pub name: String,
    /// `pg_get_constraintdef`.
    pub definition: String,
    /// Whether it is validated.
    pub validated: bool,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct View {
    /// `pg_class.oid`.
    pub oid: Oid,
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Column names in order.
    pub columns: Vec<String>,
    /// `pg_get_viewdef`.
    pub definition: String,
    /// The materialised view's table of the same oid, when it is one.
    pub materialized: bool,
    /// Options (`security_barrier=true`), sorted.
    #[serde(default)]
    pub options: Vec<String>,
}

/// A function outside `pg_catalog`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Function {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// `pg_get_function_identity_arguments`.
    pub arguments: String,
    /// Volatility.
    pub volatility: Volatility,
    /// `pg_proc.prokind`: `f` (function), `a` (aggregate), `w` (window function).
    #[serde(default)]
    pub kind: String,
    /// Types of the arguments in order, as `format_type` prints them.
    #[serde(default)]
    pub argument_types: Vec<String>,
    /// The result's type, as `format_type` prints it.
    #[serde(default)]
    pub returns: String,
    /// Returns a set of rows.
    #[serde(default)]
    pub returns_set: bool,
    /// NULL for a NULL argument (`proisstrict`).
    #[serde(default)]
    pub strict: bool,
    /// `proleakproof`.
    #[serde(default)]
    pub leakproof: bool,
    /// `proparallel`: `s` (safe), `r` (restricted), `u` (unsafe).
    #[serde(default)]
    pub parallel: String,
    /// `procost`, in units of `cpu_operator_cost`.
    #[serde(default)]
    pub cost: Option<f64>,
    /// `prorows`: rows that a set-returning function is expected to return.
    #[serde(default)]
    pub rows: f64,
    /// The planner support function, qualified and quoted.
    #[serde(default)]
    pub support: Option<String>,
    /// The language's name.
    #[serde(default)]
    pub language: String,
    /// How arguments may be given, and what rows come back.
    #[serde(default)]
    pub signature: Signature,
    /// What makes it an aggregate.
    #[serde(default)]
    pub aggregate: Option<Aggregate>,
}

/// An operator outside `pg_catalog`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operator {
    /// Schema.
    pub schema: String,
    /// Name: `%`.
    pub name: String,
    /// The left operand's type; `None` for a prefix operator.
    pub left: Option<String>,
    /// The right operand's type.
    pub right: String,
    /// The result's type.
    pub result: String,
    /// The function behind it, as `regprocedure` prints it.
    pub function: String,
    /// The restriction estimator (`oprrest`): `contsel`.
    pub restrict: Option<String>,
    /// The join estimator (`oprjoin`): `contjoinsel`.
    pub join: Option<String>,
    /// The commutator, as `regoperator` prints it.
    pub commutator: Option<String>,
    /// The negator, as `regoperator` prints it.
    pub negator: Option<String>,
    /// `oprcanhash`.
    pub hashable: bool,
    /// `oprcanmerge`.
    pub mergeable: bool,
}

/// An operator class outside `pg_catalog`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperatorClass {
    /// Schema.
    pub schema: String,
    /// Name: `gin_trgm_ops`.
    pub name: String,
    /// The access method's name.
    pub method: String,
    /// The indexed type.
    pub input: String,
    /// The type that is stored, where it is another.
    pub stored: Option<String>,
    /// Whether it is the type's default for the method.
    pub default: bool,
    /// The operator family, qualified and quoted.
    pub family: String,
    /// What its family's operators on the indexed type are for, sorted by strategy.
    pub operators: Vec<FamilyOperator>,
}

/// A member of an operator family (`pg_amop`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FamilyOperator {
    /// `amopstrategy`.
    pub strategy: i16,
    /// The operator, as `regoperator` prints it.
    pub operator: String,
    /// Whether it orders (`ORDER BY a <-> b`) instead of searching.
    pub ordering: bool,
}

/// `pg_proc.provolatile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Volatility {
    /// The same result for the same arguments for ever: indexable.
    Immutable,
    /// The same within one statement: a constant to an index scan, not indexable.
    Stable,
    /// Anything may happen.
    Volatile,
}
