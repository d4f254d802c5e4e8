//! Drops: indexes that serve nobody, or nobody alone, or cost more than they bring.
//!
//! An index is never dropped while anything but queries may rest on it: a constraint, a primary key or uniqueness, an
//! exclusion, a replica identity, a foreign key of another table, CLUSTER, a partitioned parent. Nor while it is the
//! only one that serves a foreign key's checks. What is left may go if another index serves the same, if nobody has
//! used it for long enough on the only server that we know of, or if its writes cost more than its readers would lose.
//!
//! Where the cost source can hide existing indexes, each of them is judged by what the workload would cost without it
//! ([`worth`]), with the recommended indexes in place and the drops before it done. A statement that would be much
//! slower keeps the index, however rarely it runs, and the report says so.

mod worth;

use std::collections::BTreeSet;

use crate::report::Rejection;
use crate::snapshot::{Index, IndexMethod, IndexSpec, Oid, RecoveryState, Table};
use crate::whatif::{CandidateId, ddl};

use super::candidates::{shape_supports, supports};
use super::existing;
use super::facts::Facts;
use super::problem::Problem;
use super::selection::Selection;
use super::write_cost::{self, TableWrites};
use worth::Ledger;
pub(super) use worth::Worth;

/// A gain below this share of the workload's cost is no reason to drop an index that is used.
const VISIBLE_SHARE: f64 = 1e-4;
/// The rule that keeps an index.
pub(super) const KEPT: &str = "still-needed";

/// Why an index may go.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Why {
    /// Another index is the same.
    Duplicate {
        /// Its name.
        of: String,
    },
    /// Another index begins with its keys.
    Prefix {
        /// Its name.
        of: String,
    },
    /// A recommended index begins with its keys.
    Superseded {
        /// The recommended index's position among the chosen.
        by: CandidateId,
    },
    /// Nobody used it since the counters' reset.
    Unused {
        /// Hours that the counters cover.
        hours: f64,
    },
    /// A failed CREATE INDEX CONCURRENTLY left it behind: it is maintained and never read.
    Invalid,
    /// Its writes cost more than the statements that read it would lose.
    Costly {
        /// What its writes cost, in the objective's unit.
        writes: f64,
    },
}

/// An index to drop.
#[derive(Debug, Clone)]
pub(super) struct Drop<'a> {
    pub(super) table: &'a Table,
    pub(super) index: &'a Index,
    pub(super) why: Why,
    /// What the workload would cost without it, if a cost source could say.
    pub(super) worth: Option<Worth>,
}

/// What becomes of the existing indexes.
#[derive(Debug, Default)]
pub(super) struct Drops<'a> {
    /// Indexes to drop, in the catalog's order.
    pub(super) found: Vec<Drop<'a>>,
    /// Indexes that stay for the sake of a statement, with the numbers.
    pub(super) kept: Vec<Rejection>,
    /// Why nothing can be called unused, if so.
    pub(super) doubt: Option<String>,
}

