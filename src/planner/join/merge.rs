//! Merge joins (`sort_inner_and_outer`, `generate_mergejoin_paths`).

use std::cmp::Ordering as Order;
use std::sync::Arc;

use super::param::other_required;
use super::paths::{Inputs, Made, Pair, cheapest_safe, takes_from};
use crate::planner::cost::mergejoin::{self, Joined, Ordering, Share};
use crate::planner::env::IndexInfo;
use crate::planner::path::{
    self, Path, PathKind, RelPaths, cheapest_for_pathkeys, pathkeys_common, pathkeys_contained_in,
};
use crate::planner::prep::pathkeys as keys;
use crate::planner::query::JoinType;
use crate::planner::rel::{PathKey, Restrict};
use crate::planner::relids::Relids;
use crate::planner::{stats, wrap};
use crate::snapshot::IndexMethod;

/// The conditions that a merge can go by, and whether a merge is possible: right and full joins must go by all of their
/// own (`select_mergejoin_clauses`).
pub(super) fn select_merge_clauses(pair: &Pair<'_, '_, '_>) -> (Vec<Arc<Restrict>>, bool) {
    if pair.asked == JoinType::RightSemi {
        return (Vec::new(), false);
    }
    let mut clauses = Vec::new();
    let mut others = false;
    for restrict in pair.restrict.iter().filter(|r| pair.is_own(r)) {
        if restrict.can_join && !restrict.merge_families.is_empty() {
            if pair.joins_sides(restrict) && !is_constant(pair, restrict) {
                clauses.push(Arc::clone(restrict));
            } else {
                others = true;
            }
        } else if !matches!(restrict.clause, crate::planner::Expr::Const(_)) {
            others = true;
        }
    }
    let needs_all = matches!(pair.asked, JoinType::Right | JoinType::RightAnti | JoinType::Full);
    (clauses, !(needs_all && others))
}

/// Whether a side of a condition is in a class with a constant, by which there is no order (`EC_MUST_BE_REDUNDANT`).
fn is_constant(pair: &Pair<'_, '_, '_>, restrict: &Restrict) -> bool {
    [restrict.left_ec, restrict.right_ec].into_iter().any(|ec| {
        ec.and_then(|ec| pair.root.ecs.get(pair.root.canonical_ec(ec)))
            .is_none_or(|ec| ec.has_const && !(pair.settings.major < 16 && ec.below_outer_join))
    })
}

/// Merges both sides' cheapest paths, sorted where they are not in order: one path for each order of the outer side
/// that has another key first (`sort_inner_and_outer`).
pub(super) fn sort_inner_and_outer(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths) {
    let (Some(outer), Some(inner)) = (&pair.outer.cheapest_total, &pair.inner.cheapest_total) else { return };
    if pair.merge_clauses.is_empty() || takes_from(outer, pair.inner) || takes_from(inner, pair.outer) {
        return;
    }
    let (mut outer, mut inner) = (outer, inner);
    match pair.asked {
        JoinType::UniqueOuter => {
            let Some(unique) = pair.unique_path() else { return };
            outer = unique;
        }
        JoinType::UniqueInner => {
            let Some(unique) = pair.unique_path() else { return };
            inner = unique;
        }
        _ => {}
    }
    let mut partial = None;
    if pair.can_be_partial() && !pair.wants_inner_matches() {
        let safe = if inner.parallel_safe {
            Some(inner)
        } else if pair.asked == JoinType::UniqueInner {
            None
        } else {
            cheapest_safe(pair.inner)
        };
        partial = pair.outer.partial.first().zip(safe);
    }
    let outer_rels = pair.outer.rel.relids;
    let all = keys::select_outer_pathkeys_for_merge(pair.root, &pair.merge_clauses, pair.rel.relids, outer_rels);
    for first in 0..all.len() {
        let mut outer_keys = all.clone();
        if let Some(upto) = outer_keys.get_mut(..=first) {
            upto.rotate_right(1);
        }
        let clauses =
            keys::find_mergeclauses_for_outer_pathkeys(pair.root, &outer_keys, &pair.merge_clauses, outer_rels);
        let inner_keys = keys::make_inner_pathkeys_for_merge(pair.root, &clauses, &outer_keys, outer_rels);
        let merge = Merge {
            join_keys: &pair.join_keys(&outer_keys),
            clauses: &clauses,
            sort_outer: Some(&outer_keys),
            sort_inner: Some(&inner_keys),
        };
        try_merge(pair, joinrel, Inputs { outer, inner }, &merge);
        if let Some((outer, inner)) = partial {
            try_partial_merge(pair, joinrel, Inputs { outer, inner }, &merge);
        }
    }
}

