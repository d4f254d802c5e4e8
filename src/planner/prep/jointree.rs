//! Taking the join tree apart (`initsplan.c`, by the rules of 15): join lists, limits on join order, and each
//! condition's place.

use super::eclass::{OuterClause, initialize_mergeclause, process_equivalence};
use super::restrict::{Placement, make_restrict};
use crate::planner::Root;
use crate::planner::expr::Expr;
use crate::planner::exprs::{contains_volatile, nonnullable_rels};
use crate::planner::query::{FromExpr, JoinExpr, JoinTree, JoinType};
use crate::planner::rel::{Restrict, SpecialJoin};
use crate::planner::relids::Relids;
use crate::planner::root::JoinListItem;

/// What the join tree left.
#[derive(Debug, Default)]
pub struct Parts {
    /// Conditions that are in no class, to be given to their relations.
    pub conditions: Vec<Restrict>,
    /// Outer joins' equalities, kept back.
    pub outer_clauses: Vec<OuterClause>,
    /// Columns that conditions read, with the relations they are needed with.
    pub needed: Vec<(Expr, Relids)>,
    /// Per special join: conditions above it read its right side before it is done (`delay_upper_joins`).
    delay_upper: Vec<bool>,
}

/// A part of the tree taken apart.
struct Scope {
    list: Vec<JoinListItem>,
    relids: Relids,
    inner_join: Relids,
}

/// Where a condition stands.
#[derive(Clone, Copy)]
struct Place {
    below_outer: bool,
    kind: JoinType,
    scope: Relids,
    outer_scope: Option<Relids>,
    kept: Relids,
}

/// Takes the join tree apart (`deconstruct_jointree`): sets the join list and special joins, fills the classes.
pub fn deconstruct(root: &mut Root<'_>) -> Parts {
    let tree = root.query.jointree.clone();
    let mut parts = Parts::default();
    let scope = from_expr(root, &mut parts, &tree, false);
    root.join_list = scope.list;
    parts
}

fn recurse(root: &mut Root<'_>, parts: &mut Parts, tree: &JoinTree, below_outer: bool) -> Scope {
    match tree {
        JoinTree::Rel(rel) => {
            Scope { list: vec![JoinListItem::Rel(*rel)], relids: Relids::single(*rel), inner_join: Relids::EMPTY }
        }
        JoinTree::From(from) => from_expr(root, parts, from, below_outer),
        JoinTree::Join(join) => join_expr(root, parts, join, below_outer),
    }
}

fn from_expr(root: &mut Root<'_>, parts: &mut Parts, from: &FromExpr, below_outer: bool) -> Scope {
    let limit = root.env.settings.from_collapse_limit;
    let mut whole = Scope { list: Vec::new(), relids: Relids::EMPTY, inner_join: Relids::EMPTY };
    for (i, item) in from.items.iter().enumerate() {
        let sub = recurse(root, parts, item, below_outer);
        whole.relids = whole.relids | sub.relids;
        whole.inner_join = sub.inner_join;
        let remaining = from.items.len() - i - 1;
        if sub.list.len() <= 1 || whole.list.len() + sub.list.len() + remaining <= limit {
            whole.list.extend(sub.list);
        } else {
            whole.list.push(JoinListItem::List(sub.list));
        }
    }
    if from.items.len() > 1 {
        whole.inner_join = whole.relids;
    }
    let place =
        Place { below_outer, kind: JoinType::Inner, scope: whole.relids, outer_scope: None, kept: Relids::EMPTY };
    for qual in &from.quals {
        distribute(root, parts, qual, place);
    }
    whole
}

