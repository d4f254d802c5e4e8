//! Statistics to selectivities, group counts, widths and sizes (`selfuncs.c`, `clausesel.c`, `extended_stats.c`,
//! `plancat.c`, the size half of `costsize.c`).

mod array_op;
mod boolean;
mod clauses;
mod compare;
mod elements;
mod expression;
mod extended;
mod extension;
mod foreign_key;
mod function;
mod groups;
mod inequality;
mod join;
mod join_size;
mod matching;
mod merge;
mod network;
mod parsed;
mod pattern;
mod prefix;
mod ranges;
mod restriction;
mod scalar;
mod size;
mod tsearch;
mod variable;
mod walk;
mod width;

use std::sync::Arc;

use self::clauses::{Clause, Place};
pub use self::foreign_key::Link;
pub use self::join_size::{join_rows, semi_join_factors};
pub use self::parsed::Cache;
pub use self::size::relation_size;
use super::expr::Expr;
use super::query::JoinType;
use super::rel::{Restrict, SpecialJoin};
use super::relids::RelId;
use super::root::Root;
use crate::snapshot::Oid;

/// Selectivity of a list of conditions (`clauselist_selectivity`).
pub fn clauselist_selectivity(
    root: &Root<'_>,
    clauses: &[Arc<Restrict>],
    var_relid: Option<RelId>,
    join: JoinType,
    special: Option<&SpecialJoin>,
) -> f64 {
    let clauses: Vec<_> = clauses.iter().map(Clause::Restrict).collect();
    clauses::all(root, &clauses, Place { var_relid, join, special, depth: 0, extended: true })
}

/// Selectivity of one condition (`clause_selectivity`).
pub fn clause_selectivity(
    root: &Root<'_>,
    clause: &Expr,
    var_relid: Option<RelId>,
    join: JoinType,
    special: Option<&SpecialJoin>,
) -> f64 {
    clauses::one(root, Clause::Bare(clause), Place { var_relid, join, special, depth: 0, extended: true })
}

/// Groups among so many rows (`estimate_num_groups`).
pub fn num_groups(root: &Root<'_>, exprs: &[Expr], input_rows: f64) -> f64 {
    groups::estimate(root, exprs, input_rows)
}

/// Distinct values of an expression, and whether that is a guess (`get_variable_numdistinct`).
pub fn distinct_values(root: &Root<'_>, expr: &Expr) -> (f64, bool) {
    variable::distinct(root, &variable::examine(root, expr, None))
}

/// Frequency of the commonest value and size of a hash bucket as a share of the rows, for a hash key
/// (`estimate_hash_bucket_stats`).
pub fn hash_bucket_stats(root: &Root<'_>, key: &Expr, buckets: f64) -> (f64, f64) {
    groups::hash_bucket(root, key, buckets)
}

/// Share of each input that a merge join reads before its first pair and until its end: left start, left end, right
/// start, right end (`mergejoinscansel`).
pub fn merge_scan_selectivity(
    root: &Root<'_>,
    clause: &Expr,
    _family: Oid,
    descending: bool,
    nulls_first: bool,
) -> (f64, f64, f64, f64) {
    merge::scan_shares(root, clause, descending, nulls_first)
}

/// Average bytes of an expression's value (`get_attavgwidth`, `get_typavgwidth`).
pub fn expr_width(root: &Root<'_>, expr: &Expr) -> i32 {
    width::expr_width(root, expr)
}

/// Elements of an array (`estimate_array_length`): from 17 on by statistics.
pub fn array_length(root: &Root<'_>, expr: &Expr) -> f64 {
    array_op::length(root, expr)
}

/// Rows that a call gives, 1 where it returns no set (`expression_returns_set_rows`).
pub fn set_rows(root: &Root<'_>, expr: &Expr) -> f64 {
    groups::rows_returned(root, expr)
}
