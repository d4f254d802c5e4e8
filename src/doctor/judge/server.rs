//! The server itself and what it counts.

use jiff::{SignedDuration, Timestamp};

use super::super::check::{Check, Need, Status};
use super::super::facts::Facts;

/// The versions that the collector's SQL is written for.
const SUPPORTED: std::ops::RangeInclusive<u32> = 13..=18;

/// Below this age nothing is called unused (DESIGN's `--min-history`).
const MIN_HISTORY: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(super) fn version(facts: &Facts) -> Check {
    let (id, version) = ("server-version", &facts.version);
    if SUPPORTED.contains(&facts.major()) {
        Check::ok(id, format!("PostgreSQL {version}"))
    } else if facts.major() < *SUPPORTED.start() {
        Check::new(
            id,
            Status::Missing,
            format!("PostgreSQL {version} is older than {}, the oldest version supported", SUPPORTED.start()),
            "its statistics views lack what pgwise reads",
        )
    } else {
        Check::new(
            id,
            Status::Info,
            format!("PostgreSQL {version} is newer than {}, the newest version known", SUPPORTED.end()),
            "views may have changed; what cannot be read is reported as not seen",
        )
    }
}

pub(super) fn recovery(facts: &Facts) -> Check {
    let id = "recovery";
    match facts.standbys {
        _ if facts.standby => Check::new(
            id,
            Status::Info,
            "the server is a standby",
            "its counters show its own reads only: an index unused here may serve the primary, and the writes are \
             counted there; changes are made on the primary",
        ),
        Some(count) if count > 0 => Check::new(
            id,
            Status::Info,
            format!("the server is a primary with {count} standby{}", if count == 1 { "" } else { "s" }),
            "an index unused here may serve queries there: look at each before dropping it",
        ),
        Some(_) => Check::ok(id, "the server is a primary without standbys"),
        None => Check::ok(id, "the server is a primary; whether it has standbys, this role may not see"),
    }
}

pub(super) fn counter_age(facts: &Facts) -> Check {
    let id = "counter-age";
    let (since, words) = match facts.stats_reset {
        Some(reset) => (reset, "were reset"),
        // Never reset: they go back at least to the server's start.
        None => (facts.started_at, "go back at least to the server's start,"),
    };
    let age = facts.now.duration_since(since);
    if age >= MIN_HISTORY {
        return Check::ok(id, format!("the counters {words} {} ago", span(age)));
    }
    Check::new(
        id,
        Status::Limited,
        format!("the counters {words} {} ago ({})", span(age), day(since)),
        "an index is called unused only after 7 days of counting (--min-history changes that): wait, and do not reset \
         them",
    )
}

pub(super) fn counting(facts: &Facts) -> Check {
    let id = "table-counters";
    if facts.setting("track_counts") == Some("off") {
        Check::new(
            id,
            Status::Missing,
            "track_counts is off",
            "nobody counts the scans and writes of tables and indexes, and autovacuum does not run",
        )
        .set("track_counts", "on")
    } else {
        Check::ok(id, "scans and writes of tables and indexes are counted")
    }
}

pub(super) fn autovacuum(facts: &Facts) -> Check {
    let id = "autovacuum";
    if facts.setting("autovacuum") == Some("off") {
        Check::new(
            id,
            Status::Limited,
            "autovacuum is off",
            "planner statistics and the visibility map go stale: estimates are then wrong, and index-only scans slow",
        )
        .set("autovacuum", "on")
    } else {
        Check::ok(id, "autovacuum is on")
    }
}

pub(super) fn io_timing(facts: &Facts) -> Check {
    let id = "io-timing";
    if facts.setting("track_io_timing") == Some("off") {
        Check::new(
            id,
            Status::Limited,
            "track_io_timing is off",
            "how much of a statement's time goes into reading is not known; pg_test_timing tells what measuring it costs",
        )
        .set("track_io_timing", "on")
        .needs(Need::Superuser)
    } else {
        Check::ok(id, "time spent reading and writing is measured")
    }
}

/// `3 days`, `5 hours`, `20 minutes`.
pub(super) fn span(age: SignedDuration) -> String {
    let (count, unit) = match age.as_secs().max(0) {
        s if s >= 2 * 86_400 => (s / 86_400, "day"),
        s if s >= 3_600 => (s / 3_600, "hour"),
        s => (s / 60, "minute"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
