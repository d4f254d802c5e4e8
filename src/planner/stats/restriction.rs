//! Selectivity of a condition on one relation by the operator's estimator (`oprrest`).

use std::borrow::Cow;

use super::compare::{self, Test};
use super::variable::{self, Variable};
use crate::planner::expr::{Const, Expr};
use crate::planner::relids::RelId;
use crate::planner::root::Root;
use crate::planner::value::Datum;
use crate::snapshot::Oid;

/// `DEFAULT_EQ_SEL`.
pub(super) const DEFAULT_EQ: f64 = 0.005;
/// `DEFAULT_INEQ_SEL`.
pub(super) const DEFAULT_INEQ: f64 = 0.333_333_333_333_333_3;
/// `DEFAULT_MATCHING_SEL`.
const DEFAULT_MATCHING: f64 = 0.010;
/// What an operator without an estimator gets.
const NO_ESTIMATOR: f64 = 0.5;

/// One condition as its estimator sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'e> {
    /// The operator.
    pub(super) operator: Oid,
    /// Left operand, or the only one.
    pub(super) left: &'e Expr,
    /// Right operand.
    pub(super) right: Option<&'e Expr>,
    /// Input collation.
    pub(super) collation: Oid,
    /// Whose columns vary; `None`: all.
    pub(super) var_relid: Option<RelId>,
}

/// A condition between something of a relation and something else (`get_restriction_variable`).
#[derive(Debug)]
pub(super) struct Restriction<'e> {
    /// The side that varies.
    pub(super) var: Variable<'e>,
    /// The other side, as far as it can be computed.
    pub(super) other: Cow<'e, Expr>,
    /// Whether the varying side is the left one.
    pub(super) on_left: bool,
}

impl Restriction<'_> {
    /// The other side, if it is a constant.
    pub(super) fn constant(&self) -> Option<&Const> {
        match self.other.as_ref() {
            Expr::Const(constant) => Some(constant),
            _ => None,
        }
    }
}

impl<'e> Call<'e> {
    /// Finds the side that varies.
    pub(super) fn split(&self, root: &Root<'_>) -> Option<Restriction<'e>> {
        let right_expr = self.right?;
        let left = variable::examine(root, self.left, self.var_relid);
        let right = variable::examine(root, right_expr, self.var_relid);
        match (left.rel, right.rel) {
            (Some(_), None) => {
                Some(Restriction { var: left, other: compare::estimated(root, right.expr), on_left: true })
            }
            (None, Some(_)) => {
                Some(Restriction { var: right, other: compare::estimated(root, left.expr), on_left: false })
            }
            _ => None,
        }
    }
}

/// Selectivity of an operator as a restriction (`restriction_selectivity`).
pub(super) fn selectivity(root: &Root<'_>, call: &Call<'_>) -> f64 {
    let Some(fact) = root.env.facts.operator(call.operator) else { return NO_ESTIMATOR };
    let estimate = match fact.restrict.as_str() {
        "" => NO_ESTIMATOR,
        "eqsel" => equality(root, call, false),
        "neqsel" => equality(root, call, true),
        "scalarltsel" => super::inequality::scalar(root, call, false, false),
        "scalarlesel" => super::inequality::scalar(root, call, false, true),
        "scalargtsel" => super::inequality::scalar(root, call, true, false),
        "scalargesel" => super::inequality::scalar(root, call, true, true),
        "matchingsel" => generic(root, call, DEFAULT_MATCHING),
        "contsel" => 0.001,
        "areasel" => 0.005,
        "positionsel" => 0.1,
        name => other(root, call, name),
    };
    clamp(estimate)
}

/// Estimators with files of their own.
fn other(root: &Root<'_>, call: &Call<'_>, name: &str) -> f64 {
    match name {
        // intarray's, which stand for the built-in one.
        "arraycontsel" | "_int_overlap_sel" | "_int_contains_sel" | "_int_contained_sel" => {
            return super::elements::selectivity(root, call);
        }
        "rangesel" | "multirangesel" => return super::ranges::selectivity(root, call),
        "networksel" => return super::network::selectivity(root, call),
        "tsmatchsel" => return super::tsearch::selectivity(root, call),
        _ => {}
    }
    super::pattern::by_name(root, call, name).unwrap_or_else(|| {
        root.note(format!("the estimator {name} is not modelled"));
        DEFAULT_MATCHING
    })
}

/// `CLAMP_PROBABILITY`.
pub(super) fn clamp(p: f64) -> f64 {
    if p.is_nan() { 0.5 } else { p.clamp(0.0, 1.0) }
}

/// `eqsel` and `neqsel`.
fn equality(root: &Root<'_>, call: &Call<'_>, negate: bool) -> f64 {
    let Some(found) = call.split(root) else {
        return if negate { 1.0 - DEFAULT_EQ } else { DEFAULT_EQ };
    };
    match found.constant() {
        Some(constant) => equals_constant(root, &found.var, constant.value.as_deref(), negate),
        None => equals_unknown(root, &found.var, negate),
    }
}

/// `var_eq_const`: the common value's frequency, or an even share of what the common values leave.
///
/// A constant that may be one of the common values that are withheld is estimated as a parameter of unknown value is.
pub(super) fn equals_constant(root: &Root<'_>, var: &Variable<'_>, constant: Option<&Datum>, negate: bool) -> f64 {
    let Some(constant) = constant else { return 0.0 };
    let null_frac = var.null_frac();
    let selectivity = if var.unique
        && let Some(tuples) = var.tuples()
    {
        1.0 / tuples
    } else if let Some(stats) = &var.stats {
        let matches = |value: &Option<Datum>| value.as_ref().is_some_and(|v| compare::equal(v, constant));
        match stats.mcv.iter().position(matches).and_then(|i| stats.mcv_freqs.get(i)) {
            Some(frequency) => *frequency,
            None if stats.mcv_withheld() => return equals_unknown(root, var, negate),
            None => uncommon(root, var, stats, null_frac),
        }
    } else {
        1.0 / variable::distinct(root, var).0
    };
    finish(selectivity, negate, null_frac)
}

fn uncommon(root: &Root<'_>, var: &Variable<'_>, stats: &super::parsed::Parsed, null_frac: f64) -> f64 {
    let common = stats.common_sum();
    let rest = clamp(1.0 - common - null_frac);
    let others = variable::distinct(root, var).0 - stats.mcv_freqs.len() as f64;
    let share = if others > 1.0 { rest / others } else { rest };
    stats.mcv_freqs.last().map_or(share, |least| share.min(*least))
}

/// `var_eq_non_const`: an even share, at most the commonest value's.
pub(super) fn equals_unknown(root: &Root<'_>, var: &Variable<'_>, negate: bool) -> f64 {
    let null_frac = var.null_frac();
    let selectivity = if var.unique
        && let Some(tuples) = var.tuples()
    {
        1.0 / tuples
    } else if let Some(stats) = &var.stats {
        let count = variable::distinct(root, var).0;
        let share = if count > 1.0 { (1.0 - null_frac) / count } else { 1.0 - null_frac };
        stats.mcv_freqs.first().map_or(share, |most| share.min(*most))
    } else {
        1.0 / variable::distinct(root, var).0
    };
    finish(selectivity, negate, null_frac)
}

fn finish(selectivity: f64, negate: bool, null_frac: f64) -> f64 {
    clamp(if negate { 1.0 - selectivity - null_frac } else { selectivity })
}

/// A test against a constant, as it is put to the values of statistics.
#[derive(Debug, Clone)]
pub(super) struct Probe<'v> {
    /// What is tested.
    pub(super) test: Test,
    /// Input collation.
    pub(super) collation: Oid,
    /// The constant.
    pub(super) constant: &'v Datum,
    /// Whether the constant is the right operand.
    pub(super) on_left: bool,
}

