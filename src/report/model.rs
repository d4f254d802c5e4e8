//! The report as data: the public contract, kept in docs/schema/report.schema.json.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::why::IndexExplanation;

/// The version of the report format that this binary writes.
pub const SCHEMA_VERSION: u32 = 1;

/// The outcome of `pgwise analyze`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The format's version.
    pub schema_version: u32,
    /// Which program wrote it: `pgwise 0.1.0`.
    pub tool: String,
    /// When the data that it judges was captured: the same snapshot gives the same report, byte for byte.
    pub generated_at: Timestamp,
    /// What was looked at.
    pub source: Source,
    /// What the costs rest on: `hypopg`, `rule`, …
    pub cost_source: CostSourceReport,
    /// The workload in figures.
    pub workload: WorkloadReport,
    /// Changes to make, the most time saved first.
    pub recommendations: Vec<Recommendation>,
    /// Statements whose plans get dearer with the advice in place, the most weighted cost first.
    #[serde(default)]
    pub worse: Vec<QueryImpact>,
    /// Answers to `--explain-why`, in the order of the questions.
    #[serde(default)]
    pub explanations: Vec<IndexExplanation>,
    /// Candidates considered and not recommended.
    pub rejected: Vec<Rejection>,
    /// Observations.
    pub findings: Vec<Finding>,
    /// What could not be judged, and why.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// `live` or `snapshot`.
    pub kind: SourceKind,
    /// The database's name.
    pub database: String,
    /// `server_version_num`.
    pub server_version_num: u32,
    /// When the snapshot was taken.
    pub captured_at: Timestamp,
    /// Since when the statement counters count.
    pub stats_since: Option<Timestamp>,
    /// The interval between two readings, where there were two.
    pub interval_ms: Option<u64>,
    /// Tables looked at, partitions and materialised views among them: 0 tells an empty database from a sound one.
    pub tables: u64,
}

/// Where the snapshot came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A live database.
    Live,
    /// A file.
    Snapshot,
}

/// What the costs rest on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostSourceReport {
    /// The best of those asked: `hypopg`, `twin`, `model` or `rule`.
    pub kind: String,
    /// Who answered the search: `model`, `hypopg`, `twin` or `rule`.
    #[serde(default)]
    pub searched_by: String,
    /// The real planner that costed what the search decided: `hypopg` or `twin`; absent where none was at hand.
    #[serde(default)]
    pub proved_by: Option<String>,
    /// Cost questions that reached a source.
    pub questions: u64,
    /// Those to the one that answered the search.
    #[serde(default)]
    pub search_questions: u64,
    /// Those to the one that proved the outcome, and that answered the search for statements where the model disagrees;
    /// 0 where one did both.
    #[serde(default)]
    pub proof_questions: u64,
    /// Statements for which the planner model's cost was compared with a server's own EXPLAIN.
    #[serde(default)]
    pub statements_compared: u64,
    /// Those among them where the two are more than 10 % apart: a real planner costed them, or advice that rests on
    /// them has low confidence.
    #[serde(default)]
    pub statements_disagreeing: u64,
    /// Why no better source was used, if that is so.
    pub note: Option<String>,
}

/// The workload in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkloadReport {
    /// Statements that the source counted for this database.
    pub statements_seen: u64,
    /// Statements analysed.
    pub statements_analysed: u64,
    /// Statements skipped or filtered out, by reason.
    pub skipped: Vec<SkippedReport>,
    /// Calls of the analysed statements.
    pub calls: u64,
    /// Execution time of the analysed statements.
    pub total_time_ms: f64,
    /// Share of all counted execution time that was analysed.
    pub time_analysed_pct: f64,
    /// Weighted cost of the workload now and with every recommendation, in the planner's unit.
    pub cost_before: Option<f64>,
    /// See `cost_before`.
    pub cost_after: Option<f64>,
}

/// Statements left aside for one reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SkippedReport {
    /// A stable word: `utility`, `truncated`, `syntax`, `too-few-calls`, …
    pub reason: String,
    /// How many.
    pub statements: u64,
    /// Their execution time.
    pub total_time_ms: f64,
    /// A few of their queryids with the details, where the reason is about the text.
    pub examples: Vec<SkippedExample>,
}

/// One statement left aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkippedExample {
    /// Its queryid.
    pub queryid: String,
    /// The details.
    pub detail: String,
}

/// A change to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// Stable across runs for the same advice.
    pub id: String,
    /// What kind of change.
    pub kind: RecommendationKind,
    /// `schema.table`, unquoted.
    pub table: String,
    /// One complete statement, quoted and schema-qualified, with its closing semicolon.
    pub ddl: String,
    /// The same in several statements, in order, where `ddl` alone would block writes for as long as it runs (a
    /// partitioned table: the parent's entry, each partition's index concurrently, its attachment). Empty otherwise.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Statements to run first (`CREATE EXTENSION pg_trgm`).
    pub prerequisites: Vec<String>,
    /// What undoes it; empty where there is nothing to undo (ANALYZE).
    pub undo_ddl: String,
    /// The index created or dropped.
    pub index: Option<IndexReport>,
    /// What it brings.
    pub impact: Impact,
    /// What it costs when writing.
    pub write_overhead: WriteOverhead,
    /// The statements it serves, the most time saved first.
    pub queries: Vec<QueryImpact>,
    /// What kind of evidence it rests on.
    pub evidence: Evidence,
    /// How sure pgwise is.
    pub confidence: Confidence,
    /// Why, in one or two sentences.
    pub reason: String,
    /// Ids of recommendations that this one belongs with (the drop that a create makes possible).
    pub related: Vec<String>,
}

