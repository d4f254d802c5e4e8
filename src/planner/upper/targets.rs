//! What each stage above the joins computes (`grouping_planner`'s path targets).

use std::sync::Arc;

use super::build;
use crate::planner::expr::Expr;
use crate::planner::exprs::{contains_volatile, returns_set};
use crate::planner::path::RelPaths;
use crate::planner::query::Query;
use crate::planner::rel::PathTarget;
use crate::planner::root::Planning;
use crate::planner::scan::gather;

/// The targets of the stages, from the last to the first.
#[derive(Debug)]
pub struct Targets {
    /// The statement's own.
    pub(super) last: Arc<PathTarget>,
    /// Before ORDER BY.
    pub(super) sort_input: Arc<PathTarget>,
    /// Before the windows: what grouping gives.
    pub(super) grouping: Arc<PathTarget>,
    /// What scans and joins give.
    pub(super) scan_join: Arc<PathTarget>,
    /// Whether there is anything to group.
    pub(super) grouping_needed: bool,
}

impl Targets {
    /// Remembered, where no subquery's cost enters them.
    pub(super) fn of(planning: &Planning<'_, '_>) -> Arc<Self> {
        if !planning.root.subplans.is_empty() {
            return Arc::new(Self::make(planning));
        }
        Arc::clone(planning.root.memo.targets.get_or_init(|| Arc::new(Self::make(planning))))
    }

    fn make(planning: &Planning<'_, '_>) -> Self {
        let query = &planning.root.query;
        let exprs = query.targets.iter().map(|t| t.expr.clone()).collect();
        let refs = query.targets.iter().map(|t| t.sortgroupref).collect();
        let last = build::target(planning, exprs, refs);
        let sort_input = if query.sort.is_empty() { Arc::clone(&last) } else { sort_input(planning, &last) };
        let grouping = if query.has_window_funcs && !query.windows.is_empty() {
            let keep: Vec<u32> = query
                .windows
                .iter()
                .flat_map(|w| w.partition.iter().chain(&w.order))
                .chain(&query.group)
                .map(|g| g.sortgroupref)
                .collect();
            flatten(planning, &sort_input, &keep, false, &[])
        } else {
            Arc::clone(&sort_input)
        };
        let grouping_needed = needs_grouping(query);
        let scan_join = if grouping_needed {
            let keep: Vec<u32> = query.group.iter().map(|g| g.sortgroupref).collect();
            flatten(planning, &grouping, &keep, true, &query.having)
        } else {
            Arc::clone(&grouping)
        };
        Self { last, sort_input, grouping, scan_join, grouping_needed }
    }
}

/// Whether there is an aggregate, GROUP BY or HAVING.
fn needs_grouping(query: &Query) -> bool {
    query.has_aggs || !query.group.is_empty() || query.grouping_sets.is_some() || !query.having.is_empty()
}

/// The columns named in `keep` whole, the columns (and, unless `into_aggs`, aggregates) that the others read
/// (`make_group_input_target`, `make_window_input_target`).
fn flatten(
    planning: &Planning<'_, '_>,
    target: &PathTarget,
    keep: &[u32],
    into_aggs: bool,
    more: &[Expr],
) -> Arc<PathTarget> {
    let mut exprs: Vec<Expr> = Vec::new();
    let mut refs: Vec<u32> = Vec::new();
    let mut rest: Vec<&Expr> = Vec::new();
    for (expr, sortref) in target.exprs.iter().zip(&target.refs) {
        if *sortref != 0 && keep.contains(sortref) {
            exprs.push(expr.clone());
            refs.push(*sortref);
        } else {
            rest.push(expr);
        }
    }
    let mut vars: Vec<&Expr> = Vec::new();
    for expr in rest.into_iter().chain(more) {
        expr.collect_vars(into_aggs, &mut vars);
    }
    for var in vars {
        if !exprs.contains(var) {
            exprs.push(var.clone());
            refs.push(0);
        }
    }
    build::target(planning, exprs, refs)
}

