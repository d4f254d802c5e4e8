//! Values from text, by type.

use super::{Datum, Net, number, range, time};
use crate::planner::expr::types;
use crate::planner::facts::Facts;
use crate::snapshot::Oid;

/// The value that a type's input function makes of a text; `None` where the text is none of the type. Types that pgwise
/// does not look into give [`Datum::Opaque`].
pub fn parse(facts: &Facts, ty: Oid, text: &str) -> Option<Datum> {
    let ty = facts.base_type(ty);
    Some(match ty {
        types::BOOL => Datum::Bool(boolean(text)?),
        types::INT2 | types::INT4 | types::INT8 | types::OID => Datum::Int(text.trim().parse().ok()?),
        types::FLOAT4 => Datum::Float(f64::from(float(text)?.parse::<f32>().ok()?)),
        types::FLOAT8 => Datum::Float(float(text)?.parse().ok()?),
        types::NUMERIC => number::numeric(text)?,
        types::TEXT | types::VARCHAR | types::NAME | CHAR | types::UNKNOWN => Datum::Text(text.to_owned()),
        types::BPCHAR => Datum::Text(text.trim_end_matches(' ').to_owned()),
        types::BYTEA => Datum::Bytes(bytes(text)?),
        types::DATE => Datum::Date(time::date(text)?),
        types::TIME => Datum::Time(time::time(text)?),
        types::TIMESTAMP => Datum::Timestamp(time::timestamp(text, None)?),
        types::TIMESTAMPTZ => Datum::Timestamp(time::timestamp(text, Some(facts.zone()))?),
        types::INTERVAL => time::interval(text)?,
        types::UUID => Datum::Uuid(uuid(text)?),
        types::INET | CIDR => Datum::Inet(Net::parse(text)?),
        types::JSON | types::JSONB => Datum::Json(serde_json::from_str(text).ok()?),
        _ => return other(facts, ty, text),
    })
}

/// `"char"`.
const CHAR: Oid = 18;
/// `cidr`.
const CIDR: Oid = 650;

fn other(facts: &Facts, ty: Oid, text: &str) -> Option<Datum> {
    let Some(fact) = facts.ty(ty) else { return Some(Datum::Opaque(text.to_owned())) };
    if fact.element != 0 && fact.category == 'A' && fact.len == -1 {
        return Some(Datum::Array(array(text, &|element| parse(facts, fact.element, element))?));
    }
    Some(match fact.kind {
        'e' => Datum::Enum(fact.labels.iter().position(|label| label == text)?),
        'r' => range::parse(text, &|bound| parse(facts, fact.subtype, bound))?,
        _ if fact.category == 'S' => Datum::Text(text.to_owned()),
        _ => Datum::Opaque(text.to_owned()),
    })
}

fn boolean(text: &str) -> Option<bool> {
    let lower = text.trim().to_ascii_lowercase();
    let begins = |word: &str, least: usize| lower.len() >= least && word.starts_with(lower.as_str());
    if begins("true", 1) || begins("yes", 1) || lower == "on" || lower == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || lower == "0" {
        Some(false)
    } else {
        None
    }
}

/// The text of a floating-point number as Rust reads it.
fn float(text: &str) -> Option<&str> {
    let text = text.trim();
    let sound = text.bytes().next()?;
    (sound.is_ascii_digit() || matches!(sound, b'-' | b'+' | b'.' | b'N' | b'n' | b'I' | b'i')).then_some(text)
}

/// `bytea`, in hexadecimal or the escape format.
fn bytes(text: &str) -> Option<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("\\x") {
        let digits: Vec<u8> = hex.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        return digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'\\' {
            out.push(*first);
            rest = tail;
        } else if tail.first() == Some(&b'\\') {
            out.push(b'\\');
            rest = &tail[1..];
        } else {
            let digits = std::str::from_utf8(tail.get(..3)?).ok()?;
            out.push(u8::from_str_radix(digits, 8).ok()?);
            rest = &tail[3..];
        }
    }
    Some(out)
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|c| !matches!(c, '-' | '{' | '}')).collect();
    u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32).map(u128::to_be_bytes)
}

