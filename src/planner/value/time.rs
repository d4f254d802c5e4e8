//! Dates, times and intervals: from text, and arithmetic on them (`datetime.c`, `timestamp.c`).

use jiff::civil;
use jiff::tz::TimeZone;

use super::Datum;

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;
/// Microseconds of a second.
pub const SECOND: i64 = 1_000_000;
/// `date`'s infinities, as the server stores them.
const DATE_INFINITY: (i32, i32) = (i32::MIN, i32::MAX);

/// Years that a `date` can be in, with one to spare.
const YEARS: (i32, i32) = (-4_715, 5_874_898);

/// Days from 2000-01-01 to a date of the Gregorian calendar; years that no date has are taken for the nearest that has.
pub fn days(year: i32, month: i32, day: i32) -> i32 {
    let year = year.clamp(YEARS.0, YEARS.1);
    // Months are counted from March so that the leap day ends the year.
    let years = if month <= 2 { year - 1 } else { year };
    let era = years.div_euclid(400);
    let of_era = years.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 730_425
}

/// Year, month and day of a number of days from 2000-01-01.
pub fn civil(days: i32) -> (i32, i32, i32) {
    let shifted = days.saturating_add(730_425);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i32::from(month <= 2), month, day)
}

/// Days in a month.
pub fn month_length(year: i32, month: i32) -> i32 {
    let (next_year, next) = if month == 12 { (year.saturating_add(1), 1) } else { (year, month + 1) };
    days(next_year, next, 1) - days(year, month, 1)
}

/// A `date`.
pub fn date(text: &str) -> Option<i32> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "infinity" => return Some(DATE_INFINITY.1),
        "-infinity" => return Some(DATE_INFINITY.0),
        "epoch" => return Some(-10_957),
        _ => {}
    }
    let (text, before_christ) = match text.strip_suffix(" BC") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let day_part = text.split([' ', 'T']).next()?;
    let (year, month, day) = if let Some((year, rest)) = day_part.split_once('-') {
        let (month, day) = rest.split_once('-')?;
        (year.parse::<i32>().ok()?, month_number(month)?, day.parse::<i32>().ok()?)
    } else if day_part.len() == 8 && day_part.bytes().all(|b| b.is_ascii_digit()) {
        (day_part[..4].parse().ok()?, day_part[4..6].parse().ok()?, day_part[6..].parse().ok()?)
    } else {
        // Month, day, year: the default DateStyle.
        let mut parts = day_part.split('/');
        let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
        (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
    };
    let year = if before_christ { 1 - year } else { year };
    let sound = (-4712..=294_276).contains(&year)
        && (1..=12).contains(&month)
        && (1..=month_length(year, month)).contains(&day);
    sound.then(|| days(year, month, day))
}

fn month_number(text: &str) -> Option<i32> {
    const NAMES: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    text.parse().ok().or_else(|| {
        let lower = text.to_ascii_lowercase();
        let position = NAMES.iter().position(|name| lower.starts_with(name))?;
        i32::try_from(position + 1).ok()
    })
}

/// A `time`, in microseconds since midnight, with the text after it.
fn clock(text: &str) -> Option<(i64, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let mut parts = digits.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let micros = match parts.next() {
        Some(seconds) => seconds_micros(seconds)?,
        None => 0,
    };
    Some(((hours * 60 + minutes) * 60 * SECOND + micros, rest))
}

fn seconds_micros(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    whole.checked_mul(SECOND)?.checked_add(digits.parse().ok()?)
}

/// A `time`.
pub fn time(text: &str) -> Option<i64> {
    let (micros, rest) = clock(text.trim())?;
    match rest.trim().to_ascii_lowercase().as_str() {
        "pm" if micros < DAY / 2 => Some(micros + DAY / 2),
        "am" if micros >= DAY / 2 => Some(micros - DAY / 2),
        _ => Some(micros),
    }
}

