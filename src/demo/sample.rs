//! The sample workload, embedded into the binary: SQL to load it in steps, and its weighted statements.

use serde::Deserialize;

/// A line that begins a step of a SQL file.
const STEP: &str = "-- step: ";

/// A sample workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
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
    /// The web shop of sample-workloads/shop.
    pub fn shop() -> Result<Self, SampleError> {
        Self::parse(
            &[
                include_str!("../../sample-workloads/shop/schema.sql"),
                include_str!("../../sample-workloads/shop/data.sql"),
                include_str!("../../sample-workloads/shop/keys.sql"),
            ],
            include_str!("../../sample-workloads/shop/queries.toml"),
        )
    }

    /// What pgwise collected of the shop after three runs at full scale, before any advice: a snapshot file.
    pub fn shop_snapshot() -> &'static [u8] {
        include_bytes!("../../sample-workloads/shop/snapshot.json.zst")
    }

    fn parse(sql_files: &[&str], queries: &str) -> Result<Self, SampleError> {
        let QueryFile { query } = toml::from_str(queries)?;
        Ok(Self { steps: sql_files.iter().flat_map(|file| steps(file)).collect(), queries: query })
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
    fn the_shop_is_whole() {
        let shop = Sample::shop().unwrap();
        assert!(shop.queries.len() >= 30);
        assert_eq!(shop.steps.first().unwrap().label, "tables");
        assert!(shop.steps.iter().all(|s| s.sql.contains(';')));
        let names: std::collections::BTreeSet<&str> = shop.queries.iter().map(|q| &*q.name).collect();
        assert_eq!(names.len(), shop.queries.len(), "names tell the statements apart");
        for query in &shop.queries {
            assert!(query.calls > 0, "{}", query.name);
            assert_eq!(query.sql.contains("$1"), query.values.is_some(), "{}", query.name);
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
