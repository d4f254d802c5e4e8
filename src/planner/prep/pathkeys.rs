//! Orders: making pathkeys, and judging what an order is good for (`pathkeys.c`).

use std::sync::Arc;

use super::eclass::{eclass_for_sort_expr, find_eclass};
use crate::planner::Root;
use crate::planner::env::{IndexInfo, IndexKeyInfo};
use crate::planner::expr::{Expr, types};
use crate::planner::facts::Facts;
use crate::planner::path::pathkeys_common;
use crate::planner::query::{SortGroup, TargetEntry};
use crate::planner::rel::{EcId, PathKey, Rel, Restrict};
use crate::planner::relids::{RelId, Relids};
use crate::snapshot::{IndexMethod, Oid};

/// The B-tree family and input type for which an operator is `<` or `>`, and whether it is `>`
/// (`get_ordering_op_properties`).
pub fn ordering_of(facts: &Facts, op: Oid) -> Option<(Oid, Oid, bool)> {
    let mut fitting = facts.amops_of(op).filter(|a| {
        !a.ordering
            && (a.strategy == 1 || a.strategy == 5)
            && a.left == a.right
            && facts.opclasses(IndexMethod::Btree).any(|c| c.family == a.family)
    });
    fitting.next().map(|a| (a.family, a.left, a.strategy == 5))
}

/// Whether rows are ordered by this key already when they are ordered by those before it, or all have one value
/// (`pathkey_is_redundant`).
pub fn is_redundant(root: &Root<'_>, key: PathKey, before: &[PathKey]) -> bool {
    let constant = root.ecs.get(key.ec).is_some_and(|ec| ec.has_const && !ec.below_outer_join);
    constant || before.iter().any(|k| k.ec == key.ec)
}

/// The families of a B-tree family's equality operator for a type: those by which its classes are known.
fn merge_families(facts: &Facts, family: Oid, input: Oid) -> Option<Vec<Oid>> {
    let families = facts.merge_families(facts.member(family, input, input, 3)?);
    (!families.is_empty()).then_some(families)
}

/// Pathkeys of ORDER BY, GROUP BY, DISTINCT or window items, classes made where there are none
/// (`make_pathkeys_for_sortclauses`). Items that cannot be sorted end the list.
pub fn make_pathkeys_for_sortclauses(
    root: &mut Root<'_>,
    items: &[SortGroup],
    targets: &[TargetEntry],
) -> Vec<PathKey> {
    let mut keys: Vec<PathKey> = Vec::new();
    for item in items {
        let Some(target) = targets.iter().find(|t| t.sortgroupref == item.sortgroupref) else { break };
        let Some((family, input, descending)) = ordering_of(&root.env.facts, item.sort_op) else { break };
        let expr = target.expr.clone();
        let Some(key) = make_pathkey(
            root,
            &expr,
            (family, input, expr.collation()),
            (descending, item.nulls_first),
            item.sortgroupref,
        ) else {
            break;
        };
        if !is_redundant(root, key, &keys) {
            keys.push(key);
        }
    }
    keys
}

/// As [`make_pathkeys_for_sortclauses`], with the redundant items left out of the result's second part
/// (`make_pathkeys_for_sortclauses_extended` with `remove_redundant`; `remove_group_rtindex` is not done).
pub fn make_pathkeys_and_items(
    root: &mut Root<'_>,
    items: &[SortGroup],
    targets: &[TargetEntry],
) -> (Vec<PathKey>, Vec<SortGroup>) {
    let mut keys: Vec<PathKey> = Vec::new();
    let mut kept = Vec::new();
    for item in items {
        let before = keys.len();
        let mut made = make_pathkeys_for_sortclauses(root, std::slice::from_ref(item), targets);
        made.retain(|k| !is_redundant(root, *k, &keys));
        keys.extend(made);
        if keys.len() > before || ordering_of(&root.env.facts, item.sort_op).is_none() {
            kept.push(*item);
        }
    }
    (keys, kept)
}

