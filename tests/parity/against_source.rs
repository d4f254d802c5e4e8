//! Any cost source against the databases: `make parity`.

use std::sync::Arc;

use pgwise::snapshot::{Snapshot, ValuesPolicy};
use pgwise::whatif::CostRequest;
use pgwise::whatif::hypopg::Hypopg;
use pgwise::whatif::model::ModelSource;
use pgwise::whatif::twin::TwinSource;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::database::Source;
use crate::judge::{self, Row, Size, Subject};
use crate::servers::Running;
use crate::settings::Settings;
use crate::workload::Workload;
use crate::{against_twin, candidates, configurations, rate, report};

/// The source of this name over a database's snapshot.
async fn open(name: &str, running: &Running, source: &Source, snapshot: &Snapshot) -> Result<Box<dyn Subject>, String> {
    match name {
        "twin" => {
            let twin = against_twin::build(running, snapshot).await;
            Ok(Box::new(TwinSource::new(twin, snapshot, Handle::current())))
        }
        "hypopg" => {
            let opened = Hypopg::open(source.pool(1).await, snapshot, Handle::current()).await;
            opened.map(|hypopg| Box::new(hypopg) as Box<dyn Subject>).map_err(|error| error.to_string())
        }
        "model" => {
            let opened = ModelSource::new(&Arc::new(snapshot.clone()), 1);
            opened.map(|model| Box::new(model) as Box<dyn Subject>).map_err(|error| error.to_string())
        }
        other => Err(format!("there is no cost source `{other}` to compare (PARITY_SOURCE)")),
    }
}

/// What was found for a source, over all databases.
#[derive(Default)]
struct Findings {
    /// Statements with the indexes that are there.
    baseline: Vec<Row>,
    /// Statements under other configurations.
    what_if: Vec<Row>,
    sizes: Vec<Size>,
    refused: usize,
    /// Costings per second of the source and of HypoPG, of the same requests.
    rates: Option<(f64, f64)>,
    /// Of statements that read one table.
    single_table: Option<f64>,
}

impl Findings {
    async fn add(
        &mut self,
        name: &str,
        running: &Running,
        source: &Source,
        pairs: usize,
        seed: u64,
    ) -> Result<(), String> {
        let snapshot = source.snapshot(ValuesPolicy::All).await;
        let proposals = candidates::propose(&source.name, &snapshot.catalog);
        let baseline = configurations::baseline(source).await;
        let requests = configurations::requests(source, &snapshot, &proposals, pairs, seed);
        let built = configurations::build(source, &snapshot, &proposals, &requests).await;
        let mut opened = open(name, running, source, &snapshot).await?;
        let tested = &mut *opened;
        let (sizes, refused) = judge::register(tested, &snapshot, &proposals, &built);
        for (id, why) in &refused {
            println!("  refused: candidate {id}, {}: {why}", proposals[*id].kind);
        }
        self.sizes.extend(sizes);
        self.refused += refused.len();
        self.baseline.extend(judge::ask(tested, source, &snapshot, &proposals, &baseline));
        let cannot_hide = !tested.source().can_hide();
        let askable: Vec<_> = built
            .truths
            .iter()
            .filter(|t| t.request.configuration.with.iter().all(|id| !refused.contains_key(id)))
            .filter(|t| !cannot_hide || t.request.configuration.without.is_empty())
            .cloned()
            .collect();
        self.what_if.extend(judge::ask(tested, source, &snapshot, &proposals, &askable));
        let snapshot = Arc::new(snapshot);
        let mut per_second = |requests: &[CostRequest]| match name {
            "model" => rate::of_model(&snapshot, &proposals, requests),
            _ => rate::per_second(tested.source(), requests),
        };
        // The shop's statements are the many and quick ones.
        if self.single_table.is_none() {
            self.single_table = per_second(&rate::single_table(&built.truths));
        }
        if self.rates.is_none()
            && let Some((mut hypopg, both)) = rate::hypopg(source, &snapshot, &proposals, &requests).await
        {
            self.rates = per_second(&both).zip(rate::per_second(&mut hypopg, &both));
        }
        Ok(())
    }

