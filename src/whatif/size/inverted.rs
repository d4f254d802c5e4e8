//! GIN: entries, their posting lists and trees (gininsert.c, ginentrypage.c, gindatapage.c, ginpostinglist.c).
//!
//! What is indexed is taken from the statistics of elements, else from the values that the statistics hold (trigrams of
//! texts, keys and values of jsonb documents), else guessed from the width.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{LINE_POINTER, PAGE, Stored, TUPLE_HEADER, align_to, has_trigrams};
use crate::snapshot::{ColumnStats, GinCounts, IndexSpec, KeySpec, KeyTarget, Table};

/// Bytes of a posting list above which it becomes a tree of pages (`GinMaxItemSize`).
const LONGEST_LIST: f64 = 2704.0;
/// Share of a posting list that its segments' first items cost more than others (`GinPostingListSegmentTargetSize`).
const SEGMENT_OVERHEAD: f64 = 1.03;
/// How full the entry tree's pages are: entries come in their order, and every split halves a page.
const ENTRY_FILL: f64 = 0.52;
/// How full a posting tree of several pages is.
const TREE_FILL: f64 = 0.85;
/// Bytes of a lexeme with its place and position in a tsvector, beside its letters.
const LEXEME_OVERHEAD: f64 = 9.0;

/// A group of entries that have as many rows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Entries {
    /// How many.
    count: f64,
    /// Rows of each.
    rows: f64,
}

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
        let whole = |value: f64| u32::try_from(super::to_bytes(value)).unwrap_or(u32::MAX);
        let scale = pages as f64 / self.total();
        GinCounts {
            pending_pages: 0,
            total_pages: u32::try_from(pages).unwrap_or(u32::MAX),
            entry_pages: whole((self.entry * scale).floor().max(1.0)),
            data_pages: whole((self.data * scale).floor()),
            entries: super::to_bytes(self.entries.max(1.0)),
        }
    }
}

/// The pages of a new index on the first `rows` rows.
pub(super) fn pages(spec: &IndexSpec, table: &Table, rows: f64) -> Pages {
    let heap = f64::from(table.actual_pages.unwrap_or(table.relpages)).max(1.0);
    let per_block = (table.rows().unwrap_or(rows) / heap).max(1.0);
    let mut entry_bytes = 0.0;
    let mut sum = Pages::default();
    for (key, column) in spec.keys.iter().zip(super::stored_columns(spec, table)) {
        let (groups, key_width) = entries(key, table, &column, rows);
        for group in groups.into_iter().filter(|g| g.count > 0.0 && g.rows > 0.0) {
            sum.entries += group.count;
            let list = 8.0 + SEGMENT_OVERHEAD * (group.rows - 1.0).max(0.0) * item_bytes(group.rows, rows, per_block);
            let header = align_to(TUPLE_HEADER + key_width, 2.0);
            if list > LONGEST_LIST {
                let leaves = if list < PAGE - 100.0 { 1.0 } else { (list / (PAGE * TREE_FILL)).ceil() };
                // An inner page holds some 800 downlinks of ten bytes.
                let inner = if leaves > 1.0 { (leaves / 800.0).ceil() } else { 0.0 };
                sum.data += group.count * (leaves + inner);
                entry_bytes += group.count * (align_to(header, 8.0) + LINE_POINTER);
            } else {
                entry_bytes += group.count * (align_to(header + list, 8.0) + LINE_POINTER);
            }
        }
    }
    let leaves = (entry_bytes / (PAGE * ENTRY_FILL)).ceil().max(1.0);
    let inner = if leaves > 1.0 { (leaves / 150.0).ceil() } else { 0.0 };
    sum.entry = leaves + inner;
    sum
}

/// Mean bytes of an item: the difference to the one before, seven bits a byte, where an address is its block's number
/// and eleven bits (`encode_varbyte`). Rows of a key are taken to lie anywhere.
fn item_bytes(key_rows: f64, rows: f64, per_block: f64) -> f64 {
    let gap = (rows / key_rows).max(1.0);
    // In the same block as the one before it, by the chance that one comes among the rest of the block.
    let same_block = 1.0 - (-(per_block / gap) / 2.0).exp();
    let blocks = (gap / per_block).max(1e-9);
    let within = |bound: f64| 1.0 - (-bound / blocks).exp();
    let (two, three) = (within(8.0), within(1024.0));
    same_block + (1.0 - same_block) * (2.0 * two + 3.0 * (three - two) + 4.0 * (1.0 - three))
}

