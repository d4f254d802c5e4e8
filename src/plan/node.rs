//! One node of a plan, with the fields that EXPLAIN prints for it (`ExplainNode` in explain.c).

/// A node's position in [`super::Explain::nodes`].
pub type NodeId = usize;

/// One node of a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanNode {
    /// Its position in printing order.
    pub id: NodeId,
    /// The node above it.
    pub parent: Option<NodeId>,
    /// The nodes below it, in printing order.
    pub children: Vec<NodeId>,
    /// Distance from the root.
    pub depth: usize,
    /// `Seq Scan`, `Nested Loop`, `Aggregate`, … as in JSON: the text format's `HashAggregate` is `Aggregate` with the
    /// strategy `Hashed` here.
    pub node_type: String,
    /// How it relates to its parent; `None` for the root.
    pub parent_relationship: Option<ParentRelationship>,
    /// `CTE x`, `SubPlan 1`, `InitPlan 1 (returns $0)`, …
    pub subplan_name: Option<String>,
    /// What it reads or writes.
    pub relation: Option<Relation>,
    /// The index that it reads.
    pub index_name: Option<String>,
    /// `Forward`, `Backward` or `NoMovement`.
    pub scan_direction: Option<String>,
    /// `Inner`, `Left`, `Full`, `Right`, `Semi`, `Anti`, `Right Semi`, `Right Anti`.
    pub join_type: Option<String>,
    /// `Plain`, `Sorted`, `Hashed`, `Mixed`, of an Aggregate or SetOp.
    pub strategy: Option<String>,
    /// `Simple`, `Partial`, `Finalize`, of an Aggregate.
    pub partial_mode: Option<String>,
    /// `Insert`, `Update`, `Delete`, `Merge`, of a ModifyTable.
    pub operation: Option<String>,
    /// The CTE that a CTE Scan reads.
    pub cte_name: Option<String>,
    /// The function that a Function Scan calls.
    pub function_name: Option<String>,
    /// Whether the inner side gives at most one row per outer row.
    pub inner_unique: bool,
    /// Whether workers share its work.
    pub parallel_aware: bool,
    /// Whether the planner chose it although a setting disables it (18+ prints it; before that it hides in the cost).
    pub disabled: bool,
    /// Cost until the first row, in the planner's unit.
    pub startup_cost: f64,
    /// Cost until the last row, everything below included.
    pub total_cost: f64,
    /// Estimated rows per loop (per worker, below a Gather).
    pub plan_rows: f64,
    /// Estimated width of a row, in bytes.
    pub plan_width: f64,
    /// What it did, under ANALYZE. `None` also where it was never run: then loops is 0.
    pub actual: Option<Actual>,
    /// Its expressions.
    pub conditions: Conditions,
    /// Sort keys with direction, as printed.
    pub sort_key: Vec<String>,
    /// Leading sort keys that arrive sorted already, of an Incremental Sort.
    pub presorted_key: Vec<String>,
    /// Group keys, as printed.
    pub group_key: Vec<String>,
    /// Output columns, under VERBOSE.
    pub output: Vec<String>,
    /// Rows that its conditions removed, per loop.
    pub rows_removed: RowsRemoved,
    /// Heap visits of an Index Only Scan, over all loops.
    pub heap_fetches: Option<f64>,
    /// Blocks that a Bitmap Heap Scan read exactly and lossily.
    pub exact_heap_blocks: Option<f64>,
    /// See `exact_heap_blocks`.
    pub lossy_heap_blocks: Option<f64>,
    /// Descents of the index, over all loops (18+).
    pub index_searches: Option<f64>,
    /// `quicksort`, `top-N heapsort`, `external merge`, …
    pub sort_method: Option<String>,
    /// Memory or disk that a Sort took.
    pub sort_space: Option<SpaceUsed>,
    /// Batches of a Hash or hashed Aggregate: more than one means that it spilled.
    pub hash_batches: Option<f64>,
    /// Disk that a hashed Aggregate took.
    pub disk_usage_bytes: Option<u64>,
    /// Workers planned and launched, of a Gather.
    pub workers_planned: Option<f64>,
    /// See `workers_planned`.
    pub workers_launched: Option<f64>,
    /// Children that run-time partition pruning removed, of an Append.
    pub subplans_removed: Option<f64>,
    /// Blocks touched by it and everything below, over all loops, under BUFFERS.
    pub buffers: Option<Buffers>,
    /// Bytes of WAL that it and everything below wrote, under WAL.
    pub wal_bytes: Option<u64>,
}

