//! Running the workload and measuring it: time at the client, blocks as pg_stat_statements counts them.

use std::pin::pin;
use std::time::Instant;

use futures_util::TryStreamExt as _;
use tokio_postgres::SimpleQueryMessage;

use super::error::Error;
use super::outcome::median;
use super::sample::{Sample, SampleError};
use super::text_value::TextValue;
use crate::connect::{Pool, Session};
use crate::progress::Progress;

/// A statement with the parameters of each of its executions.
#[derive(Debug)]
pub(super) struct PlannedQuery {
    pub(super) name: String,
    sql: String,
    executions: Vec<Vec<TextValue>>,
}

/// One statement in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The statement's name.
    pub name: String,
    /// Of one execution: the median of the run's.
    pub ms: f64,
    /// Of one execution: the mean of the run's, shared buffers hit and read together.
    pub blocks: f64,
    /// Of all executions.
    pub total_ms: f64,
    /// Of all executions, as the server counts: without the way to the client, and without planning.
    pub total_exec_ms: f64,
    /// Of all executions.
    pub total_blocks: f64,
    /// Executions.
    pub calls: u32,
}

/// Makes every statement's parameters, once, so that all runs use the same.
pub(super) async fn plan(pool: &Pool, sample: &Sample) -> Result<Vec<PlannedQuery>, Error> {
    const TABLES: &str = "select /* pgwise */ relname, reltuples::bigint from pg_class \
        where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by relname";
    let session = pool.get().await?;
    let sizes: Vec<(String, i64)> = session
        .query(TABLES, &[])
        .await
        .map_err(|e| session.error(e))?
        .iter()
        .map(|row| (format!("{{{}}}", row.get::<_, String>(0)), row.get::<_, i64>(1).max(1)))
        .collect();
    let mut planned = Vec::with_capacity(sample.queries.len());
    for query in &sample.queries {
        let executions = match &query.values {
            None => vec![Vec::new(); query.calls as usize],
            Some(values) => {
                let mut sql = values.replace("$1", &query.calls.to_string());
                for (placeholder, size) in &sizes {
                    sql = sql.replace(placeholder, &size.to_string());
                }
                text_rows(&session, &sql, &query.name).await?
            }
        };
        if executions.len() != query.calls as usize {
            let (query, calls) = (query.name.clone(), query.calls);
            return Err(SampleError::Values { query, calls, rows: executions.len() }.into());
        }
        planned.push(PlannedQuery { name: query.name.clone(), sql: query.sql.clone(), executions });
    }
    Ok(planned)
}

async fn text_rows(session: &Session, sql: &str, query: &str) -> Result<Vec<Vec<TextValue>>, Error> {
    let messages = session
        .simple_query(sql)
        .await
        .map_err(|e| Error::Statement { doing: format!("making values for {query}"), source: session.error(e) })?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|column| TextValue(row.get(column).map(str::to_owned))).collect())
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// Fresh statistics and visibility, so that what follows measures plans and not neglect.
pub(super) async fn settle(pool: &Pool, progress: &dyn Progress) -> Result<(), Error> {
    progress.begin("VACUUM ANALYZE", None);
    let session = pool.get().await?;
    session
        .batch_execute("vacuum /* pgwise */ (analyze)")
        .await
        .map_err(|e| Error::Statement { doing: "VACUUM ANALYZE".to_owned(), source: session.error(e) })?;
    progress.end();
    Ok(())
}

/// Forgets what loading did, but for what VACUUM ANALYZE found: the counters then tell of the workload alone. Only this
/// database's counters: the server may be somebody's.
pub(super) async fn reset(pool: &Pool) -> Result<(), Error> {
    let session = pool.get().await?;
    let failed = |e| Error::Statement { doing: "resetting the counters".to_owned(), source: session.error(e) };
    // A session keeps what it counted for up to a second, and would add it after the reset (15 and later).
    let flush = "select /* pgwise */ to_regproc('pg_stat_force_next_flush') is not null";
    if session.query_one(flush, &[]).await.map_err(failed)?.get(0) {
        session.batch_execute("select /* pgwise */ pg_stat_force_next_flush()").await.map_err(failed)?;
    }
    session
        .batch_execute(
            "select /* pgwise */ pg_stat_reset();
             analyze /* pgwise */;
             select /* pgwise */ pg_stat_statements_reset(0, oid, 0) from pg_database where datname = current_database()",
        )
        .await
        .map_err(failed)
}

/// Runs the whole workload so many times.
pub(super) async fn runs(
    pool: &Pool,
    plan: &[PlannedQuery],
    runs: u32,
    phase: &str,
    progress: &dyn Progress,
) -> Result<Vec<Vec<Measured>>, Error> {
    let executions: u64 = plan.iter().map(|q| q.executions.len() as u64).sum();
    progress.begin(phase, Some(executions * u64::from(runs)));
    let mut measured = Vec::new();
    for _ in 0..runs {
        let mut run = Vec::with_capacity(plan.len());
        for query in plan {
            run.push(run_query(pool, query).await?);
            progress.advance(query.executions.len() as u64);
        }
        measured.push(run);
    }
    progress.end();
    Ok(measured)
}

/// Runs one statement with all its parameters, prepared once, one execution after the other.
async fn run_query(pool: &Pool, query: &PlannedQuery) -> Result<Measured, Error> {
    let session = pool.get().await?;
    let failed = |e| Error::Statement { doing: format!("the query {}", query.name), source: session.error(e) };
    let [blocks_before, exec_before] = counters(&session).await?;
    let statement = session.prepare(&query.sql).await.map_err(failed)?;
    let mut times = Vec::with_capacity(query.executions.len());
    for parameters in &query.executions {
        let began = Instant::now();
        // Rows are let go as they come: some statements return a hundred thousand.
        let mut rows = pin!(session.query_raw(&statement, parameters).await.map_err(failed)?);
        while rows.try_next().await.map_err(failed)?.is_some() {}
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    let [blocks, exec_ms] = counters(&session).await?;
    let total_blocks = blocks - blocks_before;
    let total_ms = times.iter().sum();
    Ok(Measured {
        name: query.name.clone(),
        ms: median(&mut times),
        blocks: total_blocks / query.executions.len().max(1) as f64,
        total_ms,
        total_exec_ms: exec_ms - exec_before,
        total_blocks,
        calls: u32::try_from(query.executions.len()).unwrap_or(u32::MAX),
    })
}

/// Blocks that all statements but pgwise's own have touched in shared buffers so far, and their execution time in ms.
async fn counters(session: &Session) -> Result<[f64; 2], Error> {
    const COUNTERS: &str = "select /* pgwise */ coalesce(sum(shared_blks_hit + shared_blks_read), 0)::float8, \
        coalesce(sum(total_exec_time), 0)::float8 \
        from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database()) \
        and query not like '%/* pgwise */%'";
    let row = session.query_one(COUNTERS, &[]).await.map_err(|e| session.error(e))?;
    Ok([row.get(0), row.get(1)])
}

/// Execution time of the statements that carry pgwise's mark.
pub(super) async fn own_time_ms(pool: &Pool) -> Result<f64, Error> {
    const OWN: &str = "select /* pgwise */ coalesce(sum(total_exec_time), 0)::float8 from pg_stat_statements \
        where dbid = (select oid from pg_database where datname = current_database()) and query like '%/* pgwise */%'";
    let session = pool.get().await?;
    Ok(session.query_one(OWN, &[]).await.map_err(|e| session.error(e))?.get(0))
}
