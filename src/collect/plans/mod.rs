//! Plans of the statements kept.
//!
//! In: statements. Out: the same, each with the plan that the server would use, or the reason why there is none. A text is
//! sent only if it parses as one statement that the planner plans, and only behind EXPLAIN or PREPARE, in a read-only
//! transaction that is rolled back.

mod explain;
mod path;
mod rewrite;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::try_join_all;

use super::CollectOptions;
use super::error::{Error, PartError};
use super::part::Context;
use crate::progress::Progress;
use crate::snapshot::{Catalog, PlanOutcome, Server, Statement};
use crate::sql::{self, StatementClass};
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
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<Option<PlanOutcome>>> = Mutex::new(vec![None; items.len()]);
    let (shared, explainer) = (&*items, &explainer);
    let worker = || async {
        while let Some(statement) = shared.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = one(context, explainer, &statement.query).await?;
            let at = shared.iter().position(|s| std::ptr::eq(s, statement));
            let mut outcomes = outcomes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(slot) = at.and_then(|at| outcomes.get_mut(at)) {
                *slot = Some(outcome);
            }
            progress.advance(1);
        }
        Ok::<(), Error>(())
    };
    try_join_all((0..options.jobs.max(1)).map(|_| Box::pin(worker()))).await?;
    let outcomes = outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    for (statement, outcome) in items.iter_mut().zip(outcomes) {
        if let Some(outcome) = outcome {
            statement.plan = outcome;
        }
    }
    progress.end();
    Ok(())
}

/// The plan of one statement.
async fn one(context: &Context<'_>, explainer: &Explainer<'_>, query: &str) -> Result<PlanOutcome, Error> {
    if let Some(reason) = not_sent(query) {
        return Ok(PlanOutcome::Failed { reason: reason.to_owned() });
    }
    let mut lost = 0;
    loop {
        let (_permit, session) = context.session().await?;
        match explainer.explain(&session, query).await {
            Ok((outcome, _)) => return Ok(outcome),
            Err(error) => {
                session.discard();
                lost += 1;
                if matches!(error, PartError::TimedOut(_)) || lost == LOST_SESSIONS {
                    return Ok(PlanOutcome::Failed { reason: error.to_string() });
                }
            }
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
