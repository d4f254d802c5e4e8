//! The whole loop on a throwaway PostgreSQL: load a sample workload, measure it, analyse, apply, measure again.
//!
//! In: where to find server binaries (or an empty disposable database), and a function that analyses a database. Out:
//! what every query took before and after ([`Outcome`]). Nothing is left behind: neither a process nor a file.

mod apply;
mod bench;
mod error;
mod load;
mod measure;
mod outcome;
mod sample;
mod text_value;

use std::time::{Duration, Instant};

pub use bench::Bench;
pub use error::Error;
pub use measure::Measured;
pub use outcome::{AppliedStatement, Outcome, QueryOutcome, Totals};
pub use sample::{Sample, SampleError, SampleName, SampleQuery, Step};

use crate::connect::{Access, ConnectOptions, Env, Pool, PoolOptions};
use crate::progress::Progress;
use crate::report::Report;
use crate::sql::quote;
use crate::throwaway::{Server, ServerOptions};

/// Loading builds indexes and validates foreign keys: minutes on a slow machine.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(10);

/// What to run the demo on, and how much of it.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Which sample workload.
    pub sample: SampleName,
    /// How to make a server, where no database is given.
    pub server: ServerOptions,
    /// An empty, disposable database to use instead.
    pub database: Option<ConnectOptions>,
    /// Share of the sample's rows to load.
    pub scale: f64,
    /// How many times the workload runs before and after; the medians count.
    pub runs: u32,
}

impl DemoOptions {
    /// The full shop, three runs each.
    pub fn new(server: ServerOptions) -> Self {
        Self { sample: SampleName::Shop, server, database: None, scale: 1.0, runs: 3 }
    }
}

/// Runs the loop. `analyse` gets the database's options and returns its report; it is the one step that this module
/// does not know, and whatever it prints comes before the changes are made.
///
/// Ctrl-C ends it with [`Error::Interrupted`] after the server is stopped.
pub async fn run<A>(options: &DemoOptions, analyse: A, progress: &dyn Progress) -> Result<Outcome, Error>
where
    A: AsyncFnOnce(&ConnectOptions) -> Result<Report, Box<dyn std::error::Error + Send + Sync>>,
{
    // Boxed because the whole loop's state is large. Dropping it stops the server.
    tokio::select! {
        result = Box::pin(all(options, analyse, progress)) => result,
        _ = tokio::signal::ctrl_c() => Err(Error::Interrupted),
    }
}

async fn all<A>(options: &DemoOptions, analyse: A, progress: &dyn Progress) -> Result<Outcome, Error>
where
    A: AsyncFnOnce(&ConnectOptions) -> Result<Report, Box<dyn std::error::Error + Send + Sync>>,
{
    let sample = Sample::load(options.sample)?;
    // Bound to a name so that it outlives every connection to it.
    let server = if options.database.is_some() { None } else { Some(start_server(&options.server, progress).await?) };
    let database = match (&options.database, &server) {
        (Some(database), _) => database.clone(),
        (None, Some(server)) => create_database(server, options.sample.as_str()).await?,
        (None, None) => return Err(Error::Interrupted),
    };
    let began = Instant::now();
    let bench = Bench::load(&database, &sample, options.scale, progress).await?;
    let load_seconds = began.elapsed().as_secs_f64();
    let before = bench.runs(options.runs, "workload before", progress).await?;

    let own_before = measure::own_time_ms(bench.pool()).await?;
    let began = Instant::now();
    let report = analyse(&database).await.map_err(Error::Analysis)?;
    let analysis_seconds = began.elapsed().as_secs_f64();
    let own_server_time_ms = measure::own_time_ms(bench.pool()).await? - own_before;

    let applied = bench.apply(&report, progress).await?;
    bench.settle(progress).await?;
    let after = bench.runs(options.runs, "workload after", progress).await?;

    let mut outcome = outcome::Outcome::of(&before, &after);
    outcome.server = server.as_ref().map_or_else(|| database.to_string(), |s| s.origin().to_owned());
    outcome.scale = options.scale;
    outcome.runs = options.runs;
    outcome.load_seconds = load_seconds;
    outcome.analysis_seconds = analysis_seconds;
    outcome.own_server_time_ms = own_server_time_ms;
    outcome.peak_rss_bytes = peak_rss_bytes();
    outcome.applied = applied;
    bench.close();
    Ok(outcome)
}

/// Starting blocks, so it gets a thread of its own.
async fn start_server(options: &ServerOptions, progress: &dyn Progress) -> Result<Server, Error> {
    progress.begin("starting PostgreSQL", None);
    let options = options.clone();
    let started = tokio::task::spawn_blocking(move || Server::start(&options)).await;
    progress.end();
    match started {
        Ok(server) => Ok(server?),
        // The task panicked, or the runtime is going away.
        Err(_) => Err(Error::Interrupted),
    }
}

/// How the demo connects to the database that it loads and changes.
fn writing() -> PoolOptions {
    PoolOptions {
        access: Access::ReadWrite,
        max_size: 2,
        statement_timeout: STATEMENT_TIMEOUT,
        ..PoolOptions::default()
    }
}

/// Makes the sample's database on our own server.
async fn create_database(server: &Server, name: &str) -> Result<ConnectOptions, Error> {
    let admin = ConnectOptions::resolve(Some(&server.url("postgres")), &Env::default())?;
    let pool = Pool::connect(&admin, writing()).await?;
    let session = pool.get().await?;
    let sql = format!("create database {}", quote::ident(name));
    session.batch_execute(&sql).await.map_err(|e| session.error(e))?;
    Ok(admin.with_dbname(name))
}

/// The most memory that this process has held, as `getrusage` has it: KiB on Linux, bytes on macOS.
fn peak_rss_bytes() -> Option<u64> {
    const UNIT: u64 = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).ok()?;
    u64::try_from(usage.max_rss()).ok().map(|units| units * UNIT)
}
