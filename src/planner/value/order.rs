//! Comparing values.

use std::cmp::Ordering;

use super::Datum;

/// How two values of one type are ordered by its default B-tree operator class, text by its bytes (as the collation C
/// does). `None` where the types do not compare, or their order is not known.
pub fn order(a: &Datum, b: &Datum) -> Option<Ordering> {
    match (a, b) {
        (Datum::Bool(a), Datum::Bool(b)) => Some(a.cmp(b)),
        (Datum::Int(a), Datum::Int(b))
        | (Datum::Time(a), Datum::Time(b))
        | (Datum::Timestamp(a), Datum::Timestamp(b)) => Some(a.cmp(b)),
        (Datum::Date(a), Datum::Date(b)) => Some(a.cmp(b)),
        (Datum::Date(a), Datum::Timestamp(b)) => Some((i64::from(*a) * DAY).cmp(b)),
        (Datum::Timestamp(a), Datum::Date(b)) => Some(a.cmp(&(i64::from(*b) * DAY))),
        (Datum::Numeric(a, at), Datum::Numeric(b, bt)) => {
            if at == bt {
                Some(Ordering::Equal)
            } else {
                Some(a.total_cmp(b))
            }
        }
        (
            Datum::Int(_) | Datum::Float(_) | Datum::Numeric(..),
            Datum::Int(_) | Datum::Float(_) | Datum::Numeric(..),
        ) => float(a)?.partial_cmp(&float(b)?),
        (Datum::Text(a), Datum::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Datum::Bytes(a), Datum::Bytes(b)) => Some(a.cmp(b)),
        (Datum::Uuid(a), Datum::Uuid(b)) => Some(a.cmp(b)),
        (Datum::Enum(a), Datum::Enum(b)) => Some(a.cmp(b)),
        (Datum::Interval { .. }, Datum::Interval { .. }) => Some(interval(a)?.cmp(&interval(b)?)),
        (Datum::Array(a), Datum::Array(b)) => arrays(a, b),
        (Datum::Range { .. }, Datum::Range { .. }) => ranges(a, b),
        _ => (a == b).then_some(Ordering::Equal),
    }
}

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

fn float(value: &Datum) -> Option<f64> {
    match value {
        Datum::Int(i) => Some(*i as f64),
        Datum::Float(f) | Datum::Numeric(f, _) => Some(*f),
        _ => None,
    }
}

/// Months count as thirty days (`interval_cmp_value`).
fn interval(value: &Datum) -> Option<i128> {
    match value {
        Datum::Interval { months, days, micros } => {
            let days = i128::from(*months) * 30 + i128::from(*days);
            Some(days * i128::from(DAY) + i128::from(*micros))
        }
        _ => None,
    }
}

/// Element by element, NULL after everything, then the shorter first (`array_cmp`).
fn arrays(a: &[Option<Datum>], b: &[Option<Datum>]) -> Option<Ordering> {
    for (x, y) in a.iter().zip(b) {
        let one = match (x, y) {
            (Some(x), Some(y)) => order(x, y)?,
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        };
        if one != Ordering::Equal {
            return Some(one);
        }
    }
    Some(a.len().cmp(&b.len()))
}

/// Empty first, then by lower bound, then by upper (`range_cmp`).
fn ranges(a: &Datum, b: &Datum) -> Option<Ordering> {
    let (Datum::Range { empty: e1, lower: l1, upper: u1 }, Datum::Range { empty: e2, lower: l2, upper: u2 }) = (a, b)
    else {
        return None;
    };
    match (e1, e2) {
        (true, true) => return Some(Ordering::Equal),
        (true, false) => return Some(Ordering::Less),
        (false, true) => return Some(Ordering::Greater),
        (false, false) => {}
    }
    let lower = match (l1, l2) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        // An inclusive lower bound begins earlier.
        (Some((x, xi)), Some((y, yi))) => order(x, y)?.then(yi.cmp(xi)),
    };
    if lower != Ordering::Equal {
        return Some(lower);
    }
    Some(match (u1, u2) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some((x, xi)), Some((y, yi))) => order(x, y)?.then(xi.cmp(yi)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(t: &str) -> Datum {
        Datum::Text(t.to_owned())
    }

    #[test]
    fn orders_are_those_of_the_operator_classes() {
        let month = Datum::Interval { months: 1, days: 0, micros: 0 };
        let days = Datum::Interval { months: 0, days: 30, micros: 0 };
        assert_eq!(order(&month, &days), Some(Ordering::Equal));
        assert_eq!(order(&Datum::Int(2), &Datum::Numeric(1.5, "1.5".into())), Some(Ordering::Greater));
        let (a, b) = (Datum::Array(vec![Some(text("a"))]), Datum::Array(vec![Some(text("a")), None]));
        assert_eq!(order(&a, &b), Some(Ordering::Less));
        let range = |lower: Option<(i64, bool)>| Datum::Range {
            empty: false,
            lower: lower.map(|(v, i)| (Box::new(Datum::Int(v)), i)),
            upper: None,
        };
        assert_eq!(order(&range(None), &range(Some((1, true)))), Some(Ordering::Less));
        assert_eq!(order(&range(Some((1, true))), &range(Some((1, false)))), Some(Ordering::Less));
        assert_eq!(order(&Datum::Text("a".into()), &Datum::Int(1)), None);
    }
}
