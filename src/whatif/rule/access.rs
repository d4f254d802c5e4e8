//! What reading a table through an index would cost (costsize.c, the `*costestimate` functions of selfuncs.c).

use crate::snapshot::{IndexMethod, Server};

/// The planner's constants.
#[derive(Debug, Clone, Copy)]
pub(super) struct CostConstants {
    seq_page: f64,
    random_page: f64,
    cpu_tuple: f64,
    cpu_index_tuple: f64,
    cpu_operator: f64,
    /// `effective_cache_size`, in pages.
    cache_pages: f64,
}

impl CostConstants {
    /// As set on the server, else PostgreSQL's defaults.
    pub(super) fn of(server: &Server) -> Self {
        let setting = |name: &str, default: f64| server.setting_f64(name).unwrap_or(default);
        Self {
            seq_page: setting("seq_page_cost", 1.0),
            random_page: setting("random_page_cost", 4.0),
            cpu_tuple: setting("cpu_tuple_cost", 0.01),
            cpu_index_tuple: setting("cpu_index_tuple_cost", 0.005),
            cpu_operator: setting("cpu_operator_cost", 0.0025),
            cache_pages: setting("effective_cache_size", 524_288.0),
        }
    }
}

/// An index scan in figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexAccess {
    pub(super) method: IndexMethod,
    /// Rows of the table.
    pub(super) rows: f64,
    /// Pages of the table.
    pub(super) pages: f64,
    /// Pages of the index.
    pub(super) index_pages: f64,
    /// Share of the index's entries read; 1 for an index read in order until LIMIT.
    pub(super) index_share: f64,
    /// Rows of the table fetched.
    pub(super) fetched: f64,
    /// Conditions that the index checks.
    pub(super) index_conditions: f64,
    /// Conditions checked on each row fetched.
    pub(super) filters: f64,
    /// Correlation of the leading key with the table's order, -1 to 1.
    pub(super) correlation: f64,
    /// Share of the rows whose page must be visited: less than 1 for an index-only scan.
    pub(super) heap_share: f64,
    /// Whether the rows are wanted in the index's order.
    pub(super) ordered: bool,
}

/// The cheaper of an index scan and a bitmap scan, with whether it is the bitmap.
pub(super) fn cost(access: &IndexAccess, constants: &CostConstants) -> (f64, bool) {
    let index = index_cost(access, constants);
    let cpu = access.fetched * (constants.cpu_tuple + access.filters * constants.cpu_operator);
    let bitmap = index + bitmap_pages_cost(access, constants) + cpu
        // The recheck on every row, and the bitmap itself (`cost_bitmap_tree_node`).
        + access.fetched * (access.index_conditions * constants.cpu_operator + 0.1 * constants.cpu_operator);
    let plain = index + plain_pages_cost(access, constants) + cpu;
    let bitmap_only = matches!(access.method, IndexMethod::Gin | IndexMethod::Brin);
    if bitmap_only || (!access.ordered && bitmap < plain) { (bitmap, true) } else { (plain, false) }
}

/// `btcostestimate`, `hashcostestimate`, `gistcostestimate`, `gincostestimate`, `brincostestimate`.
fn index_cost(access: &IndexAccess, constants: &CostConstants) -> f64 {
    let entries = (access.index_share * access.rows).max(1.0);
    let pages = (access.index_share * access.index_pages).ceil().max(1.0);
    let per_entry = constants.cpu_index_tuple + access.index_conditions * constants.cpu_operator;
    // log2(N) comparisons going down, and 50 operators' worth on each of the few pages.
    let descent = access.rows.max(2.0).log2().ceil() * constants.cpu_operator + 4.0 * 50.0 * constants.cpu_operator;
    match access.method {
        // Entry pages for a handful of search keys, each a descent; then the keys' posting pages, which hold as many
        // rows as each key has: taken as ten times what the whole condition keeps.
        IndexMethod::Gin => {
            let keys = GIN_SEARCH_KEYS;
            let entry_pages = keys * access.index_pages.max(1.0).powf(0.15).ceil();
            let data_pages = (10.0 * access.index_share).min(1.0) * access.index_pages;
            (entry_pages + data_pages.ceil()) * constants.random_page + 10.0 * entries * constants.cpu_operator
        }
        // The whole index, sequentially, whatever is asked.
        IndexMethod::Brin => access.index_pages * constants.seq_page + access.pages / 128.0 * constants.cpu_operator,
        IndexMethod::Hash => constants.random_page + entries * per_entry,
        IndexMethod::Btree | IndexMethod::Gist | IndexMethod::Spgist | IndexMethod::Other => {
            pages * constants.random_page + entries * per_entry + descent
        }
    }
}

