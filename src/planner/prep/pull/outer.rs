//! Outer joins whose nulled rows a condition above throws away are inner joins, those that keep nothing else are anti
//! joins (`reduce_outer_joins`).

use rustc_hash::FxHashSet;

use crate::planner::env::Env;
use crate::planner::expr::{Expr, OpKind};
use crate::planner::exprs::{is_strict_array_op, nonnullable_rels, op_strict};
use crate::planner::facts::Facts;
use crate::planner::query::{FromExpr, JoinExpr, JoinTree, JoinType, Query};
use crate::planner::relids::{RelId, Relids};
use crate::snapshot::AttrNumber;
use crate::sql::ast::BooleanTest;

type Columns = FxHashSet<(RelId, AttrNumber)>;

/// What the conditions above a node say.
#[derive(Clone, Default)]
struct Known {
    /// Relations that cannot be all NULL in a row that passes.
    nonnullable: Relids,
    /// Columns that must be NULL.
    forced_null: Columns,
}

/// Reduces the outer joins of a level.
pub(super) fn reduce(env: &Env<'_>, query: &mut Query) {
    let mut tree = std::mem::take(&mut query.jointree);
    in_from(&env.facts, &mut tree, &Known::default());
    query.jointree = tree;
}

fn in_from(facts: &Facts, from: &mut FromExpr, above: &Known) {
    let known = known_from(facts, &from.quals, Some(above));
    for item in &mut from.items {
        in_tree(facts, item, &known);
    }
}

fn in_tree(facts: &Facts, tree: &mut JoinTree, above: &Known) {
    match tree {
        JoinTree::Rel(_) => {}
        JoinTree::From(from) => in_from(facts, from, above),
        JoinTree::Join(join) => in_join(facts, join, above),
    }
}

fn known_from(facts: &Facts, quals: &[Expr], above: Option<&Known>) -> Known {
    let mut known = above.cloned().unwrap_or_default();
    for qual in quals {
        known.nonnullable = known.nonnullable | nonnullable_rels(facts, qual, true);
        forced_null(qual, &mut known.forced_null);
    }
    known
}

fn in_join(facts: &Facts, join: &mut JoinExpr, above: &Known) {
    let (left, right) = (join.left.relids(), join.right.relids());
    let (keeps_left, keeps_right) = (above.nonnullable.overlaps(left), above.nonnullable.overlaps(right));
    join.kind = match join.kind {
        JoinType::Left if keeps_right => JoinType::Inner,
        JoinType::Right if keeps_left => JoinType::Inner,
        JoinType::Full => match (keeps_left, keeps_right) {
            (true, true) => JoinType::Inner,
            (true, false) => JoinType::Left,
            (false, true) => JoinType::Right,
            (false, false) => JoinType::Full,
        },
        other => other,
    };
    if join.kind == JoinType::Right {
        join.kind = JoinType::Left;
        std::mem::swap(&mut join.left, &mut join.right);
    }
    if join.kind == JoinType::Left {
        // A column that the join's own condition proves not NULL, and a condition above wants NULL.
        let mut proved = Columns::default();
        for qual in &join.quals {
            nonnullable_vars(facts, qual, true, &mut proved);
        }
        let right = join.right.relids();
        if above.forced_null.iter().any(|column| right.contains(column.0) && proved.contains(column)) {
            join.kind = JoinType::Anti;
        }
    }
    let inner = matches!(join.kind, JoinType::Inner | JoinType::Semi);
    let below = known_from(facts, &join.quals, inner.then_some(above));
    let nothing = Known::default();
    let (for_left, for_right) = match join.kind {
        JoinType::Full => (&nothing, &nothing),
        JoinType::Inner | JoinType::Semi => (&below, &below),
        _ => (above, &below),
    };
    in_tree(facts, &mut join.left, for_left);
    in_tree(facts, &mut join.right, for_right);
}

/// As [`nonnullable_rels`], for columns (`find_nonnullable_vars`), without what an OR's branches share.
fn nonnullable_vars(facts: &Facts, expr: &Expr, top: bool, found: &mut Columns) {
    match expr {
        Expr::Var(var) if var.levels_up == 0 => {
            found.insert((var.rel, var.attno));
        }
        Expr::And(args) if top => args.iter().for_each(|arg| nonnullable_vars(facts, arg, true, found)),
        Expr::Op(op) if op.kind == OpKind::Plain && op_strict(facts, op.op) => {
            op.args.iter().for_each(|arg| nonnullable_vars(facts, arg, false, found));
        }
        Expr::Func(f) if facts.function(f.func).is_some_and(|f| f.strict) => {
            f.args.iter().for_each(|arg| nonnullable_vars(facts, arg, false, found));
        }
        Expr::ScalarArrayOp(s) if is_strict_array_op(facts, s, top) => nonnullable_vars(facts, &s.left, false, found),
        Expr::NullTest(arg, false) if top => nonnullable_vars(facts, arg, false, found),
        Expr::Not(arg) => nonnullable_vars(facts, arg, false, found),
        Expr::Relabel(cast) | Expr::Coerce(cast) => nonnullable_vars(facts, &cast.arg, top, found),
        _ => {}
    }
}

/// Columns that a condition wants NULL (`find_forced_null_vars`).
fn forced_null(qual: &Expr, found: &mut Columns) {
    match qual {
        Expr::And(args) => args.iter().for_each(|arg| forced_null(arg, found)),
        Expr::NullTest(arg, true) | Expr::BooleanTest(arg, BooleanTest::Unknown) => {
            if let Expr::Var(var) = &**arg
                && var.levels_up == 0
            {
                found.insert((var.rel, var.attno));
            }
        }
        _ => {}
    }
}
