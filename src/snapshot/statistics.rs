//! Planner statistics: one column's (or index expression's) row of `pg_stats`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What ANALYZE knows about one column. Values are the text that the type's output function gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Whether the `--values` policy kept values out.
    pub values_withheld: bool,
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
