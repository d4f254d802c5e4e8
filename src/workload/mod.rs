//! From statements to bound queries: names, parameters, predicates, written columns, weights.
//!
//! In: a [`crate::snapshot::Snapshot`]'s statements and catalog. Out: a [`Workload`] of [`BoundQuery`]s with their
//! weights, and every statement that could not be analysed with the reason. Pure: no I/O, no clock.

mod query;

pub use query::{
    BlockRole, BoundQuery, Comparison, JoinClause, Limit, Operand, Predicate, QueryBlock, QueryKind, Relation, SortKey,
    Target, Unsargable, Value, Write, WriteKind,
};

/// The analysed workload. `queries` and `skipped` together account for every statement of the snapshot.
#[derive(Debug, Clone, Default)]
pub struct Workload {
    /// Analysed statements, in the snapshot's order.
    pub queries: Vec<WorkloadQuery>,
    /// Statements that could not be analysed, in the snapshot's order.
    pub skipped: Vec<Skipped>,
}

/// One analysed statement.
#[derive(Debug, Clone)]
pub struct WorkloadQuery {
    /// Position in `snapshot.statements.items`.
    pub statement: usize,
    /// The statement, bound.
    pub bound: BoundQuery,
}

/// One statement that could not be analysed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Position in `snapshot.statements.items`.
    pub statement: usize,
    /// Which kind of reason: a stable kebab-case word (`truncated`, `syntax`, `utility`, `unknown-table`, …).
    pub code: &'static str,
    /// The reason in a sentence fragment.
    pub reason: String,
}
