//! `<`, `<=`, `>`, `>=` against a constant (`scalarineqsel`), by histogram.

use super::compare::{self, Test};
use super::restriction::{Call, DEFAULT_INEQ, Probe, clamp};
use super::scalar;
use super::variable::{self, Variable};
use crate::planner::expr::{Expr, Var};
use crate::planner::root::Root;
use crate::planner::value::Datum;
use crate::snapshot::{IndexMethod, Oid};

/// A comparison `value < bound`, `value <= bound`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Comparison {
    /// `>` or `>=`.
    pub(super) greater: bool,
    /// `<=` or `>=`.
    pub(super) equal: bool,
    /// Collation.
    pub(super) collation: Oid,
}

impl Comparison {
    /// What the operator tests.
    fn test(self) -> Test {
        Test::Order { less: !self.greater, equal: self.equal, greater: self.greater }
    }
}

/// `scalarltsel` and its like (`scalarineqsel_wrapper`).
pub(super) fn scalar(root: &Root<'_>, call: &Call<'_>, greater: bool, equal: bool) -> f64 {
    let Some(found) = call.split(root) else { return DEFAULT_INEQ };
    let Some(constant) = found.constant() else { return DEFAULT_INEQ };
    let Some(value) = constant.value.as_deref() else { return 0.0 };
    let comparison = Comparison { greater: greater == found.on_left, equal, collation: call.collation };
    against(root, &found.var, comparison, value)
}

/// `scalarineqsel`.
pub(super) fn against(root: &Root<'_>, var: &Variable<'_>, comparison: Comparison, constant: &Datum) -> f64 {
    let Some(stats) = &var.stats else {
        return match var.expr {
            Expr::Var(Var { attno: -1, .. }) => by_ctid(var, comparison, constant).unwrap_or(DEFAULT_INEQ),
            _ => DEFAULT_INEQ,
        };
    };
    // Bounds that are withheld leave the guess that no statistics leave.
    let without = if stats.histogram_len > 1 { DEFAULT_INEQ } else { 0.5 };
    let rest = histogram(root, var, comparison, constant).unwrap_or(without);
    let probe = Probe { test: comparison.test(), collation: comparison.collation, constant, on_left: true };
    let (passed, common) = probe.common_values(root, var, rest);
    clamp((1.0 - stats.null_frac - common) * rest + passed)
}

/// A comparison of `ctid`: rows are spread evenly over the blocks.
fn by_ctid(var: &Variable<'_>, comparison: Comparison, constant: &Datum) -> Option<f64> {
    let size = var.rel?;
    if size.pages <= 0.0 {
        return Some(1.0);
    }
    let Datum::Opaque(text) = constant else { return None };
    let (block, offset) = text.trim_matches(['(', ')']).split_once(',')?;
    let (block, offset): (f64, f64) = (block.trim().parse().ok()?, offset.trim().parse().ok()?);
    let density = size.tuples / size.pages;
    let place = if density > 0.0 { block + (offset / density).min(1.0) } else { block };
    let below = (place / size.pages).min(1.0);
    // A strict comparison leaves out one row, as does the complement of one that is not.
    let below = if comparison.greater == comparison.equal && size.tuples > 0.0 {
        (below - 1.0 / size.tuples).max(0.0)
    } else {
        below
    };
    Some(if comparison.greater { 1.0 - below } else { below })
}

/// Share of the rows that are neither NULL nor common values for which the comparison holds
/// (`ineq_histogram_selectivity`). `None` without a histogram.
pub(super) fn histogram(root: &Root<'_>, var: &Variable<'_>, comparison: Comparison, constant: &Datum) -> Option<f64> {
    let stats = var.stats.as_ref()?;
    let bounds = &stats.histogram;
    if bounds.len() < 2 {
        return None;
    }
    let buckets = (bounds.len() - 1) as f64;
    let (mut low, mut high) = (0, bounds.len());
    let mut at_end = bounds.len() == 2;
    while low < high {
        let probe = usize::midpoint(low, high);
        at_end |= probe == 0 || probe == bounds.len() - 1;
        let below = compare::order(root.env, comparison.collation, bounds.get(probe)?, constant)?;
        // Whether `bound < constant` (or `<=`): for `>` and `>=` the complement.
        let below = if comparison.greater == comparison.equal { below.is_lt() } else { below.is_le() };
        if below {
            low = probe + 1;
        } else {
            high = probe;
        }
    }
    let fraction = if low == 0 {
        0.0
    } else if low >= bounds.len() {
        1.0
    } else {
        let (lower, upper) = (bounds.get(low - 1)?, bounds.get(low)?);
        let within = scalar::position(root.env, comparison.collation, constant, lower, upper).unwrap_or(0.5);
        let one = if low == 1 || comparison.greater == comparison.equal { one_value(root, var) } else { 0.0 };
        let mut fraction = ((low - 1) as f64 + within) / buckets;
        if low == 1 {
            fraction += one * (1.0 - within);
        }
        if comparison.greater == comparison.equal {
            fraction -= one;
        }
        fraction
    };
    let share = if comparison.greater { 1.0 - fraction } else { fraction };
    // Where the server looked up the true extremes in an index it trusts the answer; else no bucket is beyond doubt.
    if at_end && has_ordered_index(root, var) {
        return Some(clamp(share));
    }
    let cutoff = 0.01 / buckets;
    Some(share.clamp(cutoff, 1.0 - cutoff))
}

/// Share of one value among those of the histogram.
fn one_value(root: &Root<'_>, var: &Variable<'_>) -> f64 {
    let common = var.stats.as_ref().map_or(0, |s| s.mcv_freqs.len());
    let others = variable::distinct(root, var).0 - common as f64;
    if others > 1.0 { 1.0 / others } else { 0.0 }
}

/// Whether an index could tell the least and greatest value (`get_actual_variable_range`). The values themselves are
/// not in a snapshot: the histogram's bounds stand for them.
fn has_ordered_index(root: &Root<'_>, var: &Variable<'_>) -> bool {
    let Expr::Var(column) = var.expr else { return false };
    let Some(table) = root.table(column.rel) else { return false };
    !variable::is_parent(root, column.rel)
        && table.indexes.iter().any(|index| {
            index.valid
                && index.method() == IndexMethod::Btree
                && index.predicate.is_none()
                && index.keys.first().is_some_and(|k| k.column == Some(column.attno))
        })
}
