//! Whether conditions prove others (`predtest.c`): a partial index serves a query whose conditions imply its predicate.

use std::cmp::Ordering;

use crate::planner::expr::{Const, Expr, OpExpr, OpKind, types};
use crate::planner::facts::Facts;
use crate::planner::value::{Datum, compare};
use crate::snapshot::{IndexMethod, Oid};

/// Elements up to which an ANY over a constant array is looked into (`MAX_SAOP_ARRAY_SIZE`).
const ARRAY_LIMIT: usize = 100;
/// How deep conditions are taken apart.
const DEPTH_LIMIT: u32 = 200;
/// `BooleanEqualOperator`.
const BOOL_EQUAL: Oid = 91;

/// Whether conditions that hold together prove every condition of a predicate (`predicate_implied_by`).
pub fn implied_by<P: std::ops::Deref<Target = Expr>, C: std::ops::Deref<Target = Expr>>(
    facts: &Facts,
    predicate: &[P],
    clauses: &[C],
) -> bool {
    if predicate.is_empty() {
        return true;
    }
    if clauses.is_empty() {
        return false;
    }
    let clauses: Vec<Shape> = clauses.iter().map(|c| Shape::of(c, facts)).collect();
    let whole = Shape::And(clauses);
    predicate.iter().all(|p| implies(facts, &whole, &Shape::of(p, facts), 0))
}

