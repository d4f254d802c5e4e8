//! B-trees as they are built: sorted, page by page (nbtsort.c, nbtdedup.c).

use super::groups::{self, DEFAULT_DISTINCT};
use super::stored::{self, Stored, TUPLE_HEADER, Width};
use super::{LINE_POINTER, PAGE, PAGE_HEADER, align_to, mean_excess};
use crate::snapshot::{Catalog, IndexSpec, KeySpec, KeyTarget, Table};

/// `BTPageOpaqueData`.
const OPAQUE: f64 = 16.0;
/// `BTREE_DEFAULT_FILLFACTOR`: leaf pages are left with a tenth of a page free; inner ones with three
/// (`BTREE_NONLEAF_FILLFACTOR`).
const LEAF_FREE: f64 = 819.0;
/// See [`LEAF_FREE`].
const INNER_FREE: f64 = 2457.0;
/// `sizeof(ItemPointerData)`: one row of a posting list.
const ROW_POINTER: f64 = 6.0;
/// Largest posting list tuple that a build makes, in bytes, with its line pointer: a tenth of a page rounded down to
/// the alignment (`_bt_load`).
const POSTING_LIMIT: f64 = 816.0;

/// Leaf tuples of one size, with their line pointers.
#[derive(Debug, Clone, Copy)]
struct Tuples {
    count: f64,
    bytes: f64,
    /// Whether they hold posting lists.
    posting: bool,
}

/// Pages of a newly built B-tree, the meta page included.
pub(super) fn pages(catalog: &Catalog, version_num: u32, spec: &IndexSpec, table: &Table, rows: f64) -> f64 {
    if rows < 1.0 {
        return 1.0;
    }
    let columns = stored::columns(spec, table);
    let widths = stored::tuple_widths(&columns);
    // INCLUDE and UNIQUE indexes hold no posting lists when built; neither do those on types whose equal values may
    // differ in their bytes (`_bt_allequalimage`).
    let deduplicates =
        spec.include.is_empty() && !spec.unique && spec.keys.iter().all(|key| equal_image(version_num, key, table));
    let mut tuples = Vec::new();
    if deduplicates {
        let groups = groups::of(catalog, spec, &columns, table, rows);
        for width in &widths {
            for group in &groups {
                leaf_tuples(group.keys * width.share, group.rows, f64::from(width.bytes), &mut tuples);
            }
        }
    } else {
        tuples.extend(widths.iter().map(|w| Tuples {
            count: rows * w.share,
            bytes: f64::from(w.bytes) + LINE_POINTER,
            posting: false,
        }));
    }
    let pivot = pivot_bytes(&columns);
    let mut level = leaves(&tuples, pivot);
    let mut pages = level + 1.0;
    let fanout = inner_fanout(pivot);
    while level > 1.0 {
        level = (level / fanout).ceil();
        pages += level;
    }
    pages
}

/// Leaf pages (`_bt_buildadd`): a page takes tuples until less than its fill factor leaves is free, and then hands the
/// last one over to the next page. Where the last one is a posting list, only its key counts, since no more of it will
/// stay behind as the page's high key.
fn leaves(tuples: &[Tuples], pivot: f64) -> f64 {
    let count: f64 = tuples.iter().map(|t| t.count).sum();
    let bytes: f64 = tuples.iter().map(|t| t.count * t.bytes).sum();
    // The high key has a line pointer from the beginning, and free space is counted less one more
    // (`PageGetFreeSpace`).
    let all = PAGE - PAGE_HEADER - OPAQUE - LINE_POINTER;
    if bytes <= all {
        return 1.0;
    }
    let room = all - LINE_POINTER - LEAF_FREE;
    let posting: f64 = tuples.iter().filter(|t| t.posting).map(|t| t.count * t.bytes).sum::<f64>() / bytes;
    let mean = bytes / count;
    let alike = tuples.iter().all(|t| (t.bytes - mean).abs() < 0.5);
    let per_page = if alike && posting == 0.0 {
        (room / mean).floor()
    } else {
        // Where a sum of tuples first goes beyond the room, the excess is its mean by renewal theory. A single tuple
        // that went beyond is handed over; a posting list goes beyond by what its key would take, and stays.
        let excess = mean_excess(tuples.iter().map(|t| (t.count, t.bytes)));
        let beyond = (room + excess) / mean;
        let single = beyond - 1.0;
        let list = (room - pivot + excess) / mean;
        single * (1.0 - posting) + list * posting
    };
    (count / per_page.max(1.0)).ceil()
}

/// The leaf tuples of so many keys with so many rows each. Between whole numbers of rows the two are mixed.
fn leaf_tuples(keys: f64, rows: f64, tuple: f64, into: &mut Vec<Tuples>) {
    let low = rows.floor().max(1.0);
    let share = (rows - low).clamp(0.0, 1.0);
    for (rows, keys) in [(low, keys * (1.0 - share)), (low + 1.0, keys * share)] {
        if keys <= 0.0 {
            continue;
        }
        let room = ((POSTING_LIMIT - LINE_POINTER - tuple) / ROW_POINTER).floor().max(1.0);
        let full = (rows / room).floor();
        let rest = rows - full * room;
        let posting = |n: f64| align_to(tuple + n * ROW_POINTER, 8.0) + LINE_POINTER;
        if full > 0.0 {
            into.push(Tuples { count: keys * full, bytes: posting(room), posting: true });
        }
        if rest >= 2.0 {
            into.push(Tuples { count: keys, bytes: posting(rest), posting: true });
        } else if rest >= 1.0 {
            into.push(Tuples { count: keys, bytes: tuple + LINE_POINTER, posting: false });
        }
    }
}

