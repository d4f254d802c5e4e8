//! Answers to "why this index?", and "why not?": part of the report's contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Evidence, WriteOverhead};

/// What became of an index that somebody asked about, with the costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IndexExplanation {
    /// The index as it was asked for.
    pub asked: String,
    /// The statement that would create it.
    pub ddl: String,
    /// `schema.table`.
    pub table: String,
    /// What became of it.
    pub outcome: IndexOutcome,
    /// Why, with the numbers.
    pub reason: String,
    /// Whether a statement of the workload led to it as a candidate.
    pub was_candidate: bool,
    /// Who costed it; absent where nobody could.
    pub evidence: Option<Evidence>,
    /// Estimated size.
    pub estimated_bytes: Option<u64>,
    /// What it would cost on writes.
    pub write_overhead: WriteOverhead,
    /// Weighted cost of the statements that read its table, in the planner's unit, as things stand.
    pub cost_before: f64,
    /// The same with this index alone.
    pub cost_alone: f64,
    /// The same with what is recommended, this index left out.
    pub cost_advised: f64,
    /// The same with what is recommended, and this index.
    pub cost_both: f64,
    /// Those statements, the greatest weighted gain first.
    pub queries: Vec<QueryExplanation>,
}

/// What became of an index that somebody asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IndexOutcome {
    /// It is recommended.
    Recommended,
    /// An existing index serves all that it would.
    Exists,
    /// A recommended one serves all that it would.
    Covered,
    /// It was weighed and rejected.
    Rejected,
    /// It cannot be built, or nobody can say what it would bring.
    NotEvaluated,
}

/// One statement's costs with and without an index that somebody asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueryExplanation {
    /// The queryid.
    pub queryid: String,
    /// The text, on one line.
    pub query: String,
    /// Calls.
    pub calls: u64,
    /// Cost as things stand.
    pub cost_before: f64,
    /// With this index alone.
    pub cost_alone: f64,
    /// With what is recommended, this index left out.
    pub cost_advised: f64,
    /// With what is recommended, and this index.
    pub cost_both: f64,
    /// Whether the plan uses it when it is alone.
    pub used_alone: bool,
    /// Whether the plan uses it beside what is recommended.
    pub used_beside_advice: bool,
}
