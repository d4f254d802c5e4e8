//! Parameterised joins: which values they need from outside, which conditions they take over from above, how many rows
//! they then have (`get_joinrel_parampathinfo`).

use std::sync::Arc;

use super::paths::{Inputs, Pair};
use crate::planner::path::{ParamInfo, Path, RelPaths, clamp_rows};
use crate::planner::prep::derive::generate_join_implied_equalities;
use crate::planner::rel::{Rel, Restrict};
use crate::planner::relids::Relids;
use crate::planner::scan::movable_into;
use crate::planner::stats;

/// Whether a condition's operands are of the two sides, one each.
pub(super) fn joins_sides(restrict: &Restrict, outer: Relids, inner: Relids) -> bool {
    (restrict.left.is_subset(outer) && restrict.right.is_subset(inner))
        || (restrict.left.is_subset(inner) && restrict.right.is_subset(outer))
}

/// Relations that a nested loop of these inputs needs from outside (`calc_nestloop_required_outer`).
pub(super) fn nestloop_required(inputs: Inputs<'_>) -> Relids {
    let (outer, inner) = (inputs.outer.required_outer(), inputs.inner.required_outer());
    if inner.is_empty() { outer } else { (outer | inner) - inputs.outer.relids }
}

/// Relations that another join of these inputs needs from outside (`calc_non_nestloop_required_outer`).
pub(super) fn other_required(inputs: Inputs<'_>) -> Relids {
    inputs.outer.required_outer() | inputs.inner.required_outer()
}

/// Whether the outer side supplies some of the inner side's parameters and not all: a star's centre, say
/// (`allow_star_schema_join`).
pub(super) fn is_star(outer: Relids, inner_required: Relids) -> bool {
    inner_required.overlaps(outer) && !inner_required.is_subset(outer)
}

impl Pair<'_, '_, '_> {
    /// The conditions that a nested loop checks itself: not those that its inner path has taken over.
    pub(super) fn nestloop_restrict(&self, inner: &Path) -> Option<Vec<Arc<Restrict>>> {
        let required = inner.required_outer();
        if !required.overlaps(self.outer.rel.relids) {
            return None;
        }
        let inner_rels = self.inner.rel.relids;
        Some(self.restrict.iter().filter(|r| !movable_into(r, inner_rels, inner_rels | required)).cloned().collect())
    }

    /// What a join path that needs `required` knows, with the conditions from above put before `restrict`.
    pub(super) fn param_info(
        &self,
        joinrel: &mut RelPaths,
        inputs: Inputs<'_>,
        required: Relids,
        restrict: &mut Vec<Arc<Restrict>>,
    ) -> Option<Arc<ParamInfo>> {
        if required.is_empty() {
            return None;
        }
        let taken = self.clauses_from_above(inputs, required);
        restrict.splice(0..0, taken);
        if let Some(known) = joinrel.params.iter().find(|p| p.required_outer == required) {
            return Some(Arc::clone(known));
        }
        let rows = stats::join_rows(
            self.root,
            &self.outer.rel,
            &self.inner.rel,
            inputs.outer.rows,
            inputs.inner.rows,
            self.special,
            restrict,
        );
        let rows = clamp_rows(rows).min(self.rel.rows);
        let info = Arc::new(ParamInfo { required_outer: required, rows, clauses: Vec::new() });
        joinrel.params.push(Arc::clone(&info));
        Some(info)
    }

    /// Conditions with the relations outside that become checkable at this join and not at its inputs.
    fn clauses_from_above(&self, inputs: Inputs<'_>, required: Relids) -> Vec<Arc<Restrict>> {
        let into = |r: &Restrict, rel: &Rel, path: &Path| {
            let outside = path.required_outer();
            !outside.is_empty() && movable_into(r, rel.relids, rel.relids | outside)
        };
        let into_outer = |r: &Restrict| into(r, &self.outer.rel, inputs.outer);
        let into_inner = |r: &Restrict| into(r, &self.inner.rel, inputs.inner);
        let mut taken: Vec<Arc<Restrict>> = self
            .rel
            .join_info
            .iter()
            .filter(|r| {
                movable_into(r, self.rel.relids, self.rel.relids | required) && !into_outer(r) && !into_inner(r)
            })
            .cloned()
            .collect();
        let derived = generate_join_implied_equalities(self.root, self.rel.relids | required, required, &self.rel);
        let mut dropped = Vec::new();
        for restrict in derived.iter() {
            if into_outer(restrict) {
                continue;
            }
            if into_inner(restrict) {
                dropped.push(restrict.left_ec);
            } else {
                taken.push(Arc::clone(restrict));
            }
        }
        if !dropped.is_empty() {
            // The inner side enforces one equality of the class; another may still be needed between the outer side
            // and the relations outside.
            let outer = &self.outer.rel;
            let derived = generate_join_implied_equalities(self.root, outer.relids | required, required, outer);
            taken.extend(derived.iter().filter(|r| dropped.contains(&r.left_ec)).cloned());
        }
        taken
    }
}