fn join_expr(root: &mut Root<'_>, parts: &mut Parts, join: &JoinExpr, below_outer: bool) -> Scope {
    let (null_left, null_right) = match join.kind {
        JoinType::Left | JoinType::Anti => (below_outer, true),
        JoinType::Full => (true, true),
        _ => (below_outer, below_outer),
    };
    let left = recurse(root, parts, &join.left, null_left);
    let right = recurse(root, parts, &join.right, null_right);
    let relids = left.relids | right.relids;
    let inner_join = if join.kind == JoinType::Inner { relids } else { left.inner_join | right.inner_join };
    let special = (join.kind != JoinType::Inner)
        .then(|| special_join(root, parts, join, (left.relids, right.relids), inner_join));
    let outer_scope = special.as_ref().filter(|s| s.kind != JoinType::Semi).map(|s| s.min_left | s.min_right);
    let kept = match join.kind {
        JoinType::Left | JoinType::Anti => left.relids,
        JoinType::Full => relids,
        _ => Relids::EMPTY,
    };
    let place = Place { below_outer, kind: join.kind, scope: relids, outer_scope, kept };
    for qual in &join.quals {
        distribute(root, parts, qual, place);
    }
    if let Some(special) = special {
        root.special_joins.push(special);
        parts.delay_upper.push(false);
    }
    let list = join_lists(root, join.kind, left.list, right.list);
    Scope { list, relids, inner_join }
}

fn join_lists(
    root: &Root<'_>,
    kind: JoinType,
    mut left: Vec<JoinListItem>,
    mut right: Vec<JoinListItem>,
) -> Vec<JoinListItem> {
    let wrap = |mut list: Vec<JoinListItem>| match list.pop() {
        Some(only) if list.is_empty() => only,
        last => JoinListItem::List(list.into_iter().chain(last).collect()),
    };
    if kind == JoinType::Full {
        return vec![JoinListItem::List(vec![wrap(left), wrap(right)])];
    }
    if left.len() + right.len() <= root.env.settings.join_collapse_limit {
        left.append(&mut right);
        return left;
    }
    vec![wrap(left), wrap(right)]
}

/// `make_outerjoininfo`.
fn special_join(
    root: &Root<'_>,
    parts: &Parts,
    join: &JoinExpr,
    (left, right): (Relids, Relids),
    inner_join: Relids,
) -> SpecialJoin {
    let mut made = SpecialJoin {
        min_left: left,
        min_right: right,
        syn_left: left,
        syn_right: right,
        kind: join.kind,
        lhs_strict: false,
        semi_can_btree: false,
        semi_can_hash: false,
        semi_operators: Vec::new(),
        semi_rhs: Vec::new(),
    };
    if join.kind == JoinType::Semi {
        semi_join_info(root, &join.quals, &mut made);
    }
    if join.kind == JoinType::Full {
        return made;
    }
    let reads = join.quals.iter().fold(Relids::EMPTY, |set, q| set | q.relids());
    let strict = join.quals.iter().fold(Relids::EMPTY, |set, q| set | nonnullable_rels(&root.env.facts, q, true));
    made.lhs_strict = strict.overlaps(left);
    let (mut min_left, mut min_right) = (reads & left, (reads | inner_join) & right);
    let fussy = |kind: JoinType| matches!(kind, JoinType::Semi | JoinType::Anti);
    for (i, other) in root.special_joins.iter().enumerate() {
        let syn = other.syn_left | other.syn_right;
        if other.kind == JoinType::Full {
            min_left = if left.overlaps(syn) { min_left | syn } else { min_left };
            min_right = if right.overlaps(syn) { min_right | syn } else { min_right };
            continue;
        }
        let reads_right = reads.overlaps(other.syn_right);
        if left.overlaps(other.syn_right) && reads_right && (fussy(join.kind) || !strict.overlaps(other.min_right)) {
            min_left = min_left | syn;
        }
        let delayed = parts.delay_upper.get(i).copied().unwrap_or(false);
        if right.overlaps(other.syn_right)
            && (reads_right
                || !reads.overlaps(other.min_left)
                || fussy(join.kind)
                || fussy(other.kind)
                || !other.lhs_strict
                || delayed)
        {
            min_right = min_right | syn;
        }
    }
    made.min_left = if min_left.is_empty() { left } else { min_left };
    made.min_right = if min_right.is_empty() { right } else { min_right };
    made
}

