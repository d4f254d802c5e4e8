//! Simple subqueries in FROM merged into the level that reads them (`pull_up_subqueries`,
//! `pull_up_simple_subquery`).

use super::{from, merge, merge_levels};
use crate::planner::env::Env;
use crate::planner::expr::Expr;
use crate::planner::exprs::{contains_volatile, returns_set};
use crate::planner::query::{Command, FromExpr, JoinTree, JoinType, Query, RteKind};
use crate::planner::relids::{RelId, Relids};

/// Pulls up every simple subquery of a level.
pub(super) fn pull_up(env: &Env<'_>, query: &mut Query) {
    let tree = std::mem::take(&mut query.jointree);
    // The rest of the query needs the conditions in place while columns are replaced.
    query.jointree = tree;
    while let Some(rel) = next(env, query) {
        if !one(env, query, rel) {
            return;
        }
    }
}

/// The first subquery of the join tree that can be merged.
fn next(env: &Env<'_>, query: &Query) -> Option<RelId> {
    let mut found = None;
    for item in &query.jointree.items {
        visit(item, false, &mut |rel, outer| {
            if found.is_none() && is_simple(env, query, rel, outer) {
                found = Some(rel);
            }
        });
    }
    found
}

/// Visits the relations of a tree; the flag says whether one can be nulled by an outer join, or is the inner side of a
/// semi or anti join.
fn visit(tree: &JoinTree, outer: bool, f: &mut dyn FnMut(RelId, bool)) {
    match tree {
        JoinTree::Rel(rel) => f(*rel, outer),
        JoinTree::From(from) => from.items.iter().for_each(|item| visit(item, outer, f)),
        JoinTree::Join(join) => {
            let (left, right) = match join.kind {
                JoinType::Left | JoinType::Semi | JoinType::Anti => (outer, true),
                JoinType::Right => (true, outer),
                JoinType::Full => (true, true),
                _ => (outer, outer),
            };
            visit(&join.left, left, f);
            visit(&join.right, right, f);
        }
    }
}

/// `is_simple_subquery`.
fn is_simple(env: &Env<'_>, query: &Query, rel: RelId, outer: bool) -> bool {
    let Some(RteKind::Subquery(sub)) = query.rtable.get(rel).map(|rte| &rte.kind) else { return false };
    let plain = sub.command == Command::Select
        && sub.set_operations.is_none()
        && !sub.has_aggs
        && !sub.has_window_funcs
        && sub.group.is_empty()
        && sub.grouping_sets.is_none()
        && sub.having.is_empty()
        && sub.sort.is_empty()
        && sub.distinct.is_empty()
        && sub.limit.is_none()
        && sub.offset.is_none()
        && sub.row_marks.is_empty()
        && sub.ctes.is_empty();
    // Under an outer join there has to be something that can be nulled.
    let has_from = !sub.jointree.items.is_empty() || (!outer && query.jointree.relids().len() > 1);
    let fits = query.rtable.len() + sub.rtable.len() <= Relids::CAPACITY;
    plain
        && has_from
        && fits
        && !sub.targets.iter().any(|t| returns_set(&t.expr) || contains_volatile(&env.facts, &t.expr))
}

/// Merges one subquery. Whether it was merged after all: its own subqueries may have changed what it is.
fn one(env: &Env<'_>, query: &mut Query, rel: RelId) -> bool {
    let Some(rte) = query.rtable.get_mut(rel) else { return false };
    let kind = std::mem::replace(&mut rte.kind, RteKind::Result);
    let RteKind::Subquery(mut sub) = kind else {
        rte.kind = kind;
        return false;
    };
    merge_levels(env, &mut sub);
    let offset = query.rtable.len();
    merge::renumber(&mut sub, offset);
    query.rtable.append(&mut sub.rtable);
    query.has_sublinks |= sub.has_sublinks;
    let outputs: Vec<Expr> = sub.targets.into_iter().filter(|t| !t.junk).map(|t| t.expr).collect();
    let tree = std::mem::take(&mut sub.jointree);
    for item in &mut query.jointree.items {
        replace(item, rel, &tree);
    }
    query.replace_vars(&mut |var| {
        if var.rel != rel {
            return None;
        }
        match usize::try_from(var.attno) {
            Ok(0) => Some(Expr::Row(outputs.clone())),
            Ok(n) => outputs.get(n - 1).cloned(),
            Err(_) => None,
        }
    });
    true
}

/// Puts the subquery's own tree where it stood.
fn replace(tree: &mut JoinTree, rel: RelId, with: &FromExpr) {
    match tree {
        JoinTree::Rel(r) if *r == rel => *tree = from(with.items.clone(), with.quals.clone()),
        JoinTree::Rel(_) => {}
        JoinTree::Join(join) => {
            replace(&mut join.left, rel, with);
            replace(&mut join.right, rel, with);
        }
        JoinTree::From(inner) => {
            for item in &mut inner.items {
                replace(item, rel, with);
            }
        }
    }
}
