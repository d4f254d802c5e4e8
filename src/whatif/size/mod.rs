//! How large an index would be that does not exist yet, from the planner statistics.
//!
//! In: a snapshot's statistics and settings, and the index's definition. Out: bytes, a B-tree's height, the counts of a
//! GIN index's meta page. PostgreSQL has no such function; what its builds do is followed page by page for B-tree, GIN and
//! Hash, each in a file that names the functions. GiST and SP-GiST are coarse: their pages depend on the values' own
//! geometry.

mod btree;
mod elements;
mod expression;
mod groups;
mod inverted;
mod jsonb;
mod others;
mod stored;

use expression::fixed_range_bytes;

use crate::snapshot::{GinCounts, IndexMethod, IndexSpec, KeySpec, Snapshot, Table};

/// `BLCKSZ`, in bytes.
const PAGE: f64 = 8192.0;
/// `SizeOfPageHeaderData`.
const PAGE_HEADER: f64 = 24.0;
/// `sizeof(ItemIdData)`.
const LINE_POINTER: f64 = 4.0;

/// The estimated size in bytes of an index with default storage options, built anew. `fraction` is the share of rows
/// that a partial predicate keeps (1 without one). `None` where the table's row count is unknown.
pub fn index_bytes(snapshot: &Snapshot, spec: &IndexSpec, table: &Table, fraction: f64) -> Option<u64> {
    let rows = table.rows()? * fraction.clamp(0.0, 1.0);
    let pages = match spec.method {
        IndexMethod::Btree => btree::pages(&snapshot.catalog, snapshot.server.version_num, spec, table, rows),
        IndexMethod::Hash => others::hash_pages(spec, table, rows),
        IndexMethod::Brin => others::brin_pages(spec, table),
        IndexMethod::Gin => inverted::pages(&snapshot.server, spec, table, rows).total(),
        IndexMethod::Gist | IndexMethod::Spgist | IndexMethod::Other => others::tree_pages(spec, table, rows),
    };
    Some(to_bytes(pages * PAGE))
}

/// What the meta page of a GIN index of so many pages would count; `fraction` as for [`index_bytes`].
pub fn gin_counts(snapshot: &Snapshot, spec: &IndexSpec, table: &Table, fraction: f64, pages: u64) -> GinCounts {
    let rows = table.rows().unwrap_or(0.0) * fraction.clamp(0.0, 1.0);
    inverted::pages(&snapshot.server, spec, table, rows).counts(pages)
}

/// Levels above the leaves of a B-tree of so many pages: what the planner reads from its meta page
/// (`_bt_getrootheight`).
pub fn btree_height(spec: &IndexSpec, table: &Table, pages: u64) -> u32 {
    btree::height(spec, table, pages)
}

/// A non-negative float as whole bytes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the type's range; `as` saturates"
)]
fn to_bytes(bytes: f64) -> u64 {
    bytes.max(0.0).ceil() as u64
}

fn align_to(offset: f64, align: f64) -> f64 {
    (offset / align).ceil() * align
}

/// How far a sum of tuples, taken in any order, goes beyond a bound on average, in bytes (renewal theory: half their
/// mean square by their mean). Tuples come as their number and their bytes.
fn mean_excess(tuples: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (sum, squares) =
        tuples.fold((0.0, 0.0), |(sum, squares), (n, bytes)| (sum + n * bytes, squares + n * bytes * bytes));
    if sum > 0.0 { squares / sum / 2.0 } else { 0.0 }
}

fn has_trigrams(key: &KeySpec) -> bool {
    key.opclass.as_deref().is_some_and(|opclass| opclass.contains("trgm"))
}
