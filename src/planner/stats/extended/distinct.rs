//! Distinct combinations of columns (`mvdistinct.c`, `estimate_multivariate_ndistinct`).

use super::super::groups::GroupVar;
use super::super::variable::RelSize;
use super::{Object, objects};
use crate::planner::root::Root;
use crate::snapshot::AttrNumber;

/// Distinct combinations of those of `vars`, of one relation, that an object covers best, which are taken out.
pub(in super::super) fn take_distinct(root: &Root<'_>, size: RelSize, vars: &mut Vec<GroupVar<'_>>) -> Option<f64> {
    if vars.len() < 2 || root.env.snapshot.catalog.extended_statistics.is_empty() {
        return None;
    }
    let rel = size.base?;
    let mut best: Option<(Object<'_>, Vec<AttrNumber>, f64)> = None;
    for object in objects(root, rel) {
        let mut shared: Vec<AttrNumber> = vars.iter().filter_map(|v| object.attribute(v.expr, rel)).collect();
        shared.sort_unstable();
        shared.dedup();
        // Expressions count first, then columns.
        let rank = |shared: &[AttrNumber]| {
            let expressions = shared.iter().filter(|a| **a < 0).count();
            (expressions, shared.len() - expressions)
        };
        if shared.len() < 2 || best.as_ref().is_some_and(|(_, b, _)| rank(b) >= rank(&shared)) {
            continue;
        }
        let item =
            object.data.n_distinct.iter().find(|item| {
                item.attributes.len() == shared.len() && shared.iter().all(|c| item.attributes.contains(c))
            });
        if let Some(item) = item {
            let count = item.n_distinct;
            best = Some((object, shared, count));
        }
    }
    let (object, covered, count) = best?;
    vars.retain(|v| object.attribute(v.expr, rel).is_none_or(|a| !covered.contains(&a)));
    Some(count)
}
