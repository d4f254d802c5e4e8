//! Clauses that follow from equivalence classes (`equivclass.c`, the half that uses them).

use std::sync::Arc;

use super::restrict::{Placement, make_restrict};
use crate::planner::Root;
use crate::planner::expr::{Expr, OpExpr, OpKind, Var, types};
use crate::planner::rel::{EcId, EcMember, EquivalenceClass, Rel, Restrict};
use crate::planner::relids::{RelId, Relids};
use crate::planner::root::{DerivedKey, Restricts};
use crate::snapshot::Oid;

/// The equality operator of a class for two types (`select_equality_operator`).
pub fn equality_operator(root: &Root<'_>, ec: EcId, left: Oid, right: Oid) -> Option<Oid> {
    root.ecs.get(ec)?.families.iter().find_map(|family| root.env.facts.member(*family, left, right, 3))
}

/// An equality as an expression.
pub fn equality(op: Oid, left: Expr, right: Expr, collation: Oid) -> Expr {
    Expr::Op(Box::new(OpExpr { op, args: vec![left, right], ty: types::BOOL, collation, kind: OpKind::Plain }))
}

/// What the classes say of base relations and of pairs of them, to be distributed
/// (`generate_base_implied_equalities`). The first list holds the conditions; the second what must be kept for joins:
/// columns with the relations they are needed with.
pub fn base_implied_equalities(root: &mut Root<'_>) -> (Vec<Arc<Restrict>>, Vec<(Expr, Relids)>) {
    let (mut conditions, mut needed) = (Vec::new(), Vec::new());
    for id in 0..root.ecs.len() {
        let Some(ec) = root.ecs.get(id).filter(|ec| ec.merged.is_none() && ec.members.len() > 1) else { continue };
        let before = conditions.len();
        let fine = if ec.has_const {
            constant_equalities(root, id, ec, &mut conditions)
        } else {
            for member in &ec.members {
                needed.push((member.expr.clone(), ec.relids));
            }
            pair_equalities(root, id, ec, &mut conditions)
        };
        if fine {
            continue;
        }
        conditions.truncate(before);
        let single = |r: &&Arc<Restrict>| ec.has_const || r.required.len() < 2;
        conditions.extend(ec.sources.iter().filter(single).cloned());
        if let Some(ec) = root.ecs.get_mut(id) {
            ec.broken = true;
        }
    }
    (conditions, needed)
}

/// Each member equals the constant (`generate_base_implied_equalities_const`).
fn constant_equalities(root: &Root<'_>, id: EcId, ec: &EquivalenceClass, out: &mut Vec<Arc<Restrict>>) -> bool {
    if let ([_, _], [source]) = (ec.members.as_slice(), ec.sources.as_slice())
        && source.required.len() < 2
    {
        out.push(Arc::clone(source));
        return true;
    }
    let is_const = |m: &&EcMember| m.is_const && matches!(m.expr, Expr::Const(_));
    let Some(constant) = ec.members.iter().find(is_const).or_else(|| ec.members.iter().rfind(|m| m.is_const)) else {
        return true;
    };
    for member in ec.members.iter().filter(|m| !std::ptr::eq(*m, constant)) {
        let Some(op) = equality_operator(root, id, member.ty, constant.ty) else { return false };
        let clause = equality(op, member.expr.clone(), constant.expr.clone(), ec.collation);
        // Two constants: a condition on nothing, which holds for all rows or none.
        let place = Placement {
            is_pushed_down: true,
            pseudoconstant: member.is_const,
            nullable: member.nullable,
            ..Placement::default()
        };
        let mut restrict = make_restrict(root, clause, place);
        restrict.left_ec = Some(id);
        restrict.right_ec = Some(id);
        out.push(Arc::new(restrict));
    }
    true
}

