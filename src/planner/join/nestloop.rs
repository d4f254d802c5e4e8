//! Nested loops, and merge joins of an outer path in its own order (`match_unsorted_outer`).

use std::sync::Arc;

use super::memoize::memoize_path;
use super::merge::generate_merge_paths;
use super::param::{is_star, nestloop_required};
use super::paths::{Inputs, Made, Pair, cheapest_safe, takes_from};
use crate::planner::cost::nestloop::{self, Joined};
use crate::planner::path::{Bitmap, IndexClause, Path, PathKind, RelPaths};
use crate::planner::query::JoinType;
use crate::planner::rel::{PathKey, Restrict};
use crate::planner::relids::Relids;
use crate::planner::scan::movable_into;
use crate::planner::wrap;

/// Joins each outer path, in its order, with the inner side's cheapest paths (`match_unsorted_outer`).
pub(super) fn match_unsorted_outer(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths) {
    let may_loop = match pair.kind {
        JoinType::Inner | JoinType::Left | JoinType::Semi | JoinType::Anti => true,
        JoinType::RightSemi => return,
        _ => false,
    };
    let mut cheapest = pair.inner.cheapest_total.as_ref().filter(|p| !takes_from(p, pair.outer));
    let mut kept = None;
    if pair.asked == JoinType::UniqueInner {
        if cheapest.is_none() {
            return;
        }
        let Some(unique) = pair.unique_path() else { return };
        cheapest = Some(unique);
    } else if may_loop && pair.settings.enable.material {
        kept = cheapest.filter(|p| !p.keeps_rows()).map(|p| Arc::new(wrap::material(pair.settings, Arc::clone(p))));
    }
    for outer in pair.outer.paths.iter().filter(|p| !takes_from(p, pair.inner)) {
        let mut outer = outer;
        if pair.asked == JoinType::UniqueOuter {
            if !pair.outer.cheapest_total.as_ref().is_some_and(|c| Arc::ptr_eq(c, outer)) {
                continue;
            }
            let Some(unique) = pair.unique_path() else { return };
            outer = unique;
        }
        let join_keys = pair.join_keys(&outer.pathkeys);
        if pair.asked == JoinType::UniqueInner {
            if let Some(inner) = cheapest {
                try_loop(pair, joinrel, Inputs { outer, inner }, &join_keys);
            }
        } else if may_loop {
            for inner in &pair.inner.cheapest_parameterized {
                try_loop(pair, joinrel, Inputs { outer, inner }, &join_keys);
                if let Some(inner) = memoize_path(pair, Inputs { outer, inner }) {
                    try_loop(pair, joinrel, Inputs { outer, inner: &inner }, &join_keys);
                }
            }
            if let Some(inner) = &kept {
                try_loop(pair, joinrel, Inputs { outer, inner }, &join_keys);
            }
        }
        if pair.asked == JoinType::UniqueOuter {
            continue;
        }
        let Some(inner) = cheapest else { continue };
        generate_merge_paths(pair, joinrel, outer, inner, &join_keys, false);
    }
    if !pair.can_be_partial() || pair.wants_inner_matches() {
        return;
    }
    if may_loop {
        loop_in_parallel(pair, joinrel);
    }
    if !cheapest.is_some_and(|p| p.parallel_safe) {
        if pair.asked == JoinType::UniqueInner {
            return;
        }
        cheapest = cheapest_safe(pair.inner);
    }
    let Some(inner) = cheapest else { return };
    for outer in &pair.outer.partial {
        let join_keys = pair.join_keys(&outer.pathkeys);
        generate_merge_paths(pair, joinrel, outer, inner, &join_keys, true);
    }
}

/// Each worker loops over its share of the outer rows (`consider_parallel_nestloop`).
fn loop_in_parallel(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths) {
    let unique = pair.asked == JoinType::UniqueInner;
    let cheapest = pair.inner.cheapest_total.as_ref();
    let kept = cheapest
        .filter(|p| pair.settings.major >= 18 && !unique && pair.settings.enable.material && p.parallel_safe)
        .filter(|p| !takes_from(p, pair.outer) && !p.keeps_rows())
        .map(|p| Arc::new(wrap::material(pair.settings, Arc::clone(p))));
    for outer in &pair.outer.partial {
        let join_keys = pair.join_keys(&outer.pathkeys);
        for inner in pair.inner.cheapest_parameterized.iter().filter(|p| p.parallel_safe) {
            let mut inner = inner;
            if unique {
                if !cheapest.is_some_and(|c| Arc::ptr_eq(c, inner)) {
                    continue;
                }
                let Some(made) = pair.unique_path() else { return };
                inner = made;
            }
            try_partial_loop(pair, joinrel, Inputs { outer, inner }, &join_keys);
            if let Some(inner) = memoize_path(pair, Inputs { outer, inner }) {
                try_partial_loop(pair, joinrel, Inputs { outer, inner: &inner }, &join_keys);
            }
        }
        if let Some(inner) = &kept {
            try_partial_loop(pair, joinrel, Inputs { outer, inner }, &join_keys);
        }
    }
}

