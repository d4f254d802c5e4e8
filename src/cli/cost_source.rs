//! Which planner is asked: what `--what-if` wants, and what is at hand.

use tokio::runtime::Handle;

use crate::config::{AnalyzeSettings, WhatIf};
use crate::connect::{Env, Pool};
use crate::progress::Progress;
use crate::snapshot::Snapshot;
use crate::whatif::CostSource;
use crate::whatif::hypopg::{Hypopg, OpenError};
use crate::whatif::twin::{NotRecreated, Twin, TwinOptions, TwinSource};

use super::analyze::broken_off;
use super::failure::Failure;

/// A source that can go to the thread that advises.
pub(super) type Source = Box<dyn CostSource + Send>;

/// Objects named in the report's header where a twin lacks some.
const NAMED: usize = 3;

/// The cost source that `--what-if` asks for: `None` for the rules of thumb, with the reason for the report's header.
pub(super) async fn choose(
    snapshot: &Snapshot,
    pool: Option<&Pool>,
    settings: &AnalyzeSettings,
    env: &Env,
    progress: &dyn Progress,
) -> Result<(Option<Source>, Option<String>), Failure> {
    match (settings.what_if.unwrap_or_default(), pool) {
        (WhatIf::Rule, _) => Ok((None, Some("--what-if rule".to_owned()))),
        (WhatIf::Twin, _) => twin(snapshot, settings, env, progress, true).await,
        (WhatIf::Auto, None) => twin(snapshot, settings, env, progress, false).await,
        (wanted @ (WhatIf::Auto | WhatIf::Hypopg), pool) => hypopg(snapshot, pool, wanted == WhatIf::Hypopg).await,
    }
}

async fn hypopg(
    snapshot: &Snapshot,
    pool: Option<&Pool>,
    forced: bool,
) -> Result<(Option<Source>, Option<String>), Failure> {
    let unavailable = |reason: String, hint: &str| unavailable(forced, reason, hint);
    let Some(pool) = pool else {
        return unavailable(
            "HypoPG needs a live database, and this is a snapshot".to_owned(),
            "analyse the database itself with --url, or take --what-if twin",
        );
    };
    if !snapshot.server.has_extension("hypopg") {
        return unavailable("HypoPG is not installed in this database".to_owned(), hypopg_hint(snapshot));
    }
    match Hypopg::open(pool.clone(), snapshot, Handle::current()).await {
        Ok(source) => Ok((Some(Box::new(source)), None)),
        // A server that is gone is no reason to judge by something else: the user asked for a live analysis.
        Err(error @ OpenError::Lost(_)) => Err(broken_off(error)),
        Err(error) => unavailable(format!("HypoPG cannot be used: {error}"), "pgwise doctor says what is missing"),
    }
}

async fn twin(
    snapshot: &Snapshot,
    settings: &AnalyzeSettings,
    env: &Env,
    progress: &dyn Progress,
    forced: bool,
) -> Result<(Option<Source>, Option<String>), Failure> {
    let options = TwinOptions { pg_bin: settings.pg_bin.clone(), search_path: env.path.clone() };
    progress.begin("building the twin", None);
    let built = Box::pin(Twin::build(snapshot, &options)).await;
    progress.end();
    match built {
        Ok(twin) => {
            let note = lacks(twin.left_out());
            Ok((Some(Box::new(TwinSource::new(twin, snapshot, Handle::current()))), note))
        }
        Err(error) => unavailable(
            // A folder that the user named has to do.
            forced || settings.pg_bin.is_some(),
            format!("there is no twin to ask: {error}"),
            "a twin needs PostgreSQL's server programs of the same major version on this machine",
        ),
    }
}

fn unavailable(forced: bool, reason: String, hint: &str) -> Result<(Option<Source>, Option<String>), Failure> {
    if forced { Err(Failure::new(reason).hint(hint)) } else { Ok((None, Some(format!("{reason}: {hint}")))) }
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
