//! What was measured: figures of each configuration, and how they compare.

use std::fmt::Write as _;

use pgwise::demo::Measured;
use serde::Serialize;

/// Indexes as they were, as pgwise advises, as the expert wrote them: the order of every triple of figures.
pub(crate) const CONFIGURATIONS: [&str; 3] = ["before", "advised", "expert"];

/// Total time above this multiple of the time before is harm and not noise.
const NOISE: f64 = 1.05;

/// One workload under the three configurations. Figures are medians of the runs.
#[derive(Debug, Serialize)]
pub(crate) struct Effect {
    pub(crate) sample: &'static str,
    /// `read-mostly` as the sample is, or `write-heavy`.
    pub(crate) weights: &'static str,
    pub(crate) scale: f64,
    pub(crate) runs: u32,
    pub(crate) cost_source: String,
    pub(crate) analysis_seconds: f64,
    pub(crate) configurations: Vec<Configuration>,
    pub(crate) queries: Vec<Query>,
    /// The statements that followed pgwise's advice.
    pub(crate) advice: Vec<String>,
}

/// One configuration as a whole.
#[derive(Debug, Serialize)]
pub(crate) struct Configuration {
    pub(crate) name: &'static str,
    /// Of all indexes, the existing ones included, before the runs.
    pub(crate) index_bytes: i64,
    /// One run, at the client.
    pub(crate) total_ms: f64,
    /// One run, as the server counts execution.
    pub(crate) exec_ms: f64,
    pub(crate) blocks: f64,
    /// The share of the statements that write.
    pub(crate) writes_exec_ms: f64,
    pub(crate) writes_blocks: f64,
    /// What pgwise recommends once the workload has run with these indexes; of the first, nothing was asked.
    pub(crate) still_recommended: Vec<String>,
}

/// One statement: a triple of figures, in the order of [`CONFIGURATIONS`].
#[derive(Debug, Serialize)]
pub(crate) struct Query {
    pub(crate) name: String,
    pub(crate) calls: u32,
    pub(crate) writes: bool,
    /// One execution at the client: the median of a run's, and of the runs.
    pub(crate) ms: [f64; 3],
    /// One execution as the server counts: the mean of a run's.
    pub(crate) exec_ms: [f64; 3],
    pub(crate) blocks: [f64; 3],
}

/// Every run of one configuration.
pub(crate) type Runs = Vec<Vec<Measured>>;

pub(crate) fn queries(runs: &[Runs; 3], writes: &[bool]) -> Vec<Query> {
    let each = |i: usize, figure: &dyn Fn(&Measured) -> f64| {
        [0, 1, 2].map(|c: usize| median(runs[c].iter().map(|run| figure(&run[i]))))
    };
    let first = &runs[0][0];
    let query = |(i, m): (usize, &Measured)| Query {
        name: m.name.clone(),
        calls: m.calls,
        writes: writes[i],
        ms: each(i, &|m| m.ms),
        exec_ms: each(i, &|m| m.total_exec_ms / f64::from(m.calls)),
        blocks: each(i, &|m| m.blocks),
    };
    first.iter().enumerate().map(query).collect()
}

/// The median over the runs of a sum over the statements.
pub(crate) fn total(runs: &Runs, of: impl Fn(usize) -> bool, figure: impl Fn(&Measured) -> f64) -> f64 {
    let sum = |run: &Vec<Measured>| run.iter().enumerate().filter(|(i, _)| of(*i)).map(|(_, m)| figure(m)).sum();
    median(runs.iter().map(sum))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2])
}

impl Effect {
    /// What the advice made worse, as a whole.
    pub(crate) fn harm(&self) -> Vec<String> {
        let [before, advised] = [&self.configurations[0], &self.configurations[1]];
        let mut harm = Vec::new();
        if advised.exec_ms > before.exec_ms * NOISE {
            harm.push(format!(
                "{} {}: {:.0} ms before and {:.0} ms with the advice",
                self.sample, self.weights, before.exec_ms, advised.exec_ms
            ));
        }
        harm
    }

    /// For people: the totals, and the statements on which pgwise and the expert differ most.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!(
            "{} {}, scale {}, medians of {} runs, judged by {} in {:.1} s\n",
            self.sample, self.weights, self.scale, self.runs, self.cost_source, self.analysis_seconds
        );
        for c in &self.configurations {
            let Configuration { name, index_bytes, total_ms, exec_ms, blocks, writes_exec_ms, writes_blocks, .. } = c;
            let _ = writeln!(
                text,
                "  {name:8} {:7.1} MB of indexes  {total_ms:8.0} ms  {exec_ms:8.0} ms on the server  {blocks:10.0} \
                 blocks  writes {writes_exec_ms:6.0} ms {writes_blocks:8.0} blocks",
                *index_bytes as f64 / 1e6
            );
        }
        let faster =
            |c: usize, times: f64| self.queries.iter().filter(|q| q.exec_ms[0] >= times * q.exec_ms[c]).count();
        let _ = writeln!(
            text,
            "  at least 10 times faster on the server: {} advised, {} expert; 100 times: {}, {}; of {}",
            faster(1, 10.0),
            faster(2, 10.0),
            faster(1, 100.0),
            faster(2, 100.0),
            self.queries.len()
        );
        let mut apart: Vec<&Query> = self.queries.iter().collect();
        let lost = |q: &Query| (q.exec_ms[1] - q.exec_ms[2]) * f64::from(q.calls);
        apart.sort_by(|a, b| lost(b).abs().total_cmp(&lost(a).abs()));
        for q in apart.iter().take(12) {
            let [[b, a, e], [bb, ab, eb]] = [q.exec_ms, q.blocks];
            let _ = writeln!(
                text,
                "  {:26} {:5} calls  {b:8.3} → {a:8.3} (expert {e:8.3}) ms  {bb:7.0} → {ab:6.0} ({eb:6.0}) blocks",
                q.name, q.calls
            );
        }
        for c in self.configurations.iter().skip(1) {
            let _ = writeln!(text, "  still recommended after {}: {}", c.name, c.still_recommended.join("; "));
        }
        text
    }
}