/// Merges an outer path in its own order with inner paths in order, or sorted (`generate_mergejoin_paths`).
pub(super) fn generate_merge_paths(
    pair: &Pair<'_, '_, '_>,
    joinrel: &mut RelPaths,
    outer: &Arc<Path>,
    inner_cheapest: &Arc<Path>,
    join_keys: &Arc<[PathKey]>,
    partial: bool,
) {
    let use_all = matches!(pair.kind, JoinType::Right | JoinType::RightAnti | JoinType::Full) && !partial;
    if pair.merge_clauses.is_empty() && pair.kind != JoinType::Full {
        return;
    }
    let outer_rels = pair.outer.rel.relids;
    let clauses =
        keys::find_mergeclauses_for_outer_pathkeys(pair.root, &outer.pathkeys, &pair.merge_clauses, outer_rels);
    if clauses.is_empty() && pair.kind != JoinType::Full || use_all && clauses.len() != pair.merge_clauses.len() {
        return;
    }
    let inner_keys = keys::make_inner_pathkeys_for_merge(pair.root, &clauses, &outer.pathkeys, outer_rels);
    let mut attempt = |inner: &Arc<Path>, clauses: &[Arc<Restrict>], sort: Option<&[PathKey]>| {
        let merge = Merge { join_keys, clauses, sort_outer: None, sort_inner: sort };
        if partial {
            try_partial_merge(pair, joinrel, Inputs { outer, inner }, &merge);
        } else {
            try_merge(pair, joinrel, Inputs { outer, inner }, &merge);
        }
    };
    attempt(inner_cheapest, &clauses, Some(&inner_keys));
    if pair.asked == JoinType::UniqueInner {
        return;
    }
    let in_order = pathkeys_contained_in(&inner_keys, &inner_cheapest.pathkeys);
    let mut best_total = in_order.then_some(inner_cheapest);
    let mut best_startup = best_total;
    for length in (1..=inner_keys.len()).rev() {
        let wanted = inner_keys.get(..length).unwrap_or(&inner_keys);
        let trimmed = || {
            if length == inner_keys.len() {
                clauses.clone()
            } else {
                keys::trim_mergeclauses_for_inner_pathkeys(pair.root, &clauses, wanted, outer_rels)
            }
        };
        let found = |compare| cheapest_for_pathkeys(&pair.inner.paths, wanted, Relids::EMPTY, compare, partial);
        if let Some(inner) = found(path::compare_total)
            && best_total.is_none_or(|b| path::compare_total(inner, b) == Order::Less)
        {
            attempt(inner, &trimmed(), None);
            best_total = Some(inner);
        }
        if let Some(inner) = found(path::compare_startup)
            && best_startup.is_none_or(|b| path::compare_startup(inner, b) == Order::Less)
        {
            if !best_total.is_some_and(|b| Arc::ptr_eq(b, inner)) {
                attempt(inner, &trimmed(), None);
            }
            best_startup = Some(inner);
        }
        if use_all {
            break;
        }
    }
}

/// How to merge.
struct Merge<'m> {
    join_keys: &'m Arc<[PathKey]>,
    clauses: &'m [Arc<Restrict>],
    sort_outer: Option<&'m [PathKey]>,
    sort_inner: Option<&'m [PathKey]>,
}

impl<'m> Merge<'m> {
    /// Leaves out sorts that are not needed.
    fn sorts(&self, inputs: Inputs<'_>) -> (Option<&'m [PathKey]>, Option<&'m [PathKey]>) {
        let needed = |keys: &&[PathKey], path: &Path| !keys.is_empty() && !pathkeys_contained_in(keys, &path.pathkeys);
        (self.sort_outer.filter(|k| needed(k, inputs.outer)), self.sort_inner.filter(|k| needed(k, inputs.inner)))
    }
}

fn try_merge(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths, inputs: Inputs<'_>, merge: &Merge<'_>) {
    let required = other_required(inputs);
    if !required.is_empty() && !required.overlaps(pair.param_sources) {
        return;
    }
    let sorts = merge.sorts(inputs);
    let initial = initial_cost(pair, inputs, merge, sorts);
    let bound = initial.costs;
    if joinrel.could_add(bound.disabled_nodes, bound.startup, bound.total, merge.join_keys, required) {
        let path = merge_path(pair, joinrel, inputs, merge, sorts, initial, required);
        joinrel.add(path);
    }
}

fn try_partial_merge(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths, inputs: Inputs<'_>, merge: &Merge<'_>) {
    if !inputs.inner.required_outer().is_empty() {
        return;
    }
    let sorts = merge.sorts(inputs);
    let initial = initial_cost(pair, inputs, merge, sorts);
    if joinrel.could_add_partial(initial.costs.disabled_nodes, initial.costs.total, merge.join_keys) {
        let path = merge_path(pair, joinrel, inputs, merge, sorts, initial, Relids::EMPTY);
        joinrel.add_partial(path);
    }
}

type Sorts<'m> = (Option<&'m [PathKey]>, Option<&'m [PathKey]>);

