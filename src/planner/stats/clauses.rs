//! Selectivity of conditions and lists of them (`clausesel.c`).

use std::sync::Arc;

use super::boolean;
use super::restriction::{self, Call, DEFAULT_INEQ};
use super::walk::members;
use crate::planner::expr::{Expr, OpKind, RowCompare, types};
use crate::planner::exprs::contains_volatile;
use crate::planner::query::JoinType;
use crate::planner::rel::{Restrict, SpecialJoin};
use crate::planner::relids::{RelId, Relids};
use crate::planner::root::Root;
use crate::planner::value::Datum;
use crate::snapshot::Oid;

/// `DEFAULT_RANGE_INEQ_SEL`.
const DEFAULT_RANGE: f64 = 0.005;
/// What a function that nothing is known of keeps (`function_selectivity`).
pub(super) const DEFAULT_FUNCTION: f64 = 0.333_333_3;
/// What a condition that nothing is known of keeps.
const UNKNOWN: f64 = 0.5;
/// Conditions within conditions beyond which no more is told.
const MAX_DEPTH: u32 = 2_000;

/// Where conditions are estimated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'s> {
    /// Whose columns vary; `None`: all.
    pub(super) var_relid: Option<RelId>,
    /// Which join they are conditions of.
    pub(super) join: JoinType,
    /// The join, unless they are restrictions.
    pub(super) special: Option<&'s SpecialJoin>,
    /// How deep in a condition.
    pub(super) depth: u32,
    /// Whether extended statistics may be used.
    pub(super) extended: bool,
}

/// A condition, with or without what is cached for it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clause<'c> {
    /// With.
    Restrict(&'c Arc<Restrict>),
    /// Without.
    Bare(&'c Expr),
}

impl<'c> Clause<'c> {
    /// The condition itself.
    pub(super) fn expr(self) -> &'c Expr {
        match self {
            Self::Restrict(restrict) => &restrict.clause,
            Self::Bare(expr) => expr,
        }
    }

    fn relids(self, root: &Root<'_>) -> Relids {
        match self {
            Self::Restrict(restrict) => restrict.clause_relids,
            Self::Bare(expr) => members(root, expr).relids,
        }
    }
}

/// `clauselist_selectivity_ext`: the product, with pairs of inequalities on one expression taken as ranges.
pub(super) fn all(root: &Root<'_>, clauses: &[Clause<'_>], place: Place<'_>) -> f64 {
    if let [only] = clauses {
        return one(root, *only, place);
    }
    let mut selectivity = 1.0;
    let mut estimated = vec![false; clauses.len()];
    if place.extended {
        selectivity *= super::extended::and_selectivity(root, clauses, place, &mut estimated);
    }
    let mut ranges: Vec<Range<'_>> = Vec::new();
    for (clause, done) in clauses.iter().zip(&estimated) {
        if *done {
            continue;
        }
        let share = one(root, *clause, place);
        let is_pseudoconstant = matches!(clause, Clause::Restrict(r) if r.pseudoconstant);
        match if is_pseudoconstant { None } else { bound(root, *clause) } {
            Some((expr, lower)) => Range::add(&mut ranges, expr, lower, share),
            None => selectivity *= share,
        }
    }
    ranges.iter().rev().fold(selectivity, |product, range| product * range.selectivity(root, place))
}

/// Bounds on one expression (`RangeQueryClause`).
struct Range<'c> {
    expr: &'c Expr,
    lower: Option<f64>,
    upper: Option<f64>,
}

impl<'c> Range<'c> {
    /// `addRangeClause`: of several bounds on a side the tightest counts.
    fn add(ranges: &mut Vec<Self>, expr: &'c Expr, lower: bool, share: f64) {
        let at = ranges.iter().position(|r| r.expr == expr).unwrap_or(ranges.len());
        if at == ranges.len() {
            ranges.push(Self { expr, lower: None, upper: None });
        }
        let Some(range) = ranges.get_mut(at) else { return };
        let side = if lower { &mut range.lower } else { &mut range.upper };
        *side = Some(side.map_or(share, |other| other.min(share)));
    }

