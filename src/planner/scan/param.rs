//! Parameterised scans: which join clauses move into a scan, and how many rows are left (`get_baserel_parampathinfo`).

use std::sync::Arc;

use crate::planner::path::{ParamInfo, clamp_rows};
use crate::planner::prep::derive::generate_join_implied_equalities;
use crate::planner::query::JoinType;
use crate::planner::rel::{Rel, Restrict};
use crate::planner::relids::Relids;
use crate::planner::root::Root;
use crate::planner::stats;

/// Whether a join clause can be checked by a scan of a base relation, given the other relations' values
/// (`join_clause_is_movable_to`).
pub fn movable_to(restrict: &Restrict, rel: &Rel) -> bool {
    rel.relids.is_subset(restrict.clause_relids)
        && !restrict.outer_relids.overlaps(rel.relids)
        && !restrict.nullable.overlaps(rel.relids)
        && !rel.lateral_referencers.overlaps(restrict.clause_relids)
}

/// Whether a join clause can be checked by paths of `current`, of which `with_outer` has the relations that supply
/// values too (`join_clause_is_movable_into`).
pub fn movable_into(restrict: &Restrict, current: Relids, with_outer: Relids) -> bool {
    restrict.clause_relids.is_subset(with_outer)
        && current.overlaps(restrict.clause_relids)
        && !restrict.outer_relids.overlaps(current)
        && !restrict.nullable.overlaps(current)
}

/// What a base relation's path needs when `required_outer` supply values: the join clauses that it checks, and its
/// rows (`get_baserel_parampathinfo`). Remembered.
pub fn base_param_info(root: &Root<'_>, rel: &Rel, required_outer: Relids) -> Option<Arc<ParamInfo>> {
    if required_outer.is_empty() {
        return None;
    }
    let id = rel.base()?.rel;
    if let Some(found) = root.memo.param_infos.borrow().get(&(id, required_outer)) {
        return Some(Arc::clone(found));
    }
    let with_outer = rel.relids | required_outer;
    let mut clauses: Vec<Arc<Restrict>> =
        rel.join_info.iter().filter(|r| movable_into(r, rel.relids, with_outer)).cloned().collect();
    clauses.extend(generate_join_implied_equalities(root, with_outer, required_outer, rel).iter().cloned());
    let rows = parameterized_rows(root, rel, &clauses);
    let info = Arc::new(ParamInfo { required_outer, rows, clauses });
    root.memo.param_infos.borrow_mut().insert((id, required_outer), Arc::clone(&info));
    Some(info)
}

/// `get_parameterized_baserel_size`.
fn parameterized_rows(root: &Root<'_>, rel: &Rel, clauses: &[Arc<Restrict>]) -> f64 {
    let Some(base) = rel.base() else { return rel.rows };
    let all: Vec<Arc<Restrict>> = clauses.iter().chain(&rel.restrict).cloned().collect();
    let selectivity = stats::clauselist_selectivity(root, &all, Some(base.rel), JoinType::Inner, None);
    clamp_rows(base.tuples * selectivity).min(rel.rows)
}
