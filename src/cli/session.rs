//! From settings to a pool, and the runtime that the asynchronous edge runs on.

use std::path::Path;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::collect::CollectOptions;
use crate::config::{self, AnalyzeSettings, CollectSettings, Settings};
use crate::connect::{ConnectOptions, Env, Pool, PoolOptions};

use super::args::ConfigArgs;
use super::failure::Failure;

/// The runtime. Two threads serve: the work is waiting.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::new("cannot start the asynchronous runtime").because(e))
}

/// Runs a command's work until it ends, or until somebody ends the process (Ctrl-C, SIGTERM, SIGHUP): then `None`. The
/// work is dropped before this returns, and takes what it made outside of this process with it.
pub(super) fn until_interrupted<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<Option<Result<T, Failure>>, Failure> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let interrupted = interrupted()?;
        Ok(tokio::select! {
            done = work => Some(done),
            () = interrupted => None,
        })
    });
    if matches!(outcome, Ok(None)) {
        // A search that still runs on a thread of its own is not waited for.
        runtime.shutdown_background();
    }
    outcome
}

/// [`until_interrupted`], for work whose result is lost by it.
pub(super) fn run<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    until_interrupted(work)?.unwrap_or_else(|| Err(Failure::new("interrupted: no report was written")))
}

fn interrupted() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| signal(kind).map_err(|e| Failure::new("cannot listen for Ctrl-C").because(e));
    let mut signals =
        [listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?];
    Ok(async move {
        let waiting = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(waiting).await;
    })
}

/// Flags over the configuration file, where there is one.
pub(super) fn settings(
    collect: CollectSettings,
    analyze: AnalyzeSettings,
    config: &ConfigArgs,
) -> Result<Settings, Failure> {
    let default = Path::new(config::DEFAULT_FILE);
    let file = match &config.config {
        Some(path) => Some(Settings::read(path)?),
        None if default.is_file() => Some(Settings::read(default)?),
        None => None,
    };
    Ok(Settings::merge(collect, analyze, file)?)
}

/// Opens the pool that the settings ask for.
pub(super) async fn connect(url: Option<&str>, settings: &CollectSettings, env: &Env) -> Result<Pool, Failure> {
    let options = ConnectOptions::resolve(url, env)?;
    for warning in options.warnings() {
        super::failure::warn(warning);
    }
    tracing::debug!(server = %options, "connecting");
    Ok(Pool::connect(&options, pool_options(settings)).await?)
}

/// The pool's options.
pub(super) fn pool_options(settings: &CollectSettings) -> PoolOptions {
    let default = PoolOptions::default();
    PoolOptions {
        max_size: settings.jobs.unwrap_or(default.max_size),
        statement_timeout: settings.statement_timeout.map_or(default.statement_timeout, |p| p.0),
        lock_timeout: settings.lock_timeout.map_or(default.lock_timeout, |p| p.0),
        ..default
    }
}

/// The collector's options.
pub(super) fn collect_options(settings: &CollectSettings) -> CollectOptions {
    let default = CollectOptions::default();
    CollectOptions {
        min_calls: settings.min_calls.unwrap_or(default.min_calls),
        min_time_ms: settings.min_time_ms.unwrap_or(default.min_time_ms),
        top: settings.top.unwrap_or(default.top),
        users: settings.user.clone(),
        schemas: settings.schema.clone(),
        exclude: settings.exclude.clone(),
        interval: settings.interval.map(|p| p.0),
        explain_analyze: settings.explain_analyze,
        jobs: settings.jobs.unwrap_or(default.jobs),
        values: settings.values.unwrap_or(default.values),
        // A part is a few statements; each is told the same limit.
        part_timeout: settings.statement_timeout.map_or(default.part_timeout, |p| p.0),
        ..default
    }
}
