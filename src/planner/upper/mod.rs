//! What lies above the joins (`grouping_planner`), and the planning of a whole level.
//!
//! In: a prepared [`Root`] and the indexes assumed present. Out: the level's final relation with its paths. `level`
//! runs the stages, `targets` decides what each stage computes, `grouping`, `window`, `distinct`, `order`, `setops` and
//! `minmax` each make one upper relation, `build` makes the nodes.

mod agg_cost;
mod build;
mod distinct;
mod grouping;
mod level;
mod minmax;
mod order;
mod partial_grouping;
mod setops;
mod subplan;
mod targets;
mod window;

use std::sync::Arc;

use super::path::RelPaths;
use super::rel::{PathTarget, Rel, RelKind};
use super::relids::Relids;
use super::root::{ActiveIndexes, Planning, Root};

pub use level::best_path;
pub use targets::Targets;

/// Plans a level, its subqueries first, and gives its final relation with its paths (`subquery_planner`'s second
/// half). `enclosing` is the planning of the enclosing level, for the WITH queries in scope. `None` where a part of it
/// has no path at all, which a correct [`Root`] never has.
pub fn plan_level<'r>(
    root: &'r Root<'_>,
    indexes: &'r ActiveIndexes,
    enclosing: Option<&Planning<'_, '_>>,
) -> Option<Arc<RelPaths>> {
    level::plan(root, indexes, enclosing)
}

/// An upper relation without paths (`fetch_upper_rel`).
fn upper_rel(planning: &Planning<'_, '_>, target: &Arc<PathTarget>, consider_parallel: bool) -> RelPaths {
    RelPaths::new(Arc::new(Rel {
        relids: Relids::EMPTY,
        kind: RelKind::Join,
        rows: 0.0,
        target: Arc::clone(target),
        consider_startup: planning.root.tuple_fraction > 0.0,
        consider_param_startup: false,
        consider_parallel,
        restrict: Vec::new(),
        join_info: Vec::new(),
        has_eclass_joins: false,
        lateral: Relids::EMPTY,
        direct_lateral: Relids::EMPTY,
        lateral_referencers: Relids::EMPTY,
        dummy: false,
    }))
}
