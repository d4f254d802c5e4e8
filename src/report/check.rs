//! The outcome of `pgwise check`: a public contract, kept in docs/schema/check.schema.json.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::snapshot::Snapshot;

use super::model::{Finding, NotEvaluated, Severity};

/// The version of the check report's format that this binary writes.
pub const CHECK_SCHEMA_VERSION: u32 = 1;

/// What was found in migration files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// The format's version.
    pub schema_version: u32,
    /// Which program wrote it: `pgwise 0.1.0`.
    pub tool: String,
    /// The database whose snapshot the files were judged against; `None` without one.
    pub database: Option<String>,
    /// The files in the order in which they were played.
    pub files: Vec<CheckedFile>,
    /// What was found, by file and place.
    pub findings: Vec<Finding>,
    /// Findings that comments held back.
    pub ignored: u64,
    /// What could not be judged, and why.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// A file of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedFile {
    /// Its path as given.
    pub path: String,
    /// Statements that run forward.
    pub statements: u64,
    /// Whether it was judged, or only played to know the schema.
    pub judged: bool,
}

impl CheckReport {
    /// An empty report.
    pub fn new(production: Option<&Snapshot>) -> Self {
        Self {
            schema_version: CHECK_SCHEMA_VERSION,
            tool: concat!("pgwise ", env!("CARGO_PKG_VERSION")).to_owned(),
            database: production.map(|p| p.server.database.clone()),
            files: vec![],
            findings: vec![],
            ignored: 0,
            not_evaluated: vec![],
        }
    }

    /// Notes something that could not be judged.
    pub fn not_evaluate(&mut self, what: &str, reason: &str, remedy: Option<&str>) {
        self.not_evaluated.push(NotEvaluated {
            what: what.to_owned(),
            reason: reason.to_owned(),
            remedy: remedy.map(str::to_owned),
        });
    }

    /// Orders the findings: by file as played, then by place, then by rule.
    pub fn finish(&mut self) {
        let files = &self.files;
        self.findings.sort_by_key(|f| {
            let place = f.location.as_ref();
            let file = place.and_then(|l| files.iter().position(|c| c.path == l.file)).unwrap_or(usize::MAX);
            (file, place.map_or((0, 0), |l| (l.line, l.column)), f.rule.clone())
        });
    }

    /// Whether there is a finding of this severity or worse.
    pub fn reaches(&self, severity: Severity) -> bool {
        self.findings.iter().any(|f| f.severity >= severity)
    }
}