/// A condition taken apart (`predicate_classify`).
enum Shape<'e> {
    And(Vec<Shape<'e>>),
    Or(Vec<Shape<'e>>),
    Atom(std::borrow::Cow<'e, Expr>),
}

impl<'e> Shape<'e> {
    fn of(expr: &'e Expr, facts: &Facts) -> Self {
        match expr {
            Expr::And(args) => Self::And(args.iter().map(|a| Self::of(a, facts)).collect()),
            Expr::Or(args) => Self::Or(args.iter().map(|a| Self::of(a, facts)).collect()),
            Expr::ScalarArrayOp(saop) => {
                let compare = |right: Expr| {
                    let op = OpExpr {
                        op: saop.op,
                        args: vec![saop.left.clone(), right],
                        ty: types::BOOL,
                        collation: saop.collation,
                        kind: OpKind::Plain,
                    };
                    Self::Atom(std::borrow::Cow::Owned(Expr::Op(Box::new(op))))
                };
                let elements: Vec<Self> = match &saop.right {
                    Expr::Const(Const { ty, value: Some(value), collation }) => match value.as_ref() {
                        Datum::Array(elements) if !elements.is_empty() && elements.len() <= ARRAY_LIMIT => {
                            let element = facts.ty(*ty).map_or(0, |t| t.element);
                            elements
                                .iter()
                                .map(|e| {
                                    compare(Expr::Const(Const {
                                        ty: element,
                                        value: e.clone().map(std::sync::Arc::new),
                                        collation: *collation,
                                    }))
                                })
                                .collect()
                        }
                        _ => return Self::Atom(std::borrow::Cow::Borrowed(expr)),
                    },
                    Expr::Array(elements, _) if elements.len() <= ARRAY_LIMIT => {
                        elements.iter().map(|e| compare(e.clone())).collect()
                    }
                    _ => return Self::Atom(std::borrow::Cow::Borrowed(expr)),
                };
                if saop.any { Self::Or(elements) } else { Self::And(elements) }
            }
            _ => Self::Atom(std::borrow::Cow::Borrowed(expr)),
        }
    }
}

/// `predicate_implied_by_recurse`.
fn implies(facts: &Facts, clause: &Shape<'_>, predicate: &Shape<'_>, depth: u32) -> bool {
    if depth > DEPTH_LIMIT {
        return false;
    }
    let go = |c: &Shape<'_>, p: &Shape<'_>| implies(facts, c, p, depth + 1);
    match (clause, predicate) {
        (_, Shape::And(predicates)) => predicates.iter().all(|p| go(clause, p)),
        (Shape::And(clauses), Shape::Or(predicates)) => {
            predicates.iter().any(|p| go(clause, p)) || clauses.iter().any(|c| go(c, predicate))
        }
        (Shape::And(clauses), Shape::Atom(_)) => clauses.iter().any(|c| go(c, predicate)),
        (Shape::Or(clauses), Shape::Or(predicates)) => clauses.iter().all(|c| predicates.iter().any(|p| go(c, p))),
        (Shape::Or(clauses), Shape::Atom(_)) => clauses.iter().all(|c| go(c, predicate)),
        (Shape::Atom(_), Shape::Or(predicates)) => predicates.iter().any(|p| go(clause, p)),
        (Shape::Atom(clause), Shape::Atom(predicate)) => simple(facts, clause, predicate),
    }
}

/// `predicate_implied_by_simple_clause`.
fn simple(facts: &Facts, clause: &Expr, predicate: &Expr) -> bool {
    if clause == predicate {
        return true;
    }
    if let Expr::Op(op) = clause
        && op.op == BOOL_EQUAL
        && let [left, Expr::Const(Const { value: Some(value), .. })] = op.args.as_slice()
    {
        let holds = match value.as_ref() {
            Datum::Bool(true) => left == predicate,
            Datum::Bool(false) => matches!(predicate, Expr::Not(arg) if arg.as_ref() == left),
            _ => false,
        };
        if holds {
            return true;
        }
    }
    if let Expr::NullTest(arg, false) = predicate
        && strict_for(facts, clause, arg, 0)
    {
        return true;
    }
    match (clause, predicate) {
        (Expr::Op(clause), Expr::Op(predicate)) => operators(facts, clause, predicate),
        _ => false,
    }
}

/// Whether a condition cannot hold while `part` of it is NULL (`clause_is_strict_for`).
fn strict_for(facts: &Facts, clause: &Expr, part: &Expr, depth: u32) -> bool {
    let clause = clause.strip_relabel();
    let part = part.strip_relabel();
    if depth > DEPTH_LIMIT {
        return false;
    }
    if clause == part {
        return true;
    }
    let strict = |function: Oid| facts.function(function).is_some_and(|f| f.strict);
    let strict_op = |op: Oid| facts.operator(op).is_some_and(|o| strict(o.function));
    match clause {
        Expr::Op(op) if op.kind == OpKind::Plain && strict_op(op.op) => {
            op.args.iter().any(|a| strict_for(facts, a, part, depth + 1))
        }
        Expr::Func(call) if strict(call.func) => call.args.iter().any(|a| strict_for(facts, a, part, depth + 1)),
        Expr::Coerce(cast) => strict_for(facts, &cast.arg, part, depth + 1),
        Expr::ScalarArrayOp(saop) if saop.any && strict_op(saop.op) => {
            // An array known to be empty gives false, not NULL, which is as good here.
            strict_for(facts, &saop.left, part, depth + 1)
        }
        Expr::Const(constant) => constant.value.is_none(),
        _ => false,
    }
}

/// Comparison strategies with "not equal" (`BTNE`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Less,
    LessEqual,
    Equal,
    GreaterEqual,
    Greater,
    NotEqual,
}

impl Strategy {
    fn from_btree(number: i16) -> Option<Self> {
        Some(match number {
            1 => Self::Less,
            2 => Self::LessEqual,
            3 => Self::Equal,
            4 => Self::GreaterEqual,
            5 => Self::Greater,
            _ => return None,
        })
    }

    /// Whether `x clause c` proves `x predicate p`, when `p` compares to `c` so (`BT_implic_table`).
    fn proves(self, predicate: Self, p_to_c: Ordering) -> bool {
        use Strategy::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
        match (self, predicate) {
            (Less, Less | LessEqual | NotEqual) | (LessEqual | Equal, LessEqual) => p_to_c.is_ge(),
            (LessEqual, Less | NotEqual) | (Equal, Less) => p_to_c.is_gt(),
            (Equal, Equal) | (NotEqual, NotEqual) => p_to_c.is_eq(),
            (Equal, NotEqual) => p_to_c.is_ne(),
            (Greater, Greater | GreaterEqual | NotEqual) | (GreaterEqual | Equal, GreaterEqual) => p_to_c.is_le(),
            (GreaterEqual, Greater | NotEqual) | (Equal, Greater) => p_to_c.is_lt(),
            _ => false,
        }
    }

    /// The same with equal operands on both sides (`BT_implies_table`).
    fn proves_same(self, predicate: Self) -> bool {
        use Strategy::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
        self == predicate
            || matches!(
                (self, predicate),
                (Less, LessEqual | NotEqual) | (Equal, LessEqual | GreaterEqual) | (Greater, GreaterEqual | NotEqual)
            )
    }
}

/// `operator_predicate_proof`.
fn operators(facts: &Facts, clause: &OpExpr, predicate: &OpExpr) -> bool {
    let ([c_left, c_right], [p_left, p_right]) = (clause.args.as_slice(), predicate.args.as_slice()) else {
        return false;
    };
    if clause.collation != predicate.collation || clause.kind != OpKind::Plain || predicate.kind != OpKind::Plain {
        return false;
    }
    let commute = |op: Oid| facts.operator(op).map(|o| o.commutator).filter(|c| *c != 0);
    let (c_op, p_op, c_const, p_const) = if p_left == c_left {
        if p_right == c_right {
            return same_operands(facts, clause.op, predicate.op);
        }
        (Some(clause.op), Some(predicate.op), c_right, p_right)
    } else if p_right == c_right {
        (commute(clause.op), commute(predicate.op), c_left, p_left)
    } else if p_left == c_right {
        if p_right == c_left {
            return commute(predicate.op).is_some_and(|p| same_operands(facts, clause.op, p));
        }
        (commute(clause.op), Some(predicate.op), c_left, p_right)
    } else if p_right == c_left {
        (Some(clause.op), commute(predicate.op), c_right, p_left)
    } else {
        return false;
    };
    let (Some(c_op), Some(p_op), Expr::Const(c), Expr::Const(p)) = (c_op, p_op, c_const, p_const) else {
        return false;
    };
    let strict = |op: Oid| facts.operator(op).and_then(|o| facts.function(o.function)).is_some_and(|f| f.strict);
    let (Some(c_value), Some(p_value)) = (&c.value, &p.value) else {
        // A condition that can only be NULL proves everything.
        return c.value.is_none() && strict(c_op);
    };
    let Some(order) = compare(p_value, c_value, true) else { return false };
    families(facts, c_op, p_op).any(|(c, p)| c.proves(p, order))
}

/// `operator_same_subexprs_proof`.
fn same_operands(facts: &Facts, clause: Oid, predicate: Oid) -> bool {
    clause == predicate || families(facts, clause, predicate).any(|(c, p)| c.proves_same(p))
}

/// The strategies of two operators in the B-tree families that both belong to, directly or by their negators.
fn families(facts: &Facts, clause: Oid, predicate: Oid) -> impl Iterator<Item = (Strategy, Strategy)> {
    let of = |op: Oid| -> Vec<(Oid, Strategy)> {
        let btree = |family: Oid| facts.opclasses(IndexMethod::Btree).any(|c| c.family == family);
        let direct: Vec<_> = facts
            .amops_of(op)
            .filter(|a| !a.ordering && btree(a.family))
            .filter_map(|a| Some((a.family, Strategy::from_btree(a.strategy)?)))
            .collect();
        if !direct.is_empty() {
            return direct;
        }
        let negator = facts.operator(op).map_or(0, |o| o.negator);
        facts
            .amops_of(negator)
            .filter(|a| a.strategy == 3 && btree(a.family))
            .map(|a| (a.family, Strategy::NotEqual))
            .collect()
    };
    let predicates = of(predicate);
    of(clause).into_iter().flat_map(move |(family, c)| {
        let same: Vec<_> = predicates.iter().filter(|(f, _)| *f == family).map(|(_, p)| (c, *p)).collect();
        same
    })
}
