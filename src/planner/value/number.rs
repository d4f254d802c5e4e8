//! `numeric` values: canonical text beside the nearest double.

use std::cmp::Ordering;

use super::Datum;

/// A `numeric` from its text; `None` if it is none.
pub fn numeric(text: &str) -> Option<Datum> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let special = match lower.as_str() {
        "nan" => Some(f64::NAN),
        "infinity" | "inf" | "+infinity" => Some(f64::INFINITY),
        "-infinity" | "-inf" => Some(f64::NEG_INFINITY),
        _ => None,
    };
    if let Some(value) = special {
        return Some(Datum::Numeric(value, value.to_string()));
    }
    let canonical = canonical(&lower)?;
    Some(Datum::Numeric(canonical.parse().ok()?, canonical))
}

/// Digits without exponent, plus sign, leading zeros and trailing zeros after the point.
fn canonical(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    if exponent.abs() > 2000 {
        return None;
    }
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut all: String = format!("{whole}{fraction}");
    let mut point = i32::try_from(whole.len()).ok()? + exponent;
    while point <= 0 {
        all.insert(0, '0');
        point += 1;
    }
    let point = usize::try_from(point).ok()?;
    while all.len() < point {
        all.push('0');
    }
    let (whole, fraction) = all.split_at(point);
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let fraction = fraction.trim_end_matches('0');
    let zero = whole == "0" && fraction.is_empty();
    let sign = if negative && !zero { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// Order of two numerics, by their digits where the doubles do not tell.
pub(super) fn compare(a: f64, a_text: &str, b: f64, b_text: &str) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    match a.partial_cmp(&b) {
        Some(Ordering::Equal) if a_text != b_text => {
            let order = digits(a_text).cmp(&digits(b_text));
            if a < 0.0 { order.reverse() } else { order }
        }
        order => order.unwrap_or(Ordering::Equal),
    }
}

/// Compares as the absolute values do: length of the whole part, then digits.
fn digits(text: &str) -> (usize, &str) {
    let text = text.strip_prefix('-').unwrap_or(text);
    (text.split('.').next().map_or(0, str::len), text)
}
