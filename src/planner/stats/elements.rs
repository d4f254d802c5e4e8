//! Containment of arrays by the statistics of their elements (`array_selfuncs.c`).

use std::cmp::Ordering;

use super::compare;
use super::parsed::Elements;
use super::restriction::{Call, clamp};
use crate::planner::root::Root;
use crate::planner::value::Datum;

/// `DEFAULT_CONTAIN_SEL`.
const DEFAULT_CONTAIN: f64 = 0.005;
/// `DEFAULT_OVERLAP_SEL`.
const DEFAULT_OVERLAP: f64 = 0.01;
/// Work spent on a count histogram, per common element (`EFFORT`).
const EFFORT: usize = 100;

/// Which containment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `column @> constant`.
    Contains,
    /// `column <@ constant`.
    Contained,
    /// `column && constant`.
    Overlaps,
}

/// `arraycontsel`.
pub(super) fn selectivity(root: &Root<'_>, call: &Call<'_>) -> f64 {
    let name = root.env.facts.operator(call.operator).map_or("", |o| o.name.as_str());
    let default = if name == "&&" { DEFAULT_OVERLAP } else { DEFAULT_CONTAIN };
    let Some(found) = call.split(root) else { return default };
    let Some(constant) = found.constant() else { return default };
    let Some(value) = constant.value.as_deref() else { return 0.0 };
    let Datum::Array(items) = value else { return default };
    let kind = match (name, found.on_left) {
        ("&&", _) => Kind::Overlaps,
        ("@>", true) | ("<@", false) => Kind::Contains,
        ("<@", true) | ("@>", false) => Kind::Contained,
        _ => return default,
    };
    let stats = found.var.stats.as_ref().and_then(|s| s.elements.as_ref());
    let mut values: Vec<Datum> = items.iter().flatten().cloned().collect();
    let share = if values.len() < items.len() && kind == Kind::Contains {
        // Nothing contains a NULL.
        0.0
    } else {
        let collation = call.collation;
        values.sort_by(|a, b| compare::order(root.env, collation, a, b).unwrap_or(Ordering::Equal));
        match kind {
            Kind::Contained => contained(stats, &values),
            _ => contain_or_overlap(stats, &values, kind),
        }
    };
    clamp(share * (1.0 - found.var.null_frac()))
}

/// Values with repeats removed; they are in ascending order.
fn distinct(values: &[Datum]) -> impl Iterator<Item = &Datum> {
    let repeats = move |i: usize| {
        i.checked_sub(1)
            .and_then(|before| values.get(before).zip(values.get(i)))
            .is_some_and(|(a, b)| compare::equal(a, b))
    };
    values.iter().enumerate().filter(move |(i, _)| !repeats(*i)).map(|(_, value)| value)
}

/// Frequency of an element that is not a common one.
fn rare(least: f64) -> f64 {
    DEFAULT_CONTAIN.min(least / 2.0)
}

/// `mcelem_array_contain_overlap_selec`: all, or any, of the elements independently.
pub(super) fn contain_or_overlap(stats: Option<&Elements>, values: &[Datum], kind: Kind) -> f64 {
    let stats = stats.filter(|s| s.null.is_some());
    let least = stats.map_or(2.0 * DEFAULT_CONTAIN, |s| s.min);
    let frequency = |value: &Datum| {
        stats
            .and_then(|s| s.common.iter().find(|(v, _)| v.as_ref().is_some_and(|v| compare::equal(v, value))))
            .map_or_else(|| stats.map_or_else(|| rare(least), |s| s.unknown(rare(least))), |(_, f)| *f)
    };
    let shares = distinct(values).map(frequency);
    clamp(match kind {
        Kind::Overlaps => shares.fold(0.0, |sum, share| sum + share - sum * share),
        _ => shares.product(),
    })
}

