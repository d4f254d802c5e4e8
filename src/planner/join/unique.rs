//! Uniqueness: proofs that an outer row meets at most one inner row (`innerrel_is_unique`), and the inner join of a semi
//! join's right side made unique (`create_unique_path`).

use std::borrow::Cow;
use std::sync::Arc;

use super::paths::{Pair, is_outer_join};
use crate::planner::cost::costs::Costs;
use crate::planner::cost::scan::disable;
use crate::planner::cost::sort::cost_sort;
use crate::planner::env::{IndexInfo, IndexKeyInfo};
use crate::planner::expr::Expr;
use crate::planner::path::{AggSplit, AggStrategy, Path, PathKind, RelPaths, no_keys};
use crate::planner::query::{JoinType, Query, SetOperation};
use crate::planner::rel::{Rel, Restrict};
use crate::planner::relids::RelId;
use crate::planner::stats;
use crate::snapshot::Oid;

/// Whether each outer row meets at most one inner row, for the join asked for.
pub(super) fn is_inner_unique(pair: &Pair<'_, '_, '_>) -> bool {
    match pair.asked {
        JoinType::Semi | JoinType::Anti => false,
        JoinType::UniqueInner => pair.special.min_left.is_subset(pair.outer.rel.relids),
        kind => !pair.restrict.is_empty() && proves_unique(pair, kind),
    }
}

/// `is_innerrel_unique_for`.
fn proves_unique(pair: &Pair<'_, '_, '_>, kind: JoinType) -> bool {
    let inner = &pair.inner.rel;
    let Some(base) = inner.base() else { return false };
    let join = pair.rel.relids;
    let usable = |r: &&Arc<Restrict>| {
        r.can_join
            && !r.merge_families.is_empty()
            && !(is_outer_join(kind) && r.is_filter_at(join))
            && pair.joins_sides(r)
    };
    let fixed = pair.restrict.iter().filter(usable).filter_map(|restrict| {
        let (left, right) = restrict.operands()?;
        let expr = if restrict.right.is_subset(inner.relids) { right } else { left };
        Some(Fixed { expr, families: Cow::Borrowed(&restrict.merge_families) })
    });
    if base.table.is_some() {
        if !unique_indexes(pair, inner).any(|_| true) {
            return false;
        }
        return has_unique_index(pair, inner, fixed.collect());
    }
    let Some(query) = subquery(pair, base.rel) else { return false };
    let columns: Vec<usize> = fixed.filter_map(|fixed| column_of(fixed.expr, base.rel)).collect();
    is_distinct_for(query, &columns)
}

/// An expression of the inner side that has one value an outer row, by equality of some families.
struct Fixed<'e> {
    expr: &'e Expr,
    families: Cow<'e, [Oid]>,
}

fn unique_indexes<'p>(pair: &'p Pair<'_, '_, '_>, rel: &Rel) -> impl Iterator<Item = &'p Arc<IndexInfo>> {
    let table = rel.base().and_then(|b| b.table);
    let all = table.map_or(&[][..], |t| pair.planning.indexes.of(t));
    all.iter().filter(|i| i.unique && i.predicate.is_empty())
}

/// Whether a unique index has one value in every key column (`relation_has_unique_index_for`); conditions of the
/// relation itself count.
fn has_unique_index<'e>(pair: &Pair<'_, '_, '_>, rel: &'e Rel, mut fixed: Vec<Fixed<'e>>) -> bool {
    let Some(base) = rel.base() else { return false };
    for restrict in rel.restrict.iter().filter(|r| !r.merge_families.is_empty()) {
        let Some((left, right)) = restrict.operands() else { continue };
        let expr = if left.relids().is_empty() {
            right
        } else if right.relids().is_empty() {
            left
        } else {
            continue;
        };
        fixed.push(Fixed { expr, families: Cow::Borrowed(&restrict.merge_families) });
    }
    if fixed.is_empty() {
        return false;
    }
    let is_fixed = |key: &IndexKeyInfo| {
        fixed.iter().any(|f| f.families.contains(&key.family) && is_key(pair, base.rel, f.expr, key))
    };
    unique_indexes(pair, rel).any(|index| index.keys.iter().all(is_fixed))
}

/// Whether an expression is an index key (`match_index_to_operand`).
fn is_key(pair: &Pair<'_, '_, '_>, rel: RelId, expr: &Expr, key: &IndexKeyInfo) -> bool {
    let expr = expr.strip_relabel();
    if key.attno != 0 {
        return matches!(expr, Expr::Var(v) if v.rel == rel && v.attno == key.attno && v.levels_up == 0);
    }
    crate::planner::prep::pathkeys::index_key_expr(pair.root, rel, key).is_some_and(|k| k.strip_relabel() == expr)
}

fn subquery<'p>(pair: &'p Pair<'_, '_, '_>, rel: RelId) -> Option<&'p Query> {
    pair.root.subqueries.get(&rel).map(|root| &root.query)
}

