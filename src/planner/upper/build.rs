//! Makers of the path nodes that stand above scans and joins (`pathnode.c`).

use std::sync::Arc;

use super::agg_cost::{AggCosts, AggInput, Having, cost_agg};
use crate::planner::cost;
use crate::planner::expr::Expr;
use crate::planner::path::{AggSplit, AggStrategy, Path, PathKind, no_keys};
use crate::planner::rel::{PathKey, PathTarget, QualCost};
use crate::planner::root::Planning;
use crate::planner::settings::Settings;
use crate::planner::stats;
use crate::planner::wrap;

/// A target list with its cost and width (`set_pathtarget_cost_width`).
pub(super) fn target(planning: &Planning<'_, '_>, exprs: Vec<Expr>, refs: Vec<u32>) -> Arc<PathTarget> {
    let mut target = PathTarget { exprs, refs, ..PathTarget::default() };
    for expr in &target.exprs {
        target.width = target.width.saturating_add(stats::expr_width(planning.root, expr));
        if !matches!(expr, Expr::Var(_)) {
            target.cost = target.cost + cost::expr_cost(planning.root.env, &planning.subplan_costs, expr);
        }
    }
    Arc::new(target)
}

/// A path that keeps all of its input's properties but those that the caller sets.
fn over(input: &Arc<Path>, kind: PathKind) -> Path {
    Path {
        kind,
        relids: input.relids,
        target: Arc::clone(&input.target),
        rows: input.rows,
        startup_cost: input.startup_cost,
        total_cost: input.total_cost,
        disabled_nodes: input.disabled_nodes,
        pathkeys: Arc::clone(&input.pathkeys),
        param: input.param.clone(),
        parallel_aware: false,
        parallel_safe: input.parallel_safe,
        workers: input.workers,
    }
}

/// Whether a node can compute a target list itself (`is_projection_capable_path`).
fn projects(path: &Path) -> bool {
    match &path.kind {
        PathKind::Material { .. }
        | PathKind::Memoize { .. }
        | PathKind::Sort { .. }
        | PathKind::IncrementalSort { .. }
        | PathKind::Unique { .. }
        | PathKind::SetOp { .. }
        | PathKind::LockRows { .. }
        | PathKind::Limit { .. }
        | PathKind::ModifyTable { .. }
        | PathKind::RecursiveUnion { .. }
        | PathKind::ProjectSet { .. } => false,
        PathKind::Append { inputs, .. } => inputs.is_empty(),
        _ => true,
    }
}

/// The path with another target list (`create_projection_path`, `apply_projection_to_path`): the node itself computes
/// it, or a Result above does.
pub(super) fn project(settings: &Settings, input: &Arc<Path>, target: &Arc<PathTarget>) -> Path {
    let old = input.target.cost;
    let same = input.target.exprs == target.exprs;
    if same || projects(input) {
        let mut path = (**input).clone();
        let startup = target.cost.startup - old.startup;
        path.startup_cost += startup;
        path.total_cost += startup + (target.cost.per_tuple - old.per_tuple) * path.rows;
        path.target = Arc::clone(target);
        return path;
    }
    let mut path = over(input, PathKind::Result { input: Some(Arc::clone(input)) });
    path.startup_cost += target.cost.startup;
    path.total_cost += target.cost.startup + (settings.cpu_tuple_cost + target.cost.per_tuple) * path.rows;
    path.target = Arc::clone(target);
    path
}

/// Set-returning functions of the target list (`create_set_projection_path`).
pub(super) fn project_set(planning: &Planning<'_, '_>, input: &Arc<Path>, target: &Arc<PathTarget>) -> Path {
    let settings = &planning.root.env.settings;
    let factor = target.exprs.iter().map(|e| stats::set_rows(planning.root, e)).fold(1.0, f64::max);
    let mut path = over(input, PathKind::ProjectSet { input: Arc::clone(input) });
    path.rows = input.rows * factor;
    path.startup_cost += target.cost.startup;
    path.total_cost += target.cost.startup
        + (settings.cpu_tuple_cost + target.cost.per_tuple) * input.rows
        + (path.rows - input.rows) * settings.cpu_tuple_cost / 2.0;
    path.target = Arc::clone(target);
    path
}

