//! How much of its inputs a merge join reads (`mergejoinscansel`).

use std::cmp::Ordering;

use super::compare;
use super::inequality::{self, Comparison};
use super::restriction::{DEFAULT_INEQ, clamp};
use super::variable::{self, Variable};
use crate::planner::expr::Expr;
use crate::planner::root::Root;
use crate::planner::value::Datum;
use crate::snapshot::Oid;

/// Shares of the left and right input read before the first pair and until the last: left start and end, right start
/// and end.
pub(super) fn scan_shares(root: &Root<'_>, clause: &Expr, descending: bool, nulls_first: bool) -> (f64, f64, f64, f64) {
    let Expr::Op(op) = clause else { return (0.0, 1.0, 0.0, 1.0) };
    let [left, right] = op.args.as_slice() else { return (0.0, 1.0, 0.0, 1.0) };
    let left = variable::examine(root, left, None);
    let right = variable::examine(root, right, None);
    let (Some(left_range), Some(right_range)) = (range(root, &left, op.collation), range(root, &right, op.collation))
    else {
        return (0.0, 1.0, 0.0, 1.0);
    };
    // In a descending scan the greatest value comes first.
    let ends = |(low, high): (Datum, Datum)| if descending { (high, low) } else { (low, high) };
    let (left_first, left_last) = ends(left_range);
    let (right_first, right_last) = ends(right_range);
    let until = |var: &Variable<'_>, bound: &Datum, equal: bool| {
        let comparison = Comparison { greater: descending, equal, collation: op.collation };
        let share = inequality::against(root, var, comparison, bound);
        (share != DEFAULT_INEQ).then_some(share)
    };
    let left_end = until(&left, &right_last, true).unwrap_or(1.0);
    let right_end = until(&right, &left_last, true).unwrap_or(1.0);
    // Only one side can end before the other.
    let (left_end, right_end) = match left_end.total_cmp(&right_end) {
        Ordering::Greater => (1.0, right_end),
        Ordering::Less => (left_end, 1.0),
        Ordering::Equal => (1.0, 1.0),
    };
    let left_start = until(&left, &right_first, false).unwrap_or(0.0);
    let right_start = until(&right, &left_first, false).unwrap_or(0.0);
    let (left_start, right_start) = match left_start.total_cmp(&right_start) {
        Ordering::Less => (0.0, right_start),
        Ordering::Greater => (left_start, 0.0),
        Ordering::Equal => (0.0, 0.0),
    };
    let finish = |start: f64, end: f64, var: &Variable<'_>| {
        let nulls = if nulls_first { var.null_frac() } else { 0.0 };
        let (start, end) = (clamp(start + nulls), clamp(end + nulls));
        if start >= end { (0.0, 1.0) } else { (start, end) }
    };
    let (left_start, left_end) = finish(left_start, left_end, &left);
    let (right_start, right_end) = finish(right_start, right_end, &right);
    (left_start, left_end, right_start, right_end)
}

/// Common values that are taken to be all there are.
const WHOLE: f64 = 0.99999;

/// Least and greatest value (`get_variable_range`).
fn range(root: &Root<'_>, var: &Variable<'_>, collation: Oid) -> Option<(Datum, Datum)> {
    let stats = var.stats.as_ref()?;
    let bounds = match stats.histogram.as_slice() {
        [only] => Some((only, only)),
        [low, .., high] => Some((low, high)),
        [] => None,
    };
    if bounds.is_none() && stats.common_sum() + stats.null_frac <= WHOLE {
        return None;
    }
    let less = |a: &Datum, b: &Datum| compare::order(root.env, collation, a, b) == Some(Ordering::Less);
    let range = stats.mcv.iter().flatten().fold(bounds, |range, value| {
        Some(range.map_or((value, value), |(low, high)| {
            (if less(value, low) { value } else { low }, if less(high, value) { value } else { high })
        }))
    });
    range.map(|(low, high)| (low.clone(), high.clone()))
}
