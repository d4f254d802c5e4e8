//! Cost formulas (`costsize.c`).

use super::env::Env;
use super::expr::Expr;
use super::rel::QualCost;
use super::root::SubPlanCost;

/// What evaluating an expression costs (`cost_qual_eval_node`).
pub fn expr_cost(_env: &Env<'_>, _subplans: &[SubPlanCost], _expr: &Expr) -> QualCost {
    QualCost::default()
}
