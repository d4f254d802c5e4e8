//! `pgwise demo`: the whole loop on a throwaway PostgreSQL.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::collect::{self, CollectOptions};
use crate::config::{AnalyzeSettings, Period, Settings};
use crate::connect::{ConnectOptions, Env, Pool, PoolOptions};
use crate::demo::{self, DemoOptions, SampleName};
use crate::progress::Progress;
use crate::report::Report;
use crate::snapshot::file;
use crate::throwaway::ServerOptions;

use super::args::{DemoArgs, OutputArgs};
use super::failure::Failure;
use super::output::{self, Destinations};
use super::{Outcome, analyze, progress, session};

/// The image of the fallback container, where no server's programs are found.
const IMAGE: &str = "postgres:17";

pub(super) fn run(args: &DemoArgs, env: &Env) -> Result<Outcome, Failure> {
    let shown = Destinations::resolve(&OutputArgs::default())?;
    let written = if args.report.is_empty() {
        None
    } else {
        Some(Destinations::resolve(&OutputArgs { output: args.report.clone(), ..OutputArgs::default() })?)
    };
    if args.from_snapshot {
        let report = from_snapshot(args.workload, args.pg_bin.as_deref(), env)?;
        shown.write(&report)?;
        written.as_ref().map_or(Ok(()), |places| places.write(&report))?;
        return Ok(Outcome::Clean);
    }
    args.output.as_deref().map_or(Ok(()), output::check_folder)?;
    let mut options = DemoOptions::new(ServerOptions {
        pg_bin: args.pg_bin.clone(),
        search_path: env.path.clone(),
        image: Some(IMAGE.to_owned()),
        ..ServerOptions::default()
    });
    options.sample = args.workload;
    options.scale = args.scale;
    if let Some(url) = args.url.as_deref() {
        options.database = Some(ConnectOptions::resolve(Some(url), env)?);
    }
    let progress = progress::for_stderr();
    let outcome = session::runtime()?.block_on(demo::run(
        &options,
        async |database: &ConnectOptions| {
            let report = analyse(database, env, &progress).await?;
            let print = || {
                shown.write(&report)?;
                written.as_ref().map_or(Ok(()), |places| places.write(&report))
            };
            print().map_err(boxed)?;
            Ok(report)
        },
        progress.as_ref(),
    ));
    drop(progress);
    let outcome = outcome.map_err(explain)?;
    output::styled(&format!("\n{}", outcome.to_table(Some(output::stdout_width()))))?;
    if let Some(path) = &args.output {
        output::file(path, |file| {
            serde_json::to_writer_pretty(&mut *file, &outcome)
                .map_err(|e| Failure::new("cannot write the figures as JSON").because(e))?;
            file.write_all(b"\n").map_err(Failure::from)
        })?;
    }
    Ok(Outcome::Clean)
}

/// What `pgwise analyze --snapshot` does, with the snapshot that the program carries. Its counters cover
/// three runs of the workload, so any history will do.
fn from_snapshot(sample: SampleName, pg_bin: Option<&Path>, env: &Env) -> Result<Report, Failure> {
    let snapshot = file::read(sample.snapshot())
        .map_err(|e| Failure::new("the sample's own snapshot cannot be read, which is a bug in pgwise").because(e))?;
    let analyze = AnalyzeSettings {
        min_history: Some(Period(Duration::ZERO)),
        pg_bin: pg_bin.map(Path::to_owned),
        ..AnalyzeSettings::default()
    };
    let settings = Settings { analyze, ..Settings::default() };
    let progress = progress::for_stderr();
    let judged = async { analyze::judge(&Arc::new(snapshot), None, &settings, env, &progress).await };
    session::run(Box::pin(judged))
}

/// What `pgwise analyze` does, on the demo's database. Its counters are minutes old and were not reset in between, so
/// any history will do.
async fn analyse(
    database: &ConnectOptions,
    env: &Env,
    progress: &Arc<dyn Progress>,
) -> Result<Report, Box<dyn Error + Send + Sync>> {
    let pool = Pool::connect(database, PoolOptions::default()).await?;
    let snapshot = Arc::new(collect::collect(&pool, &CollectOptions::default(), progress.as_ref()).await?);
    let analyze = AnalyzeSettings { min_history: Some(Period(Duration::ZERO)), ..AnalyzeSettings::default() };
    let settings = Settings { analyze, ..Settings::default() };
    let report = analyze::judge(&snapshot, Some(&pool), &settings, env, progress).await.map_err(boxed)?;
    pool.close();
    Ok(report)
}

fn boxed(failure: Failure) -> Box<dyn Error + Send + Sync> {
    Box::new(failure)
}

fn explain(error: demo::Error) -> Failure {
    match error {
        // Our own failures come back as they were.
        demo::Error::Analysis(source) => match source.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(source) => match source.downcast::<collect::Error>() {
                Ok(error) => Failure::from(*error),
                Err(source) => Failure::new(format!("the analysis failed: {source}")),
            },
        },
        demo::Error::Database(error) => error.into(),
        other => Failure::new(other.to_string()).because(other),
    }
}
