//! The entries that a GIN index makes of values: how many, with how many rows, how long.
//!
//! From the statistics of elements, else from the values that the statistics hold (trigrams of texts, keys and values of
//! jsonb documents), else guessed from the width.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::stored::{self, Stored};
use super::{has_trigrams, jsonb};
use crate::snapshot::{ElementStats, IndexSpec, KeySpec, KeyTarget, Table};

/// `default_statistics_target`.
const TARGET: f64 = 100.0;
/// Bytes of a lexeme in a tsvector beside its letters: its place (`WordEntry`), padding, the number of its positions and
/// one position.
const LEXEME_OVERHEAD: f64 = 8.5;
/// A tsvector's own header.
const TSVECTOR_HEADER: f64 = 8.0;
/// Longest text that a jsonb key or value is indexed as (`JGIN_MAXLENGTH`); longer ones by a hash of eight digits.
const LONGEST_TEXT: usize = 125;
/// Letters of a lexeme or element, where none is known.
const LETTERS: f64 = 7.0;

/// Entries that have as many rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entries {
    /// How many.
    pub(super) count: f64,
    /// Rows of each.
    pub(super) rows: f64,
    /// Bytes of each one's key.
    pub(super) key: f64,
}

/// The entries of an index on `rows` rows.
pub(super) fn of(spec: &IndexSpec, table: &Table, rows: f64) -> Vec<Entries> {
    let mut all = Vec::new();
    for (key, column) in spec.keys.iter().zip(stored::columns(spec, table)) {
        let nulls = rows * column.nulls();
        let mut found = of_key(key, table, &column, rows - nulls);
        if nulls >= 1.0 {
            // NULLs have an entry of their own (`GIN_CAT_NULL_ITEM`).
            found.push(Entries { count: 1.0, rows: nulls, key: 8.0 });
        }
        if spec.keys.len() > 1 {
            // The column's number stands before the key.
            for entry in &mut found {
                entry.key += 2.0;
            }
        }
        all.extend(found);
    }
    all.retain(|entry| entry.count > 0.0 && entry.rows > 0.0);
    all
}

fn of_key(key: &KeySpec, table: &Table, column: &Stored<'_>, present: f64) -> Vec<Entries> {
    let ty = match &key.target {
        KeyTarget::Column(attnum) => table.column(*attnum).map(|c| &c.ty),
        KeyTarget::Expression(_) => None,
    };
    let base = ty.map_or("", |t| t.base.as_str());
    let stats = column.stats.as_deref();
    let width = column.mean();
    if has_trigrams(key) {
        let sampled = stats.and_then(|s| {
            let values = stored::weighted_values(s)?.into_iter();
            Some(sampled(values.map(|(text, share)| (trigrams(text), share)), None, present))
        });
        return sampled.unwrap_or_else(|| guessed(present, width, 4000.0, 4.0));
    }
    if base == "jsonb" {
        let path = key.opclass.as_deref().is_some_and(|opclass| opclass.contains("path_ops"));
        let sampled = stats.and_then(|s| {
            let documents = jsonb::documents(s)?;
            let leading = jsonb::leading_path(documents.iter().map(|(document, _)| document));
            let values = documents.iter().map(|(document, share)| (jsonb_entries(document, path), *share));
            Some(sampled(values, leading.as_deref(), present))
        });
        return sampled.unwrap_or_else(|| {
            let pairs = width / 24.0;
            let (each, key) = if path { (pairs, 4.0) } else { (2.0 * pairs, 9.0) };
            guessed(present, each, present.sqrt(), key)
        });
    }
    let element = ty.and_then(|t| t.element.as_deref());
    if let Some(elements) = stats.and_then(|s| s.elements.as_ref()) {
        return counted(elements, base == "tsvector", element, width, present);
    }
    let (each, key) = if base == "tsvector" { (15.0, LETTERS + 1.0) } else { (8.0, element_bytes(element, None)) };
    guessed(present, width / each, present.sqrt(), key)
}