    fn selectivity(&self, root: &Root<'_>, place: Place<'_>) -> f64 {
        match (self.lower, self.upper) {
            (Some(lower), Some(upper)) => {
                if lower == DEFAULT_INEQ || upper == DEFAULT_INEQ {
                    return DEFAULT_RANGE;
                }
                // NULLs fail both bounds and were taken off twice.
                let share = lower + upper - 1.0 + boolean::null_test(root, self.expr, true, place);
                if share > 0.0 {
                    share
                } else if share < -0.01 {
                    DEFAULT_RANGE
                } else {
                    1.0e-10
                }
            }
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => 1.0,
        }
    }
}

/// Whether a condition bounds an expression by something constant: the expression, and whether from below.
fn bound<'c>(root: &Root<'_>, clause: Clause<'c>) -> Option<(&'c Expr, bool)> {
    let Expr::Op(op) = clause.expr() else { return None };
    let [left, right] = op.args.as_slice() else { return None };
    if op.kind != OpKind::Plain {
        return None;
    }
    let less = match root.env.facts.operator(op.op)?.restrict.as_str() {
        "scalarltsel" | "scalarlesel" => true,
        "scalargtsel" | "scalargesel" => false,
        _ => return None,
    };
    if clause.relids(root).len() != 1 {
        return None;
    }
    let (left_free, right_free) = match clause {
        Clause::Restrict(r) => (r.left.is_empty(), r.right.is_empty()),
        Clause::Bare(_) => (members(root, left).is_empty(), members(root, right).is_empty()),
    };
    if right_free && !contains_volatile(&root.env.facts, right) {
        Some((left, !less))
    } else if left_free && !contains_volatile(&root.env.facts, left) {
        Some((right, less))
    } else {
        None
    }
}

/// `clause_selectivity_ext`, remembered in the condition where its place allows.
pub(super) fn one(root: &Root<'_>, clause: Clause<'_>, place: Place<'_>) -> f64 {
    let Clause::Restrict(restrict) = clause else { return expr(root, clause, clause.expr(), place) };
    if restrict.pseudoconstant && !matches!(restrict.clause, Expr::Const(_)) {
        return 1.0;
    }
    if restrict.norm_selectivity.get().is_some_and(|s| *s > 1.0) {
        // Redundant: an equivalence class implies it.
        return 1.0;
    }
    let cacheable = match place.var_relid {
        None => true,
        Some(rel) => {
            let only = Relids::single(super::walk::top_parent(root, rel));
            restrict.clause_relids.is_subset(only)
        }
    };
    let compute = || match &restrict.or_branches {
        Some(branches) => or_of_branches(root, restrict, branches, place),
        None => expr(root, clause, &restrict.clause, place),
    };
    if !cacheable {
        return compute();
    }
    let cache = if place.join == JoinType::Inner { &restrict.norm_selectivity } else { &restrict.outer_selectivity };
    *cache.get_or_init(compute)
}

/// An OR of which each branch is a list of conditions.
fn or_of_branches(root: &Root<'_>, restrict: &Restrict, branches: &[Vec<Arc<Restrict>>], place: Place<'_>) -> f64 {
    let items: Vec<Clause<'_>> = match &restrict.clause {
        Expr::Or(items) if items.len() == branches.len() => items.iter().map(Clause::Bare).collect(),
        _ => Vec::new(),
    };
    let share = |branch: &Vec<Arc<Restrict>>| {
        let clauses: Vec<_> = branch.iter().map(Clause::Restrict).collect();
        all(root, &clauses, place)
    };
    any_of(root, &items, place, branches.iter().map(share))
}

/// Independent alternatives, as far as extended statistics do not tell (`clauselist_selectivity_or`).
fn any_of(root: &Root<'_>, items: &[Clause<'_>], place: Place<'_>, shares: impl Iterator<Item = f64>) -> f64 {
    let mut estimated = vec![false; items.len()];
    let mut sum = 0.0;
    if place.extended && !items.is_empty() {
        sum = super::extended::or_selectivity(root, items, place, &mut estimated);
    }
    for (share, done) in shares.zip(estimated.into_iter().chain(std::iter::repeat(false))) {
        if !done {
            sum = sum + share - sum * share;
        }
    }
    sum
}

