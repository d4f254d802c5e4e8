//! `pgwise analyze`: the main job.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::advise::{self, Budget, Inquiry, Options};
use crate::collect::{self, CollectOptions};
use crate::config::{AnalyzeSettings, Settings, Size};
use crate::connect::{Env, Pool};
use crate::progress::Progress;
use crate::report::{Report, SourceKind};
use crate::rules::{self, Subject};
use crate::snapshot::{LeftOutReason, Snapshot, Statement, StatementSource, file};
use crate::whatif::CostSource;
use crate::workload;

use super::args::AnalyzeArgs;
use super::cost_source::Choice;
use super::failure::Failure;
use super::output::Destinations;
use super::{Outcome, cost_source, progress, session};

pub(super) fn run(args: AnalyzeArgs, env: &Env) -> Result<Outcome, Failure> {
    let destinations = Destinations::resolve(&args.output)?;
    let settings = session::settings(args.collect, args.analyze, &args.config)?;
    let statements = read_sql_files(&args.sql)?;
    let progress = progress::for_stderr();
    let (snapshot, report) = session::run(Box::pin(async {
        match &args.snapshot {
            Some(path) => offline(path, statements, &settings, env, &progress).await,
            None => live(args.connection.url.as_deref(), statements, &settings, env, &progress).await,
        }
    }))?;
    drop(progress);
    destinations.write(&report)?;
    complain_about_missing_workload(&snapshot)?;
    Ok(match settings.analyze.fail_on {
        Some(severity) if report.reaches(severity) => Outcome::Flagged,
        _ => Outcome::Clean,
    })
}

/// Analyses a live database.
async fn live(
    url: Option<&str>,
    statements: Option<Vec<Statement>>,
    settings: &Settings,
    env: &Env,
    progress: &Arc<dyn Progress>,
) -> Result<(Arc<Snapshot>, Report), Failure> {
    let pool = session::connect(url, &settings.collect, env).await?;
    let options = CollectOptions { statements, ..session::collect_options(&settings.collect) };
    let snapshot = Arc::new(collect::collect(&pool, &options, progress.as_ref()).await?);
    let report = judge(&snapshot, Some(&pool), settings, env, progress).await?;
    pool.close();
    Ok((snapshot, report))
}

/// Analyses a snapshot file.
async fn offline(
    path: &Path,
    statements: Option<Vec<Statement>>,
    settings: &Settings,
    env: &Env,
    progress: &Arc<dyn Progress>,
) -> Result<(Arc<Snapshot>, Report), Failure> {
    let mut snapshot = read_snapshot(path)?;
    if let Some(statements) = statements {
        snapshot.statements = collect::from_files(statements);
    }
    let snapshot = Arc::new(snapshot);
    let report = judge(&snapshot, None, settings, env, progress).await?;
    Ok((snapshot, report))
}

/// Reads a snapshot file.
pub(super) fn read_snapshot(path: &Path) -> Result<Snapshot, Failure> {
    let context = || format!("cannot read the snapshot {}", path.display());
    let input = File::open(path)
        .map_err(|e| Failure::new(context()).because(e).hint("pgwise collect -o FILE writes a snapshot"))?;
    file::read(input).map_err(|e| Failure::new(context()).because(e).hint("pgwise collect -o FILE writes a new one"))
}

