//! How large an index would be that does not exist yet, from the planner statistics.
//!
//! PostgreSQL has no such function; the B-tree's figures follow its build: `_bt_buildadd` fills leaf pages to the
//! fill factor, `_bt_dedup_save_htid` merges equal keys into posting lists, and the levels above hold one downlink a
//! page. The other methods are coarse: their size depends on the values themselves.

mod expression;
mod inverted;

use std::borrow::Cow;

use crate::snapshot::{ColumnStats, GinCounts, IndexMethod, IndexSpec, KeySpec, KeyTarget, Table};

/// `BLCKSZ`, in bytes.
const PAGE: f64 = 8192.0;
/// `SizeOfPageHeaderData` and the B-tree's special space (`BTPageOpaqueData`).
const PAGE_OVERHEAD: f64 = 24.0 + 16.0;
/// `BTREE_DEFAULT_FILLFACTOR`; inner pages are filled to 70 % (`BTREE_NONLEAF_FILLFACTOR`).
const LEAF_FILL: f64 = 0.90;
/// See [`LEAF_FILL`].
const INNER_FILL: f64 = 0.70;
/// `sizeof(IndexTupleData)`.
const TUPLE_HEADER: f64 = 8.0;
/// `sizeof(ItemIdData)`.
const LINE_POINTER: f64 = 4.0;
/// `sizeof(ItemPointerData)`: one row of a posting list.
const ROW_POINTER: f64 = 6.0;
/// `IndexAttributeBitMapData`: present in tuples that hold a NULL, and aligned with the header.
const NULL_BITMAP: f64 = 8.0;
/// Largest posting list tuple that a build makes, in bytes, with its line pointer: a tenth of a page rounded down to
/// the alignment (`_bt_load`).
const POSTING_LIMIT: f64 = 816.0;
/// Width assumed where statistics are missing (`get_typavgwidth`).
const DEFAULT_WIDTH: f64 = 32.0;
/// Groups of keys told apart at most.
const CLASSES: usize = 64;
/// How full a built GiST's pages are on average.
const GIST_FILL: f64 = 0.6;
/// Distinct values assumed where statistics are missing (`DEFAULT_NUM_DISTINCT`).
const DEFAULT_DISTINCT: f64 = 200.0;

/// The estimated size in bytes of an index with default storage options, built anew. `fraction` is the share of rows
/// that a partial predicate keeps (1 without one). `None` where the table's row count is unknown.
pub fn index_bytes(spec: &IndexSpec, table: &Table, fraction: f64) -> Option<u64> {
    let rows = table.rows()? * fraction.clamp(0.0, 1.0);
    let pages = match spec.method {
        IndexMethod::Btree => btree_pages(spec, table, rows),
        IndexMethod::Hash => hash_pages(rows),
        IndexMethod::Brin => brin_pages(spec, table),
        IndexMethod::Gin => inverted::pages(spec, table, rows).total(),
        IndexMethod::Gist | IndexMethod::Spgist | IndexMethod::Other => tree_pages(spec, table, rows),
    };
    Some(to_bytes(pages * PAGE))
}

/// What the meta page of a GIN index of so many pages would count; `fraction` as for [`index_bytes`].
pub fn gin_counts(spec: &IndexSpec, table: &Table, fraction: f64, pages: u64) -> GinCounts {
    let rows = table.rows().unwrap_or(0.0) * fraction.clamp(0.0, 1.0);
    inverted::pages(spec, table, rows).counts(pages)
}

/// Levels above the leaves of a B-tree of so many pages: what the planner reads from its meta page
/// (`_bt_getrootheight`). The fan-out follows from the width of the keys that are kept on inner pages.
pub fn btree_height(spec: &IndexSpec, table: &Table, pages: u64) -> u32 {
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
    let mut columns = stored_columns(spec, table);
    columns.truncate(spec.keys.len());
    let mut distinct = 1.0_f64;
    let mut equal_before = 1.0;
    let mut bytes = 0.0;
    for column in &columns {
        bytes += align_to(column.width, 8.0) * equal_before;
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
    TUPLE_HEADER + align_to(columns.first().map_or(DEFAULT_WIDTH, |c| c.width), 8.0) + LINE_POINTER
}

/// Downlinks on an inner page of a newly built B-tree.
fn inner_fanout(pivot: f64) -> f64 {
    ((PAGE - PAGE_OVERHEAD - PAGE * (1.0 - INNER_FILL)) / pivot).max(2.0)
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

/// One key or INCLUDE column as stored.
struct Stored<'a> {
    /// Bytes of a value that is not NULL.
    width: f64,
    /// Alignment in bytes (`typalign`).
    align: f64,
    stats: Option<Cow<'a, ColumnStats>>,
}

fn stored_columns<'a>(spec: &IndexSpec, table: &'a Table) -> Vec<Stored<'a>> {
    let keys = spec.keys.iter().map(|key| stored_key(key, table));
    let include = spec.include.iter().map(|attnum| stored_key(&KeySpec::column(*attnum), table));
    keys.chain(include).collect()
}

