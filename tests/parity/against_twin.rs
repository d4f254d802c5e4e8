//! The twin against the databases it is a twin of.

use pgwise::snapshot::{Snapshot, ValuesPolicy};
use pgwise::whatif::twin::{Twin, TwinOptions, TwinSource};
use pgwise::whatif::{CostRequest, Costed};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::candidates::{self, Proposal};
use crate::configurations::{self, Built, Truth};
use crate::database::{Source, connect};
use crate::judge::{self, Row, Size};
use crate::servers::Running;
use crate::settings::{Settings, environment};
use crate::workload::Workload;
use crate::{oracle, plan, rate, report, scale};

/// What was found for one database.
#[derive(Default)]
pub(crate) struct Findings {
    /// Statements with the indexes that are there; the values that the snapshot carried.
    pub(crate) baseline: Vec<(ValuesPolicy, Row)>,
    /// Statements under hypothetical configurations.
    pub(crate) what_if: Vec<Row>,
    pub(crate) sizes: Vec<Size>,
    pub(crate) rate: Option<Rate>,
}

/// Costings per second of the same requests.
pub(crate) struct Rate {
    twin: f64,
    hypopg: f64,
    requests: usize,
}

/// A twin of a snapshot, on the same programs as its source.
pub(crate) async fn build(running: &Running, snapshot: &Snapshot) -> Twin {
    let options = TwinOptions {
        pg_bin: running.folder.clone(),
        search_path: environment("PATH").map(Into::into),
        ..TwinOptions::default()
    };
    let twin = Twin::build(snapshot, &options).await.unwrap_or_else(|error| panic!("{error}"));
    for missing in twin.left_out() {
        println!("  the twin lacks {}: {}", missing.object, missing.reason);
    }
    twin
}

/// Asks the twin's planner what the source's was asked.
pub(crate) async fn baseline(source: &Source, twin: &Twin, truths: &[Truth]) -> Vec<Row> {
    let client = connect(&twin.url()).await;
    oracle::prepare(&client).await;
    let mut rows = Vec::with_capacity(truths.len());
    for truth in truths {
        let asked = &source.statements[truth.request.statement];
        let planned = oracle::plan(&client, &asked.text, source.version_num).await;
        rows.push(Row {
            major: source.major(),
            workload: asked.workload,
            statement: asked.text.clone(),
            configuration: String::new(),
            kinds: [].into(),
            oracle: truth.plan.clone(),
            oracle_used: [].into(),
            answer: planned.as_ref().map(read).map_err(Clone::clone),
            shown: planned.ok(),
        });
    }
    rows
}

fn read(planned: &Value) -> Costed {
    Costed {
        total_cost: plan::cost(planned),
        rows: plan::rows(planned),
        used: [].into(),
        used_existing: plan::indexes(planned),
        scans: [].into(),
        node: String::new(),
        by: pgwise::whatif::CostSourceKind::Twin,
    }
}

/// Compares everything on one database.
pub(crate) async fn compare(running: &Running, source: &Source, pairs: usize, seed: u64) -> Findings {
    let mut findings = Findings::default();
    let truths = configurations::baseline(source).await;
    // Texts withheld: what is left must do for statements with parameters.
    let parameterised: Vec<Truth> = truths
        .iter()
        .filter(|t| oracle::has_parameters(&source.statements[t.request.statement].text))
        .cloned()
        .collect();
    let snapshot = source.snapshot(ValuesPolicy::Safe).await;
    let twin = build(running, &snapshot).await;
    let rows = baseline(source, &twin, &parameterised).await;
    findings.baseline.extend(rows.into_iter().map(|row| (ValuesPolicy::Safe, row)));

    let snapshot = source.snapshot(ValuesPolicy::All).await;
    let twin = build(running, &snapshot).await;
    let rows = baseline(source, &twin, &truths).await;
    findings.baseline.extend(rows.into_iter().map(|row| (ValuesPolicy::All, row)));

    if pairs > 0 {
        let proposals = candidates::propose(&source.name, &snapshot.catalog);
        let requests: Vec<CostRequest> = configurations::requests(source, &snapshot, &proposals, pairs, seed);
        let built = configurations::build(source, &snapshot, &proposals, &requests).await;
        let mut twin = TwinSource::new(twin, &snapshot, Handle::current());
        let (sizes, rows) = what_if(&mut twin, source, &snapshot, &proposals, &built);
        findings.sizes = sizes;
        findings.what_if = rows;
        if let Some((mut hypopg, both)) = rate::hypopg(source, &snapshot, &proposals, &requests).await {
            let rates = rate::per_second(&mut twin, &both).zip(rate::per_second(&mut hypopg, &both));
            findings.rate = rates.map(|(twin, hypopg)| Rate { twin, hypopg, requests: both.len() });
        }
    }
    findings
}

