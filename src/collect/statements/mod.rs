//! The workload as the server counted it.
//!
//! In: pg_stat_statements, wherever it is installed and in whichever version; or SQL files. Out: [`Statements`], filtered
//! as the user asked, with a count of what was filtered out for each reason. Plans are added later, by `plans`.

mod classify;
mod files;
mod filter;
mod interval;
mod view;

pub use files::statements_from_sql;
pub(super) use filter::{Filter, filter};
pub(super) use interval::difference;
pub(super) use view::{Reading, read};

use crate::snapshot::{Statement, StatementSource, Statements};

/// The workload where there is no source for one.
pub(super) fn none() -> Statements {
    Statements {
        source: StatementSource::None,
        since: None,
        interval_ms: None,
        reset_during_interval: false,
        evicted: None,
        total_calls: 0,
        total_time_ms: 0.0,
        items: Vec::new(),
        left_out: Vec::new(),
    }
}

/// The workload of SQL files, as it is: whoever names a file wants all of it.
pub fn from_files(items: Vec<Statement>) -> Statements {
    Statements {
        source: StatementSource::Files,
        total_calls: items.iter().map(|s| s.calls).sum(),
        total_time_ms: items.iter().map(|s| s.total_ms).sum(),
        items,
        ..none()
    }
}
