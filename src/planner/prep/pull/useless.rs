//! Left joins that can change nothing (`remove_useless_joins`): their right side is not read, and a unique index says
//! that no row meets two of its rows.

use rustc_hash::FxHashSet;

use crate::planner::env::Env;
use crate::planner::expr::{Expr, OpKind};
use crate::planner::query::{JoinExpr, JoinTree, JoinType, Query, RteKind};
use crate::planner::relids::RelId;
use crate::snapshot::{AttrNumber, IndexMethod, Table};

/// Removes them, one after another: one may make the next useless.
pub(super) fn remove(env: &Env<'_>, query: &mut Query) {
    while let Some(rel) = find(env, query) {
        let mut tree = std::mem::take(&mut query.jointree);
        for item in &mut tree.items {
            cut(item, rel);
        }
        query.jointree = tree;
    }
}

fn find(env: &Env<'_>, query: &Query) -> Option<RelId> {
    let mut found = None;
    for item in &query.jointree.items {
        joins(item, &mut |join| {
            if found.is_none() && is_useless(env, query, join) {
                found = right_rel(join);
            }
        });
    }
    found
}

fn joins<'t>(tree: &'t JoinTree, f: &mut dyn FnMut(&'t JoinExpr)) {
    match tree {
        JoinTree::Rel(_) => {}
        JoinTree::From(from) => from.items.iter().for_each(|item| joins(item, f)),
        JoinTree::Join(join) => {
            f(join);
            joins(&join.left, f);
            joins(&join.right, f);
        }
    }
}

/// The relation on the right, if it is a single one without conditions of its own.
fn right_rel(join: &JoinExpr) -> Option<RelId> {
    match &join.right {
        JoinTree::Rel(rel) => Some(*rel),
        JoinTree::From(from) => match (from.items.as_slice(), from.quals.is_empty()) {
            ([JoinTree::Rel(rel)], true) => Some(*rel),
            _ => None,
        },
        JoinTree::Join(_) => None,
    }
}

/// `join_is_removable`.
fn is_useless(env: &Env<'_>, query: &Query, join: &JoinExpr) -> bool {
    if join.kind != JoinType::Left {
        return false;
    }
    let Some(rel) = right_rel(join) else { return false };
    let Some(RteKind::Table(oid)) = query.rtable.get(rel).map(|rte| &rte.kind) else { return false };
    let Some(table) = env.snapshot.catalog.table(*oid) else { return false };
    if query.row_marks.contains(&rel) || query.modify.as_ref().is_some_and(|m| m.rel == rel) {
        return false;
    }
    // Its columns may appear in the join's own condition alone.
    let (mut everywhere, mut here) = (0, 0);
    let count = |e: &Expr, depth: u32, n: &mut usize| {
        if matches!(e, Expr::Var(v) if v.levels_up == depth && v.rel == rel) {
            *n += 1;
        }
    };
    query.visit(0, &mut |e, depth| count(e, depth, &mut everywhere));
    join.quals.iter().for_each(|qual| qual.visit(0, &mut |e, depth| count(e, depth, &mut here)));
    if everywhere != here {
        return false;
    }
    let mut compared: FxHashSet<AttrNumber> = FxHashSet::default();
    for qual in &join.quals {
        if let Some(attno) = compared_column(env, qual, rel) {
            compared.insert(attno);
        }
    }
    has_unique(table, &compared)
}

/// The relation's column that a condition compares for equality with something of other relations.
fn compared_column(env: &Env<'_>, qual: &Expr, rel: RelId) -> Option<AttrNumber> {
    let Expr::Op(op) = qual else { return None };
    let [a, b] = op.args.as_slice() else { return None };
    if op.kind != OpKind::Plain || env.facts.merge_families(op.op).is_empty() {
        return None;
    }
    let own = |e: &Expr| match e.strip_relabel() {
        Expr::Var(v) if v.levels_up == 0 && v.rel == rel => Some(v.attno),
        _ => None,
    };
    match (own(a), own(b)) {
        (Some(attno), None) if !b.relids().contains(rel) => Some(attno),
        (None, Some(attno)) if !a.relids().contains(rel) => Some(attno),
        _ => None,
    }
}

/// Whether a unique index has all its keys among the columns (`relation_has_unique_index_for`).
fn has_unique(table: &Table, columns: &FxHashSet<AttrNumber>) -> bool {
    table.indexes.iter().any(|index| {
        index.unique
            && index.valid
            && index.predicate.is_none()
            && index.method() == IndexMethod::Btree
            && index.keys.iter().all(|key| key.column.is_some_and(|c| columns.contains(&c)))
    })
}

/// Leaves the left side where the join with this right side stood.
fn cut(tree: &mut JoinTree, rel: RelId) {
    match tree {
        JoinTree::Rel(_) => {}
        JoinTree::From(from) => from.items.iter_mut().for_each(|item| cut(item, rel)),
        JoinTree::Join(join) => {
            if join.kind == JoinType::Left && right_rel(join) == Some(rel) {
                let left = std::mem::replace(&mut join.left, JoinTree::Rel(rel));
                *tree = left;
                cut(tree, rel);
            } else {
                cut(&mut join.left, rel);
                cut(&mut join.right, rel);
            }
        }
    }
}
