//! The demo's own machinery, with advice that is known beforehand.

use std::path::PathBuf;
use std::sync::Mutex;

use pgwise::connect::ConnectOptions;
use pgwise::demo::{self, DemoOptions, Error};
use pgwise::progress::{Progress, Silent};
use pgwise::report::{
    Confidence, CostSourceReport, Evidence, Impact, Recommendation, RecommendationKind, Report, SCHEMA_VERSION, Source,
    SourceKind, WorkloadReport, WriteOverhead,
};
use pgwise::throwaway::ServerOptions;

use crate::harness;
use crate::harness::binary::pgwise;

fn recommendation(kind: RecommendationKind, ddl: &str, prerequisites: &[&str]) -> Recommendation {
    Recommendation {
        id: ddl.to_owned(),
        kind,
        table: String::new(),
        ddl: ddl.to_owned(),
        prerequisites: prerequisites.iter().map(|&p| p.to_owned()).collect(),
        steps: vec![],
        undo_ddl: String::new(),
        index: None,
        impact: Impact::default(),
        write_overhead: WriteOverhead::default(),
        queries: Vec::new(),
        evidence: Evidence::Rule,
        confidence: Confidence::High,
        reason: String::new(),
        related: Vec::new(),
    }
}

fn report(recommendations: Vec<Recommendation>) -> Report {
    Report {
        schema_version: SCHEMA_VERSION,
        tool: "test".to_owned(),
        generated_at: jiff::Timestamp::UNIX_EPOCH,
        source: Source {
            kind: SourceKind::Live,
            database: "shop".to_owned(),
            server_version_num: 0,
            captured_at: jiff::Timestamp::UNIX_EPOCH,
            stats_since: None,
            interval_ms: None,
            tables: 0,
        },
        cost_source: CostSourceReport { kind: "rule".to_owned(), ..CostSourceReport::default() },
        workload: WorkloadReport {
            statements_seen: 0,
            statements_analysed: 0,
            skipped: Vec::new(),
            calls: 0,
            total_time_ms: 0.0,
            time_analysed_pct: 0.0,
            cost_before: None,
            cost_after: None,
        },
        recommendations,
        worse: Vec::new(),
        explanations: Vec::new(),
        rejected: Vec::new(),
        findings: Vec::new(),
        not_evaluated: Vec::new(),
    }
}

fn options(database: &harness::Database) -> DemoOptions {
    DemoOptions {
        database: Some(database.options()),
        scale: 0.02,
        runs: 1,
        ..DemoOptions::new(ServerOptions::default())
    }
}

/// Remembers which phases were announced.
#[derive(Default)]
struct Phases(Mutex<Vec<String>>);

impl Progress for Phases {
    fn begin(&self, phase: &str, _: Option<u64>) {
        self.0.lock().expect("not poisoned").push(phase.to_owned());
    }
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

#[tokio::test]
async fn advice_is_applied_in_order_and_its_effect_measured() {
    let database = harness::database("demo").await;
    let advice = report(vec![
        // The drop comes first here and must still run last, and the extension before everything.
        recommendation(RecommendationKind::DropIndex, "drop index concurrently orders_by_user", &[]),
        recommendation(
            RecommendationKind::CreateIndex,
            "create index concurrently on products using gin (name gin_trgm_ops)",
            &["create extension if not exists pg_trgm"],
        ),
        recommendation(RecommendationKind::CreateIndex, "create index concurrently on payments (order_id)", &[]),
    ]);
    let phases = Phases::default();
    let outcome = demo::run(&options(&database), async |_: &ConnectOptions| Ok(advice), &phases).await.expect("runs");

    let applied: Vec<&str> = outcome.applied.iter().map(|a| a.sql.as_str()).collect();
    assert_eq!(applied[0], "create extension if not exists pg_trgm");
    assert_eq!(applied[3], "drop index concurrently orders_by_user");
    let query = |name: &str| outcome.queries.iter().find(|q| q.name == name).expect("a query of the shop");
    let payments = query("payments-of-order");
    assert!(payments.before_blocks >= 10.0 * payments.after_blocks, "{payments:?}");
    let untouched = query("user-by-id");
    assert!(untouched.after_blocks <= untouched.before_blocks * 1.5, "{untouched:?}");
    // At this scale the tables are a few blocks each: that the whole workload touches fewer is for the end-to-end test.
    assert!(outcome.totals.before_blocks > 0.0 && outcome.totals.after_blocks > 0.0, "{:?}", outcome.totals);
    assert!(outcome.peak_rss_bytes.is_some_and(|bytes| bytes > 1 << 20));
    let phases = phases.0.into_inner().expect("not poisoned");
    assert!(phases.iter().any(|p| p == "loading shop") && phases.iter().any(|p| p == "workload after"));

    let again = demo::run(&options(&database), async |_: &ConnectOptions| Ok(report(vec![])), &Silent).await;
    assert!(matches!(again, Err(Error::NotEmpty { relations: 13, .. })), "{again:?}");
}

#[tokio::test]
async fn a_senseless_scale_is_refused() {
    let database = harness::database("demo").await;
    let none = DemoOptions { scale: 0.0, ..options(&database) };
    let refused = demo::run(&none, async |_: &ConnectOptions| Ok(report(vec![])), &Silent).await;
    assert!(matches!(refused, Err(Error::Scale(scale)) if scale == 0.0), "{refused:?}");
}

#[test]
fn the_carried_snapshot_is_analysed_without_a_server() {
    // The snapshot's major version: in the folder named for the run, else where Debian has it.
    let of_major = |folder: &PathBuf| {
        let version = std::process::Command::new(folder.join("postgres")).arg("--version").output();
        version.is_ok_and(|v| String::from_utf8_lossy(&v.stdout).contains(") 15."))
    };
    let folders = harness::programs().into_iter().chain([PathBuf::from("/usr/lib/postgresql/15/bin")]);
    let Some(programs) = folders.into_iter().find(of_major) else {
        harness::skipping("no server programs of the carried snapshot's major version");
        return;
    };
    let run = pgwise(&["demo", "--from-snapshot", "--pg-bin", programs.to_str().expect("a path in UTF-8")]);
    run.ends(0, 60);
    run.prints(&["public.orders", "create", "planner"]);
    pgwise(&["demo", "--from-snapshot", "--scale", "0.5"]).ends(2, 10);
}
