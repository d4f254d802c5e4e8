//! Drops: indexes that serve nobody, or nobody alone.
//!
//! An index is never dropped while anything but queries may rest on it: a constraint, a primary key or uniqueness, an
//! exclusion, a replica identity, a foreign key of another table, CLUSTER, a partitioned parent. Nor while it is the
//! only one that serves a foreign key's checks. What is left may go if another index serves the same, or if nobody has
//! used it for long enough, on the only server that we know of.

use std::collections::BTreeSet;

use crate::snapshot::{Index, IndexMethod, IndexSpec, Oid, RecoveryState, Table};

use crate::whatif::CandidateId;

use super::candidates::supports;
use super::existing;
use super::facts::Facts;

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
}

/// An index to drop.
#[derive(Debug, Clone)]
pub(super) struct Drop<'a> {
    pub(super) table: &'a Table,
    pub(super) index: &'a Index,
    pub(super) why: Why,
}

/// Every drop, in the catalog's order. `chosen` holds what will be created, with what it makes redundant.
pub(super) fn drops<'a>(facts: &Facts<'a>, chosen: &[(CandidateId, IndexSpec)]) -> (Vec<Drop<'a>>, Option<String>) {
    let (unused_hours, doubt) = unused_history(facts);
    let mut found: Vec<Drop<'a>> = Vec::new();
    for table in &facts.snapshot.catalog.tables {
        let mut gone: BTreeSet<Oid> = BTreeSet::new();
        for index in &table.indexes {
            if !droppable(index) {
                continue;
            }
            let why = why(table, index, &gone, chosen)
                .or_else(|| unused_hours.filter(|_| unused(facts, index)).map(|hours| Why::Unused { hours }));
            let Some(why) = why else { continue };
            if serves_foreign_key_alone(facts, table, index, &gone, chosen) {
                continue;
            }
            gone.insert(index.oid);
            found.push(Drop { table, index, why });
        }
    }
    (found, doubt)
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
            && !chosen.iter().any(|(_, spec)| {
                spec.table == table.oid && spec.predicate.is_none() && existing::prefix_of(&index.spec(table.oid), spec)
            })
            && facts.table(key.references).is_some()
    })
}
