//! What every statement's planning shares: the catalog, the facts, the settings, and the indexes that could be there.

use std::sync::Arc;

use super::expr::Expr;
use super::facts::Facts;
use super::relids::RelId;
use super::settings::Settings;
use crate::snapshot::{AttrNumber, ColumnStats, IndexMethod, Oid, Snapshot};

/// What every statement's planning shares.
#[derive(Debug)]
pub struct Env<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// The settings in force.
    pub settings: Settings,
    /// Types, operators, functions.
    pub facts: Facts,
    /// Statistics with their values parsed.
    pub parsed: super::stats::Cache,
}

impl<'a> Env<'a> {
    /// For a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            settings: Settings::of(&snapshot.server),
            facts: Facts::new(snapshot),
            parsed: super::stats::Cache::default(),
        }
    }
}

/// Which index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexRef {
    /// An existing one, by its oid.
    Existing(Oid),
    /// A candidate, by its number in the run's pool.
    Candidate(usize),
}

/// An index as the planner sees it (`IndexOptInfo`), for one table. Expressions are over `Var`s of [`INDEX_REL`].
#[derive(Debug, Clone, PartialEq)]
pub struct IndexInfo {
    /// Which index.
    pub id: IndexRef,
    /// Name in plans.
    pub name: String,
    /// The table it is on.
    pub table: Oid,
    /// Access method.
    pub method: IndexMethod,
    /// Keys in order.
    pub keys: Vec<IndexKeyInfo>,
    /// INCLUDE columns.
    pub include: Vec<AttrNumber>,
    /// The partial predicate as an implicit AND; empty for none.
    pub predicate: Vec<Expr>,
    /// UNIQUE, and immediate.
    pub unique: bool,
    /// Blocks.
    pub pages: f64,
    /// Entries.
    pub tuples: f64,
    /// Levels above the leaves, for a B-tree (`_bt_getrootheight`).
    pub tree_height: u32,
    /// BRIN's `pages_per_range`.
    pub pages_per_range: f64,
    /// GIN's counts in its meta page: pending pages, total pages, entry pages, data pages, entries.
    pub gin: Option<GinCounts>,
}

/// What GIN keeps in its meta page (`GinStatsData`).
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "each is the field of the same name, in pages or entries")]
pub struct GinCounts {
    pub pending_pages: f64,
    pub total_pages: f64,
    pub entry_pages: f64,
    pub data_pages: f64,
    pub entries: f64,
}

/// The range-table position that stands for the index's own table in [`IndexInfo`]'s expressions, until an index is
/// attached to a relation of a query.
pub const INDEX_REL: RelId = usize::MAX;

/// One key of an index.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexKeyInfo {
    /// The column; 0 for an expression.
    pub attno: AttrNumber,
    /// The key as an expression (a Var for a column).
    pub expr: Expr,
    /// Operator family.
    pub family: Oid,
    /// Type that the operator class takes (`opcintype`).
    pub input: Oid,
    /// Collation, 0 for none.
    pub collation: Oid,
    /// That collation orders by bytes.
    pub collation_is_c: bool,
    /// Operator class's name, for its special ways (`jsonb_path_ops`, `text_pattern_ops`).
    pub opclass: String,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
    /// Statistics of an expression key.
    pub stats: Option<Arc<ColumnStats>>,
    /// Whether an index-only scan can return it (`amcanreturn`).
    pub returnable: bool,
}
