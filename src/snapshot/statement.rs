//! The workload: normalised statements with their counters, and the plans captured for them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The statements of one database, most total time first (then by queryid).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statements {
    /// Where they come from.
    pub source: StatementSource,
    /// Counting began here: the last reset of pg_stat_statements, or the first reading of `--interval`.
    pub since: Option<Timestamp>,
    /// Length of the interval between two readings, where there were two.
    pub interval_ms: Option<u64>,
    /// A reset seen between the two readings: the figures are then those since the reset.
    pub reset_during_interval: bool,
    /// Entries evicted for want of room since the reset (`pg_stat_statements_info.dealloc`, 14+).
    pub evicted: Option<u64>,
    /// Everything the source counted for this database, before any filter.
    pub total_calls: u64,
    /// See `total_calls`.
    pub total_time_ms: f64,
    /// The statements kept.
    pub items: Vec<Statement>,
    /// What was filtered out, by reason.
    pub left_out: Vec<LeftOut>,
}

/// Where statements come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatementSource {
    /// The extension's view.
    PgStatStatements,
    /// SQL files (`--sql`).
    Files,
    /// No source could be read.
    None,
}

/// One normalised query with its counters (`pg_stat_statements`' unit), summed over `toplevel`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// The server's query identifier, as text.
    pub queryid: String,
    /// The role that ran it, where visible.
    pub user: Option<String>,
    /// The query's text as the source gives it.
    pub query: String,
    /// Executions.
    pub calls: u64,
    /// Total execution time.
    pub total_ms: f64,
    /// Mean execution time.
    pub mean_ms: f64,
    /// Shortest execution; absent over an interval.
    pub min_ms: Option<f64>,
    /// Longest execution; absent over an interval.
    pub max_ms: Option<f64>,
    /// Standard deviation of execution time; absent over an interval.
    pub stddev_ms: Option<f64>,
    /// Total planning time, where tracked.
    pub plan_ms: Option<f64>,
    /// Rows returned or affected.
    pub rows: u64,
    /// Block counters.
    pub blocks: Blocks,
    /// WAL bytes written.
    pub wal_bytes: Option<u64>,
    /// The plan captured for it, or why there is none.
    pub plan: PlanOutcome,
}

/// Blocks touched by a statement, in blocks of `block_size`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Blocks {
    /// Shared blocks found in cache.
    pub shared_hit: u64,
    /// Shared blocks read.
    pub shared_read: u64,
    /// Shared blocks dirtied.
    pub shared_dirtied: u64,
    /// Shared blocks written.
    pub shared_written: u64,
    /// Temporary blocks read.
    pub temp_read: u64,
    /// Temporary blocks written.
    pub temp_written: u64,
    /// Time spent reading, where `track_io_timing` is on.
    pub read_ms: f64,
    /// Time spent writing, where `track_io_timing` is on.
    pub write_ms: f64,
}

/// The outcome of asking the server for a statement's plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum PlanOutcome {
    /// A plan was captured.
    Captured(CapturedPlan),
    /// The server or pgwise declined, and why.
    Failed {
        /// Why, in a sentence fragment, with no value from the data.
        reason: String,
    },
    /// Nobody asked.
    NotAsked,
}

impl PlanOutcome {
    /// The captured plan, if there is one.
    pub fn captured(&self) -> Option<&CapturedPlan> {
        match self {
            Self::Captured(plan) => Some(plan),
            Self::Failed { .. } | Self::NotAsked => None,
        }
    }
}

/// One plan as `EXPLAIN (FORMAT JSON)` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapturedPlan {
    /// How it was obtained.
    pub kind: PlanKind,
    /// The single element of EXPLAIN's JSON array: an object with the key `Plan`. Read it with `plan::Explain`.
    pub json: serde_json::Value,
    /// Settings that differ from their built-in defaults, as EXPLAIN (SETTINGS) printed them.
    pub settings: BTreeMap<String, String>,
}

/// How a plan was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    /// The text had no parameters: the plan is exact.
    Literal,
    /// The generic plan of a parameterised text.
    Generic,
    /// Executed under EXPLAIN ANALYZE, with parameters drawn from statistics where it had any.
    Analyzed,
}

/// Statements that were filtered out, counted by reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// Why.
    pub reason: LeftOutReason,
    /// How many statements.
    pub statements: u64,
    /// Their calls.
    pub calls: u64,
    /// Their total execution time.
    pub total_ms: f64,
}

/// Why a statement was filtered out at collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutReason {
    /// A utility statement (DDL, SET, BEGIN, COPY, …).
    Utility,
    /// It reads only system catalogs.
    SystemCatalog,
    /// pgwise's own.
    OwnStatement,
    /// Fewer calls than `--min-calls`.
    TooFewCalls,
    /// Less mean time than `--min-time-ms`.
    TooFast,
    /// Another role than `--user`.
    OtherUser,
    /// Beyond `--top`.
    BeyondTop,
    /// The role may not see the text.
    TextHidden,
}
