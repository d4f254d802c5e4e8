//! Candidates: the indexes that could exist.
//!
//! In: the bound queries of the workload and the catalog. Out: a [`Pool`] in which equal shapes are one candidate that
//! remembers which statements asked for it, and the early [`Turned`] away: shapes that a rule refuses before any
//! planner is asked. One file per family of index; what is asked of one relation by one query level is an [`Access`],
//! which every family reads. Generous on purpose: the planner filters.

mod access;
mod brin;
mod btree;
mod foreign_key;
mod gin;
mod gist;
mod hash;
mod include;
mod merge;
mod partial;
mod pattern;
mod pool;
mod selectivity;
#[cfg(test)]
mod tests;
mod unserved;

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{AttrNumber, IndexMethod, IndexSpec, KeySpec, KeyTarget, Oid};
use crate::whatif::CandidateId;

pub(super) use access::Access;
pub(super) use foreign_key::{ForeignKeyCheck, shape_supports, supports};
pub(super) use gin::TRIGRAM_EXTENSION;
pub(super) use pool::{Candidate, Pool};

use super::facts::{Facts, Suitability};

/// The family that proposed a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// Plain B-tree keys.
    Btree,
    /// B-tree with INCLUDE columns for index-only scans.
    Include,
    /// B-tree over a part of the table.
    Partial,
    /// B-tree for LIKE with the pattern as a parameter: no generic plan can use it, many a custom plan can.
    PatternUnknown,
    /// GIN.
    Gin,
    /// GiST or SP-GiST.
    Gist,
    /// Hash.
    Hash,
    /// BRIN.
    Brin,
    /// B-tree that serves what several others would.
    Merged,
    /// B-tree that a foreign key's checks need.
    ForeignKey,
}

/// A shape that one access asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Proposal {
    pub(super) spec: IndexSpec,
    pub(super) family: Family,
    /// Leading keys that the access compares by equality: their order does not matter to it.
    pub(super) equality_keys: usize,
    /// Share of the table's rows that the predicate keeps; 1 without one.
    pub(super) fraction: f64,
    /// The candidates that it was merged from.
    pub(super) parents: Vec<CandidateId>,
}

/// A shape refused before any planner is asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turned {
    pub(super) statement: usize,
    pub(super) spec: IndexSpec,
    pub(super) why: TurnedBy,
}

/// The rule that refused it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TurnedBy {
    /// The table is too small.
    SmallTable {
        /// Its rows.
        rows: f64,
    },
    /// The keys tell too few rows apart.
    LowCardinality {
        /// Distinct values of the keys, where known.
        distinct: Option<f64>,
        /// Share of the rows that the condition is expected to leave.
        selectivity: f64,
        /// Whether the condition only tests for NULL.
        null_test: bool,
    },
}

/// Everything that candidate generation found out.
#[derive(Debug, Default)]
pub(super) struct Generated {
    pub(super) pool: Pool,
    pub(super) turned: Vec<Turned>,
    /// Tables whose size is unknown, with the statements that read them.
    pub(super) unknown_size: BTreeMap<Oid, BTreeSet<usize>>,
    /// Tables that get no index, with the reason and the statements that read them.
    pub(super) declined: BTreeMap<(Oid, &'static str), BTreeSet<usize>>,
    /// What no index that pgwise knows serves, with the reason: a column and the statements that ask.
    pub(super) unserved: BTreeMap<(Oid, AttrNumber, &'static str), BTreeSet<usize>>,
    pub(super) foreign_keys: Vec<ForeignKeyCheck>,
    /// Every access of the workload to a table that may get indexes.
    pub(super) accesses: Vec<AccessSummary>,
}

/// What the later phases need of an [`Access`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AccessSummary {
    pub(super) statement: usize,
    pub(super) table: Oid,
    /// Every target that an index could begin with and serve the access.
    pub(super) targets: BTreeSet<KeyTarget>,
}

/// Generates the candidates of the whole workload.
pub(super) fn generate(facts: &Facts<'_>) -> Generated {
    let accesses = access::accesses(facts);
    let popularity = access::popularity(&accesses);
    let mut generated = Generated::default();
    for access in &accesses {
        match facts.suitability(access.table) {
            Suitability::Never(why) => {
                if let Some(why) = why {
                    generated.declined.entry((access.table, why)).or_default().insert(access.statement);
                }
                continue;
            }
            Suitability::UnknownSize => {
                generated.unknown_size.entry(access.table).or_default().insert(access.statement);
                continue;
            }
            Suitability::Small { rows } => {
                if let Some(ideal) = btree::proposals(facts, access, &popularity).into_iter().next() {
                    let why = TurnedBy::SmallTable { rows };
                    generated.turned.push(Turned { statement: access.statement, spec: ideal.spec, why });
                }
                continue;
            }
            Suitability::Yes => {}
        }
        generated.accesses.push(AccessSummary {
            statement: access.statement,
            table: access.table,
            targets: access.targets(),
        });
        let mut plain = btree::proposals(facts, access, &popularity);
        plain.extend(pattern::proposals(facts, access));
        let mut proposals = Vec::new();
        for proposal in plain {
            match selectivity::low_cardinality(facts, access, &proposal) {
                Some(why) => {
                    generated.turned.push(Turned { statement: access.statement, spec: proposal.spec, why });
                }
                None => proposals.push(proposal),
            }
        }
        proposals.extend(partial::proposals(facts, access, &proposals));
        let covering = include::proposals(facts, access, &proposals);
        proposals.extend(covering);
        proposals.extend(gin::proposals(facts, access));
        proposals.extend(gist::proposals(facts, access));
        proposals.extend(hash::proposals(facts, access));
        proposals.extend(brin::proposals(facts, access));
        for (column, why) in unserved::of(facts, access) {
            generated.unserved.entry((access.table, column, why)).or_default().insert(access.statement);
        }
        for proposal in proposals {
            generated.pool.add(access.statement, proposal);
        }
    }
    gin::settle_jsonb_opclasses(&mut generated.pool);
    for (statements, proposal) in merge::proposals(facts, &generated.pool) {
        generated.pool.add_merged(&statements, proposal);
    }
    generated.foreign_keys = foreign_key::checks(facts);
    for check in &generated.foreign_keys {
        for proposal in check.proposals(facts) {
            generated.pool.add_for_foreign_key(proposal);
        }
    }
    for inquiry in &facts.options.explain_why {
        generated.pool.inquire(&inquiry.spec);
    }
    generated
}

/// A B-tree on these keys.
fn btree_spec(table: Oid, keys: Vec<KeySpec>) -> IndexSpec {
    IndexSpec {
        table,
        method: IndexMethod::Btree,
        keys,
        include: vec![],
        predicate: None,
        unique: false,
        pages_per_range: None,
    }
}
