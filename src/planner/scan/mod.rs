//! Paths of base relations (`set_rel_pathlist`, `indxpath.c`): sequential, index, bitmap, parallel and appended scans,
//! subqueries, functions, values, WITH queries.
//!
//! In: a [`Planning`] with its relations and the indexes assumed present. Out: for each base relation its paths, the
//! dominated ones left out. What an index offers to a relation does not depend on the other indexes and is remembered
//! in the [`Root`]; a configuration only lets the remembered paths compete, and combines bitmaps.

mod append;
mod bitmap;
mod build;
pub mod gather;
pub mod gin_query;
pub mod index_info;
mod matching;
mod offer;
mod other;
mod param;
mod pattern;
mod plain;
pub mod predicate;
mod repeats;

use std::sync::Arc;

use super::known::Made;
use super::path::{Path, PathKind, RelPaths, no_keys};
use super::rel::Rel;
use super::relids::{RelId, Relids};
use super::root::Planning;
use crate::planner::cost::scan::Cost;
pub use offer::Offer;
pub use param::{base_param_info, movable_into, movable_to};

/// Makes every path of a base relation and finds its cheapest: fills [`Planning::base`] at `rel`.
pub fn base_paths(planning: &mut Planning<'_, '_>, rel: RelId) {
    let Some(base) = planning.root.rel(rel).cloned() else { return };
    let known = &planning.root.memo.known;
    let mut made = Made::base(rel, planning.below);
    if let Some(sub) = planning.subquery_rels.get(&rel) {
        made.add(sub.number);
    }
    offer::number_all(planning, &base, &mut made);
    let paths = known.find(&made).unwrap_or_else(|| known.keep(made, make_base_paths(planning, &base)));
    if planning.base.len() <= rel {
        planning.base.resize_with(rel + 1, || None);
    }
    if let Some(slot) = planning.base.get_mut(rel) {
        *slot = Some(paths);
    }
}

fn make_base_paths(planning: &Planning<'_, '_>, base: &Arc<Rel>) -> RelPaths {
    let mut paths = RelPaths::new(Arc::clone(base));
    if let Some(info) = base.base() {
        if base.dummy {
            paths.add(dummy(base));
        } else if !other::add_paths(planning, &mut paths, info) {
            if info.children.is_empty() {
                plain::add_paths(planning, &mut paths, info);
            } else {
                append::add_paths(planning, &mut paths, info);
            }
        }
    }
    // The last relation's partial paths are gathered once its output is computed.
    if planning.root.all_baserels != base.relids {
        gather::add_useful_gather_paths(planning.root, &mut paths, false);
    }
    paths.set_cheapest();
    paths
}

/// A relation known to be empty: an Append of nothing (`set_dummy_rel_pathlist`).
pub fn dummy(rel: &Rel) -> Path {
    Path { rows: 0.0, ..scan_path(rel, PathKind::Append { inputs: Vec::new() }, Cost::default()) }
}

/// A path of a relation, unordered and unparameterised, with the relation's own output.
fn scan_path(rel: &Rel, kind: PathKind, cost: Cost) -> Path {
    Path {
        kind,
        relids: rel.relids,
        target: Arc::clone(&rel.target),
        rows: cost.rows,
        startup_cost: cost.startup,
        total_cost: cost.total,
        disabled_nodes: cost.disabled,
        pathkeys: no_keys(),
        param: None,
        parallel_aware: false,
        parallel_safe: rel.consider_parallel,
        workers: 0,
    }
}

/// Relations that a base relation's paths always need: those that it refers to laterally.
fn always_required(rel: &Rel) -> Relids {
    rel.lateral
}
