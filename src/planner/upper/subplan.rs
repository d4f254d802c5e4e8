//! Subqueries in expressions: which plan, and what an evaluation costs (`make_subplan`, `build_subplan`,
//! `cost_subplan`).

use std::sync::Arc;

use super::{build, level};
use crate::planner::cost::costs::Costs;
use crate::planner::cost::sort::cost_material;
use crate::planner::path::{Path, PathKind, RelPaths, clamp_rows};
use crate::planner::root::{Root, SubPlan, SubPlanCost, SubPlanKind};

/// `MAXALIGN(SizeofHeapTupleHeader)`.
const TUPLE_HEADER: f64 = 24.0;

/// Whether it is evaluated once, before the rest (`build_subplan`): an uncorrelated EXISTS, scalar or array.
pub(super) fn is_initplan(sub: &SubPlan<'_>) -> bool {
    sub.uncorrelated && matches!(sub.kind, SubPlanKind::Exists | SubPlanKind::Expr | SubPlanKind::Array)
}

/// Chooses the subquery's path and costs it. The comparisons of ANY and ALL are in the expression, and cost there.
pub(super) fn cost(root: &Root<'_>, sub: &SubPlan<'_>, rel: &RelPaths) -> Option<SubPlanCost> {
    let settings = &root.env.settings;
    let fraction = match sub.kind {
        SubPlanKind::Exists => 1.0,
        SubPlanKind::Any | SubPlanKind::All => 0.5,
        SubPlanKind::Expr | SubPlanKind::Array | SubPlanKind::Cte => 0.0,
    };
    let mut path = Arc::clone(level::best_path(rel, fraction)?);
    let bytes = path.rows * ((f64::from(path.target.width) / 8.0).ceil() * 8.0 + TUPLE_HEADER);
    let hashed = sub.kind == SubPlanKind::Any && sub.uncorrelated && sub.hashable && bytes <= settings.hash_mem_bytes();
    let repeated = matches!(sub.kind, SubPlanKind::Any | SubPlanKind::All) && sub.uncorrelated && !hashed;
    if repeated && settings.enable.material && !materializes(&path) {
        let mut material = build::node(&path, PathKind::Material { input: Arc::clone(&path) });
        let cost = cost_material(settings, Costs::from(&*path), path.rows, path.target.width);
        material.startup_cost = cost.startup;
        material.total_cost = cost.total;
        path = Arc::new(material);
    }
    let run = path.total_cost - path.startup_cost;
    let (mut startup, mut per_call) = (0.0, 0.0);
    if hashed {
        startup += path.total_cost + settings.cpu_operator_cost * path.rows;
    } else {
        per_call += match sub.kind {
            SubPlanKind::Exists => run / clamp_rows(path.rows),
            SubPlanKind::Any | SubPlanKind::All => 0.5 * run + 0.5 * path.rows * settings.cpu_operator_cost,
            SubPlanKind::Expr | SubPlanKind::Array | SubPlanKind::Cte => run,
        };
        if sub.uncorrelated && materializes(&path) {
            startup += path.startup_cost;
        } else {
            per_call += path.startup_cost;
        }
    }
    let parallel_safe = path.parallel_safe;
    Some(SubPlanCost { startup, per_call, path, hashed, parallel_safe })
}

/// Whether the node keeps its result (`ExecMaterializesOutput`).
fn materializes(path: &Path) -> bool {
    matches!(
        path.kind,
        PathKind::Material { .. }
            | PathKind::FunctionScan { .. }
            | PathKind::CteScan { .. }
            | PathKind::WorkTableScan { .. }
            | PathKind::Sort { .. }
    )
}
