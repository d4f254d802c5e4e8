//! One level from its query to its [`Root`].

use std::cell::RefCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::base::{self, Derived};
use super::eclass::reconsider_outer_join_clauses;
use super::{derive, grouped, jointree, links, orders, ors, pull, push, semi};
use crate::planner::env::Env;
use crate::planner::expr::{Expr, Param, ParamSource, Var};
use crate::planner::query::{Command, Query, RteKind, SetOperation, SetOperator};
use crate::planner::rel::Restrict;
use crate::planner::relids::{RelId, Relids};
use crate::planner::root::{ActiveIndexes, CteRoot, ExecParam, Memo, Root, TOP, WantedOrders};
use crate::planner::value::Datum;
use crate::planner::{PlannerError, exprs, fold, upper};
use crate::snapshot::Oid;

/// Range-table entries that a level may have: one number stands for what is above the joins.
const MOST_ENTRIES: usize = 120;
/// The type of `ctid`.
const TID: Oid = 27;
/// Levels that may be nested in each other.
const MOST_LEVELS: usize = 60;

/// What the levels around a level say.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// WITH queries that can be read, the innermost last: name and rows.
    pub(super) ctes: Vec<(String, f64)>,
    /// How deep this level is.
    depth: usize,
}

/// Prepares a level of which `fraction` of the rows will be fetched (0: all; 1 and more: that many).
pub(super) fn level<'a>(
    env: &'a Env<'a>,
    query: Query,
    scope: &Scope,
    fraction: f64,
) -> Result<Root<'a>, PlannerError> {
    if scope.depth > MOST_LEVELS {
        return Err(PlannerError::Unsupported(format!("more than {MOST_LEVELS} nested queries")));
    }
    let mut scope = Scope { ctes: scope.ctes.clone(), depth: scope.depth + 1 };
    let query = pull::simplify(env, query);
    if query.rtable.len() > MOST_ENTRIES {
        return Err(PlannerError::Unsupported(format!("more than {MOST_ENTRIES} relations in one query")));
    }
    let all_baserels = query.jointree.relids();
    let entries = query.rtable.len();
    let writes = query.modify.is_some() || query.command != Command::Select || !query.row_marks.is_empty();
    let parallel_ok = !writes && env.settings.max_parallel_workers_per_gather > 0;
    let mut root = Root {
        env,
        query,
        top_parent: (0..entries).collect(),
        rels: (0..entries).map(|_| None).collect(),
        all_baserels,
        ecs: Vec::new(),
        special_joins: Vec::new(),
        join_list: Vec::new(),
        restricts: Vec::new(),
        attr_needed: FxHashMap::default(),
        parent_columns: (0..entries).map(|_| None).collect(),
        wanted: WantedOrders::default(),
        tuple_fraction: fraction,
        limit_tuples: -1.0,
        total_table_pages: 0.0,
        exec_params: Vec::new(),
        subplans: Vec::new(),
        subqueries: FxHashMap::default(),
        ctes: Vec::new(),
        parallel_ok,
        notes: RefCell::new(Vec::new()),
        memo: Memo::default(),
    };
    grouped::remove_useless(&mut root);
    with_queries(&mut root, &mut scope)?;
    orders::limits(&mut root);
    links::process(&mut root, &scope)?;
    if root.query.set_operations.is_some() {
        branches(&mut root, &mut scope)?;
        orders::make(&mut root);
        return Ok(root);
    }
    conditions(&mut root, &scope)?;
    Ok(root)
}

/// WITH queries that are computed once.
fn with_queries(root: &mut Root<'_>, scope: &mut Scope) -> Result<(), PlannerError> {
    for cte in std::mem::take(&mut root.query.ctes) {
        let mut query = cte.query;
        let _ = links::cut_loose(&mut query);
        let own = if cte.recursive {
            let mut own = scope.clone();
            own.ctes.push((cte.name.clone(), 10.0));
            own
        } else {
            scope.clone()
        };
        let sub = level(root.env, query, &own, 0.0)?;
        scope.ctes.push((cte.name.clone(), rows_of(&sub)));
        root.ctes.push(CteRoot { name: cte.name, root: Box::new(sub), recursive: cte.recursive });
    }
    Ok(())
}