fn stored_key<'a>(key: &KeySpec, table: &'a Table) -> Stored<'a> {
    let column = match &key.target {
        KeyTarget::Column(attnum) => table.column(*attnum),
        KeyTarget::Expression(sql) => {
            let found = expression::of(sql, table);
            return Stored { width: found.width, align: found.align, stats: found.stats.map(Cow::Owned) };
        }
    };
    let Some(column) = column else {
        return Stored { width: DEFAULT_WIDTH, align: 1.0, stats: None };
    };
    let stats = column.statistics().map(Cow::Borrowed);
    match column.ty.length {
        length if length > 0 => {
            let width = f64::from(length);
            let align = match column.ty.alignment.as_str() {
                "d" => 8.0,
                "i" => 4.0,
                "s" => 2.0,
                _ => 1.0,
            };
            Stored { width, align, stats }
        }
        // Short varlena values have a one-byte header and no alignment (`index_form_tuple` packs them); avg_width
        // counts that header.
        _ => Stored { width: stats.as_ref().map_or(DEFAULT_WIDTH, |s| f64::from(s.avg_width)), align: 1.0, stats },
    }
}

fn align_to(offset: f64, align: f64) -> f64 {
    (offset / align).ceil() * align
}

/// Bytes of one leaf tuple that holds one row, line pointer excluded (`index_form_tuple`), averaged over NULLs: a
/// tuple with a NULL has a bitmap and lacks that value.
fn tuple_bytes(columns: &[Stored<'_>]) -> f64 {
    let mut all_set = 1.0;
    let mut full = 0.0;
    let mut present = 0.0;
    for column in columns {
        let nulls = column.stats.as_ref().map_or(0.0, |s| s.null_frac);
        all_set *= 1.0 - nulls;
        full = align_to(full, column.align) + column.width;
        present = align_to(present, column.align) + column.width * (1.0 - nulls);
    }
    let without_nulls = align_to(TUPLE_HEADER + full, 8.0);
    if all_set >= 1.0 {
        return without_nulls;
    }
    // `present` is the mean over all tuples; what the complete ones do not hold of it is in the others.
    let rest = ((present - all_set * full) / (1.0 - all_set)).max(0.0);
    all_set * without_nulls + (1.0 - all_set) * align_to(TUPLE_HEADER + NULL_BITMAP + rest, 8.0)
}

/// Pages of a newly built B-tree.
fn btree_pages(spec: &IndexSpec, table: &Table, rows: f64) -> f64 {
    if rows < 1.0 {
        return 1.0;
    }
    let columns = stored_columns(spec, table);
    let tuple = tuple_bytes(&columns);
    // INCLUDE and UNIQUE indexes hold no posting lists when built; neither do those on types whose equal values may
    // differ in their bytes (`_bt_allequalimage`).
    let deduplicates = spec.include.is_empty() && !spec.unique && spec.keys.iter().all(|key| equal_image(key, table));
    let bytes = if deduplicates {
        groups(&columns, table, rows).iter().map(|group| group.keys * group_bytes(group.rows, tuple)).sum()
    } else {
        rows * (tuple + LINE_POINTER)
    };
    let pivot = pivot_bytes(&columns);
    let usable = PAGE - PAGE_OVERHEAD - PAGE * (1.0 - LEAF_FILL) - pivot;
    let fanout = inner_fanout(pivot);
    let mut level = (bytes / usable).max(1.0).ceil();
    let mut pages = level + 1.0; // with the metapage
    while level > 1.0 {
        level = (level / fanout).ceil();
        pages += level;
    }
    pages
}

/// So many keys, each with so many rows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Group {
    keys: f64,
    rows: f64,
}

