//! A server with a sample, and copies of it in which the configurations run.

use std::process::Command;
use std::time::Instant;

use pgwise::connect::{ConnectOptions, Env};
use pgwise::demo::{Bench, Measured, Sample, SampleName};
use pgwise::progress::Silent;
use pgwise::report::{RecommendationKind, Report};
use pgwise::throwaway::{Server, ServerOptions};
use tokio_postgres::{Client, NoTls};

use crate::environment;
use crate::outcome::{self, CONFIGURATIONS, Configuration, Effect, Runs};

/// Runs before the analysis: what its counters rest on.
const COUNTED_RUNS: u32 = 3;
/// The loaded sample, never run.
const BASE: &str = "base";

/// A throwaway server with one sample loaded.
pub(crate) struct Stage {
    server: Server,
    name: SampleName,
    scale: f64,
    admin: Client,
}

impl Stage {
    pub(crate) async fn load(name: SampleName, scale: f64) -> Self {
        let options = ServerOptions {
            pg_bin: environment("PGWISE_TEST_PG_BIN").map(Into::into),
            search_path: environment("PATH").map(Into::into),
            settings: vec![("shared_buffers".to_owned(), "512MB".to_owned())],
            ..ServerOptions::default()
        };
        let server = tokio::task::spawn_blocking(move || Server::start(&options)).await.unwrap().unwrap();
        let admin = connect(&server.url("postgres")).await;
        let stage = Self { server, name, scale, admin };
        stage.run_as_admin(&format!("create database {BASE} template template0")).await;
        let bench = Bench::load(&stage.options(BASE), &Sample::load(name).unwrap(), scale, &Silent).await.unwrap();
        bench.close();
        stage
    }

    /// Runs one variant under the three configurations, in turns.
    pub(crate) async fn compare(&self, write_heavy: bool, runs: u32) -> Effect {
        let sample = Sample::load(self.name).unwrap();
        let sample = if write_heavy { sample.write_heavy() } else { sample };
        let [before, ..] = CONFIGURATIONS;
        self.copy(BASE, before).await;
        let first = Bench::loaded(&self.options(before), &sample).await.unwrap();
        first.settle(&Silent).await.unwrap();
        first.runs(COUNTED_RUNS, "counted runs", &Silent).await.unwrap();
        let began = Instant::now();
        let report = self.analyse(before);
        let analysis_seconds = began.elapsed().as_secs_f64();
        first.clone().close();
        for copy in &CONFIGURATIONS[1..] {
            self.copy(before, copy).await;
        }
        let mut benches = Vec::new();
        for database in CONFIGURATIONS {
            benches.push(first.in_copy(&self.options(database)).await.unwrap());
        }
        let applied = benches[1].apply(&report, &Silent).await.unwrap();
        connect(&self.server.url(CONFIGURATIONS[2])).await.batch_execute(self.expert()).await.unwrap();
        let mut sizes = Vec::new();
        for (bench, database) in benches.iter().zip(CONFIGURATIONS) {
            bench.settle(&Silent).await.unwrap();
            sizes.push(self.index_bytes(database).await);
        }
        let measured = in_turns(&benches, runs).await;
        let still: Vec<Vec<String>> = CONFIGURATIONS
            .iter()
            .enumerate()
            .map(|(i, database)| if i == 0 { Vec::new() } else { created(&self.analyse(database)) })
            .collect();
        for bench in benches {
            bench.close();
        }
        for database in CONFIGURATIONS {
            self.run_as_admin(&format!("drop database {database} with (force)")).await;
        }
        let writes: Vec<bool> = sample.queries.iter().map(pgwise::demo::SampleQuery::writes).collect();
        Effect {
            sample: self.name.as_str(),
            weights: if write_heavy { "write-heavy" } else { "read-mostly" },
            scale: self.scale,
            runs,
            cost_source: report.cost_source.kind.clone(),
            analysis_seconds,
            configurations: configurations(&measured, &writes, &sizes, still),
            queries: outcome::queries(&measured, &writes),
            advice: applied.into_iter().map(|a| a.sql).collect(),
        }
    }

    /// What `pgwise analyze` says, as a user would ask it.
    fn analyse(&self, database: &str) -> Report {
        let url = self.server.url(database);
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgwise"));
        command.args(["analyze", "--url", &url, "--min-history", "0s", "--format", "json"]);
        let run = command.current_dir(std::env::temp_dir()).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        serde_json::from_slice(&run.stdout).unwrap()
    }

    fn expert(&self) -> &'static str {
        match self.name {
            SampleName::Shop => include_str!("../../sample-workloads/shop/expert.sql"),
            SampleName::Saas => include_str!("../../sample-workloads/saas/expert.sql"),
        }
    }

    /// Copies a database that nobody is connected to any more.
    async fn copy(&self, from: &str, to: &str) {
        let closing = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{from}'");
        self.run_as_admin(&closing).await;
        self.run_as_admin(&format!("drop database if exists {to} with (force)")).await;
        self.run_as_admin(&format!("create database {to} template {from}")).await;
    }

    async fn run_as_admin(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    async fn index_bytes(&self, database: &str) -> i64 {
        let sql = "select sum(pg_relation_size(c.oid))::bigint from pg_class c \
            join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'i' and n.nspname = 'public'";
        connect(&self.server.url(database)).await.query_one(sql, &[]).await.unwrap().get(0)
    }

    fn options(&self, database: &str) -> ConnectOptions {
        ConnectOptions::resolve(Some(&self.server.url(database)), &Env::default()).unwrap()
    }
}

/// Each round runs every configuration once, each round beginning with another one, so that what else the machine does
/// falls on all alike.
async fn in_turns(benches: &[Bench], runs: u32) -> [Runs; 3] {
    let mut measured: [Runs; 3] = Default::default();
    for round in 0..runs as usize {
        for turn in 0..benches.len() {
            let which = (round + turn) % benches.len();
            measured[which].extend(benches[which].runs(1, CONFIGURATIONS[which], &Silent).await.unwrap());
        }
    }
    measured
}

fn configurations(measured: &[Runs; 3], writes: &[bool], sizes: &[i64], still: Vec<Vec<String>>) -> Vec<Configuration> {
    let all = |_: usize| true;
    let writing = |i: usize| writes[i];
    let exec = |m: &Measured| m.total_exec_ms;
    let blocks = |m: &Measured| m.total_blocks;
    let each = measured.iter().zip(CONFIGURATIONS).zip(sizes).zip(still);
    each.map(|(((runs, name), &index_bytes), still_recommended)| Configuration {
        name,
        index_bytes,
        total_ms: outcome::total(runs, all, |m| m.total_ms),
        exec_ms: outcome::total(runs, all, exec),
        blocks: outcome::total(runs, all, blocks),
        writes_exec_ms: outcome::total(runs, writing, exec),
        writes_blocks: outcome::total(runs, writing, blocks),
        still_recommended,
    })
    .collect()
}

/// What a report would create.
fn created(report: &Report) -> Vec<String> {
    let new = report.recommendations.iter().filter(|r| r.kind == RecommendationKind::CreateIndex);
    new.map(|r| r.ddl.clone()).collect()
}

#[expect(clippy::disallowed_methods, reason = "the harness looks at the database from outside pgwise")]
async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
