//! Distinct combinations of columns (`mvdistinct.c`, `estimate_multivariate_ndistinct`).

use super::super::groups::GroupVar;
use super::super::variable::RelSize;
use super::{column_of, objects};
use crate::planner::root::Root;
use crate::snapshot::AttrNumber;

/// Distinct combinations of those of `vars`, of one relation, that an object covers best, which are taken out.
pub(in super::super) fn take_distinct(root: &Root<'_>, size: RelSize, vars: &mut Vec<GroupVar<'_>>) -> Option<f64> {
    if vars.len() < 2 || root.env.snapshot.catalog.extended_statistics.is_empty() {
        return None;
    }
    let rel = size.base?;
    let columns: Vec<Option<AttrNumber>> = vars.iter().map(|v| column_of(v.expr, rel)).collect();
    let mut best: Option<(Vec<AttrNumber>, f64)> = None;
    for object in objects(root, rel) {
        let mut shared: Vec<AttrNumber> =
            columns.iter().flatten().filter(|c| object.definition.columns.contains(c)).copied().collect();
        shared.sort_unstable();
        shared.dedup();
        if shared.len() < 2 || best.as_ref().is_some_and(|(b, _)| b.len() >= shared.len()) {
            continue;
        }
        let item =
            object.data.n_distinct.iter().find(|item| {
                item.attributes.len() == shared.len() && shared.iter().all(|c| item.attributes.contains(c))
            });
        if let Some(item) = item {
            best = Some((shared, item.n_distinct));
        }
    }
    let (covered, count) = best?;
    vars.retain(|v| column_of(v.expr, rel).is_none_or(|c| !covered.contains(&c)));
    Some(count)
}
