//! Reading one part: a session of the pool, a read-only transaction around the part, time-outs, and one more try where
//! it is worth it.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::error::{Error, PartError};
use crate::connect::{Pool, Session};
use crate::snapshot::{NotSeen, Oid};

/// How much longer than the server the client waits before it gives the session up.
const GRACE: Duration = Duration::from_secs(2);

/// How often a part is tried: once as usual, once more after a concurrent change, and a last time without the functions
/// that wait for locks.
const TRIES: u32 = 3;

/// What every part needs.
pub(super) struct Context<'a> {
    pool: &'a Pool,
    /// Keeps the parts from queueing for sessions longer than the pool's own wait time-out.
    permits: Semaphore,
    pub(super) timeout: Duration,
    /// Schemas wanted; `None` for all.
    pub(super) schemas: Option<Vec<String>>,
    not_seen: Mutex<Vec<NotSeen>>,
}

/// What a part may not touch at the moment, because it would have to wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Locks {
    /// Relations that another session has locked, or is about to lock, in ACCESS EXCLUSIVE mode.
    pub(super) relations: Vec<Oid>,
    /// Whether functions that take locks may be called at all.
    pub(super) deparse: bool,
}

impl<'a> Context<'a> {
    pub(super) fn new(pool: &'a Pool, jobs: usize, timeout: Duration, schemas: Option<Vec<String>>) -> Self {
        Self { pool, permits: Semaphore::new(jobs.max(1)), timeout, schemas, not_seen: Mutex::default() }
    }

    /// Notes something that could not be seen.
    pub(super) fn note(&self, record: NotSeen) {
        // A poisoned lock still holds the records.
        self.not_seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(record);
    }

    /// Everything noted, in a stable order.
    pub(super) fn into_not_seen(self) -> Vec<NotSeen> {
        let mut records = self.not_seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        records.sort_by(|a, b| (&a.part, &a.reason).cmp(&(&b.part, &b.reason)));
        records.dedup();
        records
    }

    /// A session, within the number that may be used at once.
    pub(super) async fn session(&self) -> Result<(tokio::sync::SemaphorePermit<'_>, Session), Error> {
        let permit = self.permits.acquire().await.map_err(|_| crate::connect::Error::Closed)?;
        Ok((permit, Box::pin(self.pool.get()).await?))
    }

    /// Reads a part; what fails is returned, for the caller to explain. An error of the outer result ends everything.
    pub(super) async fn try_read<T>(
        &self,
        read: impl AsyncFn(&Session, &Locks) -> Result<T, PartError>,
    ) -> Result<Result<T, PartError>, Error> {
        let mut deparse = true;
        let mut tries = 0;
        loop {
            tries += 1;
            let (_permit, session) = self.session().await?;
            match Box::pin(self.in_transaction(&session, deparse, &read)).await {
                Ok(value) => return Ok(Ok(value)),
                Err(error) if error.is_lost() => {
                    session.discard();
                    // A terminated session is not a stopped server: a new one shows which it is.
                    if tries == TRIES {
                        return Ok(Err(error));
                    }
                }
                Err(error @ PartError::TimedOut(_)) => {
                    session.discard();
                    return Ok(Err(error));
                }
                Err(error) if tries < TRIES && (error.is_lock_timeout() || error.is_concurrent_change()) => {
                    // The list of locks is read anew at every try. Should a lock still come in between twice, the last
                    // try does without everything that could wait.
                    deparse = !(error.is_lock_timeout() && tries + 1 == TRIES);
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Reads a part; where that fails, notes it and returns the part's empty value.
    pub(super) async fn read<T: Default>(
        &self,
        part: &str,
        grant: Option<&str>,
        read: impl AsyncFn(&Session, &Locks) -> Result<T, PartError>,
    ) -> Result<T, Error> {
        match self.try_read(read).await? {
            Ok(value) => Ok(value),
            Err(error) => {
                self.note(error.not_seen(part, grant.map(str::to_owned)));
                Ok(T::default())
            }
        }
    }

    async fn in_transaction<T>(
        &self,
        session: &Session,
        deparse: bool,
        read: impl AsyncFn(&Session, &Locks) -> Result<T, PartError>,
    ) -> Result<T, PartError> {
        let work = async {
            // With nothing but pg_catalog on the path, no function or operator of a user's can get in between, and the
            // deparsing functions qualify every name outside it.
            session
                .batch_execute(&format!(
                    "BEGIN /* pgwise */ TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET /* pgwise */ LOCAL \
                     search_path TO pg_catalog; SET /* pgwise */ LOCAL statement_timeout TO {}",
                    self.timeout.as_millis()
                ))
                .await?;
            let relations = match session.query_typed_one(include_str!("sql/locked_relations.sql"), &[]).await {
                Ok(row) => row.try_get("oids")?,
                Err(error) => return Err(error.into()),
            };
            read(session, &Locks { relations, deparse }).await
        };
        let Ok(outcome) = tokio::time::timeout(self.timeout + GRACE, work).await else {
            return Err(PartError::TimedOut(self.timeout + GRACE));
        };
        match outcome {
            Err(error) if error.is_lost() => Err(error),
            outcome => {
                session.batch_execute("ROLLBACK /* pgwise */").await?;
                outcome
            }
        }
    }

    /// Runs a catalog query that takes the usual three parameters: schemas, locked relations, whether to deparse.
    pub(super) async fn catalog_rows(
        &self,
        session: &Session,
        locks: &Locks,
        sql: &str,
    ) -> Result<Vec<Row>, PartError> {
        let parameters: [(&(dyn ToSql + Sync), Type); 3] =
            [(&self.schemas, Type::TEXT_ARRAY), (&locks.relations, Type::OID_ARRAY), (&locks.deparse, Type::BOOL)];
        Ok(session.query_typed(sql, &parameters).await?)
    }
}

/// A counter of the server's as what it is: never negative.
pub(super) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A page count; -1 stands for "analysed, without storage" on partitioned tables.
pub(super) fn pages(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}