/// The subqueries that a set operation combines.
fn branches(root: &mut Root<'_>, scope: &mut Scope) -> Result<(), PlannerError> {
    let Some(tree) = root.query.set_operations.clone() else { return Ok(()) };
    let all_only = matches!(&tree, SetOperation::Node { op: SetOperator::Union, all: true, .. });
    let fraction = if all_only { root.tuple_fraction } else { 0.0 };
    let mut leaves = Vec::new();
    collect_leaves(&tree, &mut leaves);
    for (number, rel) in leaves.into_iter().enumerate() {
        let Some(rte) = root.query.rtable.get(rel) else { continue };
        let RteKind::Subquery(query) = &rte.kind else { continue };
        let mut query = (**query).clone();
        let params = links::cut_loose(&mut query);
        let mut sub = level(root.env, query, scope, fraction)?;
        sub.exec_params.splice(0..0, params);
        let rows = rows_of(&sub);
        // Ten times what the first branch gives is what a recursive reference reads (`recursive_worktable_factor`).
        if number == 0
            && let Some((_, known)) = scope.ctes.last_mut()
            && *known == 10.0
        {
            *known = rows * 10.0;
        }
        let derived = Derived { rows, parallel: sub.parallel_ok, lateral: Relids::EMPTY };
        root.subqueries.insert(rel, Box::new(sub));
        let made = base::rel(root, rel, &[], Vec::new(), &[], Some(derived), scope);
        if let Some(slot) = root.rels.get_mut(rel) {
            *slot = Some(made);
        }
    }
    Ok(())
}

fn collect_leaves(tree: &SetOperation, leaves: &mut Vec<RelId>) {
    match tree {
        SetOperation::Leaf(rel) => leaves.push(*rel),
        SetOperation::Node { left, right, .. } => {
            collect_leaves(left, leaves);
            collect_leaves(right, leaves);
        }
    }
}

/// Rows that a level gives, with the indexes of no configuration: estimates do not depend on them.
fn rows_of(root: &Root<'_>) -> f64 {
    let rel = upper::plan_level(root, &ActiveIndexes::default(), None);
    rel.as_ref().and_then(|r| r.cheapest_total.as_ref()).map_or(1000.0, |p| p.rows)
}

/// Conditions to where they are checked, then base relations.
fn conditions(root: &mut Root<'_>, scope: &Scope) -> Result<(), PlannerError> {
    let mut needed: Vec<(Expr, Relids)> = Vec::new();
    let top = Relids::single(TOP);
    let mut above: Vec<Expr> = root.query.targets.iter().map(|t| t.expr.clone()).collect();
    above.extend(root.query.having.iter().cloned());
    if let Some(modify) = &root.query.modify {
        above.extend(modify.returning.iter().map(|t| t.expr.clone()));
    }
    // Rows that are written or locked are found again by their place.
    let places = root.query.modify.iter().map(|m| m.rel).chain(root.query.row_marks.iter().copied());
    above.extend(places.filter(|rel| root.all_baserels.contains(*rel)).map(row_place));
    needed.extend(above.into_iter().map(|e| (e, top)));
    let mut parts = jointree::deconstruct(root);
    needed.append(&mut parts.needed);
    let kept = reconsider_outer_join_clauses(root, std::mem::take(&mut parts.outer_clauses));
    let (implied, more) = derive::base_implied_equalities(root);
    needed.extend(more);
    orders::make(root);
    let mut all: Vec<Arc<Restrict>> = parts.conditions.into_iter().chain(kept).map(Arc::new).collect();
    all.extend(implied);
    root.restricts.clone_from(&all);
    let columns = note_needed(root, &needed);
    let rels: Vec<RelId> = root.all_baserels.iter().collect();
    let of = |rel: RelId| -> (Vec<Arc<Restrict>>, Vec<Arc<Restrict>>) {
        let one = Relids::single(rel);
        let own = all.iter().filter(|r| r.required == one).cloned().collect();
        let joins = all.iter().filter(|r| r.required.len() > 1 && r.required.contains(rel)).cloned().collect();
        (own, joins)
    };
    // What compares nothing but constants, as two members of one class may, holds for all rows or none.
    let never = all.iter().filter(|r| r.required.is_empty()).any(|r| {
        let folded = fold::fold(root.env, r.clause.clone());
        matches!(&folded, Expr::Const(c) if !matches!(c.value.as_deref(), Some(Datum::Bool(true))))
    });
    for rel in &rels {
        let (own, joins) = of(*rel);
        let (own, derived) = subquery(root, *rel, own, scope)?;
        let vars: Vec<Var> = columns.iter().filter(|v| v.rel == *rel).copied().collect();
        let mut made = base::rel(root, *rel, &own, joins, &vars, derived, scope);
        if never {
            Arc::make_mut(&mut made).dummy = true;
        }
        if let Some(slot) = root.rels.get_mut(*rel) {
            *slot = Some(made);
        }
    }
    semi::reduce_unique(root);
    // Every relation has to be there to weigh what an OR says of one.
    let joins: Vec<Arc<Restrict>> = all.iter().filter(|r| r.required.len() > 1).cloned().collect();
    ors::extract(root, &joins);
    base::finish(root, &rels);
    Ok(())
}

