//! The snapshot's settings that decide plans, for the twin's configuration file.

use crate::snapshot::Server;

/// What costsize.c, planner.c and their like read, in every supported version; `enable_…` come on top.
const PLANNING: &[&str] = &[
    "seq_page_cost",
    "random_page_cost",
    "cpu_tuple_cost",
    "cpu_index_tuple_cost",
    "cpu_operator_cost",
    "parallel_setup_cost",
    "parallel_tuple_cost",
    "effective_cache_size",
    "effective_io_concurrency",
    "min_parallel_table_scan_size",
    "min_parallel_index_scan_size",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "parallel_leader_participation",
    "force_parallel_mode",
    "debug_parallel_query",
    "work_mem",
    "hash_mem_multiplier",
    "cursor_tuple_fraction",
    "constraint_exclusion",
    "from_collapse_limit",
    "join_collapse_limit",
    "recursive_worktable_factor",
    "geqo",
    "geqo_threshold",
    "geqo_effort",
    "geqo_pool_size",
    "geqo_generations",
    "geqo_selection_bias",
    "geqo_seed",
    "jit",
    "jit_above_cost",
    "jit_inline_above_cost",
    "jit_optimize_above_cost",
];

/// Names and values of the settings that planning rests on, in their base units, as `pg_settings` has them.
pub(super) fn planning(server: &Server) -> Vec<(String, String)> {
    let planning = |name: &str| PLANNING.contains(&name) || name.starts_with("enable_");
    let chosen = server.settings.iter().filter(|(name, _)| planning(name));
    chosen.map(|(name, setting)| (name.clone(), setting.value.clone())).collect()
}

/// [`planning`], and what makes a server that is ours a twin.
pub(super) fn of(server: &Server) -> Vec<(String, String)> {
    let mut settings = planning(server);
    let own = [
        ("shared_preload_libraries", ""),
        ("allow_system_table_mods", "on"),
        ("autovacuum", "off"),
        ("check_function_bodies", "off"),
        // A schema of thousands of tables is created in one session.
        ("max_locks_per_transaction", "1024"),
    ];
    settings.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    settings
}
