//! Constant folding (`eval_const_expressions`, `estimate_expression_value`).
//!
//! In: a typed expression. Out: the same with what is constant computed, as far as `eval` knows the function; what it
//! does not know stays as it is. [`estimate`] computes what is stable too, by the clock of the snapshot: good enough to
//! estimate with, not to plan with.

mod boolean;
mod decimal;
mod eval;
mod times;

use std::borrow::Cow;
use std::sync::Arc;

use super::env::Env;
use super::expr::{Case, Const, Expr, OpKind, Variadic, types};
use super::value::{Datum, compare, equal};
use crate::snapshot::{Oid, Volatility};

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Immutable functions only.
    Plan,
    /// Stable ones as well.
    Estimate,
}

/// Folds an expression.
pub fn fold(env: &Env<'_>, expr: Expr) -> Expr {
    fold_in(env, expr, Mode::Plan)
}

/// An expression with what is stable computed as well, where that makes a constant of it.
pub fn estimate<'e>(env: &Env<'_>, expr: &'e Expr) -> Cow<'e, Expr> {
    if matches!(expr, Expr::Const(_) | Expr::Var(_) | Expr::Param(_)) || expr.has_vars() {
        return Cow::Borrowed(expr);
    }
    Cow::Owned(fold_in(env, expr.clone(), Mode::Estimate))
}

fn fold_in(env: &Env<'_>, mut expr: Expr, mode: Mode) -> Expr {
    expr.for_each_child_mut(&mut |child| {
        let own = std::mem::replace(child, Expr::Row(Vec::new()));
        *child = fold_in(env, own, mode);
    });
    node(env, expr, mode)
}

/// Folds a node whose children are folded.
fn node(env: &Env<'_>, expr: Expr, mode: Mode) -> Expr {
    match expr {
        Expr::And(args) => boolean::and(args),
        Expr::Or(args) => boolean::or(args),
        Expr::Not(arg) => boolean::negate(env, *arg),
        Expr::Op(op) => {
            let function = env.facts.operator(op.op).map_or(0, |o| o.function);
            match op.kind {
                OpKind::Plain => {
                    if let Some(folded) = call(env, function, &op.args, op.ty, op.collation, mode) {
                        return folded;
                    }
                    boolean::equality(env, op)
                }
                OpKind::Distinct => match op.args.as_slice() {
                    [Expr::Const(a), Expr::Const(b)] => distinct(a, b),
                    _ => Expr::Op(op),
                },
                OpKind::NullIf => Expr::Op(op),
            }
        }
        Expr::Func(f) if !f.retset => call(env, f.func, &f.args, f.ty, f.collation, mode).unwrap_or(Expr::Func(f)),
        Expr::NullTest(arg, is_null) => match &*arg {
            Expr::Const(c) => boolean::constant(c.value.is_none() == is_null),
            _ => Expr::NullTest(arg, is_null),
        },
        Expr::BooleanTest(arg, test) => match boolean::test(&arg, test) {
            Some(value) => boolean::constant(value),
            None => Expr::BooleanTest(arg, test),
        },
        Expr::Relabel(cast) => match cast.arg {
            Expr::Const(c) => Expr::Const(Const { ty: cast.ty, collation: cast.collation, ..c }),
            _ => Expr::Relabel(cast),
        },
        Expr::Coerce(cast) => match &cast.arg {
            Expr::Const(Const { value: None, .. }) => {
                Expr::Const(Const { ty: cast.ty, value: None, collation: cast.collation })
            }
            Expr::Const(Const { value: Some(value), .. }) => match coerced(env, value, cast.ty) {
                Some(value) => {
                    Expr::Const(Const { ty: cast.ty, value: Some(Arc::new(value)), collation: cast.collation })
                }
                None => Expr::Coerce(cast),
            },
            _ => Expr::Coerce(cast),
        },
        Expr::Case(case) => case_of(*case),
        Expr::Variadic(kind, args, ty) => variadic(kind, args, ty),
        Expr::Array(args, ty) => array(args, ty),
        Expr::Other(what, args, ty) if args.is_empty() && mode == Mode::Estimate => {
            match times::value_function(env, what) {
                Some(value) => constant(value, ty),
                None => Expr::Other(what, args, ty),
            }
        }
        other => other,
    }
}

fn constant(value: Datum, ty: Oid) -> Expr {
    Expr::Const(Const { ty, value: Some(Arc::new(value)), collation: 0 })
}

