//! Columns as an index stores them: how many bytes a value takes, as a distribution, and the tuples that they make
//! (`index_form_tuple`, `heap_compute_data_size`).
//!
//! A mean is not enough: tuples are rounded up to eight bytes, and `avg_width` is itself cut to a whole number. Where the
//! statistics hold values of a type whose length follows from its text, their lengths are taken.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::expression;
use crate::snapshot::{ColumnStats, IndexSpec, KeySpec, KeyTarget, Table};

/// `sizeof(IndexTupleData)`.
pub(super) const TUPLE_HEADER: f64 = 8.0;
/// `IndexAttributeBitMapData`: present in tuples that hold a NULL, and aligned with the header.
const NULL_BITMAP: u32 = 8;
/// Width assumed where statistics are missing (`get_typavgwidth`).
pub(super) const DEFAULT_WIDTH: f64 = 32.0;
/// Longest value whose header is one byte (`VARATT_SHORT_MAX`, less that byte).
const SHORT: usize = 126;
/// Longest index tuple (`BTMaxItemSize`, about a third of a page).
const LONGEST: u32 = 2704;
/// Fewest values that stand for a column's lengths, unless they are all values that there are.
const FEWEST: usize = 20;
/// Differences of share that do not count.
const TINY: f64 = 1e-9;

/// So many bytes, and the share of values or tuples that take them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Width {
    /// Bytes.
    pub(super) bytes: u32,
    /// 0 to 1.
    pub(super) share: f64,
}

/// One key or INCLUDE column.
pub(super) struct Stored<'a> {
    /// Bytes of values that are not NULL, header included.
    pub(super) widths: Vec<Width>,
    /// Alignment in bytes (`typalign`).
    pub(super) align: u32,
    pub(super) stats: Option<Cow<'a, ColumnStats>>,
}

impl Stored<'_> {
    /// Mean bytes of a value that is not NULL.
    pub(super) fn mean(&self) -> f64 {
        mean(&self.widths)
    }

    /// The share of rows that are NULL.
    pub(super) fn nulls(&self) -> f64 {
        self.stats.as_ref().map_or(0.0, |s| s.null_frac)
    }
}

/// The mean of a distribution.
pub(super) fn mean(widths: &[Width]) -> f64 {
    widths.iter().map(|w| f64::from(w.bytes) * w.share).sum()
}

/// Keys, then INCLUDE columns.
pub(super) fn columns<'a>(spec: &IndexSpec, table: &'a Table) -> Vec<Stored<'a>> {
    let keys = spec.keys.iter().map(|key| column(key, table));
    let include = spec.include.iter().map(|attnum| column(&KeySpec::column(*attnum), table));
    keys.chain(include).collect()
}

fn column<'a>(key: &KeySpec, table: &'a Table) -> Stored<'a> {
    let unknown = || Stored { widths: spread(DEFAULT_WIDTH), align: 1, stats: None };
    let column = match &key.target {
        KeyTarget::Column(attnum) => match table.column(*attnum) {
            Some(column) => column,
            None => return unknown(),
        },
        KeyTarget::Expression(sql) => {
            let found = expression::of(sql, table);
            let widths = if found.fixed {
                fixed(found.width)
            } else {
                found.lengths.filter(|widths| !widths.is_empty()).unwrap_or_else(|| spread(found.width))
            };
            return Stored { widths, align: found.align, stats: found.stats.map(Cow::Owned) };
        }
    };
    let stats = column.statistics().map(Cow::Borrowed);
    let length = f64::from(column.ty.length);
    if length > 0.0 {
        let align = match column.ty.alignment.as_str() {
            "d" => 8,
            "i" => 4,
            "s" => 2,
            _ => 1,
        };
        return Stored { widths: fixed(length), align, stats };
    }
    let lengths = stats.as_deref().and_then(|s| lengths_of(&column.ty.base, s));
    let mean = || stats.as_ref().map_or(DEFAULT_WIDTH, |s| f64::from(s.avg_width));
    Stored { widths: lengths.unwrap_or_else(|| spread(mean())), align: 1, stats }
}

/// Every value takes as many bytes.
pub(super) fn fixed(bytes: f64) -> Vec<Width> {
    vec![Width { bytes: whole(bytes), share: 1.0 }]
}

/// Widths about an `avg_width`, where nothing more is known. ANALYZE cuts the mean to a whole number, so that the true
/// one lies half a byte higher on average; about it, an eighth either side is taken to be as frequent.
pub(super) fn spread(avg_width: f64) -> Vec<Width> {
    let around = (avg_width / 8.0).floor();
    // Statistics may be absurd: one width at least.
    let low = whole(avg_width - around).max(1);
    let high = whole(avg_width + around + 1.0).max(low);
    let share = 1.0 / (f64::from(high) - f64::from(low) + 1.0);
    (low..=high).map(|bytes| Width { bytes, share }).collect()
}

/// The lengths of the values that the statistics hold, each standing for its share; `None` where they are too few, or
/// a type's text does not tell.
pub(super) fn lengths_of(base: &str, stats: &ColumnStats) -> Option<Vec<Width>> {
    let mut found: BTreeMap<u32, f64> = BTreeMap::new();
    for (value, share) in weighted_values(stats)? {
        *found.entry(stored_bytes(base, value)?).or_default() += share;
    }
    let sum: f64 = found.values().sum();
    Some(found.into_iter().map(|(bytes, share)| Width { bytes, share: share / sum }).collect())
}

