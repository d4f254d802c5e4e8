//! Costs of merge joins (`initial_cost_mergejoin`, `final_cost_mergejoin`).

use super::costs::Costs;
use super::sort::{cost_incremental_sort, cost_sort, relation_byte_size};
use crate::planner::path::{DISABLE_COST, Path, clamp_rows};
use crate::planner::rel::{PathTarget, QualCost};
use crate::planner::settings::Settings;

/// Which share of an input is read before the first pair, and until the join ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Before the first pair.
    pub start: f64,
    /// Until the end.
    pub end: f64,
}

impl Share {
    /// The whole input.
    pub const ALL: Self = Self { start: 0.0, end: 1.0 };
}

/// How an input comes into its order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ordering {
    /// It is in order.
    Presorted,
    /// By a full sort.
    Sort,
    /// By sorting within so many groups of its leading keys (outer side, 18+).
    Incremental {
        /// Distinct values of the leading keys.
        groups: f64,
    },
}

/// A lower bound of a merge join's costs, with what the final ones need.
#[derive(Debug, Clone, Copy)]
pub struct Initial {
    /// The bound.
    pub costs: Costs,
    run: f64,
    inner_run: f64,
    outer_rows: f64,
    inner_rows: f64,
    outer_skip: f64,
    inner_skip: f64,
}

struct Source {
    costs: Costs,
    rows: f64,
    skip: f64,
    start: f64,
    end: f64,
}

impl Source {
    fn new(settings: &Settings, path: &Path, ordering: Ordering, share: Share) -> Self {
        let all = if path.rows <= 0.0 { 1.0 } else { path.rows };
        let skip = (all * share.start).round_ties_even();
        let rows = clamp_rows(all * share.end);
        let input = Costs::from(path);
        let width = path.target.width;
        let costs = match ordering {
            Ordering::Presorted => input,
            Ordering::Sort => cost_sort(settings, input, all, width, 0.0, -1.0),
            Ordering::Incremental { groups } => cost_incremental_sort(settings, input, all, groups, width, 0.0, -1.0),
        };
        Self { costs, rows, skip, start: skip / all, end: rows / all }
    }

    fn startup(&self) -> f64 {
        self.costs.startup + (self.costs.total - self.costs.startup) * self.start
    }

    fn run(&self) -> f64 {
        (self.costs.total - self.costs.startup) * (self.end - self.start)
    }
}

/// The lower bound: both inputs, sorted where needed, as far as they are read.
pub fn initial(settings: &Settings, outer: (&Path, Ordering, Share), inner: (&Path, Ordering, Share)) -> Initial {
    let outer = Source::new(settings, outer.0, outer.1, outer.2);
    let inner = Source::new(settings, inner.0, inner.1, inner.2);
    let startup = outer.startup() + inner.startup();
    let (run, inner_run) = (outer.run(), inner.run());
    let off = settings.major >= 18 && !settings.enable.mergejoin;
    let disabled_nodes = outer.costs.disabled_nodes + inner.costs.disabled_nodes + u32::from(off);
    Initial {
        costs: Costs { disabled_nodes, startup, total: startup + run + inner_run },
        run,
        inner_run,
        outer_rows: outer.rows,
        inner_rows: inner.rows,
        outer_skip: outer.skip,
        inner_skip: inner.skip,
    }
}

/// What the final costs need beside the bound.
#[derive(Debug, Clone, Copy)]
pub struct Joined<'j> {
    /// Rows of the inner input.
    pub inner_path_rows: f64,
    /// Bytes of an inner row.
    pub inner_width: i32,
    /// Whether the inner side is sorted here.
    pub sort_inner: bool,
    /// Whether the inner path can go back to a marked place (`ExecSupportsMarkRestore`).
    pub inner_can_mark: bool,
    /// Whether it never need go back: at most one match is wanted, and all conditions are merge conditions
    /// (`skip_mark_restore`).
    pub never_back: bool,
    /// Whether outer rows are known to be distinct, as they were made so.
    pub outer_distinct: bool,
    /// Pairs that satisfy the merge conditions (`approx_tuple_count`).
    pub pairs: f64,
    /// Rows given out.
    pub rows: f64,
    /// The merge conditions.
    pub merge_quals: QualCost,
    /// All conditions.
    pub quals: QualCost,
    /// What is emitted.
    pub target: &'j PathTarget,
}

/// The costs, and whether the inner side is materialised.
pub fn finish(settings: &Settings, initial: Initial, joined: &Joined<'_>) -> (Costs, bool) {
    let mut startup = initial.costs.startup;
    let mut run = initial.run;
    if settings.major < 18 && !settings.enable.mergejoin {
        startup += DISABLE_COST;
    }
    let all_inner = if joined.inner_path_rows <= 0.0 { 1.0 } else { joined.inner_path_rows };
    let read_again = if joined.outer_distinct || joined.never_back { 0.0 } else { (joined.pairs - all_inner).max(0.0) };
    let ratio = 1.0 + read_again / initial.inner_rows;
    let bare = initial.inner_run * ratio;
    let materialized = initial.inner_run + settings.cpu_operator_cost * initial.inner_rows * ratio;
    let may = settings.enable.material;
    let spills = || relation_byte_size(all_inner, joined.inner_width) > settings.work_mem * 1024.0;
    let materialize = !joined.never_back
        && ((may && materialized < bare)
            || (!joined.sort_inner && !joined.inner_can_mark)
            || (may && joined.sort_inner && spills()));
    run += if materialize { materialized } else { bare };

    let merge = joined.merge_quals;
    startup += merge.startup + merge.per_tuple * (initial.outer_skip + initial.inner_skip * ratio);
    run += merge.per_tuple
        * ((initial.outer_rows - initial.outer_skip) + (initial.inner_rows - initial.inner_skip) * ratio);
    startup += joined.quals.startup - merge.startup;
    run += (settings.cpu_tuple_cost + joined.quals.per_tuple - merge.per_tuple) * joined.pairs;
    startup += joined.target.cost.startup;
    run += joined.target.cost.per_tuple * joined.rows;
    (Costs { disabled_nodes: initial.costs.disabled_nodes, startup, total: startup + run }, materialize)
}