/// A `timestamp` (without `zone`: one given in the text is ignored) or `timestamptz` (with the zone to take where the
/// text gives none).
pub fn timestamp(text: &str, zone: Option<&TimeZone>) -> Option<i64> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "infinity" => return Some(i64::MAX),
        "-infinity" => return Some(i64::MIN),
        _ => {}
    }
    let (text, suffix) = match text.strip_suffix(" BC") {
        Some(rest) => (rest, " BC"),
        None => (text, ""),
    };
    let (day_text, clock_text) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let day = date(&format!("{day_text}{suffix}"))?;
    let (micros, rest) = if clock_text.trim().is_empty() { (0, "") } else { clock(clock_text.trim())? };
    let local = i64::from(day) * DAY + micros;
    let Some(zone) = zone else { return Some(local) };
    let rest = rest.trim();
    if rest.is_empty() {
        return Some(local - offset_at(local, zone));
    }
    match offset(rest) {
        Some(seconds) => Some(local - seconds * SECOND),
        None => Some(local - offset_at(local, &TimeZone::get(rest).ok()?)),
    }
}

/// A numeric offset from UTC, in seconds.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z" | "UTC" | "GMT") {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let mut seconds = 0;
    if digits.len() == 4 && !digits.contains(':') {
        let number: i64 = digits.parse().ok()?;
        seconds = number / 100 * 3600 + number % 100 * 60;
    } else {
        for (part, unit) in digits.split(':').zip([3600, 60, 1]) {
            seconds += part.parse::<i64>().ok()? * unit;
        }
    }
    Some(sign * seconds)
}

/// Microseconds by which a zone is ahead of UTC at a local time.
pub fn offset_at(local: i64, zone: &TimeZone) -> i64 {
    let seconds = local.div_euclid(SECOND);
    let day = i32::try_from(seconds.div_euclid(86_400)).unwrap_or(0);
    let (year, month, day) = civil(day);
    let of_day = seconds.rem_euclid(86_400);
    let narrow = |n: i64| i8::try_from(n).unwrap_or(0);
    let at = i16::try_from(year).ok().and_then(|year| {
        let (hour, minute, second) = (narrow(of_day / 3600), narrow(of_day / 60 % 60), narrow(of_day % 60));
        civil::DateTime::new(year, narrow(month.into()), narrow(day.into()), hour, minute, second, 0).ok()
    });
    let stamp = at.and_then(|at| zone.to_timestamp(at).ok());
    stamp.map_or(0, |stamp| i64::from(zone.to_offset(stamp).seconds()) * SECOND)
}

/// The local time of an instant.
pub fn local(utc: i64, zone: &TimeZone) -> i64 {
    let seconds = utc.div_euclid(SECOND).saturating_add(946_684_800);
    let offset = jiff::Timestamp::from_second(seconds).map_or(0, |stamp| zone.to_offset(stamp).seconds());
    utc.saturating_add(i64::from(offset) * SECOND)
}

/// Microseconds since 2000-01-01 UTC of an instant.
pub fn instant(stamp: jiff::Timestamp) -> i64 {
    stamp.as_microsecond().saturating_sub(946_684_800 * SECOND)
}

/// Adds an interval to a local timestamp: months (the day cut to the month's length), then days, then time.
pub fn add_interval(stamp: i64, months: i32, day_count: i32, micros: i64) -> Option<i64> {
    let mut day = i32::try_from(stamp.div_euclid(DAY)).ok()?;
    let of_day = stamp.rem_euclid(DAY);
    if months != 0 {
        let (year, month, of_month) = civil(day);
        let total = year.checked_mul(12)?.checked_add(month - 1)?.checked_add(months)?;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        if year <= YEARS.0 || year >= YEARS.1 {
            return None;
        }
        day = days(year, month, of_month.min(month_length(year, month)));
    }
    let day = day.checked_add(day_count)?;
    i64::from(day).checked_mul(DAY)?.checked_add(of_day)?.checked_add(micros)
}