    fn print(&self, name: &str) {
        println!("\n{name} against the planner");
        let workloads = report::groups(self.baseline.iter().map(|row| ((row.major, row.workload), row)));
        println!(
            "  {:4} {:10} {:>10} {:>10} {:>10} {:>10} {:>10}",
            "", "workload", "statements", "cost 1 %", "cost 10 %", "rows 1 %", "worst"
        );
        for ((major, workload), rows) in workloads {
            let worst = report::worst_factor(&rows).map_or_else(|| "-".to_owned(), |w| format!("{w:.4}"));
            println!(
                "  {major:4} {workload:10} {:>10} {:>10.2} {:>10.2} {:>10.2} {worst:>10}",
                rows.len(),
                report::share(&rows, |r| r.cost_within(0.01)),
                report::share(&rows, |r| r.cost_within(0.10)),
                report::share(&rows, |r| r.rows_within(0.01)),
            );
        }
        for (major, rows) in report::groups(self.what_if.iter().map(|row| (row.major, row.clone()))) {
            report::candidates(
                major,
                &rows,
                if Some(major) == self.what_if.first().map(|r| r.major) { &self.sizes } else { &[] },
            );
        }
    }

    fn json(&self, name: &str, seed: u64) -> Value {
        let baseline: Vec<&Row> = self.baseline.iter().collect();
        let what_if: Vec<&Row> = self.what_if.iter().collect();
        let everything: Vec<&Row> = self.baseline.iter().chain(&self.what_if).collect();
        // No answer at all counts as infinitely far.
        let ratio = |percent| {
            let factors = what_if.iter().map(|row| row.factor().min(f64::MAX));
            report::percentile(factors, percent)
        };
        let near = self.sizes.iter().filter(|size| size.is_near()).count();
        json!({
            "source": name,
            "seed": seed,
            "statements": baseline.len(),
            "pairs": what_if.len(),
            "candidates_refused": self.refused,
            "unanswered": everything.iter().filter(|row| row.answer.is_err()).count(),
            "baseline_within_1_pct": report::share(&baseline, |r| r.cost_within(0.01)),
            "baseline_within_10_pct": report::share(&baseline, |r| r.cost_within(0.10)),
            "what_if_ratio_median": ratio(50),
            "what_if_ratio_p95": ratio(95),
            "same_indexes_pct": report::share(&what_if, Row::same_indexes),
            "rows_within_1_pct": report::share(&baseline, |r| r.rows_within(0.01)),
            "index_size_within_pct": report::pct(near, self.sizes.len()),
            "costings_per_second": self.rates.map(|(own, _)| own.round()),
            "hypopg_per_second": self.rates.map(|(_, hypopg)| hypopg.round()),
            "speed_vs_hypopg": self.rates.map(|(own, hypopg)| own / hypopg),
            "single_table_per_second": self.single_table.map(f64::round),
            "first_differences": report::causes(&baseline),
            "worst_statements": report::worst_json(&baseline, 60),
            "worst_pairs": report::worst_json(&what_if, 60),
        })
    }
}

/// Compares the source of this name everywhere.
pub(crate) async fn run(name: &str, settings: &Settings) -> Result<Value, String> {
    let mut findings = Findings::default();
    for major in &settings.versions {
        let running = match crate::servers::start(*major) {
            Ok(running) => running,
            Err(why) => {
                settings.missing(&why);
                continue;
            }
        };
        println!("\n{}", running.server.origin());
        for (database, workloads) in Workload::by_database(settings) {
            let Some(source) = Source::load(&running, &workloads, settings).await else { continue };
            findings.add(name, &running, &source, settings.pairs_of(database), settings.seed).await?;
        }
    }
    findings.print(name);
    let (baseline, what_if): (Vec<&Row>, Vec<&Row>) =
        (findings.baseline.iter().collect(), findings.what_if.iter().collect());
    report::print_worst("Statements with the indexes that are there", &baseline, settings.worst);
    report::print_worst("Statements with other indexes", &what_if, settings.worst);
    Ok(findings.json(name, settings.seed))
}