/// How a node relates to its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParentRelationship {
    /// The outer (or only) input.
    Outer,
    /// The inner input of a join.
    Inner,
    /// One of several inputs of an Append or bitmap.
    Member,
    /// The input of a Subquery Scan.
    Subquery,
    /// Run once, before or when its result is needed; CTEs are InitPlans too.
    InitPlan,
    /// Run for each row that needs it (or once, when hashed).
    SubPlan,
    /// Something newer than this version of pgwise.
    Other(String),
}

/// A table as a plan names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// Its schema, under VERBOSE.
    pub schema: Option<String>,
    /// Its name. For a partition, the partition's own.
    pub name: String,
    /// The name it goes by in the statement; PostgreSQL makes one up for partitions (`orders_1`).
    pub alias: Option<String>,
}

/// What a node did under ANALYZE.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Actual {
    /// Time until the first row, per loop; absent where timing was off.
    pub startup_ms: Option<f64>,
    /// Time until the last row, per loop, everything below included.
    pub total_ms: Option<f64>,
    /// Rows per loop.
    pub rows: f64,
    /// Executions, over all workers.
    pub loops: f64,
}

impl Actual {
    /// Rows over all loops.
    pub fn total_rows(&self) -> f64 {
        self.rows * self.loops
    }
}

/// A node's expressions as printed; literals in them are the statement's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Checked on each row after it was fetched.
    pub filter: Option<String>,
    /// What an index scan descends with.
    pub index_cond: Option<String>,
    /// Checked again on rows of lossy blocks or lossy operators.
    pub recheck_cond: Option<String>,
    /// The join clauses of a hash join.
    pub hash_cond: Option<String>,
    /// The join clauses of a merge join.
    pub merge_cond: Option<String>,
    /// Join clauses checked on each pair.
    pub join_filter: Option<String>,
    /// Checked once, before anything runs.
    pub one_time_filter: Option<String>,
    /// Row identifiers looked for.
    pub tid_cond: Option<String>,
    /// The distance that a KNN index scan orders by.
    pub order_by: Option<String>,
    /// What a Memoize node keys its cache by.
    pub cache_key: Option<String>,
}

/// Rows removed, per loop, under ANALYZE.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RowsRemoved {
    /// By `filter`.
    pub filter: Option<f64>,
    /// By `recheck_cond`.
    pub index_recheck: Option<f64>,
    /// By `join_filter`.
    pub join_filter: Option<f64>,
}

/// Space that a Sort took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceUsed {
    /// How much.
    pub bytes: u64,
    /// Whether it was on disk: `work_mem` did not suffice.
    pub on_disk: bool,
}

/// Blocks touched, in blocks of `block_size`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Buffers {
    /// Shared blocks found in cache.
    pub shared_hit: u64,
    /// Shared blocks read.
    pub shared_read: u64,
    /// Shared blocks dirtied.
    pub shared_dirtied: u64,
    /// Shared blocks written.
    pub shared_written: u64,
    /// Blocks of temporary tables found in cache.
    pub local_hit: u64,
    /// Blocks of temporary tables read.
    pub local_read: u64,
    /// Blocks of temporary files read.
    pub temp_read: u64,
    /// Blocks of temporary files written.
    pub temp_written: u64,
    /// Time reading shared (before 17: any) blocks, under `track_io_timing`.
    pub read_ms: Option<f64>,
    /// Time writing them.
    pub write_ms: Option<f64>,
}

impl Buffers {
    /// Shared blocks touched, cached or not.
    pub fn shared(&self) -> u64 {
        self.shared_hit.saturating_add(self.shared_read)
    }

    /// What is left when another's blocks are taken away; never below zero.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let time = |a: Option<f64>, b: Option<f64>| a.map(|a| (a - b.unwrap_or(0.0)).max(0.0));
        Self {
            shared_hit: self.shared_hit.saturating_sub(other.shared_hit),
            shared_read: self.shared_read.saturating_sub(other.shared_read),
            shared_dirtied: self.shared_dirtied.saturating_sub(other.shared_dirtied),
            shared_written: self.shared_written.saturating_sub(other.shared_written),
            local_hit: self.local_hit.saturating_sub(other.local_hit),
            local_read: self.local_read.saturating_sub(other.local_read),
            temp_read: self.temp_read.saturating_sub(other.temp_read),
            temp_written: self.temp_written.saturating_sub(other.temp_written),
            read_ms: time(self.read_ms, other.read_ms),
            write_ms: time(self.write_ms, other.write_ms),
        }
    }
}