/// Keys that a GIN condition looks up: the trigrams of a short word, the pairs of a small document.
const GIN_SEARCH_KEYS: f64 = 3.0;

/// Heap pages of a plain index scan (`cost_index`): between as many as distinct ones and one run, by correlation.
fn plain_pages_cost(access: &IndexAccess, constants: &CostConstants) -> f64 {
    let scattered = pages_fetched(access.fetched, access.pages, access.index_pages, constants.cache_pages);
    let worst = scattered * access.heap_share * constants.random_page;
    let run = (access.fetched / access.rows.max(1.0) * access.pages).ceil() * access.heap_share;
    let best = if run > 0.0 { constants.random_page + (run - 1.0).max(0.0) * constants.seq_page } else { 0.0 };
    let squared = access.correlation * access.correlation;
    worst + squared * (best.min(worst) - worst)
}

/// Heap pages of a bitmap scan (`compute_bitmap_pages`, `cost_bitmap_heap_scan`): the more of them, the nearer the
/// price of a page comes to sequential.
fn bitmap_pages_cost(access: &IndexAccess, constants: &CostConstants) -> f64 {
    let total = access.pages.max(1.0);
    let pages = if access.method == IndexMethod::Brin {
        // Whole ranges of 128 pages; the worse the order, the more of them match (`brincostestimate`).
        let share = access.fetched / access.rows.max(1.0);
        (share / access.correlation.abs().max(0.01)).min(1.0) * total + 128.0
    } else {
        2.0 * total * access.fetched / (2.0 * total + access.fetched)
    };
    let pages = pages.min(total).ceil();
    let price = if pages >= 2.0 {
        constants.random_page - (constants.random_page - constants.seq_page) * (pages / total).sqrt()
    } else {
        constants.random_page
    };
    pages * price
}

/// Pages fetched when so many rows are read in random order through a cache: Mackert and Lohman's approximation
/// (`index_pages_fetched`), with the cache shared by table and index.
fn pages_fetched(rows: f64, pages: f64, index_pages: f64, cache: f64) -> f64 {
    let t = pages.max(1.0);
    let b = (cache * t / (t + index_pages).max(1.0)).ceil().max(1.0);
    let near = 2.0 * t * rows / (2.0 * t + rows);
    if t <= b {
        return near.min(t).ceil();
    }
    let limit = 2.0 * t * b / (2.0 * t - b);
    if rows <= limit { near.ceil() } else { (b + (rows - limit) * (t - b) / t).ceil() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(fetched: f64) -> IndexAccess {
        IndexAccess {
            method: IndexMethod::Btree,
            rows: 200_000.0,
            pages: 1_274.0,
            index_pages: 232.0,
            index_share: fetched / 200_000.0,
            fetched,
            index_conditions: 1.0,
            filters: 0.0,
            correlation: 0.0,
            heap_share: 1.0,
            ordered: false,
        }
    }

    const DEFAULTS: CostConstants = CostConstants {
        seq_page: 1.0,
        random_page: 4.0,
        cpu_tuple: 0.01,
        cpu_index_tuple: 0.005,
        cpu_operator: 0.0025,
        cache_pages: 524_288.0,
    };

    #[test]
    fn costs_are_near_the_planners() {
        // PostgreSQL 15 on 200,000 rows: 200 of them by bitmap scan cost 538.9, a single one 8.44.
        let (many, bitmap) = cost(&access(200.0), &DEFAULTS);
        assert!(bitmap && (many - 538.9).abs() < 30.0, "{many}");
        let (one, _) = cost(&access(1.0), &DEFAULTS);
        assert!((one - 8.44).abs() < 1.0, "{one}");
    }

    #[test]
    fn no_more_pages_are_fetched_than_there_are_while_they_fit_the_cache() {
        assert_eq!(pages_fetched(1e7, 100.0, 10.0, 1e6), 100.0);
        assert!(pages_fetched(1e7, 100_000.0, 10.0, 1000.0) > 1e6);
    }
}