fn what_if(
    twin: &mut TwinSource,
    source: &Source,
    snapshot: &Snapshot,
    proposals: &[Proposal],
    built: &Built,
) -> (Vec<Size>, Vec<Row>) {
    let (sizes, refused) = judge::register(twin, snapshot, proposals, built);
    assert!(refused.is_empty(), "the twin takes every kind of index: {refused:?}");
    (sizes, judge::ask(twin, source, snapshot, proposals, &built.truths))
}

impl Rate {
    fn show(&self, major: u32, database: &str) -> Value {
        let Self { twin, hypopg, requests } = self;
        println!(
            "  {database}: {twin:.0} costings/s by the twin, {hypopg:.0} by HypoPG ({:.2} times), {requests} pairs in turn",
            twin / hypopg
        );
        json!({
            "version": major, "database": database, "pairs": requests, "twin_per_second": twin.round(),
            "hypopg_per_second": hypopg.round(), "twin_vs_hypopg": twin / hypopg,
        })
    }
}

/// `make parity-twin`.
pub(crate) async fn run(settings: &Settings) -> Value {
    let (mut rates, mut large) = (Vec::new(), Value::Null);
    let (mut lines, mut candidates, mut baseline, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for major in &settings.versions {
        let running = match crate::servers::start(*major) {
            Ok(running) => running,
            Err(why) => {
                settings.missing(&why);
                continue;
            }
        };
        println!("\n{}", running.server.origin());
        let (mut what_if, mut sizes) = (Vec::new(), Vec::new());
        for (database, workloads) in Workload::by_database(settings) {
            let Some(source) = Source::load(&running, &workloads, settings).await else { continue };
            let pairs = settings.pairs_of(database);
            let findings = compare(&running, &source, pairs, settings.seed).await;
            baseline.extend(findings.baseline);
            what_if.extend(findings.what_if);
            sizes.extend(findings.sizes);
            rates.extend(findings.rate.map(|rate| rate.show(*major, database)));
        }
        let here: Vec<&(ValuesPolicy, Row)> = baseline.iter().filter(|(_, row)| row.major == *major).collect();
        lines.extend(table(*major, &here));
        candidates.extend(report::candidates(*major, &what_if, &sizes));
        all.extend(what_if);
        // Once: it is the twin's making that is measured, not a version.
        if large.is_null() && settings.wants("scale") {
            large = scale::measure(&running).await;
        }
    }
    let of_baseline: Vec<&Row> = baseline.iter().map(|(_, row)| row).collect();
    report::print_worst("Statements with the indexes that are there", &of_baseline, settings.worst);
    let of_candidates: Vec<&Row> = all.iter().collect();
    report::print_worst("Statements with other indexes", &of_candidates, settings.worst);
    json!({
        "seed": settings.seed,
        "rows": lines,
        "worst_statements": report::worst_json(&of_baseline, 40),
        "first_differences": report::causes(&of_baseline),
        "candidates": candidates,
        "rate": rates,
        "scale": large,
        "worst_candidates": report::worst_json(&of_candidates, 40),
    })
}

/// The table of one version's workloads, printed and as JSON.
pub(crate) fn table(major: u32, rows: &[&(ValuesPolicy, Row)]) -> Vec<Value> {
    println!("\nPostgreSQL {major}: the twin's plans against the source's");
    println!(
        "  {:10} {:6} {:>10} {:>10} {:>12} {:>8}",
        "workload", "values", "statements", "same shape", "within 0.1 %", "worst"
    );
    let groups = report::groups(rows.iter().map(|(values, row)| ((row.workload, *values), row)));
    let mut lines = Vec::new();
    for ((workload, values), rows) in groups {
        let same = report::share(&rows, |r| r.same_shape() == Some(true));
        let within = report::share(&rows, |r| r.cost_within(0.001));
        let worst = report::worst_factor(&rows);
        let values = if values == ValuesPolicy::All { "all" } else { "safe" };
        let shown = worst.map_or_else(|| "-".to_owned(), |w| format!("{w:.4}"));
        println!("  {workload:10} {values:6} {:>10} {same:>10.2} {within:>12.2} {shown:>8}", rows.len());
        lines.push(json!({
            "version": major, "workload": workload, "values": values, "statements": rows.len(),
            "same_shape_pct": same, "cost_within_0_1_pct": within, "worst": worst,
        }));
    }
    lines
}