/// From the most common elements. What is rarer is taken to go on as the rarer half of them does, by a power of the
/// rank.
fn counted(elements: &ElementStats, lexemes: bool, element: Option<&str>, width: f64, present: f64) -> Vec<Entries> {
    let extra = if lexemes { 2 } else { 3 };
    let common = elements.freqs.get(..elements.freqs.len().saturating_sub(extra)).unwrap_or_default();
    let texts = elements.values.as_deref();
    let covered: f64 = common.iter().sum();
    let letters = texts.map_or(LETTERS, |v| v.iter().map(String::len).sum::<usize>() as f64 / v.len().max(1) as f64);
    let each = if lexemes {
        // The common ones are the shorter ones.
        let weighted = texts.map(|v| v.iter().zip(common).map(|(text, freq)| text.len() as f64 * freq).sum::<f64>());
        let mean = weighted.filter(|_| covered > 0.0).map_or(letters, |sum| sum / covered);
        (width - TSVECTOR_HEADER) / (mean + LEXEME_OVERHEAD)
    } else {
        elements.count_histogram.last().copied().unwrap_or(covered)
    };
    let bytes = |text: Option<&String>| {
        if lexemes {
            text.map_or(letters, |t| t.len() as f64) + 1.0
        } else {
            element_bytes(element, text.map(String::as_str))
        }
    };
    let mut entries: Vec<Entries> = common
        .iter()
        .enumerate()
        .map(|(n, freq)| Entries {
            count: 1.0,
            rows: (freq * present).max(1.0),
            key: bytes(texts.and_then(|texts| texts.get(n))),
        })
        .collect();
    let key = if texts.is_some() || lexemes { element_bytes_like(&entries, letters, lexemes) } else { bytes(None) };
    let left = (each - covered).max(0.0) * present;
    entries.extend(tail(common, each, left, present, key));
    entries
}

/// The elements too rare to be listed, which are `left` times in the rows.
fn tail(common: &[f64], each: f64, left: f64, present: f64, key: f64) -> Vec<Entries> {
    // A share of a hundredth is within the error of how many elements a row has.
    if left < 0.01 * each * present || left < 1.0 {
        return Vec::new();
    }
    let listed = common.len() as f64;
    // Sorted by element, not by frequency.
    let mut sorted = common.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let rarest = sorted.last().copied().unwrap_or(1.0);
    // Fewer than the list could hold: none that is more frequent than the counting's error is left out
    // (`compute_array_stats`: lossy counting with an error of a seventh of a thousandth of the list's length).
    let capacity = 10.0 * TARGET;
    let from = if listed < capacity { rarest.min(9.0 * each * 7.0 / (capacity * 1000.0)) } else { rarest };
    let from = from.max(1.0 / present);
    let slope = match (sorted.get(sorted.len() / 2), sorted.len()) {
        (Some(middle), n) if n >= 10 => ((middle / rarest).ln() / 2.0_f64.ln()).clamp(0.0, 3.0),
        _ => 0.0,
    };
    let mut entries = Vec::new();
    let (mut rank, mut left) = (listed.max(1.0), left);
    while left >= 1.0 {
        let frequency = from * ((rank * 1.25) / listed.max(1.0)).powf(-slope);
        let rows = frequency * present;
        if rows <= 1.0 || slope <= 0.0 {
            let rows = rows.max(1.0);
            entries.push(Entries { count: left / rows, rows, key });
            break;
        }
        // Ranks up to half as many again.
        let count = (rank * 0.5).min(left / rows);
        entries.push(Entries { count, rows, key });
        left -= count * rows;
        rank *= 1.5;
    }
    entries
}

/// Bytes of the keys that are not listed: as long as those listed.
fn element_bytes_like(entries: &[Entries], letters: f64, lexemes: bool) -> f64 {
    if entries.is_empty() {
        return letters + if lexemes { 1.0 } else { 2.0 };
    }
    entries.iter().map(|e| e.key).sum::<f64>() / entries.len() as f64
}

/// Bytes of an array's element as a key.
fn element_bytes(element: Option<&str>, text: Option<&str>) -> f64 {
    match element {
        Some("int2") => 2.0,
        Some("int4" | "date" | "oid" | "float4") => 4.0,
        Some("int8" | "timestamp" | "timestamptz" | "float8") => 8.0,
        Some("uuid") => 16.0,
        _ => text.map_or(LETTERS + 1.0, |t| f64::from(stored::varlena(t.len()))),
    }
}

/// So many entries a row, evenly from so many different ones.
fn guessed(rows: f64, per_row: f64, distinct: f64, key: f64) -> Vec<Entries> {
    let items = rows * per_row.max(1.0);
    let count = distinct.clamp(1.0, items.max(1.0));
    vec![Entries { count, rows: (items / count).clamp(1.0, rows.max(1.0)), key }]
}

/// An entry with the class that it belongs to (the path that it stands under in a document), its text, the bytes of its
/// key, and its value where it is a whole number.
type Entry = (String, String, u32, Option<i64>);

