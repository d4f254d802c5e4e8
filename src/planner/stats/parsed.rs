//! Column statistics with their values parsed: once a column and run, not once a statement.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::expression::Known;
use super::ranges::Bound;
use crate::planner::env::Env;
use crate::planner::expr::{Expr, types};
use crate::planner::facts::Facts;
use crate::planner::value::Datum;
use crate::snapshot::{ColumnStats, ElementStats, ExtendedStatistics, KnownValue, Oid, RangeStats, Table};

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
    /// Statistics of ranges.
    pub(super) ranges: Option<Ranges>,
    /// Places of withheld common values among all withheld values, parallel to `mcv_freqs`; else empty.
    pub(super) mcv_ranks: Vec<u32>,
}

/// Statistics of ranges (`BOUNDS_HISTOGRAM`, `RANGE_LENGTH_HISTOGRAM`).
#[derive(Debug, Default)]
pub(super) struct Ranges {
    /// Share of empty ranges.
    pub(super) empty: f64,
    /// Lower bounds in ascending order; empty where they are withheld.
    pub(super) lower: Vec<Bound>,
    /// Upper bounds in ascending order.
    pub(super) upper: Vec<Bound>,
    /// Lengths in ascending order.
    pub(super) lengths: Vec<f64>,
}

impl Ranges {
    fn new(facts: &Facts, ty: Oid, raw: &RangeStats) -> Self {
        let bounds: Option<Vec<(Bound, Bound)>> = raw
            .bounds_histogram
            .iter()
            .flatten()
            .map(|text| Bound::both(&super::compare::parse(facts, ty, text)?))
            .collect();
        let (lower, upper) = bounds.unwrap_or_default().into_iter().unzip();
        let lengths: Option<Vec<f64>> = raw.length_histogram.iter().map(|text| text.parse().ok()).collect();
        Self { empty: share(raw.empty_frac), lower, upper, lengths: lengths.unwrap_or_default() }
    }
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
            _ => known(raw.mcv_freqs.len(), raw.withheld.iter().flat_map(|w| &w.known), parse),
        };
        let bounds: Option<Vec<Datum>> = raw.histogram_bounds.iter().flatten().map(parse).collect();
        let spelt_out = raw.withheld.as_ref().map_or(&[][..], |w| &w.known_elements);
        Self {
            null_frac: share(raw.null_frac),
            n_distinct: if raw.n_distinct.is_finite() { raw.n_distinct.max(-1.0) } else { 0.0 },
            mcv_freqs: raw.mcv_freqs.iter().map(|f| share(*f)).collect(),
            mcv,
            histogram: bounds.unwrap_or_default(),
            histogram_len: raw.histogram_len,
            elements: raw.elements.as_ref().map(|e| Elements::new(facts, element, e, spelt_out)),
            ranges: raw.range.as_ref().map(|r| Ranges::new(facts, ty, r)),
            mcv_ranks: raw.withheld.as_ref().map_or_else(Vec::new, |w| w.mcv_ranks.clone()),
        }
    }
}

impl Elements {
    /// The frequency of an element that is not known to be a common one: `rare`, unless some common ones are withheld,
    /// of which it is then taken for an average one.
    pub(super) fn unknown(&self, rare: f64) -> f64 {
        if self.common.iter().all(|(value, _)| value.is_some()) {
            return rare;
        }
        self.common.iter().map(|(_, frequency)| *frequency).sum::<f64>() / self.common.len() as f64
    }

    fn new(facts: &Facts, ty: Oid, raw: &ElementStats, spelt_out: &[KnownValue]) -> Self {
        // The view appends least, greatest and null frequency to those of the elements; text search types lack the
        // last.
        let count = match &raw.values {
            Some(values) => values.len(),
            None => raw.freqs.len().saturating_sub(3),
        };
        let tail = raw.freqs.get(count..).unwrap_or_default();
        let parse = |text: &String| super::compare::parse(facts, ty, text);
        let values: Vec<Option<Datum>> = match &raw.values {
            Some(values) => values.iter().map(parse).collect(),
            None => known(count, spelt_out.iter(), parse),
        };
        let common: Vec<_> = values.into_iter().zip(raw.freqs.iter().map(|f| share(*f))).collect();
        let least = common.iter().map(|(_, f)| *f).fold(f64::INFINITY, f64::min);
        Self {
            min: tail.first().copied().map_or(if least.is_finite() { least } else { 0.0 }, share),
            null: tail.get(2).copied().map(share),
            count_histogram: raw.count_histogram.iter().copied().filter(|count| count.is_finite()).collect(),
            common,
        }
    }
}

/// A frequency as it must be: what a snapshot says may be anything.
fn share(frequency: f64) -> f64 {
    if frequency.is_nan() { 0.0 } else { frequency.clamp(0.0, 1.0) }
}

/// Withheld values, of which some are spelt out elsewhere in the snapshot.
fn known<'k>(
    count: usize,
    known: impl Iterator<Item = &'k KnownValue>,
    parse: impl Fn(&String) -> Option<Datum>,
) -> Vec<Option<Datum>> {
    let mut values = vec![None; count];
    for item in known {
        if let Some(slot) = values.get_mut(item.position) {
            *slot = parse(&item.value);
        }
    }
    values
}

/// Parsed statistics by the place of the raw ones, which outlive an [`Env`](crate::planner::Env).
#[derive(Debug, Default)]
pub struct Cache {
    parsed: Mutex<FxHashMap<usize, Arc<Parsed>>>,
    /// Expressions of which something is known, by table.
    expressions: Mutex<FxHashMap<Oid, Arc<Vec<Known>>>>,
    /// Expressions of statistics objects, by the place of their definitions.
    objects: Mutex<FxHashMap<usize, Arc<Vec<Option<Expr>>>>>,
}

impl Cache {
    /// The parsed form of statistics of values of a type.
    pub(super) fn get(&self, facts: &Facts, ty: Oid, raw: &ColumnStats) -> Arc<Parsed> {
        let key = std::ptr::from_ref(raw).addr();
        let mut map = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(map.entry(key).or_insert_with(|| Arc::new(Parsed::new(facts, ty, raw))))
    }

    /// The expressions of a statistics object.
    pub(super) fn object_expressions(
        &self,
        env: &Env<'_>,
        table: &Table,
        object: &ExtendedStatistics,
    ) -> Arc<Vec<Option<Expr>>> {
        let key = std::ptr::from_ref(object).addr();
        let lock = || self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return Arc::clone(known);
        }
        let known = Arc::new(super::expression::of_object(env, table, object));
        Arc::clone(lock().entry(key).or_insert(known))
    }

    /// The expressions over a table's columns of which something is known.
    pub(super) fn expressions(&self, env: &Env<'_>, table: &Table) -> Arc<Vec<Known>> {
        let lock = || self.expressions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&table.oid) {
            return Arc::clone(known);
        }
        // Not under the lock: reading expressions may take a while.
        let known = Arc::new(super::expression::known(env, table));
        Arc::clone(lock().entry(table.oid).or_insert(known))
    }
}
