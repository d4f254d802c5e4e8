//! Conditions on a subquery's outputs checked within it (`subquery_is_pushdown_safe`, `qual_is_pushdown_safe`,
//! `subquery_push_qual`).

use std::sync::Arc;

use crate::planner::expr::Expr;
use crate::planner::exprs::{contains_subplans, contains_volatile, returns_set};
use crate::planner::query::{Query, TargetEntry};
use crate::planner::rel::Restrict;
use crate::planner::relids::RelId;
use crate::planner::root::Root;

/// Pushes what may be pushed; gives what stays.
pub(super) fn into_subquery(
    root: &Root<'_>,
    rel: RelId,
    sub: &mut Query,
    own: Vec<Arc<Restrict>>,
) -> Vec<Arc<Restrict>> {
    let whole = sub.limit.is_some()
        || sub.offset.is_some()
        || sub.grouping_sets.is_some()
        || sub.set_operations.is_some()
        || sub.distinct_on
        || sub.modify.is_some()
        || !sub.row_marks.is_empty();
    if whole {
        return own;
    }
    let mut kept = Vec::new();
    for restrict in own {
        if safe(root, rel, sub, &restrict) {
            push(sub, rel, &restrict.clause);
        } else {
            kept.push(restrict);
        }
    }
    kept
}

fn outputs(sub: &Query) -> Vec<&TargetEntry> {
    sub.targets.iter().filter(|t| !t.junk).collect()
}

fn safe(root: &Root<'_>, rel: RelId, sub: &Query, restrict: &Restrict) -> bool {
    let facts = &root.env.facts;
    let clause = &restrict.clause;
    if restrict.pseudoconstant || contains_subplans(clause) || contains_volatile(facts, clause) {
        return false;
    }
    let outputs = outputs(sub);
    !clause.any(&mut |e| {
        let Expr::Var(var) = e else { return false };
        let target = usize::try_from(var.attno).ok().filter(|n| *n > 0).and_then(|n| outputs.get(n - 1));
        let Some(target) = target.filter(|_| var.rel == rel) else { return true };
        let listed = |items: &[crate::planner::query::SortGroup]| {
            target.sortgroupref != 0 && items.iter().any(|i| i.sortgroupref == target.sortgroupref)
        };
        let partitioned = sub.windows.iter().all(|w| listed(&w.partition));
        returns_set(&target.expr)
            || contains_volatile(facts, &target.expr)
            || (!sub.distinct.is_empty() && !listed(&sub.distinct))
            || (sub.has_window_funcs && !partitioned)
    })
}

/// To WHERE, or to HAVING where there are groups.
fn push(sub: &mut Query, rel: RelId, clause: &Expr) {
    let exprs: Vec<Expr> = outputs(sub).into_iter().map(|t| t.expr.clone()).collect();
    let mut clause = clause.clone();
    clause.replace_vars(&mut |var| {
        let position = usize::try_from(var.attno).ok()?.checked_sub(1)?;
        if var.rel == rel { exprs.get(position).cloned() } else { None }
    });
    let grouped = sub.has_aggs || !sub.group.is_empty() || !sub.having.is_empty();
    if grouped {
        sub.having.push(clause);
    } else {
        sub.jointree.quals.push(clause);
    }
}