/// The values that the statistics hold, each with the share of the rows without NULL that it stands for; `None` where
/// they do not stand for the column.
pub(super) fn weighted_values(stats: &ColumnStats) -> Option<Vec<(&str, f64)>> {
    let common = stats.mcv_values.as_deref().unwrap_or_default();
    let bounds = stats.histogram_bounds.as_deref().unwrap_or_default();
    let present = 1.0 - stats.null_frac;
    let covered: f64 = if common.is_empty() { 0.0 } else { stats.mcv_freqs.iter().sum() };
    // A handful of values is enough where there are no others.
    let complete = present > 0.0 && covered > 0.95 * present;
    if present <= 0.0 || (common.len() + bounds.len() < FEWEST && !complete) {
        return None;
    }
    let rest = if complete && bounds.is_empty() { 0.0 } else { (present - covered).max(0.0) };
    if bounds.is_empty() && rest > 0.05 * present {
        return None;
    }
    let each = rest / bounds.len().max(1) as f64;
    let common = common.iter().zip(&stats.mcv_freqs).map(|(value, freq)| (value.as_str(), *freq));
    let all: Vec<(&str, f64)> = common.chain(bounds.iter().map(|value| (value.as_str(), each))).collect();
    let sum: f64 = all.iter().map(|(_, share)| share).sum();
    (sum > 0.0).then(|| all.into_iter().map(|(value, share)| (value, share / sum)).collect())
}

/// Bytes of a value of variable length, its header included, from its text.
fn stored_bytes(base: &str, text: &str) -> Option<u32> {
    match base {
        "text" | "varchar" | "bpchar" => Some(varlena(text.len())),
        "numeric" => Some(numeric_bytes(text)),
        // Family, bits, address.
        "inet" | "cidr" => Some(if text.contains(':') { 19 } else { 7 }),
        "bytea" => text.strip_prefix("\\x").map(|hex| varlena(hex.len() / 2)),
        _ => None,
    }
}

/// Bytes with the header: of one byte where the value is short enough, else of four.
pub(super) fn varlena(length: usize) -> u32 {
    let header = if length <= SHORT { 1 } else { 4 };
    u32::try_from(length + header).unwrap_or(LONGEST).min(LONGEST)
}

/// `NumericShort`: a header of two bytes and two for each four decimal digits, zeros at both ends left out
/// (`strip_var`).
fn numeric_bytes(text: &str) -> u32 {
    let (whole, fraction) = text.trim_start_matches('-').split_once('.').unwrap_or((text.trim_start_matches('-'), ""));
    let mut groups: Vec<&[u8]> = whole.as_bytes().rchunks(4).rev().chain(fraction.as_bytes().chunks(4)).collect();
    let zero = |group: &&[u8]| group.iter().all(|digit| *digit == b'0');
    while groups.last().is_some_and(&zero) {
        groups.pop();
    }
    let leading = groups.iter().take_while(|group| zero(group)).count();
    varlena(2 + 2 * (groups.len() - leading))
}

/// Bytes of one leaf tuple that holds one row, line pointer excluded, as a distribution: columns in their order, each
/// aligned, those NULL left out, and the whole rounded up.
pub(super) fn tuple_widths(columns: &[Stored<'_>]) -> Vec<Width> {
    // By the offset reached and whether there was a NULL.
    let mut reached: BTreeMap<(u32, bool), f64> = BTreeMap::from([((0, false), 1.0)]);
    for column in columns {
        let nulls = column.nulls();
        let mut next = BTreeMap::new();
        for ((offset, null), share) in reached {
            if nulls > 0.0 {
                *next.entry((offset, true)).or_default() += share * nulls;
            }
            for width in &column.widths {
                let end = offset.next_multiple_of(column.align.max(1)) + width.bytes;
                let share = share * (1.0 - nulls) * width.share;
                if share > TINY {
                    *next.entry((end.min(LONGEST), null)).or_default() += share;
                }
            }
        }
        reached = next;
    }
    let mut widths: BTreeMap<u32, f64> = BTreeMap::new();
    for ((offset, null), share) in reached {
        let bytes = (whole(TUPLE_HEADER) + if null { NULL_BITMAP } else { 0 } + offset).next_multiple_of(8);
        *widths.entry(bytes).or_default() += share;
    }
    let sum: f64 = widths.values().sum();
    widths.into_iter().map(|(bytes, share)| Width { bytes, share: share / sum.max(TINY) }).collect()
}

fn whole(bytes: f64) -> u32 {
    u32::try_from(super::to_bytes(bytes)).unwrap_or(LONGEST).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whatif::fixture::stats;

    #[test]
    fn numbers_take_two_bytes_for_four_digits() {
        // select pg_column_size(row): one byte of header, two of sign and weight, then the digits.
        for (text, bytes) in
            [("0", 3), ("7", 5), ("10000", 5), ("12345", 7), ("5.25", 7), ("0.0001", 5), ("-1234.5", 7)]
        {
            assert_eq!(numeric_bytes(text), bytes, "{text}");
        }
    }

    #[test]
    fn a_mean_at_a_boundary_is_above_it_as_often() {
        // int8, then a text of eight bytes or nine, header and all: 24 bytes or 32.
        let id = Stored { widths: fixed(8.0), align: 8, stats: None };
        let widths = vec![Width { bytes: 8, share: 0.5 }, Width { bytes: 9, share: 0.5 }];
        let name = Stored { widths, align: 1, stats: None };
        let tuples = tuple_widths(&[id, name]);
        assert_eq!(tuples, [Width { bytes: 24, share: 0.5 }, Width { bytes: 32, share: 0.5 }]);
    }

    #[test]
    fn a_null_is_left_out_and_costs_a_bitmap() {
        let column = Stored { widths: fixed(8.0), align: 8, stats: Some(Cow::Owned(stats(-1.0, 8, 0.25))) };
        let tuples = tuple_widths(&[column]);
        assert_eq!(tuples, [Width { bytes: 16, share: 1.0 }]);
    }
}
