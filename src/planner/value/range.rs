//! Ranges.

use std::cmp::Ordering;

use super::{Datum, compare as compare_values};

type Bound = Option<(Box<Datum>, bool)>;

/// A range from its text, whose bounds `bound` parses. Ranges of integers and dates get their canonical form.
pub(super) fn parse(text: &str, bound: &dyn Fn(&str) -> Option<Datum>) -> Option<Datum> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("empty") {
        return Some(Datum::Range { empty: true, lower: None, upper: None });
    }
    let lower_included = text.starts_with('[');
    let upper_included = text.ends_with(']');
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let comma = split(inner)?;
    let side = |text: &str, included: bool| -> Option<Bound> {
        if text.is_empty() {
            return Some(None);
        }
        let unquoted = text.trim_matches('"').replace("\"\"", "\"");
        Some(Some((Box::new(bound(&unquoted)?), included)))
    };
    let lower = canonical_lower(side(&inner[..comma], lower_included)?);
    let upper = canonical_upper(side(&inner[comma + 1..], upper_included)?);
    Some(Datum::Range { empty: false, lower, upper })
}

fn split(inner: &str) -> Option<usize> {
    let mut quoted = false;
    inner.bytes().position(|b| {
        if b == b'"' {
            quoted = !quoted;
        }
        b == b',' && !quoted
    })
}

fn next(value: &Datum) -> Option<Datum> {
    match value {
        Datum::Int(i) => Some(Datum::Int(i.checked_add(1)?)),
        Datum::Date(d) => Some(Datum::Date(d.checked_add(1)?)),
        _ => None,
    }
}

fn canonical_lower(bound: Bound) -> Bound {
    match bound {
        Some((value, false)) => match next(&value) {
            Some(value) => Some((Box::new(value), true)),
            None => Some((value, false)),
        },
        other => other,
    }
}

fn canonical_upper(bound: Bound) -> Bound {
    match bound {
        Some((value, true)) => match next(&value) {
            Some(value) => Some((Box::new(value), false)),
            None => Some((value, true)),
        },
        other => other,
    }
}

/// `range_cmp`: empty first, then by lower and by upper bound.
pub(super) fn compare(a: &Datum, b: &Datum, bytewise: bool) -> Option<Ordering> {
    let (
        Datum::Range { empty: a_empty, lower: a_lower, upper: a_upper },
        Datum::Range { empty: b_empty, lower: b_lower, upper: b_upper },
    ) = (a, b)
    else {
        return None;
    };
    match (a_empty, b_empty) {
        (true, true) => return Some(Ordering::Equal),
        (true, false) => return Some(Ordering::Less),
        (false, true) => return Some(Ordering::Greater),
        (false, false) => {}
    }
    let order = bounds(a_lower, b_lower, true, bytewise)?;
    if order == Ordering::Equal { bounds(a_upper, b_upper, false, bytewise) } else { Some(order) }
}

/// `range_cmp_bounds`, for two lower or two upper bounds.
fn bounds(a: &Bound, b: &Bound, lower: bool, bytewise: bool) -> Option<Ordering> {
    let infinite = if lower { Ordering::Less } else { Ordering::Greater };
    Some(match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => infinite,
        (Some(_), None) => infinite.reverse(),
        (Some((a, a_included)), Some((b, b_included))) => {
            let order = compare_values(a, b, bytewise)?;
            // Of two bounds at one value, the one that excludes it begins later, or ends earlier.
            let tie = if lower { b_included.cmp(a_included) } else { a_included.cmp(b_included) };
            order.then(tie)
        }
    })
}