/// Levels above the leaves of a B-tree of so many pages: what the planner reads from its meta page
/// (`_bt_getrootheight`). The fan-out follows from the width of the keys that are kept on inner pages.
pub(super) fn height(spec: &IndexSpec, table: &Table, pages: u64) -> u32 {
    let fanout = inner_fanout(expected_pivot_bytes(spec, table));
    // All but the meta page, less the inner pages.
    let mut level = (pages.saturating_sub(1) as f64 * (1.0 - 1.0 / fanout)).max(1.0).floor();
    let mut height = 0;
    while level > 1.0 {
        level = (level / fanout).ceil();
        height += 1;
    }
    height
}

/// Bytes of a downlink with its key, averaged over page boundaries (`_bt_truncate`): a key column is kept where those
/// before it are equal on both sides, and the row's address where all are.
fn expected_pivot_bytes(spec: &IndexSpec, table: &Table) -> f64 {
    let rows = table.rows().unwrap_or(0.0).max(1.0);
    let mut columns = stored::columns(spec, table);
    columns.truncate(spec.keys.len());
    let mut distinct = 1.0_f64;
    let mut equal_before = 1.0;
    let mut bytes = 0.0;
    for column in &columns {
        bytes += aligned(&column.widths) * equal_before;
        let own = column.stats.as_ref().and_then(|s| s.distinct(rows)).unwrap_or(DEFAULT_DISTINCT).max(1.0);
        distinct = (distinct * own).min(rows);
        equal_before = 1.0 - distinct / rows;
    }
    if spec.unique {
        equal_before = 0.0;
    }
    // The address takes as much room as its alignment.
    TUPLE_HEADER + bytes + 8.0 * equal_before + LINE_POINTER
}

/// Bytes of a downlink with its key. Suffix truncation keeps as many key columns as tell two neighbouring pages apart:
/// commonly the first.
fn pivot_bytes(columns: &[Stored<'_>]) -> f64 {
    TUPLE_HEADER + columns.first().map_or(stored::DEFAULT_WIDTH, |c| aligned(&c.widths)) + LINE_POINTER
}

/// The mean width, each rounded up to eight bytes.
fn aligned(widths: &[Width]) -> f64 {
    widths.iter().map(|w| f64::from(w.bytes.next_multiple_of(8)) * w.share).sum()
}

/// Downlinks on an inner page of a newly built B-tree.
fn inner_fanout(pivot: f64) -> f64 {
    ((PAGE - PAGE_HEADER - OPAQUE - INNER_FREE) / pivot).max(2.0)
}

/// Whether equal values of the key's type are equal in every byte: whether its operator class has a support function
/// `equalimage` that says so. An expression's type is not known here and taken to qualify.
fn equal_image(version_num: u32, key: &KeySpec, table: &Table) -> bool {
    let KeyTarget::Column(attnum) = &key.target else { return true };
    table.column(*attnum).is_none_or(|column| {
        let ty = &column.ty;
        let loose = ["numeric", "float4", "float8", "jsonb", "interval", "tsvector", "tsquery", "record"];
        let padded = ty.base == "bpchar" && padding_differs(version_num);
        !padded && !["A", "R", "C"].contains(&ty.category.as_str()) && !loose.contains(&ty.base.as_str())
    })
}

/// Whether `btvarstrequalimage` says of `character` that equal values may differ, in their padding. It does in 15.20;
/// it did not in 14.23, 16.14, 17.10 and 18.6. The other branches are taken to have it from the release of the same day
/// on.
fn padding_differs(version_num: u32) -> bool {
    let since = match version_num / 10_000 {
        14 => 25,
        15 => 20,
        16 => 16,
        17 => 12,
        18 => 7,
        other => return other > 18,
    };
    version_num % 10_000 >= since
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::IndexMethod;
    use crate::whatif::fixture::{column, stats, table};

    fn btree(keys: &[i16]) -> IndexSpec {
        IndexSpec {
            table: 1,
            method: IndexMethod::Btree,
            keys: keys.iter().map(|attnum| KeySpec::column(*attnum)).collect(),
            include: vec![],
            predicate: None,
            unique: false,
            pages_per_range: None,
        }
    }

    #[test]
    fn a_posting_list_is_cut_at_a_tenth_of_a_page() {
        // 16 bytes of key and 132 row pointers fill a posting list; one row more needs a tuple of its own.
        let bytes = |rows| {
            let mut tuples = Vec::new();
            leaf_tuples(1.0, rows, 16.0, &mut tuples);
            tuples.iter().map(|t| t.count * t.bytes).sum::<f64>()
        };
        assert_eq!([1.0, 2.0, 132.0, 133.0].map(bytes), [20.0, 36.0, 812.0, 832.0]);
    }

    #[test]
    fn a_leaf_holds_366_integers() {
        let tuples = [Tuples { count: 366_000.0, bytes: 20.0, posting: false }];
        assert_eq!(leaves(&tuples, 20.0), 1000.0);
    }

    #[test]
    fn types_with_unequal_images_are_not_deduplicated() {
        let mut amount = column(2, "amount", "numeric", -1);
        amount.stats = Some(stats(100.0, 4, 0.0));
        let mut kind = column(1, "kind", "int4", 4);
        kind.stats = Some(stats(100.0, 4, 0.0));
        let t = table(1, "s", "t", vec![kind, amount]);
        let pages = |attnum| pages(&Catalog::default(), 150_000, &btree(&[attnum]), &t, 1_000_000.0);
        let (int, numeric) = (pages(1), pages(2));
        assert!(numeric > 2.0 * int, "{numeric} against {int}");
    }
}