/// The number of a subquery's output column, from 1.
pub(in crate::planner) fn column_of(expr: &Expr, rel: RelId) -> Option<usize> {
    match expr.strip_relabel() {
        Expr::Var(v) if v.rel == rel && v.levels_up == 0 => usize::try_from(v.attno).ok(),
        _ => None,
    }
}

/// Whether a query gives no two rows that agree in these output columns (`query_is_distinct_for`).
pub(in crate::planner) fn is_distinct_for(query: &Query, columns: &[usize]) -> bool {
    let has = |reference: u32| {
        let at = query.targets.iter().position(|t| t.sortgroupref == reference);
        at.is_some_and(|at| columns.contains(&(at + 1)))
    };
    if !query.distinct.is_empty() && query.distinct.iter().all(|d| has(d.sortgroupref)) {
        return true;
    }
    if query.has_target_srfs {
        return false;
    }
    if let Some(sets) = &query.grouping_sets {
        if query.group.is_empty() && sets.len() == 1 {
            return true;
        }
    } else if query.group.is_empty() {
        if query.has_aggs || !query.having.is_empty() {
            return true;
        }
    } else if query.group.iter().all(|g| has(g.sortgroupref)) {
        return true;
    }
    match &query.set_operations {
        Some(SetOperation::Node { all: false, .. }) => {
            query.targets.iter().enumerate().all(|(at, t)| t.junk || columns.contains(&(at + 1)))
        }
        _ => false,
    }
}

/// The cheapest path of a semi join's right side, made unique by hashing or sorting if it is not so already
/// (`create_unique_path`).
pub(super) fn unique_path(pair: &Pair<'_, '_, '_>, side: &RelPaths) -> Option<Path> {
    let special = pair.special;
    let input = side.cheapest_total.as_ref()?;
    if input.param.is_some() || !(special.semi_can_btree || special.semi_can_hash) {
        return None;
    }
    let rel = &side.rel;
    if is_unique_already(pair, rel) {
        return Some(Path { rows: rel.rows, ..Path::clone(input) });
    }
    let settings = pair.settings;
    let rows = groups(pair, rel);
    let columns = special.semi_rhs.len() as f64;
    let width = input.target.width;
    let sorted = special.semi_can_btree.then(|| {
        let mut costs = cost_sort(settings, Costs::from(&**input), rel.rows, width, 0.0, -1.0);
        costs.total += settings.cpu_operator_cost * rel.rows * columns;
        costs
    });
    let fits = (f64::from(width) + 64.0) * rows <= settings.hash_mem_bytes();
    let hashed = (special.semi_can_hash && fits).then(|| {
        let (extra, disabled) = disable(settings, settings.enable.hashagg);
        let startup = input.total_cost + extra + settings.cpu_operator_cost * columns * rel.rows;
        Costs {
            disabled_nodes: input.disabled_nodes + disabled,
            startup,
            total: startup + settings.cpu_tuple_cost * rows,
        }
    });
    let costs = match (hashed, sorted) {
        (Some(hashed), Some(sorted)) if hashed.total < sorted.total => hashed,
        (_, Some(sorted)) => sorted,
        (hashed, None) => hashed?,
    };
    let kind = if Some(costs) == hashed {
        PathKind::Agg { input: Arc::clone(input), strategy: AggStrategy::Hashed, split: AggSplit::Simple }
    } else {
        let sort = crate::planner::wrap::sort(settings, Arc::clone(input), no_keys(), -1.0);
        PathKind::Unique { input: Arc::new(sort) }
    };
    Some(Path {
        kind,
        rows,
        startup_cost: costs.startup,
        total_cost: costs.total,
        disabled_nodes: costs.disabled_nodes,
        pathkeys: no_keys(),
        parallel_aware: false,
        parallel_safe: rel.consider_parallel && input.parallel_safe,
        ..Path::clone(input)
    })
}

/// Distinct values of the right side's columns, remembered.
fn groups(pair: &Pair<'_, '_, '_>, rel: &Rel) -> f64 {
    let memo = &pair.root.memo.unique_rows;
    let known = memo.borrow().get(&rel.relids).copied();
    known.unwrap_or_else(|| {
        let rows = stats::num_groups(pair.root, &pair.special.semi_rhs, rel.rows);
        memo.borrow_mut().insert(rel.relids, rows);
        rows
    })
}

/// Whether the right side's columns are unique without more ado.
fn is_unique_already(pair: &Pair<'_, '_, '_>, rel: &Rel) -> bool {
    let special = pair.special;
    let Some(base) = rel.base() else { return false };
    if base.table.is_some() {
        if !special.semi_can_btree {
            return false;
        }
        let facts = &pair.root.env.facts;
        let fixed = special.semi_rhs.iter().zip(&special.semi_operators);
        let fixed = fixed.map(|(expr, op)| Fixed { expr, families: Cow::Owned(facts.merge_families(*op)) });
        return has_unique_index(pair, rel, fixed.collect());
    }
    let Some(query) = subquery(pair, base.rel) else { return false };
    let columns: Option<Vec<usize>> = special.semi_rhs.iter().map(|e| column_of(e, base.rel)).collect();
    columns.is_some_and(|columns| is_distinct_for(query, &columns))
}
