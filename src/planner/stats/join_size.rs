//! Rows of joins (`costsize.c`).

use std::sync::Arc;

use super::clauselist_selectivity;
use super::foreign_key;
use super::variable::clamp_rows;
use crate::planner::query::JoinType;
use crate::planner::rel::{Rel, Restrict, SpecialJoin};
use crate::planner::relids::Relids;
use crate::planner::root::Root;

/// Whether a join's condition counts as a filter above it (`RINFO_IS_PUSHED_DOWN`).
fn is_pushed_down(restrict: &Restrict, joined: Relids) -> bool {
    restrict.is_pushed_down || !restrict.required.is_subset(joined)
}

fn is_outer(join: JoinType) -> bool {
    matches!(join, JoinType::Left | JoinType::Full | JoinType::Right | JoinType::Anti | JoinType::RightAnti)
}

/// Rows of a join of inputs of so many rows (`calc_joinrel_size_estimate`).
pub fn join_rows(
    root: &Root<'_>,
    outer: &Rel,
    inner: &Rel,
    outer_rows: f64,
    inner_rows: f64,
    special: &SpecialJoin,
    restrict: &[Arc<Restrict>],
) -> f64 {
    let kind = special.kind;
    let (fk, rest) = foreign_key::selectivity(root, outer, inner, special, restrict);
    let joined = outer.relids | inner.relids;
    let (join, pushed) = if is_outer(kind) {
        let (pushed, own): (Vec<_>, Vec<_>) = rest.iter().cloned().partition(|r| is_pushed_down(r, joined));
        (
            clauselist_selectivity(root, &own, None, kind, Some(special)),
            clauselist_selectivity(root, &pushed, None, kind, Some(special)),
        )
    } else {
        (clauselist_selectivity(root, &rest, None, kind, Some(special)), 1.0)
    };
    let rows = match kind {
        JoinType::Left => (outer_rows * inner_rows * fk * join).max(outer_rows) * pushed,
        JoinType::Full => (outer_rows * inner_rows * fk * join).max(outer_rows).max(inner_rows) * pushed,
        JoinType::Semi => outer_rows * fk * join,
        JoinType::Anti => outer_rows * (1.0 - fk * join) * pushed,
        _ => outer_rows * inner_rows * fk * join,
    };
    clamp_rows(rows)
}

/// Share of outer rows with a match, and matches per such row (`compute_semi_anti_join_factors`).
pub fn semi_join_factors(
    root: &Root<'_>,
    outer: &Rel,
    inner: &Rel,
    join: JoinType,
    special: &SpecialJoin,
    restrict: &[Arc<Restrict>],
) -> (f64, f64) {
    let joined = outer.relids | inner.relids;
    let own: Vec<_> = restrict.iter().filter(|r| !is_outer(join) || !is_pushed_down(r, joined)).cloned().collect();
    let kind = if join == JoinType::Anti { JoinType::Anti } else { JoinType::Semi };
    let matched = clauselist_selectivity(root, &own, None, kind, Some(special));
    let as_inner = SpecialJoin::inner(outer.relids, inner.relids);
    let pairs = clauselist_selectivity(root, &own, None, JoinType::Inner, Some(&as_inner));
    let per_row = if matched > 0.0 { (pairs * inner.rows / matched).max(1.0) } else { 1.0 };
    (matched, per_row)
}
