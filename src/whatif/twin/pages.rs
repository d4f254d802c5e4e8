//! What the planner reads of an index's pages, written into pages that hold nothing else.
//!
//! The planner reads a B-tree's height from its meta page (`_bt_getrootheight`), and for some estimates walks to the
//! first or last leaf (`get_actual_variable_range`): one page a level, each with a single downlink, ends that walk at
//! an empty leaf. Of a BRIN index it reads the size of the revmap (`brinGetStats`). The layouts are those of nbtree.h,
//! brin_page.h and bufpage.h since version 11, on a little-endian machine.

use crate::snapshot::GinCounts;

/// `BLCKSZ`.
pub(super) const PAGE: usize = 8192;
/// `SizeOfPageHeaderData`.
const HEADER: usize = 24;
/// `sizeof(BTPageOpaqueData)`.
const BTREE_SPECIAL: usize = 16;
/// `BTREE_MAGIC`.
const BTREE_MAGIC: u32 = 0x0005_3162;
/// `BTP_LEAF` and `BTP_ROOT`.
const LEAF: u16 = 1;
/// See [`LEAF`].
const ROOT: u16 = 2;
/// `INDEX_ALT_TID_MASK`: the tuple's item pointer is a downlink.
const ALT_TID: u16 = 0x2000;
/// Size of an index tuple without attributes.
const MINUS_INFINITY: usize = 8;
/// `PG_PAGE_LAYOUT_VERSION` with the page's size.
const SIZE_AND_VERSION: u16 = 8192 + 4;
/// `sizeof(GinPageOpaqueData)`.
const GIN_SPECIAL: usize = 8;
/// `GIN_META`.
const GIN_META: u16 = 1 << 3;
/// `GIN_CURRENT_VERSION`.
const GIN_VERSION: u32 = 2;
/// `BRIN_META_MAGIC`.
const BRIN_MAGIC: u32 = 0xA810_9CFA;
/// `REVMAP_PAGE_MAXITEMS` for pages of 8 kB.
const REVMAP_ITEMS: u64 = 1360;

fn put16(page: &mut [u8], at: usize, value: u16) {
    if let Some(place) = page.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

fn put32(page: &mut [u8], at: usize, value: u32) {
    if let Some(place) = page.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

fn get32(page: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(page.get(at..at + 4)?.try_into().ok()?))
}

/// Writes root and height into a B-tree's meta page, the first of its file. `false` if it is no such page.
pub(super) fn set_btree_meta(meta: &mut [u8], height: u32) -> bool {
    if get32(meta, HEADER) != Some(BTREE_MAGIC) {
        return false;
    }
    // btm_root, btm_level, btm_fastroot, btm_fastlevel
    for (n, value) in [1, height, 1, height].into_iter().enumerate() {
        put32(meta, HEADER + 8 + 4 * n, value);
    }
    true
}

/// The pages from the root (block 1) down to an empty leaf: one more than the height.
pub(super) fn btree_chain(height: u32) -> Vec<u8> {
    let mut pages = Vec::new();
    for depth in 0..=height {
        let level = height - depth;
        let mut page = vec![0_u8; PAGE];
        let special = PAGE - BTREE_SPECIAL;
        let (lower, upper) = if level > 0 { (HEADER + 4, special - MINUS_INFINITY) } else { (HEADER, special) };
        let offset = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
        put16(&mut page, 12, offset(lower));
        put16(&mut page, 14, offset(upper));
        put16(&mut page, 16, offset(special));
        put16(&mut page, 18, SIZE_AND_VERSION);
        if level > 0 {
            // ItemIdData: offset (15 bits), LP_NORMAL (2 bits), length (15 bits).
            let pointer = u32::from(offset(upper)) | 1 << 15 | 8 << 17;
            put32(&mut page, HEADER, pointer);
            let child = 2 + depth;
            put16(&mut page, upper, u16::try_from(child >> 16).unwrap_or(0));
            put16(&mut page, upper + 2, u16::try_from(child & 0xFFFF).unwrap_or(0));
            put16(&mut page, upper + 6, 8 | ALT_TID);
        }
        put32(&mut page, special + 8, level);
        let flags = if level == 0 { LEAF } else { 0 } | if depth == 0 { ROOT } else { 0 };
        put16(&mut page, special + 12, flags);
        pages.extend_from_slice(&page);
    }
    pages
}

/// Writes the revmap's end for a table of so many pages into a BRIN index's meta page. `false` if it is no such page.
pub(super) fn set_brin_meta(meta: &mut [u8], heap_pages: u64) -> bool {
    if get32(meta, HEADER) != Some(BRIN_MAGIC) {
        return false;
    }
    let Some(range) = get32(meta, HEADER + 8).filter(|r| *r > 0) else { return false };
    let ranges = heap_pages.div_ceil(u64::from(range)).max(1);
    put32(meta, HEADER + 12, u32::try_from(ranges.div_ceil(REVMAP_ITEMS)).unwrap_or(u32::MAX));
    true
}

/// Writes counts into a GIN index's meta page (`GinMetaPageData` of ginblock.h). `false` if it is no such page.
pub(super) fn set_gin_meta(meta: &mut [u8], counts: GinCounts) -> bool {
    // GinPageOpaqueData ends with its flags, and the meta data with the version.
    let special = PAGE - GIN_SPECIAL;
    let flags = meta.get(special + 6..special + 8).is_some_and(|f| *f == GIN_META.to_le_bytes());
    if !flags || get32(meta, HEADER + 48) != Some(GIN_VERSION) {
        return false;
    }
    // After the pending list's head, tail and free room: its pages, and its rows.
    put32(meta, HEADER + 12, counts.pending_pages);
    for (n, value) in [counts.total_pages, counts.entry_pages, counts.data_pages].into_iter().enumerate() {
        put32(meta, HEADER + 24 + 4 * n, value);
    }
    let [low, high] =
        [counts.entries & u64::from(u32::MAX), counts.entries >> 32].map(|w| u32::try_from(w).unwrap_or(0));
    put32(meta, HEADER + 40, low);
    put32(meta, HEADER + 44, high);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_ends_at_an_empty_leaf() {
        let pages = btree_chain(2);
        assert_eq!(pages.len(), 3 * PAGE);
        let level = |n: usize| get32(&pages[n * PAGE..], PAGE - 8);
        assert_eq!([level(0), level(1), level(2)], [Some(2), Some(1), Some(0)]);
        // The root's only item points at block 2.
        assert_eq!(pages[PAGE - BTREE_SPECIAL - MINUS_INFINITY + 2], 2);
        assert_eq!(btree_chain(0).len(), PAGE);
    }

    #[test]
    fn a_page_of_another_kind_is_left_alone() {
        let mut page = vec![0_u8; PAGE];
        assert!(!set_btree_meta(&mut page, 1) && !set_brin_meta(&mut page, 1));
        assert!(page.iter().all(|b| *b == 0));
    }
}
