//! The data model that everything else shares: what pgwise knows about one database at one moment.
//!
//! In: what `collect` read (or a file that holds it). Out: plain values that the analysis reads. A [`Snapshot`] is
//! serialisable, versioned and complete: the analysis looks at nothing else, so the same snapshot gives the same
//! report on any machine. Nothing here does I/O, but for [`file`]'s reader and writer, which take any byte stream.
//!
//! Conventions: units are in the name (`_ms`, `_bytes`, `_pct`); object identifiers are those of the database the
//! snapshot was taken from; knowledge that is absent is `None`, never zero; every list is sorted by a stable key.

mod activity;
mod catalog;
mod extended;
pub mod file;
mod index;
mod objects;
mod schema;
mod server;
mod statement;
mod statistics;

pub use activity::{IndexActivity, TableActivity};
pub use catalog::{
    Catalog, CheckConstraint, Column, ColumnType, FamilyOperator, ForeignKey, ForeignKeyAction, ForeignTable, Function,
    Operator, OperatorClass, PartitionOf, Persistence, Table, TableKind, TypeKind, View, Volatility,
};
pub use extended::{DependencyItem, ExtendedData, ExtendedStatistics, McvItem, NDistinctItem};
pub use index::{GinCounts, Index, IndexKey, IndexMethod, IndexSpec, KeySpec, KeyTarget};
pub use objects::{Aggregate, Field, Signature, UserCast, UserType};
pub use schema::{DatabaseLocale, SchemaDdl, SchemaObject, SchemaObjectKind, TableConstraint};
pub use server::{Extension, RecoveryState, Role, Server, Setting, Tablespace};
pub use statement::{
    Blocks, CapturedPlan, LeftOut, LeftOutReason, PlanKind, PlanOutcome, Statement, StatementSource, Statements,
};
pub use statistics::{ColumnStats, ElementStats, KnownValue, RangeStats, WithheldValues};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An object identifier of the monitored database (`pg_class.oid` and the like).
pub type Oid = u32;

/// A column's number within its table (`pg_attribute.attnum`), counted from 1.
pub type AttrNumber = i16;

/// The version of the snapshot format that this binary writes. A file with a greater number is refused.
pub const SCHEMA_VERSION: u32 = 1;

/// What pgwise knows about one database at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The format's version, [`SCHEMA_VERSION`] when written by this binary.
    pub schema_version: u32,
    /// Which program wrote it: `pgwise 0.1.0`.
    pub tool: String,
    /// When collecting began (the server's clock).
    pub captured_at: Timestamp,
    /// Which data values the snapshot carries.
    pub values: ValuesPolicy,
    /// The server and the session's view of it.
    pub server: Server,
    /// Tables, indexes, views and what hangs on them.
    pub catalog: Catalog,
    /// What recreates the schema beside the catalog; absent in files of older versions, or where it could not be read.
    #[serde(default)]
    pub schema: Option<SchemaDdl>,
    /// The workload as the server counted it.
    pub statements: Statements,
    /// What could not be seen, each with the reason and the way to see it.
    pub not_seen: Vec<NotSeen>,
}

/// Which values from the data a snapshot carries (`--values`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum ValuesPolicy {
    /// No value at all: frequencies, counts and widths only.
    None,
    /// Values of numeric, date, boolean and enum columns, and none of text-like types.
    #[default]
    Safe,
    /// Every value that the statistics hold.
    All,
}

/// One part of the database that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotSeen {
    /// The part: `statements`, `statistics`, `tables`, …
    pub part: String,
    /// Why it could not be read, in a sentence fragment: `permission denied for view pg_stat_statements`.
    pub reason: String,
    /// What would make it visible: SQL to run or a setting to change.
    pub remedy: Option<String>,
}
