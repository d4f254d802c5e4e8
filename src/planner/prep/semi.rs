//! Semi joins that are inner joins (`reduce_unique_semijoins`): the right side is one relation, and no left row has
//! more than one match in it.

use std::sync::Arc;

use super::derive::generate_join_implied_equalities;
use crate::planner::expr::Expr;
use crate::planner::join::unique::{column_of, is_distinct_for};
use crate::planner::query::JoinType;
use crate::planner::rel::{Rel, Restrict, SpecialJoin};
use crate::planner::root::Root;
use crate::snapshot::{AttrNumber, IndexMethod, Table};

/// Takes the limits of such joins away.
pub(super) fn reduce_unique(root: &mut Root<'_>) {
    let special = std::mem::take(&mut root.special_joins);
    let (reduced, kept): (Vec<_>, Vec<_>) = special.into_iter().partition(|s| is_inner(root, s));
    root.special_joins = kept;
    for special in reduced {
        let Some(slot) = special.min_right.singleton().and_then(|rel| root.rels.get_mut(rel)) else { continue };
        if let Some(rel) = slot {
            Arc::make_mut(rel).consider_param_startup = false;
        }
    }
}

fn is_inner(root: &Root<'_>, special: &SpecialJoin) -> bool {
    if special.kind != JoinType::Semi {
        return false;
    }
    let Some(rel) = special.min_right.singleton().and_then(|rel| root.rel(rel)) else { return false };
    let Some(base) = rel.base() else { return false };
    let left = special.min_left;
    let derived = generate_join_implied_equalities(root, left | rel.relids, left, rel);
    let joins = |r: &&Arc<Restrict>| {
        r.can_join
            && !r.merge_families.is_empty()
            && ((r.left.is_subset(left) && r.right.is_subset(rel.relids))
                || (r.right.is_subset(left) && r.left.is_subset(rel.relids)))
    };
    let own_side = |r: &'_ Arc<Restrict>| -> Option<Expr> {
        let (a, b) = r.operands()?;
        Some(if r.right.is_subset(rel.relids) { b.clone() } else { a.clone() })
    };
    let compared: Vec<Expr> = derived.iter().chain(&rel.join_info).filter(joins).filter_map(own_side).collect();
    if compared.is_empty() {
        return false;
    }
    if let Some(table) = base.table.and_then(|oid| root.env.snapshot.catalog.table(oid)) {
        let columns: Vec<AttrNumber> =
            compared.iter().chain(&constants(rel)).filter_map(|e| column(e, base.rel)).collect();
        return has_unique(table, &columns);
    }
    let columns: Vec<usize> = compared.iter().filter_map(|e| column_of(e, base.rel)).collect();
    root.subqueries.get(&base.rel).is_some_and(|level| is_distinct_for(&level.query, &columns))
}

/// What conditions of the relation itself hold to one value.
fn constants(rel: &Rel) -> Vec<Expr> {
    let fixed = |r: &Arc<Restrict>| {
        let (a, b) = r.operands().filter(|_| !r.merge_families.is_empty())?;
        match (a.relids().is_empty(), b.relids().is_empty()) {
            (true, false) => Some(b.clone()),
            (false, true) => Some(a.clone()),
            _ => None,
        }
    };
    rel.restrict.iter().filter_map(fixed).collect()
}

fn column(expr: &Expr, rel: usize) -> Option<AttrNumber> {
    match expr.strip_relabel() {
        Expr::Var(v) if v.levels_up == 0 && v.rel == rel => Some(v.attno),
        _ => None,
    }
}

fn has_unique(table: &Table, columns: &[AttrNumber]) -> bool {
    table.indexes.iter().any(|index| {
        index.unique
            && index.immediate
            && index.valid
            && index.predicate.is_none()
            && index.method() == IndexMethod::Btree
            && index.keys.iter().all(|key| key.column.is_some_and(|c| columns.contains(&c)))
    })
}
