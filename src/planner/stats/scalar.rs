//! Values as numbers, to place a constant between two histogram bounds (`convert_to_scalar`).

use super::compare;
use crate::planner::env::Env;
use crate::planner::value::Datum;
use crate::snapshot::Oid;

/// Microseconds of a day.
const DAY: f64 = 86_400_000_000.0;
/// Days of an average month.
const MONTH_DAYS: f64 = 365.25 / 12.0;
/// Characters of a string beyond which nothing more is told.
const STRING_BYTES: usize = 12;
/// Bytes of a `bytea` beyond which nothing more is told.
const BYTEA_BYTES: usize = 10;

/// Where a value lies between two bounds, 0 to 1. `None` for types without a scale.
pub(super) fn position(env: &Env<'_>, collation: Oid, value: &Datum, low: &Datum, high: &Datum) -> Option<f64> {
    let (value, low, high) = match (value, low, high) {
        (Datum::Text(value), Datum::Text(low), Datum::Text(high)) => {
            let (value, low, high) = (
                compare::sort_key(env, collation, value),
                compare::sort_key(env, collation, low),
                compare::sort_key(env, collation, high),
            );
            strings(&value, &low, &high)
        }
        (Datum::Bytes(value), Datum::Bytes(low), Datum::Bytes(high)) => bytes(value, low, high),
        _ => (number(value)?, number(low)?, number(high)?),
    };
    Some(if high <= low {
        0.5
    } else if value <= low {
        0.0
    } else if value >= high {
        1.0
    } else {
        let within = (value - low) / (high - low);
        if (0.0..=1.0).contains(&within) { within } else { 0.5 }
    })
}

/// A value of a numeric or time type as a number (`convert_numeric_to_scalar`, `convert_timevalue_to_scalar`).
pub(super) fn number(value: &Datum) -> Option<f64> {
    Some(match value {
        Datum::Bool(b) => f64::from(u8::from(*b)),
        Datum::Int(i) | Datum::Time(i) | Datum::Timestamp(i) => *i as f64,
        Datum::Float(f) | Datum::Numeric(f, _) => *f,
        Datum::Date(days) => f64::from(*days) * DAY,
        Datum::Interval { months, days, micros } => {
            *micros as f64 + f64::from(*days) * DAY + f64::from(*months) * MONTH_DAYS * DAY
        }
        // `convert_network_to_scalar`: the family, then the address, of an IPv6 one its first bytes.
        Datum::Inet(net) => {
            let (family, bytes) = if net.v6 { (3.0, 5) } else { (2.0, 4) };
            net.address.iter().take(bytes).fold(family, |sum, byte| sum * 256.0 + f64::from(*byte))
        }
        _ => return None,
    })
}

/// `convert_string_to_scalar`: strings as fractions in the base of the characters that the bounds use.
fn strings(value: &[u8], low: &[u8], high: &[u8]) -> (f64, f64, f64) {
    let first = high.first().copied().unwrap_or(0);
    let (mut least, mut greatest) =
        low.iter().chain(high).fold((first, first), |(least, greatest), c| (least.min(*c), greatest.max(*c)));
    for (from, to) in [(b'A', b'Z'), (b'a', b'z'), (b'0', b'9')] {
        if least <= to && greatest >= from {
            least = least.min(from);
            greatest = greatest.max(to);
        }
    }
    if greatest - least < 9 {
        (least, greatest) = (b' ', 127);
    }
    let common = low.iter().zip(high).zip(value).take_while(|((l, h), v)| l == h && l == v).count();
    let scale = |text: &[u8]| fraction(text.get(common..).unwrap_or_default(), least, greatest, STRING_BYTES);
    (scale(value), scale(low), scale(high))
}

/// `convert_bytea_to_scalar`.
fn bytes(value: &[u8], low: &[u8], high: &[u8]) -> (f64, f64, f64) {
    let common = low.iter().zip(high).zip(value).take_while(|((l, h), v)| l == h && l == v).count();
    let scale = |text: &[u8]| fraction(text.get(common..).unwrap_or_default(), 0, 255, BYTEA_BYTES);
    (scale(value), scale(low), scale(high))
}

/// `convert_one_string_to_scalar`: 0 to about 1.
fn fraction(text: &[u8], least: u8, greatest: u8, longest: usize) -> f64 {
    let (least, greatest) = (f64::from(least), f64::from(greatest));
    let base = greatest - least + 1.0;
    let mut scale = base;
    let mut sum = 0.0;
    for byte in text.iter().take(longest) {
        let digit = f64::from(*byte).clamp(least - 1.0, greatest + 1.0);
        sum += (digit - least) / scale;
        scale *= base;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_placed_by_the_characters_in_use() {
        // As PostgreSQL places 'm' between 'a' and 'z': base 26.
        let (value, low, high) = strings(b"m", b"a", b"z");
        assert_eq!((low, high), (0.0, 25.0 / 26.0));
        assert!((value - 12.0 / 26.0).abs() < 1e-12);
        // A common prefix tells nothing.
        let (value, low, _) = strings(b"user5", b"user0", b"user9");
        assert!(value > low);
    }
}
