//! Equivalence classes: what is known to be equal (`equivclass.c`, the half that builds them).

use std::sync::Arc;

use super::restrict::{Placement, make_restrict};
use crate::planner::Root;
use crate::planner::expr::{Cast, Const, Expr, types};
use crate::planner::exprs::{contains_aggs, contains_volatile, contains_windows, op_strict, returns_set};
use crate::planner::query::JoinType;
use crate::planner::rel::{EcId, EcMember, EquivalenceClass, Restrict};
use crate::planner::relids::Relids;
use crate::snapshot::Oid;

/// An expression with the type and collation under which a class compares it (`canonicalize_ec_expression`).
pub fn canonical_expr(expr: &Expr, ty: Oid, collation: Oid) -> Expr {
    let ty = if is_polymorphic(ty) { expr.ty() } else { ty };
    if expr.ty() == ty && (collation == 0 || expr.collation() == collation) {
        return expr.clone();
    }
    let bare = expr.strip_relabel();
    if bare.ty() == ty && (collation == 0 || bare.collation() == collation) {
        return bare.clone();
    }
    if let Expr::Const(c) = bare {
        return Expr::Const(Const { ty, value: c.value.clone(), collation });
    }
    let typmod = if bare.ty() == ty { bare.typmod() } else { -1 };
    Expr::Relabel(Box::new(Cast { arg: bare.clone(), ty, typmod, collation }))
}

/// Types for which an operator class takes what it is given: `anyarray`, `anyenum`, `anyrange`, `record` and others.
fn is_polymorphic(ty: Oid) -> bool {
    matches!(ty, 2277 | 2283 | 2776 | 3500 | 3831 | 4537 | 5077..=5080 | types::RECORD)
}

impl Root<'_> {
    /// Relations of the topmost range table that an expression reads: an inheritance child counts as its parent.
    pub fn relids_of(&self, expr: &Expr) -> Relids {
        let mut found = Relids::EMPTY;
        expr.visit(0, &mut |e, depth| {
            if let Expr::Var(v) = e
                && v.levels_up == depth
            {
                found.insert(self.top_parent.get(v.rel).copied().unwrap_or(v.rel));
            }
        });
        found
    }

    /// Classes that were not merged into others.
    pub fn live_ecs(&self) -> impl Iterator<Item = (EcId, &EquivalenceClass)> {
        self.ecs.iter().enumerate().filter(|(_, ec)| ec.merged.is_none())
    }
}

/// A class's member that is this expression under this type, as an index.
fn member_of(ec: &EquivalenceClass, expr: &Expr, ty: Oid, skip_consts: bool) -> Option<usize> {
    ec.members.iter().position(|m| m.ty == ty && !(skip_consts && m.is_const) && m.expr == *expr)
}

fn new_member(expr: Expr, relids: Relids, nullable: Relids, ty: Oid) -> EcMember {
    EcMember { expr, relids, ty, is_const: relids.is_empty(), nullable: nullable & relids }
}

fn add_member(ec: &mut EquivalenceClass, member: EcMember) {
    ec.has_const |= member.is_const;
    ec.relids = ec.relids | member.relids;
    ec.members.push(member);
}

fn new_class(families: Vec<Oid>, collation: Oid) -> EquivalenceClass {
    EquivalenceClass {
        families,
        collation,
        members: Vec::new(),
        sources: Vec::new(),
        relids: Relids::EMPTY,
        has_const: false,
        has_volatile: false,
        sortref: 0,
        broken: false,
        below_outer_join: false,
        merged: None,
    }
}

/// Takes an equality into the classes (`process_equivalence`). Gives the condition back if it is not one.
pub fn process_equivalence(root: &mut Root<'_>, mut restrict: Restrict, below_outer: bool) -> Option<Restrict> {
    let Expr::Op(op) = &restrict.clause else { return Some(restrict) };
    let [left, right] = op.args.as_slice() else { return Some(restrict) };
    let (operator, collation) = (op.op, op.collation);
    let left = canonical_expr(left, left.ty(), collation);
    let right = canonical_expr(right, right.ty(), collation);
    if left == right {
        // X = X says no more than that X is not NULL.
        if !below_outer && op_strict(&root.env.facts, operator) {
            let place = place_of(&restrict);
            return Some(make_restrict(root, Expr::NullTest(Box::new(left), false), place));
        }
        return Some(restrict);
    }
    let Some(fact) = root.env.facts.operator(operator) else { return Some(restrict) };
    let (left_ty, right_ty) = (fact.left, fact.right);
    let (mut left_at, mut right_at) = (None, None);
    for (id, ec) in root.live_ecs() {
        if ec.has_volatile || ec.collation != collation || ec.families != restrict.merge_families {
            continue;
        }
        let skip_consts = below_outer || ec.below_outer_join;
        left_at = left_at.or_else(|| member_of(ec, &left, left_ty, skip_consts).map(|_| id));
        right_at = right_at.or_else(|| member_of(ec, &right, right_ty, skip_consts).map(|_| id));
        if left_at.is_some() && right_at.is_some() {
            break;
        }
    }
    let id = match (left_at, right_at) {
        (Some(a), Some(b)) => {
            if a != b {
                merge_classes(root, a, b);
            }
            a
        }
        (Some(a), None) | (None, Some(a)) => a,
        (None, None) => {
            root.ecs.push(new_class(restrict.merge_families.clone(), collation));
            root.ecs.len() - 1
        }
    };
    let (left_relids, right_relids, nullable) = (restrict.left, restrict.right, restrict.nullable);
    restrict.left_ec = Some(id);
    restrict.right_ec = Some(id);
    if let Some(ec) = root.ecs.get_mut(id) {
        if left_at.is_none() {
            add_member(ec, new_member(left, left_relids, nullable, left_ty));
        }
        if right_at.is_none() {
            add_member(ec, new_member(right, right_relids, nullable, right_ty));
        }
        ec.below_outer_join |= below_outer;
        ec.sources.push(Arc::new(restrict));
    }
    None
}

