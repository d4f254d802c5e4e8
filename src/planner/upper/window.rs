//! Window functions (`create_window_paths`, `cost_windowagg`).

use std::sync::Arc;

use super::agg_cost::walk;
use super::{build, upper_rel};
use crate::planner::cost;
use crate::planner::expr::Expr;
use crate::planner::path::{Path, PathKind, RelPaths, pathkeys_common};
use crate::planner::query::WindowClause;
use crate::planner::rel::PathTarget;
use crate::planner::root::Planning;
use crate::planner::{prep, stats};

/// The relation with its window functions computed.
pub(super) fn rel(planning: &Planning<'_, '_>, input: &RelPaths, target: &Arc<PathTarget>) -> RelPaths {
    let settings = &planning.root.env.settings;
    let mut windowed = upper_rel(planning, target, input.rel.consider_parallel);
    let keys = &planning.root.wanted.window;
    for path in input.paths.iter().filter(|p| p.param.is_none()) {
        let is_cheapest = input.cheapest_total.as_ref().is_some_and(|c| Arc::ptr_eq(c, path));
        let common = pathkeys_common(keys, &path.pathkeys);
        if !is_cheapest && common < keys.len() && (common == 0 || !settings.enable.incremental_sort) {
            continue;
        }
        windowed.add(one(planning, path, target));
    }
    windowed.set_cheapest();
    windowed
}

/// All windows over one path, the longest order first (`create_one_window_path`, `select_active_windows`).
fn one(planning: &Planning<'_, '_>, input: &Arc<Path>, target: &Arc<PathTarget>) -> Path {
    let root = planning.root;
    let settings = &root.env.settings;
    let mut windows: Vec<(usize, &WindowClause)> = root.query.windows.iter().enumerate().collect();
    windows.sort_by_key(|(_, w)| std::cmp::Reverse(w.partition.len() + w.order.len()));
    let mut current = Arc::clone(input);
    for (number, (i, window)) in windows.iter().enumerate() {
        let clauses: Vec<_> = window.partition.iter().chain(&window.order).copied().collect();
        let keys = prep::pathkeys::for_sort_groups(root, &clauses);
        let common = pathkeys_common(&keys, &current.pathkeys);
        if common < keys.len() {
            current = Arc::new(if common > 0 && settings.enable.incremental_sort {
                build::incremental_sort(planning, &current, &keys, common, -1.0)
            } else {
                build::sort(settings, &current, &keys, -1.0)
            });
        }
        let functions = functions(target, *i);
        let mut path = build::node(&current, PathKind::WindowAgg { input: Arc::clone(&current) });
        let rows = current.rows;
        for call in functions {
            let Expr::WindowFunc(f) = call else { continue };
            let mut per_tuple = root.env.facts.function(f.func).map_or(1.0, |f| f.cost) * settings.cpu_operator_cost;
            for arg in f.args.iter().chain(&f.filter) {
                let cost = cost::expr_cost(root.env, &planning.subplan_costs, arg);
                path.startup_cost += cost.startup;
                path.total_cost += cost.startup;
                per_tuple += cost.per_tuple;
            }
            path.total_cost += per_tuple * rows;
        }
        let columns = clauses.len() as f64;
        path.total_cost += settings.cpu_operator_cost * columns * rows + settings.cpu_tuple_cost * rows;
        if settings.major >= 16 {
            let first = startup_rows(planning, window, rows);
            if first > 1.0 {
                path.startup_cost += (path.total_cost - path.startup_cost) / rows * (first - 1.0);
            }
        }
        // The last window computes the level's targets, the others hand on.
        if number + 1 == windows.len() {
            path.startup_cost += target.cost.startup;
            path.total_cost += target.cost.startup + target.cost.per_tuple * rows;
            path.target = Arc::clone(target);
        }
        current = Arc::new(path);
    }
    Arc::unwrap_or_clone(current)
}

/// Rows that must be read before the first can be given (`get_windowclause_startup_tuples`), for the default frame.
fn startup_rows(planning: &Planning<'_, '_>, window: &WindowClause, rows: f64) -> f64 {
    let groups = |clauses: &[crate::planner::query::SortGroup], within: f64| {
        let find = |sortref: u32| planning.root.query.targets.iter().find(|t| t.sortgroupref == sortref);
        let exprs: Vec<Expr> = clauses.iter().filter_map(|c| find(c.sortgroupref)).map(|t| t.expr.clone()).collect();
        stats::num_groups(planning.root, &exprs, within)
    };
    let partition = if window.partition.is_empty() { rows } else { rows / groups(&window.partition, rows) };
    if window.order.is_empty() {
        return partition.round_ties_even().max(1.0);
    }
    // Up to the end of the first group of peers, and one more row to see that it ends.
    let peers = partition / groups(&window.order, partition);
    (peers.round_ties_even() + 1.0).min(partition).max(1.0)
}

/// The window functions of one window, each once.
fn functions(target: &PathTarget, window: usize) -> Vec<&Expr> {
    let mut found: Vec<&Expr> = Vec::new();
    for expr in &target.exprs {
        walk(expr, &mut |e| {
            if matches!(e, Expr::WindowFunc(f) if f.window == window) {
                found.push(e);
            }
        });
    }
    let mut once: Vec<&Expr> = Vec::new();
    for call in found {
        if !once.contains(&call) {
            once.push(call);
        }
    }
    once
}
