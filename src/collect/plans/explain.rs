//! EXPLAIN of one statement, by the way that the server's version allows.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio_postgres::SimpleQueryMessage;

use super::path::Schemas;
use super::rewrite::{cast_parameter, parameter_count, parameters_as_casts};
use crate::collect::error::PartError;
use crate::connect::Session;
use crate::snapshot::{CapturedPlan, Catalog, PlanKind, PlanOutcome, Server};

/// The name of the one statement prepared at a time.
pub(super) const PREPARED: &str = "pgwise_statement";

/// What every plan is asked for.
pub(super) const OPTIONS: &str = "FORMAT JSON, VERBOSE, SETTINGS";

/// Attempts at one statement with different casts and search paths.
const ATTEMPTS: u32 = 12;

/// How much longer than the server the client waits.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// What is needed to explain any statement.
pub(super) struct Explainer<'a> {
    major: u32,
    search_path: &'a [String],
    schemas: Schemas<'a>,
    timeout: Duration,
}

/// One attempt.
pub(super) struct Attempt {
    /// The text as it is sent.
    pub(super) text: String,
    /// `$1` to `$n`.
    pub(super) parameters: u32,
    /// A search path other than the session's own, quoted.
    pub(super) search_path: Option<String>,
    /// Without pruning of partitions. Before 16, NULLs stand in for parameters, and no partition would be left.
    pub(super) without_pruning: bool,
}

impl<'a> Explainer<'a> {
    pub(super) fn new(server: &'a Server, catalog: &'a Catalog, timeout: Duration) -> Self {
        Self { major: server.major(), search_path: &server.search_path, schemas: Schemas::new(catalog), timeout }
    }

    /// The plan of a text known to be one plannable statement, and the attempt that gave it. An error means that the
    /// session is of no use any more.
    pub(super) async fn explain(
        &self,
        session: &Session,
        query: &str,
    ) -> Result<(PlanOutcome, Option<Attempt>), PartError> {
        let text = parameters_as_casts(query);
        let mut attempt =
            Attempt { parameters: parameter_count(&text), text, search_path: None, without_pruning: false };
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.attempt(session, &attempt).await {
                Ok(plan) => {
                    if plan.kind == PlanKind::Generic && !attempt.without_pruning && was_pruned(&plan.json) {
                        attempt.without_pruning = true;
                        continue;
                    }
                    return Ok((PlanOutcome::Captured(plan), Some(attempt)));
                }
                Err(error) if error.is_lost() || matches!(error, PartError::TimedOut(_)) => return Err(error),
                Err(error) => error,
            };
            if tries == ATTEMPTS || !self.mend(&mut attempt, &error) {
                return Ok((PlanOutcome::Failed { reason: error.to_string() }, None));
            }
        }
    }

    /// Changes an attempt so that an error may go away; `false` if nothing is known to help.
    fn mend(&self, attempt: &mut Attempt, error: &PartError) -> bool {
        match error.sqlstate() {
            // indeterminate_datatype: `$1 IS NULL` and arguments of any type. The parameter stands in the message in
            // every language. Whatever the type was, text plans the same there.
            Some("42P18") => match parameter_count(&error.to_string()) {
                0 => false,
                number => {
                    let text = cast_parameter(&attempt.text, number, "text");
                    let changed = text != attempt.text && !attempt.text.contains(&format!("CAST(${number} AS text)"));
                    attempt.text = text;
                    changed
                }
            },
            // undefined_table, undefined_function, undefined_object
            Some("42P01" | "42883" | "42704") if attempt.search_path.is_none() => {
                attempt.search_path = self.schemas.path_for(&attempt.text, self.search_path);
                attempt.search_path.is_some()
            }
            _ => false,
        }
    }

    async fn attempt(&self, session: &Session, attempt: &Attempt) -> Result<CapturedPlan, PartError> {
        let prepares = attempt.parameters > 0 && self.major < 16;
        let mut begin = begin(self.timeout, attempt.search_path.as_deref());
        if prepares {
            // A custom plan for NULLs would be folded to an empty result.
            begin.push_str("; SET /* pgwise */ LOCAL plan_cache_mode TO force_generic_plan");
        }
        if attempt.without_pruning {
            begin.push_str("; SET /* pgwise */ LOCAL enable_partition_pruning TO off");
        }
        let mut end = "ROLLBACK /* pgwise */".to_owned();
        let work = async {
            session.batch_execute(&begin).await?;
            if prepares {
                // By the extended protocol: it takes one statement at a time, whatever the text holds.
                let prepare = format!("PREPARE /* pgwise */ {PREPARED} AS {}", attempt.text);
                session.query_typed(&prepare, &[]).await?;
                // PREPARE outlives the transaction.
                end = format!("{end}; DEALLOCATE /* pgwise */ {PREPARED}");
            }
            let sql = if attempt.parameters == 0 {
                format!("EXPLAIN /* pgwise */ ({OPTIONS}) {}", attempt.text)
            } else if prepares {
                let nulls = vec!["NULL"; usize::try_from(attempt.parameters).unwrap_or(0)].join(", ");
                format!("EXPLAIN /* pgwise */ ({OPTIONS}) EXECUTE {PREPARED}({nulls})")
            } else {
                let sql = format!("EXPLAIN /* pgwise */ ({OPTIONS}, GENERIC_PLAN) {}", attempt.text);
                return generic_plan(session, &sql).await;
            };
            let row = session.query_typed_one(&sql, &[]).await?;
            Ok::<Value, PartError>(row.try_get(0)?)
        };
        let Ok(json) = tokio::time::timeout(self.timeout + GRACE, work).await else {
            return Err(PartError::TimedOut(self.timeout + GRACE));
        };
        if !matches!(&json, Err(error) if error.is_lost()) {
            session.batch_execute(&end).await?;
        }
        let kind = if attempt.parameters == 0 { PlanKind::Literal } else { PlanKind::Generic };
        let ours = [
            ("plan_cache_mode", prepares),
            ("search_path", attempt.search_path.is_some()),
            ("enable_partition_pruning", attempt.without_pruning),
        ];
        Ok(captured(json?, kind, &ours))
    }
}

