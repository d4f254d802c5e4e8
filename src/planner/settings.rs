//! The settings that planning reads, with the server's own defaults where a snapshot lacks them.

use crate::snapshot::Server;

/// The planner's settings. Memory in kilobytes, sizes in 8 kB blocks, as the server keeps them.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Major version: 15.
    pub major: u32,
    /// `seq_page_cost`.
    pub seq_page_cost: f64,
    /// `random_page_cost`.
    pub random_page_cost: f64,
    /// `cpu_tuple_cost`.
    pub cpu_tuple_cost: f64,
    /// `cpu_index_tuple_cost`.
    pub cpu_index_tuple_cost: f64,
    /// `cpu_operator_cost`.
    pub cpu_operator_cost: f64,
    /// `parallel_setup_cost`.
    pub parallel_setup_cost: f64,
    /// `parallel_tuple_cost`.
    pub parallel_tuple_cost: f64,
    /// `effective_cache_size`, in blocks.
    pub effective_cache_size: f64,
    /// `work_mem`, in kB.
    pub work_mem: f64,
    /// `hash_mem_multiplier`.
    pub hash_mem_multiplier: f64,
    /// `max_parallel_workers_per_gather`.
    pub max_parallel_workers_per_gather: i32,
    /// `max_parallel_workers`.
    pub max_parallel_workers: i32,
    /// `min_parallel_table_scan_size`, in blocks.
    pub min_parallel_table_scan_size: f64,
    /// `min_parallel_index_scan_size`, in blocks.
    pub min_parallel_index_scan_size: f64,
    /// `parallel_leader_participation`.
    pub parallel_leader_participation: bool,
    /// `from_collapse_limit`.
    pub from_collapse_limit: usize,
    /// `join_collapse_limit`.
    pub join_collapse_limit: usize,
    /// `geqo`.
    pub geqo: bool,
    /// `geqo_threshold`.
    pub geqo_threshold: usize,
    /// `cursor_tuple_fraction`.
    pub cursor_tuple_fraction: f64,
    /// `default_statistics_target`.
    pub default_statistics_target: i32,
    /// `effective_io_concurrency` is not a planner input; `constraint_exclusion` is: `on`, `off`, `partition`.
    pub constraint_exclusion: String,
    /// The `enable_*` switches.
    pub enable: Enable,
}

/// The `enable_*` switches. A switch that the server's version lacks has the value under which nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the setting of the same name")]
pub struct Enable {
    pub seqscan: bool,
    pub indexscan: bool,
    pub indexonlyscan: bool,
    pub bitmapscan: bool,
    pub tidscan: bool,
    pub sort: bool,
    pub incremental_sort: bool,
    pub hashagg: bool,
    pub nestloop: bool,
    pub material: bool,
    pub memoize: bool,
    pub mergejoin: bool,
    pub hashjoin: bool,
    pub gathermerge: bool,
    pub partitionwise_join: bool,
    pub partitionwise_aggregate: bool,
    pub parallel_append: bool,
    pub parallel_hash: bool,
    pub partition_pruning: bool,
    pub presorted_aggregate: bool,
    pub group_by_reordering: bool,
    pub distinct_reordering: bool,
    pub self_join_elimination: bool,
}

impl Settings {
    /// Reads the settings of a snapshot.
    pub fn of(server: &Server) -> Self {
        Self::with(server.major(), |name| server.setting(name))
    }

    /// The settings of a server of a major version, from their texts as `pg_settings.setting` gives them.
    pub fn with<'s>(major: u32, text: impl Fn(&str) -> Option<&'s str>) -> Self {
        // No setting that is read here may be negative or without bound.
        let sound = |v: &f64| (0.0..=1e100).contains(v);
        let number =
            |name: &str, default: f64| text(name).and_then(|v| v.parse().ok()).filter(sound).unwrap_or(default);
        let count = |name: &str, default: i32| text(name).and_then(|v| v.parse().ok()).unwrap_or(default);
        let limit = |name: &str, default: usize| text(name).and_then(|v| v.parse().ok()).unwrap_or(default);
        let on = |name: &str, default: bool| text(name).map_or(default, |v| v == "on");
        Self {
            major,
            seq_page_cost: number("seq_page_cost", 1.0),
            random_page_cost: number("random_page_cost", 4.0),
            cpu_tuple_cost: number("cpu_tuple_cost", 0.01),
            cpu_index_tuple_cost: number("cpu_index_tuple_cost", 0.005),
            cpu_operator_cost: number("cpu_operator_cost", 0.0025),
            parallel_setup_cost: number("parallel_setup_cost", 1000.0),
            parallel_tuple_cost: number("parallel_tuple_cost", 0.1),
            effective_cache_size: number("effective_cache_size", 524_288.0).max(1.0),
            work_mem: number("work_mem", 4096.0).max(64.0),
            hash_mem_multiplier: number("hash_mem_multiplier", if major >= 15 { 2.0 } else { 1.0 }).max(1.0),
            max_parallel_workers_per_gather: count("max_parallel_workers_per_gather", 2),
            max_parallel_workers: count("max_parallel_workers", 8),
            min_parallel_table_scan_size: number("min_parallel_table_scan_size", 1024.0),
            min_parallel_index_scan_size: number("min_parallel_index_scan_size", 64.0),
            parallel_leader_participation: on("parallel_leader_participation", true),
            from_collapse_limit: limit("from_collapse_limit", 8),
            join_collapse_limit: limit("join_collapse_limit", 8),
            geqo: on("geqo", true),
            geqo_threshold: limit("geqo_threshold", 12),
            cursor_tuple_fraction: number("cursor_tuple_fraction", 0.1),
            default_statistics_target: count("default_statistics_target", 100),
            constraint_exclusion: text("constraint_exclusion").unwrap_or("partition").to_owned(),
            enable: Enable {
                seqscan: on("enable_seqscan", true),
                indexscan: on("enable_indexscan", true),
                indexonlyscan: on("enable_indexonlyscan", true),
                bitmapscan: on("enable_bitmapscan", true),
                tidscan: on("enable_tidscan", true),
                sort: on("enable_sort", true),
                incremental_sort: on("enable_incremental_sort", major >= 13),
                hashagg: on("enable_hashagg", true),
                nestloop: on("enable_nestloop", true),
                material: on("enable_material", true),
                memoize: on("enable_memoize", true) && major >= 14,
                mergejoin: on("enable_mergejoin", true),
                hashjoin: on("enable_hashjoin", true),
                gathermerge: on("enable_gathermerge", true),
                partitionwise_join: on("enable_partitionwise_join", false),
                partitionwise_aggregate: on("enable_partitionwise_aggregate", false),
                parallel_append: on("enable_parallel_append", true),
                parallel_hash: on("enable_parallel_hash", true),
                partition_pruning: on("enable_partition_pruning", true),
                presorted_aggregate: on("enable_presorted_aggregate", true) && major >= 16,
                group_by_reordering: on("enable_group_by_reordering", true) && major >= 17,
                distinct_reordering: on("enable_distinct_reordering", true) && major >= 18,
                self_join_elimination: on("enable_self_join_elimination", true) && major >= 18,
            },
        }
    }

    /// Bytes that one hash table may use (`get_hash_memory_limit`).
    pub fn hash_mem_bytes(&self) -> f64 {
        self.work_mem * 1024.0 * self.hash_mem_multiplier
    }
}
