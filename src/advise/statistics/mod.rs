//! Advice on statistics: what the planner does not know, or knows wrongly.
//!
//! In: the catalog's statistics, the estimates and what was counted against them. Out: recommendations to ANALYZE, to
//! create extended statistics, to keep more values of a column. They come before index advice: an index judged on
//! missing or wrong estimates may be the wrong one. Only what a statement of the workload asks for is looked at.

mod columns;
mod mismatch;
mod stale;

use std::collections::BTreeSet;

use crate::report::{
    self, Confidence, Evidence, Impact, QueryImpact, Recommendation, RecommendationKind, WriteOverhead,
};
use crate::snapshot::{Persistence, Table, TableKind};
use crate::sql;
use crate::sql::quote;

use super::assemble::statement;
use super::costing::Set;
use super::problem::Problem;

/// Statements named for one recommendation.
const MOST_QUERIES: usize = 5;

/// Every recommendation, by table; ANALYZE first.
pub(super) fn recommendations(problem: &Problem<'_, '_, '_>) -> Vec<Recommendation> {
    let mut out = stale::recommendations(problem);
    let mismatches = mismatch::of_workload(problem);
    out.extend(columns::recommendations(problem, &mismatches));
    out
}

/// Whether ANALYZE keeps statistics that every session uses.
fn analysable(table: &Table) -> bool {
    table.kind != TableKind::Foreign
        && table.persistence != Persistence::Temporary
        && table.schema != "information_schema"
        && !table.schema.starts_with("pg_")
}

/// ANALYZE of one table, as a statement.
fn analyze(table: &Table) -> String {
    statement(&format!("ANALYZE {}", quote::qualified(&table.schema, &table.name)))
}

/// What one recommendation is made of.
struct Advice<'a> {
    kind: RecommendationKind,
    table: &'a Table,
    /// What its id is made of, beside the table.
    key: String,
    /// The statement, and what must follow it to take effect.
    ddl: String,
    then: Option<String>,
    undo_ddl: String,
    reason: String,
    confidence: Confidence,
    statements: BTreeSet<usize>,
}

fn recommendation(problem: &Problem<'_, '_, '_>, advice: Advice<'_>) -> Recommendation {
    let table = advice.table.display_name();
    let steps = advice.then.map_or_else(Vec::new, |then| vec![advice.ddl.clone(), then]);
    let mut statements: Vec<usize> = advice.statements.into_iter().collect();
    let time = |s: &usize| problem.facts.statement(*s).map_or(0.0, |s| s.total_ms);
    statements.sort_by(|a, b| time(b).total_cmp(&time(a)).then_with(|| a.cmp(b)));
    Recommendation {
        id: report::id(advice.kind, &table, &advice.key),
        kind: advice.kind,
        table,
        ddl: advice.ddl,
        steps,
        prerequisites: vec![],
        undo_ddl: advice.undo_ddl,
        index: None,
        impact: Impact::default(),
        write_overhead: WriteOverhead::default(),
        queries: statements.into_iter().take(MOST_QUERIES).filter_map(|s| query(problem, s)).collect(),
        evidence: Evidence::Rule,
        confidence: advice.confidence,
        reason: advice.reason,
        related: vec![],
    }
}

/// A statement that better estimates would serve: what it would then cost is not known before ANALYZE has run.
fn query(problem: &Problem<'_, '_, '_>, statement: usize) -> Option<QueryImpact> {
    let s = problem.facts.statement(statement)?;
    let base = problem.base.get(&statement).copied()?;
    let node = problem.costing.answer(statement, &Set::new()).map_or_else(String::new, |costed| costed.node.clone());
    Some(QueryImpact {
        queryid: s.queryid.clone(),
        query: sql::pretty(&s.query),
        calls: s.calls,
        mean_time_ms: s.mean_ms,
        cost_before: base,
        cost_after: base,
        node_before: node.clone(),
        node_after: node,
    })
}
