//! Operators on ranges by histograms of bounds and lengths (`rangetypes_selfuncs.c`).

use std::cmp::Ordering;

use super::compare;
use super::parsed::Ranges;
use super::restriction::{Call, DEFAULT_INEQ, Restriction, clamp};
use super::scalar::number;
use crate::planner::env::Env;
use crate::planner::root::Root;
use crate::planner::value::Datum;

/// Microseconds of a second, in which differences of times are measured.
const SECOND: f64 = 1_000_000.0;
/// Microseconds of a day, in which differences of dates are measured.
const DAY: f64 = 86_400.0 * SECOND;

/// One end of a range (`RangeBound`).
#[derive(Debug, Clone)]
pub(super) struct Bound {
    /// The value; `None`: infinite.
    value: Option<Datum>,
    inclusive: bool,
    lower: bool,
}

impl Bound {
    /// Both ends of a range that is not empty.
    pub(super) fn both(range: &Datum) -> Option<(Self, Self)> {
        let Datum::Range { empty: false, lower, upper } = range else { return None };
        let bound = |end: &Option<(Box<Datum>, bool)>, lower| match end {
            Some((value, inclusive)) => Self { value: Some(value.as_ref().clone()), inclusive: *inclusive, lower },
            None => Self { value: None, inclusive: false, lower },
        };
        Some((bound(lower, true), bound(upper, false)))
    }