/// `mcelem_array_contained_selec`: no element but these, given how many distinct elements values have.
pub(super) fn contained(stats: Option<&Elements>, values: &[Datum]) -> f64 {
    let Some(stats) = stats else { return DEFAULT_CONTAIN };
    let (Some(null), [counts @ .., average]) = (stats.null, stats.count_histogram.as_slice()) else {
        return DEFAULT_CONTAIN;
    };
    if counts.len() < 2 {
        return DEFAULT_CONTAIN;
    }
    let wanted: Vec<&Datum> = distinct(values).collect();
    let position =
        |value: &Datum| stats.common.iter().position(|(v, _)| v.as_ref().is_some_and(|v| compare::equal(v, value)));
    let found: Vec<Option<usize>> = wanted.iter().map(|value| position(value)).collect();
    let frequencies: Vec<f64> = stats.common.iter().map(|(_, f)| *f).collect();
    // Elements that are not common, together; and the chance that no common element but the wanted ones is there.
    let rest = average - frequencies.iter().sum::<f64>();
    let absent: f64 =
        frequencies.iter().enumerate().filter(|(i, _)| !found.contains(&Some(*i))).map(|(_, f)| 1.0 - f).product();
    let absent = absent * (-rest).exp();
    let frequency =
        |place: &Option<usize>| place.and_then(|i| frequencies.get(i)).map_or_else(|| rare(stats.min), |f| *f);
    let mut shares: Vec<f64> = found.iter().map(frequency).collect();
    let common = frequencies.len();
    if common + shares.len() > 0 && shares.len() > EFFORT * common / (common + shares.len()) {
        let b = common as f64;
        let limit = ((b * b + 4.0 * EFFORT as f64 * b).sqrt() - b) / 2.0;
        shares.sort_by(|a, b| b.total_cmp(a));
        let kept = (1..=shares.len()).take_while(|n| *n as f64 <= limit).count();
        shares.truncate(kept);
    }
    let most = shares.len();
    let of_wanted = occurrence(&shares, most, 0.0);
    let of_common = occurrence(&frequencies, most, rest);
    let of_count = count_shares(counts, most);
    let sum: f64 = of_count
        .iter()
        .zip(&of_wanted)
        .zip(&of_common)
        .filter(|(_, common)| **common > 0.0)
        .map(|((count, wanted), common)| count * absent * wanted / common)
        .sum();
    clamp(sum * (1.0 - null))
}

/// Chances that 0, 1, … `most` of independent events happen (`calc_distr`), with so many rare ones besides on average.
fn occurrence(chances: &[f64], most: usize, rare: f64) -> Vec<f64> {
    let mut row = vec![0.0; most + 1];
    if let Some(first) = row.first_mut() {
        *first = 1.0;
    }
    for chance in chances {
        let mut before = 0.0;
        for cell in &mut row {
            let here = *cell;
            *cell = here * (1.0 - chance) + before * chance;
            before = here;
        }
    }
    if rare <= DEFAULT_CONTAIN {
        return row;
    }
    let mut with_rare = vec![0.0; most + 1];
    let mut poisson = (-rare).exp();
    for extra in 0..=most {
        for (cell, base) in with_rare.iter_mut().skip(extra).zip(&row) {
            *cell += base * poisson;
        }
        poisson *= rare / (extra + 1) as f64;
    }
    with_rare
}

/// Shares of values with 0, 1, … `most` distinct elements, by a histogram of counts (`calc_hist`).
fn count_shares(histogram: &[f64], most: usize) -> Vec<f64> {
    let bucket = 1.0 / (histogram.len() - 1) as f64;
    let mut rest = histogram.iter().copied().peekable();
    let (mut last, mut previous) = (0.0, 0.0);
    let mut shares = Vec::with_capacity(most + 1);
    for count in 0..=most {
        let count = count as f64;
        let mut exact = 0_u32;
        while let Some(bound) = rest.next_if(|bound| *bound <= count) {
            exact += u32::from(bound == count);
            last = bound;
        }
        shares.push(if exact > 0 {
            let next = rest.peek().map_or(0.0, |bound| bound - last);
            let mut boxes = f64::from(exact - 1);
            for side in [next, previous] {
                if side > 0.0 {
                    boxes += 0.5 / side;
                }
            }
            previous = next;
            bucket * boxes
        } else if previous > 0.0 {
            bucket / previous
        } else {
            0.0
        });
    }
    shares
}
