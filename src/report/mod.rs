//! The report: its type, and one renderer per format.
//!
//! In: what `advise` and `rules` found. Out: text. The types of [`model`](self) are the one public contract of pgwise
//! besides the snapshot; their JSON Schema is kept in docs/schema/ and a test fails when they drift. Rendering is pure:
//! the same report and style give the same text, and nothing that a database put into a name or a query text can move
//! a cursor, end a comment or break out of a code block.

mod check;
mod check_formats;
mod figures;
mod identity;
mod json;
mod markdown;
mod model;
pub mod neutral;
mod schema;
mod sql_script;
pub(crate) mod table;
mod verdict;
mod why;
mod words;

pub use check::{CHECK_SCHEMA_VERSION, CheckReport, CheckedFile};
pub use check_formats::{CheckFormat, Sources, render as render_check};
pub use identity::id;
pub use model::{
    Confidence, CostSourceReport, Evidence, Finding, Impact, IndexReport, Location, NotEvaluated, QueryImpact,
    Recommendation, RecommendationKind, Rejection, Report, SCHEMA_VERSION, Severity, SkippedExample, SkippedReport,
    Source, SourceKind, WorkloadReport, WriteOverhead,
};
pub use schema::{check_schema, report_schema, snapshot_schema};
pub use verdict::Verdict;
pub use why::{IndexExplanation, IndexOutcome, QueryExplanation};

/// The forms a report can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text for people at a terminal.
    Table,
    /// JSON for programs: docs/schema/report.schema.json.
    Json,
    /// A script for psql.
    Sql,
    /// Markdown for tickets and pull requests.
    Markdown,
}

impl Format {
    /// The format that a file's extension (without the dot) stands for.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Table),
            "json" => Some(Self::Json),
            "sql" => Some(Self::Sql),
            "md" | "markdown" => Some(Self::Markdown),
            _ => None,
        }
    }
}

/// How a report is drawn. Only [`Format::Table`] looks at width and colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns to fill; taken as 60 at least and 200 at most.
    pub width: u16,
    /// Whether to put ANSI colour in.
    pub colour: bool,
    /// Whether to show everything: all queries of a recommendation, every rejection, whole query texts.
    pub all: bool,
}

impl Default for Style {
    /// What suits a file: 120 columns, no colour, abridged.
    fn default() -> Self {
        Self { width: 120, colour: false, all: false }
    }
}

/// Renders a report. The text ends with a newline.
pub fn render(report: &Report, format: Format, style: &Style) -> String {
    match format {
        Format::Table => table::render(report, *style),
        Format::Json => json::render(report),
        Format::Sql => sql_script::render(report),
        Format::Markdown => markdown::render(report, *style),
    }
}
