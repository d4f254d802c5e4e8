//! Statistics of expressions: those of expression indexes and of extended statistics.

use super::variable::Variable;
use crate::planner::expr::Expr;
use crate::planner::relids::RelId;
use crate::planner::root::Root;

/// Statistics of an expression over one relation (`examine_variable`'s second half): an index on it supplies them and,
/// when it is unique, uniqueness; else extended statistics on the expression do (14+).
pub(super) fn examine(root: &Root<'_>, rel: RelId, expr: &Expr, found: &mut Variable<'_>) {
    let _ = (root, rel, expr, found);
}
