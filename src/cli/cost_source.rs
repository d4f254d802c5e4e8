//! Which planner is asked: what `--what-if` wants, and what is at hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::config::{Settings, WhatIf};
use crate::connect::{ConnectOptions, Env, Pool};
use crate::progress::Progress;
use crate::snapshot::Snapshot;
use crate::whatif::hypopg::{Hypopg, OpenError};
use crate::whatif::model::ModelSource;
use crate::whatif::proving::{Prover, Proving};
use crate::whatif::reserve::{Make, Source, WithReserve};
use crate::whatif::twin::{Building, Containers, NotRecreated, Remains, Twin, TwinError, TwinOptions, TwinSource};

use super::analyze::broken_off;
use super::failure::Failure;

/// Objects named in the report's header where a twin lacks some.
const NAMED: usize = 3;
/// Sessions on a twin unless `--jobs` says otherwise: more do not pay (docs/twin.md).
const COPIES: usize = 2;
/// How often, and how long apart, it is looked whether a twin's building was broken off.
const ABORTS: u32 = 500;
const ABORT_PAUSE: Duration = Duration::from_millis(10);

/// Where the user wants a twin.
pub(super) struct Place<'a> {
    /// `--pg-bin`
    pub(super) pg_bin: Option<&'a Path>,
    /// `--twin-url`
    pub(super) url: Option<&'a str>,
    /// `--twin-docker`, empty without an image
    pub(super) docker: Option<&'a str>,
    /// Sessions that answer at a time.
    pub(super) copies: usize,
    /// `--statement-timeout`
    pub(super) statement_timeout: Option<Duration>,
}

impl<'a> Place<'a> {
    fn of(settings: &'a Settings) -> Self {
        Self {
            pg_bin: settings.analyze.pg_bin.as_deref(),
            url: settings.analyze.twin_url.as_deref(),
            docker: settings.analyze.twin_docker.as_deref(),
            copies: settings.collect.jobs.unwrap_or(COPIES),
            statement_timeout: settings.collect.statement_timeout.map(|p| p.0),
        }
    }

    /// Whether the user named one: then it has to do.
    fn is_named(&self) -> bool {
        self.pg_bin.is_some() || self.url.is_some() || self.docker.is_some()
    }

    pub(super) fn options(&self, env: &Env, remains: &Remains) -> Result<TwinOptions, Failure> {
        let containers = match self.docker {
            Some(image) => Containers::Only { image: Some(image).filter(|i| !i.is_empty()).map(str::to_owned) },
            None if self.pg_bin.is_some() => Containers::Never,
            None => Containers::WithoutPrograms,
        };
        // What the environment says is about the monitored server.
        let url = self.url.map(|url| ConnectOptions::resolve(Some(url), &Env::default())).transpose()?;
        Ok(TwinOptions {
            pg_bin: self.pg_bin.map(Path::to_owned),
            search_path: env.path.clone(),
            containers,
            url,
            copies: self.copies,
            statement_timeout: self.statement_timeout,
            remains: remains.clone(),
        })
    }
}

/// Removes the twins that are left when it goes.
#[derive(Default)]
pub(super) struct Cleared(pub(super) Remains);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// The planner model over a snapshot, on as many threads as the machine runs at once.
fn model(snapshot: &Arc<Snapshot>) -> Result<ModelSource, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    ModelSource::new(snapshot, threads).map_err(|e| Failure::new("the planner model cannot run").because(e))
}

/// The cost source that `--what-if` asks for.
pub(super) struct Choice {
    /// The source; `None` for the rules of thumb.
    pub(super) source: Option<Source>,
    /// For the report's header.
    pub(super) note: Option<String>,
    /// Broken off when the choice goes.
    pub(super) under_way: UnderWay,
}

impl Choice {
    fn of(source: Option<Source>, note: Option<String>) -> Self {
        Self { source, note, under_way: UnderWay(None) }
    }
}

/// A twin that may still be being built.
pub(super) struct UnderWay(Option<AbortHandle>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Some(task) = &self.0 else { return };
        task.abort();
        // What it made on a server is removed after this, and it must make nothing more.
        for _ in 0..ABORTS {
            if task.is_finished() {
                return;
            }
            std::thread::sleep(ABORT_PAUSE);
        }
    }
}

