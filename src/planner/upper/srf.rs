//! How many rows set-returning functions give (`expression_returns_set_rows`).

use crate::planner::expr::Expr;
use crate::planner::path::clamp_rows;
use crate::planner::root::Root;

/// Rows per input row: 1 where nothing returns a set.
pub(super) fn rows(root: &Root<'_>, expr: &Expr) -> f64 {
    let mut factor = 1.0;
    expr.visit(0, &mut |e, _| {
        if let Expr::Func(call) = e
            && call.retset
        {
            let rows = root.env.facts.function(call.func).map_or(1000.0, |f| f.rows);
            factor *= clamp_rows(rows);
        }
    });
    factor
}
