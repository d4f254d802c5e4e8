//! UNION, INTERSECT, EXCEPT and recursive WITH (`plan_set_operations`, prepunion.c).

use std::sync::Arc;

use super::{build, upper_rel};
use crate::planner::expr::Expr;
use crate::planner::path::{Path, PathKind, RelPaths, no_keys};
use crate::planner::query::{RteKind, SetOperation, SetOperator, SortGroup};
use crate::planner::rel::{PathKey, PathTarget};
use crate::planner::relids::RelId;
use crate::planner::root::Planning;
use crate::planner::{scan, stats};

/// The result of a level that is a set operation.
pub(super) fn plan(planning: &mut Planning<'_, '_>) -> Option<RelPaths> {
    let root = planning.root;
    let tree = root.query.set_operations.as_ref()?;
    let exprs: Vec<Expr> = root.query.targets.iter().map(|t| t.expr.clone()).collect();
    let refs = root.query.targets.iter().map(|t| t.sortgroupref).collect();
    let target = build::target(planning, exprs, refs);
    let recursive = root.query.rtable.iter().any(|rte| recursive_below(&rte.kind, 0));
    let mut rel = upper_rel(planning, &target, false);
    if let (true, SetOperation::Node { op: SetOperator::Union, all, left, right, group, .. }) = (recursive, tree) {
        rel.add(recursive_union(planning, left, right, *all, group, &target)?);
    } else {
        for path in branch(planning, tree, &target)?.paths {
            rel.add(path);
        }
    }
    rel.set_cheapest();
    Some(rel)
}

/// Whether a subquery reads the WITH query that is being defined `depth + 1` levels up.
fn recursive_below(kind: &RteKind, depth: u32) -> bool {
    match kind {
        RteKind::Cte { self_reference, .. } => *self_reference && depth > 0,
        RteKind::Subquery(query) => query.rtable.iter().any(|rte| recursive_below(&rte.kind, depth + 1)),
        _ => false,
    }
}

/// A branch with what the operation above asks of it.
struct Branch {
    paths: Vec<Path>,
    /// Distinct rows.
    groups: f64,
}

fn branch(planning: &mut Planning<'_, '_>, tree: &SetOperation, target: &Arc<PathTarget>) -> Option<Branch> {
    match tree {
        SetOperation::Leaf(rel) => leaf(planning, *rel, target),
        SetOperation::Node { op: SetOperator::Union, all, group, .. } => {
            let mut inputs = Vec::new();
            union_inputs(tree, *all, &mut inputs);
            union(planning, &inputs, *all, group, target)
        }
        SetOperation::Node { op, all, left, right, group, .. } => {
            let (l, r) = (branch(planning, left, target)?, branch(planning, right, target)?);
            intersect_or_except(planning, *op, *all, l, r, group, target)
        }
    }
}

/// The branches of nested UNIONs of one kind: a UNION swallows every UNION below it, a UNION ALL its like
/// (`plan_union_children`).
fn union_inputs<'t>(tree: &'t SetOperation, top_all: bool, inputs: &mut Vec<&'t SetOperation>) {
    match tree {
        SetOperation::Node { op: SetOperator::Union, all, left, right, .. } if *all == top_all || !top_all => {
            union_inputs(left, top_all, inputs);
            union_inputs(right, top_all, inputs);
        }
        other => inputs.push(other),
    }
}

/// A subquery (`recurse_set_operations`).
fn leaf(planning: &mut Planning<'_, '_>, rel: RelId, target: &Arc<PathTarget>) -> Option<Branch> {
    scan::base_paths(planning, rel);
    let sub = planning.root.subqueries.get(&rel)?;
    let query = &sub.query;
    let paths = planning.base.get(rel)?.as_ref()?;
    let cheapest = paths.cheapest_total.as_ref()?;
    let distinct_already = !query.group.is_empty()
        || query.grouping_sets.is_some()
        || !query.distinct.is_empty()
        || query.has_aggs
        || !query.having.is_empty();
    let rows =
        planning.subquery_rels.get(&rel).and_then(|r| r.cheapest_total.as_ref()).map_or(cheapest.rows, |p| p.rows);
    let groups = if distinct_already {
        rows
    } else {
        let exprs: Vec<Expr> = query.targets.iter().filter(|t| !t.junk).map(|t| t.expr.clone()).collect();
        stats::num_groups(sub, &exprs, rows)
    };
    let mut found: Vec<Path> = paths.paths.iter().map(|p| (**p).clone()).collect();
    // The cheapest first: that is the one a set operation takes.
    found.sort_by(crate::planner::path::compare_total);
    for path in &mut found {
        path.target = Arc::clone(target);
    }
    Some(Branch { paths: found, groups })
}

