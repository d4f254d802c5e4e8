//! Parity: PostgreSQL's planner is the oracle, and what claims to plan like it is held against it.
//!
//! In: databases loaded with known workloads on servers of several major versions. A [`database::Source`] is one of
//! them with its [`workload::Workload`]s; [`oracle`] asks it for plans, with its indexes as they are and with
//! configurations really built (in a transaction that is rolled back). The snapshot that our collector takes of it is all
//! that a cost source under test gets to see. Out: rows of the two answers side by side ([`judge`]), the distribution,
//! the worst cases, and a JSON file. docs/parity.md says how to run it and how to read what it writes.
//!
//! `cargo test` runs a slice of it; the whole is `make parity-twin` and `make parity`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "all of it is a test, which fails by panicking and prints its figures"
)]

mod against_source;
mod against_twin;
mod candidates;
mod configurations;
mod database;
mod generate;
mod judge;
mod oracle;
mod plan;
mod random;
mod rate;
mod report;
mod scale;
mod servers;
mod settings;
mod sizes;
#[path = "../shared/statement.rs"]
mod statement;
mod workload;

use database::Source;
use judge::Row;
use settings::Settings;
use workload::Workload;

/// Everything about the twin, for `make parity-twin`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make parity-twin"]
async fn twin() {
    let report = against_twin::run(&Settings::from_environment()).await;
    report::write("parity-twin.json", &report);
}

/// Everything about one cost source, for `make parity`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make parity"]
async fn source() {
    let name = settings::environment("PARITY_SOURCE").unwrap_or_else(|| "model".to_owned());
    let report = against_source::run(&name, &Settings::from_environment()).await.unwrap();
    report::write(if name == "model" { "parity.json" } else { "parity-source.json" }, &report);
}

/// A slice of it on every run of the tests: the shop, statements generated over it, and candidates of all kinds, against
/// the twin.
#[tokio::test(flavor = "multi_thread")]
async fn slice() {
    let settings = Settings { shop_scale: 0.02, generated: 60, seed: 7, ..Settings::from_environment() };
    let running = match servers::usual() {
        Ok(running) => running,
        // As in the integration tests: a skipped test must not look like a passed one.
        Err(_) if settings::environment("PGWISE_TEST_MAY_SKIP").is_some() => return,
        Err(why) => panic!("{why}"),
    };
    let source = Source::load(&running, &[Workload::Shop, Workload::Generated], &settings).await.unwrap();
    let findings = against_twin::compare(&running, &source, 250, settings.seed).await;
    let rows: Vec<_> = findings.baseline.iter().collect();
    against_twin::table(source.major(), &rows);
    let baseline: Vec<&Row> = findings.baseline.iter().map(|(_, row)| row).collect();
    report::print_worst("Statements", &baseline, 5);
    report::candidates(source.major(), &findings.what_if, &findings.sizes);
    let what_if: Vec<&Row> = findings.what_if.iter().filter(|row| row.uses_candidate()).collect();
    report::print_worst("Candidates", &what_if, 5);
    assert!(baseline.len() >= 200 && what_if.len() >= 60, "{} statements, {} pairs", baseline.len(), what_if.len());
    assert!(report::share(&baseline, |row| row.same_shape() == Some(true)) >= 99.0);
    assert!(report::share(&baseline, |row| row.cost_within(0.001)) >= 98.0);
    assert!(report::share(&what_if, |row| row.cost_within(0.05)) >= 90.0);
    assert!(report::share(&what_if, Row::same_indexes) >= 95.0);
}

/// Sizes of indexes of every kind, over everything: `PARITY_MADE` are the numbers of rows of the made tables.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make parity-sizes"]
async fn sizes() {
    let settings = Settings::from_environment();
    let made: Vec<u32> = settings.made.clone();
    let mut all = Vec::new();
    for major in &settings.versions {
        let running = match servers::start(*major) {
            Ok(running) => running,
            Err(why) => {
                settings.missing(&why);
                continue;
            }
        };
        println!("\n{}", running.server.origin());
        for (database, workloads) in Workload::by_database(&settings) {
            if database == "grown" {
                continue;
            }
            let Some(source) = Source::load(&running, &workloads, &settings).await else { continue };
            let snapshot = source.snapshot(pgwise::snapshot::ValuesPolicy::All).await;
            let proposals = candidates::propose(database, &snapshot.catalog);
            let made = if database == "shop" { made.as_slice() } else { &[] };
            all.extend(sizes::of_database(&source, &proposals, made).await);
        }
    }
    sizes::show(&all);
}

/// A slice of it on every run of the tests.
#[tokio::test(flavor = "multi_thread")]
async fn sizes_slice() {
    let settings = Settings { shop_scale: 0.05, generated: 0, ..Settings::from_environment() };
    let running = match servers::usual() {
        Ok(running) => running,
        Err(_) if settings::environment("PGWISE_TEST_MAY_SKIP").is_some() => return,
        Err(why) => panic!("{why}"),
    };
    let source = Source::load(&running, &[Workload::Shop], &settings).await.unwrap();
    let snapshot = source.snapshot(pgwise::snapshot::ValuesPolicy::All).await;
    let proposals = candidates::propose("shop", &snapshot.catalog);
    let shares = sizes::show(&sizes::of_database(&source, &proposals, &[20_000]).await);
    assert!(shares.iter().all(|share| *share >= 90.0), "{shares:?}");
}