/// Members of one relation equal each other (`generate_base_implied_equalities_no_const`).
fn pair_equalities(root: &Root<'_>, id: EcId, ec: &EquivalenceClass, out: &mut Vec<Arc<Restrict>>) -> bool {
    let mut previous: Vec<(RelId, &EcMember)> = Vec::new();
    for member in &ec.members {
        let Some(rel) = member.relids.singleton() else { continue };
        let Some(slot) = previous.iter_mut().find(|(r, _)| *r == rel) else {
            previous.push((rel, member));
            continue;
        };
        let Some(op) = equality_operator(root, id, slot.1.ty, member.ty) else { return false };
        let clause = equality(op, slot.1.expr.clone(), member.expr.clone(), ec.collation);
        let place =
            Placement { is_pushed_down: true, nullable: slot.1.nullable | member.nullable, ..Placement::default() };
        let mut restrict = make_restrict(root, clause, place);
        restrict.left_ec = Some(id);
        restrict.right_ec = Some(id);
        out.push(Arc::new(restrict));
        slot.1 = member;
    }
    true
}

/// The join clause between two members of a class, made once (`create_join_clause`). `child` names the inheritance
/// child whose columns stand for its parent's on the left.
fn join_clause(
    root: &Root<'_>,
    id: EcId,
    pair: (usize, usize),
    child: Option<RelId>,
    redundant: bool,
) -> Option<Arc<Restrict>> {
    let key = DerivedKey { ec: id, left: pair.0, right: pair.1, child, redundant };
    if let Some(known) = root.memo.derived.borrow().get(&key) {
        return Some(Arc::clone(known));
    }
    let ec = root.ecs.get(id)?;
    let (left, right) = (ec.members.get(pair.0)?, ec.members.get(pair.1)?);
    let op = equality_operator(root, id, left.ty, right.ty)?;
    let in_child = |e: &Expr| child.map_or_else(|| e.clone(), |child| to_child(root, child, e));
    let place = Placement {
        is_pushed_down: true,
        required: left.relids | right.relids,
        nullable: left.nullable | right.nullable,
        ..Placement::default()
    };
    let mut made = make_restrict(root, equality(op, in_child(&left.expr), in_child(&right.expr), ec.collation), place);
    made.parent_ec = redundant.then_some(id);
    made.left_ec = Some(id);
    made.right_ec = Some(id);
    let made = Arc::new(made);
    root.memo.derived.borrow_mut().insert(key, Arc::clone(&made));
    Some(made)
}

/// An expression over a parent's columns, over an inheritance child's instead (`adjust_appendrel_attrs`).
pub fn to_child(root: &Root<'_>, child: RelId, expr: &Expr) -> Expr {
    let mut expr = expr.clone();
    let Some(parent) = root.top_parent.get(child).copied().filter(|p| *p != child) else { return expr };
    let columns = root.parent_columns.get(child).and_then(Option::as_ref);
    expr.replace_vars(&mut |v| {
        (v.rel == parent).then(|| {
            let attno = match columns {
                Some(columns) if v.attno > 0 => columns
                    .iter()
                    .position(|c| *c == v.attno)
                    .and_then(|i| i16::try_from(i + 1).ok())
                    .unwrap_or(v.attno),
                _ => v.attno,
            };
            Expr::Var(Var { rel: child, attno, ..*v })
        })
    });
    expr
}

/// Join clauses that the classes give a join of `outer` and `inner` (`generate_join_implied_equalities`). For an
/// inheritance child as the inner side, over its columns.
pub fn generate_join_implied_equalities(root: &Root<'_>, join: Relids, outer: Relids, inner: &Rel) -> Restricts {
    let child = inner.base().filter(|b| b.parent.is_some()).map(|b| b.rel);
    let mut found = Vec::new();
    for (id, ec) in root.live_ecs() {
        if ec.has_const || ec.members.len() < 2 || !ec.relids.overlaps(outer) || !ec.relids.overlaps(inner.relids) {
            continue;
        }
        if ec.broken || !normal_equalities(root, id, ec, (join, outer, inner.relids), child, &mut found) {
            let applies = |r: &&Arc<Restrict>| {
                let need = r.required;
                need.is_subset(join) && !need.is_subset(outer) && !need.is_subset(inner.relids)
            };
            found.extend(ec.sources.iter().filter(applies).cloned());
        }
    }
    Arc::new(found)
}