/// Chooses.
pub(super) async fn choose(
    snapshot: &Arc<Snapshot>,
    pool: Option<&Pool>,
    settings: &Settings,
    env: &Env,
    progress: &dyn Progress,
    remains: &Remains,
) -> Result<Choice, Failure> {
    let place = Place::of(settings);
    match settings.analyze.what_if.unwrap_or_default() {
        WhatIf::Rule => Ok(Choice::of(None, Some("--what-if rule".to_owned()))),
        WhatIf::Model => Ok(Choice::of(Some(Box::new(model(snapshot)?)), None)),
        WhatIf::Hypopg => match hypopg(snapshot, pool).await? {
            Ok(source) => Ok(Choice::of(Some(Box::new(source)), None)),
            Err(Missing { reason, hint }) => Err(Failure::new(reason).hint(hint)),
        },
        WhatIf::Twin => {
            let built = twin(snapshot, &place.options(env, remains)?, progress).await;
            let (source, note) = built.map_err(no_twin)?;
            Ok(Choice::of(Some(source), note))
        }
        WhatIf::Auto => {
            let options = place.options(env, remains)?;
            let model = model(snapshot)?;
            let mut note = None;
            if let Some(pool) = pool {
                match hypopg(snapshot, Some(pool)).await? {
                    Ok(source) => {
                        let source = with_twin(source, snapshot, options);
                        let proving = Proving::new(snapshot, model, Box::new(move || Ok((source, None))));
                        return Ok(Choice::of(Some(Box::new(proving)), None));
                    }
                    Err(Missing { reason, hint }) => note = Some(format!("{reason}: {hint}")),
                }
            }
            if place.is_named() {
                // It has to do: better said before the search than after it.
                let (source, lacks) = twin(snapshot, &options, progress).await.map_err(no_twin)?;
                let proving = Proving::new(snapshot, model, Box::new(move || Ok((source, lacks))));
                return Ok(Choice::of(Some(Box::new(proving)), note));
            }
            let building = Building::begin(snapshot, &options, Handle::current());
            let under_way = UnderWay(building.abort_handle());
            let prover: Prover = Box::new(move || match building.finish() {
                Ok((source, left_out)) => Ok((Box::new(source) as Source, lacks(&left_out))),
                Err(error) => Err(format!("no real planner proved the outcome: {}", no_twin(error))),
            });
            let source: Source = Box::new(Proving::new(snapshot, model, prover));
            Ok(Choice { source: Some(source), note, under_way })
        }
    }
}

/// What a source would need.
struct Missing {
    reason: String,
    hint: &'static str,
}

async fn hypopg(snapshot: &Snapshot, pool: Option<&Pool>) -> Result<Result<Hypopg, Missing>, Failure> {
    let Some(pool) = pool else {
        return Ok(Err(Missing {
            reason: "HypoPG needs a live database, and this is a snapshot".to_owned(),
            hint: "analyse the database itself with --url, or take --what-if twin",
        }));
    };
    if !snapshot.server.has_extension("hypopg") {
        let reason = "HypoPG is not installed in this database".to_owned();
        return Ok(Err(Missing { reason, hint: hypopg_hint(snapshot) }));
    }
    match Hypopg::open(pool.clone(), snapshot, Handle::current()).await {
        Ok(source) => Ok(Ok(source)),
        // A server that is gone is no reason to judge by something else: the user asked for a live analysis.
        Err(error @ OpenError::Lost(_)) => Err(broken_off(error)),
        Err(error) => Ok(Err(Missing {
            reason: format!("HypoPG cannot be used: {error}"),
            hint: "pgwise doctor says what is missing",
        })),
    }
}

/// HypoPG, with a twin that is built when a candidate is of a kind that HypoPG cannot express.
fn with_twin(first: Hypopg, snapshot: &Arc<Snapshot>, options: TwinOptions) -> Source {
    let (snapshot, runtime) = (Arc::clone(snapshot), Handle::current());
    let make: Make = Box::new(move || match TwinSource::build(&snapshot, &options, runtime) {
        Ok(source) => Ok(Box::new(source) as Source),
        Err(error) => Err(no_twin(error).to_string()),
    });
    Box::new(WithReserve::new(Box::new(first), make))
}

async fn twin(
    snapshot: &Snapshot,
    options: &TwinOptions,
    progress: &dyn Progress,
) -> Result<(Source, Option<String>), TwinError> {
    progress.begin("building the twin", None);
    let built = Box::pin(Twin::build(snapshot, options)).await;
    progress.end();
    let twin = built?;
    let note = lacks(twin.left_out());
    Ok((Box::new(TwinSource::new(twin, snapshot, Handle::current())), note))
}

/// The failure to build a twin, with the way out.
pub(super) fn no_twin(error: TwinError) -> Failure {
    let hint = hint(&error);
    Failure::new("there is no twin to ask").because(error).hint(hint)
}

fn hint(error: &TwinError) -> String {
    let hint = match error {
        TwinError::Database(error) if error.hint().is_some() => return error.hint().unwrap_or_default(),
        TwinError::Refused { .. } => {
            "--twin-url takes an empty server that nobody needs, as its superuser: a service container, for instance"
        }
        TwinError::NoSchema => "pgwise collect -o FILE takes a new one",
        TwinError::Checksums(_) | TwinError::BlockSize | TwinError::BigEndian | TwinError::Ended => {
            "--what-if model does without a twin"
        }
        TwinError::Files(_) | TwinError::Check(_) | TwinError::Database(_) => {
            "see the server's log and whether its disk is full, then run again"
        }
        TwinError::Server(_) => "a twin needs PostgreSQL's server programs or an image of the same major version",
    };
    hint.to_owned()
}

/// What the twin lacks, in a phrase; `None` where it lacks nothing.
pub(super) fn lacks(left_out: &[NotRecreated]) -> Option<String> {
    if left_out.is_empty() {
        return None;
    }
    let named: Vec<String> = left_out.iter().take(NAMED).map(|l| format!("{} ({})", l.object, l.reason)).collect();
    let more = match left_out.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Some(format!("the twin lacks {}{more}", named.join(", ")))
}

fn hypopg_hint(snapshot: &Snapshot) -> &'static str {
    if snapshot.server.extension_available("hypopg") {
        "run CREATE EXTENSION hypopg; in this database, or leave --what-if out"
    } else {
        "install it on the server (Debian: postgresql-NN-hypopg) and run CREATE EXTENSION hypopg;, or leave --what-if out"
    }
}
