//! The sample workloads, embedded into the binary: SQL to load each in steps, and its weighted statements.

use serde::Deserialize;

const SHOP_SNAPSHOT: &[u8] = include_bytes!("../../sample-workloads/shop/snapshot.json.zst");
const SAAS_SNAPSHOT: &[u8] = include_bytes!("../../sample-workloads/saas/snapshot.json.zst");

/// A line that begins a step of a SQL file.
const STEP: &str = "-- step: ";

/// Which sample workload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SampleName {
    /// A web shop: 13 tables, 46 statements
    #[default]
    Shop,
    /// A multi-tenant help desk: 23 tables, 75 statements
    Saas,
}

impl SampleName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Shop, Self::Saas];

    /// Its folder in sample-workloads; also the name of its database, and of the setting `….scale` that its SQL reads.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Saas => "saas",
        }
    }

    /// What pgwise collected of it after three runs at full scale, before any advice: a snapshot file.
    pub fn snapshot(self) -> &'static [u8] {
        match self {
            Self::Shop => SHOP_SNAPSHOT,
            Self::Saas => SAAS_SNAPSHOT,
        }
    }
}

/// A sample workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Which.
    pub name: SampleName,
    /// What to run once, in order, in one session.
    pub steps: Vec<Step>,
    /// Its statements, in the order in which one run runs them.
    pub queries: Vec<SampleQuery>,
}

/// A part of loading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it loads, for the progress bar.
    pub label: String,
    /// One or more statements.
    pub sql: String,
}

/// One statement of the workload.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleQuery {
    /// Its name in the results.
    pub name: String,
    /// Executions in one run.
    pub calls: u32,
    /// The statement, with `$n` parameters.
    pub sql: String,
    /// A query that makes the parameters: a row an execution, a column a parameter. Its `$1` is the number of calls.
    pub values: Option<String>,
}

impl SampleQuery {
    /// Whether it changes rows. Samples write without WITH, so the first word tells.
    pub fn writes(&self) -> bool {
        !self.sql.trim_start().starts_with("select")
    }
}

/// What is wrong with a sample workload.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The file of statements cannot be read.
    #[error("its file of statements is not what it should be")]
    Queries(#[from] toml::de::Error),
    /// A generator made the wrong number of rows.
    #[error("{query}: {calls} executions need as many rows of values, not {rows}")]
    Values {
        /// The statement's name.
        query: String,
        /// Executions.
        calls: u32,
        /// Rows made.
        rows: usize,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryFile {
    query: Vec<SampleQuery>,
}

impl Sample {
    /// The one of that name.
    pub fn load(name: SampleName) -> Result<Self, SampleError> {
        let (sql, queries) = match name {
            SampleName::Shop => (
                [
                    include_str!("../../sample-workloads/shop/schema.sql"),
                    include_str!("../../sample-workloads/shop/data.sql"),
                    include_str!("../../sample-workloads/shop/keys.sql"),
                ],
                include_str!("../../sample-workloads/shop/queries.toml"),
            ),
            SampleName::Saas => (
                [
                    include_str!("../../sample-workloads/saas/schema.sql"),
                    include_str!("../../sample-workloads/saas/data.sql"),
                    include_str!("../../sample-workloads/saas/keys.sql"),
                ],
                include_str!("../../sample-workloads/saas/queries.toml"),
            ),
        };
        let QueryFile { query } = toml::from_str(queries)?;
        Ok(Self { name, steps: sql.iter().flat_map(|file| steps(file)).collect(), queries: query })
    }

    /// The same with fewer executions of what only reads, so that four in five executions write. Each statement keeps
    /// at least one.
    #[must_use]
    pub fn write_heavy(mut self) -> Self {
        const READS_PER_WRITE: f64 = 0.25;
        let calls = |writing| -> u32 { self.queries.iter().filter(|q| q.writes() == writing).map(|q| q.calls).sum() };
        let share = (READS_PER_WRITE * f64::from(calls(true)) / f64::from(calls(false).max(1))).min(1.0);
        for query in self.queries.iter_mut().filter(|q| !q.writes()) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u32")]
            let fewer = (f64::from(query.calls) * share).round() as u32;
            query.calls = fewer.max(1);
        }
        self
    }
}

/// Cuts a file at its step lines; what stands before the first is commentary.
fn steps(file: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in file.lines() {
        if let Some(label) = line.strip_prefix(STEP) {
            steps.push(Step { label: label.trim().to_owned(), sql: String::new() });
        } else if let Some(step) = steps.last_mut() {
            step.sql.push_str(line);
            step.sql.push('\n');
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_whole() {
        for name in SampleName::ALL {
            let sample = Sample::load(name).unwrap();
            assert!(sample.queries.len() >= 40);
            assert!(sample.steps.iter().all(|s| s.sql.contains(';')));
            let names: std::collections::BTreeSet<&str> = sample.queries.iter().map(|q| &*q.name).collect();
            assert_eq!(names.len(), sample.queries.len(), "names tell the statements apart");
            for query in &sample.queries {
                assert!(query.calls > 0, "{}", query.name);
                assert_eq!(query.sql.contains("$1"), query.values.is_some(), "{}", query.name);
            }
            let scale = format!("current_setting('{}.scale'", name.as_str());
            assert!(sample.steps.iter().any(|s| s.sql.contains(&scale)));
        }
    }

    #[test]
    fn four_in_five_executions_of_the_write_heavy_variant_write() {
        for name in SampleName::ALL {
            let sample = Sample::load(name).unwrap().write_heavy();
            let calls = |of: &dyn Fn(&SampleQuery) -> bool| -> u32 {
                sample.queries.iter().filter(|q| of(q)).map(|q| q.calls).sum()
            };
            let share = f64::from(calls(&SampleQuery::writes)) / f64::from(calls(&|_| true));
            assert!((0.78..=0.82).contains(&share), "{name:?}: {share}");
            assert!(sample.queries.iter().all(|q| q.calls > 0));
        }
    }

    #[test]
    fn a_file_is_cut_at_its_steps() {
        let cut = steps("-- about\n-- step: one\nselect 1;\n-- step: two \nselect 2;\nselect 3;\n");
        assert_eq!(
            cut,
            [
                Step { label: "one".to_owned(), sql: "select 1;\n".to_owned() },
                Step { label: "two".to_owned(), sql: "select 2;\nselect 3;\n".to_owned() },
            ]
        );
    }
}
