//! Extended statistics (`extended_stats.c`).

use super::clauses::{Clause, Place};
use super::groups::GroupVar;
use super::variable::RelSize;
use crate::planner::root::Root;

/// Selectivity of those of a list of conditions that extended statistics cover, which are marked as estimated
/// (`statext_clauselist_selectivity`).
pub(super) fn and_selectivity(
    root: &Root<'_>,
    clauses: &[Clause<'_>],
    place: Place<'_>,
    estimated: &mut [bool],
) -> f64 {
    let _ = (root, clauses, place, estimated);
    1.0
}

/// The same for alternatives (14+); the others' selectivity is to be joined to it.
pub(super) fn or_selectivity(root: &Root<'_>, clauses: &[Clause<'_>], place: Place<'_>, estimated: &mut [bool]) -> f64 {
    let _ = (root, clauses, place, estimated);
    0.0
}

/// Distinct combinations of those of `vars`, of one relation, that extended statistics cover best, which are taken out
/// (`estimate_multivariate_ndistinct`).
pub(super) fn take_distinct(root: &Root<'_>, rel: RelSize, vars: &mut Vec<GroupVar<'_>>) -> Option<f64> {
    let _ = (root, rel, vars);
    None
}
