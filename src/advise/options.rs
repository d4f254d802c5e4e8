//! What the caller may decide about the analysis.

use std::time::Duration;

use crate::report::SourceKind;

use super::Inquiry;

/// A limit on the total size of new indexes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// So many bytes.
    Bytes(u64),
    /// A share of the database's size on disk, in percent.
    PercentOfDatabase(f64),
}

/// What the selection makes small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Objective {
    /// Planner cost times calls, summed over the workload.
    #[default]
    Cost,
    /// Execution time: each statement weighs as much as its measured time, and its cost only says which share of that
    /// an index saves. Better where the planner's costs are far from the clock.
    Time,
}

/// Options of [`super::advise`].
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Limit on the total size of new indexes.
    pub budget: Option<Budget>,
    /// Limit on the number of new indexes.
    pub max_indexes: Option<usize>,
    /// Most key columns of a new index.
    pub max_columns: usize,
    /// Age of the usage counters below which nothing is called unused.
    pub min_history: Duration,
    /// Tables with fewer rows get no index.
    pub min_table_rows: f64,
    /// An index must cut the cost of some statement by at least this much, in percent.
    pub min_improvement_pct: f64,
    /// What the selection makes small.
    pub objective: Objective,
    /// Indexes to explain, whatever becomes of them.
    pub explain_why: Vec<Inquiry>,
    /// Where the snapshot came from, for the report's header.
    pub source_kind: SourceKind,
    /// Why no better cost source is used, for the report's header.
    pub cost_source_note: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            budget: None,
            max_indexes: None,
            max_columns: 3,
            min_history: Duration::from_hours(7 * 24),
            min_table_rows: 1000.0,
            min_improvement_pct: 20.0,
            objective: Objective::Cost,
            explain_why: vec![],
            source_kind: SourceKind::Snapshot,
            cost_source_note: None,
        }
    }
}

impl Options {
    /// The budget in bytes; `None` for no limit. A share of a database whose size is unknown is no limit either: the
    /// report says so.
    pub(super) fn budget_bytes(&self, database_bytes: Option<u64>) -> Option<f64> {
        match self.budget? {
            Budget::Bytes(bytes) => Some(bytes as f64),
            Budget::PercentOfDatabase(percent) => database_bytes.map(|bytes| bytes as f64 * percent / 100.0),
        }
    }
}
