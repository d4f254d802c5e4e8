//! Gathering workers' rows (`generate_gather_paths`, `generate_useful_gather_paths`), for base relations and joins.

use std::sync::Arc;

use crate::planner::cost::scan as cost;
use crate::planner::path::{Path, PathKind, RelPaths};
use crate::planner::root::Root;

/// `create_gather_path`; `rows` of all workers together.
pub fn gather_path(root: &Root<'_>, input: &Arc<Path>, rows: f64) -> Path {
    let (startup, total) = cost::gather(&root.env.settings, input.startup_cost, input.total_cost, rows);
    Path {
        kind: PathKind::Gather { input: Arc::clone(input) },
        rows,
        startup_cost: startup,
        total_cost: total,
        pathkeys: Arc::from([]),
        parallel_aware: false,
        parallel_safe: false,
        workers: input.workers,
        ..Path::clone(input)
    }
}

/// `create_gather_merge_path` over an input in order; `rows` of all workers together.
pub fn gather_merge_path(root: &Root<'_>, input: &Arc<Path>, rows: f64) -> Path {
    let (startup, total, disabled) =
        cost::gather_merge(&root.env.settings, input.workers, input.startup_cost, input.total_cost, rows);
    Path {
        kind: PathKind::GatherMerge { input: Arc::clone(input) },
        rows,
        startup_cost: startup,
        total_cost: total,
        disabled_nodes: input.disabled_nodes + disabled,
        parallel_aware: false,
        parallel_safe: false,
        ..Path::clone(input)
    }
}

/// Rows of all workers together, of a partial path (`compute_gather_rows`, which 17 and before do by the relation's
/// own estimate where it has one).
pub fn gathered_rows(root: &Root<'_>, path: &Path) -> f64 {
    crate::planner::path::clamp_rows(path.rows * cost::parallel_divisor(&root.env.settings, path.workers))
}

/// Gathers the cheapest partial path, and merges those in order (`generate_gather_paths`). `override_rows`: the
/// relation's own row count is not that of its partial paths (it was computed for another purpose).
pub fn add_gather_paths(root: &Root<'_>, paths: &mut RelPaths, override_rows: bool) {
    let Some(cheapest) = paths.partial.first().cloned() else { return };
    let rows = |paths: &RelPaths, path: &Path| if override_rows { gathered_rows(root, path) } else { paths.rel.rows };
    let gathered = gather_path(root, &cheapest, rows(paths, &cheapest));
    paths.add(gathered);
    for path in paths.partial.clone() {
        if !path.pathkeys.is_empty() {
            let merged = gather_merge_path(root, &path, rows(paths, &path));
            paths.add(merged);
        }
    }
}

/// Gathers, and sorts below a Gather Merge where an order above may want it (`generate_useful_gather_paths`).
pub fn add_useful_gather_paths(root: &Root<'_>, paths: &mut RelPaths, override_rows: bool) {
    add_gather_paths(root, paths, override_rows);
}
