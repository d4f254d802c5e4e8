//! ORDER BY (`create_ordered_paths`).

use std::sync::Arc;

use super::grouping::{ordered, ordered_path};
use super::{build, level, upper_rel};
use crate::planner::path::{Path, RelPaths};
use crate::planner::rel::PathTarget;
use crate::planner::root::Planning;
use crate::planner::scan::gather;

/// The ordered relation; what ORDER BY let wait is computed here.
pub(super) fn rel(planning: &Planning<'_, '_>, input: &RelPaths, target: &Arc<PathTarget>) -> RelPaths {
    let settings = &planning.root.env.settings;
    let keys = &planning.root.wanted.sort;
    let limit = level::wanted_rows(&planning.root.query);
    let mut sorted = upper_rel(planning, target, input.rel.consider_parallel);
    let finish = |path: &Arc<Path>| -> Path {
        if path.target.exprs == target.exprs { (**path).clone() } else { build::project(settings, path, target) }
    };
    for path in ordered(planning, input, keys, limit) {
        sorted.add(finish(&path));
    }
    if sorted.rel.consider_parallel && !keys.is_empty() {
        let mut found = Vec::new();
        for (i, path) in input.partial.iter().enumerate() {
            ordered_path(planning, path, i == 0, keys, limit, &mut found);
        }
        for path in found {
            // One that was in order already has been merged where it was made.
            if !input.partial.iter().any(|p| Arc::ptr_eq(p, &path)) {
                sorted.add(finish(&Arc::new(gather::gather_merge_path(
                    planning.root,
                    &path,
                    gather::gathered_rows(planning.root, &path),
                ))));
            }
        }
    }
    sorted.set_cheapest();
    sorted
}
