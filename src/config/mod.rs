//! What the user asked for: `pgwise.toml` and flags, checked once, before anything is done.
//!
//! In: flags as clap parsed them and the text of a configuration file. Out: [`Settings`] in which flags have overridden
//! the file; the command turns those into the options of the module it calls. One struct is both the flag table and the
//! file's schema, so a flag and its key in the file cannot drift apart: `--min-calls` is `min-calls` under `[collect]`.

mod units;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::check;
use crate::report::Severity;
use crate::snapshot::ValuesPolicy;

pub use units::{Period, Size};

/// The file that is read when it is in the working directory and no `--config` names another.
pub const DEFAULT_FILE: &str = "pgwise.toml";

/// Declares a group of settings that are flags and keys of the file at once, and how flags override the file.
macro_rules! settings {
    ($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident : $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, clap::Args, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub struct $name {
            $($(#[$attr])* pub $field: $type,)*
        }

        impl Override for $name {
            fn over(self, file: Self) -> Self {
                Self { $($field: self.$field.over(file.$field),)* }
            }
        }
    };
}

/// How a value given on the command line combines with one from the file.
trait Override {
    fn over(self, file: Self) -> Self;
}

impl<T> Override for Option<T> {
    fn over(self, file: Self) -> Self {
        self.or(file)
    }
}

impl<T> Override for Vec<T> {
    fn over(self, file: Self) -> Self {
        if self.is_empty() { file } else { self }
    }
}

impl Override for bool {
    fn over(self, file: Self) -> Self {
        self || file
    }
}

settings! {
    /// What to collect, and how carefully.
    CollectSettings {
        /// Leave out statements called fewer times [default: 1]
        #[arg(long, value_name = "N", help_heading = "What to look at")]
        min_calls: Option<u64>,
        /// Leave out statements whose mean time is below this many milliseconds [default: 0]
        #[arg(long, value_name = "MS", help_heading = "What to look at")]
        min_time_ms: Option<f64>,
        /// Keep the N statements with the most total time [default: 500]
        #[arg(long, value_name = "N", help_heading = "What to look at")]
        top: Option<usize>,
        /// Only statements run by this role (repeatable)
        #[arg(long, value_name = "ROLE", help_heading = "What to look at")]
        user: Vec<String>,
        /// Only tables of this schema (repeatable) [default: all user schemas]
        #[arg(long, value_name = "SCHEMA", help_heading = "What to look at")]
        schema: Vec<String>,
        /// Leave out tables that match this pattern, such as 'audit.*' (repeatable)
        #[arg(long, value_name = "PATTERN", help_heading = "What to look at")]
        exclude: Vec<String>,
        /// Read the statement counters twice, this long apart, and analyse the difference
        #[arg(long, value_name = "TIME", help_heading = "What to look at")]
        interval: Option<Period>,
        /// Run EXPLAIN (ANALYZE, BUFFERS) on statements proved read-only; without it nothing is executed
        #[arg(long, help_heading = "What to look at")]
        explain_analyze: bool,
        /// Which data values the snapshot may carry [default: safe]
        #[arg(long, value_name = "POLICY", value_enum, help_heading = "What to look at")]
        values: Option<ValuesPolicy>,
        /// Give up on any one statement sent to the server after this long [default: 30s]
        #[arg(long, value_name = "TIME", help_heading = "Load on the server")]
        statement_timeout: Option<Period>,
        /// Never wait longer than this for a lock [default: 1s]
        #[arg(long, value_name = "TIME", help_heading = "Load on the server")]
        lock_timeout: Option<Period>,
        /// Connections to use at most [default: 4]
        #[arg(long, value_name = "N", help_heading = "Load on the server")]
        jobs: Option<usize>,
    }
}

settings! {
    /// How to judge.
    AnalyzeSettings {
        /// What costs the what-if questions: auto searches with the planner model and has the outcome proved by HypoPG on
        /// a live database that has it, and by a twin for what HypoPG cannot express; else by a twin; else by nobody
        #[arg(long, value_name = "SOURCE", value_enum, help_heading = "How to judge")]
        what_if: Option<WhatIf>,
        /// Folder of the server's programs for a twin [default: PATH and the usual folders]
        #[arg(long, value_name = "DIR", conflicts_with_all = ["twin_url", "twin_docker"], help_heading = "How to judge")]
        pg_bin: Option<PathBuf>,
        /// Build the twin on this disposable server, as a superuser, and remove it in the end
        #[arg(long, value_name = "URL", conflicts_with = "twin_docker", help_heading = "How to judge")]
        twin_url: Option<String>,
        /// Run the twin's server in a container [default image: postgres:MAJOR]
        #[arg(long, value_name = "IMAGE", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "How to judge")]
        twin_docker: Option<String>,
        /// Total size of new indexes at most: bytes such as 500MB, or a share of the database such as 10%
        #[arg(long, value_name = "SIZE", help_heading = "How to judge")]
        budget: Option<Size>,
        /// New indexes at most
        #[arg(long, value_name = "N", help_heading = "How to judge")]
        max_indexes: Option<usize>,
        /// Key columns of an index at most [default: 3]
        #[arg(long, value_name = "N", help_heading = "How to judge")]
        max_columns: Option<usize>,
        /// Call nothing unused before the counters are this old; 0 trusts any [default: 7d]
        #[arg(long, value_name = "TIME", help_heading = "How to judge")]
        min_history: Option<Period>,
        /// Say why this index is recommended or not, with the costs: 'orders (a, b DESC) WHERE c', 'gin(docs.body)' (repeatable)
        #[arg(long, value_name = "INDEX", help_heading = "How to judge")]
        explain_why: Vec<String>,
        /// Exit with 1 if there is a finding of this severity or worse; a recommendation counts as a warning
        #[arg(long, value_name = "SEVERITY", value_enum, help_heading = "How to judge")]
        fail_on: Option<Severity>,
    }
}

/// What answers "what would it cost if …?".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum WhatIf {
    /// The planner model to search; HypoPG on a live database that has it, and a twin for what HypoPG cannot express, to
    /// prove the outcome; else a twin, where it can be built; else the model alone.
    #[default]
    Auto,
    /// HypoPG, or fail.
    Hypopg,
    /// A throwaway server with the snapshot's schema, statistics and sizes, or fail.
    Twin,
    /// The planner model, which needs no server.
    Model,
    /// Rules of thumb over the captured plans.
    Rule,
}

/// Everything that flags and file can set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// `[collect]`.
    pub collect: CollectSettings,
    /// `[analyze]`.
    pub analyze: AnalyzeSettings,
    /// `[rules.ID]`: which rules run, how severe they are, their thresholds.
    pub rules: crate::rules::Settings,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it should be; the message carries line, column and the keys that exist.
    #[error("the configuration file {path} is wrong:\n{message}")]
    Parse {
        /// The file.
        path: String,
        /// What the reader says.
        message: String,
    },
    /// A value makes no sense.
    #[error("{0}")]
    Value(String),
}