    /// `range_cmp_bounds`.
    pub(super) fn order(&self, env: &Env<'_>, other: &Self) -> Ordering {
        match (&self.value, &other.value) {
            (None, None) => match (self.lower, other.lower) {
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                _ => Ordering::Equal,
            },
            (None, Some(_)) => {
                if self.lower {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (Some(_), None) => {
                if other.lower {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (Some(a), Some(b)) => {
                compare::order(env, 0, a, b).unwrap_or(Ordering::Equal).then_with(|| self.beside().cmp(&other.beside()))
            }
        }
    }

    /// Whether it lies just before (-1), at, or just after (1) its value.
    fn beside(&self) -> i8 {
        match (self.inclusive, self.lower) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => -1,
        }
    }

    /// How far it is above another, as the subtype measures.
    fn difference(&self, other: &Self) -> Option<f64> {
        let (a, b) = (self.value.as_ref()?, other.value.as_ref()?);
        let unit = match a {
            Datum::Timestamp(_) | Datum::Time(_) => SECOND,
            Datum::Date(_) => DAY,
            _ => 1.0,
        };
        Some((number(a)? - number(b)?) / unit)
    }

    /// `get_distance`, up to another bound.
    fn distance_to(&self, other: &Self) -> f64 {
        match (&self.value, &other.value) {
            (Some(_), Some(_)) => other.difference(self).filter(|d| *d >= 0.0).unwrap_or(1.0),
            (None, None) if self.lower == other.lower => 0.0,
            _ => f64::INFINITY,
        }
    }

    /// `get_position` between two bounds of a histogram.
    fn position(&self, low: &Self, high: &Self) -> f64 {
        match (&low.value, &high.value) {
            (Some(_), Some(_)) => {
                let width = high.difference(low).filter(|w| *w > 0.0);
                match (self.difference(low), width) {
                    (Some(offset), Some(width)) => (offset / width).clamp(0.0, 1.0),
                    _ => 0.5,
                }
            }
            (None, Some(_)) => f64::from(u8::from(!(self.value.is_none() && self.lower))),
            (Some(_), None) => f64::from(u8::from(self.value.is_none() && !self.lower)),
            (None, None) => 0.5,
        }
    }
}

/// Sorted bounds.
struct Histogram<'h, 'e, 'a> {
    env: &'e Env<'a>,
    bounds: &'h [Bound],
}

impl Histogram<'_, '_, '_> {
    fn buckets(&self) -> f64 {
        (self.bounds.len() - 1) as f64
    }

    /// How many bounds are below a value, or with `equal` not above it (`rbound_bsearch`, plus one).
    fn below(&self, value: &Bound, equal: bool) -> usize {
        self.bounds.partition_point(|b| match b.order(self.env, value) {
            Ordering::Less => true,
            Ordering::Equal => equal,
            Ordering::Greater => false,
        })
    }

    fn position(&self, value: &Bound, bucket: usize) -> f64 {
        match (self.bounds.get(bucket), self.bounds.get(bucket + 1)) {
            (Some(low), Some(high)) => value.position(low, high),
            _ => 0.0,
        }
    }

    /// Share of bounds below a value (`calc_hist_selectivity_scalar`).
    fn share(&self, value: &Bound, equal: bool) -> f64 {
        let Some(bucket) = self.below(value, equal).checked_sub(1) else { return 0.0 };
        (bucket as f64 + self.position(value, bucket)) / self.buckets()
    }
}

/// `rangesel`, and as far as their one range goes `multirangesel`.
pub(super) fn selectivity(root: &Root<'_>, call: &Call<'_>) -> f64 {
    let Some(fact) = root.env.facts.operator(call.operator) else { return DEFAULT_INEQ };
    let name = fact.name.as_str();
    let Some(found) = call.split(root) else { return default(name) };
    let Some(constant) = found.constant() else { return default(name) };
    let Some(value) = constant.value.as_deref() else { return 0.0 };
    let name = if found.on_left { name } else { commuted(name) };
    by_statistics(root, &found, name, value)
}

/// An operator with its operands exchanged.
fn commuted(name: &str) -> &str {
    match name {
        "@>" => "<@",
        "<@" => "@>",
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        "<<" => ">>",
        ">>" => "<<",
        // No range lies to the left of what does not extend to the right of it: these two have no commutator.
        other => other,
    }
}

/// `default_range_selectivity`.
fn default(name: &str) -> f64 {
    match name {
        "@>" | "<@" => 0.005,
        "<" | "<=" | ">" | ">=" | "<<" | ">>" | "&<" | "&>" => DEFAULT_INEQ,
        _ => 0.01,
    }
}

/// `calc_rangesel`.
fn by_statistics(root: &Root<'_>, found: &Restriction<'_>, name: &str, value: &Datum) -> f64 {
    let stats = found.var.stats.as_ref().and_then(|s| s.ranges.as_ref());
    let empty = stats.map_or(0.0, |s| s.empty);
    let is_range = matches!(value, Datum::Range { .. });
    let share = if let Datum::Range { empty: true, .. } = value {
        match name {
            "<@" | "<=" => empty,
            "@>" | ">=" => 1.0,
            ">" => 1.0 - empty,
            _ => 0.0,
        }
    } else {
        let element = || Datum::Range {
            empty: false,
            lower: Some((Box::new(value.clone()), true)),
            upper: Some((Box::new(value.clone()), true)),
        };
        let bounds = if is_range { Bound::both(value) } else { Bound::both(&element()) };
        // `range @> element` is the same as overlapping it.
        let name = if !is_range && name == "@>" { "&&" } else { name };
        let by_histogram = bounds.zip(stats).and_then(|((low, high), s)| by_histogram(root.env, s, name, &low, &high));
        let share = by_histogram.unwrap_or_else(|| default(name));
        let rest = (1.0 - empty) * share;
        if name == "<@" { rest + empty } else { rest }
    };
    clamp(share * (1.0 - found.var.null_frac()))
}

/// `calc_hist_selectivity`.
fn by_histogram(env: &Env<'_>, stats: &Ranges, name: &str, low: &Bound, high: &Bound) -> Option<f64> {
    if stats.lower.len() < 2 {
        return None;
    }
    let lower = Histogram { env, bounds: &stats.lower };
    let upper = Histogram { env, bounds: &stats.upper };
    let share = match name {
        "<" => lower.share(low, false),
        "<=" => lower.share(low, true),
        ">" | "&>" => 1.0 - lower.share(low, false),
        ">=" => 1.0 - lower.share(low, true),
        "<<" => upper.share(low, false),
        ">>" => 1.0 - lower.share(high, true),
        "&<" => upper.share(high, true),
        "&&" => 1.0 - (upper.share(low, false) + (1.0 - lower.share(high, true))),
        "@>" if stats.lengths.len() >= 2 => containing(&lower, &stats.lengths, low, high),
        "<@" if low.value.is_none() => upper.share(high, true),
        "<@" if high.value.is_none() => 1.0 - lower.share(low, false),
        "<@" if stats.lengths.len() >= 2 => within(&lower, &stats.lengths, low, high),
        _ => return None,
    };
    Some(clamp(share))
}

/// Ranges within another: those that begin in it and are short enough (`calc_hist_selectivity_contained`).
fn within(lower: &Histogram<'_, '_, '_>, lengths: &[f64], low: &Bound, high: &Bound) -> f64 {
    let end = Bound { value: high.value.clone(), inclusive: !high.inclusive, lower: true };
    let Some(last) = lower.below(&end, false).checked_sub(1) else { return 0.0 };
    let last = last.min(lower.bounds.len() - 2);
    let mut width = lower.position(&end, last);
    let (mut sum, mut before) = (0.0, 0.0);
    for (bucket, start) in lower.bounds.iter().enumerate().take(last + 1).rev() {
        let is_first = start.order(lower.env, low) == Ordering::Less;
        let distance = if is_first {
            width = (width - lower.position(low, bucket)).max(0.0);
            low.distance_to(&end)
        } else {
            start.distance_to(&end)
        };
        sum += shorter(lengths, before, distance, true) * width / lower.buckets();
        if is_first {
            break;
        }
        width = 1.0;
        before = distance;
    }
    sum
}

/// Ranges around another: those that begin before it and are long enough (`calc_hist_selectivity_contains`).
fn containing(lower: &Histogram<'_, '_, '_>, lengths: &[f64], low: &Bound, high: &Bound) -> f64 {
    let Some(last) = lower.below(low, true).checked_sub(1) else { return 0.0 };
    let last = last.min(lower.bounds.len() - 2);
    let mut width = lower.position(low, last);
    let (mut sum, mut before) = (0.0, low.distance_to(high));
    for start in lower.bounds.iter().take(last + 1).rev() {
        let distance = start.distance_to(high);
        sum += (1.0 - shorter(lengths, before, distance, false)) * width / lower.buckets();
        width = 1.0;
        before = distance;
    }
    sum
}

/// Average share of ranges shorter than a length between two (`calc_length_hist_frac`).
fn shorter(lengths: &[f64], from: f64, to: f64, equal: bool) -> f64 {
    if to < 0.0 {
        return 0.0;
    }
    if to.is_infinite() && equal {
        return 1.0;
    }
    let buckets = (lengths.len() - 1) as f64;
    let position = |value: f64, at: usize| match (lengths.get(at), lengths.get(at + 1)) {
        (Some(low), Some(high)) if low.is_finite() && high.is_finite() => 1.0 - (high - value) / (high - low),
        (Some(low), Some(high)) if low.is_infinite() && high.is_finite() => 1.0,
        (Some(low), Some(_)) if low.is_finite() => 0.0,
        _ => 0.5,
    };
    let below = lengths.partition_point(|l| *l < from || (equal && *l <= from));
    if below >= lengths.len() {
        return 1.0;
    }
    let (mut at, start) = match below.checked_sub(1) {
        None => (0, 0.0),
        Some(at) => (at, position(from, at)),
    };
    let mut share = (at as f64 + start) / buckets;
    if to == from {
        return share;
    }
    let (mut area, mut place) = (0.0, from);
    let mut step = |share: &mut f64, place: &mut f64, next_share: f64, next: f64| {
        if *share > 0.0 || next_share > 0.0 {
            area += 0.5 * (next_share + *share) * (next - *place);
        }
        (*share, *place) = (next_share, next);
    };
    while let Some(next) = lengths.get(at + 1).filter(|n| **n < to || (equal && **n <= to)) {
        step(&mut share, &mut place, at as f64 / buckets, *next);
        at += 1;
    }
    let last = match (lengths.get(at), lengths.get(at + 1)) {
        (Some(low), Some(high)) if low != high => position(to, at),
        _ => 0.0,
    };
    step(&mut share, &mut place, (at as f64 + last) / buckets, to);
    if area.is_infinite() && to.is_infinite() { 0.5 } else { area / (to - from) }
}
