//! What would a statement cost if other indexes existed?
//!
//! In: statements of a snapshot and [`Configuration`]s of hypothetical indexes. Out: costs, rows and the indexes used.
//! [`CostSource`] is batched and synchronous, so that the search in `advise` stays pure; a live backend has its work
//! done by a tokio runtime and blocks the calling thread meanwhile. Nothing here decides anything.

mod answer;
pub mod ddl;
#[cfg(test)]
pub(crate) mod fixture;
pub mod hypopg;
mod live;
pub mod memo;
pub mod model;
pub mod reserve;
pub mod rule;
pub mod size;
pub mod twin;

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{IndexSpec, Oid};

/// Identifies a candidate index within one run: its position in the candidate pool.
pub type CandidateId = usize;

/// Indexes assumed beside (and instead of) the existing ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Configuration {
    /// Hypothetical indexes assumed present.
    pub with: BTreeSet<CandidateId>,
    /// Existing indexes assumed absent.
    pub without: BTreeSet<Oid>,
}

/// One question to a cost source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CostRequest {
    /// Position in `snapshot.statements.items`.
    pub statement: usize,
    /// The indexes to assume. Only those on the statement's tables matter: name no others, and equal
    /// questions stay equal.
    pub configuration: Configuration,
}

/// The answer: what the planner would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Costed {
    /// Total cost of the cheapest plan, in the planner's unit.
    pub total_cost: f64,
    /// Estimated rows returned.
    pub rows: f64,
    /// Hypothetical indexes that the plan uses.
    pub used: BTreeSet<CandidateId>,
    /// Names of existing indexes that the plan uses.
    pub used_existing: BTreeSet<String>,
    /// Per table scanned, how the plan reads it (`Seq Scan`, `Index Only Scan using …`): the cheapest description of
    /// the plan for a report. The key is the table's name or alias in the plan.
    pub scans: BTreeMap<String, String>,
    /// The dearest table scan of the plan (its root, where no table is scanned), for `node_before` / `node_after`
    /// where no scan of [`Costed::scans`] fits better.
    pub node: String,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// The statement cannot be planned by this source (it failed to parse there, an object is missing, …).
    #[error("{0}")]
    Statement(String),
    /// The source cannot express an index of the configuration.
    #[error("{0}")]
    Inexpressible(String),
    /// The server says that the index itself cannot exist: its expression is not immutable, its predicate is no
    /// condition, its type has no operator class. Nobody need judge it.
    #[error("{0}")]
    Impossible(String),
    /// The source is gone: every further question fails too.
    #[error("the what-if server failed: {0}")]
    Lost(String),
}

/// What answers cost questions.
pub trait CostSource {
    /// Which source it is.
    fn kind(&self) -> CostSourceKind;

    /// Makes candidates known under their ids, before any request names them; one answer each, in order. An error says
    /// why this source cannot express the index (GIN under HypoPG): the caller then judges that candidate by rule.
    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>>;

    /// Answers every request, in order. A failure of one does not touch the others.
    fn cost(&mut self, requests: &[CostRequest]) -> Vec<Result<Costed, CostError>>;

    /// Questions that reached the source, so far. Answering from memory is the caller's (`advise` does).
    fn questions_asked(&self) -> u64;

    /// Whether it can hide existing indexes ([`Configuration::without`]).
    fn can_hide(&self) -> bool;
}

/// What a source says about a candidate it accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Registered {
    /// The source's own estimate of the index's size, which its costs rest on, if it makes one. HypoPG knows no
    /// deduplication: what [`size`] says is nearer the truth.
    pub estimated_bytes: Option<u64>,
}

/// The kinds of cost source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CostSourceKind {
    /// HypoPG on the monitored database.
    Hypopg,
    /// A throwaway server with the schema, statistics and sizes of the snapshot.
    Twin,
    /// The planner model: computed from the snapshot.
    Model,
    /// Rules of thumb over the captured plans: no planner at hand.
    Rule,
}
