//! Built-in functions on constants, as many as queries commonly write.

use std::cmp::Ordering;

use super::{decimal, times};
use crate::planner::env::Env;
use crate::planner::expr::types;
use crate::planner::value::{Datum, compare, numeric, parse, time};
use crate::snapshot::Oid;

/// A function by name on values that are not NULL; `None` where it is not known how.
pub(super) fn function(env: &Env<'_>, name: &str, args: &[&Datum], ty: Oid) -> Option<Datum> {
    match args {
        [a] => one(env, name, a, ty),
        [a, b] => two(env, name, a, b, ty),
        // Length coercion: `varchar(value, length, explicit)`.
        [value, Datum::Int(length), Datum::Bool(_)] => sized(env, name, value, *length, ty),
        _ => None,
    }
}

fn one(env: &Env<'_>, name: &str, a: &Datum, ty: Oid) -> Option<Datum> {
    match (name, a) {
        ("lower", Datum::Text(t)) => Some(Datum::Text(t.to_lowercase())),
        ("upper", Datum::Text(t)) => Some(Datum::Text(t.to_uppercase())),
        ("length" | "char_length" | "character_length", Datum::Text(t)) => {
            i64::try_from(t.chars().count()).ok().map(Datum::Int)
        }
        ("int4um" | "int8um" | "int2um", Datum::Int(i)) => i.checked_neg().map(Datum::Int),
        ("float8um" | "float4um", Datum::Float(f)) => Some(Datum::Float(-f)),
        ("numeric_uminus", Datum::Numeric(..)) => decimal::arithmetic("numeric_mul", a, &Datum::Int(-1)),
        ("interval_um", Datum::Interval { .. }) => {
            times::add(&Datum::Interval { months: 0, days: 0, micros: 0 }, a, -1)
        }
        ("int4abs" | "int8abs" | "abs", Datum::Int(i)) => i.checked_abs().map(Datum::Int),
        // A cast's function has the name of the type that it makes.
        _ if is_cast(env, name, ty) => cast(env, a, ty),
        _ => None,
    }
}

fn is_cast(env: &Env<'_>, name: &str, ty: Oid) -> bool {
    env.facts.ty(ty).is_some_and(|t| t.name == name)
}

/// A value as one of another type.
pub(super) fn cast(env: &Env<'_>, value: &Datum, ty: Oid) -> Option<Datum> {
    #[expect(clippy::cast_possible_truncation, reason = "within the range that was checked")]
    let whole = |f: f64| (f.abs() < 9.2e18).then(|| Datum::Int(f.round_ties_even() as i64));
    match (value, ty) {
        (Datum::Int(i), types::INT2 | types::INT4 | types::INT8 | types::OID) => Some(Datum::Int(*i)),
        (Datum::Int(i), types::FLOAT4 | types::FLOAT8) => Some(Datum::Float(*i as f64)),
        (Datum::Int(i), types::NUMERIC) => numeric(&i.to_string()),
        (Datum::Int(i), types::BOOL) => Some(Datum::Bool(*i != 0)),
        (Datum::Float(f), types::INT2 | types::INT4 | types::INT8) => whole(*f),
        (Datum::Numeric(f, _), types::INT2 | types::INT4 | types::INT8) => whole(f.round()),
        (Datum::Float(f) | Datum::Numeric(f, _), types::FLOAT4 | types::FLOAT8) => Some(Datum::Float(*f)),
        (Datum::Float(f), types::NUMERIC) => numeric(&f.to_string()),
        (Datum::Date(d), types::TIMESTAMP | types::TIMESTAMPTZ) => {
            Some(Datum::Timestamp(i64::from(*d).checked_mul(time::DAY)?))
        }
        (Datum::Timestamp(t), types::DATE) => i32::try_from(t.div_euclid(time::DAY)).ok().map(Datum::Date),
        (Datum::Timestamp(t), types::TIMESTAMP | types::TIMESTAMPTZ) => Some(Datum::Timestamp(*t)),
        (Datum::Text(t), types::TEXT | types::VARCHAR | types::NAME) => Some(Datum::Text(t.clone())),
        (Datum::Text(t) | Datum::Opaque(t), _) => parse(&env.facts, ty, t),
        (Datum::Int(i), types::TEXT | types::VARCHAR) => Some(Datum::Text(i.to_string())),
        _ => None,
    }
}

/// Length and precision coercion.
fn sized(env: &Env<'_>, name: &str, value: &Datum, typmod: i64, ty: Oid) -> Option<Datum> {
    match (name, value) {
        ("varchar" | "bpchar", Datum::Text(t)) => {
            let length = usize::try_from(typmod - 4).unwrap_or(usize::MAX);
            let cut: String = t.chars().take(length).collect();
            parse(&env.facts, ty, &cut)
        }
        _ => None,
    }
}

fn two(env: &Env<'_>, name: &str, a: &Datum, b: &Datum, ty: Oid) -> Option<Datum> {
    if let Some(value) = comparison(name, a, b, ty) {
        return Some(value);
    }
    match (a, b) {
        (_, Datum::Text(query)) if ty == types::TSQUERY => text_query(name, query),
        (Datum::Int(x), Datum::Int(y)) if ty != types::BOOL => integers(name, *x, *y),
        (Datum::Float(x), Datum::Float(y)) => floats(name, *x, *y),
        (Datum::Numeric(..), Datum::Numeric(..)) => decimal::arithmetic(name, a, b),
        (Datum::Numeric(..), Datum::Int(typmod)) if name == "numeric" => rounded(a, *typmod),
        (Datum::Text(x), Datum::Text(y)) if name == "textcat" => Some(Datum::Text(format!("{x}{y}"))),
        (Datum::Text(field), _) if name == "date_trunc" => times::truncated(&field.to_lowercase(), b),
        // Precision coercion of times keeps them as they are.
        (Datum::Timestamp(_) | Datum::Time(_) | Datum::Interval { .. }, Datum::Int(_)) if is_cast(env, name, ty) => {
            Some(a.clone())
        }
        _ => moments(name, a, b),
    }
}

