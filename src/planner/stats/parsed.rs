//! Column statistics with their values parsed: once a column and run, not once a statement.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use crate::planner::expr::types;
use crate::planner::facts::Facts;
use crate::planner::value::Datum;
use crate::snapshot::{ColumnStats, ElementStats, Oid};

/// Statistics of one expression, values parsed (a row of `pg_statistic`).
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// Share of NULLs.
    pub(super) null_frac: f64,
    /// `stadistinct`.
    pub(super) n_distinct: f64,
    /// Frequencies of the commonest values.
    pub(super) mcv_freqs: Vec<f64>,
    /// The commonest values, parallel to `mcv_freqs`; `None` where a value is withheld or not understood.
    pub(super) mcv: Vec<Option<Datum>>,
    /// Histogram bounds; empty where there are none, or where they are withheld or not understood.
    pub(super) histogram: Vec<Datum>,
    /// Number of histogram bounds, also where they are withheld.
    pub(super) histogram_len: usize,
    /// Statistics of elements.
    pub(super) elements: Option<Elements>,
}

/// Statistics of the elements of arrays, documents and text vectors (`MCELEM`, `DECHIST`).
#[derive(Debug, Default)]
pub(super) struct Elements {
    /// The commonest elements in ascending order, with frequencies; `None` where withheld.
    pub(super) common: Vec<(Option<Datum>, f64)>,
    /// Least frequency among them.
    pub(super) min: f64,
    /// Share of values with a NULL element.
    pub(super) null: Option<f64>,
    /// Histogram of the counts of distinct elements, then their average.
    pub(super) count_histogram: Vec<f64>,
}

impl Parsed {
    /// Whether a common value's text is not known.
    pub(super) fn mcv_withheld(&self) -> bool {
        self.mcv.iter().any(Option::is_none)
    }

    /// Sum of the common values' frequencies.
    pub(super) fn common_sum(&self) -> f64 {
        self.mcv_freqs.iter().sum()
    }

    fn new(facts: &Facts, ty: Oid, raw: &ColumnStats) -> Self {
        // Elements of documents and text vectors are text.
        let element = facts.ty(ty).map_or(types::TEXT, |t| if t.element == 0 { types::TEXT } else { t.element });
        let parse = |text: &String| super::compare::parse(facts, ty, text);
        let mcv: Vec<_> = match &raw.mcv_values {
            Some(values) if values.len() == raw.mcv_freqs.len() => values.iter().map(parse).collect(),
            _ => vec![None; raw.mcv_freqs.len()],
        };
        let bounds: Option<Vec<Datum>> = raw.histogram_bounds.iter().flatten().map(parse).collect();
        Self {
            null_frac: raw.null_frac,
            n_distinct: raw.n_distinct,
            mcv_freqs: raw.mcv_freqs.clone(),
            mcv,
            histogram: bounds.unwrap_or_default(),
            histogram_len: raw.histogram_len,
            elements: raw.elements.as_ref().map(|e| Elements::new(facts, element, e)),
        }
    }
}

impl Elements {
    fn new(facts: &Facts, ty: Oid, raw: &ElementStats) -> Self {
        // The view appends least, greatest and null frequency to those of the elements; text search types lack the
        // last.
        let count = match &raw.values {
            Some(values) => values.len(),
            None => raw.freqs.len().saturating_sub(3),
        };
        let tail = raw.freqs.get(count..).unwrap_or_default();
        let value = |i: usize| {
            raw.values.as_ref().and_then(|v| v.get(i)).and_then(|text| super::compare::parse(facts, ty, text))
        };
        let common: Vec<_> = raw.freqs.iter().take(count).enumerate().map(|(i, freq)| (value(i), *freq)).collect();
        let least = common.iter().map(|(_, f)| *f).fold(f64::INFINITY, f64::min);
        Self {
            min: tail.first().copied().unwrap_or(if least.is_finite() { least } else { 0.0 }),
            null: tail.get(2).copied(),
            count_histogram: raw.count_histogram.clone(),
            common,
        }
    }
}

/// Parsed statistics by the place of the raw ones, which outlive an [`Env`](crate::planner::Env).
#[derive(Debug, Default)]
pub struct Cache(Mutex<FxHashMap<usize, Arc<Parsed>>>);

impl Cache {
    /// The parsed form of statistics of values of a type.
    pub(super) fn get(&self, facts: &Facts, ty: Oid, raw: &ColumnStats) -> Arc<Parsed> {
        let key = std::ptr::from_ref(raw).addr();
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(map.entry(key).or_insert_with(|| Arc::new(Parsed::new(facts, ty, raw))))
    }
}
