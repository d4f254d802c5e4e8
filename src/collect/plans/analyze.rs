//! EXPLAIN (ANALYZE, BUFFERS) of statements that are proved to only read.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use super::explain::{Attempt, GRACE, OPTIONS, PREPARED, begin, captured};
use super::parameters::draw;
use super::proof::Volatiles;
use super::redact::redact;
use crate::collect::error::{Error, PartError};
use crate::collect::part::Context;
use crate::connect::Session;
use crate::snapshot::{CapturedPlan, Catalog, NotSeen, PlanKind, Server, ValuesPolicy};
use crate::workload::{BoundQuery, Resolver};

/// What is needed to execute statements safely.
pub(super) struct Analyzer<'a> {
    volatiles: Volatiles,
    resolver: Resolver<'a>,
    catalog: &'a Catalog,
    timeout: Duration,
    values: ValuesPolicy,
    /// Statements not executed, by reason.
    refused: Mutex<BTreeMap<String, u64>>,
}

impl<'a> Analyzer<'a> {
    /// `None` where nothing could be proved of any statement.
    pub(super) async fn new(
        context: &Context<'_>,
        server: &Server,
        catalog: &'a Catalog,
        values: ValuesPolicy,
    ) -> Result<Option<Self>, Error> {
        let Some(volatiles) = Volatiles::read(context).await? else { return Ok(None) };
        Ok(Some(Self {
            volatiles,
            resolver: Resolver::with_catalog(catalog, &server.search_path),
            catalog,
            timeout: context.timeout,
            values,
            refused: Mutex::default(),
        }))
    }

    /// Executes a statement that has been explained; `None` where it may not be executed or did not end well: the plan at
    /// hand then stays. An error means that the session is of no use any more.
    pub(super) async fn analyze(
        &self,
        session: &Session,
        attempt: &Attempt,
    ) -> Result<Option<CapturedPlan>, PartError> {
        let bound = match self.volatiles.prove(&attempt.text, &self.resolver, self.catalog) {
            Ok(bound) => bound,
            Err(reason) => return Ok(self.refuse(reason)),
        };
        let mut end = "ROLLBACK /* pgwise */".to_owned();
        let work = self.execute(session, attempt, &bound, &mut end);
        let Ok(outcome) = tokio::time::timeout(self.timeout + GRACE, work).await else {
            return Err(PartError::TimedOut(self.timeout + GRACE));
        };
        if matches!(&outcome, Err(error) if error.is_lost()) {
            return outcome;
        }
        session.batch_execute(&end).await?;
        outcome.or_else(|error| Ok(self.refuse(&error.to_string())))
    }

    async fn execute(
        &self,
        session: &Session,
        attempt: &Attempt,
        bound: &BoundQuery,
        end: &mut String,
    ) -> Result<Option<CapturedPlan>, PartError> {
        let mut begin = begin(self.timeout, attempt.search_path.as_deref());
        // The values are typical ones: the plan is to be the one that they get.
        begin.push_str("; SET /* pgwise */ LOCAL plan_cache_mode TO force_custom_plan");
        session.batch_execute(&begin).await?;
        let explain = format!("EXPLAIN /* pgwise */ ({OPTIONS}, ANALYZE, BUFFERS)");
        // By the extended protocol throughout: it takes one statement at a time, whatever the text holds.
        let sql = if attempt.parameters == 0 {
            format!("{explain} {}", attempt.text)
        } else {
            session.query_typed(&format!("PREPARE /* pgwise */ {PREPARED} AS {}", attempt.text), &[]).await?;
            end.push_str("; DEALLOCATE /* pgwise */ ");
            end.push_str(PREPARED);
            match draw(session, bound, PREPARED).await? {
                Ok(arguments) => format!("{explain} EXECUTE {PREPARED}({arguments})"),
                Err(reason) => return Ok(self.refuse(reason)),
            }
        };
        let row = session.query_typed_one(&sql, &[]).await?;
        let ours = [("plan_cache_mode", true), ("search_path", attempt.search_path.is_some())];
        let mut plan = captured(row.try_get::<_, Value>(0)?, PlanKind::Analyzed, &ours);
        if attempt.parameters > 0 {
            redact(&mut plan.json, self.values);
        }
        Ok(Some(plan))
    }

    fn refuse(&self, reason: &str) -> Option<CapturedPlan> {
        let mut refused = self.refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *refused.entry(reason.to_owned()).or_default() += 1;
        None
    }

    /// Says how many statements were not executed, and why.
    pub(super) fn report(self, context: &Context<'_>) {
        let refused = self.refused.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (reason, statements) in refused {
            context.note(NotSeen {
                part: "explain analyze".to_owned(),
                reason: format!("{statements} statements were not executed: {reason}"),
                remedy: None,
            });
        }
    }
}
