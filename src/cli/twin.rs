//! `pgwise twin`: an empty database that plans like production, for as long as it is wanted.

use crate::connect::Env;
use crate::whatif::twin::{Remains, Twin};

use super::args::TwinArgs;
use super::cost_source::{Place, no_twin};
use super::failure::{Failure, warn};
use super::{Outcome, analyze, output, progress, session};

pub(super) fn run(args: &TwinArgs, env: &Env) -> Result<Outcome, Failure> {
    let snapshot = analyze::read_snapshot(&args.snapshot)?;
    let place = Place {
        pg_bin: args.pg_bin.as_deref(),
        url: args.twin_url.as_deref(),
        docker: args.twin_docker.as_deref(),
        copies: 1,
        statement_timeout: None,
    };
    let options = place.options(env, &Remains::default())?;
    // Ctrl-C is how it is meant to end, at any point. Dropped half-built, a twin removes itself.
    let ended = session::until_interrupted(async {
        let progress = progress::for_stderr();
        progress.begin("building the twin", None);
        let built = Box::pin(Twin::build(&snapshot, &options)).await;
        progress.end();
        drop(progress);
        let mut twin = built.map_err(no_twin)?;
        for missing in twin.left_out() {
            warn(&format!("the twin lacks {}: {}", missing.object, missing.reason));
        }
        let url = Box::pin(twin.reader_url()).await.map_err(no_twin)?;
        output::stdout(format!("{url}\n").as_bytes())?;
        output::note(&format!(
            "{} with the schema, statistics and sizes of {} and none of its rows: only EXPLAIN makes sense, and reading \
             a table fails on purpose. Ctrl-C removes it.",
            twin.origin(),
            snapshot.server.database
        ));
        twin.lost().await;
        Err::<(), _>(Failure::new("the twin's server is gone").hint("see the server's log, then run again"))
    })?;
    match ended {
        None => Ok(Outcome::Clean),
        Some(result) => result.map(|()| Outcome::Clean),
    }
}
