//! The difference between two readings.

use super::view::{Entry, Hidden, Reading};
use crate::snapshot::Blocks;

/// What happened between two readings, and whether counters were reset in between: what a reset wiped out is lost, and
/// the figures are then those since the reset.
pub(in crate::collect) fn difference(first: &Reading, second: Reading) -> (Reading, bool) {
    let mut reset = first.reset != second.reset;
    let mut between = Reading {
        evicted: second.evicted.zip(first.evicted).map(|(b, a)| if reset { b } else { b.saturating_sub(a) }),
        reset: second.reset,
        ..Reading::default()
    };
    let wiped = reset;
    // An entry leaves by eviction, which is counted, or by a reset of a part.
    let gone = first.entries.keys().any(|key| !second.entries.contains_key(key));
    reset |= gone && first.evicted.is_some() && first.evicted == second.evicted;
    for (key, entry) in second.entries {
        let entry = match first.entries.get(&key) {
            Some(before) if !wiped && before.since == entry.since && before.calls <= entry.calls => {
                subtract(entry, before)
            }
            // The entry itself was reset (or evicted and counted anew), by whatever means.
            Some(_) if !wiped => {
                reset = true;
                since_reset(entry)
            }
            _ => since_reset(entry),
        };
        if entry.calls > 0 {
            between.entries.insert(key, entry);
        }
    }
    between.hidden = if wiped || second.hidden.calls < first.hidden.calls {
        second.hidden
    } else {
        Hidden {
            statements: second.hidden.statements,
            calls: second.hidden.calls - first.hidden.calls,
            total_ms: (second.hidden.total_ms - first.hidden.total_ms).max(0.0),
        }
    };
    (between, reset)
}

/// An entry that began to count during the interval: its extremes are its own.
fn since_reset(entry: Entry) -> Entry {
    Entry { min_ms: None, max_ms: None, squares: None, ..entry }
}

fn subtract(after: Entry, before: &Entry) -> Entry {
    // Two sessions can be between counting and our reading: nothing may become negative.
    let time = |a: f64, b: f64| (a - b).max(0.0);
    Entry {
        calls: after.calls.saturating_sub(before.calls),
        total_ms: time(after.total_ms, before.total_ms),
        min_ms: None,
        max_ms: None,
        squares: None,
        plans: after.plans.saturating_sub(before.plans),
        plan_ms: time(after.plan_ms, before.plan_ms),
        rows: after.rows.saturating_sub(before.rows),
        blocks: Blocks {
            shared_hit: after.blocks.shared_hit.saturating_sub(before.blocks.shared_hit),
            shared_read: after.blocks.shared_read.saturating_sub(before.blocks.shared_read),
            shared_dirtied: after.blocks.shared_dirtied.saturating_sub(before.blocks.shared_dirtied),
            shared_written: after.blocks.shared_written.saturating_sub(before.blocks.shared_written),
            temp_read: after.blocks.temp_read.saturating_sub(before.blocks.temp_read),
            temp_written: after.blocks.temp_written.saturating_sub(before.blocks.temp_written),
            read_ms: time(after.blocks.read_ms, before.blocks.read_ms),
            write_ms: time(after.blocks.write_ms, before.blocks.write_ms),
        },
        wal_bytes: time(after.wal_bytes, before.wal_bytes),
        since: after.since,
        query: after.query,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(reset_s: i64, entries: &[(i64, u64, f64)]) -> Reading {
        let entry = |calls, total_ms| Entry { query: "select 1".to_owned(), calls, total_ms, ..Entry::default() };
        Reading {
            entries: entries.iter().map(|&(id, calls, ms)| ((id, None), entry(calls, ms))).collect(),
            reset: jiff::Timestamp::from_second(reset_s).ok(),
            ..Reading::default()
        }
    }

    fn figures(reading: &Reading) -> Vec<(i64, u64, f64)> {
        reading.entries.iter().map(|((id, _), e)| (*id, e.calls, e.total_ms)).collect()
    }

    #[test]
    fn what_did_not_run_in_between_is_not_there() {
        let (between, reset) = difference(
            &reading(1, &[(1, 10, 5.0), (2, 3, 1.0)]),
            reading(1, &[(1, 14, 9.0), (2, 3, 1.0), (3, 1, 2.0)]),
        );
        assert!(!reset);
        assert_eq!(figures(&between), [(1, 4, 4.0), (3, 1, 2.0)]);
    }

    #[test]
    fn a_reset_in_between_leaves_the_figures_since_then() {
        let (between, reset) = difference(&reading(1, &[(1, 10, 5.0)]), reading(2, &[(1, 14, 9.0)]));
        assert!(reset);
        assert_eq!(figures(&between), [(1, 14, 9.0)]);
    }

    #[test]
    fn an_entry_gone_without_eviction_was_reset() {
        let first = Reading { evicted: Some(4), ..reading(1, &[(1, 10, 5.0), (2, 3, 1.0)]) };
        let same = Reading { evicted: Some(4), ..reading(1, &[(2, 3, 1.0)]) };
        assert!(difference(&first, same).1);
        let more = Reading { evicted: Some(5), ..reading(1, &[(2, 3, 1.0)]) };
        assert!(!difference(&first, more).1);
    }

    #[test]
    fn a_reset_of_one_entry_shows_in_its_counter() {
        let (between, reset) =
            difference(&reading(1, &[(1, 10, 5.0), (2, 5, 1.0)]), reading(1, &[(1, 2, 1.0), (2, 6, 2.0)]));
        assert!(reset);
        assert_eq!(figures(&between), [(1, 2, 1.0), (2, 1, 1.0)]);
    }
}