/// How the rows fall into groups of equal keys: column by column, each group is split by the next column's values,
/// taken as independent of those before. (`estimate_num_groups` multiplies the counts of distinct values, which
/// overestimates for skewed columns.)
fn groups(columns: &[Stored<'_>], table: &Table, rows: f64) -> Vec<Group> {
    let total = table.rows().unwrap_or(rows).max(rows).max(1.0);
    columns.iter().fold(vec![Group { keys: 1.0, rows }], |groups, column| {
        let values = values(column, total);
        let split = groups.iter().flat_map(|group| values.iter().map(move |value| split(*group, *value, total)));
        merge(split.filter(|group| group.keys > 0.0).collect())
    })
}

/// A column's values over the whole table, with how many rows each has: NULL, the most common ones, and the rest alike.
fn values(column: &Stored<'_>, total: f64) -> Vec<Group> {
    let Some(stats) = &column.stats else {
        return vec![Group { keys: DEFAULT_DISTINCT, rows: total / DEFAULT_DISTINCT }];
    };
    let mut values = vec![Group { keys: 1.0, rows: stats.null_frac * total }];
    values.extend(stats.mcv_freqs.iter().map(|freq| Group { keys: 1.0, rows: freq * total }));
    let rest = (1.0 - stats.null_frac - stats.mcv_freqs.iter().sum::<f64>()).max(0.0) * total;
    let distinct = stats.distinct(total).unwrap_or(DEFAULT_DISTINCT) - stats.mcv_freqs.len() as f64;
    let keys = distinct.clamp(1.0, rest.max(1.0));
    values.push(Group { keys, rows: rest / keys });
    values.retain(|value| value.rows > 0.0);
    merge(values)
}

/// The part of a group that has certain values. Of the `total` rows the group's are drawn without replacement, so a
/// value with k rows is met with the probability 1 - (1 - rows/total)^k, as `estimate_num_groups` has it.
fn split(group: Group, value: Group, total: f64) -> Group {
    let missed = (value.rows * (-(group.rows / total).min(1.0)).ln_1p()).exp();
    let met = value.keys * (1.0 - missed);
    if met <= 0.0 {
        return Group { keys: 0.0, rows: 0.0 };
    }
    let rows = group.rows * value.keys * value.rows / total;
    Group { keys: group.keys * met, rows: (rows / met).max(1.0) }
}

/// At most [`CLASSES`] groups: the smallest are merged into their mean.
fn merge(mut groups: Vec<Group>) -> Vec<Group> {
    if groups.len() > CLASSES {
        groups.sort_by(|a, b| (b.keys * b.rows).total_cmp(&(a.keys * a.rows)));
        let tail = groups.split_off(CLASSES - 1);
        let keys: f64 = tail.iter().map(|group| group.keys).sum();
        let rows: f64 = tail.iter().map(|group| group.keys * group.rows).sum();
        groups.push(Group { keys, rows: rows / keys });
    }
    groups
}

/// Bytes of the leaf tuples of one key with so many rows, line pointers included. Between whole numbers of rows the
/// mean of the two.
fn group_bytes(rows: f64, tuple: f64) -> f64 {
    let low = rows.floor().max(1.0);
    let share = (rows - low).clamp(0.0, 1.0);
    let whole = |rows: f64| {
        let room = ((POSTING_LIMIT - LINE_POINTER - tuple) / ROW_POINTER).floor().max(1.0);
        let full = (rows / room).floor();
        let rest = rows - full * room;
        let posting = |n: f64| align_to(tuple + n * ROW_POINTER, 8.0) + LINE_POINTER;
        let last = if rest < 1.0 {
            0.0
        } else if rest < 2.0 {
            tuple + LINE_POINTER
        } else {
            posting(rest)
        };
        full * posting(room) + last
    };
    whole(low) * (1.0 - share) + if share > 0.0 { whole(low + 1.0) * share } else { 0.0 }
}

/// Whether equal values of the key's type are equal in every byte, by the documentation's list of what deduplication
/// leaves out. An expression's type is not known here and taken to qualify.
fn equal_image(key: &KeySpec, table: &Table) -> bool {
    let KeyTarget::Column(attnum) = &key.target else { return true };
    table.column(*attnum).is_none_or(|column| {
        let ty = &column.ty;
        let loose = ["numeric", "float4", "float8", "jsonb", "interval", "tsvector", "record"];
        ty.category != "A" && ty.category != "R" && ty.category != "C" && !loose.contains(&ty.base.as_str())
    })
}

/// Pages of a newly built hash index: a bucket page holds so many 20-byte entries at a fill factor of 75 %, and the
/// number of buckets is rounded up to a quarter of a power of two (`_hash_init_metabuffer`).
fn hash_pages(rows: f64) -> f64 {
    let per_page = (PAGE * 0.75 / (16.0 + LINE_POINTER)).floor();
    let wanted = (rows / per_page).max(2.0);
    let power = wanted.log2().floor().exp2();
    // Up to 512 buckets the steps are whole powers of two (`_hash_spareindex`).
    let step = if power < 512.0 { power } else { power / 4.0 };
    let buckets = (wanted / step).ceil() * step;
    buckets + 2.0 // meta and bitmap page
}

/// Pages of a BRIN index: two values for each range of 128 heap pages.
fn brin_pages(spec: &IndexSpec, table: &Table) -> f64 {
    let ranges = (f64::from(table.actual_pages.unwrap_or(table.relpages)) / 128.0).ceil();
    let width: f64 = stored_columns(spec, table).iter().map(|c| 2.0 * align_to(c.width, c.align)).sum();
    2.0 + (ranges * (align_to(8.0 + width, 8.0) + LINE_POINTER) / (PAGE - PAGE_OVERHEAD)).ceil()
}

fn has_trigrams(key: &KeySpec) -> bool {
    key.opclass.as_deref().is_some_and(|opclass| opclass.contains("trgm"))
}

/// Pages of a tree without deduplication, GiST or SP-GiST: whole tuples on pages filled as measured.
fn tree_pages(spec: &IndexSpec, table: &Table, rows: f64) -> f64 {
    let mut columns = stored_columns(spec, table);
    let mut fill = GIST_FILL;
    let spgist = spec.method == IndexMethod::Spgist;
    for (key, column) in spec.keys.iter().zip(&mut columns) {
        let ty = match &key.target {
            KeyTarget::Column(attnum) => table.column(*attnum).map(|c| &c.ty),
            KeyTarget::Expression(_) => None,
        };
        let timed = ty.and_then(|t| t.subtype.as_deref()).is_some_and(|s| s.starts_with('t') || s == "date");
        if has_trigrams(key) {
            // Leaves hold the trigrams themselves, three bytes each.
            column.width *= 3.0;
        }
        fill = match (ty.map_or("", |t| t.base.as_str()), spgist) {
            // What is common to a page's values stands above it.
            ("text" | "varchar" | "bpchar", true) => 0.77,
            ("inet" | "cidr", true) => 0.47,
            // Ranges of times mostly come in their order: each split leaves a page behind that is not filled any more.
            (_, true) if timed => 0.35,
            (_, false) if timed => 0.42,
            ("point", false) => {
                // As a box.
                column.width = 32.0;
                fill
            }
            ("tsvector", false) => {
                // A hash of each lexeme.
                column.width = 8.0 + 4.0 * (column.width / 15.0);
                0.8
            }
            _ => fill,
        };
    }
    let tuple = tuple_bytes(&columns);
    1.0 + (rows * (tuple + LINE_POINTER) / ((PAGE - PAGE_OVERHEAD) * fill)).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whatif::fixture::{column, stats, table};

    fn btree(keys: &[i16]) -> IndexSpec {
        IndexSpec {
            table: 1,
            method: IndexMethod::Btree,
            keys: keys.iter().map(|attnum| KeySpec::column(*attnum)).collect(),
            include: vec![],
            predicate: None,
            unique: false,
        }
    }

    #[test]
    fn a_posting_list_is_cut_at_a_tenth_of_a_page() {
        // 16 bytes of key and 132 row pointers fill a posting list; one row more needs a tuple of its own.
        assert_eq!(group_bytes(1.0, 16.0), 20.0);
        assert_eq!(group_bytes(2.0, 16.0), 36.0);
        assert_eq!(group_bytes(132.0, 16.0), 812.0);
        assert_eq!(group_bytes(133.0, 16.0), 832.0);
    }

    #[test]
    fn types_with_unequal_images_are_not_deduplicated() {
        let mut amount = column(2, "amount", "numeric", -1);
        amount.stats = Some(stats(100.0, 4, 0.0));
        let mut kind = column(1, "kind", "int4", 4);
        kind.stats = Some(stats(100.0, 4, 0.0));
        let mut t = table(1, "s", "t", vec![kind, amount]);
        t.reltuples = 1_000_000.0;
        t.relpages = 10_000;
        let int = index_bytes(&btree(&[1]), &t, 1.0).unwrap();
        let numeric = index_bytes(&btree(&[2]), &t, 1.0).unwrap();
        assert!(numeric > 2 * int, "{numeric} against {int}");
    }

    #[test]
    fn nothing_is_said_of_a_table_of_unknown_size() {
        let t = table(1, "s", "t", vec![column(1, "id", "int4", 4)]);
        assert_eq!(index_bytes(&btree(&[1]), &t, 1.0), None);
    }
}