/// An `interval`: the server's output, verbose units, ISO 8601 with designators.
pub fn interval(text: &str) -> Option<Datum> {
    let text = text.trim();
    if let Some(iso) = text.strip_prefix('P') {
        return iso_interval(iso);
    }
    let (mut months, mut days, mut micros) = (0.0, 0.0, 0.0);
    let ago = text.ends_with(" ago");
    let text = text.trim_start_matches('@').trim_end_matches(" ago");
    let words: Vec<&str> = spaced(text);
    let mut i = 0;
    while i < words.len() {
        let word = words[i];
        if word.contains(':') {
            let (sign, digits) = match word.strip_prefix('-') {
                Some(rest) => (-1.0, rest),
                None => (1.0, word.strip_prefix('+').unwrap_or(word)),
            };
            micros += sign * clock(digits)?.0 as f64;
            i += 1;
            continue;
        }
        let number: f64 = word.parse().ok()?;
        // A number without a unit counts seconds.
        let unit = words.get(i + 1).copied().unwrap_or("s").to_ascii_lowercase();
        add_unit(number, &unit, &mut months, &mut days, &mut micros)?;
        i += 2;
    }
    if words.is_empty() {
        return None;
    }
    let sign = if ago { -1.0 } else { 1.0 };
    Some(make_interval(sign * months, sign * days, sign * micros))
}

/// Words, numbers and the units that follow them apart.
fn spaced(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let letters = word.find(|c: char| c.is_ascii_alphabetic());
        match letters {
            Some(at) if at > 0 && !word.contains(':') => {
                words.push(&word[..at]);
                words.push(&word[at..]);
            }
            _ => words.push(word),
        }
    }
    words
}

fn add_unit(number: f64, unit: &str, months: &mut f64, days: &mut f64, micros: &mut f64) -> Option<()> {
    let second = SECOND as f64;
    match unit.trim_end_matches(',') {
        "y" | "year" | "years" | "yr" | "yrs" => *months += number * 12.0,
        "mon" | "mons" | "month" | "months" => *months += number,
        "decade" | "decades" | "dec" | "decs" => *months += number * 120.0,
        "century" | "centuries" | "cent" | "c" => *months += number * 1200.0,
        "w" | "week" | "weeks" => *days += number * 7.0,
        "d" | "day" | "days" => *days += number,
        "h" | "hour" | "hours" | "hr" | "hrs" => *micros += number * 3600.0 * second,
        "m" | "min" | "mins" | "minute" | "minutes" => *micros += number * 60.0 * second,
        "s" | "sec" | "secs" | "second" | "seconds" => *micros += number * second,
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => *micros += number * 1000.0,
        "us" | "usec" | "usecs" | "microsecond" | "microseconds" => *micros += number,
        _ => return None,
    }
    Some(())
}

fn iso_interval(text: &str) -> Option<Datum> {
    let (mut months, mut days, mut micros) = (0.0, 0.0, 0.0);
    let mut in_time = false;
    let mut number = String::new();
    for c in text.chars() {
        match c {
            'T' => in_time = true,
            '0'..='9' | '.' | '-' | '+' => number.push(c),
            _ => {
                let value: f64 = number.parse().ok()?;
                number.clear();
                let unit = match (c, in_time) {
                    ('Y', _) => "y",
                    ('M', false) => "mon",
                    ('W', _) => "w",
                    ('D', _) => "d",
                    ('H', _) => "h",
                    ('M', true) => "m",
                    ('S', _) => "s",
                    _ => return None,
                };
                add_unit(value, unit, &mut months, &mut days, &mut micros)?;
            }
        }
    }
    Some(make_interval(months, days, micros))
}

/// An interval of these amounts; fractions go down to the next smaller unit.
pub fn make_interval(months: f64, days: f64, micros: f64) -> Datum {
    let days = days + (months - months.trunc()) * 30.0;
    let micros = micros + ((days - days.trunc()) * DAY as f64).round();
    Datum::Interval { months: whole(months), days: whole(days), micros: long(micros) }
}

/// The whole part, saturated.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is what is wanted")]
fn whole(value: f64) -> i32 {
    value.trunc() as i32
}

/// The nearest integer, saturated.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is what is wanted")]
pub fn long(value: f64) -> i64 {
    value.round() as i64
}