/// A full sort; `limit` is the number of rows wanted, below 0 for all.
pub(super) fn sort(settings: &Settings, input: &Arc<Path>, keys: &[PathKey], limit: f64) -> Path {
    wrap::sort(settings, Arc::clone(input), keys.into(), limit)
}

/// Sorting what is sorted by the first `presorted` keys already.
pub(super) fn incremental_sort(
    planning: &Planning<'_, '_>,
    input: &Arc<Path>,
    keys: &[PathKey],
    presorted: usize,
    limit: f64,
) -> Path {
    wrap::incremental_sort(planning.root, Arc::clone(input), keys.into(), presorted, limit)
}

/// Duplicates removed by a hash table (`create_agg_path` without aggregates): its target list is charged for again, as
/// the server does.
pub(super) fn hashed_distinct(settings: &Settings, input: &Arc<Path>, columns: usize, rows: f64) -> Path {
    let source = AggInput::from(&**input);
    let costs = AggCosts::default();
    let cost = cost_agg(settings, AggStrategy::Hashed, &costs, columns, rows, source, Having::default());
    let kind = PathKind::Agg { input: Arc::clone(input), strategy: AggStrategy::Hashed, split: AggSplit::Simple };
    let mut path = over(input, kind);
    path.startup_cost = cost.startup + path.target.cost.startup;
    path.total_cost = cost.total + path.target.cost.startup + path.target.cost.per_tuple * cost.rows;
    path.rows = cost.rows;
    path.disabled_nodes += u32::from(cost.disabled);
    path.pathkeys = no_keys();
    path
}

/// Removes adjacent duplicates of sorted rows (`create_upper_unique_path`).
pub(super) fn unique(settings: &Settings, input: &Arc<Path>, columns: usize, groups: f64) -> Path {
    let mut path = over(input, PathKind::Unique { input: Arc::clone(input) });
    path.total_cost += settings.cpu_operator_cost * input.rows * columns as f64;
    path.rows = groups;
    path
}

/// LIMIT and OFFSET: 0 for none, below 0 for unknown (`adjust_limit_rows_costs`).
pub(super) fn limit(input: &Arc<Path>, offset: f64, count: f64) -> Path {
    let mut path = over(input, PathKind::Limit { input: Arc::clone(input) });
    let run = input.total_cost - input.startup_cost;
    if offset != 0.0 {
        let skipped = if offset > 0.0 { offset } else { crate::planner::path::clamp_rows(input.rows * 0.10) };
        let skipped = skipped.min(path.rows);
        if input.rows > 0.0 {
            path.startup_cost += run * skipped / input.rows;
        }
        path.rows = (path.rows - skipped).max(1.0);
    }
    if count != 0.0 {
        let wanted = if count > 0.0 { count } else { crate::planner::path::clamp_rows(input.rows * 0.10) };
        let wanted = wanted.min(path.rows);
        if input.rows > 0.0 {
            path.total_cost = path.startup_cost + run * wanted / input.rows;
        }
        path.rows = wanted.max(1.0);
    }
    path
}

/// FOR UPDATE and its like (`create_lockrows_path`).
pub(super) fn lock_rows(settings: &Settings, input: &Arc<Path>) -> Path {
    let mut path = over(input, PathKind::LockRows { input: Arc::clone(input) });
    path.total_cost += settings.cpu_tuple_cost * input.rows;
    // The order may change when a row is updated meanwhile.
    path.pathkeys = no_keys();
    path.parallel_safe = false;
    path
}

/// A row of constants (`create_group_result_path`).
pub(super) fn result(settings: &Settings, target: &Arc<PathTarget>, quals: QualCost) -> Path {
    let startup = target.cost.startup + quals.startup;
    Path {
        kind: PathKind::Result { input: None },
        relids: crate::planner::Relids::EMPTY,
        target: Arc::clone(target),
        rows: 1.0,
        startup_cost: startup,
        // As the server does: the quals' cost is charged once more for their only row.
        total_cost: startup + quals.per_tuple + settings.cpu_tuple_cost + target.cost.per_tuple,
        disabled_nodes: 0,
        pathkeys: no_keys(),
        param: None,
        parallel_aware: false,
        parallel_safe: false,
        workers: 0,
    }
}

/// A node above `input` that keeps its figures: the caller sets what differs.
pub(super) fn node(input: &Arc<Path>, kind: PathKind) -> Path {
    over(input, kind)
}
