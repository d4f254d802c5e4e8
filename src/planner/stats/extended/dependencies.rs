//! Functional dependencies (`dependencies.c`).

use super::super::clauses::{self, Clause, Place};
use super::super::restriction::clamp;
use super::super::walk::members;
use super::Object;
use crate::planner::expr::{Expr, OpKind, types};
use crate::planner::exprs::contains_volatile;
use crate::planner::relids::RelId;
use crate::planner::root::Root;
use crate::snapshot::{AttrNumber, DependencyItem, Oid};

/// What a clause equates with something constant (`dependency_is_compatible_clause`).
fn subject<'c>(root: &Root<'_>, clause: Clause<'c>) -> Option<&'c Expr> {
    if matches!(clause, Clause::Restrict(r) if r.pseudoconstant) {
        return None;
    }
    subject_of(root, clause.expr())
}

fn subject_of<'c>(root: &Root<'_>, expr: &'c Expr) -> Option<&'c Expr> {
    let is_equality = |op: Oid| root.env.facts.operator(op).is_some_and(|o| o.restrict == "eqsel");
    let is_constant = |e: &Expr| members(root, e).is_empty() && !contains_volatile(&root.env.facts, e);
    let found = match expr {
        Expr::Op(op) if op.kind == OpKind::Plain && is_equality(op.op) => match op.args.as_slice() {
            [a, b] if is_constant(b) => a,
            [a, b] if is_constant(a) => b,
            _ => return None,
        },
        Expr::ScalarArrayOp(op) if op.any && is_equality(op.op) && is_constant(&op.right) => &op.left,
        Expr::Or(items) => {
            let mut subjects = items.iter().map(|item| subject_of(root, item));
            let first = subjects.next()??;
            return subjects.all(|s| s == Some(first)).then_some(first);
        }
        Expr::Not(arg) if arg.ty() == types::BOOL => arg,
        Expr::Var(v) if v.ty == types::BOOL => expr,
        _ => return None,
    };
    Some(found.strip_relabel())
}

/// A dependency among what clauses equate, by position in the list of it.
#[derive(Debug)]
struct Dependency {
    from: Vec<usize>,
    to: usize,
    degree: f64,
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
    let mut subjects: Vec<&Expr> = Vec::new();
    let mut of_clause: Vec<Option<usize>> = Vec::with_capacity(clauses.len());
    for (clause, done) in clauses.iter().zip(estimated.iter()) {
        let found = if *done { None } else { subject(root, *clause) };
        of_clause.push(found.map(|expr| {
            subjects.iter().position(|s| *s == expr).unwrap_or_else(|| {
                subjects.push(expr);
                subjects.len() - 1
            })
        }));
    }
    if subjects.len() < 2 {
        return 1.0;
    }
    let candidates: Vec<Dependency> = objects.iter().flat_map(|o| known_to(o, rel, &subjects)).collect();
    let mut left: Vec<usize> = (0..subjects.len()).collect();
    let mut chosen: Vec<&Dependency> = Vec::new();
    while let Some(dependency) = strongest(&candidates, &left) {
        chosen.push(dependency);
        left.retain(|s| *s != dependency.to);
    }
    if chosen.is_empty() {
        return 1.0;
    }
    apply(root, clauses, place, &of_clause, &chosen, estimated)
}

/// An object's dependencies among what clauses equate.
fn known_to(object: &Object<'_>, rel: RelId, subjects: &[&Expr]) -> Vec<Dependency> {
    let attributes: Vec<Option<AttrNumber>> = subjects.iter().map(|s| object.attribute(s, rel)).collect();
    let place = |attribute: &AttrNumber| attributes.iter().position(|a| *a == Some(*attribute));
    let dependency = |item: &DependencyItem| {
        let from = item.from.iter().map(place).collect::<Option<Vec<_>>>()?;
        Some(Dependency { from, to: place(&item.to)?, degree: item.degree })
    };
    object.data.dependencies.iter().filter_map(dependency).collect()
}

/// The dependency among columns at hand that has most of them, of those the one of highest degree
/// (`find_strongest_dependency`).
fn strongest<'d>(candidates: &'d [Dependency], left: &[usize]) -> Option<&'d Dependency> {
    let mut best: Option<&Dependency> = None;
    for dependency in candidates {
        let weaker = best.is_some_and(|b| {
            dependency.from.len() < b.from.len()
                || (dependency.from.len() == b.from.len() && b.degree > dependency.degree)
        });
        let matched = dependency.from.iter().chain([&dependency.to]).all(|s| left.contains(s));
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
    of_clause: &[Option<usize>],
    chosen: &[&Dependency],
    estimated: &mut [bool],
) -> f64 {
    let mut involved: Vec<usize> = chosen.iter().flat_map(|d| d.from.iter().chain([&d.to])).copied().collect();
    involved.sort_unstable();
    involved.dedup();
    let mut shares: Vec<f64> = Vec::with_capacity(involved.len());
    for subject in &involved {
        let mut own = Vec::new();
        for ((clause, of), done) in clauses.iter().zip(of_clause).zip(estimated.iter_mut()) {
            if *of == Some(*subject) {
                own.push(*clause);
                *done = true;
            }
        }
        shares.push(clauses::all(root, &own, Place { extended: false, ..place }));
    }
    let place_of = |subject: usize| involved.iter().position(|s| *s == subject);
    // What was chosen last determines first.
    for dependency in chosen.iter().rev() {
        let share = |subject: &usize| place_of(*subject).and_then(|i| shares.get(i).copied()).unwrap_or(1.0);
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