/// A pathkey of an expression, its class made where there is none (`make_pathkey_from_sortinfo`). `by` is the B-tree
/// family, input type and collation, `how` DESC and NULLS FIRST.
pub fn make_pathkey(
    root: &mut Root<'_>,
    expr: &Expr,
    by: (Oid, Oid, Oid),
    how: (bool, bool),
    sortref: u32,
) -> Option<PathKey> {
    let families = merge_families(&root.env.facts, by.0, by.1)?;
    let ec = eclass_for_sort_expr(root, expr, &families, (by.1, by.2), sortref, Relids::EMPTY);
    Some(PathKey { ec, family: by.0, descending: how.0, nulls_first: how.1 })
}

/// A pathkey of an expression if there is a class for it: `expr` in terms of this level (of an inheritance child's
/// parent, for a child).
pub fn find_pathkey(root: &Root<'_>, expr: &Expr, by: (Oid, Oid, Oid), how: (bool, bool)) -> Option<PathKey> {
    let families = merge_families(&root.env.facts, by.0, by.1)?;
    let ec = find_eclass(root, expr, &families, (by.1, by.2), 0)?;
    Some(PathKey { ec, family: by.0, descending: how.0, nulls_first: how.1 })
}

/// An index key as an expression of a relation; for an inheritance child, in its topmost parent's columns.
pub fn index_key_expr(root: &Root<'_>, rel: RelId, key: &IndexKeyInfo) -> Option<Expr> {
    let parent = root.top_parent.get(rel).copied().unwrap_or(rel);
    let columns = root.parent_columns.get(rel).and_then(Option::as_ref);
    let attno = |attno: i16| match columns {
        Some(columns) if attno > 0 => {
            usize::try_from(attno - 1).ok().and_then(|i| columns.get(i)).copied().filter(|a| *a != 0)
        }
        _ => Some(attno),
    };
    let mut missing = false;
    let mut expr = key.expr.clone();
    expr.replace_vars(&mut |v| {
        let at = attno(v.attno);
        missing |= at.is_none();
        Some(Expr::Var(crate::planner::expr::Var { rel: parent, attno: at?, ..*v }))
    });
    (!missing).then_some(expr)
}

/// The order of a scan of a B-tree index (`build_index_pathkeys`): as far as classes for its keys exist.
pub fn build_index_pathkeys(root: &Root<'_>, rel: &Rel, index: &IndexInfo, backward: bool) -> Vec<PathKey> {
    let mut keys: Vec<PathKey> = Vec::new();
    let Some(base) = rel.base().filter(|_| index.method == IndexMethod::Btree) else { return keys };
    for key in &index.keys {
        let how = (key.descending != backward, key.nulls_first != backward);
        let found = index_key_expr(root, base.rel, key)
            .and_then(|e| find_pathkey(root, &e, (key.family, key.input, key.collation), how));
        match found {
            Some(found) => {
                if !is_redundant(root, found, &keys) {
                    keys.push(found);
                }
            }
            None if is_constant_bool(rel, base.rel, key) => {}
            None => break,
        }
    }
    keys
}

/// Whether a boolean key has one value in every row that the query reads (`indexcol_is_bool_constant_for_query`).
fn is_constant_bool(rel: &Rel, id: RelId, key: &IndexKeyInfo) -> bool {
    use crate::sql::ast::BooleanTest;
    if key.input != types::BOOL {
        return false;
    }
    let is_key = |e: &Expr| match (e, &key.expr) {
        (Expr::Var(a), Expr::Var(b)) => a.rel == id && a.attno == b.attno,
        _ => false,
    };
    rel.restrict.iter().filter(|r| !r.pseudoconstant).any(|r| match &r.clause {
        Expr::Not(arg) | Expr::BooleanTest(arg, BooleanTest::True | BooleanTest::False) => is_key(arg),
        other => is_key(other),
    })
}

