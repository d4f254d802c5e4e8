//! Order and equality of values.

use std::cmp::Ordering;

use super::{Datum, sort_key};

/// How two values of one type compare under its default B-tree operator class; `None` where they have no order here.
/// `bytewise`: text is compared byte by byte, as under C, POSIX and C.UTF-8.
pub fn compare(a: &Datum, b: &Datum, bytewise: bool) -> Option<Ordering> {
    use Datum as D;
    Some(match (a, b) {
        (D::Bool(a), D::Bool(b)) => a.cmp(b),
        (D::Int(a), D::Int(b)) | (D::Time(a), D::Time(b)) | (D::Timestamp(a), D::Timestamp(b)) => a.cmp(b),
        (D::Numeric(a, s), D::Numeric(b, t)) => super::number::compare(*a, s, *b, t),
        (D::Int(a), D::Float(b)) => float(*a as f64, *b),
        (D::Float(a), D::Int(b)) => float(*a, *b as f64),
        (D::Int(a), D::Numeric(b, t)) => super::number::compare(*a as f64, &a.to_string(), *b, t),
        (D::Numeric(a, s), D::Int(b)) => super::number::compare(*a, s, *b as f64, &b.to_string()),
        (D::Float(a), D::Float(b) | D::Numeric(b, _)) | (D::Numeric(a, _), D::Float(b)) => float(*a, *b),
        (D::Text(a), D::Text(b)) => {
            if bytewise {
                a.as_bytes().cmp(b.as_bytes())
            } else {
                sort_key(a).cmp(&sort_key(b)).then_with(|| a.as_bytes().cmp(b.as_bytes()))
            }
        }
        (D::Bytes(a), D::Bytes(b)) => a.cmp(b),
        (D::Date(a), D::Date(b)) => a.cmp(b),
        (D::Date(a), D::Timestamp(b)) => (i64::from(*a) * super::time::DAY).cmp(b),
        (D::Timestamp(a), D::Date(b)) => a.cmp(&(i64::from(*b) * super::time::DAY)),
        (D::Interval { .. }, D::Interval { .. }) => interval_micros(a).cmp(&interval_micros(b)),
        (D::Uuid(a), D::Uuid(b)) => a.cmp(b),
        (D::Inet(a), D::Inet(b)) => a.order(b),
        (D::Enum(a), D::Enum(b)) => a.cmp(b),
        (D::Array(a), D::Array(b)) => return arrays(a, b, bytewise),
        (D::Range { .. }, D::Range { .. }) => return super::range::compare(a, b, bytewise),
        (D::Json(a), D::Json(b)) => json(a, b),
        (D::Opaque(a), D::Opaque(b)) => a.cmp(b),
        _ => return None,
    })
}

/// Whether two values are equal under the type's equality operator.
pub fn equal(a: &Datum, b: &Datum) -> bool {
    match (a, b) {
        // No collation that planning meets makes different texts equal.
        (Datum::Text(a), Datum::Text(b)) => a == b,
        (Datum::Json(a), Datum::Json(b)) => a == b,
        _ => compare(a, b, true) == Some(Ordering::Equal),
    }
}

/// `float8_cmp_internal`: NaN is greater than all else.
fn float(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}

/// `interval_cmp_value`: months of 30 days.
fn interval_micros(value: &Datum) -> i128 {
    match value {
        Datum::Interval { months, days, micros } => {
            let days = i128::from(*months) * 30 + i128::from(*days);
            days * i128::from(super::time::DAY) + i128::from(*micros)
        }
        _ => 0,
    }
}

/// `array_cmp`: element by element, NULL last, then by length.
fn arrays(a: &[Option<Datum>], b: &[Option<Datum>], bytewise: bool) -> Option<Ordering> {
    for (a, b) in a.iter().zip(b) {
        let order = match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => compare(a, b, bytewise)?,
        };
        if order != Ordering::Equal {
            return Some(order);
        }
    }
    Some(a.len().cmp(&b.len()))
}

/// `compareJsonbContainers`, by kind (object, array, boolean, number, string, null) and, among arrays and objects, size.
fn json(a: &serde_json::Value, b: &serde_json::Value) -> Ordering {
    use serde_json::Value as V;
    let rank = |v: &V| match v {
        V::Null => 0,
        V::String(_) => 1,
        V::Number(_) => 2,
        V::Bool(_) => 3,
        V::Array(_) => 4,
        V::Object(_) => 5,
    };
    match (a, b) {
        (V::String(a), V::String(b)) => a.cmp(b),
        (V::Bool(a), V::Bool(b)) => a.cmp(b),
        (V::Number(a), V::Number(b)) => float(a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(0.0)),
        (V::Array(a), V::Array(b)) => a.len().cmp(&b.len()).then_with(|| {
            a.iter().zip(b).map(|(a, b)| json(a, b)).find(|o| *o != Ordering::Equal).unwrap_or(Ordering::Equal)
        }),
        (V::Object(a), V::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
            let pairs = a.iter().zip(b).map(|((k, v), (l, w))| k.cmp(l).then_with(|| json(v, w)));
            pairs.into_iter().find(|o| *o != Ordering::Equal).unwrap_or(Ordering::Equal)
        }),
        _ => rank(a).cmp(&rank(b)),
    }
}
