//! Figures as people read them: three digits that matter, and a unit.

const SECOND_MS: f64 = 1_000.0;
const MINUTE_MS: f64 = 60_000.0;
const HOUR_MS: f64 = 3_600_000.0;
const DAY_MS: f64 = 86_400_000.0;

/// A whole number with thousands apart: `1,234,567`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 index`, `2 indexes`.
pub(super) fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(n as u64), if n == 1 { one } else { many })
}

/// A number without unit: whole above 100, else with as many decimals as matter.
pub(super) fn number(n: f64) -> String {
    let magnitude = n.abs();
    let text = match magnitude {
        m if !m.is_finite() => return n.to_string(),
        m if m >= 99.95 || m == m.trunc() => format!("{magnitude:.0}"),
        m if m >= 9.995 => format!("{magnitude:.1}"),
        m if m >= 0.005 => format!("{magnitude:.2}"),
        _ => format!("{magnitude:.4}"),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    let fraction = fraction.trim_end_matches('0');
    let sign = if n < 0.0 { "−" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A share of a hundred: `98.4%`.
pub(super) fn percent(pct: f64) -> String {
    match pct.abs() {
        p if p >= 99.95 || p == p.trunc() => format!("{}%", number(pct.round())),
        p if p < 0.05 => format!("{}%", number(pct)),
        _ => format!("{}%", number((pct * 10.0).round() / 10.0)),
    }
}

/// A duration: `0.42 ms`, `1.3 s`, `2 min 5 s`, `3.4 h`, `7 days`.
pub(super) fn duration(ms: f64) -> String {
    match ms {
        ms if ms < SECOND_MS => format!("{} ms", number(ms)),
        ms if ms < 2.0 * MINUTE_MS => format!("{} s", number(round_to(ms / SECOND_MS, 10.0))),
        ms if ms < 2.0 * HOUR_MS => format!("{} min", number(round_to(ms / MINUTE_MS, 10.0))),
        ms if ms < 2.0 * DAY_MS => format!("{} h", number(round_to(ms / HOUR_MS, 10.0))),
        ms => format!("{} days", number(round_to(ms / DAY_MS, 10.0))),
    }
}

fn round_to(n: f64, parts: f64) -> f64 {
    (n * parts).round() / parts
}

/// A size as `pg_size_pretty` would say it: `8 kB`, `42 MB`, `1.5 GB`.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1024 {
        return plural(usize::try_from(bytes).unwrap_or(0), "byte", "bytes");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    let size = if size < 10.0 { round_to(size, 10.0) } else { size.round() };
    format!("{} {}", number(size), UNITS.get(unit).copied().unwrap_or("PB"))
}

/// A PostgreSQL version from `server_version_num`: `15.18`.
pub(super) fn version(num: u32) -> String {
    format!("{}.{}", num / 10_000, num % 10_000)
}

/// A point in time, to the minute: `2026-11-24 09:36 UTC`.
pub(super) fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_say_them() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(number(-1234.6), "−1,235");
        assert_eq!(number(0.5), "0.5");
        assert_eq!(number(3.0), "3");
        assert_eq!(number(0.001), "0.001");
        assert_eq!(percent(98.44), "98.4%");
        assert_eq!(percent(100.0), "100%");
        assert_eq!(duration(0.42), "0.42 ms");
        assert_eq!(duration(1_290.0), "1.3 s");
        assert_eq!(duration(604_800_000.0), "7 days");
        assert_eq!(bytes(44_040_192), "42 MB");
        assert_eq!(bytes(1_572_864), "1.5 MB");
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(version(150_018), "15.18");
    }
}