/// `compute_semijoin_info`: whether the right side could be made unique instead.
fn semi_join_info(root: &Root<'_>, quals: &[Expr], made: &mut SpecialJoin) {
    let facts = &root.env.facts;
    let rhs = made.syn_right;
    let (mut operators, mut exprs, mut btree, mut hash) = (Vec::new(), Vec::new(), true, true);
    for qual in quals {
        let all = qual.relids();
        if !all.overlaps(rhs) || all.is_subset(rhs) {
            if contains_volatile(facts, qual) {
                return;
            }
            continue;
        }
        let Expr::Op(op) = qual else { return };
        let [a, b] = op.args.as_slice() else { return };
        let on_right = |e: &Expr| !e.relids().is_empty() && e.relids().is_subset(rhs);
        let input = a.ty();
        let Some(fact) = facts.operator(op.op) else { return };
        let (operator, right) = if on_right(b) && !a.relids().overlaps(rhs) {
            (op.op, b)
        } else if on_right(a) && !b.relids().overlaps(rhs) && fact.commutator != 0 {
            (fact.commutator, a)
        } else {
            return;
        };
        btree &= facts.mergeable(operator, input);
        hash &= facts.hashable(operator, input);
        if (!btree && !hash) || contains_volatile(facts, right) {
            return;
        }
        operators.push(operator);
        exprs.push(right.clone());
    }
    if exprs.is_empty() {
        return;
    }
    made.semi_can_btree = btree;
    made.semi_can_hash = hash;
    made.semi_operators = operators;
    made.semi_rhs = exprs;
}

/// Widens a condition's relations by the outer joins that must come first (`check_outerjoin_delay`). Gives whether
/// it did, and which of the relations may have been made NULL.
fn outerjoin_delay(root: &Root<'_>, parts: &mut Parts, relids: &mut Relids, pushed_down: bool) -> (bool, Relids) {
    let (original, mut nullable, mut delayed) = (*relids, Relids::EMPTY, false);
    loop {
        let before = *relids;
        for (i, special) in root.special_joins.iter().enumerate() {
            let full = special.kind == JoinType::Full;
            if !(relids.overlaps(special.min_right) || (full && relids.overlaps(special.min_left))) {
                continue;
            }
            let both = special.min_left | special.min_right;
            delayed |= !both.is_subset(*relids);
            *relids = *relids | both;
            nullable = nullable | if full { both } else { special.min_right };
            if pushed_down
                && !full
                && relids.overlaps(special.min_left)
                && let Some(flag) = parts.delay_upper.get_mut(i)
            {
                *flag = true;
            }
        }
        if *relids == before {
            return (delayed, nullable & original);
        }
    }
}

/// `distribute_qual_to_rels`.
fn distribute(root: &mut Root<'_>, parts: &mut Parts, qual: &Expr, place: Place) {
    let mut relids = qual.relids();
    let mut pseudoconstant = false;
    if relids.is_empty() {
        if let Some(scope) = place.outer_scope {
            relids = scope;
        } else {
            pseudoconstant = !contains_volatile(&root.env.facts, qual);
            relids = if pseudoconstant && !place.below_outer { root.all_baserels } else { place.scope };
        }
    }
    let own = relids.overlaps(place.kept);
    let (delayed, nullable) = outerjoin_delay(root, parts, &mut relids, !own);
    if own {
        relids = place.outer_scope.unwrap_or(relids);
    }
    let how = Placement {
        is_pushed_down: !own,
        outerjoin_delayed: delayed,
        pseudoconstant,
        required: relids,
        outer_relids: place.kept,
        nullable,
    };
    let mut restrict = make_restrict(root, qual.clone(), how);
    if relids.len() > 1 {
        parts.needed.push((qual.clone(), relids));
    }
    if !restrict.merge_families.is_empty() {
        if !own && !delayed {
            let below = place.below_outer || !place.kept.is_empty();
            let Some(back) = process_equivalence(root, restrict, below) else { return };
            restrict = back;
        } else if own && restrict.can_join {
            let kept = place.kept;
            let kind = if restrict.left.is_subset(kept) && !restrict.right.overlaps(kept) {
                Some(JoinType::Left)
            } else if restrict.right.is_subset(kept) && !restrict.left.overlaps(kept) {
                Some(JoinType::Right)
            } else {
                (place.kind == JoinType::Full).then_some(JoinType::Full)
            };
            if let Some(kind) = kind {
                // Whatever becomes of it, it may serve as a merge clause.
                initialize_mergeclause(root, &mut restrict);
                parts.outer_clauses.push(OuterClause { restrict, kind });
                return;
            }
        }
        if !restrict.merge_families.is_empty() {
            initialize_mergeclause(root, &mut restrict);
        }
    }
    parts.conditions.push(restrict);
}