/// How a condition was placed, for one that replaces it.
pub fn place_of(restrict: &Restrict) -> Placement {
    Placement {
        is_pushed_down: restrict.is_pushed_down,
        outerjoin_delayed: restrict.outerjoin_delayed,
        pseudoconstant: restrict.pseudoconstant,
        required: restrict.required,
        outer_relids: restrict.outer_relids,
        nullable: restrict.nullable,
    }
}

fn merge_classes(root: &mut Root<'_>, into: EcId, from: EcId) {
    let Some(gone) = root.ecs.get_mut(from) else { return };
    gone.merged = Some(into);
    let members = std::mem::take(&mut gone.members);
    let sources = std::mem::take(&mut gone.sources);
    let (relids, has_const, below) = (gone.relids, gone.has_const, gone.below_outer_join);
    if let Some(ec) = root.ecs.get_mut(into) {
        ec.members.extend(members);
        ec.sources.extend(sources);
        ec.relids = ec.relids | relids;
        ec.has_const |= has_const;
        ec.below_outer_join |= below;
    }
}

/// The class in which an expression is sorted, if there is one (`get_eclass_for_sort_expr` without creation). `by` is
/// the operator class's input type and the collation.
pub fn find_eclass(root: &Root<'_>, expr: &Expr, families: &[Oid], by: (Oid, Oid), sortref: u32) -> Option<EcId> {
    let canonical;
    let expr = if expr.ty() == by.0 && (by.1 == 0 || expr.collation() == by.1) {
        expr
    } else {
        canonical = canonical_expr(expr, by.0, by.1);
        &canonical
    };
    root.live_ecs()
        .find(|(_, ec)| {
            (!ec.has_volatile || (sortref != 0 && sortref == ec.sortref))
                && ec.collation == by.1
                && ec.families == families
                && member_of(ec, expr, by.0, ec.below_outer_join).is_some()
        })
        .map(|(id, _)| id)
}

/// The class in which an expression is sorted, made if need be (`get_eclass_for_sort_expr`).
pub fn eclass_for_sort_expr(
    root: &mut Root<'_>,
    expr: &Expr,
    families: &[Oid],
    by: (Oid, Oid),
    sortref: u32,
    nullable: Relids,
) -> EcId {
    if let Some(found) = find_eclass(root, expr, families, by, sortref) {
        return found;
    }
    let expr = canonical_expr(expr, by.0, by.1);
    let relids = root.relids_of(&expr);
    let mut ec = new_class(families.to_vec(), by.1);
    ec.has_volatile = contains_volatile(&root.env.facts, &expr);
    ec.sortref = sortref;
    let truly_const = relids.is_empty()
        && !ec.has_volatile
        && !returns_set(&expr)
        && !contains_aggs(&expr)
        && !contains_windows(&expr);
    let mut member = new_member(expr, relids, nullable, by.0);
    member.is_const = truly_const;
    add_member(&mut ec, member);
    root.ecs.push(ec);
    root.ecs.len() - 1
}

/// Gives both sides of a merge clause that is in no class one each (`initialize_mergeclause_eclasses`).
pub fn initialize_mergeclause(root: &mut Root<'_>, restrict: &mut Restrict) {
    let Expr::Op(op) = &restrict.clause else { return };
    let [left, right] = op.args.as_slice() else { return };
    let Some((left_ty, right_ty)) = root.env.facts.operator(op.op).map(|f| (f.left, f.right)) else { return };
    let (families, nullable) = (&restrict.merge_families, restrict.nullable);
    let left_ec = eclass_for_sort_expr(root, left, families, (left_ty, op.collation), 0, nullable);
    let right_ec = eclass_for_sort_expr(root, right, families, (right_ty, op.collation), 0, nullable);
    restrict.left_ec = Some(left_ec);
    restrict.right_ec = Some(right_ec);
}

/// Whether two expressions are in one class (`exprs_known_equal`).
pub fn exprs_known_equal(root: &Root<'_>, a: &Expr, b: &Expr) -> bool {
    root.live_ecs().any(|(_, ec)| {
        let has = |e: &Expr| ec.members.iter().any(|m| m.expr == *e);
        !ec.has_volatile && has(a) && has(b)
    })
}

