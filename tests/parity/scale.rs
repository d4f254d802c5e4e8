//! A twin of a large database: thousands of tables, a terabyte as far as the planner can see.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pgwise::collect::{CollectOptions, collect};
use pgwise::connect::{ConnectOptions, Env, Pool, PoolOptions};
use pgwise::progress::Silent;
use pgwise::snapshot::{Snapshot, ValuesPolicy};
use serde_json::{Value, json};

use crate::database::connect;
use crate::servers::Running;
use crate::{against_twin, oracle, servers};

const TABLES: u32 = 2_000;
/// Each with a primary key and four more indexes.
const INDEXES: u32 = 5 * TABLES;
/// Pages of a table: 400 MB.
const TABLE_PAGES: u32 = 50_000;
/// Pages of an index: 21 MB.
const INDEX_PAGES: u32 = 2_600;
/// Rows of a table.
const ROWS: f64 = 4_000_000.0;
const PAGE: u64 = 8192;

/// So many tables with some rows each, in statements of a hundred tables: what a transaction locks is limited.
fn schema() -> Vec<String> {
    let chunk = |first: u32| {
        format!(
            "do $$ begin for i in {first}..{} loop execute format('
                create table t%1$s (id bigint primary key, account int not null, kind text not null, amount numeric(12, 2),
                    at timestamptz not null, note text, tags text[], active boolean not null);
                insert into t%1$s select k, k %% 40, ''kind '' || k %% 9, k * 1.5, timestamptz ''2025-01-01'' + k * interval ''1 h'',
                    ''note '' || k, array[''a'' || k %% 5, ''b'' || k %% 3], k %% 2 = 0 from generate_series(1, 200) k;
                create index t%1$s_account on t%1$s (account, at);
                create index t%1$s_at on t%1$s (at);
                create index t%1$s_kind on t%1$s (kind) where active;
                create index t%1$s_note on t%1$s (lower(note))', i); end loop; end $$",
            first + 99
        )
    };
    (1..=TABLES).step_by(100).map(chunk).collect()
}

/// A database of that many tables, and a snapshot of it in which every relation is large.
async fn snapshot(running: &Running) -> Snapshot {
    let admin = connect(&running.server.url("postgres")).await;
    admin.batch_execute("create database scale template template0").await.unwrap();
    let url = running.server.url("scale");
    let client = connect(&url).await;
    for sql in schema() {
        client.batch_execute(&sql).await.unwrap();
    }
    client.batch_execute("analyze").await.unwrap();
    let options = ConnectOptions::resolve(Some(&url), &Env::default()).unwrap();
    // A part that takes too long would be left out of the snapshot, and a busy machine takes its time.
    let patient = PoolOptions { statement_timeout: Duration::from_mins(5), ..PoolOptions::default() };
    let pool = Pool::connect(&options, patient).await.unwrap();
    let taking = CollectOptions {
        statements: Some(Vec::new()),
        values: ValuesPolicy::All,
        explain: false,
        ..CollectOptions::default()
    };
    let mut snapshot = collect(&pool, &taking, &Silent).await.unwrap();
    for table in &mut snapshot.catalog.tables {
        table.relpages = TABLE_PAGES;
        table.actual_pages = Some(TABLE_PAGES);
        table.relallvisible = TABLE_PAGES / 2;
        table.heap_bytes = Some(u64::from(TABLE_PAGES) * PAGE);
        table.reltuples = ROWS;
        for index in &mut table.indexes {
            index.relpages = INDEX_PAGES;
            index.bytes = Some(u64::from(INDEX_PAGES) * PAGE);
            index.reltuples = ROWS;
        }
    }
    snapshot
}

/// Builds a twin of it and measures time and disk.
pub(crate) async fn measure(running: &Running) -> Value {
    let snapshot = snapshot(running).await;
    let indexes = snapshot.catalog.indexes().count();
    assert_eq!(
        (snapshot.catalog.tables.len(), indexes),
        (TABLES as usize, INDEXES as usize),
        "{:?}",
        snapshot.not_seen
    );
    // A server alone: what initdb and starting take.
    let began = Instant::now();
    let alone = servers::again(running).unwrap();
    let starting = began.elapsed().as_secs_f64();
    alone.server.stop();
    let began = Instant::now();
    let twin = against_twin::build(running, &snapshot).await;
    let building = began.elapsed().as_secs_f64() - starting;

    let client = connect(&twin.url()).await;
    let row = client.query_one("select pg_database_size(current_database()), current_setting('data_directory')", &[]);
    let row = row.await.unwrap();
    let apparent: i64 = row.get(0);
    let disk = disk_bytes(Path::new(row.get::<_, &str>(1)));
    oracle::prepare(&client).await;
    let text = "select * from t1999 where account = $1 order by at desc limit 10";
    let plan = oracle::plan(&client, text, snapshot.server.version_num).await.unwrap();
    assert!(plan.to_string().contains("t1999_account"), "{plan}");
    let report = json!({
        "version": snapshot.server.major(), "tables": TABLES, "indexes": INDEXES, "apparent_bytes": apparent,
        "seconds_after_initdb": building, "initdb_and_start_seconds": starting, "disk_bytes": disk,
    });
    println!(
        "\na twin of {TABLES} tables, {INDEXES} indexes, {:.2} TB apparent: {building:.1} s after initdb, {:.0} MB of disk",
        apparent as f64 / 1e12,
        disk as f64 / 1e6
    );
    report
}

/// What a folder occupies, holes left out.
fn disk_bytes(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let mut pending: Vec<PathBuf> = vec![folder.to_owned()];
    let mut blocks = 0;
    while let Some(path) = pending.pop() {
        for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
            // Temporary files of a running server go as they come.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                pending.push(entry.path());
            } else {
                blocks += metadata.blocks();
            }
        }
    }
    blocks * 512
}