impl Probe<'_> {
    fn passes(&self, root: &Root<'_>, value: &Datum) -> Option<bool> {
        let (left, right) = if self.on_left { (value, self.constant) } else { (self.constant, value) };
        self.test.holds(root.env, self.collation, left, right)
    }

    /// Share of rows among the common values that pass, and that are common values at all (`mcv_selectivity`). Of
    /// withheld values as many are taken to pass as `default` says.
    pub(super) fn common_values(&self, root: &Root<'_>, var: &Variable<'_>, default: f64) -> (f64, f64) {
        let Some(stats) = &var.stats else { return (0.0, 0.0) };
        let passed = stats.mcv.iter().zip(&stats.mcv_freqs).map(|(value, frequency)| {
            match value.as_ref().and_then(|v| self.passes(root, v)) {
                Some(true) => *frequency,
                Some(false) => 0.0,
                None => frequency * default,
            }
        });
        (passed.sum(), stats.common_sum())
    }

    /// Share of histogram bounds, the first and last left out, that pass, and how many bounds there are
    /// (`histogram_selectivity`). `None` where there are fewer than ten, or the test cannot be computed.
    pub(super) fn histogram_share(&self, root: &Root<'_>, var: &Variable<'_>) -> (Option<f64>, usize) {
        let Some(stats) = &var.stats else { return (None, 0) };
        let (bounds, inner) = match stats.histogram.as_slice() {
            [_, inner @ .., _] if inner.len() >= 8 => (inner.len() + 2, inner),
            few => return (None, few.len()),
        };
        let mut passed = 0_usize;
        for value in inner {
            match self.passes(root, value) {
                Some(pass) => passed += usize::from(pass),
                None => return (None, 0),
            }
        }
        (Some(passed as f64 / inner.len() as f64), bounds)
    }
}

/// `generic_restriction_selectivity`: common values and histogram bounds tell how many rows an operator keeps.
fn generic(root: &Root<'_>, call: &Call<'_>, default: f64) -> f64 {
    let Some(found) = call.split(root) else { return default };
    let Some(constant) = found.constant() else { return default };
    let Some(constant) = constant.value.as_deref() else { return 0.0 };
    if found.var.stats.is_none() {
        return default;
    }
    let test = Test::of(&root.env.facts, call.operator);
    let probe = Probe { test, collation: call.collation, constant, on_left: found.on_left };
    let (passed, common) = probe.common_values(root, &found.var, default);
    let (share, size) = probe.histogram_share(root, &found.var);
    let rest = blend(share, size, default);
    clamp(rest * (1.0 - found.var.null_frac() - common) + passed)
}

/// A histogram's answer, the less of it the smaller the histogram, and a default for the rest.
pub(super) fn blend(share: Option<f64>, size: usize, default: f64) -> f64 {
    let selectivity = match share {
        None => default,
        Some(share) if size < 100 => {
            let weight = size as f64 / 100.0;
            share * weight + default * (1.0 - weight)
        }
        Some(share) => share,
    };
    selectivity.clamp(0.0001, 0.9999)
}
