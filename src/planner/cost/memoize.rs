//! The cost of reading a Memoize again (`cost_memoize_rescan`).

use super::sort::relation_byte_size;
use crate::planner::path::Path;
use crate::planner::settings::Settings;

/// Startup and total cost of one scan of a cache over `input`, which is asked `calls` times for `distinct` different
/// keys of `key_width` bytes together (counted from 16 on).
pub fn rescan(settings: &Settings, input: &Path, calls: f64, distinct: f64, key_width: f64) -> (f64, f64) {
    let tuples = input.rows;
    // `ExecEstimateCacheEntryOverheadBytes`: an entry, its key, and a list cell a tuple.
    let overhead = 24.0 + 24.0 + 16.0 * tuples.floor();
    let keys = if settings.major >= 16 { key_width } else { 0.0 };
    let entry = relation_byte_size(tuples, input.target.width) + overhead + keys;
    let fitting = (settings.hash_mem_bytes() / entry).floor();
    let evicted = 1.0 - fitting.min(distinct) / distinct;
    let hits = ((calls - distinct) / calls) * (fitting / distinct.max(fitting));
    let missed = 1.0 - hits.clamp(0.0, 1.0);
    let total = input.total_cost * missed
        + settings.cpu_operator_cost
        + settings.cpu_tuple_cost * evicted
        + settings.cpu_operator_cost / 10.0 * evicted * tuples
        + settings.cpu_tuple_cost
        + settings.cpu_operator_cost * tuples;
    (input.startup_cost * missed + settings.cpu_tuple_cost, total)
}