/// The entries that a key's values make, and the width of an entry's key.
fn entries(key: &KeySpec, table: &Table, column: &Stored<'_>, rows: f64) -> (Vec<Entries>, f64) {
    let base = match &key.target {
        KeyTarget::Column(attnum) => table.column(*attnum).map(|c| c.ty.base.as_str()),
        KeyTarget::Expression(_) => None,
    };
    let stats = column.stats.as_deref();
    let nulls = stats.map_or(0.0, |s| s.null_frac);
    let present = rows * (1.0 - nulls);
    let opclass = key.opclass.as_deref().unwrap_or_default();
    let sampled = |split: &dyn Fn(&str) -> BTreeSet<Entry>| stats.and_then(|s| sampled(s, present, split));
    if has_trigrams(key) {
        let groups = sampled(&trigrams).unwrap_or_else(|| guessed(present, column.width, 4000.0));
        return (groups, 4.0);
    }
    if base == Some("jsonb") {
        let path = opclass.contains("path_ops");
        let split = |text: &str| jsonb_entries(text, path);
        let guess = || {
            let pairs = column.width / 24.0;
            guessed(present, if path { pairs } else { 2.0 * pairs }, present.sqrt())
        };
        return (sampled(&split).unwrap_or_else(guess), if path { 4.0 } else { 9.0 });
    }
    if let Some(elements) = stats.and_then(|s| s.elements.as_ref()) {
        let extra = if base == Some("tsvector") { 2 } else { 3 };
        let common = elements.freqs.get(..elements.freqs.len().saturating_sub(extra)).unwrap_or_default();
        let letters = elements.values.as_ref().map_or(7.0, |v| mean_length(v));
        let covered: f64 = common.iter().sum();
        let per_row = if base == Some("tsvector") {
            ((column.width - 8.0) / (letters + LEXEME_OVERHEAD)).max(covered)
        } else {
            elements.count_histogram.last().copied().unwrap_or(covered)
        };
        let mut groups: Vec<Entries> =
            common.iter().map(|freq| Entries { count: 1.0, rows: (freq * present).max(1.0) }).collect();
        // What is rarer than the rarest of these.
        let rest = (per_row - covered).max(0.0) * present;
        if rest > 0.05 * per_row * present {
            let rarest = common.iter().copied().fold(1.0, f64::min) * present;
            // Somewhere between one row and those of the rarest.
            let each = rarest.max(1.0).sqrt();
            groups.push(Entries { count: rest / each, rows: each });
        }
        let width = match table_element_length(key, table) {
            Some(length) => length,
            None => letters + 1.0,
        };
        return (groups, width);
    }
    match base {
        Some("tsvector") => (guessed(present, column.width / 15.0, present.sqrt()), 8.0),
        _ => (guessed(present, column.width / 8.0, present.sqrt()), 8.0),
    }
}

/// Bytes of an array's elements where all are as long.
fn table_element_length(key: &KeySpec, table: &Table) -> Option<f64> {
    let KeyTarget::Column(attnum) = &key.target else { return None };
    match table.column(*attnum)?.ty.element.as_deref()? {
        "int2" => Some(2.0),
        "int4" | "date" | "oid" | "float4" => Some(4.0),
        "int8" | "timestamp" | "timestamptz" | "float8" => Some(8.0),
        "uuid" => Some(16.0),
        _ => None,
    }
}

fn mean_length(values: &[String]) -> f64 {
    values.iter().map(String::len).sum::<usize>() as f64 / values.len().max(1) as f64
}

/// So many entries a row, evenly from so many different ones.
fn guessed(rows: f64, per_row: f64, distinct: f64) -> Vec<Entries> {
    let items = rows * per_row.max(1.0);
    let count = distinct.clamp(1.0, items.max(1.0));
    vec![Entries { count, rows: (items / count).clamp(1.0, rows.max(1.0)) }]
}

