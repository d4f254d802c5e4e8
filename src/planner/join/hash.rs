//! Hash joins (`hash_inner_and_outer`).

use std::sync::Arc;

use super::param::other_required;
use super::paths::{Inputs, Made, Pair, cheapest_safe, takes_from};
use crate::planner::cost::hashjoin::{self, Joined};
use crate::planner::path::{Path, PathKind, RelPaths, no_keys};
use crate::planner::query::JoinType;
use crate::planner::rel::{QualCost, Restrict};
use crate::planner::relids::Relids;
use crate::planner::stats;

/// The conditions to hash by, with what they cost.
struct Keys {
    clauses: Vec<Arc<Restrict>>,
    cost: QualCost,
}

/// Hashes the inner side's cheapest path (`hash_inner_and_outer`).
pub(super) fn hash_inner_and_outer(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths) {
    let clauses: Vec<Arc<Restrict>> =
        pair.restrict.iter().filter(|r| pair.is_own(r) && r.hash_op != 0 && pair.joins_sides(r)).cloned().collect();
    if clauses.is_empty() {
        return;
    }
    let keys = Keys { cost: pair.quals_cost(&clauses), clauses };
    let (Some(outer), Some(inner)) = (&pair.outer.cheapest_total, &pair.inner.cheapest_total) else { return };
    if takes_from(outer, pair.inner) || takes_from(inner, pair.outer) {
        return;
    }
    let startup = pair.outer.cheapest_startup.as_ref();
    let mut partner = inner;
    match pair.asked {
        JoinType::UniqueOuter => {
            let Some(outer) = pair.unique_path() else { return };
            try_hash(pair, joinrel, Inputs { outer, inner }, &keys);
        }
        JoinType::UniqueInner => {
            let Some(inner) = pair.unique_path() else { return };
            partner = inner;
            try_hash(pair, joinrel, Inputs { outer, inner }, &keys);
            if let Some(startup) = startup.filter(|s| !Arc::ptr_eq(s, outer)) {
                try_hash(pair, joinrel, Inputs { outer: startup, inner }, &keys);
            }
        }
        _ => every_pairing(pair, joinrel, startup, inner, &keys),
    }
    hash_in_parallel(pair, joinrel, partner, &keys);
}

/// The outer side's cheapest start with the inner side's cheapest total, and all pairings of cheapest paths, those with
/// parameters too.
fn every_pairing(
    pair: &Pair<'_, '_, '_>,
    joinrel: &mut RelPaths,
    startup: Option<&Arc<Path>>,
    cheapest_inner: &Arc<Path>,
    keys: &Keys,
) {
    if let Some(outer) = startup {
        try_hash(pair, joinrel, Inputs { outer, inner: cheapest_inner }, keys);
    }
    for outer in pair.outer.cheapest_parameterized.iter().filter(|p| !takes_from(p, pair.inner)) {
        for inner in pair.inner.cheapest_parameterized.iter().filter(|p| !takes_from(p, pair.outer)) {
            let done = startup.is_some_and(|s| Arc::ptr_eq(s, outer)) && Arc::ptr_eq(inner, cheapest_inner);
            if !done {
                try_hash(pair, joinrel, Inputs { outer, inner }, keys);
            }
        }
    }
}

/// Each worker hashes the whole inner side, or all build one table of it. Until 15 no join that wants unmatched inner
/// rows is done in parallel; since then one with a common table.
fn hash_in_parallel(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths, inner: &Arc<Path>, keys: &Keys) {
    if !pair.can_be_partial() || (pair.settings.major < 16 && pair.wants_inner_matches()) {
        return;
    }
    let Some(outer) = pair.outer.partial.first() else { return };
    if let Some(shared) = pair.inner.partial.first()
        && pair.asked != JoinType::UniqueInner
        && pair.settings.enable.parallel_hash
    {
        try_partial_hash(pair, joinrel, Inputs { outer, inner: shared }, keys, true);
    }
    let own = if pair.wants_inner_matches() {
        None
    } else if inner.parallel_safe {
        Some(inner)
    } else if pair.asked == JoinType::UniqueInner {
        None
    } else {
        cheapest_safe(pair.inner)
    };
    if let Some(inner) = own {
        try_partial_hash(pair, joinrel, Inputs { outer, inner }, keys, false);
    }
}