fn initial_cost(
    pair: &Pair<'_, '_, '_>,
    inputs: Inputs<'_>,
    merge: &Merge<'_>,
    sorts: Sorts<'_>,
) -> mergejoin::Initial {
    let Inputs { outer, inner } = inputs;
    let (outer_share, inner_share) = shares(pair, inputs, merge, sorts.0);
    let outer_order = match sorts.0 {
        None => Ordering::Presorted,
        Some(wanted) => {
            let presorted = pathkeys_common(wanted, &outer.pathkeys);
            if pair.settings.major >= 18 && pair.settings.enable.incremental_sort && presorted > 0 {
                Ordering::Incremental { groups: wrap::presorted_groups(pair.root, wanted, presorted, outer.rows) }
            } else {
                Ordering::Sort
            }
        }
    };
    let inner_order = if sorts.1.is_some() { Ordering::Sort } else { Ordering::Presorted };
    mergejoin::initial(pair.settings, (outer, outer_order, outer_share), (inner, inner_order, inner_share))
}

/// How much of the inputs is read, by the first merge condition.
fn shares(
    pair: &Pair<'_, '_, '_>,
    inputs: Inputs<'_>,
    merge: &Merge<'_>,
    sort_outer: Option<&[PathKey]>,
) -> (Share, Share) {
    let keys = sort_outer.unwrap_or(&inputs.outer.pathkeys);
    let (Some(first), Some(key)) = (merge.clauses.first(), keys.first()) else { return (Share::ALL, Share::ALL) };
    if pair.kind == JoinType::Full {
        return (Share::ALL, Share::ALL);
    }
    let memo = &pair.root.memo.merge_scans;
    let name = (first.id, key.family, key.descending, key.nulls_first);
    let known = memo.borrow().get(&name).copied();
    let (left_start, left_end, right_start, right_end) = known.unwrap_or_else(|| {
        let found =
            stats::merge_scan_selectivity(pair.root, &first.clause, key.family, key.descending, key.nulls_first);
        memo.borrow_mut().insert(name, found);
        found
    });
    let left = Share { start: left_start, end: left_end };
    let right = Share { start: right_start, end: right_end };
    let (outer, inner) = if first.left.is_subset(pair.outer.rel.relids) { (left, right) } else { (right, left) };
    match pair.kind {
        JoinType::Left | JoinType::Anti => (Share::ALL, inner),
        JoinType::Right | JoinType::RightAnti => (outer, Share::ALL),
        _ => (outer, inner),
    }
}

fn merge_path(
    pair: &Pair<'_, '_, '_>,
    joinrel: &mut RelPaths,
    inputs: Inputs<'_>,
    merge: &Merge<'_>,
    sorts: Sorts<'_>,
    initial: mergejoin::Initial,
    required: Relids,
) -> Path {
    let mut restrict = pair.restrict.to_vec();
    let param = pair.param_info(joinrel, inputs, required, &mut restrict);
    let quals = if param.is_some() { pair.quals_cost(&restrict) } else { pair.restrict_cost };
    let rows = pair.rows(param.as_ref(), inputs.outer.workers);
    let joined = Joined {
        inner_path_rows: inputs.inner.rows,
        inner_width: inputs.inner.target.width,
        sort_inner: sorts.1.is_some(),
        inner_can_mark: supports_mark(inputs.inner),
        never_back: pair.first_match.is_some() && restrict.len() == merge.clauses.len(),
        outer_distinct: pair.asked == JoinType::UniqueOuter,
        pairs: pair.pairs(inputs, merge.clauses),
        rows,
        merge_quals: pair.quals_cost(merge.clauses),
        quals,
        target: &pair.rel.target,
    };
    let (costs, materialize_inner) = mergejoin::finish(pair.settings, initial, &joined);
    let made = Made { rows, costs, pathkeys: Arc::clone(merge.join_keys), param, parallel_aware: false };
    let sort = |keys: Option<&[PathKey]>| keys.map(<[PathKey]>::to_vec).unwrap_or_default();
    let (sort_outer, sort_inner) = (sort(sorts.0), sort(sorts.1));
    pair.path(inputs, made, |join| PathKind::MergeJoin { join, sort_outer, sort_inner, materialize_inner })
}

/// Whether a path can go back to a marked row (`ExecSupportsMarkRestore`).
fn supports_mark(path: &Path) -> bool {
    let btree = |index: &IndexInfo| index.method == IndexMethod::Btree;
    match &path.kind {
        PathKind::IndexScan(scan) | PathKind::IndexOnlyScan(scan) => btree(&scan.index),
        PathKind::Material { .. } | PathKind::Sort { .. } => true,
        PathKind::Result { input: Some(input) } => supports_mark(input),
        PathKind::Append { inputs, .. } => match inputs.as_slice() {
            [only] => supports_mark(only),
            _ => false,
        },
        _ => false,
    }
}
