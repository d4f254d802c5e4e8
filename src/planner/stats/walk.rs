//! What an expression reads: its variables and parameters, as selectivity estimation needs them (`pull_varnos`,
//! `contain_volatile_functions`).

use crate::planner::expr::{Expr, Var};
use crate::planner::relids::{RelId, Relids};
use crate::planner::root::Root;

/// Calls `visit` with each variable of this query level.
pub(super) fn for_each_var<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Var)) {
    if let Expr::Var(var) = expr {
        if var.levels_up == 0 {
            visit(var);
        }
        return;
    }
    expr.for_each_child(&mut |child| for_each_var(child, visit));
}

/// The range-table entries that an expression reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Members {
    /// Topmost parents of what is read.
    pub(super) relids: Relids,
    /// The entry itself (a child, perhaps) where only one is read.
    pub(super) single: Option<RelId>,
    many: bool,
}

impl Members {
    fn add(&mut self, root: &Root<'_>, rel: RelId) {
        self.relids.insert(top_parent(root, rel));
        if self.single != Some(rel) {
            self.many |= self.single.is_some();
            self.single = if self.many { None } else { Some(rel) };
        }
    }

    /// Whether nothing is read.
    pub(super) fn is_empty(self) -> bool {
        self.single.is_none() && !self.many
    }

    /// Whether more than one entry is read.
    pub(super) fn is_many(self) -> bool {
        self.many
    }

    /// Whether `rel`, or what it is a child of, is read.
    pub(super) fn reads(self, root: &Root<'_>, rel: RelId) -> bool {
        self.relids.contains(top_parent(root, rel))
    }
}

/// The entry of the query itself that an inheritance child stands under.
pub(super) fn top_parent(root: &Root<'_>, rel: RelId) -> RelId {
    root.top_parent.get(rel).copied().unwrap_or(rel)
}

/// What an expression reads (`pull_varnos`).
pub(super) fn members(root: &Root<'_>, expr: &Expr) -> Members {
    let mut members = Members::default();
    for_each_var(expr, &mut |var| members.add(root, var.rel));
    members
}
