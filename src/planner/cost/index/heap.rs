//! Fetching the rows that an index names, in its order (`cost_index`).

use super::{IndexUse, MethodCost};
use crate::planner::cost::scan::{Cost, disable, parallel_divisor, parallel_workers};
use crate::planner::path::clamp_rows;
use crate::planner::rel::{PathTarget, QualCost};
use crate::planner::root::Root;

/// Pages read when so many rows are fetched by an index, repeats found in the cache left out (Mackert and Lohman's
/// formula, `index_pages_fetched`).
pub fn index_pages_fetched(root: &Root<'_>, tuples: f64, pages: f64, index_pages: f64) -> f64 {
    let table = pages.max(1.0);
    let total = (root.total_table_pages + index_pages).max(1.0);
    let cache = (root.env.settings.effective_cache_size * table / total).ceil().max(1.0);
    if table <= cache {
        let fetched = 2.0 * table * tuples / (2.0 * table + tuples);
        return if fetched >= table { table } else { fetched.ceil() };
    }
    let limit = 2.0 * table * cache / (2.0 * table - cache);
    let fetched = if tuples <= limit {
        2.0 * table * tuples / (2.0 * table + tuples)
    } else {
        cache + (tuples - limit) * (table - cache) / table
    };
    fetched.ceil()
}

/// What an index scan does beside its index's part.
#[derive(Debug, Clone, Copy)]
pub struct HeapPart<'t> {
    /// Rows given out.
    pub rows: f64,
    /// Conditions that the index does not apply.
    pub quals: QualCost,
    /// Output.
    pub target: &'t PathTarget,
    /// The heap is visited only for pages that are not all-visible.
    pub index_only: bool,
    /// Workers share it.
    pub partial: bool,
}

/// An index scan's cost, and the workers it would have (`cost_index`). `None` for a partial path without workers.
pub fn index_scan(usage: &IndexUse<'_, '_>, method: MethodCost, part: &HeapPart<'_>) -> Option<(Cost, u32)> {
    let settings = &usage.root.env.settings;
    let base = usage.base;
    let loops = usage.loop_count;
    let (extra, disabled) = disable(settings, settings.enable.indexscan);
    let fetched = clamp_rows(method.selectivity * base.tuples);
    let visited = |pages: f64| if part.index_only { (pages * (1.0 - base.all_visible)).ceil() } else { pages };
    let read = |tuples: f64| visited(index_pages_fetched(usage.root, tuples, base.pages, usage.index.pages));
    let (random_pages, max_io, min_io);
    if loops > 1.0 {
        random_pages = read(fetched * loops);
        max_io = random_pages * settings.random_page_cost / loops;
        let least = read((method.selectivity * base.pages).ceil() * loops);
        min_io = least * settings.random_page_cost / loops;
    } else {
        random_pages = read(fetched);
        max_io = random_pages * settings.random_page_cost;
        let least = visited((method.selectivity * base.pages).ceil());
        min_io =
            if least > 0.0 { settings.random_page_cost + (least - 1.0).max(0.0) * settings.seq_page_cost } else { 0.0 };
    }
    let mut workers = 0;
    if part.partial {
        let heap = (!part.index_only).then_some(random_pages);
        let limit = settings.max_parallel_workers_per_gather;
        let child = base.parent.is_some();
        workers = parallel_workers(settings, base.parallel_workers, child, heap, Some(method.pages), limit);
        if workers == 0 {
            return None;
        }
    }
    let io = max_io + method.correlation * method.correlation * (min_io - max_io);
    let startup = extra + method.startup + part.quals.startup + part.target.cost.startup;
    let mut cpu = (settings.cpu_tuple_cost + part.quals.per_tuple) * fetched + part.target.cost.per_tuple * part.rows;
    let mut rows = part.rows;
    if workers > 0 {
        let divisor = parallel_divisor(settings, workers);
        rows = clamp_rows(rows / divisor);
        cpu /= divisor;
    }
    let total = startup + (method.total - method.startup) + io + cpu;
    Some((Cost { startup, total, rows, disabled }, workers))
}
