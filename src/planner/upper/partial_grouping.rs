//! Aggregation split between workers and leader (`create_partial_grouping_paths`, `gather_grouping_paths`).

use std::sync::Arc;

use super::agg_cost::{self, aggregates};
use super::grouping::{Grouping, ordered_path};
use super::{build, upper_rel};
use crate::planner::expr::{Aggref, Expr};
use crate::planner::path::{AggSplit, Path, RelPaths};
use crate::planner::rel::PathTarget;
use crate::planner::root::Planning;
use crate::planner::scan::gather;
use crate::snapshot::Oid;

/// `internal`.
const INTERNAL: Oid = 2281;

/// The partially grouped relation with its gathered paths; `None` where splitting is not possible.
pub(super) fn rel(planning: &Planning<'_, '_>, input: &RelPaths, grouping: &Grouping<'_>) -> Option<RelPaths> {
    let query = &planning.root.query;
    let cheapest = input.partial.first()?;
    let splittable = input.rel.consider_parallel
        && (query.has_aggs || !query.group.is_empty())
        && query.grouping_sets.is_none()
        && grouping.aggs.iter().all(|agg| splits(planning, agg));
    if !splittable {
        return None;
    }
    let target = target(planning, grouping);
    let mut partial = upper_rel(planning, &target, true);
    let groups = grouping.groups(planning, cheapest.rows);
    let costs = agg_cost::clause_costs(planning, &grouping.aggs, AggSplit::Partial);
    let emit = |mut path: Path| {
        path.target = Arc::clone(&target);
        path
    };
    if grouping.can_sort {
        let mut found = Vec::new();
        for path in &input.partial {
            let is_cheapest = Arc::ptr_eq(path, cheapest);
            ordered_path(planning, path, is_cheapest, &planning.root.wanted.group, -1.0, &mut found);
        }
        for path in found {
            partial.add_partial(emit(grouping.sorted(planning, &path, groups, AggSplit::Partial, &costs)));
        }
    }
    if grouping.can_hash {
        partial.add_partial(emit(grouping.hashed(planning, cheapest, groups, AggSplit::Partial, &costs)));
    }
    gather_all(planning, &mut partial);
    partial.set_cheapest();
    Some(partial)
}

/// Whether an aggregate can be computed in parts: it has a combine function, and its state can travel.
fn splits(planning: &Planning<'_, '_>, agg: &Aggref) -> bool {
    let plain = !agg.distinct && agg.order_by.is_empty() && !agg.ordered_set;
    plain
        && planning
            .root
            .env
            .facts
            .function(agg.func)
            .is_some_and(|f| f.parallel_safe && f.combine_func != 0 && (f.transition != INTERNAL || f.serial_func != 0))
}

/// GROUP BY columns and aggregates' states (`make_partial_grouping_target`).
fn target(planning: &Planning<'_, '_>, grouping: &Grouping<'_>) -> Arc<PathTarget> {
    let query = &planning.root.query;
    let mut exprs: Vec<Expr> = Vec::new();
    let mut refs: Vec<u32> = Vec::new();
    let mut rest: Vec<&Expr> = Vec::new();
    for (expr, sortref) in grouping.target.exprs.iter().zip(&grouping.target.refs) {
        if *sortref != 0 && query.group.iter().any(|g| g.sortgroupref == *sortref) {
            exprs.push(expr.clone());
            refs.push(*sortref);
        } else {
            rest.push(expr);
        }
    }
    let mut leaves: Vec<&Expr> = Vec::new();
    for expr in rest.into_iter().chain(&query.having) {
        expr.collect_vars(false, &mut leaves);
    }
    for leaf in leaves {
        if !exprs.contains(leaf) {
            exprs.push(leaf.clone());
            refs.push(0);
        }
    }
    debug_assert!(aggregates(exprs.iter()).len() <= grouping.aggs.len());
    build::target(planning, exprs, refs)
}

/// Gathers the partial paths as they are, and sorted on GROUP BY's order.
fn gather_all(planning: &Planning<'_, '_>, partial: &mut RelPaths) {
    gather::add_useful_gather_paths(planning.root, partial, true);
    let keys = &planning.root.wanted.group;
    let settings = &planning.root.env.settings;
    let Some(cheapest) = partial.partial.first().cloned() else { return };
    for path in partial.partial.clone() {
        let common = crate::planner::path::pathkeys_common(keys, &path.pathkeys);
        if common == keys.len() {
            continue;
        }
        let incremental = common > 0 && settings.enable.incremental_sort;
        if Arc::ptr_eq(&path, &cheapest) && (!incremental || settings.major < 16) {
            let sorted = Arc::new(build::sort(settings, &path, keys, -1.0));
            partial.add(gather::gather_merge_path(
                planning.root,
                &sorted,
                gather::gathered_rows(planning.root, &sorted),
            ));
        }
        if incremental {
            let sorted = Arc::new(build::incremental_sort(planning, &path, keys, common, -1.0));
            partial.add(gather::gather_merge_path(
                planning.root,
                &sorted,
                gather::gathered_rows(planning.root, &sorted),
            ));
        }
    }
}
