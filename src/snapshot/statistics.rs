//! Planner statistics: one column's (or index expression's) row of `pg_stats`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What ANALYZE knows about one column. Values are the text that the type's output function gives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnStats {
    /// Fraction of rows that are NULL, 0 to 1.
    pub null_frac: f64,
    /// Average width in bytes of a non-null value.
    pub avg_width: i32,
    /// As in `pg_stats`: a count when positive, minus the fraction of rows when negative, 0 when unknown.
    pub n_distinct: f64,
    /// Frequencies of the most common values, descending.
    pub mcv_freqs: Vec<f64>,
    /// The most common values, parallel to `mcv_freqs`; `None` where there are none or the policy withholds them.
    pub mcv_values: Option<Vec<String>>,
    /// Number of histogram bounds (buckets + 1), kept even where the bounds are withheld.
    pub histogram_len: usize,
    /// Histogram bounds in ascending order; `None` where there are none or the policy withholds them.
    pub histogram_bounds: Option<Vec<String>>,
    /// Correlation of physical and logical order, -1 to 1; absent for types without order.
    pub correlation: Option<f64>,
    /// Statistics of the elements of an array, jsonb or tsvector value.
    pub elements: Option<ElementStats>,
    /// Statistics of ranges or multiranges. Before 17 they are in no view, and only who may read `pg_statistic` sees
    /// them.
    #[serde(default)]
    pub range: Option<RangeStats>,
    /// Whether the `--values` policy kept values out.
    pub values_withheld: bool,
    /// In the place of values that were withheld (`--values safe`): what of them decides plans.
    #[serde(default)]
    pub withheld: Option<WithheldValues>,
}

/// Order and equality of values that a snapshot does not carry.
///
/// A rank is a value's place among all withheld values of the snapshot that sort by the same rules (C, or the
/// database's), equal values having the same: so values of two columns compare as they do in production. Nothing of a
/// value follows from its rank but which values it lies between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WithheldValues {
    /// Ranks of the most common values, parallel to [`ColumnStats::mcv_freqs`].
    pub mcv_ranks: Vec<u32>,
    /// Ranks of the histogram's bounds, in the histogram's order.
    pub bound_ranks: Vec<u32>,
    /// The most common values that a statement's text or the schema spells out anyway.
    pub known: Vec<KnownValue>,
    /// The most common elements that a statement's text or the schema spells out anyway.
    pub known_elements: Vec<KnownValue>,
}

/// A withheld value whose text is in the snapshot already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownValue {
    /// Position in the list of most common values or elements, counted from 0.
    pub position: usize,
    /// The value.
    pub value: String,
}

/// Statistics of a range or multirange column (`STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM`,
/// `STATISTIC_KIND_BOUNDS_HISTOGRAM`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RangeStats {
    /// Fraction of the non-null ranges that are empty.
    pub empty_frac: f64,
    /// Histogram of lengths, as the type's subtype difference measures them; infinite ones are `Infinity` in
    /// PostgreSQL's text, so text.
    pub length_histogram: Vec<String>,
    /// Number of ranges in the bounds' histogram, kept even where they are withheld.
    pub bounds_len: usize,
    /// Histogram of lower and upper bounds, paired up as ranges; `None` where withheld.
    pub bounds_histogram: Option<Vec<String>>,
}

/// Statistics of the elements of array-like values (`most_common_elems` and so on).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ElementStats {
    /// Frequencies of the most common elements, with the minimum, maximum and null frequencies at the end as in
    /// `pg_stats.most_common_elem_freqs`.
    pub freqs: Vec<f64>,
    /// The elements themselves; `None` where withheld.
    pub values: Option<Vec<String>>,
    /// Histogram of the counts of distinct elements, the average last, as in `pg_stats.elem_count_histogram`.
    pub count_histogram: Vec<f64>,
}

impl ColumnStats {
    /// The number of distinct values in a table of `rows` rows; at least 1. `None` where ANALYZE could not tell.
    pub fn distinct(&self, rows: f64) -> Option<f64> {
        if self.n_distinct > 0.0 {
            Some(self.n_distinct)
        } else if self.n_distinct < 0.0 {
            Some((-self.n_distinct * rows).max(1.0))
        } else {
            None
        }
    }
}
