//! Costs as they are passed between formulas.

use crate::planner::path::Path;

/// What a path costs, in the planner's units, and how many of its nodes are of disabled kinds (18+).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Costs {
    /// Nodes of disabled kinds.
    pub disabled_nodes: u32,
    /// Before the first row.
    pub startup: f64,
    /// To the end.
    pub total: f64,
}

impl From<&Path> for Costs {
    fn from(path: &Path) -> Self {
        Self { disabled_nodes: path.disabled_nodes, startup: path.startup_cost, total: path.total_cost }
    }
}
