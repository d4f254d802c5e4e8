//! `scalar op ANY (array)` and ALL (`scalararraysel`).

use std::sync::Arc;

use super::clauses::Place;
use super::compare::{self, Test};
use super::restriction::{self, Call, clamp};
use super::{elements, variable};
use crate::planner::expr::{Const, Expr, Param, ParamSource, ScalarArrayOp};
use crate::planner::root::Root;
use crate::planner::value::Datum;
use crate::snapshot::Oid;

/// Elements assumed in an array that is not known.
const UNKNOWN_LENGTH: usize = 10;
/// Selectivity of an operator without an estimator.
const NO_ESTIMATOR: f64 = 0.5;

/// Selectivity of the whole, from that of each element.
pub(super) fn selectivity(root: &Root<'_>, op: &ScalarArrayOp, join: bool, place: Place<'_>) -> f64 {
    let facts = &root.env.facts;
    let right = op.right.strip_relabel();
    let test = Test::of(facts, op.op);
    let is_equal = test.is_equality();
    let is_unequal = test.is_inequality();
    if (is_equal || is_unequal)
        && !join
        && let Some(share) = containment(root, op, right, is_equal, place)
    {
        return share;
    }
    let Some(fact) = facts.operator(op.op) else { return NO_ESTIMATOR };
    let estimator = if join { fact.join.as_str() } else { fact.restrict.as_str() };
    let adds_up = match estimator {
        "" => return NO_ESTIMATOR,
        "eqsel" | "eqjoinsel" => op.any,
        "neqsel" | "neqjoinsel" => !op.any,
        _ => false,
    };
    let estimated = compare::estimated(root, right);
    let each = |element: &Expr| {
        let call = Call {
            operator: op.op,
            left: &op.left,
            right: Some(element),
            collation: op.collation,
            var_relid: place.var_relid,
        };
        match place.special {
            Some(special) if join => super::join::selectivity(root, &call, place.join, special),
            _ => restriction::selectivity(root, &call),
        }
    };
    let element_type = facts.ty(right.ty()).map_or(0, |t| t.element);
    match estimated.as_ref() {
        Expr::Const(Const { value: None, .. }) => 0.0,
        Expr::Const(Const { value: Some(value), collation, .. }) => {
            let Datum::Array(items) = value.as_ref() else {
                return unknown(op, element_type, &each);
            };
            let elements = items.iter().map(|item| {
                Expr::Const(Const { ty: element_type, value: item.clone().map(Arc::new), collation: *collation })
            });
            combine(op.any, adds_up, elements.map(|element| each(&element)))
        }
        Expr::Array(items, _) => combine(op.any, adds_up, items.iter().map(each)),
        _ => unknown(op, element_type, &each),
    }
}

/// An array of unknown elements and length.
fn unknown(op: &ScalarArrayOp, element_type: Oid, each: &dyn Fn(&Expr) -> f64) -> f64 {
    let element = Expr::Param(Param { source: ParamSource::External(0), ty: element_type, collation: op.collation });
    let share = each(&element);
    combine(op.any, false, std::iter::repeat_n(share, UNKNOWN_LENGTH))
}

/// Elements' selectivities as those of independent conditions; or, for equality, of conditions that exclude each
/// other, where that gives a probability.
fn combine(any: bool, adds_up: bool, shares: impl Iterator<Item = f64>) -> f64 {
    let start = if any { 0.0 } else { 1.0 };
    let (mut independent, mut disjoint) = (start, start);
    for share in shares {
        if any {
            independent = independent + share - independent * share;
            disjoint += share;
        } else {
            independent *= share;
            disjoint += share - 1.0;
        }
    }
    clamp(if adds_up && (0.0..=1.0).contains(&disjoint) { disjoint } else { independent })
}

/// `constant = ANY (column)` by the column's elements (`scalararraysel_containment`).
fn containment(root: &Root<'_>, op: &ScalarArrayOp, right: &Expr, is_equal: bool, place: Place<'_>) -> Option<f64> {
    let var = variable::examine(root, right, place.var_relid);
    var.rel?;
    let left = compare::estimated(root, &op.left);
    let Expr::Const(constant) = left.as_ref() else { return None };
    let Some(value) = constant.value.as_deref() else { return Some(0.0) };
    let any = op.any == is_equal;
    let stats = var.stats.as_ref().and_then(|s| s.elements.as_ref());
    let values = std::slice::from_ref(value);
    let share = if any {
        elements::contain_or_overlap(stats, values, elements::Kind::Contains)
    } else {
        elements::contained(stats, values)
    };
    let share = share * (1.0 - var.null_frac());
    Some(clamp(if is_equal { share } else { 1.0 - share }))
}

/// Elements that an array has (`estimate_array_length`).
pub(super) fn length(root: &Root<'_>, expr: &Expr) -> f64 {
    let expr = expr.strip_relabel();
    match expr {
        Expr::Const(Const { value, .. }) => match value.as_deref() {
            None => 0.0,
            Some(Datum::Array(items)) => items.len() as f64,
            Some(_) => UNKNOWN_LENGTH as f64,
        },
        Expr::Array(items, _) => items.len() as f64,
        Expr::Coerce(cast) => length(root, &cast.arg),
        _ => {
            let by_statistics = || {
                let var = variable::examine(root, expr, None);
                let average = *var.stats.as_ref()?.elements.as_ref()?.count_histogram.last()?;
                (average > 0.0).then_some(average)
            };
            let measured = if root.env.settings.major >= 17 { by_statistics() } else { None };
            measured.unwrap_or(UNKNOWN_LENGTH as f64)
        }
    }
}
