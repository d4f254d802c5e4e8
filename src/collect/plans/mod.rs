//! Plans of the statements kept.
//!
//! In: statements. Out: the same, each with the plan that the server would use, or the reason why there is none. A text is
//! sent only if it parses as one statement that the planner plans, and only behind EXPLAIN or PREPARE, in a read-only
//! transaction that is rolled back.

mod analyze;
mod explain;
mod parameters;
mod path;
mod proof;
mod redact;
mod rewrite;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::try_join_all;
use tokio::sync::SemaphorePermit;

use super::CollectOptions;
use super::error::{Error, PartError};
use super::part::Context;
use crate::connect::Session;
use crate::progress::Progress;
use crate::snapshot::{Catalog, PlanOutcome, Server, Statement};
use crate::sql::{self, StatementClass};
use analyze::Analyzer;
use explain::Explainer;

/// How many sessions one statement may lose before it is given up: a statement that brings the server down is not to
/// bring it down again and again.
const LOST_SESSIONS: u32 = 2;

/// Asks for every statement's plan, several at a time.
pub(super) async fn explain_all(
    context: &Context<'_>,
    items: &mut [Statement],
    server: &Server,
    catalog: &Catalog,
    options: &CollectOptions,
    progress: &dyn Progress,
) -> Result<(), Error> {
    progress.begin("explaining statements", u64::try_from(items.len()).ok());
    let explainer = Explainer::new(server, catalog, context.timeout);
    let analyzer =
        if options.explain_analyze { Analyzer::new(context, server, catalog, options.values).await? } else { None };
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<Option<PlanOutcome>>> = Mutex::new(vec![None; items.len()]);
    let shared = &*items;
    let worker = || async {
        // One session for all that the worker explains: giving it back would have it cleaned each time.
        let mut leased = None;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(statement) = shared.get(at) else { break };
            let outcome = one(context, &explainer, analyzer.as_ref(), &mut leased, &statement.query).await?;
            if let Some(slot) = outcomes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_mut(at) {
                *slot = Some(outcome);
            }
            progress.advance(1);
        }
        Ok::<(), Error>(())
    };
    let workers = options.jobs.clamp(1, items.len().max(1));
    try_join_all((0..workers).map(|_| Box::pin(worker()))).await?;
    let outcomes = outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    for (statement, outcome) in items.iter_mut().zip(outcomes) {
        if let Some(outcome) = outcome {
            statement.plan = outcome;
        }
    }
    if let Some(analyzer) = analyzer {
        analyzer.report(context);
    }
    progress.end();
    Ok(())
}

/// The plan of one statement.
async fn one<'c>(
    context: &'c Context<'_>,
    explainer: &Explainer<'_>,
    analyzer: Option<&Analyzer<'_>>,
    leased: &mut Option<(SemaphorePermit<'c>, Session)>,
    query: &str,
) -> Result<PlanOutcome, Error> {
    if let Some(reason) = not_sent(query) {
        return Ok(PlanOutcome::Failed { reason: reason.to_owned() });
    }
    let mut lost = 0;
    loop {
        let (permit, session) = match leased.take() {
            Some(leased) => leased,
            None => context.session().await?,
        };
        let error = match Box::pin(explainer.explain(&session, query)).await {
            Ok((PlanOutcome::Captured(plan), Some(attempt))) => {
                let analyzed = match analyzer {
                    Some(analyzer) => Box::pin(analyzer.analyze(&session, &attempt)).await,
                    None => Ok(None),
                };
                // Where executing it cost the session, the plan from before is still good.
                let Ok(analyzed) = analyzed else {
                    session.discard();
                    return Ok(PlanOutcome::Captured(plan));
                };
                *leased = Some((permit, session));
                return Ok(PlanOutcome::Captured(analyzed.unwrap_or(plan)));
            }
            Ok((outcome, _)) => {
                *leased = Some((permit, session));
                return Ok(outcome);
            }
            Err(error) => error,
        };
        session.discard();
        lost += 1;
        if matches!(error, PartError::TimedOut(_)) || lost == LOST_SESSIONS {
            return Ok(PlanOutcome::Failed { reason: error.to_string() });
        }
    }
}

/// Why a text is not sent to the server at all.
fn not_sent(query: &str) -> Option<&'static str> {
    match sql::classify(query) {
        StatementClass::Select
        | StatementClass::Insert
        | StatementClass::Update
        | StatementClass::Delete
        | StatementClass::Merge => None,
        StatementClass::Utility(_) => Some("utility statements have no plan"),
        StatementClass::Empty => Some("the text is empty"),
        StatementClass::Multiple => Some("the text holds several statements"),
        StatementClass::Truncated => Some("the text is cut off"),
        StatementClass::Unparsable => Some("the text does not parse"),
    }
}
