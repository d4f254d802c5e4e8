//! What the pool is worth: collecting a database and explaining 200 statements over a pool of four sessions, against the
//! same with a new connection for every statement. Prints the ratio.
//!
//! `PGWISE_TEST_URL` names the server to measure on (a superuser's URL); without it a throwaway one is started from local
//! binaries, and the connections are then Unix-socket or loopback ones: the ratio over a real network is greater.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use pgwise::collect::{CollectOptions, collect, statements_from_sql};
use pgwise::connect::{ConnectOptions, Env, Pool, PoolOptions};
use pgwise::progress::Silent;
use pgwise::snapshot::Statement;
use pgwise::throwaway::{Server, ServerOptions};

/// Statements explained in a run.
const STATEMENTS: usize = 200;
/// Tables they read.
const TABLES: usize = 20;
/// Runs of each way; the median counts.
const RUNS: usize = 3;

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn main() -> Result<()> {
    // `cargo test` runs benchmarks too, as a smoke test without `--bench`.
    if !std::env::args().any(|a| a == "--bench") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (_server, url) = server()?;
    let options = ConnectOptions::resolve(Some(&url), &Env::default())?;
    let statements = runtime.block_on(prepare(&options))?;

    let pooled = median(|| runtime.block_on(over_pool(&options, &statements, 4)))?;
    let single = median(|| runtime.block_on(over_pool(&options, &statements, 1)))?;
    let separate = median(|| runtime.block_on(one_connection_each(&options, &statements)))?;
    println!("collect and explain {STATEMENTS} statements, median of {RUNS}:");
    println!("  pool of 4 sessions            {:8.1} ms", millis(pooled));
    println!("  pool of 1 session             {:8.1} ms", millis(single));
    println!("  one connection per statement  {:8.1} ms", millis(separate));
    println!("ratio (one connection per statement / pool of 4): {:.2}", separate.as_secs_f64() / pooled.as_secs_f64());
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::disallowed_methods, reason = "which server to measure on is the environment's to say")]
fn server() -> Result<(Option<Server>, String)> {
    if let Ok(url) = std::env::var("PGWISE_TEST_URL") {
        return Ok((None, url));
    }
    let options = ServerOptions {
        pg_bin: std::env::var_os("PGWISE_TEST_PG_BIN").map(Into::into),
        search_path: std::env::var_os("PATH"),
        settings: Vec::new(),
        major: None,
        image: None,
    };
    let server = Server::start(&options).context("no server to measure on; set PGWISE_TEST_URL")?;
    let url = server.url("postgres");
    Ok((Some(server), url))
}

fn median(mut run: impl FnMut() -> Result<Duration>) -> Result<Duration> {
    let mut times = (0..RUNS).map(|_| run()).collect::<Result<Vec<_>>>()?;
    times.sort();
    Ok(times[RUNS / 2])
}

/// Makes the tables, and the statements on them.
async fn prepare(options: &ConnectOptions) -> Result<Vec<Statement>> {
    let writing = PoolOptions { access: pgwise::connect::Access::ReadWrite, ..PoolOptions::default() };
    let session = Pool::connect(options, writing).await?.get().await?;
    for t in 0..TABLES {
        session
            .batch_execute(&format!(
                "drop table if exists pooling_{t}; \
                 create table pooling_{t} (id int primary key, a int, b text, c timestamptz default now()); \
                 insert into pooling_{t} select i, i % 100, 'b' || i from generate_series(1, 1000) i; \
                 create index on pooling_{t} (a, c); analyze pooling_{t}"
            ))
            .await?;
    }
    let statement = |n: usize| {
        let (t, u) = (n % TABLES, (n + 1) % TABLES);
        format!(
            "select x.id, y.b, {n} as n from pooling_{t} x join pooling_{u} y on y.id = x.a \
             where x.a = $1 and x.c > now() - interval $2 order by x.c desc limit $3"
        )
    };
    let text: Vec<String> = (0..STATEMENTS).map(statement).collect();
    Ok(statements_from_sql(&text.join(";\n")))
}

/// pgwise's way, with so many sessions.
async fn over_pool(options: &ConnectOptions, statements: &[Statement], sessions: usize) -> Result<Duration> {
    let begun = Instant::now();
    let pool = Pool::connect(options, PoolOptions { max_size: sessions, ..PoolOptions::default() }).await?;
    let collecting =
        CollectOptions { statements: Some(statements.to_vec()), jobs: sessions, ..CollectOptions::default() };
    let snapshot = Box::pin(collect(&pool, &collecting, &Silent)).await?;
    let explained = snapshot.statements.items.iter().filter(|s| s.plan.captured().is_some()).count();
    anyhow::ensure!(explained == STATEMENTS, "{explained} of {STATEMENTS} statements were explained");
    Ok(begun.elapsed())
}

/// The catalog over one session, then every statement over a connection of its own, guarded as the pool's are, with the
/// same commands as the collector sends before 16.
async fn one_connection_each(options: &ConnectOptions, statements: &[Statement]) -> Result<Duration> {
    let begun = Instant::now();
    let one = PoolOptions { max_size: 1, ..PoolOptions::default() };
    let catalog = CollectOptions { explain: false, statements: Some(Vec::new()), jobs: 1, ..CollectOptions::default() };
    Box::pin(collect(&Pool::connect(options, one).await?, &catalog, &Silent)).await?;
    for statement in statements {
        let session = Pool::connect(options, one).await?.get().await?;
        let text = statement.query.replace("interval $2", "cast($2 as interval)");
        session
            .batch_execute(
                "BEGIN /* pgwise */ TRANSACTION READ ONLY; SET LOCAL statement_timeout TO 30000; \
                 SET LOCAL plan_cache_mode TO force_generic_plan",
            )
            .await?;
        session.query_typed(&format!("PREPARE /* pgwise */ one AS {text}"), &[]).await?;
        let explain = "EXPLAIN /* pgwise */ (FORMAT JSON, VERBOSE, SETTINGS) EXECUTE one(NULL, NULL, NULL)";
        session.query_typed(explain, &[]).await?;
        session.batch_execute("ROLLBACK; DEALLOCATE one").await?;
        // Given back to a pool that nobody uses any more, it would be cleaned for nothing.
        session.discard();
    }
    Ok(begun.elapsed())
}
