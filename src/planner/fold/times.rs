//! Dates, times and intervals: arithmetic, truncation, and the clock.

use crate::planner::env::Env;
use crate::planner::value::Datum;
use crate::planner::value::time::{self, DAY};

/// Functions without arguments that tell the time, for estimates: the snapshot's.
pub(super) fn clock(env: &Env<'_>, name: &str) -> Option<Datum> {
    match name {
        "now" | "transaction_timestamp" | "statement_timestamp" => {
            Some(Datum::Timestamp(time::instant(env.snapshot.captured_at)))
        }
        _ => None,
    }
}

/// `CURRENT_DATE` and its like, for estimates.
pub(super) fn value_function(env: &Env<'_>, name: &str) -> Option<Datum> {
    let now = time::instant(env.snapshot.captured_at);
    let local = time::local(now, env.facts.zone());
    match name {
        "CURRENT_TIMESTAMP" => Some(Datum::Timestamp(now)),
        "LOCALTIMESTAMP" => Some(Datum::Timestamp(local)),
        "CURRENT_DATE" => i32::try_from(local.div_euclid(DAY)).ok().map(Datum::Date),
        "CURRENT_TIME" | "LOCALTIME" => Some(Datum::Time(local.rem_euclid(DAY))),
        _ => None,
    }
}

/// A point in time, a date or an interval plus an interval (`timestamp_pl_interval`, `interval_pl`), `sign` -1 to
/// subtract.
pub(super) fn add(value: &Datum, interval: &Datum, sign: i32) -> Option<Datum> {
    let Datum::Interval { months, days, micros } = interval else { return None };
    let (months, days) = (months.checked_mul(sign)?, days.checked_mul(sign)?);
    let micros = micros.checked_mul(i64::from(sign))?;
    match value {
        Datum::Interval { months: m, days: d, micros: u } => Some(Datum::Interval {
            months: m.checked_add(months)?,
            days: d.checked_add(days)?,
            micros: u.checked_add(micros)?,
        }),
        Datum::Timestamp(t) => time::add_interval(*t, months, days, micros).map(Datum::Timestamp),
        Datum::Date(d) => {
            time::add_interval(i64::from(*d).checked_mul(DAY)?, months, days, micros).map(Datum::Timestamp)
        }
        Datum::Time(t) => Some(Datum::Time(t.checked_add(micros)?.rem_euclid(DAY))),
        _ => None,
    }
}

/// `date_trunc`.
pub(super) fn truncated(field: &str, value: &Datum) -> Option<Datum> {
    let stamp = match value {
        Datum::Timestamp(t) => *t,
        Datum::Date(d) => i64::from(*d).checked_mul(DAY)?,
        _ => return None,
    };
    let day = i32::try_from(stamp.div_euclid(DAY)).ok()?;
    let (year, month, _) = time::civil(day);
    let start = |day: i32| i64::from(day).checked_mul(DAY).map(Datum::Timestamp);
    let unit = |micros: i64| Some(Datum::Timestamp(stamp.div_euclid(micros) * micros));
    match field {
        "second" => unit(1_000_000),
        "minute" => unit(60_000_000),
        "hour" => unit(3_600_000_000),
        "day" => unit(DAY),
        // 2000-01-03 was a Monday.
        "week" => start(day - (day - 2).rem_euclid(7)),
        "month" => start(time::days(year, month, 1)),
        "quarter" => start(time::days(year, (month - 1) / 3 * 3 + 1, 1)),
        "year" => start(time::days(year, 1, 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_end_where_the_calendar_says() {
        let month = Datum::Interval { months: 1, days: 0, micros: 0 };
        // 2000-01-31 and a month.
        assert_eq!(add(&Datum::Date(30), &month, 1), Some(Datum::Timestamp(59 * DAY)));
        assert_eq!(add(&Datum::Timestamp(59 * DAY + 5), &month, -1), Some(Datum::Timestamp(28 * DAY + 5)));
    }

    #[test]
    fn weeks_begin_on_mondays() {
        // 2000-01-01 was a Saturday.
        assert_eq!(truncated("week", &Datum::Date(0)), Some(Datum::Timestamp(-5 * DAY)));
        assert_eq!(truncated("week", &Datum::Date(2)), Some(Datum::Timestamp(2 * DAY)));
        assert_eq!(truncated("quarter", &Datum::Date(100)), Some(Datum::Timestamp(91 * DAY)));
    }
}