/// `generate_join_implied_equalities_normal`; false where an operator lacks.
fn normal_equalities(
    root: &Root<'_>,
    id: EcId,
    ec: &EquivalenceClass,
    (join, outer, inner): (Relids, Relids, Relids),
    child: Option<RelId>,
    found: &mut Vec<Arc<Restrict>>,
) -> bool {
    let (mut outers, mut inners, mut news) = (Vec::new(), Vec::new(), Vec::new());
    for (i, member) in ec.members.iter().enumerate() {
        if !member.relids.is_subset(join) {
            continue;
        }
        if member.relids.is_subset(outer) {
            outers.push(i);
        } else if member.relids.is_subset(inner) {
            inners.push(i);
        } else {
            news.push(i);
        }
    }
    let before = found.len();
    if !outers.is_empty() && !inners.is_empty() {
        let Some(pair) = best_pair(root, id, ec, &outers, &inners) else { return false };
        found.extend(join_clause(root, id, pair, child, true));
    }
    if news.is_empty() {
        return true;
    }
    news.extend(outers.first().or(inners.first()));
    for pair in news.windows(2) {
        let [a, b] = pair else { continue };
        let Some(clause) = join_clause(root, id, (*a, *b), child, false) else {
            found.truncate(before);
            return false;
        };
        found.push(clause);
    }
    true
}

/// The members to equate: plain columns and hashable operators first, then the earliest.
fn best_pair(
    root: &Root<'_>,
    id: EcId,
    ec: &EquivalenceClass,
    outers: &[usize],
    inners: &[usize],
) -> Option<(usize, usize)> {
    let mut best: Option<((usize, usize), u32)> = None;
    for o in outers {
        for i in inners {
            let (Some(outer), Some(inner)) = (ec.members.get(*o), ec.members.get(*i)) else { continue };
            let Some(op) = equality_operator(root, id, outer.ty, inner.ty) else { continue };
            let plain = |m: &EcMember| match &m.expr {
                Expr::Var(_) => true,
                Expr::Relabel(cast) => matches!(cast.arg, Expr::Var(_)),
                _ => false,
            };
            let hashable = root.env.facts.operator(op).is_some_and(|f| f.can_hash);
            let score = u32::from(plain(outer)) + u32::from(plain(inner)) + u32::from(hashable);
            if best.is_none_or(|(_, s)| score > s) {
                best = Some(((*o, *i), score));
            }
            if score == 3 {
                return best.map(|b| b.0);
            }
        }
    }
    best.map(|b| b.0)
}

/// Clauses by which a class gives values for what `matches`, a member of `rel`'s alone: for parameterised index scans
/// (`generate_implied_equalities_for_column`). For an inheritance child `matches` sees members over its columns.
pub fn implied_for_column(
    root: &Root<'_>,
    rel: &Rel,
    matches: &dyn Fn(&EcMember) -> bool,
    prohibited: Relids,
) -> Vec<Arc<Restrict>> {
    let child = rel.base().filter(|b| b.parent.is_some()).map(|b| b.rel);
    let fits = |m: &EcMember| {
        m.relids == rel.relids
            && child.map_or_else(
                || matches(m),
                |child| matches(&EcMember { expr: to_child(root, child, &m.expr), ..m.clone() }),
            )
    };
    let mut found = Vec::new();
    for (id, ec) in root.live_ecs() {
        if ec.has_const || ec.members.len() < 2 || !rel.relids.is_subset(ec.relids) {
            continue;
        }
        let Some(this) = ec.members.iter().position(fits) else { continue };
        for (other, member) in ec.members.iter().enumerate() {
            if other != this && !member.relids.overlaps(rel.relids) && !member.relids.overlaps(prohibited) {
                found.extend(join_clause(root, id, (this, other), child, true));
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}

/// Whether the classes might give a join clause between two relations (`have_relevant_eclass_joinclause`).
pub fn have_relevant_eclass_joinclause(root: &Root<'_>, a: Relids, b: Relids) -> bool {
    root.live_ecs().any(|(_, ec)| ec.members.len() > 1 && ec.relids.overlaps(a) && ec.relids.overlaps(b))
}

/// Whether the classes might give a relation a join clause with any other (`has_relevant_eclass_joinclause`).
pub fn has_relevant_eclass_joinclause(root: &Root<'_>, rel: Relids) -> bool {
    root.live_ecs().any(|(_, ec)| ec.members.len() > 1 && ec.relids.overlaps(rel) && !ec.relids.is_subset(rel))
}