/// A text search query of words as they stand: dictionaries are the server's, so lexemes are words in lower case here.
fn text_query(name: &str, query: &str) -> Option<Datum> {
    let words = |joint: &str| {
        let words: Vec<String> = query
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| format!("'{}'", word.to_lowercase()))
            .collect();
        words.join(joint)
    };
    match name {
        "to_tsquery" => Some(Datum::Opaque(query.to_lowercase())),
        "plainto_tsquery" | "websearch_to_tsquery" => Some(Datum::Opaque(words(" & "))),
        "phraseto_tsquery" => Some(Datum::Opaque(words(" <-> "))),
        _ => None,
    }
}

fn moments(name: &str, a: &Datum, b: &Datum) -> Option<Datum> {
    match (name, a, b) {
        (
            "date_pl_interval"
            | "timestamp_pl_interval"
            | "timestamptz_pl_interval"
            | "interval_pl"
            | "time_pl_interval",
            _,
            Datum::Interval { .. },
        ) => times::add(a, b, 1),
        (
            "date_mi_interval"
            | "timestamp_mi_interval"
            | "timestamptz_mi_interval"
            | "interval_mi"
            | "time_mi_interval",
            _,
            Datum::Interval { .. },
        ) => times::add(a, b, -1),
        ("interval_pl_date" | "interval_pl_timestamp" | "interval_pl_timestamptz", Datum::Interval { .. }, _) => {
            times::add(b, a, 1)
        }
        ("date_pli", Datum::Date(d), Datum::Int(n)) => d.checked_add(i32::try_from(*n).ok()?).map(Datum::Date),
        ("date_mii", Datum::Date(d), Datum::Int(n)) => d.checked_sub(i32::try_from(*n).ok()?).map(Datum::Date),
        ("date_mi", Datum::Date(x), Datum::Date(y)) => Some(Datum::Int(i64::from(*x) - i64::from(*y))),
        ("timestamp_mi" | "timestamptz_mi", Datum::Timestamp(x), Datum::Timestamp(y)) => {
            let micros = x.checked_sub(*y)?;
            let days = micros / time::DAY;
            Some(Datum::Interval { months: 0, days: i32::try_from(days).ok()?, micros: micros % time::DAY })
        }
        ("interval_mul", Datum::Interval { .. }, Datum::Float(f)) => scaled(a, *f),
        ("mul_d_interval", Datum::Float(f), Datum::Interval { .. }) => scaled(b, *f),
        _ => None,
    }
}

fn scaled(interval: &Datum, factor: f64) -> Option<Datum> {
    let Datum::Interval { months, days, micros } = interval else { return None };
    Some(time::make_interval(f64::from(*months) * factor, f64::from(*days) * factor, *micros as f64 * factor))
}

/// `numeric(value, typmod)`: rounds to the scale.
fn rounded(value: &Datum, typmod: i64) -> Option<Datum> {
    let Datum::Numeric(f, text) = value else { return None };
    let scale = usize::try_from((typmod - 4) & 0x7ff).ok()?;
    let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if digits <= scale { Some(value.clone()) } else { numeric(&format!("{f:.scale$}")) }
}

fn integers(name: &str, x: i64, y: i64) -> Option<Datum> {
    // `int4pl`, `int84mi`, `int48div`: the operation ends the name.
    let value = if !name.starts_with("int") {
        return None;
    } else if name.ends_with("pl") {
        x.checked_add(y)
    } else if name.ends_with("mi") {
        x.checked_sub(y)
    } else if name.ends_with("mul") {
        x.checked_mul(y)
    } else if name.ends_with("div") {
        x.checked_div(y)
    } else if name.ends_with("mod") {
        x.checked_rem(y)
    } else {
        None
    };
    value.map(Datum::Int)
}

fn floats(name: &str, x: f64, y: f64) -> Option<Datum> {
    let value = if !name.starts_with("float") {
        return None;
    } else if name.ends_with("pl") {
        x + y
    } else if name.ends_with("mi") {
        x - y
    } else if name.ends_with("mul") {
        x * y
    } else if name.ends_with("div") && y != 0.0 {
        x / y
    } else {
        return None;
    };
    value.is_finite().then_some(Datum::Float(value))
}

/// Comparison functions by the ends of their names: `int4eq`, `date_lt`, `text_ge`.
fn comparison(name: &str, a: &Datum, b: &Datum, ty: Oid) -> Option<Datum> {
    if ty != types::BOOL {
        return None;
    }
    let stem = name.strip_suffix("_timestamp").or_else(|| name.strip_suffix("_timestamptz")).unwrap_or(name);
    let ends = |suffix: &str| stem.ends_with(suffix);
    let holds: fn(Ordering) -> bool = if ends("eq") {
        Ordering::is_eq
    } else if ends("ne") {
        Ordering::is_ne
    } else if ends("lt") {
        Ordering::is_lt
    } else if ends("le") {
        Ordering::is_le
    } else if ends("gt") {
        Ordering::is_gt
    } else if ends("ge") {
        Ordering::is_ge
    } else {
        return None;
    };
    // How text sorts depends on the collation; whether it is equal does not.
    let textual = matches!((a, b), (Datum::Text(_), Datum::Text(_)));
    if textual && !(ends("eq") || ends("ne")) {
        return None;
    }
    if matches!((a, b), (Datum::Opaque(_) | Datum::Json(_), _)) {
        return None;
    }
    compare(a, b, true).map(|o| Datum::Bool(holds(o)))
}
