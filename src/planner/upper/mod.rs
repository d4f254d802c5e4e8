//! What lies above the joins (`grouping_planner`), and the planning of a whole level.

use super::path::RelPaths;
use super::root::{ActiveIndexes, Planning, Root};

/// Plans a level, its subqueries first, and gives its final relation with its paths (`subquery_planner`'s second
/// half). `enclosing` is the planning of the enclosing level, for the WITH queries in scope.
pub fn plan_level<'r>(
    _root: &'r Root<'_>,
    _indexes: &'r ActiveIndexes,
    _enclosing: Option<&Planning<'_, '_>>,
) -> Option<RelPaths> {
    None
}
