//! One session of the pool with the hypothetical indexes it holds.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all, join3};
use serde_json::Value;
use tokio_postgres::types::{ToSql, Type};

use crate::connect::{self, Pool, Session};
use crate::snapshot::Oid;
use crate::sql::quote;
use crate::whatif::live::{PRUNING_OFF, PRUNING_ON};
use crate::whatif::{CandidateId, Configuration, CostError};

/// How much longer than its own statement_timeout a server may be silent before it, or the network, is taken for dead.
const GRACE: Duration = Duration::from_secs(5);
/// SQLSTATEs with which a server ends one session on purpose: by `pg_terminate_backend`, or for idleness.
const ENDED_ON_PURPOSE: [&str; 2] = ["57P01", "57P05"];

/// Why a session could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The server does not take the statement.
    #[error("{0}")]
    Statement(String),
    /// HypoPG does not take the index.
    #[error("{0}")]
    Index(String),
    /// The session is gone.
    #[error("{why}")]
    Lost {
        why: String,
        /// Whether it was ended on purpose. A connection that merely breaks may be a backend that HypoPG crashed,
        /// which takes every other session of the server with it: that is not tried again.
        on_purpose: bool,
    },
}

impl Failure {
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }

    pub(super) fn may_retry(&self) -> bool {
        matches!(self, Self::Lost { on_purpose: true, .. })
    }

    /// The failure of an attempt to create an index.
    pub(super) fn of_index(self) -> CostError {
        match self {
            Self::Statement(why) if refuses_definition(&why) => CostError::Impossible(why),
            Self::Statement(why) | Self::Index(why) => CostError::Inexpressible(why),
            Self::Lost { why, .. } => CostError::Lost(why),
        }
    }

    fn of_connect(error: &connect::Error) -> Self {
        let why = error.to_string();
        let lost = error.is_lost() || matches!(error, connect::Error::Protocol { .. });
        if lost { Self::lost(why) } else { Self::Statement(why) }
    }

    fn lost(why: String) -> Self {
        let on_purpose = ENDED_ON_PURPOSE.iter().any(|state| why.contains(state));
        Self::Lost { why, on_purpose }
    }
}

/// Whether the server's word (`message (SQLSTATE)`) is about the index's definition: class 42, but for a privilege that
/// is missing. HypoPG's own refusals have other codes.
fn refuses_definition(why: &str) -> bool {
    why.rsplit_once('(').is_some_and(|(_, code)| code.starts_with("42") && !code.starts_with("42501"))
}

impl From<Failure> for CostError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Statement(why) => Self::Statement(why),
            Failure::Index(why) => Self::Inexpressible(why),
            Failure::Lost { why, .. } => Self::Lost(why),
        }
    }
}

/// A leased session. Dropped, it goes back to the pool, which resets HypoPG before anyone else gets it.
pub(super) struct WhatIfSession {
    session: Session,
    /// HypoPG's schema, quoted.
    schema: String,
    can_hide: bool,
    /// How long the server may be silent.
    patience: Duration,
    /// When it last answered. Questions wait for those sent before them, so a time-out counts from here.
    heard: Mutex<Instant>,
    /// What the session assumes now; `None` for nothing certain.
    assumed: Option<Configuration>,
    /// The candidates that hypothetical indexes stand for, by the indexes' object identifiers.
    hypothetical: BTreeMap<Oid, CandidateId>,
}

impl WhatIfSession {
    pub(super) async fn open(
        pool: &Pool,
        schema: &str,
        can_hide: bool,
        search_path: &[String],
    ) -> Result<Self, Failure> {
        let session = pool.get().await.map_err(|error| Failure::lost(error.to_string()))?;
        let opened = Self {
            session,
            schema: schema.to_owned(),
            can_hide,
            patience: pool.statement_timeout() + GRACE,
            heard: Mutex::new(Instant::now()),
            assumed: None,
            hypothetical: BTreeMap::new(),
        };
        // A generic plan is what the statement gets when it is prepared once and run with many values: a custom plan
        // for NULLs would fold to an empty result.
        opened.run("SET /* pgwise */ plan_cache_mode = force_generic_plan", &[]).await?;
        opened.run(PRUNING_OFF, &[]).await?;
        if !search_path.is_empty() {
            let path = search_path.iter().map(|schema| quote::ident(schema)).collect::<Vec<_>>().join(", ");
            opened.run(&format!("SET /* pgwise */ search_path = {path}"), &[]).await?;
        }
        opened.run(&format!("SELECT /* pgwise */ {schema}.hypopg_reset()"), &[]).await?;
        Ok(opened)
    }