/// The elements of an array's text, nested ones one after another.
fn array(text: &str, element: &dyn Fn(&str) -> Option<Datum>) -> Option<Vec<Option<Datum>>> {
    // Bounds other than 1 stand before the elements: [0:1]={…}.
    let body = text.trim().split_once('{')?.1.strip_suffix('}')?;
    let mut elements = Vec::new();
    let mut chars = body.chars().peekable();
    let mut current = String::new();
    let (mut quoted, mut any) = (false, false);
    let mut finish = |current: &mut String, quoted: &mut bool| -> Option<()> {
        let text = std::mem::take(current);
        let was_quoted = std::mem::replace(quoted, false);
        let bare = text.trim();
        elements.push(match (was_quoted, bare.eq_ignore_ascii_case("null")) {
            (false, true) => None,
            (false, false) => Some(element(bare)?),
            (true, _) => Some(element(&text)?),
        });
        Some(())
    };
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                (quoted, any) = (true, true);
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => current.extend(chars.next()),
                        c => current.push(c),
                    }
                }
            }
            '\\' => {
                any = true;
                current.extend(chars.next());
            }
            ',' => {
                if any {
                    finish(&mut current, &mut quoted)?;
                }
                any = false;
            }
            '{' | '}' => {}
            c if c.is_whitespace() && current.is_empty() => {}
            c => {
                any = true;
                current.push(c);
            }
        }
    }
    if any {
        finish(&mut current, &mut quoted)?;
    }
    Some(elements)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::super::{compare, equal};
    use super::*;

    fn value(ty: Oid, text: &str) -> Datum {
        parse(&Facts::default(), ty, text).expect("parses")
    }

    #[test]
    fn dates_count_from_2000() {
        assert_eq!(value(types::DATE, "2000-03-01"), Datum::Date(60));
        assert_eq!(value(types::DATE, "1970-01-01"), Datum::Date(-10_957));
        for day in [-800_000, -1, 0, 59, 60, 8000, 900_000] {
            let (year, month, of_month) = time::civil(day);
            assert_eq!(time::days(year, month, of_month), day);
        }
        assert_eq!(value(types::TIMESTAMPTZ, "2000-01-01 02:00:00+02"), Datum::Timestamp(0));
        assert_eq!(value(types::TIMESTAMP, "2000-01-02"), Datum::Timestamp(time::DAY));
    }

    #[test]
    fn intervals() {
        let day = Datum::Interval { months: 14, days: 3, micros: 4 * 3600 * time::SECOND };
        assert_eq!(value(types::INTERVAL, "1 year 2 mons 3 days 04:00:00"), day);
        assert_eq!(value(types::INTERVAL, "P1Y2M3DT4H"), day);
        let half = Datum::Interval { months: 0, days: 1, micros: 12 * 3600 * time::SECOND };
        assert_eq!(value(types::INTERVAL, "1.5 days"), half);
        assert_eq!(time::add_interval(0, 1, 0, 0), Some(31 * time::DAY));
    }

    #[test]
    fn numbers_are_equal_whatever_their_scale() {
        assert!(equal(&value(types::NUMERIC, "1.50"), &value(types::NUMERIC, "01.5")));
        assert_eq!(value(types::NUMERIC, "1.5e3"), Datum::Numeric(1500.0, "1500".to_owned()));
        let (small, large) = (value(types::NUMERIC, "-0.01"), value(types::NUMERIC, "1000000000000000000000001"));
        assert_eq!(compare(&small, &large, true), Some(Ordering::Less));
        let near = value(types::NUMERIC, "1000000000000000000000002");
        assert_eq!(compare(&large, &near, true), Some(Ordering::Less));
    }

    #[test]
    fn arrays_and_ranges() {
        let text = |t: &str| Some(Datum::Text(t.to_owned()));
        assert_eq!(
            value(1009, r#"{a,"b c",NULL,"NULL","d\"e"}"#),
            Datum::Array(vec![text("a"), text("b c"), None, text("NULL"), text("d\"e")])
        );
        assert!(equal(&value(3904, "[1,3]"), &value(3904, "[1,4)")));
        assert_eq!(compare(&value(3904, "empty"), &value(3904, "(,3)"), true), Some(Ordering::Less));
    }
}