/// An outer join's clause `outer = inner` kept back until the classes are complete (`left_join_clauses` and its like).
#[derive(Debug)]
pub struct OuterClause {
    /// The clause.
    pub restrict: Restrict,
    /// Left (the outer variable is the left operand), Right (it is the right one) or Full.
    pub kind: JoinType,
}

/// Draws from a constant on an outer join's kept side what must hold on the other (`reconsider_outer_join_clauses`),
/// and gives back every clause, those made redundant marked as selecting nothing.
pub fn reconsider_outer_join_clauses(root: &mut Root<'_>, clauses: Vec<OuterClause>) -> Vec<Restrict> {
    let mut waiting = clauses;
    let mut done = Vec::new();
    loop {
        let mut rest = Vec::new();
        let before = waiting.len();
        for clause in waiting {
            let found = match clause.kind {
                JoinType::Full => reconsider_full(root, &clause.restrict),
                kind => reconsider_one(root, &clause.restrict, kind == JoinType::Left),
            };
            if found {
                // Above 1 stands for "known to hold".
                let _ = clause.restrict.norm_selectivity.set(2.0);
                let _ = clause.restrict.outer_selectivity.set(1.0);
                done.push(clause.restrict);
            } else {
                rest.push(clause);
            }
        }
        waiting = rest;
        if waiting.len() == before || waiting.is_empty() {
            break;
        }
    }
    done.extend(waiting.into_iter().map(|c| c.restrict));
    done
}

/// The class with a constant in which an expression is.
fn constant_class(
    root: &Root<'_>,
    restrict: &Restrict,
    collation: Oid,
    holds: &dyn Fn(&EcMember) -> bool,
) -> Option<EcId> {
    root.live_ecs()
        .find(|(_, ec)| {
            ec.has_const
                && !ec.has_volatile
                && ec.collation == collation
                && ec.families == restrict.merge_families
                && ec.members.iter().any(holds)
        })
        .map(|(id, _)| id)
}

/// Equates an expression with every constant of a class, below an outer join.
fn equate_with_constants(root: &mut Root<'_>, ec: EcId, expr: &Expr, ty: Oid, nullable: Relids) -> bool {
    let Some(class) = root.ecs.get(ec) else { return false };
    let collation = class.collation;
    let constants: Vec<(Expr, Oid)> =
        class.members.iter().filter(|m| m.is_const).map(|m| (m.expr.clone(), m.ty)).collect();
    let mut any = false;
    for (constant, const_ty) in constants {
        let Some(op) = super::derive::equality_operator(root, ec, ty, const_ty) else { continue };
        let clause = super::derive::equality(op, expr.clone(), constant, collation);
        let place = Placement { is_pushed_down: true, nullable, ..Placement::default() };
        let restrict = make_restrict(root, clause, place);
        any |= process_equivalence(root, restrict, true).is_none();
    }
    any
}

fn reconsider_one(root: &mut Root<'_>, restrict: &Restrict, outer_on_left: bool) -> bool {
    let Expr::Op(op) = &restrict.clause else { return false };
    let [left, right] = op.args.as_slice() else { return false };
    if restrict.outerjoin_delayed && !op_strict(&root.env.facts, op.op) {
        return false;
    }
    let Some(fact) = root.env.facts.operator(op.op) else { return false };
    let (outer, inner, inner_ty) = if outer_on_left { (left, right, fact.right) } else { (right, left, fact.left) };
    let outer = canonical_expr(outer, outer.ty(), op.collation);
    let inner = canonical_expr(inner, inner.ty(), op.collation);
    let Some(ec) = constant_class(root, restrict, op.collation, &|m| m.expr == outer) else { return false };
    equate_with_constants(root, ec, &inner, inner_ty, restrict.nullable)
}

/// `reconsider_full_join_clause`: a merged USING column equal to a constant.
fn reconsider_full(root: &mut Root<'_>, restrict: &Restrict) -> bool {
    use crate::planner::expr::Variadic;
    let Expr::Op(op) = &restrict.clause else { return false };
    let [left, right] = op.args.as_slice() else { return false };
    let Some(fact) = root.env.facts.operator(op.op) else { return false };
    let merged = |m: &EcMember| match m.expr.strip_relabel() {
        Expr::Variadic(Variadic::Coalesce, args, _) => args.as_slice() == [left.clone(), right.clone()],
        _ => false,
    };
    let Some(ec) = constant_class(root, restrict, op.collation, &merged) else { return false };
    let on_left = equate_with_constants(root, ec, left, fact.left, restrict.nullable);
    let on_right = equate_with_constants(root, ec, right, fact.right, restrict.nullable);
    if !(on_left && on_right) {
        return false;
    }
    let ec = root.canonical_ec(ec);
    if let Some(class) = root.ecs.get_mut(ec) {
        class.members.retain(|m| !merged(m));
    }
    true
}
