//! Reading values from text.

use jiff::civil;

use super::Datum;
use crate::planner::expr::types;
use crate::planner::facts::Facts;
use crate::snapshot::Oid;

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_DAYS: i64 = 10_957;
/// Microseconds of a second, a minute, an hour, a day.
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A value from its text. `None` where the text is none of the type, or is of a form that is not read.
pub fn parse(facts: &Facts, ty: Oid, text: &str) -> Option<Datum> {
    let fact = facts.ty(ty);
    Some(match ty {
        types::BOOL => Datum::Bool(boolean(text)?),
        types::INT2 | types::INT4 | types::INT8 | types::OID => Datum::Int(text.trim().parse().ok()?),
        types::FLOAT4 | types::FLOAT8 => Datum::Float(text.trim().parse().ok()?),
        types::NUMERIC => numeric(text)?,
        types::TEXT | types::VARCHAR | types::NAME => Datum::Text(text.to_owned()),
        types::BPCHAR => Datum::Text(text.trim_end_matches(' ').to_owned()),
        types::BYTEA => Datum::Bytes(bytes(text)?),
        types::DATE => Datum::Date(date(text)?),
        types::TIME => Datum::Time(time(text.trim())?),
        types::TIMESTAMP => Datum::Timestamp(timestamp(text, false)?),
        types::TIMESTAMPTZ => Datum::Timestamp(timestamp(text, true)?),
        types::INTERVAL => interval(text)?,
        types::UUID => Datum::Uuid(uuid(text)?),
        types::JSON | types::JSONB => Datum::Json(serde_json::from_str(text).ok()?),
        _ => match fact {
            Some(f) if f.kind == 'd' => parse(facts, f.base, text)?,
            Some(f) if f.kind == 'e' => Datum::Enum(f.labels.iter().position(|l| l == text)?),
            Some(f) if f.kind == 'r' => range(facts, f.subtype, text)?,
            Some(f) if f.element != 0 && f.category == 'A' => Datum::Array(array(facts, f.element, text)?),
            // `"char"`, and types that compare as text.
            Some(f) if f.name == "char" || f.name == "citext" => Datum::Text(text.to_owned()),
            _ => Datum::Opaque(text.to_owned()),
        },
    })
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A number with its canonical text: no sign for zero, no leading or trailing zeros.
pub(in crate::planner) fn numeric(text: &str) -> Option<Datum> {
    let text = text.trim();
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() || text.contains(['e', 'E']) {
        return Some(Datum::Numeric(value, format!("{value}")));
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    let canonical = match (fraction.is_empty(), whole) {
        (true, "0") => "0".to_owned(),
        (true, _) => format!("{sign}{whole}"),
        (false, _) => format!("{sign}{whole}.{fraction}"),
    };
    Some(Datum::Numeric(value, canonical))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let hex = text.strip_prefix("\\x")?;
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(hex.get(i..i + 2)?, 16).ok()).collect()
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let value = u128::from_str_radix(&digits, 16).ok()?;
    (digits.len() == 32).then(|| value.to_be_bytes())
}

/// Days since 2000-01-01 of `2024-02-29`.
fn date(text: &str) -> Option<i32> {
    let text = text.trim();
    // A time after the date does not count.
    let text = text.split([' ', 'T']).next()?;
    days(text.parse().ok()?)
}

fn days(date: civil::Date) -> Option<i32> {
    let epoch = civil::date(1970, 1, 1);
    let since = date.since(epoch).ok()?.get_days();
    i32::try_from(i64::from(since) - EPOCH_DAYS).ok()
}

/// Microseconds since midnight of `13:45:06.5`.
fn time(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds = parts.next().map_or(Some(0), micros)?;
    (parts.next().is_none() && minutes < 60).then(|| hours * HOUR + minutes * MINUTE + seconds)
}

/// Microseconds of `6.5` seconds.
fn micros(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    Some(whole * SECOND + fraction.parse::<i64>().ok()?)
}

/// Microseconds since 2000-01-01 of `2024-02-29 13:45:06.5+02`; without an offset, or where offsets do not count, as
/// if in UTC.
fn timestamp(text: &str, offsets: bool) -> Option<i64> {
    let text = text.trim();
    match text {
        "infinity" => return Some(i64::MAX),
        "-infinity" => return Some(i64::MIN),
        _ => {}
    }
    let (day, rest) = match text.find([' ', 'T']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?.trim()),
        None => (text, ""),
    };
    let start = i64::from(date(day)?) * DAY;
    if rest.is_empty() {
        return Some(start);
    }
    let (clock, offset) = match rest.find(['+', '-', 'Z']) {
        Some(at) => (rest.get(..at)?, rest.get(at..)?),
        None => (rest, ""),
    };
    let local = start + time(clock.trim())?;
    Some(if offsets { local - offset_micros(offset)? } else { local })
}

