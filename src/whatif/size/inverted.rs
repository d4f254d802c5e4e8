//! GIN: entries, their posting lists and trees, as a build lays them out (gininsert.c, ginentrypage.c, gindatapage.c,
//! ginpostinglist.c).

use super::elements::{self, Entries};
use super::stored::TUPLE_HEADER;
use super::{LINE_POINTER, PAGE, PAGE_HEADER, align_to, mean_excess, to_bytes};
use crate::snapshot::{GinCounts, IndexSpec, Server, Table};

/// `GinPageOpaqueData`.
const OPAQUE: f64 = 8.0;
/// Largest tuple of the entry tree (`GinMaxItemSize`): a longer posting list becomes a tree of pages.
const LONGEST_TUPLE: f64 = 2712.0;
/// Bytes of a posting list's first row, with the list's length (`GinPostingList`).
const FIRST_ROW: f64 = 8.0;
/// `GinDataPageMaxDataSize`.
const DATA_ROOM: f64 = 8152.0;
/// `GinPostingListSegmentMaxSize`: segments of the first page of a posting tree.
const FIRST_SEGMENT: f64 = 384.0;
/// `GinPostingListSegmentTargetSize`: segments that are added to it.
const SEGMENT: f64 = 256.0;
/// `sizeof(PostingItem)`: a downlink of a posting tree.
const POSTING_ITEM: f64 = 10.0;
/// `maintenance_work_mem` in kilobytes, where the snapshot does not say.
const MAINTENANCE_WORK_MEM: f64 = 65_536.0;
/// Bytes that a build holds for an entry, beside its list (`GinEntryAccumulator`).
const ACCUMULATOR: f64 = 64.0;

/// Pages by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Pages {
    entry: f64,
    data: f64,
    entries: f64,
}

impl Pages {
    /// All, with the meta page; the pending list of a new index is empty.
    pub(super) fn total(self) -> f64 {
        1.0 + self.entry + self.data
    }

    /// As the meta page would count them in an index of so many pages.
    pub(super) fn counts(self, pages: u64) -> GinCounts {
        let whole = |value: f64| u32::try_from(to_bytes(value)).unwrap_or(u32::MAX);
        let scale = pages as f64 / self.total();
        GinCounts {
            pending_pages: 0,
            total_pages: u32::try_from(pages).unwrap_or(u32::MAX),
            entry_pages: whole((self.entry * scale).floor().max(1.0)),
            data_pages: whole((self.data * scale).floor()),
            entries: to_bytes(self.entries.max(1.0)),
        }
    }
}

/// The pages of a new index on `rows` rows.
pub(super) fn pages(server: &Server, spec: &IndexSpec, table: &Table, rows: f64) -> Pages {
    let heap = f64::from(table.actual_pages.unwrap_or(table.relpages)).max(1.0);
    let per_block = (table.rows().unwrap_or(rows) / heap).max(1.0);
    let groups = elements::of(spec, table, rows);
    let entries: f64 = groups.iter().map(|g| g.count).sum();
    let mut data = 0.0;
    for group in &groups {
        let item = item_bytes(group.rows, rows, per_block);
        if tuple_bytes(group, group.rows, item).is_none() {
            data += group.count * tree_pages(group.rows, item);
        }
    }
    let tuples = |share: f64| -> Vec<(f64, f64)> {
        let tuple = |g: &Entries| {
            let held = (g.rows * share).max(1.0);
            let item = item_bytes(g.rows, rows, per_block);
            let bytes = tuple_bytes(g, held, item).unwrap_or_else(|| header(g)) + LINE_POINTER;
            // Of rare entries, not all are met.
            (g.count * (g.rows * share).min(1.0), bytes)
        };
        groups.iter().map(tuple).collect()
    };
    let leaves = entry_leaves(passes(server, &groups), &tuples);
    let inner = groups.iter().map(|g| g.count * (header(g) + LINE_POINTER)).sum::<f64>() / entries.max(1.0);
    let fanout = (closed_page(inner / 2.0) / inner.max(1.0)).max(2.0);
    let (mut level, mut entry) = (leaves, leaves);
    while level > 1.0 {
        level = (level / fanout).ceil();
        entry += level;
    }
    Pages { entry, data: data.round(), entries }
}

/// Bytes of an entry's tuple without its list (`GinFormTuple`).
fn header(entry: &Entries) -> f64 {
    align_to(TUPLE_HEADER + entry.key, 8.0)
}

/// Bytes of an entry's tuple with a list of so many rows; `None` where that is too long.
fn tuple_bytes(entry: &Entries, rows: f64, item: f64) -> Option<f64> {
    let list = align_to(FIRST_ROW + item * (rows - 1.0).max(0.0), 2.0);
    let tuple = align_to(header(entry) + list, 8.0);
    (tuple <= LONGEST_TUPLE).then_some(tuple)
}

/// Pages of a posting tree (`createPostingTree`, `dataBeginPlaceToPageLeaf`): the first leaf is filled with long
/// segments, and as a build appends, every other with as many of the usual ones as fit.
fn tree_pages(rows: f64, item: f64) -> f64 {
    let on_page = |segment: f64| (DATA_ROOM / segment).floor() * (1.0 + (segment - FIRST_ROW) / item);
    let first = on_page(FIRST_SEGMENT);
    if rows <= first {
        return 1.0;
    }
    let leaves = 1.0 + ((rows - first) / on_page(SEGMENT)).ceil();
    let (mut level, mut pages) = (leaves, leaves);
    while level > 1.0 {
        level = (level * POSTING_ITEM / DATA_ROOM).ceil();
        pages += level;
    }
    pages
}

