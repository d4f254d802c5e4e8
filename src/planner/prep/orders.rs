//! Orders and limits that matter above the joins (`standard_qp_callback`, `preprocess_limit`).

use super::pathkeys::{make_pathkeys_and_items, make_pathkeys_for_sortclauses};
use crate::planner::expr::Expr;
use crate::planner::query::Query;
use crate::planner::root::Root;
use crate::planner::value::Datum;

/// Makes the wanted orders, with classes for what is sorted by.
pub(super) fn make(root: &mut Root<'_>) {
    let targets = root.query.targets.clone();
    let group = root.query.group.clone();
    if root.query.grouping_sets.is_some() {
        root.wanted.processed_group.clone_from(&group);
    } else if group.iter().all(|g| g.sort_op != 0) {
        let (keys, items) = make_pathkeys_and_items(root, &group, &targets);
        root.wanted.group = keys;
        // Redundant items are left out since 16.
        root.wanted.processed_group = if root.env.settings.major >= 16 { items } else { group };
    } else {
        root.wanted.processed_group = group;
    }
    let mut windows: Vec<usize> = (0..root.query.windows.len()).collect();
    let length =
        |root: &Root<'_>, i: &usize| root.query.windows.get(*i).map_or(0, |w| w.partition.len() + w.order.len());
    windows.sort_by_key(|i| std::cmp::Reverse(length(root, i)));
    for (number, i) in windows.into_iter().enumerate() {
        let Some(window) = root.query.windows.get(i) else { continue };
        let items: Vec<_> = window.partition.iter().chain(&window.order).copied().collect();
        let keys = make_pathkeys_for_sortclauses(root, &items, &targets);
        if number == 0 {
            root.wanted.window = keys;
        }
    }
    let distinct = root.query.distinct.clone();
    if distinct.iter().all(|d| d.sort_op != 0) {
        let (keys, items) = make_pathkeys_and_items(root, &distinct, &targets);
        root.wanted.distinct = keys;
        root.wanted.processed_distinct = if root.env.settings.major >= 16 { items } else { distinct };
    } else {
        root.wanted.processed_distinct = distinct;
    }
    let sort = root.query.sort.clone();
    root.wanted.sort = make_pathkeys_for_sortclauses(root, &sort, &targets);
    let wanted = &mut root.wanted;
    wanted.query = if !wanted.group.is_empty() {
        wanted.group.clone()
    } else if !wanted.window.is_empty() {
        wanted.window.clone()
    } else if wanted.distinct.len() > wanted.sort.len() {
        wanted.distinct.clone()
    } else {
        wanted.sort.clone()
    };
}

/// How many rows will be fetched.
pub(super) fn limits(root: &mut Root<'_>) {
    let query = &root.query;
    let (count, offset) = limit_and_offset(query);
    if count != 0.0 {
        let limit = if count < 0.0 || offset < 0.0 { 0.10 } else { count + offset };
        let wanted = root.tuple_fraction;
        root.tuple_fraction = if wanted >= 1.0 {
            if limit >= 1.0 { wanted.min(limit) } else { wanted }
        } else if wanted > 0.0 {
            if limit >= 1.0 { limit } else { wanted.min(limit) }
        } else {
            limit
        };
    }
    let reshaped = !query.group.is_empty()
        || query.grouping_sets.is_some()
        || !query.distinct.is_empty()
        || query.has_aggs
        || query.has_window_funcs
        || query.has_target_srfs
        || !query.having.is_empty();
    root.limit_tuples = if count > 0.0 && offset >= 0.0 && !reshaped { count + offset } else { -1.0 };
}

/// LIMIT and OFFSET as estimates: 0 for none, -1 for unknown. LIMIT 0 counts as one row.
pub fn limit_and_offset(query: &Query) -> (f64, f64) {
    let count = estimate(query.limit.as_ref());
    let zero = count == 0.0 && matches!(&query.limit, Some(Expr::Const(c)) if c.value.is_some());
    (if zero { 1.0 } else { count }, estimate(query.offset.as_ref()))
}

/// 0 for none, -1 for unknown.
fn estimate(expr: Option<&Expr>) -> f64 {
    match expr {
        None => 0.0,
        Some(Expr::Const(c)) => match c.value.as_deref() {
            Some(Datum::Int(n)) => (*n as f64).max(0.0),
            Some(_) => -1.0,
            None => 0.0,
        },
        Some(_) => -1.0,
    }
}