/// The part of an order that anything can use (`truncate_useless_pathkeys`).
pub fn truncate_useless_pathkeys(root: &Root<'_>, rel: &Rel, keys: &[PathKey]) -> Vec<PathKey> {
    keys.get(..useful_pathkeys(root, rel, keys)).unwrap_or(keys).to_vec()
}

/// How many leading keys anything can use.
pub fn useful_pathkeys(root: &Root<'_>, rel: &Rel, keys: &[PathKey]) -> usize {
    let wanted = &root.wanted;
    let mut useful = useful_for_merging(root, rel, keys).max(pathkeys_common(&wanted.query, keys));
    if root.env.settings.major >= 17 {
        useful = useful.max(keys.iter().take_while(|k| wanted.group.contains(k)).count());
        useful = useful.max(pathkeys_common(&wanted.setop, keys));
    }
    if root.env.settings.major >= 18 {
        useful = useful.max(keys.iter().take_while(|k| wanted.distinct.contains(k)).count());
    }
    useful
}

/// `pathkeys_useful_for_merging`.
fn useful_for_merging(root: &Root<'_>, rel: &Rel, keys: &[PathKey]) -> usize {
    let clause_has = |r: &Restrict, ec: EcId| {
        !r.merge_families.is_empty()
            && [r.left_ec, r.right_ec].into_iter().flatten().any(|e| root.canonical_ec(e) == ec)
    };
    keys.iter()
        .take_while(|key| {
            right_merge_direction(root, **key)
                && ((rel.has_eclass_joins && ec_useful_for_merging(root, key.ec, rel.relids))
                    || rel.join_info.iter().any(|r| clause_has(r, key.ec)))
        })
        .count()
}

/// `right_merge_direction`: only the direction that the query wants, or else ascending, is worth keeping.
fn right_merge_direction(root: &Root<'_>, key: PathKey) -> bool {
    let wanted = root.wanted.query.iter().find(|q| q.ec == key.ec && q.family == key.family);
    key.descending == wanted.is_some_and(|q| q.descending)
}

/// `eclass_useful_for_merging`.
fn ec_useful_for_merging(root: &Root<'_>, ec: EcId, relids: Relids) -> bool {
    root.ecs.get(ec).is_some_and(|ec| {
        !ec.has_const
            && ec.members.len() > 1
            && !ec.relids.is_subset(relids)
            && ec.members.iter().any(|m| !m.relids.overlaps(relids))
    })
}

/// A clause's classes on the outer and the inner side.
pub fn clause_ecs(root: &Root<'_>, clause: &Restrict, outer: Relids) -> (Option<EcId>, Option<EcId>) {
    let canonical = |ec: Option<EcId>| ec.map(|e| root.canonical_ec(e));
    let (left, right) = (canonical(clause.left_ec), canonical(clause.right_ec));
    if clause.left.is_subset(outer) { (left, right) } else { (right, left) }
}

/// The merge clauses that an order of the outer side allows, in its order (`find_mergeclauses_for_outer_pathkeys`).
pub fn find_mergeclauses_for_outer_pathkeys(
    root: &Root<'_>,
    keys: &[PathKey],
    clauses: &[Arc<Restrict>],
    outer: Relids,
) -> Vec<Arc<Restrict>> {
    let mut found = Vec::new();
    for key in keys {
        let before = found.len();
        found.extend(clauses.iter().filter(|c| clause_ecs(root, c, outer).0 == Some(key.ec)).cloned());
        if found.len() == before {
            break;
        }
    }
    found
}