impl Settings {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: shown.clone(), source })?;
        toml::from_str(&text)
            .map_err(|e| ConfigError::Parse { path: shown, message: e.to_string().trim_end().to_owned() })
    }

    /// Flags over file, checked.
    pub fn merge(collect: CollectSettings, analyze: AnalyzeSettings, file: Option<Self>) -> Result<Self, ConfigError> {
        let file = file.unwrap_or_default();
        let settings =
            Self { collect: collect.over(file.collect), analyze: analyze.over(file.analyze), rules: file.rules };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let positive = |name: &str, value: Option<usize>| match value {
            Some(0) => Err(ConfigError::Value(format!("--{name} must be at least 1"))),
            _ => Ok(()),
        };
        self.rules.check(&check::all_rules()).map_err(|e| ConfigError::Value(e.to_string()))?;
        positive("jobs", self.collect.jobs)?;
        positive("top", self.collect.top)?;
        positive("max-columns", self.analyze.max_columns)?;
        if self.collect.min_time_ms.is_some_and(|ms| !ms.is_finite() || ms < 0.0) {
            return Err(ConfigError::Value("--min-time-ms must be a number of milliseconds, 0 or more".to_owned()));
        }
        for (name, period) in [
            ("statement-timeout", self.collect.statement_timeout),
            ("lock-timeout", self.collect.lock_timeout),
            ("interval", self.collect.interval),
        ] {
            if period.is_some_and(|p| p.0.as_millis() == 0) {
                return Err(ConfigError::Value(format!("--{name} must be longer than 0")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Settings, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn flags_override_the_file() {
        let from_file = file("[collect]\nmin-calls = 10\ntop = 50\nuser = ['app']\n[analyze]\nbudget = '10%'").unwrap();
        let flags = CollectSettings { min_calls: Some(3), ..CollectSettings::default() };
        let merged = Settings::merge(flags, AnalyzeSettings::default(), Some(from_file)).unwrap();
        assert_eq!(merged.collect.min_calls, Some(3));
        assert_eq!(merged.collect.top, Some(50));
        assert_eq!(merged.collect.user, ["app"]);
        assert_eq!(merged.analyze.budget, Some(Size::Percent(10.0)));
    }

    #[test]
    fn unknown_keys_are_refused_with_the_known_ones() {
        let message = file("[collect]\nmin-call = 10").unwrap_err().to_string();
        assert!(message.contains("min-call") && message.contains("min-calls"), "{message}");
    }

    #[test]
    fn senseless_values_are_refused() {
        let flags = CollectSettings { jobs: Some(0), ..CollectSettings::default() };
        let error = Settings::merge(flags, AnalyzeSettings::default(), None).unwrap_err().to_string();
        assert_eq!(error, "--jobs must be at least 1");
    }
}
