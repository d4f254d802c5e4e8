//! Gathering workers' rows (`generate_gather_paths`, `generate_useful_gather_paths`), for base relations and joins.

use std::sync::Arc;

use crate::planner::cost::scan as cost;
use crate::planner::expr::Expr;
use crate::planner::exprs::{parallel_safe, returns_set};
use crate::planner::path::{Path, PathKind, RelPaths, clamp_rows, no_keys, pathkeys_common};
use crate::planner::rel::{EcId, PathKey, Rel};
use crate::planner::root::Root;
use crate::planner::wrap;

/// `create_gather_path`; `rows` of all workers together.
pub fn gather_path(root: &Root<'_>, input: &Arc<Path>, rows: f64) -> Path {
    let (startup, total) = cost::gather(&root.env.settings, input.startup_cost, input.total_cost, rows);
    Path {
        kind: PathKind::Gather { input: Arc::clone(input) },
        rows,
        startup_cost: startup,
        total_cost: total,
        pathkeys: no_keys(),
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

/// Rows of all workers together, of a partial path (`compute_gather_rows`). Until 17 the leader's share is forgotten.
pub fn gathered_rows(root: &Root<'_>, path: &Path) -> f64 {
    let settings = &root.env.settings;
    if settings.major >= 18 {
        clamp_rows(path.rows * cost::parallel_divisor(settings, path.workers))
    } else {
        path.rows * f64::from(path.workers)
    }
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

/// Gathers, and sorts below a Gather Merge where the query's order may want it (`generate_useful_gather_paths`).
pub fn add_useful_gather_paths(root: &Root<'_>, paths: &mut RelPaths, override_rows: bool) {
    let Some(cheapest) = paths.partial.first().cloned() else { return };
    add_gather_paths(root, paths, override_rows);
    let wanted = &root.wanted.query;
    let early = wanted.iter().take_while(|key| can_sort_early(root, &paths.rel, key.ec)).count();
    let wanted: Arc<[PathKey]> = match wanted.get(..early) {
        Some(keys) if !keys.is_empty() => Arc::from(keys),
        _ => return,
    };
    let settings = &root.env.settings;
    for path in paths.partial.clone() {
        let presorted = pathkeys_common(&wanted, &path.pathkeys);
        if presorted == wanted.len() {
            continue;
        }
        let incremental = presorted > 0 && settings.enable.incremental_sort;
        let is_cheapest = Arc::ptr_eq(&path, &cheapest);
        // From 16 on a path in part in order is not sorted anew as well.
        if is_cheapest && (!incremental || settings.major < 16) {
            add_merged(root, paths, wrap::sort(settings, Arc::clone(&path), Arc::clone(&wanted), -1.0), override_rows);
        }
        if incremental {
            let sorted = wrap::incremental_sort(root, path, Arc::clone(&wanted), presorted, -1.0);
            add_merged(root, paths, sorted, override_rows);
        }
    }
}

fn add_merged(root: &Root<'_>, paths: &mut RelPaths, sorted: Path, override_rows: bool) {
    let sorted = Arc::new(sorted);
    let rows = if override_rows { gathered_rows(root, &sorted) } else { paths.rel.rows };
    paths.add(gather_merge_path(root, &sorted, rows));
}

/// Whether workers can sort a relation by a class: one of its members can be computed from what the relation emits
/// (`relation_can_be_sorted_early`).
fn can_sort_early(root: &Root<'_>, rel: &Rel, ec: EcId) -> bool {
    let Some(ec) = root.ecs.get(ec).filter(|ec| !ec.has_volatile) else { return false };
    let facts = &root.env.facts;
    let is_emitted = |expr: &Expr| {
        let expr = expr.strip_relabel();
        rel.target.exprs.iter().any(|e| e.strip_relabel() == expr)
    };
    ec.members.iter().filter(|m| !m.is_const && !m.relids.is_empty() && m.relids.is_subset(rel.relids)).any(|m| {
        let computable = is_emitted(&m.expr) || {
            let mut columns = Vec::new();
            m.expr.collect_vars(true, &mut columns);
            !returns_set(&m.expr) && columns.into_iter().all(is_emitted)
        };
        computable && parallel_safe(facts, &m.expr, &|_| false)
    })
}