/// The order to sort the outer side in for a merge by all the clauses: the query's own if it will do, else the classes
/// with most other members first (`select_outer_pathkeys_for_merge`).
pub fn select_outer_pathkeys_for_merge(
    root: &Root<'_>,
    clauses: &[Arc<Restrict>],
    join: Relids,
    outer: Relids,
) -> Vec<PathKey> {
    let mut classes: Vec<(EcId, usize)> = Vec::new();
    for clause in clauses {
        let Some(id) = clause_ecs(root, clause, outer).0 else { continue };
        if classes.iter().any(|c| c.0 == id) {
            continue;
        }
        let partners = root
            .ecs
            .get(id)
            .map_or(0, |ec| ec.members.iter().filter(|m| !m.is_const && !m.relids.overlaps(join)).count());
        classes.push((id, partners));
    }
    let mut keys = Vec::new();
    let query = &root.wanted.query;
    let matches = query.iter().take_while(|q| classes.iter().any(|c| c.0 == q.ec)).count();
    if !query.is_empty() && matches == query.len() {
        keys.clone_from(query);
        classes.retain(|c| !query.iter().any(|q| q.ec == c.0));
    } else if root.env.settings.major >= 16 && matches > 0 && matches == clauses.len() {
        return query.get(..matches).unwrap_or(query).to_vec();
    }
    // Stable: among equals, the first.
    classes.sort_by_key(|c| std::cmp::Reverse(c.1));
    for (id, _) in classes {
        let Some(family) = root.ecs.get(id).and_then(|ec| ec.families.first()) else { continue };
        keys.push(PathKey { ec: id, family: *family, descending: false, nulls_first: false });
    }
    keys
}

/// The order of the inner side that goes with an order of the outer side (`make_inner_pathkeys_for_merge`).
pub fn make_inner_pathkeys_for_merge(
    root: &Root<'_>,
    clauses: &[Arc<Restrict>],
    outer_keys: &[PathKey],
    outer: Relids,
) -> Vec<PathKey> {
    let mut keys: Vec<PathKey> = Vec::new();
    let mut rest = outer_keys.iter();
    let mut current: Option<PathKey> = None;
    for clause in clauses {
        let (Some(outer_ec), Some(inner_ec)) = clause_ecs(root, clause, outer) else { continue };
        if current.is_none_or(|k| k.ec != outer_ec) {
            current = rest.next().copied();
        }
        let Some(outer_key) = current else { break };
        let key = PathKey { ec: inner_ec, ..outer_key };
        if !is_redundant(root, key, &keys) {
            keys.push(key);
        }
    }
    keys
}

/// The leading merge clauses that an order of the inner side allows (`trim_mergeclauses_for_inner_pathkeys`).
pub fn trim_mergeclauses_for_inner_pathkeys(
    root: &Root<'_>,
    clauses: &[Arc<Restrict>],
    inner_keys: &[PathKey],
    outer: Relids,
) -> Vec<Arc<Restrict>> {
    let mut kept = Vec::new();
    let mut keys = inner_keys.iter();
    let Some(mut key) = keys.next() else { return kept };
    let mut matched = false;
    for clause in clauses {
        let ec = clause_ecs(root, clause, outer).1;
        if ec != Some(key.ec) {
            if !matched {
                break;
            }
            let Some(next) = keys.next() else { break };
            key = next;
            if ec != Some(key.ec) {
                break;
            }
        }
        kept.push(Arc::clone(clause));
        matched = true;
    }
    kept
}

/// Pathkeys of sort items of the level's own target list, for whose classes preparation has seen: a key without a
/// class ends the list.
pub fn for_sort_groups(root: &Root<'_>, items: &[SortGroup]) -> Vec<PathKey> {
    let mut keys: Vec<PathKey> = Vec::new();
    for item in items {
        let Some(target) = root.query.targets.iter().find(|t| t.sortgroupref == item.sortgroupref) else { break };
        let Some((family, input, descending)) = ordering_of(&root.env.facts, item.sort_op) else { break };
        let by = (family, input, target.expr.collation());
        let Some(families) = merge_families(&root.env.facts, family, input) else { break };
        let Some(ec) = find_eclass(root, &target.expr, &families, (input, by.2), item.sortgroupref) else { break };
        let key = PathKey { ec, family, descending, nulls_first: item.nulls_first };
        if !is_redundant(root, key, &keys) {
            keys.push(key);
        }
    }
    keys
}
