//! Comparing paths: by the order of their rows, and by cost.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Path;
use crate::planner::rel::PathKey;
use crate::planner::relids::Relids;

/// How two orders compare (`compare_pathkeys`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysOrder {
    /// The same.
    Equal,
    /// The first begins with the second.
    Better1,
    /// The second begins with the first.
    Better2,
    /// Neither.
    Different,
}

/// Compares two orders.
pub fn compare_pathkeys(a: &[PathKey], b: &[PathKey]) -> KeysOrder {
    if a.iter().zip(b).any(|(x, y)| x != y) {
        return KeysOrder::Different;
    }
    match a.len().cmp(&b.len()) {
        Ordering::Equal => KeysOrder::Equal,
        Ordering::Greater => KeysOrder::Better1,
        Ordering::Less => KeysOrder::Better2,
    }
}

/// Whether rows in the order `have` are in the order `want` too (`pathkeys_contained_in`).
pub fn pathkeys_contained_in(want: &[PathKey], have: &[PathKey]) -> bool {
    have.starts_with(want)
}

/// How many leading keys agree (`pathkeys_count_contained_in`).
pub fn pathkeys_common(want: &[PathKey], have: &[PathKey]) -> usize {
    want.iter().zip(have).take_while(|(a, b)| a == b).count()
}

/// By total cost, then startup cost (`compare_path_costs` with `TOTAL_COST`).
pub fn compare_total(a: &Path, b: &Path) -> Ordering {
    let by = |x: f64, y: f64| x.partial_cmp(&y).unwrap_or(Ordering::Equal);
    a.disabled_nodes
        .cmp(&b.disabled_nodes)
        .then(by(a.total_cost, b.total_cost))
        .then(by(a.startup_cost, b.startup_cost))
}

/// By startup cost, then total cost.
pub fn compare_startup(a: &Path, b: &Path) -> Ordering {
    let by = |x: f64, y: f64| x.partial_cmp(&y).unwrap_or(Ordering::Equal);
    a.disabled_nodes
        .cmp(&b.disabled_nodes)
        .then(by(a.startup_cost, b.startup_cost))
        .then(by(a.total_cost, b.total_cost))
}

/// The path that is cheapest when a share of the rows is fetched (`compare_fractional_path_costs`); a fraction of 0 or
/// 1 and above means all.
pub fn compare_fractional(a: &Path, b: &Path, fraction: f64) -> Ordering {
    if fraction <= 0.0 || fraction >= 1.0 {
        return compare_total(a, b);
    }
    let cost = |p: &Path| p.startup_cost + fraction * (p.total_cost - p.startup_cost);
    a.disabled_nodes.cmp(&b.disabled_nodes).then(cost(a).partial_cmp(&cost(b)).unwrap_or(Ordering::Equal))
}

/// The cheapest path, unparameterised or with parameters within `required_outer`, that has an order
/// (`get_cheapest_path_for_pathkeys`).
pub fn cheapest_for_pathkeys<'p>(
    paths: &'p [Arc<Path>],
    pathkeys: &[PathKey],
    required_outer: Relids,
    compare: fn(&Path, &Path) -> Ordering,
    parallel_safe: bool,
) -> Option<&'p Arc<Path>> {
    let mut best: Option<&Arc<Path>> = None;
    for path in paths {
        if best.is_some_and(|b| compare(b, path) != Ordering::Greater) || (parallel_safe && !path.parallel_safe) {
            continue;
        }
        if pathkeys_contained_in(pathkeys, &path.pathkeys) && path.required_outer().is_subset(required_outer) {
            best = Some(path);
        }
    }
    best
}
