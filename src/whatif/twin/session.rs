//! One session on the twin: configurations, and plans under them.

use std::time::Duration;

use futures_util::future::{join_all, join3};
use serde_json::Value;

use crate::connect::{self, Pool, Session};
use crate::snapshot::Oid;
use crate::sql::quote;
use crate::whatif::CostError;
use crate::whatif::live::{PRUNING_OFF, PRUNING_ON};

/// A question of one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// The statement.
    pub(super) text: &'a str,
    /// Its number of parameters.
    pub(super) arity: usize,
}

/// A session with the settings that statements are planned under.
pub(super) struct TwinSession {
    session: Session,
}

impl TwinSession {
    pub(super) async fn open(
        pool: &Pool,
        search_path: &[String],
        statement_timeout: Duration,
    ) -> Result<Self, CostError> {
        let session = pool.get().await.map_err(|error| CostError::Lost(error.to_string()))?;
        let opened = Self { session };
        // The generic plan, as on a live server: a custom one for NULLs would fold to an empty result.
        let mut settings = format!(
            "SET plan_cache_mode = force_generic_plan; {PRUNING_OFF}; SET statement_timeout = {}",
            statement_timeout.as_millis()
        );
        if !search_path.is_empty() {
            let path = search_path.iter().map(|schema| quote::ident(schema)).collect::<Vec<_>>().join(", ");
            settings = format!("{settings}; SET search_path = {path}");
        }
        opened.execute(&settings).await?;
        Ok(opened)
    }

    fn error(&self, error: tokio_postgres::Error) -> CostError {
        let error = self.session.error(error);
        let why = error.to_string();
        let lost = error.is_lost() || matches!(error, connect::Error::Protocol { .. });
        if lost { CostError::Lost(why) } else { CostError::Statement(why) }
    }

    pub(super) async fn execute(&self, sql: &str) -> Result<(), CostError> {
        self.session.batch_execute(sql).await.map_err(|error| self.error(error))
    }

    /// Sends one statement, by the extended protocol: it refuses a text with several.
    async fn query(&self, sql: &str) -> Result<Vec<tokio_postgres::Row>, CostError> {
        self.session.query_typed(sql, &[]).await.map_err(|error| self.error(error))
    }

    /// How many parameters each statement has, as the server sees it.
    pub(super) async fn arities(&self, texts: &[&str]) -> Vec<Result<usize, CostError>> {
        join_all(texts.iter().enumerate().map(|(n, text)| async move {
            let (prepare, count, deallocate) = (
                format!("PREPARE pgwise_{n} AS {text}"),
                format!(
                    "SELECT pg_catalog.cardinality(parameter_types) FROM pg_catalog.pg_prepared_statements \
                     WHERE name = 'pgwise_{n}'"
                ),
                format!("DEALLOCATE pgwise_{n}"),
            );
            let (prepared, rows, _) = join3(self.query(&prepare), self.query(&count), self.query(&deallocate)).await;
            prepared?;
            let arity: Option<i32> = rows?.first().and_then(|row| row.try_get(0).ok());
            arity
                .and_then(|arity| usize::try_from(arity).ok())
                .ok_or_else(|| CostError::Statement("the server does not show the prepared statement".to_owned()))
        }))
        .await
    }

    /// Plans under one configuration: indexes to show, and indexes to hide. Nothing of it stays.
    pub(super) async fn plans(
        &self,
        show: &[Oid],
        hide: &[Oid],
        questions: &[Question<'_>],
    ) -> Result<Vec<Result<Value, CostError>>, CostError> {
        let together = self.transaction(show, hide, questions).await?;
        if questions.len() < 2 || together.iter().all(Result::is_ok) {
            return Ok(together);
        }
        // A failure takes the rest of its transaction with it: each question gets one of its own.
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            answers.extend(self.transaction(show, hide, std::slice::from_ref(question)).await?);
        }
        Ok(answers)
    }

    async fn transaction(
        &self,
        show: &[Oid],
        hide: &[Oid],
        questions: &[Question<'_>],
    ) -> Result<Vec<Result<Value, CostError>>, CostError> {
        let mut begin = "BEGIN".to_owned();
        for (valid, indexes) in [(true, show), (false, hide)] {
            if !indexes.is_empty() {
                let list = indexes.iter().map(Oid::to_string).collect::<Vec<_>>().join(", ");
                begin = format!(
                    "{begin}; UPDATE pg_catalog.pg_index SET indisvalid = {valid} WHERE indexrelid IN ({list})"
                );
            }
        }
        // Polled in this order, so sent in this order.
        let asked = join_all(questions.iter().enumerate().map(|(n, question)| self.explain(n, *question)));
        let (begun, answers, ended) = join3(self.execute(&begin), asked, self.execute("ROLLBACK")).await;
        begun?;
        ended?;
        // A failure has taken the DEALLOCATE of its transaction with it, and what was prepared outlives the ROLLBACK.
        if answers.iter().any(Result::is_err) {
            self.execute("DEALLOCATE ALL").await?;
        }
        Ok(answers)
    }

    /// The statement's generic plan. Prepared anew each time: the server keeps a generic plan whatever the indexes.
    async fn explain(&self, n: usize, question: Question<'_>) -> Result<Value, CostError> {
        let arguments = match question.arity {
            0 => String::new(),
            arity => format!("({})", vec!["NULL"; arity].join(", ")),
        };
        let (prepare, explain, deallocate) = (
            format!("PREPARE pgwise_{n} AS {}", question.text),
            format!("EXPLAIN (FORMAT JSON) EXECUTE pgwise_{n}{arguments}"),
            format!("DEALLOCATE pgwise_{n}"),
        );
        let asked = join3(self.query(&prepare), self.query(&explain), self.query(&deallocate));
        let (prepared, rows, _) = if question.arity == 0 {
            let (on, answers, _) = join3(self.query(PRUNING_ON), asked, self.query(PRUNING_OFF)).await;
            on?;
            answers
        } else {
            asked.await
        };
        prepared?;
        let rows = rows?;
        let row = rows.first().ok_or_else(|| CostError::Statement("EXPLAIN gave no plan".to_owned()))?;
        row.try_get(0).map_err(|error| CostError::Statement(error.to_string()))
    }

    /// The rows that the planner expects of a query without parameters.
    pub(super) async fn rows(&self, query: &str) -> Result<f64, CostError> {
        let plan = self.explain(0, Question { text: query, arity: 0 }).await?;
        plan.pointer("/0/Plan/Plan Rows")
            .and_then(Value::as_f64)
            .ok_or_else(|| CostError::Statement("EXPLAIN gave no rows".to_owned()))
    }
}
