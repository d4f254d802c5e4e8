//! Comparing and matching values as the operators behind a clause do.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::matching::{self, Pattern};
use super::parsed::Parsed;
use crate::planner::env::Env;
use crate::planner::expr::Expr;
use crate::planner::facts::Facts;
use crate::planner::fold;
use crate::planner::root::Root;
use crate::planner::value::{self, Datum};
use crate::snapshot::{Column, IndexMethod, Oid};

/// A value from the text that its type prints.
pub(super) fn parse(facts: &Facts, ty: Oid, text: &str) -> Option<Datum> {
    value::parse(facts, ty, text)
}

/// An expression with what is stable computed too, for estimates only (`estimate_expression_value`).
pub(super) fn estimated<'e>(root: &Root<'_>, expr: &'e Expr) -> Cow<'e, Expr> {
    fold::estimate(root.env, expr)
}

/// How two values are ordered under a collation. `None` where the types do not compare.
pub(super) fn order(env: &Env<'_>, collation: Oid, a: &Datum, b: &Datum) -> Option<Ordering> {
    value::compare(a, b, is_c(env, collation))
}

/// Whether two values are equal.
pub(super) fn equal(a: &Datum, b: &Datum) -> bool {
    value::equal(a, b)
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
            Self::Order { less: false, equal: true, greater: false } => Some(equal(left, right)),
            Self::Order { less: true, equal: false, greater: true } => Some(!equal(left, right)),
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
    if is_c(env, collation) { Cow::Borrowed(text.as_bytes()) } else { Cow::Owned(value::sort_key(text)) }
}

/// `pg_collation.oid` of the database's default.
const DEFAULT_COLLATION: Oid = 100;
/// … of `C` and `POSIX`.
const C_COLLATIONS: [Oid; 2] = [950, 951];

/// Whether a collation orders text by bytes.
pub(super) fn is_c(env: &Env<'_>, collation: Oid) -> bool {
    if collation != DEFAULT_COLLATION {
        return collation == 0 || C_COLLATIONS.contains(&collation);
    }
    let Some(schema) = &env.snapshot.schema else { return false };
    match schema.locale.provider.as_deref() {
        Some("i") => false,
        Some("b") => true,
        _ => matches!(schema.locale.collate.as_str(), "C" | "POSIX" | "C.UTF-8" | "C.utf8"),
    }
}

/// The type of a column's values.
pub(super) fn column_type(env: &Env<'_>, column: &Column) -> Oid {
    env.facts.base_type(env.facts.column_type(&column.ty))
}

/// Positions of common values that both sides have, each at most once. Values that are withheld are told to be equal by
/// their ranks; without, they are equal to nothing.
pub(super) fn equal_pairs(left: &Parsed, right: &Parsed, kept: usize) -> Vec<(usize, usize)> {
    let mut taken = vec![false; right.mcv.len().min(kept)];
    let mut pairs = Vec::new();
    let same = |i: usize, a: &Option<Datum>, j: usize| match (a, right.mcv.get(j)) {
        (Some(a), Some(Some(b))) => equal(a, b),
        _ => matches!((left.mcv_ranks.get(i), right.mcv_ranks.get(j)), (Some(a), Some(b)) if a == b),
    };
    for (i, a) in left.mcv.iter().enumerate() {
        let found = taken.iter().enumerate().position(|(j, taken)| !taken && same(i, a, j));
        if let Some(j) = found
            && let Some(slot) = taken.get_mut(j)
        {
            *slot = true;
            pairs.push((i, j));
        }
    }
    pairs
}
