//! How often a parameterised scan is repeated.

use crate::planner::query::JoinType;
use crate::planner::rel::RelKind;
use crate::planner::relids::Relids;
use crate::planner::root::Root;
use crate::planner::stats;

/// How often a scan is repeated: the rows of the smallest relation that supplies values (`get_loop_count`).
pub(super) fn loop_count(root: &Root<'_>, rel: usize, outer: Relids) -> f64 {
    let mut least: Option<f64> = None;
    for other in outer.iter() {
        let Some(found) = root.rel(other).filter(|r| !r.dummy && matches!(r.kind, RelKind::Base(_))) else { continue };
        let rows = semijoin_rows(root, rel, other, found.rows);
        least = Some(least.map_or(rows, |l: f64| l.min(rows)));
    }
    least.filter(|l| *l > 0.0).unwrap_or(1.0)
}

/// `adjust_rowcount_for_semijoins`: a right side will be made unique before it drives the scan.
fn semijoin_rows(root: &Root<'_>, rel: usize, outer: usize, mut rows: f64) -> f64 {
    let top = root.top_parent.get(rel).copied().unwrap_or(rel);
    for special in &root.special_joins {
        if special.kind == JoinType::Semi && special.syn_left.contains(top) && special.syn_right.contains(outer) {
            let raw: f64 =
                special.syn_right.iter().filter_map(|r| root.rel(r)).filter(|r| !r.dummy).map(|r| r.rows).product();
            rows = rows.min(stats::num_groups(root, &special.semi_rhs, raw));
        }
    }
    rows
}
