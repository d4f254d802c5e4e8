//! One query's range table and expressions moved into another's.

use crate::planner::expr::{Expr, Var};
use crate::planner::query::{JoinTree, Query};

/// Renumbers a subquery for its parent: its own entries begin at `offset`, and what it reads of the parent is now of
/// its own level (`OffsetVarNodes`, `IncrementVarSublevelsUp`).
pub(super) fn renumber(sub: &mut Query, offset: usize) {
    sub.replace_vars(&mut |var| Some(Expr::Var(Var { rel: var.rel + offset, ..*var })));
    let mut jointree = std::mem::take(&mut sub.jointree);
    for item in &mut jointree.items {
        shift(item, offset);
    }
    sub.jointree = jointree;
    for rel in &mut sub.row_marks {
        *rel += offset;
    }
    sub.raise_levels(-1, 1);
}

fn shift(tree: &mut JoinTree, offset: usize) {
    match tree {
        JoinTree::Rel(rel) => *rel += offset,
        JoinTree::Join(join) => {
            shift(&mut join.left, offset);
            shift(&mut join.right, offset);
        }
        JoinTree::From(from) => {
            for item in &mut from.items {
                shift(item, offset);
            }
        }
    }
}