/// A function of constants (`evaluate_function`); `None` where it stays.
fn call(env: &Env<'_>, function: Oid, args: &[Expr], ty: Oid, collation: Oid, mode: Mode) -> Option<Expr> {
    let fact = env.facts.function(function)?;
    let mut values: Vec<Option<&Datum>> = Vec::with_capacity(args.len());
    let mut null = false;
    let mut constant = true;
    for arg in args {
        match arg {
            Expr::Const(c) => {
                null |= c.value.is_none();
                values.push(c.value.as_deref());
            }
            _ => constant = false,
        }
    }
    if fact.strict && null {
        return Some(Expr::Const(Const { ty, value: None, collation }));
    }
    let allowed = match fact.volatility {
        Volatility::Immutable => true,
        Volatility::Stable => mode == Mode::Estimate,
        Volatility::Volatile => false,
    };
    if !constant || !allowed || !fact.strict {
        return None;
    }
    let values: Vec<&Datum> = values.into_iter().flatten().collect();
    let value = match times::clock(env, &fact.name).filter(|_| args.is_empty()) {
        Some(value) => value,
        None => eval::function(env, &fact.name, &values, ty)?,
    };
    Some(Expr::Const(Const { ty, value: Some(Arc::new(value)), collation }))
}

/// A cast of a constant through text, or of an array's elements.
fn coerced(env: &Env<'_>, value: &Datum, ty: Oid) -> Option<Datum> {
    let Datum::Array(items) = value else { return eval::cast(env, value, ty) };
    let element = env.facts.element_of(ty);
    let mut cast = Vec::with_capacity(items.len());
    for item in items {
        cast.push(match item {
            Some(value) => Some(eval::cast(env, value, element)?),
            None => None,
        });
    }
    Some(Datum::Array(cast))
}

fn distinct(a: &Const, b: &Const) -> Expr {
    boolean::constant(match (&a.value, &b.value) {
        (None, None) => false,
        (Some(a), Some(b)) => !equal(a, b),
        _ => true,
    })
}

/// CASE with conditions that are known left out.
fn case_of(case: Case) -> Expr {
    let mut whens = Vec::with_capacity(case.whens.len());
    let mut otherwise = case.otherwise;
    for (when, result) in case.whens {
        match boolean::known(&when) {
            Some(boolean::Truth::True) => {
                otherwise = Some(result);
                break;
            }
            Some(_) => {}
            None => whens.push((when, result)),
        }
    }
    if whens.is_empty() {
        return otherwise.unwrap_or(Expr::Const(Const { ty: case.ty, value: None, collation: 0 }));
    }
    Expr::Case(Box::new(Case { whens, otherwise, ty: case.ty }))
}

fn variadic(kind: Variadic, args: Vec<Expr>, ty: Oid) -> Expr {
    if kind == Variadic::Coalesce {
        let mut kept: Vec<Expr> = Vec::with_capacity(args.len());
        for arg in args {
            match &arg {
                Expr::Const(c) if c.value.is_none() => {}
                Expr::Const(_) => {
                    kept.push(arg);
                    break;
                }
                _ => kept.push(arg),
            }
        }
        return match kept.len() {
            0 => Expr::Const(Const { ty, value: None, collation: 0 }),
            1 => kept.swap_remove(0),
            _ => Expr::Variadic(kind, kept, ty),
        };
    }
    let mut best: Option<&Arc<Datum>> = None;
    for arg in &args {
        let Expr::Const(c) = arg else { return Expr::Variadic(kind, args, ty) };
        let Some(value) = &c.value else { continue };
        let better = match best {
            None => true,
            Some(b) => match compare(value, b, true) {
                Some(o) => (o.is_gt() && kind == Variadic::Greatest) || (o.is_lt() && kind == Variadic::Least),
                None => return Expr::Variadic(kind, args, ty),
            },
        };
        if better {
            best = Some(value);
        }
    }
    let value = best.cloned();
    Expr::Const(Const { ty, value, collation: 0 })
}

/// `ARRAY[…]` of constants is a constant.
fn array(args: Vec<Expr>, ty: Oid) -> Expr {
    let mut items: Vec<Option<Datum>> = Vec::with_capacity(args.len());
    for arg in &args {
        let Expr::Const(c) = arg else { return Expr::Array(args, ty) };
        // Arrays within make dimensions.
        match c.value.as_deref() {
            Some(Datum::Array(inner)) => items.extend(inner.iter().cloned()),
            other => items.push(other.cloned()),
        }
    }
    constant(Datum::Array(items), ty)
}

/// Whether a type is `bool`.
fn is_bool(ty: Oid) -> bool {
    ty == types::BOOL
}
