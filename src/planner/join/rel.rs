//! Join relations: their clauses, target lists and sizes (`build_join_rel`).

use std::sync::Arc;

use crate::planner::expr::Expr;
use crate::planner::prep::derive;
use crate::planner::query::JoinType;
use crate::planner::rel::{PathTarget, Rel, RelKind, Restrict, SpecialJoin};
use crate::planner::root::{Restricts, Root};
use crate::planner::stats;

/// The two sides of a join.
pub(super) struct Sides<'s> {
    pub(super) outer: &'s Rel,
    pub(super) inner: &'s Rel,
    pub(super) special: &'s SpecialJoin,
}

/// The clauses that a join of these sides applies (`build_joinrel_restrictlist`).
pub(super) fn restrict_list(root: &Root<'_>, sides: &Sides<'_>) -> Restricts {
    let key = (sides.outer.relids, sides.inner.relids);
    if let Some(known) = root.memo.join_clauses.borrow().get(&key) {
        return Arc::clone(known);
    }
    let relids = sides.outer.relids | sides.inner.relids;
    let mut clauses: Vec<Arc<Restrict>> = Vec::new();
    for clause in sides.outer.join_info.iter().chain(&sides.inner.join_info) {
        if clause.required.is_subset(relids) && !clauses.iter().any(|c| Arc::ptr_eq(c, clause)) {
            clauses.push(Arc::clone(clause));
        }
    }
    let derived = derive::generate_join_implied_equalities(root, relids, sides.outer.relids, sides.inner);
    clauses.extend(derived.iter().cloned());
    let clauses = Arc::new(clauses);
    root.memo.join_clauses.borrow_mut().insert(key, Arc::clone(&clauses));
    clauses
}

/// The join relation, made once for any order in which its members are joined.
pub(super) fn build(root: &Root<'_>, sides: &Sides<'_>, restrict: &[Arc<Restrict>]) -> Arc<Rel> {
    let (outer, inner) = (sides.outer, sides.inner);
    let relids = outer.relids | inner.relids;
    if let Some(known) = root.memo.joins.borrow().get(&relids) {
        return Arc::clone(known);
    }
    let mut join_info: Vec<Arc<Restrict>> = Vec::new();
    for clause in outer.join_info.iter().chain(&inner.join_info) {
        if !clause.required.is_subset(relids) && !join_info.iter().any(|c| Arc::ptr_eq(c, clause)) {
            join_info.push(Arc::clone(clause));
        }
    }
    let rows = stats::join_rows(root, outer, inner, outer.rows, inner.rows, sides.special, restrict);
    let rel = Arc::new(Rel {
        relids,
        kind: RelKind::Join,
        rows,
        target: target(root, sides),
        consider_startup: root.tuple_fraction > 0.0,
        consider_param_startup: false,
        consider_parallel: outer.consider_parallel && inner.consider_parallel,
        restrict: Vec::new(),
        join_info,
        has_eclass_joins: derive::has_relevant_eclass_joinclause(root, relids),
        lateral: (outer.lateral | inner.lateral) - relids,
        direct_lateral: (outer.direct_lateral | inner.direct_lateral) - relids,
        lateral_referencers: crate::planner::Relids::EMPTY,
        dummy: match sides.special.kind {
            JoinType::Full => outer.dummy && inner.dummy,
            JoinType::Left | JoinType::Anti => outer.dummy,
            _ => outer.dummy || inner.dummy,
        },
    });
    root.memo.joins.borrow_mut().insert(relids, Arc::clone(&rel));
    rel
}

/// The columns of both sides that something above the join reads (`build_joinrel_tlist`).
fn target(root: &Root<'_>, sides: &Sides<'_>) -> Arc<PathTarget> {
    let relids = sides.outer.relids | sides.inner.relids;
    let mut target = PathTarget::default();
    for side in [sides.outer, sides.inner] {
        for expr in &side.target.exprs {
            let needed = match expr {
                Expr::Var(var) => root.attr_needed.get(&(var.rel, var.attno)).is_none_or(|n| !n.is_subset(relids)),
                _ => true,
            };
            if needed {
                target.width = target.width.saturating_add(stats::expr_width(root, expr));
                target.exprs.push(expr.clone());
                target.refs.push(0);
            }
        }
    }
    Arc::new(target)
}
