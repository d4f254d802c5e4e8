//! Hash, BRIN, GiST and SP-GiST indexes.

use super::stored::{self, Stored};
use super::{LINE_POINTER, PAGE, PAGE_HEADER, align_to, fixed_range_bytes, has_trigrams};
use crate::snapshot::{IndexMethod, IndexSpec, KeyTarget, Table};

/// The special space of these pages (`HashPageOpaqueData`, `GISTPageOpaqueData`).
const OPAQUE: f64 = 16.0;
/// How full a built GiST's pages are on average.
const GIST_FILL: f64 = 0.6;
/// Bytes of a hash index's entry: header, hash value, line pointer (`_hash_init`).
const HASH_ENTRY: f64 = 20.0;
/// `HASH_DEFAULT_FILLFACTOR`, as a share.
const HASH_FILL: f64 = 0.75;
/// `REVMAP_PAGE_MAXITEMS`: ranges that one page of a BRIN index's map lists.
const REVMAP_ITEMS: f64 = 1360.0;
/// `BRIN_DEFAULT_PAGES_PER_RANGE`.
const RANGE_PAGES: f64 = 128.0;

/// Pages of a newly built hash index: buckets for the rows at their fill factor (`_hash_init_metabuffer`), the number of
/// which is rounded up to a quarter of a power of two (`_hash_spareindex`), and overflow pages.
pub(super) fn hash_pages(spec: &IndexSpec, table: &Table, rows: f64) -> f64 {
    let wanted = (rows / (PAGE * HASH_FILL / HASH_ENTRY).floor()).max(2.0);
    let power = wanted.log2().floor().exp2();
    // Up to 512 buckets the steps are whole powers of two.
    let step = if power < 512.0 { power } else { power / 4.0 };
    let buckets = (wanted / step).ceil() * step;
    let columns = stored::columns(spec, table);
    let overflow = columns.first().map_or(0.0, |column| overflow_pages(column, rows, buckets));
    // With the meta page; a page of the bitmap tells of the overflow pages.
    buckets + 2.0 + overflow
}

/// Pages chained to buckets that hold more than fits on their first one (`_hash_doinsert`): equal values share a bucket,
/// so the common ones fill pages of their own, and the others come in lumps.
fn overflow_pages(column: &Stored<'_>, rows: f64, buckets: f64) -> f64 {
    let room = ((PAGE - PAGE_HEADER - OPAQUE) / HASH_ENTRY).floor();
    let Some(stats) = &column.stats else { return 0.0 };
    // NULLs are not indexed.
    let (mut common, mut left) = (0.0, rows * (1.0 - stats.null_frac));
    let mut others = left;
    for freq in &stats.mcv_freqs {
        let own = freq * rows;
        others -= own;
        if own > room / 2.0 {
            common += ((own + left / buckets) / room).floor().max(0.0);
            left -= own;
        }
    }
    let distinct = stats.distinct(rows).unwrap_or(rows) - stats.mcv_freqs.len() as f64;
    let lump = (others.max(0.0) / distinct.max(1.0)).max(1.0);
    // Lumps are spread as they come: so many a bucket by Poisson's distribution, taken as normal.
    let mean = left.max(0.0) / buckets;
    let deviation = (mean * lump).sqrt();
    let more_than = |items: f64| 1.0 - normal((items + 0.5 - mean) / deviation.max(1e-9));
    let chained: f64 = (1..=20_u32).map(|page| more_than(f64::from(page) * room)).sum();
    common + (buckets * chained).round()
}

/// The normal distribution function (a logistic approximation, within two hundredths).
fn normal(z: f64) -> f64 {
    1.0 / (1.0 + (-z * (0.07056 * z * z + 1.5976)).exp())
}

/// Pages of a BRIN index: meta page, the map of ranges, and a summary for each.
pub(super) fn brin_pages(spec: &IndexSpec, table: &Table) -> f64 {
    let per_range = spec.pages_per_range.map_or(RANGE_PAGES, f64::from).max(1.0);
    let ranges = (f64::from(table.actual_pages.unwrap_or(table.relpages)) / per_range).ceil().max(1.0);
    let columns = stored::columns(spec, table);
    // The least and the greatest value (`brin_minmax`).
    let width: f64 = columns.iter().map(|c| 2.0 * align_to(c.mean(), f64::from(c.align))).sum();
    let summary = align_to(8.0 + width, 8.0) + LINE_POINTER;
    1.0 + (ranges / REVMAP_ITEMS).ceil() + (ranges * summary / (PAGE - PAGE_HEADER - OPAQUE)).ceil()
}

/// Pages of a tree without deduplication, GiST or SP-GiST: whole tuples on pages filled as measured.
pub(super) fn tree_pages(spec: &IndexSpec, table: &Table, rows: f64) -> f64 {
    let mut columns = stored::columns(spec, table);
    let mut fill = GIST_FILL;
    let spgist = spec.method == IndexMethod::Spgist;
    for (key, column) in spec.keys.iter().zip(&mut columns) {
        let (base, timed) = match &key.target {
            KeyTarget::Column(attnum) => {
                let ty = table.column(*attnum).map(|c| &c.ty);
                let subtype = ty.and_then(|t| t.subtype.as_deref());
                (ty.map_or("", |t| t.base.as_str()), subtype.is_some_and(|s| s.starts_with('t') || s == "date"))
            }
            KeyTarget::Expression(sql) => ("", fixed_range_bytes(sql).is_some_and(|(_, timed)| timed)),
        };
        let mean = column.mean();
        if has_trigrams(key) {
            // Leaves hold the trigrams themselves, three bytes each.
            column.widths = stored::fixed(mean * 3.0);
        }
        fill = match (base, spgist) {
            // What is common to a page's values stands above it.
            ("text" | "varchar" | "bpchar", true) => 0.77,
            ("inet" | "cidr", true) => 0.47,
            // Ranges of times mostly come in their order: each split leaves a page behind that is not filled any more.
            (_, true) if timed => 0.35,
            (_, false) if timed => 0.42,
            ("point", false) => {
                // As a box.
                column.widths = stored::fixed(32.0);
                fill
            }
            ("tsvector", false) => {
                // A hash of each lexeme.
                column.widths = stored::fixed(8.0 + 4.0 * (mean / 15.0));
                0.8
            }
            _ => fill,
        };
    }
    let tuple = stored::mean(&stored::tuple_widths(&columns));
    1.0 + (rows * (tuple + LINE_POINTER) / ((PAGE - PAGE_HEADER - OPAQUE) * fill)).ceil()
}
