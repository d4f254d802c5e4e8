//! What a rule knows about the statement that it judges.

use std::ops::Range;

use crate::snapshot::Snapshot;
use crate::sql::ast::TableName;
use crate::sql::ast::ddl::{Command, Ddl};
use crate::workload::Workload;

use super::locks::{Held, LockMode, Work};
use super::schema::{Lookup, Schema, Table};

/// One statement of a file.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// Its place in the file, in bytes.
    pub(super) range: Range<usize>,
    pub(super) command: Command,
    /// The locks that it takes.
    pub(super) locks: Vec<Held>,
}

impl Step {
    pub(super) fn ddl(&self) -> Option<&Ddl> {
        match &self.command {
            Command::Ddl(ddl) => Some(ddl),
            Command::Query(_) => None,
        }
    }
}

/// A transaction as the statements before this one left it.
#[derive(Debug, Clone, Default)]
pub(super) struct Transaction {
    /// Whether the statement runs in one that holds other statements too.
    pub(super) open: bool,
    /// Locks held by earlier statements of it.
    pub(super) locks: Vec<(TableName, LockMode)>,
    /// Constraints added without validation in it.
    pub(super) not_valid: Vec<String>,
    /// Enum values added in it.
    pub(super) enum_values: Vec<String>,
}

/// What holds for the session, across transactions.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    pub(super) lock_timeout: bool,
    pub(super) statement_timeout: bool,
}

/// Production as its snapshot shows it.
pub(super) struct Production<'p> {
    pub(super) snapshot: &'p Snapshot,
    pub(super) workload: Workload,
}

/// Everything that a rule may look at.
pub(super) struct Context<'c> {
    /// The schema before the statement.
    pub(super) schema: &'c Schema,
    pub(super) step: &'c Step,
    /// Its text, without the semicolon.
    pub(super) text: &'c str,
    pub(super) transaction: &'c Transaction,
    pub(super) session: &'c Session,
    /// Every statement of the file.
    pub(super) steps: &'c [Step],
    /// This statement's place among them.
    pub(super) position: usize,
    pub(super) production: Option<&'c Production<'c>>,
    /// The server's major version.
    pub(super) version: u32,
}

impl<'c> Context<'c> {
    pub(super) fn table(&self, name: &TableName) -> Lookup<'c> {
        self.schema.table(name)
    }

    pub(super) fn known(&self, name: &TableName) -> Option<&'c Table> {
        self.table(name).known()
    }

    /// `schema.name` where the table is known, else the name as written.
    pub(super) fn display(&self, name: &TableName) -> String {
        match (self.known(name), &name.schema) {
            (Some(table), _) => table.display_name(),
            (None, Some(schema)) => format!("{schema}.{}", name.name),
            (None, None) => name.name.clone(),
        }
    }

    /// The name quoted for SQL, as written.
    pub(super) fn sql_name(name: &TableName) -> String {
        match &name.schema {
            Some(schema) => crate::sql::quote::qualified(schema, &name.name),
            None => crate::sql::quote::ident(&name.name),
        }
    }

    /// How a table is exposed to a statement that holds it up; `None` where that cannot matter: the files created
    /// it, or it has so few rows that nobody notices.
    pub(super) fn exposure(&self, name: &TableName, work: Work) -> Option<Exposure> {
        if !super::locks::holds_rows(self.schema, name) {
            return None;
        }
        let Some(table) = self.known(name).filter(|t| t.oid.is_some()) else { return Some(Exposure::default()) };
        let rows = table.rows;
        if rows.is_some_and(|r| r < SMALL_ROWS) {
            return None;
        }
        let bytes = match work {
            Work::Catalog => None,
            Work::Scan | Work::IndexBuild => table.heap_bytes,
            Work::Rewrite => table.total_bytes,
        };
        let seconds = rows.map(|rows| estimate_seconds(work, rows, bytes.unwrap_or(0) as f64));
        Some(Exposure { rows, bytes, seconds })
    }
}

/// Rows below which a lock is over before anyone notices.
pub(super) const SMALL_ROWS: f64 = 1000.0;
/// Rows from which holding up a table is an outage.
pub(super) const BIG_ROWS: f64 = 1_000_000.0;

/// What a statement meets in a table.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Exposure {
    pub(super) rows: Option<f64>,
    pub(super) bytes: Option<u64>,
    /// How long the work takes, estimated.
    pub(super) seconds: Option<f64>,
}

impl Exposure {
    /// A phrase with the numbers that are known; empty without any.
    pub(super) fn phrase(&self) -> String {
        match (self.rows, self.seconds) {
            (Some(rows), Some(seconds)) if seconds >= 0.1 => format!(" ({rows:.0} rows, about {seconds:.1} s)"),
            (Some(rows), _) => format!(" ({rows:.0} rows)"),
            _ => String::new(),
        }
    }

    /// The numbers for a finding's evidence.
    pub(super) fn numbers(&self) -> Vec<(&'static str, f64)> {
        let bytes = self.bytes.map(|b| b as f64);
        [("rows", self.rows), ("bytes", bytes), ("estimated_seconds", self.seconds)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    pub(super) fn is_big(&self) -> bool {
        self.rows.is_some_and(|r| r >= BIG_ROWS)
    }
}

/// Rows checked, and sorted into an index, in a second by one process on ordinary hardware; and bytes read or written.
/// Stated in docs/check.md: they only tell seconds from minutes.
const ROWS_SCANNED_PER_SECOND: f64 = 8_000_000.0;
const ROWS_INDEXED_PER_SECOND: f64 = 1_000_000.0;
const ROWS_REWRITTEN_PER_SECOND: f64 = 600_000.0;
const BYTES_READ_PER_SECOND: f64 = 500_000_000.0;
const BYTES_WRITTEN_PER_SECOND: f64 = 150_000_000.0;

/// How long a statement's work takes.
fn estimate_seconds(work: Work, rows: f64, bytes: f64) -> f64 {
    match work {
        Work::Catalog => 0.0,
        Work::Scan => (rows / ROWS_SCANNED_PER_SECOND).max(bytes / BYTES_READ_PER_SECOND),
        Work::IndexBuild => (rows / ROWS_INDEXED_PER_SECOND).max(bytes / BYTES_READ_PER_SECOND),
        Work::Rewrite => (rows / ROWS_REWRITTEN_PER_SECOND).max(bytes / BYTES_WRITTEN_PER_SECOND),
    }
}
