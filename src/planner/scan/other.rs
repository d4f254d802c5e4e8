//! Scans of what is no table: subqueries, functions, VALUES, WITH queries (`set_subquery_pathlist` and its like).

use std::sync::Arc;

use super::plain::scanned;
use super::{always_required, base_param_info, scan_path};
use crate::planner::cost::expr_cost;
use crate::planner::cost::scan as cost;
use crate::planner::expr::Expr;
use crate::planner::path::{ParamInfo, Path, PathKind, RelPaths, clamp_rows};
use crate::planner::query::{JoinType, RteKind};
use crate::planner::rel::{BaseRel, QualCost, Rel};
use crate::planner::root::Planning;
use crate::planner::stats;

/// Adds the scans of an entry that is no table; `false` if it is one.
pub(super) fn add_paths(planning: &Planning<'_, '_>, paths: &mut RelPaths, base: &BaseRel) -> bool {
    let root = planning.root;
    let rel = Arc::clone(&paths.rel);
    let Some(entry) = root.query.rtable.get(base.rel) else { return false };
    let settings = &root.env.settings;
    let param = base_param_info(root, &rel, always_required(&rel));
    let scanned = scanned(planning, &rel, base, param.as_ref());
    let (kind, cost) = match &entry.kind {
        RteKind::Table(_) | RteKind::Unknown { .. } => return false,
        RteKind::Subquery(query) => {
            let columns = query.targets.len();
            add_subquery(planning, paths, &rel, base, param.as_ref(), columns);
            return true;
        }
        RteKind::Function { calls, .. } => {
            let sum = |all: QualCost, e: &Expr| all + expr_cost(root.env, &planning.subplan_costs, e);
            let call = calls.iter().fold(QualCost::default(), sum);
            (PathKind::FunctionScan { rel: base.rel }, cost::functionscan(settings, &scanned, call))
        }
        RteKind::Values { .. } => (PathKind::ValuesScan { rel: base.rel }, cost::valuesscan(settings, &scanned)),
        RteKind::Cte { self_reference: true, .. } => {
            (PathKind::WorkTableScan { rel: base.rel }, cost::ctescan(settings, &scanned))
        }
        RteKind::Cte { name, .. } => {
            (PathKind::CteScan { rel: base.rel, name: name.clone() }, cost::ctescan(settings, &scanned))
        }
        RteKind::Result => (PathKind::Result { input: None }, cost::resultscan(settings, &scanned)),
    };
    paths.add(Path { param, ..scan_path(&rel, kind, cost) });
    true
}

/// A scan over each of the subquery's paths (`create_subqueryscan_path`).
fn add_subquery(
    planning: &Planning<'_, '_>,
    paths: &mut RelPaths,
    rel: &Rel,
    base: &BaseRel,
    param: Option<&Arc<ParamInfo>>,
    columns: usize,
) {
    let root = planning.root;
    let Some(inner) = planning.subquery_rels.get(&base.rel) else {
        root.note("a subquery in FROM that has no plan");
        return;
    };
    let mut quals = param.map_or_else(Vec::new, |p| p.clauses.clone());
    quals.extend(rel.restrict.iter().cloned());
    let share = stats::clauselist_selectivity(root, &quals, Some(base.rel), JoinType::Inner, None);
    let in_order = |(i, e): (usize, &Expr)| matches!(e, Expr::Var(v) if v.rel == base.rel && usize::try_from(v.attno).is_ok_and(|a| a == i + 1));
    let newer = root.env.settings.major >= 15;
    // Until 15 the node is costed even if it will not be there.
    let elided = root.env.settings.major >= 16
        && quals.is_empty()
        && rel.target.exprs.len() == columns
        && rel.target.exprs.iter().enumerate().all(in_order);
    let scan = |input: &Arc<Path>| {
        let mut scanned = scanned(planning, rel, base, param);
        scanned.tuples = input.rows;
        if newer {
            scanned.rows = clamp_rows(input.rows * share);
        }
        let figures = cost::subqueryscan(&root.env.settings, &scanned, input.startup_cost, input.total_cost, elided);
        let kind = PathKind::SubqueryScan { rel: base.rel, input: Arc::clone(input) };
        Path {
            param: param.cloned(),
            parallel_safe: rel.consider_parallel && input.parallel_safe,
            workers: input.workers,
            disabled_nodes: input.disabled_nodes,
            ..scan_path(rel, kind, figures)
        }
    };
    for input in &inner.paths {
        paths.add(scan(input));
    }
    if rel.consider_parallel && param.is_none() {
        for input in &inner.partial {
            paths.add_partial(scan(input));
        }
    }
}
