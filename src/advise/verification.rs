//! Verification: the outcome of the search, costed again by the best planner at hand.
//!
//! In: the search's problem. Out: the problem with the proved costs, and the selection that holds under them. Where the
//! proof shows that the search was told something else of a statement, that statement is the better planner's, and the
//! search is done again; what no plan uses in the end is taken out.

use crate::progress::Progress;

use super::costing::{Judge, Set};
use super::problem::Problem;
use super::selection::{self, Selection};

/// Searches at most: each hands over the statements that the last proof was at odds with, few and fewer.
const SEARCHES: usize = 4;

/// Searches, proves the outcome, and searches again as long as the proof contradicts.
pub(super) fn select<'f, 'a, 'c>(
    mut problem: Problem<'f, 'a, 'c>,
    progress: &dyn Progress,
) -> (Problem<'f, 'a, 'c>, Selection) {
    let mut selection = selection::select(&mut problem, progress);
    if !problem.costing.proves() {
        return (problem, selection);
    }
    for searches in 1.. {
        let contradicted = problem.prove(&selection.chosen);
        if contradicted.is_empty() || problem.costing.lost().is_some() {
            break;
        }
        problem = problem.anew(progress);
        if searches == SEARCHES {
            break;
        }
        selection = selection::select(&mut problem, progress);
    }
    problem.settle();
    selection.chosen.retain(|id| problem.costing.judge(*id) != Judge::Nobody || problem.serves_any_key(*id));
    remove_unused(&mut problem, &mut selection);
    (problem, selection)
}

/// Takes out what no plan uses and no foreign key needs. One at a time: another may step in.
fn remove_unused(problem: &mut Problem<'_, '_, '_>, selection: &mut Selection) {
    loop {
        let used = |id: usize| {
            problem.serves_any_key(id)
                || problem.statements_of(id).iter().any(|s| {
                    let part = problem.part(*s, &selection.chosen);
                    problem.costing.used(*s, &part).contains(&id)
                })
        };
        let Some(unused) = selection.chosen.iter().copied().find(|id| !used(*id)) else { return };
        selection.chosen.remove(&unused);
        let smaller: Set = selection.chosen.clone();
        problem.prove(&smaller);
    }
}
