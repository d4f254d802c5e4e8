//! Subqueries in expressions: which plan, and what an evaluation costs (`make_subplan`, `build_subplan`,
//! `cost_subplan`).

use std::sync::Arc;

use super::level;
use crate::planner::path::{RelPaths, clamp_rows};
use crate::planner::root::{Root, SubPlan, SubPlanCost, SubPlanKind};
use crate::planner::wrap;

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
        SubPlanKind::Expr | SubPlanKind::Array => 0.0,
    };
    let mut path = Arc::clone(level::best_path(rel, fraction)?);
    let bytes = path.rows * ((f64::from(path.target.width) / 8.0).ceil() * 8.0 + TUPLE_HEADER);
    let hashed = sub.kind == SubPlanKind::Any && sub.uncorrelated && sub.hashable && bytes <= settings.hash_mem_bytes();
    let repeated = matches!(sub.kind, SubPlanKind::Any | SubPlanKind::All) && sub.uncorrelated && !hashed;
    if repeated && settings.enable.material && !path.keeps_rows() {
        path = Arc::new(wrap::material(settings, path));
    }
    let run = path.total_cost - path.startup_cost;
    let (mut startup, mut per_call) = (0.0, 0.0);
    if hashed {
        startup += path.total_cost + settings.cpu_operator_cost * path.rows;
    } else {
        per_call += match sub.kind {
            SubPlanKind::Exists => run / clamp_rows(path.rows),
            SubPlanKind::Any | SubPlanKind::All => 0.5 * run + 0.5 * path.rows * settings.cpu_operator_cost,
            SubPlanKind::Expr | SubPlanKind::Array => run,
        };
        if sub.uncorrelated && path.keeps_rows() {
            startup += path.startup_cost;
        } else {
            per_call += path.startup_cost;
        }
    }
    Some(SubPlanCost { startup, per_call, path })
}