/// Judges every existing index, with what was chosen in place.
pub(super) fn drops<'a>(problem: &mut Problem<'_, 'a, '_>, selection: &Selection) -> Drops<'a> {
    let facts = problem.facts;
    let chosen: Vec<(CandidateId, IndexSpec)> =
        selection.chosen.iter().map(|id| (*id, problem.generated.pool.get(*id).spec.clone())).collect();
    let (unused_hours, doubt) = unused_history(facts);
    let mut drops = Drops { doubt, ..Drops::default() };
    let mut ledger = Ledger::new(problem, &selection.chosen);
    let snapshot = facts.snapshot;
    for table in &snapshot.catalog.tables {
        let mut gone: BTreeSet<Oid> = BTreeSet::new();
        let mut writes: Option<TableWrites> = None;
        for index in &table.indexes {
            if !droppable(index) {
                continue;
            }
            let why = why(table, index, &gone, &chosen)
                .or_else(|| unused_hours.filter(|_| unused(facts, index)).map(|hours| Why::Unused { hours }));
            if serves_foreign_key_alone(facts, table, index, &gone, &chosen) {
                continue;
            }
            if matches!(why, Some(Why::Invalid)) {
                gone.insert(index.oid);
                drops.found.extend(why.map(|why| Drop { table, index, why, worth: None }));
                continue;
            }
            let writes = writes.get_or_insert_with(|| TableWrites::of(facts, table.oid));
            let spec = index.spec(table.oid);
            let fraction = write_cost::fraction(facts, table, index);
            let spared = problem.unit() * write_cost::of(facts, writes, &spec, fraction).cost;
            // Without anybody to ask, what an index is worth is not known: only what no one used or needs may go.
            let worth = ledger.without(problem, table, index);
            let verdict = match (why, &worth) {
                (Some(why), None) => Verdict::Drop(why),
                (None, None) => Verdict::Leave,
                (why, Some(worth)) => judge(problem, why, worth, spared),
            };
            match verdict {
                Verdict::Drop(why) => {
                    gone.insert(index.oid);
                    ledger.accept(index.oid, worth.as_ref());
                    drops.found.push(Drop { table, index, why, worth });
                }
                Verdict::Keep => drops.kept.extend(worth.and_then(|w| kept(facts, table, index, &w, spared))),
                Verdict::Leave => {}
            }
        }
    }
    drops
}

enum Verdict {
    Drop(Why),
    /// It stays, and the report says why.
    Keep,
    /// It stays, and nobody would ask why.
    Leave,
}

fn judge(problem: &Problem<'_, '_, '_>, why: Option<Why>, worth: &Worth, spared: f64) -> Verdict {
    let most = 1.0 / (1.0 - problem.facts.options.min_improvement_pct.min(99.0) / 100.0);
    let missed = worth.worst.as_ref().is_some_and(|w| w.slowdown() > most);
    let pays = spared > worth.loss;
    match why {
        // What costs differ by between two equal indexes is how full they are.
        Some(why @ Why::Duplicate { .. }) => Verdict::Drop(why),
        Some(_) if missed => Verdict::Keep,
        Some(why) => Verdict::Drop(why),
        None if !pays => Verdict::Leave,
        None if missed => Verdict::Keep,
        // Scans that no analysed statement explains are somebody's.
        None if worth.users == 0 => Verdict::Leave,
        None if spared - worth.loss < VISIBLE_SHARE * problem.workload_cost(&BTreeSet::new()) => Verdict::Leave,
        None => Verdict::Drop(Why::Costly { writes: spared }),
    }
}

/// Says why an index stays that seldom serves anybody.
fn kept(facts: &Facts<'_>, table: &Table, index: &Index, worth: &Worth, spared: f64) -> Option<Rejection> {
    let worst = worth.worst.as_ref()?;
    let statement = facts.statement(worst.statement)?;
    let mut numbers = std::collections::BTreeMap::from([
        ("cost_with".to_owned(), worst.with),
        ("cost_without".to_owned(), worst.without),
        ("slowdown".to_owned(), worst.slowdown()),
        ("calls".to_owned(), statement.calls as f64),
        ("reads_cost_lost".to_owned(), worth.loss),
        ("writes_cost_spared".to_owned(), spared),
    ]);
    let used = match &index.activity {
        Some(activity) => {
            numbers.insert("scans".to_owned(), activity.scans as f64);
            let times = if activity.scans == 1 { "once".to_owned() } else { format!("{} times", activity.scans) };
            format!(" was scanned {times} since the counters' reset")
        }
        None => " may be used rarely".to_owned(),
    };
    let spec = index.spec(table.oid);
    Some(Rejection {
        table: table.display_name(),
        columns: ddl::key_columns(&spec, table),
        method: index.method_name.clone(),
        rule: KEPT.to_owned(),
        reason: format!(
            "{}{used}, but statement {} needs it: {:.1} times slower without ({} calls, cost {:.0} instead of {:.0})",
            index.name,
            statement.queryid,
            worst.slowdown(),
            statement.calls,
            worst.without,
            worst.with
        ),
        numbers,
        queryids: vec![statement.queryid.clone()],
    })
}