/// An Append of paths (`create_append_path`).
fn append(inputs: &[Arc<Path>], target: &Arc<PathTarget>, cpu_tuple_cost: f64) -> Option<Path> {
    let first = Arc::clone(inputs.first()?);
    let mut path = build::node(&first, PathKind::Append { inputs: inputs.to_vec() });
    path.rows = inputs.iter().map(|p| p.rows).sum();
    path.total_cost = inputs.iter().map(|p| p.total_cost).sum();
    // `APPEND_CPU_COST_MULTIPLIER`: half a tuple's cost.
    path.total_cost += cpu_tuple_cost * 0.5 * path.rows;
    path.startup_cost = first.startup_cost;
    path.disabled_nodes = inputs.iter().map(|p| p.disabled_nodes).sum();
    path.pathkeys = no_keys();
    path.parallel_safe = false;
    path.target = Arc::clone(target);
    Some(path)
}

/// UNION and UNION ALL (`generate_union_paths`).
fn union(
    planning: &mut Planning<'_, '_>,
    branches: &[&SetOperation],
    all: bool,
    group: &[SortGroup],
    target: &Arc<PathTarget>,
) -> Option<Branch> {
    let mut inputs = Vec::new();
    let mut groups = 0.0;
    for tree in branches {
        let one = branch(planning, tree, target)?;
        groups += one.groups;
        let flat = if all { flattened(planning, tree) } else { None };
        inputs.push(match flat {
            Some(path) => path,
            None => Arc::new(one.paths.into_iter().next()?),
        });
    }
    let settings = &planning.root.env.settings;
    let appended = append(&inputs, target, settings.cpu_tuple_cost)?;
    if all {
        let groups = appended.rows;
        return Some(Branch { paths: vec![appended], groups });
    }
    let input = Arc::new(appended);
    // Before 17 all rows were taken to differ.
    let rows = if settings.major >= 17 { groups } else { input.rows };
    let mut paths = Vec::new();
    if group.iter().all(|g| g.hashable) {
        paths.push(build::hashed_distinct(settings, &input, group.len(), rows));
    }
    if group.iter().all(|g| g.sort_op != 0) {
        let sorted = Arc::new(build::sort(settings, &input, &keys(planning), -1.0));
        paths.push(build::unique(settings, &sorted, group.len(), rows));
    }
    paths.sort_by(crate::planner::path::compare_total);
    Some(Branch { paths, groups: rows })
}

/// A branch of UNION ALL that is read without a scan of its own: `flatten_simple_union_all` makes the branches children
/// of one relation, and simple ones are merged into it.
fn flattened(planning: &Planning<'_, '_>, tree: &SetOperation) -> Option<Arc<Path>> {
    let SetOperation::Leaf(rel) = tree else { return None };
    let query = &planning.root.subqueries.get(rel)?.query;
    // Only what reads one relation without conditions is merged (`is_safe_append_member`).
    let one = matches!(query.jointree.items.as_slice(), [crate::planner::query::JoinTree::Rel(_)]);
    let simple = one
        && query.jointree.quals.is_empty()
        && query.set_operations.is_none()
        && !query.has_aggs
        && !query.has_window_funcs
        && query.group.is_empty()
        && query.having.is_empty()
        && query.sort.is_empty()
        && query.distinct.is_empty()
        && query.limit.is_none()
        && query.offset.is_none();
    let paths = planning.subquery_rels.get(rel)?;
    if simple { paths.cheapest_total.clone() } else { None }
}

/// The order that a set operation's columns sort in. Before 17 nothing above makes use of it.
fn keys(planning: &Planning<'_, '_>) -> Vec<PathKey> {
    planning.root.wanted.setop.clone()
}

