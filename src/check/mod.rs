//! Migration files judged before they run: what they lock, for how long, what they break.
//!
//! In: the files' texts in the order in which they would run, [`Options`], and a snapshot of production where there is
//! one. Out: a [`CheckReport`]. The statements are played one after the other on a [`schema::Schema`], so that each is
//! judged against what those before it left: a table created by the same change is empty, a dropped index is gone.
//! Pure: no file is opened here, nothing is run.

mod context;
mod draft;
mod ignore;
mod locks;
mod order;
mod play;
mod registry;
mod replan;
mod rules;
mod runner;
mod schema;
mod script;
#[cfg(test)]
mod tests;

pub use order::in_running_order;
pub use registry::{all_rules, rules};
pub use runner::Runner;

use crate::report::CheckReport;
use crate::rules::Settings;
use crate::snapshot::Snapshot;
use crate::whatif::CostSource;

/// One migration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Its path as the user knows it, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Whether it is judged, or only played to know the schema.
    pub judged: bool,
}

/// Whether a file's statements run in one transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Wrapping {
    /// As the runner that the file is written for does.
    #[default]
    Auto,
    /// Each file in one transaction.
    Always,
    /// Each statement by itself, unless the file says BEGIN.
    Never,
}

/// What the caller may decide.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Whether files run in transactions.
    pub transaction: Wrapping,
    /// The server's major version; the snapshot's where there is one and this is absent, else the oldest supported.
    pub pg_version: Option<u32>,
    /// Which rules run, and their thresholds.
    pub settings: Settings,
    /// Whether the runner's connection already has a `lock_timeout`.
    pub assume_lock_timeout: bool,
}

/// Judges files, in the order given. `costs` answers what the workload's statements cost before and after; without it,
/// plans are not compared.
pub fn check(
    files: &[InputFile],
    production: Option<&Snapshot>,
    costs: Option<&mut (dyn CostSource + Send)>,
    options: &Options,
) -> CheckReport {
    let work = || play::play(files, production, costs, options);
    // One large stack for all files: deeply nested expressions are walked recursively.
    crate::sql::on_large_stack(work).unwrap_or_else(|| {
        let mut report = CheckReport::new(production);
        report.not_evaluate("every file", "no thread could be started to parse on", None);
        report
    })
}
