//! A database whose planner is the oracle, with the statements asked about.

use std::time::Instant;

use pgwise::collect::{CollectOptions, collect};
use pgwise::connect::{ConnectOptions, Env, Pool, PoolOptions};
use pgwise::progress::Silent;
use pgwise::snapshot::{Snapshot, ValuesPolicy};
use tokio_postgres::{Client, NoTls};

use crate::oracle;
use crate::servers::Running;
use crate::settings::Settings;
use crate::statement::statement;
use crate::workload::{self, Workload};

/// A loaded database.
pub(crate) struct Source {
    /// `shop`, `tpch`, `pgbench`.
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) version_num: u32,
    /// Its statements, each of which its planner takes.
    pub(crate) statements: Vec<Asked>,
}

/// One statement asked about.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The workload that it belongs to.
    pub(crate) workload: &'static str,
    pub(crate) text: String,
}

impl Source {
    /// Creates a database on the server and loads what these workloads need, which all share it. `None` where something
    /// is missing and may be.
    pub(crate) async fn load(running: &Running, workloads: &[Workload], settings: &Settings) -> Option<Self> {
        let began = Instant::now();
        let name = workloads.first()?.database();
        let admin = connect(&running.server.url("postgres")).await;
        admin.batch_execute(&format!("create database {name} template template0")).await.unwrap();
        let url = running.server.url(name);
        let client = connect(&url).await;
        let version: String = client.query_one("show server_version_num", &[]).await.unwrap().get(0);
        let version_num = version.parse().unwrap();
        if let Err(why) = workload::load(name, &client, running, &url, version_num, settings).await {
            settings.missing(&why);
            return None;
        }
        oracle::prepare(&client).await;
        let mut source = Self { name: name.to_owned(), url, client, version_num, statements: Vec::new() };
        for workload in workloads {
            let mut refused = 0;
            for text in workload.statements(&source, settings).await {
                let unwanted = settings.only.as_ref().is_some_and(|only| !text.contains(only.as_str()));
                if unwanted || source.statements.iter().any(|s| s.text == text) {
                    continue;
                }
                match oracle::plan(&source.client, &text, version_num).await {
                    Ok(_) => source.statements.push(Asked { workload: workload.name(), text }),
                    Err(why) => {
                        assert!(workload.may_refuse(), "{text}\n{why}");
                        refused += 1;
                    }
                }
            }
            if refused > 0 {
                println!("{refused} statements of {} are not taken by the server", workload.name());
            }
        }
        println!(
            "PostgreSQL {}: {} loaded, {} statements, {:.0} s",
            version_num / 10_000,
            source.name,
            source.statements.len(),
            began.elapsed().as_secs_f64()
        );
        Some(source)
    }

    /// The major version.
    pub(crate) fn major(&self) -> u32 {
        self.version_num / 10_000
    }

    /// What our collector sees of it, as a file has it; the statements at their positions in [`Source::statements`].
    pub(crate) async fn snapshot(&self, values: ValuesPolicy) -> Snapshot {
        let options = CollectOptions {
            statements: Some(self.statements.iter().enumerate().map(|(n, s)| statement(n, &s.text)).collect()),
            top: usize::MAX,
            values,
            explain: false,
            ..CollectOptions::default()
        };
        let snapshot = collect(&self.pool(2).await, &options, &Silent).await.unwrap();
        let kept: Vec<&str> = snapshot.statements.items.iter().map(|s| s.query.as_str()).collect();
        assert_eq!(kept, self.statements.iter().map(|s| s.text.as_str()).collect::<Vec<_>>());
        serde_json::from_str(&serde_json::to_string(&snapshot).unwrap()).unwrap()
    }

    /// A pool of so many guarded sessions, as pgwise has it.
    pub(crate) async fn pool(&self, max_size: usize) -> Pool {
        let options = ConnectOptions::resolve(Some(&self.url), &Env::default()).unwrap();
        Pool::connect(&options, PoolOptions { max_size, ..PoolOptions::default() }).await.unwrap()
    }

    /// The rows of a query, its columns as text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let messages = self.client.simple_query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let rows = messages.into_iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect())
            }
            _ => None,
        });
        rows.collect()
    }
}

/// A plain connection, without any of pgwise's guards; its driver task ends with the client.
pub(crate) async fn connect(url: &str) -> Client {
    #[expect(clippy::disallowed_methods, reason = "the oracle is asked from outside pgwise")]
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
