//! One query for each row of another: the loop that an ORM writes.

use std::collections::BTreeSet;

use crate::report::Severity;
use crate::snapshot::{AttrNumber, Oid, Snapshot};
use crate::workload::{BlockRole, Comparison, QueryKind, Target, Value};

use crate::rules::draft::{Draft, Findings};
use crate::rules::rule::{Area, Knobs, Rule, Threshold};
use crate::rules::subject::{Query, Subject};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "n-plus-one",
    area: Area::Query,
    severity: Severity::Warning,
    title: "A lookup runs once for each row of another query",
    thresholds: &[
        Threshold { name: "min-calls", default: 1000.0, meaning: "calls of the lookup" },
        Threshold {
            name: "min-calls-per-parent",
            default: 5.0,
            meaning: "lookups for each call of the query that feeds them",
        },
        Threshold {
            name: "max-share-off-pct",
            default: 50.0,
            meaning: "how far the lookups may fall short of the rows that feed them",
        },
    ],
    problem: "A list is fetched, and then one more query for each of its rows. Every lookup is fast, so none shows in a \
              slow-query log, but each costs a round trip, and together they are most of the page's time.",
    detection: "`pg_stat_statements`: a SELECT on one table by `=` to a parameter, over a foreign key's columns or the \
                columns it references; and a SELECT of the same role on the foreign key's other table that returned \
                about as many rows in all as the lookup was called, with many lookups for each of its calls.",
    example: "`SELECT * FROM orders WHERE user_id = $1 LIMIT 20`, called 5,000 times with 98,000 rows, and \
              `SELECT * FROM products WHERE id = $1`, called 97,500 times, fire if orders references products. The same \
              lookup called 5,000 times does not: it is not called once a row.",
    remedy: "Fetch the rows of all keys at once: a join in the first query, or one \
             `SELECT … WHERE id = ANY ($1)` after it (eager loading: `includes`, `prefetch_related`, a data loader).",
};

pub(in crate::rules) fn run(subject: &Subject<'_>, knobs: &Knobs, found: &mut Findings<'_>) {
    let queries: Vec<Query<'_>> = subject.queries().collect();
    for child in &queries {
        let calls = child.statement.calls as f64;
        if calls < knobs.get("min-calls") {
            continue;
        }
        let Some((table, keys)) = single_lookup(child) else { continue };
        let related = related_tables(subject.snapshot, table, &keys);
        let parent = queries
            .iter()
            .filter(|parent| parent.position != child.position && feeds(parent, child, &related, knobs))
            .min_by(|a, b| misfit(a, calls).total_cmp(&misfit(b, calls)));
        let (Some(parent), Some(name)) = (parent, subject.table(table).map(|t| t.name.as_str())) else { continue };
        let (feeder_rows, feeder_calls) = (parent.statement.rows as f64, parent.statement.calls as f64);
        found.push(Draft {
            object: child.statement.queryid.clone(),
            message: format!(
                "the lookup in {name} ran {calls:.0} times, {:.0} times for each call of query {}, which returned {feeder_rows:.0} rows",
                calls / feeder_calls.max(1.0),
                parent.statement.queryid
            ),
            evidence: &[
                ("calls", calls),
                ("parent_calls", feeder_calls),
                ("parent_rows", feeder_rows),
                ("mean_time_ms", child.statement.mean_ms),
            ],
            remedy: Some(format!(
                "join {name} in query {}, or fetch the rows of all keys with one query: … = ANY ($1)",
                parent.statement.queryid
            )),
            statements: &[child.position, parent.position],
            time_at_stake_ms: Some(child.statement.total_ms),
            ..Draft::default()
        });
    }
}

/// The table and columns of a SELECT that reads one table by equality with parameters and nothing else.
fn single_lookup(query: &Query<'_>) -> Option<(Oid, BTreeSet<AttrNumber>)> {
    let [block] = query.bound.blocks.as_slice() else { return None };
    let [relation] = block.relations.as_slice() else { return None };
    if query.bound.kind != QueryKind::Select || block.role != BlockRole::Top || block.aggregates {
        return None;
    }
    let mut columns = BTreeSet::new();
    for predicate in &block.predicates {
        match (&predicate.comparison, &predicate.value, &predicate.operand.target) {
            (Comparison::Eq, Value::Parameter(_), Target::Column(attnum)) if predicate.or_group.is_none() => {
                columns.insert(*attnum);
            }
            _ => return None,
        }
    }
    Some((relation.table?, columns)).filter(|(_, columns)| !columns.is_empty())
}

/// Tables whose rows a lookup by these columns follows: those that reference the table by them, and those that the
/// table references by them.
fn related_tables(snapshot: &Snapshot, table: Oid, keys: &BTreeSet<AttrNumber>) -> BTreeSet<Oid> {
    let mut related = BTreeSet::new();
    for holder in &snapshot.catalog.tables {
        for key in &holder.foreign_keys {
            let same = |columns: &[AttrNumber]| columns.iter().all(|c| keys.contains(c));
            if key.references == table && same(&key.referenced_columns) {
                related.insert(holder.oid);
            }
            if holder.oid == table && same(&key.columns) {
                related.insert(key.references);
            }
        }
    }
    related
}

/// Whether a query's rows may be what the lookups were made for.
fn feeds(parent: &Query<'_>, child: &Query<'_>, related: &BTreeSet<Oid>, knobs: &Knobs) -> bool {
    let (rows, calls) = (parent.statement.rows as f64, child.statement.calls as f64);
    let short = 1.0 - knobs.get("max-share-off-pct") / 100.0;
    parent.bound.kind == QueryKind::Select
        && parent.statement.user == child.statement.user
        && !parent.bound.tables().is_disjoint(related)
        && calls >= rows * short
        // A little more than one lookup a row is still one a row: the list may have been read before counting began.
        && calls <= rows * 1.1
        && calls >= knobs.get("min-calls-per-parent") * parent.statement.calls as f64
}

/// How far the rows are from one a lookup.
fn misfit(parent: &Query<'_>, calls: f64) -> f64 {
    (parent.statement.rows as f64 / calls.max(1.0)).max(f64::MIN_POSITIVE).ln().abs()
}
