//! Costs of nested loops (`initial_cost_nestloop`, `final_cost_nestloop`).

use super::costs::Costs;
use super::sort::cost_rescan;
use crate::planner::path::{DISABLE_COST, Path};
use crate::planner::rel::{PathTarget, QualCost};
use crate::planner::settings::Settings;

/// How a join that is content with one match an outer row fares (`SemiAntiJoinFactors`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FirstMatch {
    /// Share of outer rows that have a match.
    pub matched: f64,
    /// Matches of such a row.
    pub matches: f64,
}

impl FirstMatch {
    /// Share of the inner rows that are read until the first match: matches spread evenly, and twice that as they do
    /// not.
    pub fn scanned(self) -> f64 {
        2.0 / (self.matches + 1.0)
    }

    /// Of so many outer rows, those with a match.
    pub fn matched_rows(self, outer_rows: f64) -> f64 {
        (outer_rows * self.matched).round_ties_even()
    }
}

/// A lower bound of a nested loop's costs, with what the final ones need.
#[derive(Debug, Clone, Copy)]
pub struct Initial {
    /// The bound.
    pub costs: Costs,
    run: f64,
    inner_run: f64,
    inner_rescan_run: f64,
}

/// The lower bound: reading the outer input once and the inner one once an outer row, where `stops_early` leaves the
/// inner side's running cost out, as it may end at the first match.
pub fn initial(settings: &Settings, outer: &Path, inner: &Path, stops_early: bool) -> Initial {
    let (rescan_startup, rescan_total) = cost_rescan(settings, inner);
    let again = (outer.rows - 1.0).max(0.0);
    let startup = outer.startup_cost + inner.startup_cost;
    let inner_run = inner.total_cost - inner.startup_cost;
    let inner_rescan_run = rescan_total - rescan_startup;
    let mut run = outer.total_cost - outer.startup_cost + again * rescan_startup;
    if !stops_early {
        run += inner_run + again * inner_rescan_run;
    }
    let off = settings.major >= 18 && !settings.enable.nestloop;
    let disabled_nodes = outer.disabled_nodes + inner.disabled_nodes + u32::from(off);
    Initial { costs: Costs { disabled_nodes, startup, total: startup + run }, run, inner_run, inner_rescan_run }
}

/// What the final costs need beside the bound.
#[derive(Debug, Clone, Copy)]
pub struct Joined<'j> {
    /// Rows of the outer input.
    pub outer_rows: f64,
    /// Rows of the inner input, per outer row.
    pub inner_rows: f64,
    /// Rows given out.
    pub rows: f64,
    /// Conditions checked at the join.
    pub quals: QualCost,
    /// What is emitted.
    pub target: &'j PathTarget,
    /// Set if the inner scan ends at the first match.
    pub first_match: Option<FirstMatch>,
    /// Whether the inner side is an index scan that applies every join condition (`has_indexed_join_quals`).
    pub indexed: bool,
}

/// The costs.
pub fn finish(settings: &Settings, initial: Initial, joined: &Joined<'_>) -> Costs {
    let outer_rows = if joined.outer_rows <= 0.0 { 1.0 } else { joined.outer_rows };
    let inner_rows = if joined.inner_rows <= 0.0 { 1.0 } else { joined.inner_rows };
    let Initial { inner_run, inner_rescan_run, mut run, .. } = initial;
    let mut startup = initial.costs.startup;
    if settings.major < 18 && !settings.enable.nestloop {
        startup += DISABLE_COST;
    }
    let pairs = if let Some(first) = joined.first_match {
        let mut matched = first.matched_rows(outer_rows);
        let mut unmatched = outer_rows - matched;
        let scanned = first.scanned();
        let found = matched * inner_rows * scanned;
        if joined.indexed {
            // Without a match the index says so at once.
            run += inner_run * scanned
                + (matched - 1.0).max(0.0) * inner_rescan_run * scanned
                + unmatched * inner_rescan_run / inner_rows;
            found
        } else {
            let pairs = found + unmatched * inner_rows;
            // The first scan, at its own cost, is one for an unmatched row if there is any.
            run += inner_run;
            if unmatched >= 1.0 {
                unmatched -= 1.0;
            } else {
                matched -= 1.0;
            }
            run += matched.max(0.0) * inner_rescan_run * scanned + unmatched.max(0.0) * inner_rescan_run;
            pairs
        }
    } else {
        outer_rows * inner_rows
    };
    startup += joined.quals.startup + joined.target.cost.startup;
    run += (settings.cpu_tuple_cost + joined.quals.per_tuple) * pairs;
    run += joined.target.cost.per_tuple * joined.rows;
    Costs { disabled_nodes: initial.costs.disabled_nodes, startup, total: startup + run }
}
