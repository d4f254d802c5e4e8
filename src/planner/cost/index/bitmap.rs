//! Bitmaps and the heap scans over them (`cost_bitmap_heap_scan`, `compute_bitmap_pages`, `cost_bitmap_tree_node`).

use super::index_pages_fetched;
use crate::planner::cost::scan::{Cost, Scanned, disable, parallel_divisor};
use crate::planner::path::{Bitmap, BitmapSet, clamp_rows};
use crate::planner::rel::BaseRel;
use crate::planner::root::Root;

/// Bytes of a page's entry in a bitmap, with two pointers' hash overhead (`tbm_calculate_entries`).
const ENTRY_BYTES: f64 = 64.0;

/// Cost of making a bitmap and its selectivity (`cost_bitmap_tree_node`).
pub fn node_cost(root: &Root<'_>, bitmap: &Bitmap) -> (f64, f64) {
    match bitmap {
        // Every row found is put into the bitmap.
        Bitmap::Index(scan) => {
            (scan.index_cost + 0.1 * root.env.settings.cpu_operator_cost * scan.rows, scan.selectivity)
        }
        Bitmap::And(set) | Bitmap::Or(set) => (set.cost, set.selectivity),
    }
}

/// `cost_bitmap_and_node`.
pub fn bitmap_and(root: &Root<'_>, inputs: Vec<Bitmap>) -> BitmapSet {
    let mut cost = 0.0;
    let mut selectivity = 1.0;
    for (i, input) in inputs.iter().enumerate() {
        let (one, share) = node_cost(root, input);
        cost += one;
        selectivity *= share;
        if i > 0 {
            cost += 100.0 * root.env.settings.cpu_operator_cost;
        }
    }
    BitmapSet { inputs, cost, selectivity }
}

/// `cost_bitmap_or_node`: an index adds to the bitmap that is there already, at no cost of its own.
pub fn bitmap_or(root: &Root<'_>, inputs: Vec<Bitmap>) -> BitmapSet {
    let mut cost = 0.0;
    let mut selectivity = 0.0;
    for (i, input) in inputs.iter().enumerate() {
        let (one, share) = node_cost(root, input);
        cost += one;
        selectivity += share;
        if i > 0 && !matches!(input, Bitmap::Index(_)) {
            cost += 100.0 * root.env.settings.cpu_operator_cost;
        }
    }
    BitmapSet { inputs, cost, selectivity: selectivity.min(1.0) }
}

/// Heap pages that a bitmap leads to, and rows looked at on them (`compute_bitmap_pages`).
pub fn bitmap_pages(root: &Root<'_>, base: &BaseRel, bitmap: &Bitmap, loop_count: f64) -> (f64, f64) {
    let (_, selectivity) = node_cost(root, bitmap);
    let mut tuples = clamp_rows(selectivity * base.tuples);
    let table = base.pages.max(1.0);
    let mut pages = 2.0 * table * tuples / (2.0 * table + tuples);
    let heap_pages = pages.min(base.pages);
    let most = (root.env.settings.work_mem * 1024.0 / ENTRY_BYTES).floor().max(16.0);
    if loop_count > 1.0 {
        pages = index_pages_fetched(root, tuples * loop_count, base.pages, index_pages(bitmap)) / loop_count;
    }
    pages = if pages >= table { table } else { pages.ceil() };
    if most < heap_pages {
        // Pages that do not fit are kept as whole, and every row of them is looked at.
        let lossy = (heap_pages - most / 2.0).max(0.0);
        let exact = heap_pages - lossy;
        if lossy > 0.0 {
            tuples = clamp_rows(selectivity * (exact / heap_pages) * base.tuples + (lossy / heap_pages) * base.tuples);
        }
    }
    (pages, tuples)
}

/// Pages of all indexes of a bitmap (`get_indexpath_pages`).
fn index_pages(bitmap: &Bitmap) -> f64 {
    match bitmap {
        Bitmap::Index(scan) => scan.index.pages,
        Bitmap::And(set) | Bitmap::Or(set) => set.inputs.iter().map(index_pages).sum(),
    }
}

/// `cost_bitmap_heap_scan`; `scanned.quals` are all conditions of the table.
pub fn bitmap_heap_scan(
    root: &Root<'_>,
    base: &BaseRel,
    bitmap: &Bitmap,
    scanned: &Scanned<'_>,
    loop_count: f64,
    workers: u32,
) -> Cost {
    let settings = &root.env.settings;
    let (extra, disabled) = disable(settings, settings.enable.bitmapscan);
    let (index_cost, _) = node_cost(root, bitmap);
    let (pages, tuples) = bitmap_pages(root, base, bitmap, loop_count);
    let table = base.pages.max(1.0);
    let page = if pages >= 2.0 {
        settings.random_page_cost - (settings.random_page_cost - settings.seq_page_cost) * (pages / table).sqrt()
    } else {
        settings.random_page_cost
    };
    let mut cpu = (settings.cpu_tuple_cost + scanned.quals.per_tuple) * tuples;
    let mut rows = scanned.rows;
    if workers > 0 {
        let divisor = parallel_divisor(settings, workers);
        cpu /= divisor;
        rows = clamp_rows(rows / divisor);
    }
    let startup = extra + index_cost + scanned.quals.startup + scanned.target.cost.startup;
    let total = startup + pages * page + cpu + scanned.target.cost.per_tuple * rows;
    Cost { startup, total, rows, disabled }
}