/// The entries of the values that the statistics hold, each value standing for its share of the rows. How many
/// different ones all rows hold is estimated by class: names and numbers of one document repeat differently.
fn sampled(values: impl Iterator<Item = (BTreeSet<Entry>, f64)>, leading: Option<&str>, present: f64) -> Vec<Entries> {
    let mut classes: BTreeMap<String, (jsonb::Class, f64, f64)> = BTreeMap::new();
    for (entries, share) in values {
        for (class, text, bytes, number) in entries {
            let (class, key, total) = classes.entry(class).or_default();
            class.add(text, share, number);
            *key += f64::from(bytes) * share;
            *total += share;
        }
    }
    let mut groups = Vec::new();
    for (path, (class, key, total)) in &classes {
        let key = key / total;
        let leads = leading == Some(path.as_str());
        let rows_of = |share: f64| (share * present).clamp(1.0, present.max(1.0));
        let repeated: Vec<f64> = class.repeated().collect();
        let (once, once_share) = class.once();
        let distinct = class.distinct(total * present, leads);
        // Along the path that the sample is sorted by, one that repeats is no more common than the others.
        groups.extend(repeated.iter().map(|share| Entries { count: 1.0, rows: rows_of(*share), key }));
        if once > 0.0 {
            let items = once_share * present;
            let count = (distinct - repeated.len() as f64).clamp(once, items.max(once));
            groups.push(Entries { count, rows: (items / count).max(1.0), key });
        }
    }
    groups
}

/// The trigrams of a text's words, as pg_trgm takes them: in lower case, two spaces before and one behind.
fn trigrams(text: &str) -> BTreeSet<Entry> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words
        .flat_map(|word| {
            let padded: Vec<char> = format!("  {word} ").chars().collect();
            let entry = |w: &[char]| (String::new(), w.iter().collect(), 4, None);
            padded.windows(3).map(entry).collect::<Vec<Entry>>()
        })
        .collect()
}

/// What `gin_extract_jsonb` (keys and values apart) or `gin_extract_jsonb_path` (hashes of paths to values) makes of a
/// document.
fn jsonb_entries(document: &Value, path: bool) -> BTreeSet<Entry> {
    // A flag and the text.
    fn text_key(length: usize) -> u32 {
        stored::varlena(1 + if length > LONGEST_TEXT { 8 } else { length })
    }
    fn walk(value: &Value, above: &str, path: bool, into: &mut BTreeSet<Entry>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    if !path {
                        into.insert((String::new(), format!("K{key}"), text_key(key.len()), None));
                    }
                    walk(value, &format!("{above}/{key}"), path, into);
                }
            }
            Value::Array(items) => {
                for item in items {
                    if let (Value::String(text), false) = (item, path) {
                        // Strings in an array are keys to the operator `?`.
                        into.insert((format!("{above}/"), format!("K{text}"), text_key(text.len()), None));
                    } else {
                        walk(item, above, path, into);
                    }
                }
            }
            scalar => {
                let text = scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned);
                let bytes = match scalar {
                    _ if path => 4,
                    Value::Null | Value::Bool(_) => text_key(1),
                    _ => text_key(text.len()),
                };
                into.insert((above.to_owned(), format!("V{text}"), bytes, scalar.as_i64()));
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(document, "", path, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_those_of_the_operator_classes() {
        let texts = |entries: BTreeSet<Entry>| entries.into_iter().map(|(_, text, ..)| text).collect::<Vec<_>>();
        assert_eq!(texts(trigrams("Ab-cd")), ["  a", "  c", " ab", " cd", "ab ", "cd "]);
        let document = serde_json::json!({"a": {"b": [1, 2]}, "c": "x"});
        assert_eq!(jsonb_entries(&document, false).len(), 6);
        assert_eq!(texts(jsonb_entries(&document, true)), ["V1", "V2", "Vx"]);
    }

    #[test]
    fn a_flat_list_goes_on_flat_and_a_steep_one_falls() {
        let flat = tail(&[0.01; 100], 3.0, 100_000.0, 50_000.0, 5.0);
        assert_eq!(flat.len(), 1);
        let steep: Vec<f64> = (1..=1000).map(|rank| 0.1 / f64::from(rank)).collect();
        let steep = tail(&steep, 3.0, 20_000.0, 50_000.0, 5.0);
        let rows: f64 = steep.iter().map(|e| e.count * e.rows).sum();
        assert!(steep.len() > 1 && (rows - 20_000.0).abs() < 10.0, "{steep:?}");
    }
}
