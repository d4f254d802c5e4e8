//! What an OR over several relations says of one of them (`extract_restriction_or_clauses`).

use std::sync::Arc;

use super::restrict::{Placement, make_restrict};
use crate::planner::expr::Expr;
use crate::planner::exprs::contains_volatile;
use crate::planner::query::JoinType;
use crate::planner::rel::Restrict;
use crate::planner::relids::{RelId, Relids};
use crate::planner::root::Root;
use crate::planner::stats;

/// Below this share of the rows a condition is worth having.
const WORTHWHILE: f64 = 0.9;

/// Gives relations the conditions that joins' ORs imply for them, and takes back from each OR what they select already,
/// so that nothing is counted twice (`consider_new_or_clause`).
pub(super) fn extract(root: &mut Root<'_>, joins: &[Arc<Restrict>]) {
    for join in joins {
        if !join.is_pushed_down || join.outerjoin_delayed || join.pseudoconstant {
            continue;
        }
        let mut selected = 1.0;
        for rel in join.clause_relids.iter() {
            let Some(own) = implied(root, rel, join) else { continue };
            let share = stats::clauselist_selectivity(root, std::slice::from_ref(&own), None, JoinType::Inner, None);
            if share > WORTHWHILE || share <= 0.0 {
                continue;
            }
            selected *= share;
            if let Some(Some(built)) = root.rels.get_mut(rel) {
                Arc::make_mut(built).restrict.push(own);
            }
        }
        if selected < 1.0 {
            let whole = stats::clause_selectivity(root, &join.clause, None, JoinType::Inner, None);
            // Nothing has asked before: relations have no sizes yet.
            let _ = join.norm_selectivity.set((whole / selected).min(1.0));
        }
    }
}

/// The condition that an OR implies for one relation alone, if every branch has something to say of it.
fn implied(root: &Root<'_>, rel: RelId, join: &Restrict) -> Option<Arc<Restrict>> {
    let one = Relids::single(rel);
    let branches = join.or_branches.as_ref()?;
    let mut parts = Vec::with_capacity(branches.len());
    for branch in branches {
        let mut own: Vec<Expr> = branch
            .iter()
            .filter(|r| r.clause_relids == one && !contains_volatile(&root.env.facts, &r.clause))
            .map(|r| r.clause.clone())
            .collect();
        parts.push(match own.len() {
            0 => return None,
            1 => own.swap_remove(0),
            _ => Expr::And(own),
        });
    }
    let place = Placement { is_pushed_down: true, required: one, ..Placement::default() };
    Some(Arc::new(make_restrict(root, Expr::Or(parts), place)))
}
