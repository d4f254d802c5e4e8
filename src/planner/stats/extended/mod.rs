//! Extended statistics (`extended_stats.c`): which clauses of a list they cover, and their selectivity together.
//!
//! In: conditions on one relation. Out: the selectivity of those that common combinations (`mcv`) or functional
//! dependencies (`dependencies`) cover, which are marked as estimated; and, for grouping, distinct combinations
//! (`distinct`).

mod dependencies;
mod distinct;
mod mcv;

use std::sync::Arc;

use super::clauses::{Clause, Place};
use super::expression;
use super::variable::is_parent;
use super::walk::members;
use crate::planner::expr::Expr;
use crate::planner::relids::RelId;
use crate::planner::root::Root;
use crate::snapshot::{AttrNumber, ExtendedData, ExtendedStatistics};

pub(super) use self::distinct::take_distinct;

/// A statistics object with what ANALYZE found for a relation.
#[derive(Debug, Clone)]
struct Object<'s> {
    /// Its definition.
    definition: &'s ExtendedStatistics,
    /// What ANALYZE found.
    data: &'s ExtendedData,
    /// Its expressions, over columns of [`crate::planner::env::INDEX_REL`].
    exprs: Arc<Vec<Option<Expr>>>,
}

impl Object<'_> {
    /// The name under which the object knows an expression: a column's number, or -n for its nth expression.
    fn attribute(&self, expr: &Expr, rel: RelId) -> Option<AttrNumber> {
        if let Some(column) = column_of(expr, rel) {
            return self.definition.columns.contains(&column).then_some(column);
        }
        let expr = expr.strip_relabel();
        let at = self.exprs.iter().position(|known| known.as_ref().is_some_and(|k| expression::same(expr, k, rel)))?;
        AttrNumber::try_from(at).ok().map(|at| -1 - at)
    }
}

/// The statistics objects of a relation (`statlist`).
fn objects<'a>(root: &Root<'a>, rel: RelId) -> Vec<Object<'a>> {
    let env = root.env;
    let Some(table) = root.table(rel) else { return Vec::new() };
    let inherited = is_parent(root, rel);
    let objects = env.snapshot.catalog.extended_statistics.iter().filter(|s| s.table == table.oid);
    objects
        .filter_map(|definition| {
            let data = if inherited { &definition.data_inherited } else { &definition.data };
            let exprs = env.parsed.object_expressions(env, table, definition);
            data.as_ref().map(|data| Object { definition, data, exprs })
        })
        .collect()
}

/// The one relation that all clauses are about (`find_single_rel_for_clauses`).
fn single_rel(root: &Root<'_>, clauses: &[Clause<'_>]) -> Option<RelId> {
    let mut found = None;
    for clause in clauses {
        let read = members(root, clause.expr());
        if read.is_empty() {
            continue;
        }
        let rel = read.single?;
        if found.is_some_and(|other| other != rel) {
            return None;
        }
        found = Some(rel);
    }
    found
}

/// Selectivity of those of a list of conditions that extended statistics cover, which are marked as estimated
/// (`statext_clauselist_selectivity`).
pub(super) fn and_selectivity(
    root: &Root<'_>,
    clauses: &[Clause<'_>],
    place: Place<'_>,
    estimated: &mut [bool],
) -> f64 {
    let Some((rel, objects)) = applicable(root, clauses) else { return 1.0 };
    let common = mcv::and_selectivity(root, rel, &objects, clauses, place, estimated);
    common * dependencies::selectivity(root, rel, &objects, clauses, place, estimated)
}

/// The same for alternatives (14+); the others' selectivity is to be joined to it.
pub(super) fn or_selectivity(root: &Root<'_>, clauses: &[Clause<'_>], place: Place<'_>, estimated: &mut [bool]) -> f64 {
    if root.env.settings.major < 14 {
        return 0.0;
    }
    match applicable(root, clauses) {
        Some((rel, objects)) => mcv::or_selectivity(root, rel, &objects, clauses, place, estimated),
        None => 0.0,
    }
}

fn applicable<'a>(root: &Root<'a>, clauses: &[Clause<'_>]) -> Option<(RelId, Vec<Object<'a>>)> {
    if root.env.snapshot.catalog.extended_statistics.is_empty() {
        return None;
    }
    let rel = single_rel(root, clauses)?;
    let objects = objects(root, rel);
    (!objects.is_empty()).then_some((rel, objects))
}

/// The column of a relation that an expression is, under changes of label.
fn column_of(expr: &Expr, rel: RelId) -> Option<AttrNumber> {
    match expr.strip_relabel() {
        Expr::Var(v) if v.rel == rel && v.levels_up == 0 && v.attno > 0 => Some(v.attno),
        _ => None,
    }
}
