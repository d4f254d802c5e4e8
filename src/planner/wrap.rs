//! Paths on top of one path: Sort, Incremental Sort, Materialize (`create_sort_path` and its like in
//! `pathnode.c`). Joins, scans and the upper levels all use them.

use std::sync::Arc;

use super::cost::costs::Costs;
use super::cost::sort;
use super::expr::Expr;
use super::path::{Path, PathKind};
use super::rel::PathKey;
use super::root::Root;
use super::settings::Settings;
use super::stats;

/// A path over `input` that keeps its target, parameters, rows and workers: what most nodes do.
fn over(input: &Path, kind: PathKind, costs: Costs, pathkeys: Arc<[PathKey]>) -> Path {
    Path {
        kind,
        relids: input.relids,
        target: Arc::clone(&input.target),
        rows: input.rows,
        startup_cost: costs.startup,
        total_cost: costs.total,
        disabled_nodes: costs.disabled_nodes,
        pathkeys,
        param: input.param.clone(),
        parallel_aware: false,
        parallel_safe: input.parallel_safe,
        workers: input.workers,
    }
}

/// A full sort (`create_sort_path`); `limit_tuples` is -1 where all rows are wanted.
pub fn sort(settings: &Settings, input: Arc<Path>, pathkeys: Arc<[PathKey]>, limit_tuples: f64) -> Path {
    let costs = sort::cost_sort(settings, Costs::from(&*input), input.rows, input.target.width, 0.0, limit_tuples);
    over(&Arc::clone(&input), PathKind::Sort { input }, costs, pathkeys)
}

/// A sort of an input that has its first `presorted` keys in order (`create_incremental_sort_path`).
pub fn incremental_sort(
    root: &Root<'_>,
    input: Arc<Path>,
    pathkeys: Arc<[PathKey]>,
    presorted: usize,
    limit_tuples: f64,
) -> Path {
    let groups = presorted_groups(root, &pathkeys, presorted, input.rows);
    let width = input.target.width;
    let settings = &root.env.settings;
    let costs =
        sort::cost_incremental_sort(settings, Costs::from(&*input), input.rows, groups, width, 0.0, limit_tuples);
    over(&Arc::clone(&input), PathKind::IncrementalSort { input }, costs, pathkeys)
}

/// Distinct values of the first `presorted` keys among so many rows.
pub fn presorted_groups(root: &Root<'_>, pathkeys: &[PathKey], presorted: usize, rows: f64) -> f64 {
    let rows = rows.max(2.0);
    let first = |key: &PathKey| root.ecs.get(key.ec)?.members.first().map(|m| m.expr.clone());
    let exprs: Option<Vec<Expr>> = pathkeys.iter().take(presorted).map(first).collect();
    exprs.map_or(rows.min(200.0), |exprs| stats::num_groups(root, &exprs, rows))
}

/// Rows kept in memory or a file to be read again (`create_material_path`).
pub fn material(settings: &Settings, input: Arc<Path>) -> Path {
    let costs = sort::cost_material(settings, Costs::from(&*input), input.rows, input.target.width);
    let pathkeys = Arc::clone(&input.pathkeys);
    over(&Arc::clone(&input), PathKind::Material { input }, costs, pathkeys)
}
