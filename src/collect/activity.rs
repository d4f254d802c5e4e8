//! The cumulative statistics system's counters, and sizes on disk.

use std::collections::BTreeMap;

use tokio_postgres::types::{ToSql, Type};

use super::error::Error;
use super::part::{Context, count};
use crate::snapshot::{IndexActivity, NotSeen, Oid, TableActivity};

/// Counters of tables by oid.
pub(super) async fn tables(context: &Context<'_>) -> Result<BTreeMap<Oid, TableActivity>, Error> {
    context
        .read("table activity", None, async |session, _| {
            let mut activity = BTreeMap::new();
            for row in session.query_typed(include_str!("sql/table_activity.sql"), &[]).await? {
                let counter = |name: &str| row.try_get::<_, i64>(name).map(count);
                let table = TableActivity {
                    seq_scans: counter("seq_scans")?,
                    seq_rows: counter("seq_rows")?,
                    index_scans: counter("index_scans")?,
                    index_rows: counter("index_rows")?,
                    inserts: counter("inserts")?,
                    updates: counter("updates")?,
                    hot_updates: counter("hot_updates")?,
                    deletes: counter("deletes")?,
                    live_rows: counter("live_rows")?,
                    dead_rows: counter("dead_rows")?,
                    modified_since_analyze: counter("modified_since_analyze")?,
                    last_analyze: row.try_get("last_analyze")?,
                    last_vacuum: row.try_get("last_vacuum")?,
                    heap_blocks_read: counter("heap_blocks_read")?,
                    heap_blocks_hit: counter("heap_blocks_hit")?,
                    index_blocks_read: counter("index_blocks_read")?,
                    index_blocks_hit: counter("index_blocks_hit")?,
                };
                activity.insert(row.try_get("table")?, table);
            }
            Ok(activity)
        })
        .await
}

/// Counters of indexes by oid.
pub(super) async fn indexes(context: &Context<'_>) -> Result<BTreeMap<Oid, IndexActivity>, Error> {
    context
        .read("index activity", None, async |session, _| {
            let mut activity = BTreeMap::new();
            for row in session.query_typed(include_str!("sql/index_activity.sql"), &[]).await? {
                let counter = |name: &str| row.try_get::<_, i64>(name).map(count);
                let index = IndexActivity {
                    scans: counter("scans")?,
                    rows_read: counter("rows_read")?,
                    rows_fetched: counter("rows_fetched")?,
                    last_scan: row.try_get("last_scan")?,
                    blocks_read: counter("blocks_read")?,
                    blocks_hit: counter("blocks_hit")?,
                };
                activity.insert(row.try_get("index")?, index);
            }
            Ok(activity)
        })
        .await
}

/// Bytes on disk of one relation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    /// Main fork.
    pub(super) bytes: u64,
    /// TOAST table with its index.
    pub(super) toast_bytes: Option<u64>,
}

/// Sizes of tables and indexes by oid. `pg_relation_size` waits for locks, so that this is a part of its own: a lock that
/// comes in between loses the sizes and not the catalog.
pub(super) async fn sizes(context: &Context<'_>) -> Result<BTreeMap<Oid, Size>, Error> {
    context
        .read("sizes", None, async |session, locks| {
            if !locks.deparse {
                context.note(NotSeen {
                    part: "sizes".to_owned(),
                    reason: "a lock came in between twice".to_owned(),
                    remedy: Some("collect again, or raise --lock-timeout".to_owned()),
                });
                return Ok(BTreeMap::new());
            }
            let parameters: [(&(dyn ToSql + Sync), Type); 2] =
                [(&context.schemas, Type::TEXT_ARRAY), (&locks.relations, Type::OID_ARRAY)];
            let mut sizes = BTreeMap::new();
            for row in session.query_typed(include_str!("sql/sizes.sql"), &parameters).await? {
                // NULL: dropped in the meantime.
                let Some(bytes) = row.try_get::<_, Option<i64>>("bytes")? else { continue };
                let toast_bytes = row.try_get::<_, Option<i64>>("toast_bytes")?.map(count);
                sizes.insert(row.try_get("oid")?, Size { bytes: count(bytes), toast_bytes });
            }
            Ok(sizes)
        })
        .await
}
