//! Comparing and matching values as the operators behind a clause do.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::matching::{self, Pattern};
use crate::planner::env::Env;
use crate::planner::expr::Expr;
use crate::planner::facts::Facts;
use crate::planner::root::Root;
use crate::planner::value::Datum;
use crate::snapshot::{IndexMethod, Oid};

/// A value from the text that its type prints.
pub(super) fn parse(_facts: &Facts, _ty: Oid, _text: &str) -> Option<Datum> {
    None
}

/// An expression with what is stable computed too, for estimates only (`estimate_expression_value`).
pub(super) fn estimated<'e>(_root: &Root<'_>, expr: &'e Expr) -> Cow<'e, Expr> {
    Cow::Borrowed(expr)
}

/// How two values are ordered under a collation. `None` where the types do not compare.
pub(super) fn order(env: &Env<'_>, collation: Oid, a: &Datum, b: &Datum) -> Option<Ordering> {
    let _ = (env, collation);
    match (a, b) {
        (Datum::Text(a), Datum::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Datum::Int(a), Datum::Int(b)) => Some(a.cmp(b)),
        (Datum::Bool(a), Datum::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Whether two values are equal.
pub(super) fn equal(env: &Env<'_>, collation: Oid, a: &Datum, b: &Datum) -> bool {
    order(env, collation, a, b).map_or_else(|| a == b, Ordering::is_eq)
}

/// What an operator does with two values.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// A comparison that holds for these orders.
    Order {
        /// Holds when the left value is less.
        less: bool,
        /// Holds when they are equal.
        equal: bool,
        /// Holds when the left value is greater.
        greater: bool,
    },
    /// A pattern match; the pattern is on the right.
    Pattern(Pattern),
    /// Nothing that can be computed.
    Unknown,
    /// An operator that is known by its name.
    Named(Oid),
}

impl Test {
    /// Equality.
    pub(super) const EQUAL: Self = Self::Order { less: false, equal: true, greater: false };

    /// What an operator tests.
    pub(super) fn of(facts: &Facts, operator: Oid) -> Self {
        let strategy = btree_strategy(facts, operator);
        match strategy {
            Some(1) => Self::Order { less: true, equal: false, greater: false },
            Some(2) => Self::Order { less: true, equal: true, greater: false },
            Some(3) => Self::EQUAL,
            Some(4) => Self::Order { less: false, equal: true, greater: true },
            Some(5) => Self::Order { less: false, equal: false, greater: true },
            _ => match facts.operator(operator) {
                Some(o) if o.name == "=" => Self::EQUAL,
                Some(o) if o.name == "<>" => Self::Order { less: true, equal: false, greater: true },
                _ => Self::Named(operator),
            },
        }
    }

    /// Whether it is equality.
    pub(super) fn is_equality(&self) -> bool {
        matches!(self, Self::Order { less: false, equal: true, greater: false })
    }

    /// Whether it is `<>`.
    pub(super) fn is_inequality(&self) -> bool {
        matches!(self, Self::Order { less: true, equal: false, greater: true })
    }

    /// Whether it holds for two values; `None` where that cannot be computed.
    pub(super) fn holds(&self, env: &Env<'_>, collation: Oid, left: &Datum, right: &Datum) -> Option<bool> {
        match self {
            Self::Order { less: false, equal: true, greater: false } => Some(equal(env, collation, left, right)),
            Self::Order { less: true, equal: false, greater: true } => Some(!equal(env, collation, left, right)),
            Self::Order { less, equal, greater } => order(env, collation, left, right).map(|o| match o {
                Ordering::Less => *less,
                Ordering::Equal => *equal,
                Ordering::Greater => *greater,
            }),
            Self::Pattern(pattern) => match left {
                Datum::Text(text) => Some(pattern.matches(text)),
                _ => None,
            },
            Self::Named(operator) => matching::holds(&env.facts, *operator, left, right),
            Self::Unknown => None,
        }
    }
}

/// An operator's strategy in some B-tree family.
pub(super) fn btree_strategy(facts: &Facts, operator: Oid) -> Option<i16> {
    let is_btree = |family: Oid| facts.opclasses(IndexMethod::Btree).any(|c| c.family == family);
    facts.amops_of(operator).find(|a| !a.ordering && is_btree(a.family)).map(|a| a.strategy)
}

/// What text sorts by, as bytes (`strxfrm`).
pub(super) fn sort_key<'t>(env: &Env<'_>, collation: Oid, text: &'t str) -> Cow<'t, [u8]> {
    let _ = (env, collation);
    Cow::Borrowed(text.as_bytes())
}

/// Whether a collation orders text by bytes.
pub(super) fn is_c(env: &Env<'_>, collation: Oid) -> bool {
    let _ = env;
    collation == 950 || collation == 951 || collation == 0
}

/// Positions of equal values in two lists, each at most once. `None`s are equal to nothing.
pub(super) fn equal_pairs(
    env: &Env<'_>,
    collation: Oid,
    left: &[Option<Datum>],
    right: &[Option<Datum>],
) -> Vec<(usize, usize)> {
    let mut taken = vec![false; right.len()];
    let mut pairs = Vec::new();
    for (i, a) in left.iter().enumerate() {
        let Some(a) = a else { continue };
        let found = right
            .iter()
            .zip(&taken)
            .position(|(b, taken)| !taken && b.as_ref().is_some_and(|b| equal(env, collation, a, b)));
        if let Some(j) = found
            && let Some(slot) = taken.get_mut(j)
        {
            *slot = true;
            pairs.push((i, j));
        }
    }
    pairs
}
