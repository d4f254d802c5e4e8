//! The advisor: which indexes to create, which to drop, which not to create.
//!
//! In: a [`Snapshot`], its bound [`Workload`], a [`CostSource`] if there is one, and [`Options`]. Out: a [`Report`], or
//! an [`Error`] where the cost source was lost on the way.
//! Pure: no clock, no I/O but what the cost source does; the same input gives the same report, byte for byte.
//!
//! Candidates come from the bound queries, one file per family. The cost source says of each statement which of its
//! candidates a planner would use; the rest are dropped from the search. The search (Extend) weighs what reads gain
//! against what writes cost. Where a better planner is at hand than the one that was searched by, it proves the outcome. What
//! the search leaves out becomes rejections, what existing indexes no longer bring becomes
//! drops, and all of it a report.

mod assemble;
mod candidates;
mod costing;
mod drops;
mod existing;
mod facts;
#[cfg(test)]
mod fixture;
mod options;
mod problem;
mod rejections;
mod selection;
mod statistics;
#[cfg(test)]
mod tests;
mod verification;
mod why;
mod write_cost;

pub use options::{Budget, Objective, Options};
pub use why::{Inquiry, InquiryError};

use crate::progress::Progress;
use crate::report::Report;
use crate::snapshot::Snapshot;
use crate::whatif::rule::Rule;
use crate::whatif::{CostError, CostSource};
use crate::workload::Workload;

use costing::Costing;
use facts::Facts;
use problem::Problem;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cost source stopped answering before the search was through. Whatever it was not asked would pass for "brings
    /// nothing", so that a report would reject what may be the best advice.
    #[error(transparent)]
    SourceLost(CostError),
}

/// Analyses a snapshot.
///
/// `costs` is the planner to ask, if one can be had; what it cannot express, and everything where it is `None`, is
/// judged by rules of thumb over the captured plans.
pub fn advise(
    snapshot: &Snapshot,
    workload: &Workload,
    costs: Option<&mut dyn CostSource>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    let mut rule = Rule::new(snapshot, workload);
    // The planner's borrow is cut down to the rule source's.
    let costs = costs.map(|c| c as &mut dyn CostSource);
    advise_with(snapshot, workload, costs, &mut rule, options, progress)
}

fn advise_with<'c>(
    snapshot: &Snapshot,
    workload: &Workload,
    costs: Option<&'c mut (dyn CostSource + 'c)>,
    rule: &'c mut (dyn CostSource + 'c),
    options: &Options,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    let facts = Facts::new(snapshot, workload, options);
    let generated = candidates::generate(&facts);
    let costing = Costing::new(costs, rule, &generated.pool);
    let problem = Problem::new(&facts, &generated, costing, progress);
    unbroken(&problem)?;
    let (mut problem, selection) = verification::select(problem, progress);
    let explanations = why::explain(&mut problem, &selection);
    unbroken(&problem)?;
    let drops = drops::drops(&mut problem, &selection);
    unbroken(&problem)?;
    Ok(Report { explanations, ..assemble::report(&problem, &selection, drops) })
}

fn unbroken(problem: &Problem<'_, '_, '_>) -> Result<(), Error> {
    problem.costing.lost().map_or(Ok(()), |why| Err(Error::SourceLost(why.clone())))
}