/// INTERSECT and EXCEPT (`generate_nonunion_paths`, `create_setop_path`).
fn intersect_or_except(
    planning: &Planning<'_, '_>,
    op: SetOperator,
    all: bool,
    left: Branch,
    right: Branch,
    group: &[SortGroup],
    target: &Arc<PathTarget>,
) -> Option<Branch> {
    let settings = &planning.root.env.settings;
    let intersect = op == SetOperator::Intersect;
    let (groups_left, groups_right) = (left.groups, right.groups);
    let (left, right) = (Arc::new(left.paths.into_iter().next()?), Arc::new(right.paths.into_iter().next()?));
    let groups = if intersect { groups_left.min(groups_right) } else { groups_left };
    let rows = match (all, intersect) {
        (false, _) => groups,
        (true, true) => left.rows.min(right.rows),
        (true, false) => left.rows,
    };
    // The smaller side of an INTERSECT goes into the hash table.
    let (first, second) = if intersect && groups_left > groups_right { (right, left) } else { (left, right) };
    let columns = group.len() as f64;
    let unit = settings.cpu_operator_cost;
    let mut paths = Vec::new();
    let hashable = group.iter().all(|g| g.hashable) && settings.enable.hashagg;
    if settings.major >= 18 {
        let make = |first: &Arc<Path>, second: &Arc<Path>, hashed: bool| {
            let inputs = vec![Arc::clone(first), Arc::clone(second)];
            let mut path = build::node(first, PathKind::SetOp { inputs, hashed });
            path.startup_cost = first.startup_cost + second.startup_cost;
            let read = unit * (first.rows + second.rows) * columns;
            if hashed {
                path.startup_cost = first.total_cost + second.total_cost + read;
                path.total_cost = path.startup_cost + settings.cpu_tuple_cost * rows;
            } else {
                path.total_cost = first.total_cost + second.total_cost + read + unit * rows;
            }
            path.rows = rows;
            path.target = Arc::clone(target);
            path.parallel_safe = false;
            path.pathkeys = no_keys();
            path
        };
        if hashable {
            paths.push(make(&first, &second, true));
        }
        if group.iter().all(|g| g.sort_op != 0) {
            let order = keys(planning);
            let sorted = |p: &Arc<Path>| Arc::new(build::sort(settings, p, &order, -1.0));
            paths.push(make(&sorted(&first), &sorted(&second), false));
        }
    } else {
        let input = Arc::new(append(&[first, second], target, settings.cpu_tuple_cost)?);
        let make = |input: &Arc<Path>, hashed: bool| {
            let mut path = build::node(input, PathKind::SetOp { inputs: vec![Arc::clone(input)], hashed });
            path.total_cost += unit * input.rows * columns;
            path.rows = rows;
            path.pathkeys = no_keys();
            path
        };
        let sorted = Arc::new(build::sort(settings, &input, &keys(planning), -1.0));
        // Hashing wins unless sorting is cheaper in total (`choose_hashed_setop`).
        let by_hash = build::hashed_distinct(settings, &input, group.len(), groups);
        let by_sort = sorted.total_cost + unit * input.rows * columns;
        let hash = hashable && (group.iter().any(|g| g.sort_op == 0) || by_hash.total_cost <= by_sort);
        paths.push(if hash { make(&input, true) } else { make(&sorted, false) });
    }
    paths.sort_by(crate::planner::path::compare_total);
    Some(Branch { paths, groups })
}

/// WITH RECURSIVE (`generate_recursion_path`, `cost_recursive_union`).
fn recursive_union(
    planning: &mut Planning<'_, '_>,
    left: &SetOperation,
    right: &SetOperation,
    all: bool,
    group: &[SortGroup],
    target: &Arc<PathTarget>,
) -> Option<Path> {
    let _ = (all, group);
    let first = Arc::new(branch(planning, left, target)?.paths.into_iter().next()?);
    let again = Arc::new(branch(planning, right, target)?.paths.into_iter().next()?);
    let settings = &planning.root.env.settings;
    let kind = PathKind::RecursiveUnion { left: Arc::clone(&first), right: Arc::clone(&again) };
    let mut path = build::node(&first, kind);
    // Ten rounds are assumed.
    path.rows = first.rows + 10.0 * again.rows;
    path.total_cost = first.total_cost + 10.0 * again.total_cost + settings.cpu_tuple_cost * path.rows;
    path.pathkeys = no_keys();
    path.target = Arc::clone(target);
    path.parallel_safe = false;
    Some(path)
}
