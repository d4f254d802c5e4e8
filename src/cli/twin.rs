//! `pgwise twin`: an empty database that plans like production, for as long as it is wanted.

use crate::connect::Env;
use crate::whatif::twin::{Twin, TwinOptions};

use super::args::TwinArgs;
use super::failure::{Failure, warn};
use super::{Outcome, analyze, output, progress, session};

pub(super) fn run(args: &TwinArgs, env: &Env) -> Result<Outcome, Failure> {
    let snapshot = analyze::read_snapshot(&args.snapshot)?;
    let options = TwinOptions { pg_bin: args.pg_bin.clone(), search_path: env.path.clone() };
    session::runtime()?.block_on(async {
        let progress = progress::for_stderr();
        progress.begin("building the twin", None);
        // Dropped half-built, it stops its server.
        let built = tokio::select! {
            built = Box::pin(Twin::build(&snapshot, &options)) => built,
            _ = tokio::signal::ctrl_c() => return Ok(Outcome::Clean),
        };
        progress.end();
        drop(progress);
        let twin = built.map_err(|e| Failure::new("there is no twin").because(e))?;
        for missing in twin.left_out() {
            warn(&format!("the twin lacks {}: {}", missing.object, missing.reason));
        }
        output::stdout(format!("{}\n", twin.url()).as_bytes())?;
        output::note(&format!(
            "{} with the schema, statistics and sizes of {} and none of its rows: only EXPLAIN makes sense. Ctrl-C \
             removes it.",
            twin.origin(),
            snapshot.server.database
        ));
        tokio::signal::ctrl_c().await.map_err(|e| Failure::new("cannot wait for Ctrl-C").because(e))?;
        Ok(Outcome::Clean)
    })
}
