//! Questions about expressions that need to know functions and operators (`clauses.c`'s `contain_…`).

use crate::planner::expr::{Expr, OpKind, ScalarArrayOp};
use crate::planner::facts::Facts;
use crate::planner::relids::Relids;
use crate::planner::value::Datum;
use crate::snapshot::{Oid, Volatility};
use crate::sql::ast::BooleanTest;

/// Functions that a node itself calls.
fn any_function(e: &Expr, facts: &Facts, f: &mut dyn FnMut(Oid) -> bool) -> bool {
    let of_op = |op: Oid| facts.operator(op).map_or(0, |o| o.function);
    match e {
        Expr::Op(op) => f(of_op(op.op)),
        Expr::ScalarArrayOp(s) => f(of_op(s.op)),
        Expr::Func(func) => f(func.func),
        Expr::RowCompare(r) => r.ops.iter().any(|op| f(of_op(*op))),
        Expr::Aggref(a) => f(a.func),
        Expr::WindowFunc(w) => f(w.func),
        _ => false,
    }
}

fn worst_volatility(facts: &Facts, e: &Expr, at_least: Volatility) -> bool {
    let mut found = false;
    e.visit(0, &mut |node, _| {
        found = found
            || any_function(node, facts, &mut |func| facts.function(func).is_some_and(|f| f.volatility >= at_least));
    });
    found
}

/// Whether it calls a volatile function (`contain_volatile_functions`).
pub fn contains_volatile(facts: &Facts, e: &Expr) -> bool {
    worst_volatility(facts, e, Volatility::Volatile)
}

/// Whether it calls a stable or volatile function (`contain_mutable_functions`).
pub fn contains_mutable(facts: &Facts, e: &Expr) -> bool {
    worst_volatility(facts, e, Volatility::Stable)
}

/// Whether it holds a subquery, planned or not (`contain_subplans`).
pub fn contains_subplans(e: &Expr) -> bool {
    e.any(&mut |n| matches!(n, Expr::SubLink(_) | Expr::SubPlan(_)))
}

/// Whether it holds an aggregate of this level (`contain_agg_clause`).
pub fn contains_aggs(e: &Expr) -> bool {
    e.any(&mut |n| matches!(n, Expr::Aggref(_)))
}

/// Whether it holds a window function (`contain_window_function`).
pub fn contains_windows(e: &Expr) -> bool {
    e.any(&mut |n| matches!(n, Expr::WindowFunc(_)))
}

/// Whether it returns a set (`expression_returns_set`).
pub fn returns_set(e: &Expr) -> bool {
    e.any(&mut |n| matches!(n, Expr::Func(f) if f.retset))
}

/// Whether an operator gives NULL for NULL (`op_strict`).
pub fn op_strict(facts: &Facts, op: Oid) -> bool {
    facts.operator(op).and_then(|o| facts.function(o.function)).is_some_and(|f| f.strict)
}

/// Whether workers may evaluate it: the worst that a query holds decides (`is_parallel_safe`, with parameters of
/// enclosing levels unsafe unless allowed).
pub fn parallel_safe(facts: &Facts, e: &Expr, params_safe: &dyn Fn(usize) -> bool) -> bool {
    use crate::planner::expr::ParamSource;
    !e.any(&mut |n| match n {
        Expr::Param(p) => matches!(p.source, ParamSource::Exec(n) if !params_safe(n)),
        _ => any_function(n, facts, &mut |func| facts.function(func).is_some_and(|f| !f.parallel_safe)),
    })
}

/// Relations of this level of which a row of NULLs makes the expression not true (at the top), or NULL
/// (`find_nonnullable_rels`).
pub fn nonnullable_rels(facts: &Facts, expr: &Expr, top: bool) -> Relids {
    let union =
        |args: &[Expr], top: bool| args.iter().fold(Relids::EMPTY, |set, arg| set | nonnullable_rels(facts, arg, top));
    match expr {
        Expr::Var(var) if var.levels_up == 0 => Relids::single(var.rel),
        Expr::And(args) if top => union(args, true),
        Expr::And(args) | Expr::Or(args) => {
            let sets = args.iter().map(|arg| nonnullable_rels(facts, arg, top));
            sets.reduce(|both, set| both & set).unwrap_or(Relids::EMPTY)
        }
        Expr::Not(arg) => nonnullable_rels(facts, arg, false),
        Expr::Op(op) if op.kind == OpKind::Plain && op_strict(facts, op.op) => union(&op.args, false),
        Expr::Func(f) if facts.function(f.func).is_some_and(|f| f.strict) => union(&f.args, false),
        Expr::ScalarArrayOp(s) if is_strict_array_op(facts, s, top) => {
            nonnullable_rels(facts, &s.left, false) | nonnullable_rels(facts, &s.right, false)
        }
        Expr::NullTest(arg, false) if top => nonnullable_rels(facts, arg, false),
        Expr::BooleanTest(arg, BooleanTest::True | BooleanTest::False | BooleanTest::NotUnknown) if top => {
            nonnullable_rels(facts, arg, false)
        }
        Expr::Relabel(cast) | Expr::Coerce(cast) => nonnullable_rels(facts, &cast.arg, top),
        _ => Relids::EMPTY,
    }
}

/// Whether ANY or ALL gives NULL (or, with `false_ok`, FALSE) for NULL input (`is_strict_saop`): an empty array decides
/// otherwise, so that only a constant one is known not to.
pub fn is_strict_array_op(facts: &Facts, op: &ScalarArrayOp, false_ok: bool) -> bool {
    let filled = match &op.right {
        Expr::Const(c) => matches!(c.value.as_deref(), Some(Datum::Array(items)) if !items.is_empty()),
        Expr::Array(items, _) => !items.is_empty(),
        _ => false,
    };
    op_strict(facts, op.op) && ((op.any && false_ok) || filled)
}