/// Asks by the simple protocol: the extended one wants values for the parameters, and the planner would use them. That the
/// text is one statement has been seen by the parser, and every session reads strings by the standard.
async fn generic_plan(session: &Session, sql: &str) -> Result<Value, PartError> {
    let mut text = String::new();
    for message in session.simple_query(sql).await? {
        if let SimpleQueryMessage::Row(row) = message {
            text.push_str(row.try_get(0)?.unwrap_or_default());
        }
    }
    serde_json::from_str(&text).map_err(|_| PartError::Answer)
}

/// Whether partitions were left out of a plan at the start of execution: by NULLs that stood in for parameters.
fn was_pruned(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            fields.get("Subplans Removed").and_then(Value::as_u64).is_some_and(|removed| removed > 0)
                || fields.values().any(was_pruned)
        }
        Value::Array(elements) => elements.iter().any(was_pruned),
        _ => false,
    }
}

/// What every EXPLAIN's transaction begins with.
pub(super) fn begin(timeout: Duration, search_path: Option<&str>) -> String {
    let mut begin = format!(
        "BEGIN /* pgwise */ TRANSACTION READ ONLY; SET /* pgwise */ LOCAL statement_timeout TO {}",
        timeout.as_millis()
    );
    if let Some(path) = search_path {
        begin.push_str("; SET /* pgwise */ LOCAL search_path TO ");
        begin.push_str(path);
    }
    begin
}

/// The plan as the snapshot keeps it, without the settings that are ours.
pub(super) fn captured(json: Value, kind: PlanKind, ours: &[(&str, bool)]) -> CapturedPlan {
    let mut json = match json {
        Value::Array(mut elements) if !elements.is_empty() => elements.swap_remove(0),
        other => other,
    };
    let mut settings = BTreeMap::new();
    if let Some(Value::Object(reported)) = json.get_mut("Settings") {
        for (name, _) in ours.iter().filter(|(_, set)| *set) {
            reported.remove(*name);
        }
        for (name, value) in reported {
            if let Value::String(value) = value {
                settings.insert(name.clone(), value.clone());
            }
        }
    }
    CapturedPlan { kind, json, settings }
}
