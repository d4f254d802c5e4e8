//! `pgwise collect`: database → snapshot file.

use std::path::Path;

use crate::collect;
use crate::config::AnalyzeSettings;
use crate::connect::Env;
use crate::snapshot::{Snapshot, file};

use super::args::CollectArgs;
use super::failure::Failure;
use super::{Outcome, output, progress, session};

pub(super) fn run(args: CollectArgs, env: &Env) -> Result<Outcome, Failure> {
    let settings = session::settings(args.collect, AnalyzeSettings::default(), &args.config)?.collect;
    output::check_folder(&args.output)?;
    let progress = progress::for_stderr();
    let snapshot = session::runtime()?.block_on(async {
        let pool = session::connect(args.connection.url.as_deref(), &settings, env).await?;
        let snapshot = collect::collect(&pool, &session::collect_options(&settings), progress.as_ref()).await;
        pool.close();
        snapshot.map_err(Failure::from)
    })?;
    drop(progress);
    write(&snapshot, &args.output)?;
    super::analyze::complain_about_missing_workload(&snapshot)?;
    Ok(Outcome::Clean)
}

fn write(snapshot: &Snapshot, path: &Path) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        file::write(snapshot, &mut bytes, false)?;
        return output::stdout(&bytes);
    }
    let compress = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("zst"));
    output::file(path, |out| Ok(file::write(snapshot, out, compress)?))
}
