//! Functional dependencies (`dependencies.c`).

use super::super::clauses::{self, Clause, Place};
use super::super::restriction::clamp;
use super::super::walk::{is_volatile, members};
use super::{Object, column_of};
use crate::planner::expr::{Expr, OpKind, types};
use crate::planner::relids::RelId;
use crate::planner::root::Root;
use crate::snapshot::{AttrNumber, DependencyItem, Oid};

/// The column that a clause equates with something constant (`dependency_is_compatible_clause`).
fn column(root: &Root<'_>, rel: RelId, clause: Clause<'_>) -> Option<AttrNumber> {
    if matches!(clause, Clause::Restrict(r) if r.pseudoconstant) {
        return None;
    }
    column_of_expr(root, rel, clause.expr())
}

fn column_of_expr(root: &Root<'_>, rel: RelId, expr: &Expr) -> Option<AttrNumber> {
    let is_equality = |op: Oid| root.env.facts.operator(op).is_some_and(|o| o.restrict == "eqsel");
    let is_constant = |e: &Expr| members(root, e).is_empty() && !is_volatile(&root.env.facts, e);
    match expr {
        Expr::Op(op) if op.kind == OpKind::Plain && is_equality(op.op) => match op.args.as_slice() {
            [a, b] if is_constant(b) => column_of(a, rel),
            [a, b] if is_constant(a) => column_of(b, rel),
            _ => None,
        },
        Expr::ScalarArrayOp(op) if op.any && is_equality(op.op) && is_constant(&op.right) => column_of(&op.left, rel),
        Expr::Or(items) => {
            let mut columns = items.iter().map(|item| column_of_expr(root, rel, item));
            let first = columns.next()??;
            columns.all(|c| c == Some(first)).then_some(first)
        }
        Expr::Not(arg) if arg.ty() == types::BOOL => column_of(arg, rel),
        Expr::Var(v) if v.ty == types::BOOL => column_of(expr, rel),
        _ => None,
    }
}

/// Selectivity of the clauses that dependencies connect (`dependencies_clauselist_selectivity`).
pub(super) fn selectivity(
    root: &Root<'_>,
    rel: RelId,
    objects: &[Object<'_>],
    clauses: &[Clause<'_>],
    place: Place<'_>,
    estimated: &mut [bool],
) -> f64 {
    if objects.iter().all(|o| o.data.dependencies.is_empty()) {
        return 1.0;
    }
    let columns: Vec<Option<AttrNumber>> = clauses
        .iter()
        .zip(estimated.iter())
        .map(|(clause, done)| if *done { None } else { column(root, rel, *clause) })
        .collect();
    let mut left: Vec<AttrNumber> = columns.iter().flatten().copied().collect();
    left.sort_unstable();
    left.dedup();
    if left.len() < 2 {
        return 1.0;
    }
    let candidates: Vec<&DependencyItem> = objects
        .iter()
        .filter(|o| left.iter().filter(|c| o.definition.columns.contains(c)).count() >= 2)
        .flat_map(|o| &o.data.dependencies)
        .collect();
    let mut chosen: Vec<&DependencyItem> = Vec::new();
    while let Some(dependency) = strongest(&candidates, &left) {
        chosen.push(dependency);
        left.retain(|c| *c != dependency.to);
    }
    if chosen.is_empty() {
        return 1.0;
    }
    apply(root, clauses, place, &columns, &chosen, estimated)
}

/// The dependency among columns at hand that has most of them, of those the one of highest degree
/// (`find_strongest_dependency`).
fn strongest<'d>(candidates: &[&'d DependencyItem], columns: &[AttrNumber]) -> Option<&'d DependencyItem> {
    let mut best: Option<&DependencyItem> = None;
    for dependency in candidates {
        let weaker = best.is_some_and(|b| {
            dependency.from.len() < b.from.len()
                || (dependency.from.len() == b.from.len() && b.degree > dependency.degree)
        });
        let matched = dependency.from.iter().chain([&dependency.to]).all(|c| columns.contains(c));
        if matched && !weaker {
            best = Some(dependency);
        }
    }
    best
}

/// `clauselist_apply_dependencies`: each determined column's selectivity becomes one given the determining columns.
fn apply(
    root: &Root<'_>,
    clauses: &[Clause<'_>],
    place: Place<'_>,
    columns: &[Option<AttrNumber>],
    chosen: &[&DependencyItem],
    estimated: &mut [bool],
) -> f64 {
    let mut involved: Vec<AttrNumber> = chosen.iter().flat_map(|d| d.from.iter().chain([&d.to])).copied().collect();
    involved.sort_unstable();
    involved.dedup();
    let mut shares: Vec<f64> = Vec::with_capacity(involved.len());
    for column in &involved {
        let mut own = Vec::new();
        for ((clause, of), done) in clauses.iter().zip(columns).zip(estimated.iter_mut()) {
            if *of == Some(*column) {
                own.push(*clause);
                *done = true;
            }
        }
        shares.push(clauses::all(root, &own, Place { extended: false, ..place }));
    }
    let place_of = |column: AttrNumber| involved.iter().position(|c| *c == column);
    // What was chosen last determines first.
    for dependency in chosen.iter().rev() {
        let share = |column: &AttrNumber| place_of(*column).and_then(|i| shares.get(i).copied()).unwrap_or(1.0);
        let from: f64 = dependency.from.iter().map(share).product();
        let to = share(&dependency.to);
        let degree = dependency.degree;
        let given = if from <= to { degree } else { degree * to / from };
        if let Some(slot) = place_of(dependency.to).and_then(|i| shares.get_mut(i)) {
            *slot = given + (1.0 - degree) * to;
        }
    }
    clamp(shares.iter().product())
}