/// What is computed before sorting: set-returning, volatile and expensive columns can wait until after
/// (`make_sort_input_target`).
fn sort_input(planning: &Planning<'_, '_>, last: &Arc<PathTarget>) -> Arc<PathTarget> {
    let root = planning.root;
    let query = &root.query;
    let sorted = |sortref: u32| sortref != 0 && query.sort.iter().any(|s| s.sortgroupref == sortref);
    let expensive = 10.0 * root.env.settings.cpu_operator_cost;
    let (mut set_sorted, mut has_set, mut has_volatile, mut has_expensive) = (false, false, false, false);
    let mut costly: Vec<(bool, bool, bool)> = Vec::with_capacity(last.exprs.len());
    for (expr, sortref) in last.exprs.iter().zip(&last.refs) {
        let set = query.has_target_srfs && returns_set(expr);
        if sorted(*sortref) {
            set_sorted |= set;
            costly.push((false, false, false));
            continue;
        }
        let volatile = !set && contains_volatile(&root.env.facts, expr);
        let cost = crate::planner::cost::expr_cost(root.env, &planning.subplan_costs, expr);
        let dear = !set && !volatile && (cost.per_tuple > expensive || cost.startup > expensive);
        has_set |= set;
        has_volatile |= volatile;
        has_expensive |= dear;
        costly.push((set, volatile, dear));
    }
    let later_sets = has_set && !set_sorted;
    let later_expensive = has_expensive && (query.limit.is_some() || root.tuple_fraction > 0.0);
    if !later_sets && !has_volatile && !later_expensive {
        return Arc::clone(last);
    }
    let mut exprs: Vec<Expr> = Vec::new();
    let mut refs: Vec<u32> = Vec::new();
    let mut later: Vec<&Expr> = Vec::new();
    for ((expr, sortref), (set, volatile, dear)) in last.exprs.iter().zip(&last.refs).zip(costly) {
        if volatile || (later_sets && set) || (later_expensive && dear) {
            later.push(expr);
        } else {
            exprs.push(expr.clone());
            refs.push(*sortref);
        }
    }
    let mut vars: Vec<&Expr> = Vec::new();
    for expr in later {
        expr.collect_vars(false, &mut vars);
    }
    for var in vars {
        if !exprs.contains(var) {
            exprs.push(var.clone());
            refs.push(0);
        }
    }
    build::target(planning, exprs, refs)
}

/// Has every path of the scan/join relation compute a target, and lets workers' paths be gathered
/// (`apply_scanjoin_target_to_paths`).
pub(super) fn apply_scan_join(planning: &Planning<'_, '_>, rel: &mut RelPaths, target: &Arc<PathTarget>) {
    let settings = &planning.root.env.settings;
    let without_sets = if target.exprs.iter().any(returns_set) {
        let mut vars: Vec<&Expr> = Vec::new();
        for expr in &target.exprs {
            expr.collect_vars(true, &mut vars);
        }
        let exprs: Vec<Expr> = vars.into_iter().cloned().collect();
        let refs = vec![0; exprs.len()];
        build::target(planning, exprs, refs)
    } else {
        Arc::clone(target)
    };
    if !Arc::ptr_eq(&rel.rel.target, &without_sets) && rel.rel.target.exprs != without_sets.exprs {
        for path in rel.paths.iter_mut().chain(&mut rel.partial) {
            *path = Arc::new(build::project(settings, path, &without_sets));
        }
    }
    let mut described = (*rel.rel).clone();
    described.target = without_sets;
    rel.rel = Arc::new(described);
    split_sets(planning, rel, target);
    if rel.rel.consider_parallel {
        gather::add_useful_gather_paths(planning.root, rel, false);
    }
    rel.set_cheapest();
}

/// Puts a ProjectSet on top where the target has set-returning functions that the paths do not give yet
/// (`adjust_paths_for_srfs`).
pub(super) fn split_sets(planning: &Planning<'_, '_>, rel: &mut RelPaths, target: &Arc<PathTarget>) {
    let wanted = planning.root.query.has_target_srfs && target.exprs.iter().any(returns_set);
    let given = rel.paths.first().is_some_and(|p| p.target.exprs == target.exprs && has_project_set(p));
    if !wanted || given {
        return;
    }
    for path in rel.paths.iter_mut().chain(&mut rel.partial) {
        *path = Arc::new(build::project_set(planning, path, target));
    }
    let mut described = (*rel.rel).clone();
    described.target = Arc::clone(target);
    rel.rel = Arc::new(described);
    rel.set_cheapest();
}

/// Whether the set-returning functions ran already, below sorts and the like.
fn has_project_set(path: &crate::planner::path::Path) -> bool {
    use crate::planner::path::PathKind;
    match &path.kind {
        PathKind::ProjectSet { .. } => true,
        PathKind::Sort { input }
        | PathKind::IncrementalSort { input, .. }
        | PathKind::Unique { input }
        | PathKind::Agg { input, .. }
        | PathKind::WindowAgg { input }
        | PathKind::Gather { input }
        | PathKind::GatherMerge { input } => has_project_set(input),
        _ => false,
    }
}
