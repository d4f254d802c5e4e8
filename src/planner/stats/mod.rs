//! Statistics to selectivities, group counts, widths and sizes (`selfuncs.c`, `clausesel.c`, `extended_stats.c`,
//! `plancat.c`, the size half of `costsize.c`).

use std::sync::Arc;

use super::env::Env;
use super::expr::Expr;
use super::query::JoinType;
use super::rel::{Rel, Restrict, SpecialJoin};
use super::relids::RelId;
use super::root::Root;
use crate::snapshot::{Oid, Table};

/// Selectivity of a list of conditions (`clauselist_selectivity`).
pub fn clauselist_selectivity(
    _root: &Root<'_>,
    _clauses: &[Arc<Restrict>],
    _var_relid: Option<RelId>,
    _join: JoinType,
    _special: Option<&SpecialJoin>,
) -> f64 {
    0.5
}

/// Selectivity of one condition (`clause_selectivity`).
pub fn clause_selectivity(
    _root: &Root<'_>,
    _clause: &Expr,
    _var_relid: Option<RelId>,
    _join: JoinType,
    _special: Option<&SpecialJoin>,
) -> f64 {
    0.5
}

/// Blocks, rows and share of all-visible blocks of a table (`estimate_rel_size`).
pub fn relation_size(_env: &Env<'_>, table: &Table) -> (f64, f64, f64) {
    (f64::from(table.relpages), table.reltuples.max(0.0), 0.0)
}

/// Groups among so many rows (`estimate_num_groups`).
pub fn num_groups(_root: &Root<'_>, _exprs: &[Expr], input_rows: f64) -> f64 {
    input_rows
}

/// Distinct values of an expression, and whether that is a guess (`get_variable_numdistinct`).
pub fn distinct_values(_root: &Root<'_>, _expr: &Expr) -> (f64, bool) {
    (200.0, true)
}

/// Frequency of the commonest value and size of a hash bucket as a share of the rows, for a hash key
/// (`estimate_hash_bucket_stats`).
pub fn hash_bucket_stats(_root: &Root<'_>, _key: &Expr, _buckets: f64) -> (f64, f64) {
    (0.0, 0.1)
}

/// Share of each input that a merge join reads before its first pair and until its end: left start, left end, right
/// start, right end (`mergejoinscansel`).
pub fn merge_scan_selectivity(
    _root: &Root<'_>,
    _clause: &Expr,
    _family: Oid,
    _descending: bool,
    _nulls_first: bool,
) -> (f64, f64, f64, f64) {
    (0.0, 1.0, 0.0, 1.0)
}

/// Rows of a join (`calc_joinrel_size_estimate`), of inputs of so many rows.
pub fn join_rows(
    _root: &Root<'_>,
    _outer: &Rel,
    _inner: &Rel,
    outer_rows: f64,
    inner_rows: f64,
    _special: &SpecialJoin,
    _restrict: &[Arc<Restrict>],
) -> f64 {
    outer_rows * inner_rows
}

/// Share of outer rows with a match, and matches per such row, for semi and anti joins and joins with a unique inner
/// side (`compute_semi_anti_join_factors`).
pub fn semi_join_factors(
    _root: &Root<'_>,
    _outer: &Rel,
    _inner: &Rel,
    _join: JoinType,
    _special: &SpecialJoin,
    _restrict: &[Arc<Restrict>],
) -> (f64, f64) {
    (1.0, 1.0)
}

/// Average bytes of an expression's value (`get_attavgwidth`, `get_typavgwidth`).
pub fn expr_width(_root: &Root<'_>, _expr: &Expr) -> i32 {
    32
}

/// Elements of an array (`estimate_array_length`).
pub fn array_length(_root: &Root<'_>, _expr: &Expr) -> f64 {
    10.0
}