fn try_loop(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths, inputs: Inputs<'_>, join_keys: &Arc<[PathKey]>) {
    let required = nestloop_required(inputs);
    if !required.is_empty()
        && !required.overlaps(pair.param_sources)
        && !is_star(pair.outer.rel.relids, inputs.inner.required_outer())
    {
        return;
    }
    let initial = nestloop::initial(pair.settings, inputs.outer, inputs.inner, pair.first_match.is_some());
    let bound = initial.costs;
    if joinrel.could_add(bound.disabled_nodes, bound.startup, bound.total, join_keys, required) {
        let path = loop_path(pair, joinrel, inputs, initial, join_keys, required);
        joinrel.add(path);
    }
}

fn try_partial_loop(pair: &Pair<'_, '_, '_>, joinrel: &mut RelPaths, inputs: Inputs<'_>, join_keys: &Arc<[PathKey]>) {
    if !inputs.inner.required_outer().is_subset(pair.outer.rel.relids) {
        return;
    }
    let initial = nestloop::initial(pair.settings, inputs.outer, inputs.inner, pair.first_match.is_some());
    if joinrel.could_add_partial(initial.costs.disabled_nodes, initial.costs.total, join_keys) {
        let path = loop_path(pair, joinrel, inputs, initial, join_keys, Relids::EMPTY);
        joinrel.add_partial(path);
    }
}

fn loop_path(
    pair: &Pair<'_, '_, '_>,
    joinrel: &mut RelPaths,
    inputs: Inputs<'_>,
    initial: nestloop::Initial,
    join_keys: &Arc<[PathKey]>,
    required: Relids,
) -> Path {
    let own = pair.nestloop_restrict(inputs.inner);
    let as_given = own.is_none() && required.is_empty();
    let mut restrict = own.unwrap_or_else(|| pair.restrict.to_vec());
    let param = pair.param_info(joinrel, inputs, required, &mut restrict);
    let rows = pair.rows(param.as_ref(), inputs.outer.workers);
    let joined = Joined {
        outer_rows: inputs.outer.rows,
        inner_rows: inputs.inner.rows,
        rows,
        quals: if as_given { pair.restrict_cost } else { pair.quals_cost(&restrict) },
        target: &pair.rel.target,
        first_match: pair.first_match,
        indexed: pair.first_match.is_some() && restrict.is_empty() && is_indexed(pair, inputs.inner),
    };
    let costs = nestloop::finish(pair.settings, initial, &joined);
    let made = Made { rows, costs, pathkeys: Arc::clone(join_keys), param, parallel_aware: false };
    pair.path(inputs, made, PathKind::NestLoop)
}

/// Whether an index of the inner side applies every condition with the outer side (`has_indexed_join_quals`).
fn is_indexed(pair: &Pair<'_, '_, '_>, inner: &Path) -> bool {
    let Some(param) = &inner.param else { return false };
    let clauses = match &inner.kind {
        PathKind::IndexScan(scan) | PathKind::IndexOnlyScan(scan) => &scan.clauses,
        PathKind::BitmapHeapScan { bitmap: Bitmap::Index(scan), .. } => &scan.clauses,
        _ => return false,
    };
    let mut any = false;
    for restrict in &param.clauses {
        if movable_into(restrict, inner.relids, pair.rel.relids) {
            if !is_applied(restrict, clauses) {
                return false;
            }
            any = true;
        }
    }
    any
}

/// Whether an index condition is this one, or of the same class (`is_redundant_with_indexclauses`).
fn is_applied(restrict: &Restrict, clauses: &[IndexClause]) -> bool {
    clauses.iter().filter(|c| !c.lossy).any(|c| {
        c.restrict.id == restrict.id || (restrict.parent_ec.is_some() && c.restrict.parent_ec == restrict.parent_ec)
    })
}
