//! Costs of scans that use no index (`cost_seqscan`, `cost_functionscan`, and their kin).

use crate::planner::path::{DISABLE_COST, clamp_rows};
use crate::planner::rel::{PathTarget, QualCost};
use crate::planner::settings::Settings;

/// A path's figures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Before the first row.
    pub startup: f64,
    /// To the end.
    pub total: f64,
    /// Rows given out (per worker, for a partial path).
    pub rows: f64,
    /// Whether the node itself is of a disabled kind: 1 or 0 (18+).
    pub disabled: u32,
}

/// What a disabled node adds to its startup cost, and to its count of disabled nodes: the first before 18, the second
/// from there.
pub fn disable(settings: &Settings, enabled: bool) -> (f64, u32) {
    match (enabled, settings.major >= 18) {
        (true, _) => (0.0, 0),
        (false, false) => (DISABLE_COST, 0),
        (false, true) => (0.0, 1),
    }
}

/// By how much workers and the leader divide the rows (`get_parallel_divisor`).
pub fn parallel_divisor(settings: &Settings, workers: u32) -> f64 {
    let workers = f64::from(workers);
    let leader = if settings.parallel_leader_participation { (1.0 - 0.3 * workers).max(0.0) } else { 0.0 };
    workers + leader
}

/// Workers for a scan of so many heap and index blocks (`compute_parallel_worker`). `None`: no such part is scanned.
/// `fixed` is the table's `parallel_workers`; a `child` is scanned in parallel however small.
pub fn parallel_workers(
    settings: &Settings,
    fixed: Option<i32>,
    child: bool,
    heap_pages: Option<f64>,
    index_pages: Option<f64>,
    limit: i32,
) -> u32 {
    let wanted = if let Some(fixed) = fixed.filter(|w| *w >= 0) {
        fixed
    } else {
        let heap_small = heap_pages.is_some_and(|p| p < settings.min_parallel_table_scan_size);
        let index_small = index_pages.is_some_and(|p| p < settings.min_parallel_index_scan_size);
        if !child && (heap_small || index_small) {
            return 0;
        }
        let heap = heap_pages.map(|p| one_for_each_tripling(p, settings.min_parallel_table_scan_size));
        let index = index_pages.map(|p| one_for_each_tripling(p, settings.min_parallel_index_scan_size));
        match (heap, index) {
            (Some(heap), Some(index)) => heap.min(index),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 0,
        }
    };
    u32::try_from(wanted.min(limit)).unwrap_or(0)
}

fn one_for_each_tripling(pages: f64, least: f64) -> i32 {
    let mut threshold = least.max(1.0);
    let mut workers = 1;
    while pages >= threshold * 3.0 {
        workers += 1;
        threshold *= 3.0;
        if threshold > f64::from(i32::MAX / 3) {
            break;
        }
    }
    workers
}

/// What is common to scans: conditions, output and rows.
#[derive(Debug, Clone, Copy)]
pub struct Scanned<'t> {
    /// Rows read.
    pub tuples: f64,
    /// Rows given out.
    pub rows: f64,
    /// Conditions checked on each row read.
    pub quals: QualCost,
    /// What is computed for each row given out.
    pub target: &'t PathTarget,
}

impl Scanned<'_> {
    /// Adds the conditions and the output to `startup` and what a row read costs otherwise.
    fn cost(&self, startup: f64, per_tuple: f64) -> Cost {
        let startup = startup + self.quals.startup + self.target.cost.startup;
        let run = (per_tuple + self.quals.per_tuple) * self.tuples + self.target.cost.per_tuple * self.rows;
        Cost { startup, total: startup + run, rows: self.rows, disabled: 0 }
    }
}

/// A sequential scan (`cost_seqscan`); `workers` > 0 for a partial path.
pub fn seqscan(settings: &Settings, scanned: &Scanned<'_>, pages: f64, workers: u32) -> Cost {
    let (extra, disabled) = disable(settings, settings.enable.seqscan);
    let startup = extra + scanned.quals.startup + scanned.target.cost.startup;
    let disk = settings.seq_page_cost * pages;
    let mut cpu = (settings.cpu_tuple_cost + scanned.quals.per_tuple) * scanned.tuples
        + scanned.target.cost.per_tuple * scanned.rows;
    let mut rows = scanned.rows;
    if workers > 0 {
        let divisor = parallel_divisor(settings, workers);
        cpu /= divisor;
        rows = clamp_rows(rows / divisor);
    }
    Cost { startup, total: startup + cpu + disk, rows, disabled }
}

/// A function in FROM (`cost_functionscan`): it is computed in full before the first row.
pub fn functionscan(settings: &Settings, scanned: &Scanned<'_>, call: QualCost) -> Cost {
    scanned.cost(call.startup + call.per_tuple, settings.cpu_tuple_cost)
}

/// VALUES (`cost_valuesscan`).
pub fn valuesscan(settings: &Settings, scanned: &Scanned<'_>) -> Cost {
    scanned.cost(0.0, settings.cpu_operator_cost + settings.cpu_tuple_cost)
}

/// A WITH query's or a recursive query's rows so far, from a tuplestore (`cost_ctescan`).
pub fn ctescan(settings: &Settings, scanned: &Scanned<'_>) -> Cost {
    scanned.cost(0.0, settings.cpu_tuple_cost + settings.cpu_tuple_cost)
}

/// A FROM without tables (`cost_resultscan`).
pub fn resultscan(settings: &Settings, scanned: &Scanned<'_>) -> Cost {
    scanned.cost(0.0, settings.cpu_tuple_cost)
}

/// A subquery (`cost_subqueryscan`). With `elided` (no condition, same columns: 16+) the node will not be there.
pub fn subqueryscan(settings: &Settings, scanned: &Scanned<'_>, startup: f64, total: f64, elided: bool) -> Cost {
    if elided {
        return Cost { startup, total, rows: scanned.rows, disabled: 0 };
    }
    let own = scanned.cost(0.0, settings.cpu_tuple_cost);
    Cost { startup: startup + own.startup, total: total + own.total, ..own }
}

/// Collecting workers' rows (`cost_gather`) on top of a partial path.
pub fn gather(settings: &Settings, startup: f64, total: f64, rows: f64) -> (f64, f64) {
    let startup_cost = startup + settings.parallel_setup_cost;
    let run = total - startup + settings.parallel_tuple_cost * rows;
    (startup_cost, startup_cost + run)
}

/// Collecting workers' ordered rows through a heap (`cost_gather_merge`). Gives startup and total cost, and 1 where the
/// node kind is disabled (18+).
pub fn gather_merge(settings: &Settings, workers: u32, startup: f64, total: f64, rows: f64) -> (f64, f64, u32) {
    let (extra, disabled) = disable(settings, settings.enable.gathermerge);
    // The leader takes part.
    let streams = f64::from(workers) + 1.0;
    let comparison = 2.0 * settings.cpu_operator_cost;
    let depth = streams.log2();
    // Waiting for the slowest worker costs a little more than a plain Gather.
    let own_startup = extra + comparison * streams * depth + settings.parallel_setup_cost;
    let run =
        rows * comparison * depth + settings.cpu_operator_cost * rows + settings.parallel_tuple_cost * rows * 1.05;
    (own_startup + startup, own_startup + run + total, disabled)
}