/// Existing indexes that an index of this shape would make redundant.
pub(super) fn replaced_by(facts: &Facts<'_>, spec: &IndexSpec) -> Vec<Oid> {
    let Some(table) = facts.table(spec.table) else { return vec![] };
    table
        .indexes
        .iter()
        .filter(|i| droppable(i) && i.valid && existing::prefix_of(&i.spec(table.oid), spec))
        .map(|i| i.oid)
        .collect()
}

/// Whether nothing but queries can rest on the index.
fn droppable(index: &Index) -> bool {
    !(index.primary
        || index.unique
        || index.exclusion
        || index.constraint.is_some()
        || index.replica_identity
        || index.clustered
        || index.parent.is_some()
        || !index.referenced_by_foreign_keys.is_empty())
}

fn why(table: &Table, index: &Index, gone: &BTreeSet<Oid>, chosen: &[(CandidateId, IndexSpec)]) -> Option<Why> {
    if !index.valid {
        // An index being built is invalid too, but not ready for long: a ready or dead one was left behind.
        return Some(Why::Invalid);
    }
    let own = index.spec(table.oid);
    let others = || table.indexes.iter().filter(|o| o.oid != index.oid && o.valid && !gone.contains(&o.oid));
    for other in others() {
        let same = existing::same_shape(&own, &other.spec(table.oid));
        // Of two equal ones the later in the catalog's order goes, unless the other cannot.
        if same && index.method() != IndexMethod::Other && (!droppable(other) || other.name < index.name) {
            return Some(Why::Duplicate { of: other.name.clone() });
        }
    }
    for other in others() {
        let spec = other.spec(table.oid);
        if !existing::same_shape(&own, &spec) && existing::prefix_of(&own, &spec) {
            return Some(Why::Prefix { of: other.name.clone() });
        }
    }
    chosen
        .iter()
        .find(|(_, spec)| spec.table == table.oid && existing::prefix_of(&own, spec))
        .map(|(id, _)| Why::Superseded { by: *id })
}

/// Whether the counters of the index say that nobody used it; of a partitioned one, those of all its parts.
fn unused(facts: &Facts<'_>, index: &Index) -> bool {
    let mut parts = facts.snapshot.catalog.indexes().filter(|(_, i)| i.parent == Some(index.oid)).peekable();
    if parts.peek().is_some() {
        return index.valid && parts.all(|(_, part)| unused(facts, part));
    }
    index.valid && index.activity.as_ref().is_some_and(|a| a.scans == 0)
}

/// Hours of history, if there is enough of it to call an index unused; else why there is not.
fn unused_history(facts: &Facts<'_>) -> (Option<f64>, Option<String>) {
    let wanted = facts.options.min_history.as_secs_f64() / 3600.0;
    if facts.snapshot.server.recovery == RecoveryState::Standby {
        let reason = "this server is a standby: its counters do not show what the primary uses".to_owned();
        return (None, Some(reason));
    }
    match facts.table_hours_at_least() {
        Some(hours) if hours >= wanted => (Some(hours), None),
        Some(hours) => {
            (None, Some(format!("the counters cover {hours:.1} hours, less than the {wanted:.0} that are asked for")))
        }
        None if wanted == 0.0 => (Some(0.0), None),
        None => (None, Some("it is not known since when the counters count".to_owned())),
    }
}

/// Whether the index alone serves the checks of some foreign key of the table.
fn serves_foreign_key_alone(
    facts: &Facts<'_>,
    table: &Table,
    index: &Index,
    gone: &BTreeSet<Oid>,
    chosen: &[(CandidateId, IndexSpec)],
) -> bool {
    table.foreign_keys.iter().any(|key| {
        supports(index, table, &key.columns)
            && !table
                .indexes
                .iter()
                .any(|o| o.oid != index.oid && !gone.contains(&o.oid) && supports(o, table, &key.columns))
            && !chosen.iter().any(|(_, spec)| spec.table == table.oid && shape_supports(spec, table, &key.columns))
            && facts.table(key.references).is_some()
    })
}
