//! Boolean columns and tests (`boolvarsel`, `booltestsel`, `nulltestsel`).

use super::clauses::{self, Clause, DEFAULT_FUNCTION, Place};
use super::restriction::{clamp, equals_constant};
use super::variable;
use crate::planner::expr::{Expr, Var};
use crate::planner::root::Root;
use crate::planner::value::Datum;
use crate::sql::ast::BooleanTest;

/// `DEFAULT_UNK_SEL`.
const DEFAULT_UNKNOWN: f64 = 0.005;
/// `DEFAULT_NOT_UNK_SEL`.
const DEFAULT_NOT_UNKNOWN: f64 = 1.0 - DEFAULT_UNKNOWN;

/// A boolean expression as a condition (`boolvarsel`).
pub(super) fn column(root: &Root<'_>, expr: &Expr, place: Place<'_>) -> f64 {
    let var = variable::examine(root, expr, place.var_relid);
    if var.stats.is_some() {
        equals_constant(root, &var, Some(&Datum::Bool(true)), false)
    } else if matches!(expr, Expr::Func(_)) {
        DEFAULT_FUNCTION
    } else {
        0.5
    }
}

/// IS NULL, or with `is_null` false IS NOT NULL (`nulltestsel`).
pub(super) fn null_test(root: &Root<'_>, arg: &Expr, is_null: bool, place: Place<'_>) -> f64 {
    let var = variable::examine(root, arg, place.var_relid);
    let share = match (&var.stats, var.expr) {
        (Some(stats), _) => {
            if is_null {
                stats.null_frac
            } else {
                1.0 - stats.null_frac
            }
        }
        // System columns are never NULL.
        (None, Expr::Var(Var { attno: ..0, .. })) => {
            if is_null {
                0.0
            } else {
                1.0
            }
        }
        _ if is_null => DEFAULT_UNKNOWN,
        _ => DEFAULT_NOT_UNKNOWN,
    };
    clamp(share)
}

/// IS TRUE and its like (`booltestsel`).
pub(super) fn boolean_test(root: &Root<'_>, arg: &Expr, test: BooleanTest, place: Place<'_>) -> f64 {
    let var = variable::examine(root, arg, place.var_relid);
    let Some(stats) = &var.stats else {
        let is_true = || clauses::one(root, Clause::Bare(arg), place);
        return clamp(match test {
            BooleanTest::Unknown => DEFAULT_UNKNOWN,
            BooleanTest::NotUnknown => DEFAULT_NOT_UNKNOWN,
            BooleanTest::True | BooleanTest::NotFalse => is_true(),
            BooleanTest::False | BooleanTest::NotTrue => 1.0 - is_true(),
        });
    };
    let null = stats.null_frac;
    let (yes, no) = match (stats.mcv.first(), stats.mcv_freqs.first()) {
        (Some(value), Some(frequency)) => {
            let yes = if *value == Some(Datum::Bool(false)) { 1.0 - frequency - null } else { *frequency };
            (yes, 1.0 - yes - null)
        }
        _ => ((1.0 - null) / 2.0, (1.0 - null) / 2.0),
    };
    clamp(match test {
        BooleanTest::Unknown => null,
        BooleanTest::NotUnknown => 1.0 - null,
        BooleanTest::True => yes,
        BooleanTest::NotTrue => 1.0 - yes,
        BooleanTest::False => no,
        BooleanTest::NotFalse => 1.0 - no,
    })
}
