//! `min(x)` and `max(x)` read off an index's end (`preprocess_minmax_aggregates`, `create_minmaxagg_path`).

use std::sync::Arc;

use super::agg_cost::aggregates;
use super::{build, level};
use crate::planner::expr::{Aggref, Const, Expr, types};
use crate::planner::path::{Path, PathKind, RelPaths, compare_fractional, pathkeys_contained_in};
use crate::planner::prep;
use crate::planner::query::{FromExpr, JoinTree, Query, RteKind, SortGroup, TargetEntry};
use crate::planner::rel::PathTarget;
use crate::planner::root::{Planning, Root};
use crate::planner::value::Datum;

/// The levels that read one extreme each, planned, where every aggregate of the level is an extreme.
pub(super) fn levels(planning: &Planning<'_, '_>) -> Option<Vec<Arc<RelPaths>>> {
    subroots(planning.root)?.iter().map(|sub| level::plan(sub, planning.indexes, Some(planning))).collect()
}

fn subroots<'r, 'a>(root: &'r Root<'a>) -> Option<&'r Vec<Root<'a>>> {
    root.memo.minmax.get_or_init(|| make_subroots(root)).as_ref()
}

/// A Result over one LIMIT 1 subquery per aggregate, which [`levels`] has planned.
pub(super) fn path(planning: &Planning<'_, '_>, levels: &[Arc<RelPaths>], target: &Arc<PathTarget>) -> Option<Path> {
    let root = planning.root;
    let mut cost = 0.0;
    let mut used = Vec::new();
    for (sub, rel) in subroots(root)?.iter().zip(levels) {
        let path = Arc::clone(first_in_order(sub, rel)?);
        let rows = path.rows.max(1.0);
        cost += path.startup_cost + (path.total_cost - path.startup_cost) / rows;
        used.push(path);
    }
    let settings = &root.env.settings;
    let mut path = build::result(settings, target, crate::planner::rel::QualCost::default());
    path.kind = PathKind::MinMax { inputs: used };
    path.startup_cost = cost + target.cost.startup;
    path.total_cost = cost + target.cost.startup + target.cost.per_tuple + settings.cpu_tuple_cost;
    Some(path)
}

/// The path that gives the first row of the wanted order most cheaply.
fn first_in_order<'p>(sub: &Root<'_>, rel: &'p RelPaths) -> Option<&'p Arc<Path>> {
    let mut best: Option<&Arc<Path>> = None;
    for path in rel.paths.iter().filter(|p| p.param.is_none()) {
        let fraction = if path.rows > 1.0 { 1.0 / path.rows } else { 1.0 };
        // The order must come from the scan: a sort of everything is no gain.
        if pathkeys_contained_in(&sub.wanted.sort, &path.pathkeys)
            && !sorts(path)
            && best.is_none_or(|b| compare_fractional(b, path, fraction).is_gt())
        {
            best = Some(path);
        }
    }
    best
}

fn sorts(path: &Path) -> bool {
    match &path.kind {
        PathKind::Sort { .. } => true,
        PathKind::Limit { input } | PathKind::Result { input: Some(input) } => sorts(input),
        _ => false,
    }
}

/// One prepared level per aggregate; `None` where some aggregate of the level is no extreme.
fn make_subroots<'a>(root: &Root<'a>) -> Option<Vec<Root<'a>>> {
    let query = &root.query;
    let plain = query.has_aggs
        && query.group.is_empty()
        && query.grouping_sets.is_none()
        && !query.has_window_funcs
        && query.ctes.is_empty()
        && root.subplans.is_empty()
        && query.set_operations.is_none();
    if !plain {
        return None;
    }
    let rel = root.all_baserels.singleton()?;
    if !matches!(query.rtable.get(rel)?.kind, RteKind::Table(_)) {
        return None;
    }
    let aggs = aggregates(query.targets.iter().map(|t| &t.expr).chain(&query.having));
    if aggs.is_empty() {
        return None;
    }
    aggs.into_iter().map(|agg| prep::prepare(root.env, one(root, agg)?).ok()).collect()
}

/// `SELECT x FROM … WHERE … AND x IS NOT NULL ORDER BY x LIMIT 1` (`build_minmax_path`).
fn one(root: &Root<'_>, agg: &Aggref) -> Option<Query> {
    let fact = root.env.facts.function(agg.func)?;
    let arg = agg.args.first()?;
    let plain = fact.sort_op != 0
        && agg.args.len() == 1
        && agg.filter.is_none()
        && agg.order_by.is_empty()
        && arg.has_vars()
        && !arg.any(&mut |e| matches!(e, Expr::SubPlan(_) | Expr::Aggref(_)));
    if !plain {
        return None;
    }
    let equality = root.env.facts.sort_operators(arg.ty()).eq;
    let rel = root.all_baserels.singleton()?;
    let mut quals: Vec<Expr> = Vec::new();
    collect_quals(&root.query.jointree, &mut quals);
    quals.push(Expr::NullTest(Box::new(arg.clone()), false));
    let greatest = root.env.facts.operator(fact.sort_op).is_some_and(|op| op.name == ">");
    Some(Query {
        rtable: root.query.rtable.iter().take(root.rels.len()).cloned().collect(),
        jointree: FromExpr { items: vec![JoinTree::Rel(rel)], quals },
        targets: vec![TargetEntry { expr: arg.clone(), name: String::new(), sortgroupref: 1, junk: false }],
        sort: vec![SortGroup {
            sortgroupref: 1,
            eq_op: equality,
            sort_op: fact.sort_op,
            nulls_first: greatest,
            hashable: false,
        }],
        limit: Some(Expr::Const(Const { ty: types::INT8, value: Some(Arc::new(Datum::Int(1))), collation: 0 })),
        ..Query::default()
    })
}

fn collect_quals(from: &FromExpr, quals: &mut Vec<Expr>) {
    from.for_each_qual(&mut |qual| quals.push(qual.clone()));
}
