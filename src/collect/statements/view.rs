//! One reading of pg_stat_statements.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio_postgres::Row;

use crate::collect::error::{Error, PartError};
use crate::collect::part::{Context, count};
use crate::connect::Session;
use crate::snapshot::{Blocks, NotSeen, Server};
use crate::sql::quote;

/// What the view shows instead of a text that the role may not see.
const HIDDEN: &str = "<insufficient privilege>";

/// One reading of the view.
#[derive(Debug, Clone, Default)]
pub(in crate::collect) struct Reading {
    /// Counters by queryid and role.
    pub(super) entries: BTreeMap<(i64, Option<String>), Entry>,
    /// Entries whose text and queryid the role may not see.
    pub(super) hidden: Hidden,
    /// `pg_stat_statements_info.dealloc`.
    pub(super) evicted: Option<u64>,
    /// `pg_stat_statements_info.stats_reset`.
    pub(super) reset: Option<Timestamp>,
}

/// Counters of the hidden entries together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hidden {
    pub(super) statements: u64,
    pub(super) calls: u64,
    pub(super) total_ms: f64,
}

/// Counters of one query and role, summed over `toplevel`.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) query: String,
    pub(super) calls: u64,
    pub(super) total_ms: f64,
    pub(super) min_ms: Option<f64>,
    pub(super) max_ms: Option<f64>,
    /// Sum of the squares of the execution times, from which deviations can be put together.
    pub(super) squares: Option<f64>,
    pub(super) plans: u64,
    pub(super) plan_ms: f64,
    pub(super) rows: u64,
    pub(super) blocks: Blocks,
    pub(super) wal_bytes: f64,
    /// When the entry began to count (17+).
    pub(super) since: Option<Timestamp>,
}

/// Reads the view; `None`, with a note, where it cannot be read.
pub(in crate::collect) async fn read(context: &Context<'_>, server: &Server) -> Result<Option<Reading>, Error> {
    let Some((schema, version)) = installed(server) else {
        context.note(absent(server));
        return Ok(None);
    };
    if version < (1, 8) {
        context.note(NotSeen {
            part: "statements".to_owned(),
            reason: format!("pg_stat_statements {}.{} is older than pgwise reads", version.0, version.1),
            remedy: Some("ALTER EXTENSION pg_stat_statements UPDATE".to_owned()),
        });
        return Ok(None);
    }
    let outcome = context.try_read(async |session, _| read_view(session, schema, version).await).await?;
    match outcome {
        Ok(reading) => {
            if reading.hidden.statements > 0 {
                context.note(NotSeen {
                    part: "statements".to_owned(),
                    reason: format!(
                        "the texts of {} statements of other roles are hidden from this one",
                        reading.hidden.statements
                    ),
                    remedy: Some(format!("GRANT pg_read_all_stats TO {}", quote::ident(&server.role.name))),
                });
            }
            Ok(Some(reading))
        }
        Err(error) => {
            context.note(explain(&error, server, schema));
            Ok(None)
        }
    }
}

/// The extension's schema and version, where it is installed in this database.
fn installed(server: &Server) -> Option<(&str, (u32, u32))> {
    let extension = server.extensions.iter().find(|e| e.name == "pg_stat_statements")?;
    let (major, minor) = extension.installed_version.as_deref()?.split_once('.')?;
    Some((extension.schema.as_deref()?, (major.parse().ok()?, minor.parse().ok()?)))
}

fn absent(server: &Server) -> NotSeen {
    let (reason, remedy) = if server.extension_available("pg_stat_statements") {
        (
            "pg_stat_statements is not installed in this database",
            "CREATE EXTENSION pg_stat_statements; it also needs shared_preload_libraries = 'pg_stat_statements' and a \
             restart",
        )
    } else {
        (
            "the server does not have pg_stat_statements",
            "install the server's contrib package, set shared_preload_libraries = 'pg_stat_statements', restart, and \
             CREATE EXTENSION pg_stat_statements",
        )
    };
    NotSeen { part: "statements".to_owned(), reason: reason.to_owned(), remedy: Some(remedy.to_owned()) }
}

fn explain(error: &PartError, server: &Server, schema: &str) -> NotSeen {
    let role = quote::ident(&server.role.name);
    let grant = format!(
        "GRANT USAGE ON SCHEMA {} TO {role}; GRANT SELECT ON {} TO {role}",
        quote::ident(schema),
        quote::qualified(schema, "pg_stat_statements")
    );
    let mut record = error.not_seen("statements", Some(grant));
    // object_not_in_prerequisite_state: the library was not loaded at the server's start.
    if error.sqlstate() == Some("55000") {
        "pg_stat_statements is installed but not loaded".clone_into(&mut record.reason);
        record.remedy = Some(
            "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements' (beside what is there), and restart"
                .to_owned(),
        );
    }
    record
}

