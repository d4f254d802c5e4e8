//! Which statements are kept, and a count of the others by reason.

use std::collections::BTreeMap;

use super::classify::{Verb, is_own, reads_only_catalogs, verb};
use super::view::{Entry, Reading};
use crate::snapshot::{LeftOut, LeftOutReason, PlanOutcome, Statement, StatementSource, Statements};

/// What is asked for.
pub(in crate::collect) struct Filter<'a> {
    /// Calls at least.
    pub(in crate::collect) min_calls: u64,
    /// Mean execution time at least.
    pub(in crate::collect) min_time_ms: f64,
    /// Statements at most, those with the most total time.
    pub(in crate::collect) top: usize,
    /// Roles; empty for all.
    pub(in crate::collect) users: &'a [String],
}

/// Applies the filter to a reading. Entries of several roles with one queryid are one statement: the same text on the
/// same tables.
pub(in crate::collect) fn filter(reading: Reading, filter: &Filter<'_>) -> Statements {
    let mut left_out = Counts::default();
    let hidden = reading.hidden;
    if hidden.statements > 0 {
        left_out.add(LeftOutReason::TextHidden, hidden.statements, hidden.calls, hidden.total_ms);
    }
    let mut total_calls = hidden.calls;
    let mut total_time_ms = hidden.total_ms;
    let mut merged: BTreeMap<i64, (Option<String>, Entry)> = BTreeMap::new();
    for ((queryid, user), entry) in reading.entries {
        total_calls += entry.calls;
        total_time_ms += entry.total_ms;
        let wanted = filter.users.is_empty() || user.as_ref().is_some_and(|u| filter.users.contains(u));
        if let Some(reason) = reason_of_text(&entry.query).or((!wanted).then_some(LeftOutReason::OtherUser)) {
            left_out.add(reason, 1, entry.calls, entry.total_ms);
            continue;
        }
        match merged.entry(queryid) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert((user, entry));
            }
            std::collections::btree_map::Entry::Occupied(mut occupied) => {
                let (first_user, sum) = occupied.get_mut();
                if *first_user != user {
                    // Nobody's in particular.
                    *first_user = None;
                }
                sum.add(entry);
            }
        }
    }
    let mut items = Vec::new();
    for (queryid, (user, entry)) in merged {
        if entry.calls < filter.min_calls {
            left_out.add(LeftOutReason::TooFewCalls, 1, entry.calls, entry.total_ms);
        } else if entry.mean_ms() < filter.min_time_ms {
            left_out.add(LeftOutReason::TooFast, 1, entry.calls, entry.total_ms);
        } else {
            items.push(statement(queryid, user, entry));
        }
    }
    items.sort_by(|a, b| b.total_ms.total_cmp(&a.total_ms).then_with(|| a.queryid.cmp(&b.queryid)));
    for beyond in items.drain(filter.top.min(items.len())..) {
        left_out.add(LeftOutReason::BeyondTop, 1, beyond.calls, beyond.total_ms);
    }
    Statements {
        source: StatementSource::PgStatStatements,
        since: reading.reset,
        interval_ms: None,
        reset_during_interval: false,
        evicted: reading.evicted,
        total_calls,
        total_time_ms,
        items,
        left_out: left_out.into_list(),
    }
}

/// Why a text is left out, whatever its counters say.
fn reason_of_text(query: &str) -> Option<LeftOutReason> {
    if is_own(query) {
        Some(LeftOutReason::OwnStatement)
    } else if verb(query) == Verb::Utility {
        Some(LeftOutReason::Utility)
    } else if reads_only_catalogs(query) {
        Some(LeftOutReason::SystemCatalog)
    } else {
        None
    }
}

fn statement(queryid: i64, user: Option<String>, entry: Entry) -> Statement {
    Statement {
        queryid: queryid.to_string(),
        user,
        calls: entry.calls,
        total_ms: entry.total_ms,
        mean_ms: entry.mean_ms(),
        min_ms: entry.min_ms,
        max_ms: entry.max_ms,
        stddev_ms: entry.stddev_ms(),
        // Nothing was planned where nothing was tracked.
        plan_ms: (entry.plans > 0).then_some(entry.plan_ms),
        rows: entry.rows,
        blocks: entry.blocks,
        wal_bytes: whole(entry.wal_bytes),
        query: entry.query,
        plan: PlanOutcome::NotAsked,
    }
}

/// The server's counter is numeric; past 2^53 a byte more or less does not matter.
fn whole(bytes: f64) -> Option<u64> {
    format!("{:.0}", bytes.max(0.0)).parse().ok()
}

#[derive(Default)]
struct Counts(BTreeMap<LeftOutReason, (u64, u64, f64)>);

impl Counts {
    fn add(&mut self, reason: LeftOutReason, statements: u64, calls: u64, total_ms: f64) {
        let count = self.0.entry(reason).or_default();
        count.0 += statements;
        count.1 += calls;
        count.2 += total_ms;
    }

    fn into_list(self) -> Vec<LeftOut> {
        let left_out = |(reason, (statements, calls, total_ms))| LeftOut { reason, statements, calls, total_ms };
        self.0.into_iter().map(left_out).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(entries: &[(i64, &str, &str, u64, f64)]) -> Reading {
        let mut reading = Reading::default();
        for &(id, user, query, calls, total_ms) in entries {
            let entry = Entry { query: query.to_owned(), calls, total_ms, ..Entry::default() };
            reading.entries.insert((id, Some(user.to_owned())), entry);
        }
        reading
    }

    const ALL: Filter<'static> = Filter { min_calls: 0, min_time_ms: 0.0, top: 10, users: &[] };

    #[test]
    fn every_reason_is_counted_and_the_rest_is_kept_by_total_time() {
        let reading = reading(&[
            (1, "app", "select * from a", 100, 10.0),
            (2, "app", "select * from b", 1, 900.0),
            (3, "app", "begin", 50, 1.0),
            (4, "app", "select * from pg_class", 5, 1.0),
            (5, "app", "SELECT /* pgwise */ 1", 5, 1.0),
            (6, "batch", "select * from c", 5, 1.0),
            (7, "app", "select * from d", 10, 0.001),
            (8, "app", "select * from e", 10, 5.0),
        ]);
        let users = ["app".to_owned()];
        let statements = filter(reading, &Filter { min_calls: 2, min_time_ms: 0.01, top: 1, users: &users });
        assert_eq!(statements.items.iter().map(|s| s.queryid.as_str()).collect::<Vec<_>>(), ["1"]);
        let reasons: Vec<_> = statements.left_out.iter().map(|l| (l.reason, l.statements)).collect();
        assert_eq!(
            reasons,
            [
                (LeftOutReason::Utility, 1),
                (LeftOutReason::SystemCatalog, 1),
                (LeftOutReason::OwnStatement, 1),
                (LeftOutReason::TooFewCalls, 1),
                (LeftOutReason::TooFast, 1),
                (LeftOutReason::OtherUser, 1),
                (LeftOutReason::BeyondTop, 1),
            ]
        );
        let counted: u64 = statements.left_out.iter().map(|l| l.calls).sum();
        assert_eq!(counted + 100, statements.total_calls);
    }

    #[test]
    fn one_query_of_two_roles_is_one_statement_of_nobody_in_particular() {
        let reading = reading(&[(1, "a", "select * from t", 1, 1.0), (1, "b", "select * from t", 2, 5.0)]);
        let statements = filter(reading, &ALL);
        assert_eq!(statements.items.len(), 1);
        assert_eq!((statements.items[0].calls, statements.items[0].user.as_deref()), (3, None));
    }
}
