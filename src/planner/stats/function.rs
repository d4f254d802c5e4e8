//! Selectivity of a boolean function call (`function_selectivity`).

use super::clauses::{DEFAULT_FUNCTION, Place};
use super::pattern;
use super::restriction::{Call, clamp};
use crate::planner::expr::FuncExpr;
use crate::planner::root::Root;

/// What a function keeps: a support function's estimate for the functions behind pattern operators, else a third.
pub(super) fn selectivity(root: &Root<'_>, func: &FuncExpr, place: Place<'_>) -> f64 {
    let support = root.env.facts.function(func.func).map_or("", |f| f.support.as_str());
    let (Some(kind), [left, right]) = (pattern::Kind::of_support(support), func.args.as_slice()) else {
        return DEFAULT_FUNCTION;
    };
    let call = Call { operator: 0, left, right: Some(right), collation: left.collation(), var_relid: place.var_relid };
    clamp(pattern::selectivity(root, &call, kind, false))
}
