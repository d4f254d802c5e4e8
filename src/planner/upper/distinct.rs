//! DISTINCT and DISTINCT ON (`create_distinct_paths`).

use std::sync::Arc;

use super::grouping::{ordered, ordered_path};
use super::{build, upper_rel};
use crate::planner::expr::Expr;
use crate::planner::path::RelPaths;
use crate::planner::root::Planning;
use crate::planner::scan::gather;
use crate::planner::stats;

/// The relation without duplicates.
pub(super) fn rel(planning: &Planning<'_, '_>, input: &RelPaths) -> RelPaths {
    let root = planning.root;
    let mut distinct = upper_rel(planning, &input.rel.target, input.rel.consider_parallel);
    finals(planning, input, &mut distinct);
    if root.env.settings.major >= 15 && distinct.rel.consider_parallel && !root.query.distinct_on {
        partials(planning, input, &mut distinct);
    }
    distinct.set_cheapest();
    distinct
}

/// Paths over whole input (`create_final_distinct_paths`).
fn finals(planning: &Planning<'_, '_>, input: &RelPaths, distinct: &mut RelPaths) {
    let root = planning.root;
    let (query, settings) = (&root.query, &root.env.settings);
    let Some(cheapest) = input.cheapest_total.as_ref() else { return };
    let clauses = &root.wanted.processed_distinct;
    let grouped =
        !query.group.is_empty() || query.grouping_sets.is_some() || query.has_aggs || !query.having.is_empty();
    let rows = if grouped { cheapest.rows } else { stats::num_groups(root, &exprs(planning), cheapest.rows) };
    let columns = root.wanted.distinct.len();
    if clauses.iter().all(|c| c.sort_op != 0) {
        // With DISTINCT ON, sort by all of ORDER BY at once.
        let longer = query.distinct_on && root.wanted.distinct.len() < root.wanted.sort.len();
        let keys = if longer { &root.wanted.sort } else { &root.wanted.distinct };
        for path in ordered(planning, input, keys, -1.0) {
            if columns == 0 && settings.major >= 15 {
                // Every column is constant: one row is enough.
                distinct.add(build::limit(&path, 0.0, 1.0));
            } else {
                distinct.add(build::unique(settings, &path, columns, rows));
            }
        }
    }
    let may_hash = (!query.distinct_on && settings.enable.hashagg) || distinct.paths.is_empty();
    if may_hash && clauses.iter().all(|c| c.hashable) {
        distinct.add(build::hashed_distinct(settings, cheapest, clauses.len(), rows));
    }
}

/// Duplicates removed in each worker, then again above (`create_partial_distinct_paths`, 15+).
fn partials(planning: &Planning<'_, '_>, input: &RelPaths, distinct: &mut RelPaths) {
    let root = planning.root;
    let settings = &root.env.settings;
    let Some(cheapest) = input.partial.first() else { return };
    let clauses = &root.wanted.processed_distinct;
    let mut partial = upper_rel(planning, &input.rel.target, true);
    let rows = stats::num_groups(root, &exprs(planning), cheapest.rows);
    if clauses.iter().all(|c| c.sort_op != 0) && !root.wanted.distinct.is_empty() {
        let mut found = Vec::new();
        for path in &input.partial {
            // 15 takes only what is in order.
            let sort_too = settings.major >= 16 && Arc::ptr_eq(path, cheapest);
            let first = found.len();
            ordered_path(planning, path, sort_too, &root.wanted.distinct, -1.0, &mut found);
            if settings.major < 16 {
                found.truncate(first + usize::from(found.get(first).is_some_and(|p| Arc::ptr_eq(p, path))));
            }
        }
        for path in found {
            partial.add_partial(build::unique(settings, &path, root.wanted.distinct.len(), rows));
        }
    }
    if settings.enable.hashagg && clauses.iter().all(|c| c.hashable) {
        partial.add_partial(build::hashed_distinct(settings, cheapest, clauses.len(), rows));
    }
    if partial.partial.is_empty() {
        return;
    }
    gather::add_useful_gather_paths(planning.root, &mut partial, true);
    partial.set_cheapest();
    if !partial.paths.is_empty() {
        finals(planning, &partial, distinct);
    }
}

/// What DISTINCT compares.
fn exprs(planning: &Planning<'_, '_>) -> Vec<Expr> {
    let root = planning.root;
    let find = |sortref: u32| root.query.targets.iter().find(|t| t.sortgroupref == sortref);
    root.wanted.processed_distinct.iter().filter_map(|c| find(c.sortgroupref)).map(|t| t.expr.clone()).collect()
}
