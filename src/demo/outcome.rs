//! What the demo found, as figures and as a table.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measure::Measured;

/// Everything that the demo measured. A query's figures are of one execution; all figures are medians of the runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// The server: version and where its binaries or its container came from.
    pub server: String,
    /// Share of the sample's rows loaded.
    pub scale: f64,
    /// How many times the workload ran before, and again after.
    pub runs: u32,
    /// The statements of the workload, in its order.
    pub queries: Vec<QueryOutcome>,
    /// The workload as a whole.
    pub totals: Totals,
    /// What was run to follow the advice.
    pub applied: Vec<AppliedStatement>,
    /// Loading the sample.
    pub load_seconds: f64,
    /// The analysis alone: from connecting to the report.
    pub analysis_seconds: f64,
    /// The most memory that this process held, where the system says.
    pub peak_rss_bytes: Option<u64>,
    /// Execution time on the server of the statements that the analysis sent.
    pub own_server_time_ms: f64,
}

/// One statement, per execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueryOutcome {
    /// Its name.
    pub name: String,
    /// Executions in one run.
    pub calls: u32,
    /// Time at the client.
    pub before_ms: f64,
    /// Time at the client.
    pub after_ms: f64,
    /// Blocks touched in shared buffers, hit and read together: the mean of a run's executions.
    pub before_blocks: f64,
    /// Blocks touched in shared buffers, hit and read together: the mean of a run's executions.
    pub after_blocks: f64,
}

/// One run of the whole workload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// All executions' time.
    pub before_ms: f64,
    /// All executions' time.
    pub after_ms: f64,
    /// All executions' blocks.
    pub before_blocks: f64,
    /// All executions' blocks.
    pub after_blocks: f64,
}

/// A statement run to follow the advice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppliedStatement {
    /// Its text.
    pub sql: String,
    /// How long it took.
    pub ms: f64,
}

impl QueryOutcome {
    /// How many times faster it became.
    pub fn speedup(&self) -> f64 {
        ratio(self.before_ms, self.after_ms)
    }
}

impl Outcome {
    /// Takes the medians of the runs. The runs of one side measured the same statements in the same order.
    pub(super) fn of(before: &[Vec<Measured>], after: &[Vec<Measured>]) -> Self {
        let statements = before.first().map_or(&[][..], Vec::as_slice);
        let queries = statements
            .iter()
            .enumerate()
            .map(|(i, statement)| QueryOutcome {
                name: statement.name.clone(),
                calls: statement.calls,
                before_ms: over_runs(before, |run| run[i].ms),
                after_ms: over_runs(after, |run| run[i].ms),
                before_blocks: over_runs(before, |run| run[i].blocks),
                after_blocks: over_runs(after, |run| run[i].blocks),
            })
            .collect();
        let sum_ms = |run: &[Measured]| run.iter().map(|m| m.total_ms).sum();
        let sum_blocks = |run: &[Measured]| run.iter().map(|m| m.total_blocks).sum();
        let totals = Totals {
            before_ms: over_runs(before, sum_ms),
            after_ms: over_runs(after, sum_ms),
            before_blocks: over_runs(before, sum_blocks),
            after_blocks: over_runs(after, sum_blocks),
        };
        Self { queries, totals, ..Self::default() }
    }

    /// How many statements became at least so many times faster.
    pub fn faster_by(&self, factor: f64) -> usize {
        self.queries.iter().filter(|q| q.speedup() >= factor).count()
    }

