//! What the cumulative statistics system counted for tables and indexes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `pg_stat_user_tables` and `pg_statio_user_tables` of one table, since the counters' reset.
/// A partitioned table has its leaves' sum.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableActivity {
    /// Sequential scans begun.
    pub seq_scans: u64,
    /// Live rows fetched by sequential scans.
    pub seq_rows: u64,
    /// Index scans begun.
    pub index_scans: u64,
    /// Live rows fetched by index scans.
    pub index_rows: u64,
    /// Rows inserted.
    pub inserts: u64,
    /// Rows updated, HOT ones included.
    pub updates: u64,
    /// Rows updated without a new index entry.
    pub hot_updates: u64,
    /// Rows deleted.
    pub deletes: u64,
    /// Live rows, estimated.
    pub live_rows: u64,
    /// Dead rows, estimated.
    pub dead_rows: u64,
    /// Rows changed since the last ANALYZE.
    pub modified_since_analyze: u64,
    /// Last ANALYZE, by hand or by autovacuum, whichever is later.
    pub last_analyze: Option<Timestamp>,
    /// Last VACUUM, by hand or by autovacuum, whichever is later.
    pub last_vacuum: Option<Timestamp>,
    /// Heap blocks read from outside shared buffers.
    pub heap_blocks_read: u64,
    /// Heap blocks found in shared buffers.
    pub heap_blocks_hit: u64,
    /// Index blocks read from outside shared buffers.
    pub index_blocks_read: u64,
    /// Index blocks found in shared buffers.
    pub index_blocks_hit: u64,
}

/// `pg_stat_user_indexes` and `pg_statio_user_indexes` of one index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IndexActivity {
    /// Scans begun.
    pub scans: u64,
    /// Entries returned.
    pub rows_read: u64,
    /// Live rows fetched by plain index scans.
    pub rows_fetched: u64,
    /// Last use (16+).
    pub last_scan: Option<Timestamp>,
    /// Blocks read from outside shared buffers.
    pub blocks_read: u64,
    /// Blocks found in shared buffers.
    pub blocks_hit: u64,
}