/// Microseconds east of Greenwich of `+02`, `-03:30`.
fn offset_micros(text: &str) -> Option<i64> {
    if text.is_empty() || text == "Z" {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let text = text.get(1..)?;
    let (hours, minutes) = text.split_once(':').unwrap_or((text, "0"));
    Some(sign * (hours.parse::<i64>().ok()? * HOUR + minutes.parse::<i64>().ok()? * MINUTE))
}

/// An interval as it is printed (`1 year 2 mons 3 days 04:05:06`), or written with other units and plurals.
fn interval(text: &str) -> Option<Datum> {
    let (mut months, mut days, mut total) = (0_i64, 0_i64, 0_i64);
    let mut words = text.split_whitespace().peekable();
    let mut back = 1;
    while let Some(word) = words.next() {
        if word == "ago" {
            back = -1;
            continue;
        }
        if word.contains(':') {
            let (sign, clock) = match word.strip_prefix('-') {
                Some(rest) => (-1, rest),
                None => (1, word.trim_start_matches('+')),
            };
            total += sign * time(clock)?;
            continue;
        }
        // `90d` and `90 days` alike.
        let split = word.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(word.len());
        let (number, unit) = word.split_at(split);
        let amount: f64 = number.parse().ok()?;
        let unit = if unit.is_empty() { words.next().unwrap_or("second") } else { unit };
        add_unit(amount, unit, &mut months, &mut days, &mut total)?;
    }
    Some(Datum::Interval {
        months: i32::try_from(back * months).ok()?,
        days: i32::try_from(back * days).ok()?,
        micros: back * total,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates; no interval is that long")]
fn add_unit(amount: f64, unit: &str, months: &mut i64, days: &mut i64, micros: &mut i64) -> Option<()> {
    let unit = unit.trim_end_matches(',').to_ascii_lowercase();
    let singular = unit.strip_suffix('s').filter(|u| !u.is_empty()).unwrap_or(&unit);
    let whole = amount.trunc();
    let rest = amount - whole;
    match singular {
        "year" | "yr" | "y" => *months += (amount * 12.0).round() as i64,
        "decade" => *months += (amount * 120.0).round() as i64,
        "century" | "centurie" => *months += (amount * 1200.0).round() as i64,
        "month" | "mon" => {
            *months += whole as i64;
            *days += (rest * 30.0) as i64;
        }
        "week" | "w" => {
            let all = amount * 7.0;
            *days += all.trunc() as i64;
            *micros += (all.fract() * DAY as f64) as i64;
        }
        "day" | "d" => {
            *days += whole as i64;
            *micros += (rest * DAY as f64).round() as i64;
        }
        "hour" | "hr" | "h" => *micros += (amount * HOUR as f64).round() as i64,
        "minute" | "min" | "m" => *micros += (amount * MINUTE as f64).round() as i64,
        "second" | "sec" | "" => *micros += (amount * SECOND as f64).round() as i64,
        "millisecond" | "msec" => *micros += (amount * 1_000.0).round() as i64,
        "microsecond" | "usec" => *micros += amount.round() as i64,
        _ => return None,
    }
    Some(())
}

/// `[1,10)`, `(,5]`, `empty`.
fn range(facts: &Facts, subtype: Oid, text: &str) -> Option<Datum> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("empty") {
        return Some(Datum::Range { empty: true, lower: None, upper: None });
    }
    let (first, last) = (text.chars().next()?, text.chars().next_back()?);
    let (lower_in, upper_in) = (first == '[', last == ']');
    let inner = text.get(1..text.len() - 1)?;
    let items = elements(inner)?;
    let [lower, upper] = items.as_slice() else { return None };
    let bound = |item: &Option<String>, inclusive: bool| match item.as_deref() {
        None | Some("") => Some(None),
        Some(text) => parse(facts, subtype, text).map(|v| Some((Box::new(v), inclusive))),
    };
    Some(Datum::Range { empty: false, lower: bound(lower, lower_in)?, upper: bound(upper, upper_in)? })
}

/// `{a,"b c",NULL}`; of several dimensions the elements one after another.
fn array(facts: &Facts, element: Oid, text: &str) -> Option<Vec<Option<Datum>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    if inner.is_empty() {
        return Some(Vec::new());
    }
    let mut values = Vec::new();
    for item in elements(inner)? {
        match item {
            None => values.push(None),
            Some(item) if item.starts_with('{') && item.ends_with('}') => values.extend(array(facts, element, &item)?),
            Some(item) => values.push(Some(parse(facts, element, &item)?)),
        }
    }
    Some(values)
}

/// Splits at commas outside quotes and braces, and takes quotes and backslashes off. An unquoted NULL is `None`.
fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let mut items = Vec::new();
    let mut item = String::new();
    let (mut quoted, mut was_quoted, mut depth) = (false, false, 0_usize);
    let mut characters = text.chars();
    let finish = |item: &mut String, was_quoted: bool| {
        let text = std::mem::take(item);
        if !was_quoted && text.eq_ignore_ascii_case("null") { None } else { Some(text) }
    };
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                if depth > 0 {
                    item.push(c);
                }
                item.push(characters.next()?);
            }
            '"' => {
                quoted = !quoted;
                was_quoted = true;
                if depth > 0 {
                    item.push(c);
                }
            }
            '{' if !quoted => {
                depth += 1;
                item.push(c);
            }
            '}' if !quoted => {
                depth = depth.checked_sub(1)?;
                item.push(c);
            }
            ',' if !quoted && depth == 0 => {
                items.push(finish(&mut item, was_quoted));
                was_quoted = false;
            }
            other => item.push(other),
        }
    }
    items.push(finish(&mut item, was_quoted));
    (!quoted && depth == 0).then_some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_count_from_2000() {
        assert_eq!(date("2000-01-02"), Some(1));
        assert_eq!(date("1999-12-31"), Some(-1));
        assert_eq!(timestamp("2000-01-01 01:00:00.5+01", true), Some(500_000));
        assert_eq!(timestamp("2000-01-01 01:00:00+01", false), Some(HOUR));
        assert_eq!(timestamp("2000-01-01T00:00:00-03:30", true), Some(3 * HOUR + 30 * MINUTE));
        assert_eq!(time("13:45:06.5"), Some(13 * HOUR + 45 * MINUTE + 6_500_000));
    }

    #[test]
    fn intervals_are_read_as_printed_and_as_written() {
        let of = |months, days, micros| Some(Datum::Interval { months, days, micros });
        assert_eq!(interval("1 year 2 mons 3 days 04:05:06"), of(14, 3, 4 * HOUR + 5 * MINUTE + 6 * SECOND));
        assert_eq!(interval("90 day"), of(0, 90, 0));
        assert_eq!(interval("1.5 hours ago"), of(0, 0, -HOUR - 30 * MINUTE));
        assert_eq!(interval("-00:30:00"), of(0, 0, -30 * MINUTE));
        assert_eq!(interval("3 moons"), None);
    }

    #[test]
    fn numbers_that_are_equal_have_one_text() {
        let text = |t: &str| match numeric(t) {
            Some(Datum::Numeric(_, text)) => text,
            other => format!("{other:?}"),
        };
        assert_eq!(text("1.500"), text("01.5"));
        assert_eq!(text("-0.0"), "0");
        assert_eq!(text("1000"), "1000");
    }

    #[test]
    fn lists_keep_quotes_nulls_and_nesting_apart() {
        let of = |t: &str| elements(t);
        assert_eq!(of("a,NULL,\"NULL\""), Some(vec![Some("a".into()), None, Some("NULL".into())]));
        assert_eq!(of("\"a,b\",c\\\"d"), Some(vec![Some("a,b".into()), Some("c\"d".into())]));
        assert_eq!(of("{1,2},{3,4}"), Some(vec![Some("{1,2}".into()), Some("{3,4}".into())]));
        assert_eq!(of("\"open"), None);
    }
}