/// Leaf pages of the entry tree after a build in so many passes. A pass inserts entries in their order, and each page
/// that overflows is split in the middle (`entrySplitPage`): the first leaves pages half full behind; the others make
/// the entries that are there longer, until their pages split again.
fn entry_leaves(passes: f64, tuples: &dyn Fn(f64) -> Vec<(f64, f64)>) -> f64 {
    const CLASSES: u32 = 8;
    let bytes = |tuples: &[(f64, f64)]| tuples.iter().map(|(count, bytes)| count * bytes).sum::<f64>();
    let room = PAGE - PAGE_HEADER - OPAQUE;
    let first = tuples(1.0 / passes);
    let total = bytes(&first);
    if passes <= 1.0 && total <= room {
        return 1.0;
    }
    let closed = closed_page(mean_excess(first.iter().copied()));
    let split = |total: f64, closed: f64| if total <= room { 1.0 } else { 1.0 + ((total - room) / closed).ceil() };
    if passes <= 1.0 {
        return split(total, closed);
    }
    let pages = split(total, closed);
    // Pages differ by a tenth either way.
    let mut classes: Vec<(f64, f64)> = (0..CLASSES)
        .map(|n| {
            let around = 0.9 + 0.2 * (f64::from(n) + 0.5) / f64::from(CLASSES);
            (pages / f64::from(CLASSES), total / pages * around)
        })
        .collect();
    let mut before = total;
    let mut pass = 2.0;
    while pass <= passes {
        let now = bytes(&tuples(pass / passes));
        for (count, held) in &mut classes {
            *held *= now / before;
            while *held > room {
                *held /= 2.0;
                *count *= 2.0;
            }
        }
        before = now;
        pass += 1.0;
    }
    classes.iter().map(|(count, _)| count).sum::<f64>().ceil().max(1.0)
}

/// Bytes on a page of the entry tree that was split and not touched again, given how far a sum of tuples goes beyond a
/// bound: tuples go left until they are more than half.
fn closed_page(excess: f64) -> f64 {
    f64::midpoint(PAGE - PAGE_HEADER - OPAQUE, excess) + excess
}

/// How often a build empties its memory into the index (`ginBuildCallback`): once `maintenance_work_mem` is full.
/// From 18 on, what parallel workers found is sorted and inserted in one go.
fn passes(server: &Server, groups: &[Entries]) -> f64 {
    let workers = server.setting_f64("max_parallel_maintenance_workers").unwrap_or(2.0);
    if server.major() >= 18 && workers > 0.0 {
        return 1.0;
    }
    let memory = server.setting_f64("maintenance_work_mem").unwrap_or(MAINTENANCE_WORK_MEM) * 1024.0;
    // Five rows of six bytes at first, doubled as needed; an allocation is a power of two with a header.
    let list = |rows: f64| (30.0 * (rows / 5.0).max(1.0).log2().ceil().exp2()).log2().ceil().exp2() + 8.0;
    let held: f64 = groups.iter().map(|g| g.count * (ACCUMULATOR + list(g.rows))).sum();
    (held / memory).ceil().clamp(1.0, 64.0)
}

/// Mean bytes of an item: the difference to the one before, seven bits a byte, where an address is its block's number
/// and eleven bits (`encode_varbyte`). Rows of a key are taken to lie anywhere.
fn item_bytes(key_rows: f64, rows: f64, per_block: f64) -> f64 {
    // So many of a block's rows have the key: by Poisson's distribution all but one of them come after another.
    let in_block = (key_rows / rows.max(1.0)).min(1.0) * per_block;
    let same_block = if in_block > 0.0 { 1.0 - (1.0 - (-in_block).exp()) / in_block } else { 0.0 };
    // Blocks from one to the next.
    let within = |bound: f64| 1.0 - (-bound * in_block).exp();
    let (two, three) = (within(8.0), within(1024.0));
    same_block + (1.0 - same_block) * (2.0 * two + 3.0 * (three - two) + 4.0 * (1.0 - three))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_keys_cost_a_byte_a_row_and_sparse_ones_three() {
        assert!(item_bytes(100_000.0, 100_000.0, 100.0) < 1.5);
        let sparse = item_bytes(10.0, 100_000.0, 50.0);
        assert!((2.5..3.1).contains(&sparse), "{sparse}");
    }

    #[test]
    fn a_build_in_one_pass_leaves_pages_half_full() {
        let tuples = |_: f64| vec![(100_000.0, 28.0)];
        let leaves = entry_leaves(1.0, &tuples);
        let fill = 2_800_000.0 / leaves / PAGE;
        assert!((0.49..0.52).contains(&fill), "{fill}");
    }

    #[test]
    fn a_posting_tree_has_a_root_above_its_leaves() {
        assert_eq!(tree_pages(3_000.0, 1.0), 1.0);
        assert_eq!(tree_pages(10_000.0, 1.0), 3.0);
    }
}