/// The entries of the values that the statistics hold, each standing for its share of the rows; `None` where there
/// are too few. How many different ones all rows hold follows from how many come once in the sample (`Duj1`, as
/// ANALYZE has it for values).
fn sampled(stats: &ColumnStats, rows: f64, split: &dyn Fn(&str) -> BTreeSet<Entry>) -> Option<Vec<Entries>> {
    const FEWEST: usize = 20;
    let common = stats.mcv_values.as_deref().unwrap_or_default();
    let bounds = stats.histogram_bounds.as_deref().unwrap_or_default();
    if common.len() + bounds.len() < FEWEST {
        return None;
    }
    let covered: f64 = stats.mcv_freqs.iter().sum();
    let rest = (1.0 - stats.null_frac - covered).max(0.0) / bounds.len().max(1) as f64;
    let weighted = common.iter().zip(&stats.mcv_freqs).map(|(v, f)| (v, *f)).chain(bounds.iter().map(|v| (v, rest)));
    let mut seen: BTreeMap<Entry, (usize, f64)> = BTreeMap::new();
    for (value, weight) in weighted {
        for entry in split(value) {
            let place = seen.entry(entry).or_default();
            place.0 += 1;
            place.1 += weight;
        }
    }
    let often = seen.values().filter(|(times, _)| *times > 1);
    let mut groups: Vec<Entries> =
        often.map(|(_, w)| Entries { count: 1.0, rows: (w * rows).clamp(1.0, rows) }).collect();
    // By class: names and numbers of one document repeat differently.
    let mut classes: BTreeMap<&str, Class> = BTreeMap::new();
    for ((class, _), (times, weight)) in &seen {
        let class = classes.entry(class).or_default();
        class.distinct += 1.0;
        class.occurrences += *times as f64;
        if *times == 1 {
            class.once += 1.0;
            class.once_weight += weight;
        }
    }
    let samples = (common.len() + bounds.len()) as f64;
    for class in classes.values().filter(|c| c.once > 0.0) {
        let Class { distinct: d, occurrences: n, once: f1, once_weight } = *class;
        let items = once_weight * rows;
        let all = n * d / (n - f1 + f1 * samples / rows).max(1e-9);
        // The bounds of a histogram lie apart by design and repeat less than a sample: no more than there are values.
        let most = stats.distinct(rows).unwrap_or(rows).min(items).max(f1);
        let count = (all - (d - f1)).clamp(f1, most);
        groups.push(Entries { count, rows: (items / count).max(1.0) });
    }
    Some(groups)
}

/// An entry, after its class: the path that it stands under in a document.
type Entry = (String, String);

/// What a sample shows of one class of entries.
#[derive(Debug, Clone, Copy, Default)]
struct Class {
    distinct: f64,
    occurrences: f64,
    once: f64,
    /// The share of rows that those seen once stand for.
    once_weight: f64,
}

/// The trigrams of a text's words, as pg_trgm takes them: in lower case, two spaces before and one behind.
fn trigrams(text: &str) -> BTreeSet<Entry> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words
        .flat_map(|word| {
            let padded: Vec<char> = format!("  {word} ").chars().collect();
            padded.windows(3).map(|w| (String::new(), w.iter().collect())).collect::<Vec<Entry>>()
        })
        .collect()
}

/// What `gin_extract_jsonb` (keys and values apart) or `gin_extract_jsonb_path` (paths to values) makes of a document.
fn jsonb_entries(text: &str, path: bool) -> BTreeSet<Entry> {
    fn walk(value: &Value, above: &str, path: bool, into: &mut BTreeSet<Entry>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    if !path {
                        into.insert((String::new(), format!("K{key}")));
                    }
                    walk(value, &format!("{above}/{key}"), path, into);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, above, path, into)),
            scalar => {
                into.insert((above.to_owned(), format!("V{scalar}")));
            }
        }
    }
    let mut found = BTreeSet::new();
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        walk(&value, "", path, &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_those_of_the_operator_classes() {
        let texts = |entries: BTreeSet<Entry>| entries.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(trigrams("Ab-cd")), ["  a", "  c", " ab", " cd", "ab ", "cd "]);
        let document = r#"{"a": {"b": [1, 2]}, "c": "x"}"#;
        assert_eq!(jsonb_entries(document, false).len(), 6);
        assert_eq!(texts(jsonb_entries(document, true)), ["V1", "V2", "V\"x\""]);
    }

    #[test]
    fn dense_keys_cost_a_byte_a_row_and_sparse_ones_three() {
        assert!(item_bytes(100_000.0, 100_000.0, 100.0) < 1.5);
        let sparse = item_bytes(10.0, 100_000.0, 50.0);
        assert!((2.5..3.1).contains(&sparse), "{sparse}");
    }
}