    pub(super) fn is_open(&self) -> bool {
        !self.session.is_closed()
    }

    pub(super) fn discard(self) {
        self.session.discard();
    }

    pub(super) fn hypothetical(&self) -> &BTreeMap<Oid, CandidateId> {
        &self.hypothetical
    }

    /// Sends one statement, by the extended protocol: it refuses a text with several.
    async fn run(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<tokio_postgres::Row>, Failure> {
        let sent = Instant::now();
        let mut answer = pin!(self.session.query_typed(sql, parameters));
        loop {
            let silent_since = sent.max(*self.heard());
            let left = self.patience.saturating_sub(silent_since.elapsed());
            match tokio::time::timeout(left, &mut answer).await {
                Ok(answer) => {
                    *self.heard() = Instant::now();
                    return answer.map_err(|error| Failure::of_connect(&self.session.error(error)));
                }
                Err(_) if *self.heard() > silent_since => {}
                Err(_) => {
                    let silence = self.patience.as_secs();
                    return Err(Failure::lost(format!("the connection was lost: no answer for {silence} s")));
                }
            }
        }
    }

    fn heard(&self) -> MutexGuard<'_, Instant> {
        // What it guards is whole even where a task panicked.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes exactly these hypothetical indexes and hides exactly those existing ones. They are always created in the
    /// same order: the planner takes the first of equally cheap ones.
    pub(super) async fn assume(
        &mut self,
        configuration: &Configuration,
        with: &[(CandidateId, &str)],
        without: &[Oid],
    ) -> Result<(), Failure> {
        if self.assumed.as_ref() == Some(configuration) {
            return Ok(());
        }
        self.assumed = None;
        self.hypothetical.clear();
        let ddl: Vec<&str> = with.iter().map(|(_, ddl)| *ddl).collect();
        let schema = &self.schema;
        let create = format!(
            "SELECT /* pgwise */ made.indexrelid \
             FROM pg_catalog.unnest($1) WITH ORDINALITY AS asked(ddl, position) \
             CROSS JOIN LATERAL {schema}.hypopg_create_index(asked.ddl) AS made ORDER BY asked.position"
        );
        let hide =
            format!("SELECT /* pgwise */ {schema}.hypopg_hide_index(hidden) FROM pg_catalog.unnest($1) AS hidden");
        let made = async {
            // Polled in this order, so sent in this order.
            let (reset, made) = join(self.reset(), async {
                if ddl.is_empty() { Ok(Vec::new()) } else { self.run(&create, &[(&ddl, Type::TEXT_ARRAY)]).await }
            })
            .await;
            reset?;
            if !without.is_empty() {
                self.run(&hide, &[(&without, Type::OID_ARRAY)]).await?;
            }
            made
        }
        .await
        .map_err(|failure| match failure {
            Failure::Statement(why) => Failure::Index(why),
            other => other,
        })?;
        if made.len() != with.len() {
            return Err(Failure::Index(format!("HypoPG made {} of {} indexes", made.len(), with.len())));
        }
        for ((id, _), row) in with.iter().zip(&made) {
            let oid: Oid = row.try_get(0).map_err(|error| Failure::Index(error.to_string()))?;
            self.hypothetical.insert(oid, *id);
        }
        self.assumed = Some(configuration.clone());
        Ok(())
    }

    async fn reset(&self) -> Result<(), Failure> {
        let schema = &self.schema;
        self.run(&format!("SELECT /* pgwise */ {schema}.hypopg_reset()"), &[]).await?;
        if self.can_hide {
            self.run(&format!("SELECT /* pgwise */ {schema}.hypopg_unhide_all_indexes()"), &[]).await?;
        }
        Ok(())
    }

    /// Has HypoPG create each index alone, and gives the size it would have.
    pub(super) async fn try_indexes(&mut self, ddl: &[&str]) -> Vec<Result<Option<u64>, Failure>> {
        self.assumed = None;
        self.hypothetical.clear();
        let schema = &self.schema;
        let sql = format!(
            "SELECT /* pgwise */ {schema}.hypopg_relation_size(made.indexrelid) \
             FROM {schema}.hypopg_create_index($1) AS made"
        );
        let answers = join_all(ddl.iter().map(|ddl| self.run_one(&sql, ddl))).await;
        if let Err(failure) = self.reset().await {
            return ddl.iter().map(|_| Err(failure.clone())).collect();
        }
        answers
    }

    async fn run_one(&self, sql: &str, ddl: &str) -> Result<Option<u64>, Failure> {
        let rows = self.run(sql, &[(&ddl, Type::TEXT)]).await?;
        let row = rows.first().ok_or_else(|| Failure::Index("HypoPG took it for no index".to_owned()))?;
        let bytes: Option<i64> = row.try_get(0).map_err(|error| Failure::Index(error.to_string()))?;
        Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()))
    }

    /// How many parameters a statement has, as the server sees it.
    pub(super) async fn arity(&self, tag: usize, text: &str) -> Result<usize, Failure> {
        let name = format!("pgwise_{tag}");
        let count = format!(
            "SELECT /* pgwise */ pg_catalog.cardinality(parameter_types) FROM pg_catalog.pg_prepared_statements \
             WHERE name = '{name}'"
        );
        let (prepared, rows) = self.prepared(&name, text, &count).await;
        prepared?;
        let rows = rows?;
        let arity: Option<i32> = rows.first().and_then(|row| row.try_get(0).ok());
        arity
            .and_then(|arity| usize::try_from(arity).ok())
            .ok_or_else(|| Failure::Statement("the server does not show the prepared statement".to_owned()))
    }

    /// The statement's generic plan under what the session assumes. The statement is prepared anew each time: the
    /// server keeps a generic plan until something real changes, and a hypothetical index is nothing real.
    pub(super) async fn explain(&self, tag: usize, text: &str, arity: usize) -> Result<Value, Failure> {
        let name = format!("pgwise_{tag}");
        let arguments = if arity == 0 { String::new() } else { format!("({})", vec!["NULL"; arity].join(", ")) };
        let explain = format!("EXPLAIN /* pgwise */ (FORMAT JSON) EXECUTE {name}{arguments}");
        let (prepared, rows) = if arity == 0 {
            let asked = self.prepared(&name, text, &explain);
            let (on, answers, _) = join3(self.run(PRUNING_ON, &[]), asked, self.run(PRUNING_OFF, &[])).await;
            on?;
            answers
        } else {
            self.prepared(&name, text, &explain).await
        };
        prepared?;
        let rows = rows?;
        let row = rows.first().ok_or_else(|| Failure::Statement("EXPLAIN gave no plan".to_owned()))?;
        row.try_get(0).map_err(|error| Failure::Statement(error.to_string()))
    }

    /// Prepares a statement, runs something that uses it, and lets go of it: sent together, in one round trip.
    async fn prepared(
        &self,
        name: &str,
        text: &str,
        then: &str,
    ) -> (Result<(), Failure>, Result<Vec<tokio_postgres::Row>, Failure>) {
        let prepare = format!("PREPARE /* pgwise */ {name} AS {text}");
        let deallocate = format!("DEALLOCATE /* pgwise */ {name}");
        let (prepared, rows, _) = join3(self.run(&prepare, &[]), self.run(then, &[]), self.run(&deallocate, &[])).await;
        (prepared.map(drop), rows)
    }
}
