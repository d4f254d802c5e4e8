//! Boolean simplification (`simplify_and_arguments`, `simplify_or_arguments`, `negate_clause`,
//! `simplify_boolean_equality`).

use std::sync::Arc;

use super::is_bool;
use crate::planner::env::Env;
use crate::planner::expr::{Const, Expr, OpExpr, OpKind, types};
use crate::planner::value::Datum;
use crate::sql::ast::BooleanTest;

/// TRUE or FALSE.
pub(super) fn constant(value: bool) -> Expr {
    Expr::Const(Const { ty: types::BOOL, value: Some(Arc::new(Datum::Bool(value))), collation: 0 })
}

/// A boolean constant's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    Null,
}

/// A constant's truth; `None` where it is no boolean constant.
pub(super) fn known(expr: &Expr) -> Option<Truth> {
    match expr {
        Expr::Const(c) if is_bool(c.ty) => match c.value.as_deref() {
            Some(Datum::Bool(true)) => Some(Truth::True),
            Some(Datum::Bool(false)) => Some(Truth::False),
            None => Some(Truth::Null),
            Some(_) => None,
        },
        _ => None,
    }
}

/// IS TRUE and its like of a constant.
pub(super) fn test(arg: &Expr, test: BooleanTest) -> Option<bool> {
    let value = known(arg)?;
    Some(match test {
        BooleanTest::True => value == Truth::True,
        BooleanTest::NotTrue => value != Truth::True,
        BooleanTest::False => value == Truth::False,
        BooleanTest::NotFalse => value != Truth::False,
        BooleanTest::Unknown => value == Truth::Null,
        BooleanTest::NotUnknown => value != Truth::Null,
    })
}

/// AND, flattened: FALSE decides, TRUE counts for nothing.
pub(super) fn and(args: Vec<Expr>) -> Expr {
    let mut kept = Vec::with_capacity(args.len());
    let mut null = false;
    for arg in args {
        match known(&arg) {
            Some(Truth::False) => return constant(false),
            Some(Truth::True) => {}
            Some(Truth::Null) => null = true,
            None => match arg {
                Expr::And(inner) => kept.extend(inner),
                other => kept.push(other),
            },
        }
    }
    finish(kept, null, true, Expr::And)
}

/// OR, flattened: TRUE decides, FALSE counts for nothing.
pub(super) fn or(args: Vec<Expr>) -> Expr {
    let mut kept = Vec::with_capacity(args.len());
    let mut null = false;
    for arg in args {
        match known(&arg) {
            Some(Truth::True) => return constant(true),
            Some(Truth::False) => {}
            Some(Truth::Null) => null = true,
            None => match arg {
                Expr::Or(inner) => kept.extend(inner),
                other => kept.push(other),
            },
        }
    }
    finish(kept, null, false, Expr::Or)
}

fn finish(mut kept: Vec<Expr>, null: bool, empty: bool, make: fn(Vec<Expr>) -> Expr) -> Expr {
    if null {
        kept.push(Expr::Const(Const { ty: types::BOOL, value: None, collation: 0 }));
    }
    match kept.len() {
        0 => constant(empty),
        1 => kept.swap_remove(0),
        _ => make(kept),
    }
}

/// The negation, pushed down as far as it goes.
pub(super) fn negate(env: &Env<'_>, expr: Expr) -> Expr {
    match expr {
        Expr::Const(c) if is_bool(c.ty) => {
            let value = match c.value.as_deref() {
                Some(Datum::Bool(value)) => Some(Arc::new(Datum::Bool(!value))),
                _ => None,
            };
            Expr::Const(Const { value, ..c })
        }
        Expr::Not(inner) => *inner,
        Expr::And(args) => or(args.into_iter().map(|arg| negate(env, arg)).collect()),
        Expr::Or(args) => and(args.into_iter().map(|arg| negate(env, arg)).collect()),
        Expr::Op(mut op) if op.kind == OpKind::Plain => match env.facts.operator(op.op).map(|o| o.negator) {
            Some(negator) if negator != 0 => {
                op.op = negator;
                Expr::Op(op)
            }
            _ => Expr::Not(Box::new(Expr::Op(op))),
        },
        Expr::ScalarArrayOp(mut saop) => match env.facts.operator(saop.op).map(|o| o.negator) {
            Some(negator) if negator != 0 => {
                saop.op = negator;
                saop.any = !saop.any;
                Expr::ScalarArrayOp(saop)
            }
            _ => Expr::Not(Box::new(Expr::ScalarArrayOp(saop))),
        },
        Expr::NullTest(arg, is_null) if !matches!(*arg, Expr::Row(_)) => Expr::NullTest(arg, !is_null),
        Expr::BooleanTest(arg, test) => {
            let negated = match test {
                BooleanTest::True => BooleanTest::NotTrue,
                BooleanTest::NotTrue => BooleanTest::True,
                BooleanTest::False => BooleanTest::NotFalse,
                BooleanTest::NotFalse => BooleanTest::False,
                BooleanTest::Unknown => BooleanTest::NotUnknown,
                BooleanTest::NotUnknown => BooleanTest::Unknown,
            };
            Expr::BooleanTest(arg, negated)
        }
        other => Expr::Not(Box::new(other)),
    }
}

/// `x = true` is `x`, `x = false` is NOT `x`, and so for `<>`.
pub(super) fn equality(env: &Env<'_>, op: Box<OpExpr>) -> Expr {
    let boolean = op.args.len() == 2 && op.args.iter().all(|arg| is_bool(arg.ty()));
    let name = env.facts.operator(op.op).map(|o| o.name.as_str());
    let equal = match name {
        Some("=") if boolean => true,
        Some("<>") if boolean => false,
        _ => return Expr::Op(op),
    };
    let constant_side = op.args.iter().position(|arg| matches!(known(arg), Some(Truth::True | Truth::False)));
    let Some(side) = constant_side else { return Expr::Op(op) };
    let is_true = op.args.get(side).and_then(known) == Some(Truth::True);
    let wanted = is_true == equal;
    let mut args = op.args;
    let other = args.swap_remove(1 - side);
    if wanted { other } else { negate(env, other) }
}
