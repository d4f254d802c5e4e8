//! Base relations: their sizes, target lists and conditions (`build_simple_rel`, `set_rel_size`).

use std::sync::Arc;

use super::prepare::{Scope, all_parallel_safe};
use super::{children, derive};
use crate::planner::cost;
use crate::planner::expr::{Expr, Var};
use crate::planner::path::clamp_rows;
use crate::planner::query::{JoinType, RteKind};
use crate::planner::rel::{BaseRel, PathTarget, Rel, RelKind, Restrict};
use crate::planner::relids::{RelId, Relids};
use crate::planner::root::Root;
use crate::planner::stats;
use crate::planner::value::Datum;
use crate::snapshot::{Persistence, TableKind};

/// What preparing a subquery told.
pub(super) struct Derived {
    /// Rows that it gives.
    pub(super) rows: f64,
    /// Whether workers may compute it.
    pub(super) parallel: bool,
    /// Relations that it reads laterally.
    pub(super) lateral: Relids,
}

/// Rows assumed of a table that the snapshot does not hold.
const UNKNOWN_ROWS: f64 = 1000.0;

/// Builds a base relation. Rows are set by [`finish`], once every relation is there.
pub(super) fn rel(
    root: &mut Root<'_>,
    rel: RelId,
    own: &[Arc<Restrict>],
    joins: Vec<Arc<Restrict>>,
    columns: &[Var],
    derived: Option<Derived>,
    scope: &Scope,
) -> Arc<Rel> {
    let target = target(root, columns);
    let (mut pages, mut tuples, mut all_visible, mut table_oid, mut workers) = (0.0, 1.0, 0.0, None, None);
    let mut parallel = root.parallel_ok;
    let mut lateral = Relids::EMPTY;
    let kind = root.query.rtable.get(rel).map(|rte| rte.kind.clone());
    match &kind {
        Some(RteKind::Table(oid)) => {
            table_oid = Some(*oid);
            if let Some(table) = root.env.snapshot.catalog.table(*oid) {
                (pages, tuples, all_visible) = stats::relation_size(root.env, table);
                workers = table.options.iter().find_map(|o| o.strip_prefix("parallel_workers=")?.parse().ok());
                parallel &= table.persistence != Persistence::Temporary && table.kind != TableKind::Foreign;
            }
        }
        Some(RteKind::Subquery(_)) => {
            if let Some(derived) = derived {
                tuples = derived.rows;
                parallel &= derived.parallel;
                lateral = derived.lateral;
            }
        }
        Some(RteKind::Function { calls, .. }) => {
            tuples = calls.iter().map(|call| stats::set_rows(root, call)).fold(1.0, f64::max);
            parallel &= all_parallel_safe(root, calls.iter());
            lateral = calls.iter().fold(Relids::EMPTY, |set, call| set | call.relids());
        }
        Some(RteKind::Values { rows, .. }) => {
            tuples = rows.len() as f64;
            lateral = rows.iter().flatten().fold(Relids::EMPTY, |set, e| set | e.relids());
        }
        Some(RteKind::Cte { name, .. }) => {
            tuples = scope.ctes.iter().rfind(|(n, _)| n == name).map_or(UNKNOWN_ROWS, |(_, rows)| *rows);
            parallel = false;
        }
        Some(RteKind::Unknown { .. }) => {
            (pages, tuples) = (10.0, UNKNOWN_ROWS);
            root.note("a table that the snapshot does not hold is taken to have 1,000 rows");
        }
        Some(RteKind::Result) | None => {}
    }
    parallel &= all_parallel_safe(root, own.iter().map(|r| &r.clause).chain(&target.exprs));
    let one = Relids::single(rel);
    let param_startup =
        root.special_joins.iter().any(|s| matches!(s.kind, JoinType::Semi | JoinType::Anti) && s.syn_right == one);
    Arc::new(Rel {
        relids: one,
        kind: RelKind::Base(BaseRel {
            rel,
            table: table_oid,
            pages,
            tuples,
            all_visible,
            children: Vec::new(),
            parent: None,
            parallel_workers: workers,
        }),
        rows: clamp_rows(tuples),
        target,
        consider_startup: root.tuple_fraction > 0.0,
        consider_param_startup: param_startup,
        consider_parallel: parallel,
        restrict: own.to_vec(),
        join_info: joins,
        has_eclass_joins: derive::has_relevant_eclass_joinclause(root, one),
        lateral,
        direct_lateral: lateral,
        lateral_referencers: Relids::EMPTY,
        dummy: own.iter().any(|r| never(&r.clause)),
    })
}

/// Whether a condition is constantly not true.
fn never(clause: &Expr) -> bool {
    matches!(clause, Expr::Const(c) if !matches!(c.value.as_deref(), Some(Datum::Bool(true))))
}

/// What a scan emits.
pub(super) fn target(root: &Root<'_>, columns: &[Var]) -> Arc<PathTarget> {
    let exprs: Vec<Expr> = columns.iter().map(|v| Expr::Var(*v)).collect();
    let width = exprs.iter().fold(0_i32, |sum, e| sum.saturating_add(stats::expr_width(root, e)));
    let refs = vec![0; exprs.len()];
    Arc::new(PathTarget { exprs, refs, cost: crate::planner::rel::QualCost::default(), width })
}

/// Sets what needs every relation: rows, lateral references, children, totals.
pub(super) fn finish(root: &mut Root<'_>, rels: &[RelId]) {
    let referencing: Vec<(RelId, Relids)> =
        rels.iter().filter_map(|r| Some((*r, root.rel(*r)?.lateral))).filter(|(_, l)| !l.is_empty()).collect();
    for rel in rels {
        children::expand(root, *rel);
        let Some(built) = root.rel(*rel).cloned() else { continue };
        let mut built = (*built).clone();
        built.lateral_referencers = referencing.iter().filter(|(_, l)| l.contains(*rel)).map(|(r, _)| *r).collect();
        let has_children = built.base().is_some_and(|b| !b.children.is_empty());
        if !has_children {
            built.rows = restricted_rows(root, &built);
        }
        // Children's conditions cost what their parent's do; ask once, so that it is remembered.
        for restrict in &built.restrict {
            let _ = cost::restrict_cost(root.env, &[], restrict);
        }
        if let Some(base) = built.base() {
            let of_children: f64 = base.children.iter().filter_map(|c| c.base()).map(|b| b.pages).sum();
            root.total_table_pages += if base.children.is_empty() { base.pages } else { of_children };
        }
        if let Some(slot) = root.rels.get_mut(*rel) {
            *slot = Some(Arc::new(built));
        }
    }
}

/// Rows that pass a relation's conditions (`set_baserel_size_estimates`).
pub(super) fn restricted_rows(root: &Root<'_>, rel: &Rel) -> f64 {
    let tuples = rel.base().map_or(1.0, |b| b.tuples);
    clamp_rows(tuples * stats::clauselist_selectivity(root, &rel.restrict, None, JoinType::Inner, None))
}