async fn read_view(session: &Session, schema: &str, version: (u32, u32)) -> Result<Reading, PartError> {
    let sql = if version >= (1, 11) {
        include_str!("../sql/statements_1_11.sql")
    } else {
        include_str!("../sql/statements_1_8.sql")
    };
    let sql = sql.replace("{view}", &quote::qualified(schema, "pg_stat_statements"));
    let mut reading = Reading::default();
    for row in session.query_typed(&sql, &[]).await? {
        let entry = decode(&row)?;
        match row.try_get::<_, Option<i64>>("queryid")? {
            Some(queryid) if entry.query != HIDDEN => {
                let user = row.try_get("user_name")?;
                reading.entries.entry((queryid, user)).or_default().add(entry);
            }
            _ => {
                reading.hidden.statements += 1;
                reading.hidden.calls += entry.calls;
                reading.hidden.total_ms += entry.total_ms;
            }
        }
    }
    if version >= (1, 9) {
        let sql = include_str!("../sql/statements_info.sql")
            .replace("{view}", &quote::qualified(schema, "pg_stat_statements_info"));
        let row = session.query_typed_one(&sql, &[]).await?;
        reading.evicted = row.try_get::<_, Option<i64>>("evicted")?.map(count);
        reading.reset = row.try_get("stats_reset")?;
    }
    Ok(reading)
}

fn decode(row: &Row) -> Result<Entry, tokio_postgres::Error> {
    let counter = |name: &str| row.try_get::<_, i64>(name).map(count);
    let calls = counter("calls")?;
    let total_ms: f64 = row.try_get("total_ms")?;
    let stddev_ms: f64 = row.try_get("stddev_ms")?;
    let mean_ms = if calls == 0 { 0.0 } else { total_ms / calls as f64 };
    Ok(Entry {
        query: row.try_get::<_, Option<String>>("query")?.unwrap_or_default(),
        calls,
        total_ms,
        min_ms: Some(row.try_get("min_ms")?),
        max_ms: Some(row.try_get("max_ms")?),
        // The view's deviation is that of a whole population.
        squares: Some(calls as f64 * (stddev_ms * stddev_ms + mean_ms * mean_ms)),
        plans: counter("plans")?,
        plan_ms: row.try_get("plan_ms")?,
        rows: counter("rows")?,
        blocks: Blocks {
            shared_hit: counter("shared_blks_hit")?,
            shared_read: counter("shared_blks_read")?,
            shared_dirtied: counter("shared_blks_dirtied")?,
            shared_written: counter("shared_blks_written")?,
            temp_read: counter("temp_blks_read")?,
            temp_written: counter("temp_blks_written")?,
            read_ms: row.try_get("read_ms")?,
            write_ms: row.try_get("write_ms")?,
        },
        wal_bytes: row.try_get("wal_bytes")?,
        since: row.try_get("counted_since")?,
    })
}

impl Entry {
    /// Adds another entry of the same query.
    pub(super) fn add(&mut self, other: Self) {
        if self.calls == 0 && self.query.is_empty() {
            *self = other;
            return;
        }
        self.calls += other.calls;
        self.total_ms += other.total_ms;
        self.min_ms = merge(self.min_ms, other.min_ms, f64::min);
        self.max_ms = merge(self.max_ms, other.max_ms, f64::max);
        self.squares = merge(self.squares, other.squares, |a, b| a + b);
        self.plans += other.plans;
        self.plan_ms += other.plan_ms;
        self.rows += other.rows;
        self.blocks.shared_hit += other.blocks.shared_hit;
        self.blocks.shared_read += other.blocks.shared_read;
        self.blocks.shared_dirtied += other.blocks.shared_dirtied;
        self.blocks.shared_written += other.blocks.shared_written;
        self.blocks.temp_read += other.blocks.temp_read;
        self.blocks.temp_written += other.blocks.temp_written;
        self.blocks.read_ms += other.blocks.read_ms;
        self.blocks.write_ms += other.blocks.write_ms;
        self.wal_bytes += other.wal_bytes;
        self.since = self.since.max(other.since);
    }

    pub(super) fn mean_ms(&self) -> f64 {
        if self.calls == 0 { 0.0 } else { self.total_ms / self.calls as f64 }
    }

    /// Standard deviation of the execution time over all calls.
    pub(super) fn stddev_ms(&self) -> Option<f64> {
        let squares = self.squares?;
        if self.calls == 0 {
            return None;
        }
        // Rounding can leave a difference just below zero.
        Some((squares / self.calls as f64 - self.mean_ms().powi(2)).max(0.0).sqrt())
    }
}

fn merge(a: Option<f64>, b: Option<f64>, f: impl Fn(f64, f64) -> f64) -> Option<f64> {
    a.zip(b).map(|(a, b)| f(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(times: &[f64]) -> Entry {
        Entry {
            query: "select 1".to_owned(),
            calls: times.len() as u64,
            total_ms: times.iter().sum(),
            min_ms: times.iter().copied().reduce(f64::min),
            max_ms: times.iter().copied().reduce(f64::max),
            squares: Some(times.iter().map(|t| t * t).sum()),
            ..Entry::default()
        }
    }

    #[test]
    fn deviations_of_two_entries_add_up_to_that_of_all_calls() {
        let mut sum = entry(&[1.0, 3.0]);
        sum.add(entry(&[5.0, 7.0, 9.0]));
        let all = entry(&[1.0, 3.0, 5.0, 7.0, 9.0]);
        assert_eq!(sum.stddev_ms(), all.stddev_ms());
        assert_eq!(sum.stddev_ms(), Some(8.0_f64.sqrt()));
        assert_eq!((sum.min_ms, sum.max_ms), (Some(1.0), Some(9.0)));
    }
}