impl Recommendation {
    /// The statements that make the change, prerequisites aside: the steps where there are any, else `ddl`.
    pub fn statements(&self) -> &[String] {
        if self.steps.is_empty() { std::slice::from_ref(&self.ddl) } else { &self.steps }
    }
}

/// Kinds of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecommendationKind {
    /// Create an index.
    CreateIndex,
    /// Drop an index.
    DropIndex,
    /// Create extended statistics.
    CreateStatistics,
    /// Have ANALYZE keep more of a column's values.
    SetStatisticsTarget,
    /// Run ANALYZE.
    AnalyzeTable,
}

/// An index in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IndexReport {
    /// Its name.
    pub name: String,
    /// Access method.
    pub method: String,
    /// Keys as they stand in the DDL, in order.
    pub columns: Vec<String>,
    /// INCLUDE columns.
    pub include: Vec<String>,
    /// Partial predicate, without WHERE.
    pub predicate: Option<String>,
    /// UNIQUE.
    pub unique: bool,
    /// Size, measured for an existing index and estimated for a new one.
    pub estimated_bytes: Option<u64>,
}

/// What a change brings to the workload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// Weighted cost of the statements concerned before, in the planner's unit.
    pub workload_cost_before: Option<f64>,
    /// The same after.
    pub workload_cost_after: Option<f64>,
    /// Reduction of that cost.
    pub reduction_pct: Option<f64>,
    /// Execution time saved per hour, projected from the statements' own times and the ratio of costs.
    pub time_saved_ms_per_hour: Option<f64>,
    /// The same over the whole period that the counters cover.
    pub time_saved_ms: Option<f64>,
    /// Bytes freed by a drop.
    pub bytes_freed: Option<u64>,
}

/// What an index costs on writes of its table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WriteOverhead {
    /// Inserts, and updates of its columns, per hour.
    pub writes_per_hour: Option<f64>,
    /// Their weighted cost in the planner's unit, over the same period as the impact; negative where a drop gives it
    /// back.
    pub cost: f64,
    /// That cost in percent of what the table's writes cost now: the rows, their WAL, their entries in every index that
    /// exists. To find the rows is not counted.
    #[serde(default)]
    pub table_writes_pct: Option<f64>,
    /// Share of the table's updates that can no longer be HOT because of it.
    pub hot_updates_lost_pct: Option<f64>,
}

/// A statement that a recommendation serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueryImpact {
    /// The queryid.
    pub queryid: String,
    /// The text, pretty-printed.
    pub query: String,
    /// Calls.
    pub calls: u64,
    /// Mean execution time now.
    pub mean_time_ms: f64,
    /// Cost now.
    pub cost_before: f64,
    /// Cost with every recommendation in place.
    pub cost_after: f64,
    /// How the plan reads the table now.
    pub node_before: String,
    /// How it would read it.
    pub node_after: String,
}

/// What a recommendation rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// A real planner costed it.
    Planner,
    /// The planner model costed it.
    Model,
    /// A rule says so; nothing costed it.
    Rule,
}

/// How sure pgwise is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Try it on a copy first.
    Low,
    /// Likely right.
    Medium,
    /// As sure as a planner's word.
    High,
}

/// A candidate considered and not recommended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rejection {
    /// `schema.table`.
    pub table: String,
    /// The keys as they would stand in the DDL.
    pub columns: Vec<String>,
    /// Access method.
    pub method: String,
    /// The rule's id: `small-table`, `low-cardinality`, `write-heavy`, `already-indexed`, `no-planner-gain`,
    /// `over-budget`; of an existing index that stays: `still-needed`.
    pub rule: String,
    /// The reason in one sentence, with the numbers.
    pub reason: String,
    /// The numbers by name, units in the name.
    pub numbers: BTreeMap<String, f64>,
    /// The statements that asked for it.
    pub queryids: Vec<String>,
}

/// An observation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Rule id.
    pub rule: String,
    /// What the rule looks at: `query`, `plan`, `table`, `server`, `migration`.
    pub area: String,
    /// Severity.
    pub severity: Severity,
    /// The object concerned, unquoted.
    pub object: String,
    /// What was seen.
    pub message: String,
    /// The numbers by name, units in the name.
    pub evidence: BTreeMap<String, f64>,
    /// What to do, SQL where possible.
    pub remedy: Option<String>,
    /// Statements concerned.
    pub queryids: Vec<String>,
    /// Execution time of the statements concerned that the remedy is about, over the period of the counters.
    pub time_at_stake_ms: Option<f64>,
    /// File position, for findings about files.
    pub location: Option<Location>,
}

/// A position in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// Line of the end, where it is known.
    pub end_line: Option<u32>,
    /// Column behind the end.
    pub end_column: Option<u32>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth acting on.
    Warning,
    /// Act.
    Error,
}

/// Something that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotEvaluated {
    /// What: a part of the database, a statement, a candidate.
    pub what: String,
    /// Why.
    pub reason: String,
    /// What would change that.
    pub remedy: Option<String>,
}