/// A row's `ctid`.
fn row_place(rel: RelId) -> Expr {
    Expr::Var(Var { rel, attno: -1, levels_up: 0, ty: TID, typmod: -1, collation: 0 })
}

/// Notes which columns are needed where; gives each column once, by relation and number.
fn note_needed(root: &mut Root<'_>, needed: &[(Expr, Relids)]) -> Vec<Var> {
    let mut columns: Vec<Var> = Vec::new();
    for (expr, relids) in needed {
        let mut vars: Vec<&Expr> = Vec::new();
        expr.collect_vars(true, &mut vars);
        for var in vars {
            let Expr::Var(var) = var else { continue };
            // A condition on the relation alone is checked in its scan, which need not emit the column.
            if relids.is_subset(Relids::single(var.rel)) {
                continue;
            }
            let entry = root.attr_needed.entry((var.rel, var.attno)).or_default();
            *entry = *entry | *relids;
            if !columns.iter().any(|c| (c.rel, c.attno) == (var.rel, var.attno)) {
                columns.push(*var);
            }
        }
    }
    columns.sort_by_key(|c| (c.rel, c.attno));
    columns
}

/// Prepares a subquery of FROM, conditions on its outputs pushed into it; gives those that stay.
fn subquery(
    root: &mut Root<'_>,
    rel: RelId,
    own: Vec<Arc<Restrict>>,
    scope: &Scope,
) -> Result<(Vec<Arc<Restrict>>, Option<Derived>), PlannerError> {
    let Some(RteKind::Subquery(query)) = root.query.rtable.get(rel).map(|rte| &rte.kind) else {
        return Ok((own, None));
    };
    let mut query = (**query).clone();
    let params = links::cut_loose(&mut query);
    let lateral = links::supplied_by(&params);
    let own = push::into_subquery(root, rel, &mut query, own);
    let outer = &root.query;
    let whole = outer.has_aggs
        || !outer.group.is_empty()
        || outer.grouping_sets.is_some()
        || !outer.having.is_empty()
        || !outer.distinct.is_empty()
        || !outer.sort.is_empty()
        || root.all_baserels.len() > 1;
    let fraction = if whole { 0.0 } else { root.tuple_fraction };
    let mut sub = level(root.env, query, scope, fraction)?;
    sub.exec_params.splice(0..0, params);
    let derived = Derived { rows: rows_of(&sub), parallel: sub.parallel_ok && lateral.is_empty(), lateral };
    root.subqueries.insert(rel, Box::new(sub));
    Ok((own, Some(derived)))
}

/// Whether workers may evaluate all of these.
pub(super) fn all_parallel_safe<'e>(root: &Root<'_>, mut exprs: impl Iterator<Item = &'e Expr>) -> bool {
    // Initplans' results travel to workers, and what a subquery is compared with stays with it; what an enclosing level
    // supplies does not travel, so that no subquery which needs it is safe.
    let subquery = |id: usize| root.subplans.get(id).is_some_and(|sub| sub.uncorrelated && sub.root.parallel_ok);
    let own_param = |n: usize| {
        let own = |p: &ExecParam| matches!(&p.expr, Expr::Param(Param { source: ParamSource::Exec(m), .. }) if *m == n);
        root.exec_params.get(n).is_some_and(own)
    };
    exprs.all(|e| {
        exprs::parallel_safe(&root.env.facts, e, &own_param)
            && !e.any(&mut |n| matches!(n, Expr::SubPlan(sub) if !subquery(sub.id)))
    })
}