fn try_hash(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths, inputs: Inputs<'_>, keys: &Keys) {
    let required = other_required(inputs);
    if !required.is_empty() && !required.overlaps(pair.param_sources) {
        return;
    }
    let initial = hashjoin::initial(pair.settings, inputs.outer, inputs.inner, keys.clauses.len(), false);
    let bound = initial.costs;
    if joinrel.could_add(bound.disabled_nodes, bound.startup, bound.total, &[], required) {
        let path = hash_path(pair, joinrel, inputs, keys, &initial, required, false);
        joinrel.add(path);
    }
}

fn try_partial_hash(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths, inputs: Inputs<'_>, keys: &Keys, shared: bool) {
    if !inputs.inner.required_outer().is_empty() {
        return;
    }
    let initial = hashjoin::initial(pair.settings, inputs.outer, inputs.inner, keys.clauses.len(), shared);
    if joinrel.could_add_partial(initial.costs.disabled_nodes, initial.costs.total, &[]) {
        let path = hash_path(pair, joinrel, inputs, keys, &initial, Relids::EMPTY, shared);
        joinrel.add_partial(path);
    }
}

fn hash_path(
    pair: &Pair<'_, '_, '_>,
    joinrel: &mut RelPaths,
    inputs: Inputs<'_>,
    keys: &Keys,
    initial: &hashjoin::Initial,
    required: Relids,
    shared: bool,
) -> Path {
    let mut restrict = pair.restrict.to_vec();
    let param = pair.param_info(joinrel, inputs, required, &mut restrict);
    let quals = if param.is_some() { pair.quals_cost(&restrict) } else { pair.restrict_cost };
    let rows = pair.rows(param.as_ref(), inputs.outer.workers);
    let (bucket_share, commonest) = bucket(pair, keys, initial.table.virtual_buckets());
    let joined = Joined {
        outer_rows: inputs.outer.rows,
        inner_rows: inputs.inner.rows,
        inner_width: inputs.inner.target.width,
        bucket_share,
        commonest,
        first_match: pair.first_match.map(|f| (f, pair.kind == JoinType::Anti)),
        pairs: if pair.first_match.is_some() { 0.0 } else { pair.pairs(inputs, &keys.clauses) },
        rows,
        hash_quals: keys.cost,
        quals,
        target: &pair.rel.target,
    };
    let costs = hashjoin::finish(pair.settings, initial, &joined);
    let made = Made { rows, costs, pathkeys: no_keys(), param, parallel_aware: shared };
    let batches = initial.table.batches;
    pair.path(inputs, made, |join| PathKind::HashJoin { join, batches })
}

/// Share of the inner rows in a bucket, and the commonest value's frequency: the least by any of the keys. The server
/// remembers a key's figures for whatever table size it was asked about first in a planning, which is that of the key's
/// relation alone: so that is the size here, whatever else has been planned before.
fn bucket(pair: &Pair<'_, '_, '_>, keys: &Keys, buckets: f64) -> (f64, f64) {
    if pair.asked == JoinType::UniqueInner {
        return (1.0 / buckets, 0.0);
    }
    let mut least = (1.0_f64, 1.0_f64);
    for restrict in &keys.clauses {
        let Some((left, right)) = restrict.operands() else { continue };
        let is_right = restrict.right.is_subset(pair.inner.rel.relids);
        let (key, side, cache) = if is_right {
            (right, restrict.right, &restrict.right_bucket)
        } else {
            (left, restrict.left, &restrict.left_bucket)
        };
        let figures = |buckets| {
            let (commonest, share) = stats::hash_bucket_stats(pair.root, key, buckets);
            (share, commonest)
        };
        let (share, commonest) = match side.singleton().and_then(|rel| pair.root.rel(rel)) {
            Some(alone) => *cache.get_or_init(|| {
                let table = hashjoin::table_size(pair.settings, alone.rows, alone.target.width, None);
                figures(table.virtual_buckets())
            }),
            None => figures(buckets),
        };
        least = (least.0.min(share), least.1.min(commonest));
    }
    least
}
