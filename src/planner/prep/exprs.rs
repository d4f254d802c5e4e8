//! Questions about expressions that need to know functions and operators (`clauses.c`'s `contain_…`).

use crate::planner::expr::{Expr, OpKind};
use crate::planner::facts::Facts;
use crate::snapshot::{Oid, Volatility};

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

/// Whether it may give a value that is not NULL for NULL input (`contain_nonstrict_functions`).
pub fn contains_nonstrict(facts: &Facts, e: &Expr) -> bool {
    e.any(&mut |n| match n {
        Expr::Aggref(_)
        | Expr::WindowFunc(_)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::SubLink(_)
        | Expr::SubPlan(_)
        | Expr::Case(_)
        | Expr::Array(..)
        | Expr::Row(_)
        | Expr::RowCompare(_)
        | Expr::Variadic(..)
        | Expr::NullTest(..)
        | Expr::BooleanTest(..)
        | Expr::Other(..) => true,
        Expr::Op(op) if op.kind != OpKind::Plain => true,
        _ => any_function(n, facts, &mut |func| !facts.function(func).is_some_and(|f| f.strict)),
    })
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