/// Picks the cost source and advises, on a thread of its own: the search is synchronous and may take seconds.
pub(super) async fn judge(
    snapshot: &Arc<Snapshot>,
    pool: Option<&Pool>,
    settings: &Settings,
    env: &Env,
    progress: &Arc<dyn Progress>,
) -> Result<Report, Failure> {
    // A twin goes with its cost source; where this is broken off, the thread that has the source may go on.
    let remains = cost_source::Cleared::default();
    let choice = cost_source::choose(snapshot, pool, settings, env, progress.as_ref(), &remains.0).await?;
    let Choice { mut source, note, under_way } = choice;
    let inquiries = settings.analyze.explain_why.iter().map(|asked| Inquiry::parse(asked, snapshot));
    let explain_why = inquiries.collect::<Result<_, _>>().map_err(|e| Failure::new("--explain-why").because(e))?;
    let options = Options { explain_why, ..advise_options(&settings.analyze, pool.is_some(), note) };
    let (snapshot, progress, rules_settings) = (Arc::clone(snapshot), Arc::clone(progress), settings.rules.clone());
    let advising = tokio::task::spawn_blocking(move || {
        let workload = workload::bind(&snapshot);
        let costs = source.as_mut().map(|s| s.as_mut() as &mut dyn CostSource);
        let mut report = advise::advise(&snapshot, &workload, costs, &options, progress.as_ref())?;
        report.findings = rules::findings(&Subject::new(&snapshot, &workload), &rules_settings);
        Ok::<_, advise::Error>(report)
    });
    let report =
        advising.await.map_err(|e| Failure::new("the analysis ended early, which is a bug in pgwise").because(e))?;
    drop(under_way);
    report.map_err(broken_off)
}

/// The planner went away before it had been asked everything.
pub(super) fn broken_off(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::new("the analysis was broken off, and no report was written").because(error).hint(
        "the planner could not be asked everything; see the server's log, then run again. --what-if model does \
         without one",
    )
}

fn advise_options(settings: &AnalyzeSettings, live: bool, cost_source_note: Option<String>) -> Options {
    let default = Options::default();
    Options {
        source_kind: if live { SourceKind::Live } else { SourceKind::Snapshot },
        cost_source_note,
        budget: settings.budget.map(|size| match size {
            Size::Bytes(bytes) => Budget::Bytes(bytes),
            Size::Percent(percent) => Budget::PercentOfDatabase(percent),
        }),
        max_indexes: settings.max_indexes,
        max_columns: settings.max_columns.unwrap_or(default.max_columns),
        min_history: settings.min_history.map_or(default.min_history, |p| p.0),
        ..default
    }
}

/// A run that saw no workload has not done its job, even though what could be judged was reported: say so, so that a
/// nightly job does not take it for "nothing to do".
pub(super) fn complain_about_missing_workload(snapshot: &Snapshot) -> Result<(), Failure> {
    let statements = &snapshot.statements;
    if statements.source == StatementSource::None {
        let seen = snapshot.not_seen.iter().find(|n| n.part == "statements");
        let reason = seen.map_or("pg_stat_statements cannot be read", |n| n.reason.as_str());
        let remedy = seen.and_then(|n| n.remedy.as_deref()).unwrap_or("pgwise doctor says what is missing");
        return Err(Failure::new(format!("no workload to analyse: {reason}")).hint(remedy));
    }
    let hidden: u64 =
        statements.left_out.iter().filter(|l| l.reason == LeftOutReason::TextHidden).map(|l| l.statements).sum();
    if statements.items.is_empty() && hidden > 0 {
        let role = crate::sql::quote::ident(&snapshot.server.role.name);
        return Err(Failure::new(format!(
            "no workload to analyse: this role may not read the texts of the {hidden} statements counted"
        ))
        .hint(format!("GRANT pg_read_all_stats TO {role};")));
    }
    Ok(())
}

/// The statements of the `--sql` files; `None` without any file.
fn read_sql_files(paths: &[PathBuf]) -> Result<Option<Vec<Statement>>, Failure> {
    let mut statements = Vec::new();
    for path in paths {
        let context = || format!("cannot read the SQL file {}", path.display());
        let bytes = std::fs::read(path).map_err(|e| Failure::new(context()).because(e))?;
        let text = String::from_utf8(bytes)
            .map_err(|e| Failure::new(context()).because(e.utf8_error()).hint("SQL files must be UTF-8 text"))?;
        let found = collect::statements_from_sql(&text);
        if found.is_empty() {
            return Err(Failure::new(format!("there is no statement to plan in {}", path.display()))
                .hint("the file needs SELECT, INSERT, UPDATE or DELETE statements, each ended by a semicolon"));
        }
        statements.extend(found);
    }
    Ok((!paths.is_empty()).then_some(statements))
}
