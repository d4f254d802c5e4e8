//! Where estimates and counted rows disagree.
//!
//! Two witnesses: the plans of EXPLAIN ANALYZE, node by node; and, of statements that return what one scan finds, the
//! rows that pg_stat_statements counted over all calls, which need no execution.

use std::collections::BTreeSet;

use crate::plan::Explain;
use crate::snapshot::{AttrNumber, Oid, PlanKind};
use crate::workload::{BoundQuery, Comparison, Predicate, QueryBlock, QueryKind, Target};

use super::super::costing::Set;
use super::super::problem::Problem;

/// Times by which rows must exceed the estimate: below, another plan seldom follows.
const FACTOR: f64 = 10.0;
/// Rows that must be there at least: of few, any plan is good.
const LEAST_ROWS: f64 = 50.0;

/// One scan that finds many more rows than was estimated.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mismatch {
    pub(super) statement: usize,
    pub(super) table: Oid,
    /// Columns compared by equality, in their order.
    pub(super) columns: BTreeSet<AttrNumber>,
    /// Whether it also compares in other ways, which may be what was estimated wrongly.
    pub(super) others: bool,
    pub(super) estimated: f64,
    pub(super) found: f64,
    /// Whether it was executed to see.
    pub(super) executed: bool,
}

/// Every mismatch of the workload, by statement.
pub(super) fn of_workload(problem: &Problem<'_, '_, '_>) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for query in &problem.facts.workload.queries {
        let executed = of_plan(problem, query.statement, &query.bound);
        if executed.is_empty() {
            found.extend(of_counts(problem, query.statement, &query.bound));
        } else {
            found.extend(executed);
        }
    }
    found.retain(|m| m.found >= LEAST_ROWS && m.found >= FACTOR * m.estimated && !m.columns.is_empty());
    found
}

/// The scans of a plan that was executed.
fn of_plan(problem: &Problem<'_, '_, '_>, statement: usize, bound: &BoundQuery) -> Vec<Mismatch> {
    let catalog = &problem.facts.snapshot.catalog;
    let Some(plan) = problem.facts.statement(statement).and_then(|s| s.plan.captured()) else { return vec![] };
    if plan.kind != PlanKind::Analyzed {
        return vec![];
    }
    let Ok(explain) = Explain::from_json(&plan.json) else { return vec![] };
    let mut found = Vec::new();
    for node in explain.scans() {
        let (Some(actual), Some(table)) = (node.actual, node.table(catalog)) else { continue };
        let alias = node.relation.as_ref().and_then(|r| r.alias.as_deref());
        let Some((block, relation)) = relation_of(bound, table.oid, alias) else { continue };
        let (columns, others) = equalities(block, relation);
        // A join's condition in an index scan is estimated in another way.
        let joined = block.joins.iter().any(|j| j.left.relation == relation || j.right.relation == relation)
            && node.index_name.is_some();
        if actual.loops >= 1.0 && !joined {
            found.push(Mismatch {
                statement,
                table: table.oid,
                columns,
                others,
                estimated: node.plan_rows,
                found: actual.rows,
                executed: true,
            });
        }
    }
    found
}

/// A statement that returns the rows of one scan: its own count against the estimate.
fn of_counts(problem: &Problem<'_, '_, '_>, statement: usize, bound: &BoundQuery) -> Option<Mismatch> {
    let [block] = bound.blocks.as_slice() else { return None };
    let [relation] = block.relations.as_slice() else { return None };
    let plain = bound.kind == QueryKind::Select
        && bound.unresolved.is_empty()
        && block.limit.is_none()
        && !block.offset
        && !block.aggregates
        && block.distinct.is_empty()
        && block.group_by.is_empty();
    let s = problem.facts.statement(statement).filter(|s| plain && s.calls > 0)?;
    let estimated = problem.costing.answer(statement, &Set::new())?.rows;
    let (columns, others) = equalities(block, 0);
    Some(Mismatch {
        statement,
        table: relation.table?,
        columns,
        others,
        estimated,
        found: s.rows as f64 / s.calls as f64,
        executed: false,
    })
}

/// The only relation on the table, or the one with this alias.
fn relation_of<'q>(bound: &'q BoundQuery, table: Oid, alias: Option<&str>) -> Option<(&'q QueryBlock, usize)> {
    let all: Vec<(&QueryBlock, usize)> = bound
        .blocks
        .iter()
        .flat_map(|block| (0..block.relations.len()).map(move |i| (block, i)))
        .filter(|(block, i)| block.relations[*i].table == Some(table))
        .collect();
    let named = |(block, i): &&(&QueryBlock, usize)| alias == Some(block.relations[*i].alias.as_str());
    match all.as_slice() {
        [only] => Some(*only),
        several => {
            let mut with_name = several.iter().filter(named);
            with_name.next().copied().filter(|_| with_name.next().is_none())
        }
    }
}

/// Columns that the relation's conditions fix, and whether there are other conditions.
fn equalities(block: &QueryBlock, relation: usize) -> (BTreeSet<AttrNumber>, bool) {
    let own = block.predicates.iter().filter(|p| p.operand.relation == relation);
    let fixed = |p: &&Predicate| {
        p.or_group.is_none()
            && matches!(
                p.comparison,
                Comparison::Eq | Comparison::In(_) | Comparison::IsTrue | Comparison::IsFalse | Comparison::IsNull
            )
    };
    let (equal, others): (Vec<&Predicate>, Vec<&Predicate>) = own.partition(fixed);
    let column = |p: &&Predicate| match p.operand.target {
        Target::Column(attnum) => Some(attnum),
        Target::Expression { .. } => None,
    };
    let columns: BTreeSet<AttrNumber> = equal.iter().filter_map(column).collect();
    let expressions = equal.iter().any(|p| column(p).is_none());
    (columns, expressions || !others.is_empty())
}