    /// The figures for people: a table of the statements, the most time saved first, and the totals below it.
    /// `width` is the terminal's, where there is one.
    pub fn to_table(&self, width: Option<u16>) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(width) = width {
            table.set_width(width);
        }
        table.set_header(["query", "calls", "ms before", "after", "faster", "blocks before", "after"]);
        let mut queries: Vec<&QueryOutcome> = self.queries.iter().collect();
        let saved = |q: &QueryOutcome| (q.before_ms - q.after_ms) * f64::from(q.calls);
        queries.sort_by(|a, b| saved(b).total_cmp(&saved(a)).then_with(|| a.name.cmp(&b.name)));
        for q in queries {
            table.add_row(row(
                &q.name,
                &q.calls.to_string(),
                [q.before_ms, q.after_ms],
                [q.before_blocks, q.after_blocks],
            ));
        }
        let Totals { before_ms, after_ms, before_blocks, after_blocks } = self.totals;
        let calls: u64 = self.queries.iter().map(|q| u64::from(q.calls)).sum();
        table.add_row(row("one run of all", &calls.to_string(), [before_ms, after_ms], [before_blocks, after_blocks]));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        format!("{table}\n\n{}\n", self.summary())
    }

    /// The figures in a few lines.
    fn summary(&self) -> String {
        let Totals { before_ms, after_ms, before_blocks, after_blocks } = self.totals;
        let memory = self.peak_rss_bytes.map_or_else(
            || "an unknown amount of memory".to_owned(),
            |bytes| format!("{:.0} MB of memory", bytes as f64 / 1e6),
        );
        format!(
            "{} of {} queries are at least 10 times faster. The workload takes {:.1} % less time and touches {:.1} % \
             fewer blocks.\nThe analysis took {:.1} s and {memory} here, and {:.0} ms of the server's time; {} \
             statements followed its advice.\nMedians of {} runs, on {}.",
            self.faster_by(10.0),
            self.queries.len(),
            less_pct(before_ms, after_ms),
            less_pct(before_blocks, after_blocks),
            self.analysis_seconds,
            self.own_server_time_ms,
            self.applied.len(),
            self.runs,
            self.server,
        )
    }
}

fn row(name: &str, calls: &str, ms: [f64; 2], blocks: [f64; 2]) -> Vec<Cell> {
    let faster = match ratio(ms[0], ms[1]) {
        r if r >= 10.0 => format!("{r:.0}×"),
        r => format!("{r:.1}×"),
    };
    let figures = [calls.to_owned(), time(ms[0]), time(ms[1]), faster, count(blocks[0]), count(blocks[1])];
    std::iter::once(Cell::new(name)).chain(figures.into_iter().map(Cell::new)).collect()
}

/// Milliseconds with two or three figures that count.
fn time(ms: f64) -> String {
    if ms >= 100.0 { format!("{ms:.0}") } else { format!("{ms:.2}") }
}

fn count(blocks: f64) -> String {
    if blocks >= 10.0 { format!("{blocks:.0}") } else { format!("{blocks:.1}") }
}

/// `before / after`; 1 where nothing was measured.
fn ratio(before: f64, after: f64) -> f64 {
    if after > 0.0 { before / after } else { 1.0 }
}

fn less_pct(before: f64, after: f64) -> f64 {
    if before > 0.0 { (before - after) / before * 100.0 } else { 0.0 }
}

/// The median over the runs of a figure of each.
fn over_runs(runs: &[Vec<Measured>], figure: impl Fn(&[Measured]) -> f64) -> f64 {
    let mut figures: Vec<f64> = runs.iter().map(|run| figure(run)).collect();
    median(&mut figures)
}

/// The middle value, or the mean of the two in the middle; 0 of nothing.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(ms: f64, blocks: f64) -> Vec<Measured> {
        vec![Measured {
            name: "q".to_owned(),
            ms,
            blocks,
            total_ms: ms * 2.0,
            total_exec_ms: ms,
            total_blocks: blocks * 2.0,
            calls: 2,
        }]
    }

    #[test]
    fn figures_are_medians_of_the_runs() {
        let before = [measured(10.0, 100.0), measured(90.0, 300.0), measured(20.0, 200.0)];
        let after = [measured(1.0, 5.0), measured(2.0, 5.0), measured(1.5, 5.0)];
        let outcome = Outcome::of(&before, &after);
        let q = &outcome.queries[0];
        assert_eq!((q.before_ms, q.after_ms, q.before_blocks, q.after_blocks), (20.0, 1.5, 200.0, 5.0));
        assert_eq!(outcome.totals.before_ms, 40.0);
        assert_eq!(outcome.faster_by(10.0), 1);
        assert!(outcome.to_table(Some(100)).contains("1 of 1 queries are at least 10 times faster"));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&mut []), 0.0);
    }
}