/// Selectivity by the kind of node.
fn expr(root: &Root<'_>, clause: Clause<'_>, node: &Expr, place: Place<'_>) -> f64 {
    if place.depth > MAX_DEPTH {
        root.note("a condition is nested too deeply");
        return UNKNOWN;
    }
    let place = Place { depth: place.depth + 1, ..place };
    match node {
        Expr::Var(var) => {
            if var.levels_up == 0 && place.var_relid.is_none_or(|rel| rel == var.rel) {
                boolean::column(root, node, place)
            } else {
                UNKNOWN
            }
        }
        Expr::Const(constant) => match constant.value.as_deref() {
            Some(Datum::Bool(true)) => 1.0,
            Some(Datum::Bool(false)) | None => 0.0,
            Some(_) => UNKNOWN,
        },
        Expr::Param(_) => match super::compare::estimated(root, node).as_ref() {
            Expr::Const(c) if c.ty == types::BOOL => {
                f64::from(u8::from(c.value.as_deref() == Some(&Datum::Bool(true))))
            }
            _ => UNKNOWN,
        },
        Expr::Not(arg) => 1.0 - one(root, Clause::Bare(arg), place),
        Expr::And(items) => {
            let clauses: Vec<_> = items.iter().map(Clause::Bare).collect();
            all(root, &clauses, place)
        }
        Expr::Or(items) => {
            let clauses: Vec<_> = items.iter().map(Clause::Bare).collect();
            any_of(root, &clauses, place, clauses.iter().map(|clause| one(root, *clause, place)))
        }
        Expr::Op(op) if op.kind == OpKind::NullIf => boolean::column(root, node, place),
        Expr::Op(op) => {
            let share = operator(root, clause, node, op.op, &op.args, op.collation, place);
            if op.kind == OpKind::Distinct { 1.0 - share } else { share }
        }
        Expr::Func(func) => super::function::selectivity(root, func, place),
        Expr::ScalarArrayOp(op) => {
            let join = is_join(root, clause, node, place);
            super::array_op::selectivity(root, op, join, place)
        }
        Expr::RowCompare(compare) => row_compare(root, clause, node, compare, place),
        Expr::NullTest(arg, is_null) => boolean::null_test(root, arg, *is_null, place),
        Expr::BooleanTest(arg, test) => boolean::boolean_test(root, arg, *test, place),
        Expr::Relabel(cast) => one(root, Clause::Bare(&cast.arg), place),
        _ => boolean::column(root, node, place),
    }
}

/// Whether an operator's join estimator is asked (`treat_as_join_clause`).
fn is_join(root: &Root<'_>, clause: Clause<'_>, node: &Expr, place: Place<'_>) -> bool {
    if place.var_relid.is_some() || place.special.is_none() {
        return false;
    }
    match clause {
        Clause::Restrict(restrict) => restrict.clause_relids.len() > 1,
        Clause::Bare(_) => members(root, node).relids.len() > 1,
    }
}

fn operator(
    root: &Root<'_>,
    clause: Clause<'_>,
    node: &Expr,
    op: Oid,
    args: &[Expr],
    collation: Oid,
    place: Place<'_>,
) -> f64 {
    let [left, rest @ ..] = args else { return UNKNOWN };
    let call = Call { operator: op, left, right: rest.first(), collation, var_relid: place.var_relid };
    match place.special {
        Some(special) if is_join(root, clause, node, place) => {
            super::join::selectivity(root, &call, place.join, special)
        }
        _ => restriction::selectivity(root, &call),
    }
}

/// `rowcomparesel`: the first columns decide.
fn row_compare(root: &Root<'_>, clause: Clause<'_>, node: &Expr, compare: &RowCompare, place: Place<'_>) -> f64 {
    let (Some(op), Some(left), Some(right)) = (compare.ops.first(), compare.left.first(), compare.right.first()) else {
        return UNKNOWN;
    };
    let collation = left.collation();
    let call = Call { operator: *op, left, right: Some(right), collation, var_relid: place.var_relid };
    match place.special {
        Some(special) if is_join(root, clause, node, place) => {
            super::join::selectivity(root, &call, place.join, special)
        }
        _ => restriction::selectivity(root, &call),
    }
}
