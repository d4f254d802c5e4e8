//! The pool: equal shapes are one candidate that remembers who asked for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{IndexMethod, IndexSpec, KeySpec, Oid};
use crate::whatif::CandidateId;

use super::super::existing;
use super::{Family, Proposal};

/// An index that could exist.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Candidate {
    pub(in super::super) spec: IndexSpec,
    pub(in super::super) family: Family,
    /// Statements (positions in `snapshot.statements.items`) that asked for it.
    pub(in super::super) asked_by: BTreeSet<usize>,
    /// Leading keys that every asker compares by equality.
    pub(in super::super) equality_keys: usize,
    /// Share of the table's rows that its predicate keeps; 1 without one.
    pub(in super::super) fraction: f64,
    /// Whether a foreign key's checks asked for it.
    pub(in super::super) for_foreign_key: bool,
    /// The candidates that it was merged from: worth a try only where all of them are.
    pub(in super::super) parents: Vec<CandidateId>,
}

/// All candidates of one run. A candidate's id is its position.
#[derive(Debug, Default)]
pub(in super::super) struct Pool {
    candidates: Vec<Candidate>,
    by_spec: BTreeMap<IndexSpec, CandidateId>,
    /// Per statement and table, what it asked for: the ideal first.
    wishes: BTreeMap<(usize, Oid), Vec<CandidateId>>,
}

impl Pool {
    pub(super) fn add(&mut self, statement: usize, proposal: Proposal) {
        let table = proposal.spec.table;
        let id = self.merge(proposal);
        self.candidates[id].asked_by.insert(statement);
        let wishes = self.wishes.entry((statement, table)).or_default();
        if !wishes.contains(&id) {
            wishes.push(id);
        }
    }

    /// Adds a merged shape for the statements of its parents. It is no wish of theirs: each would be content with less.
    pub(super) fn add_merged(&mut self, statements: &BTreeSet<usize>, proposal: Proposal) {
        let id = self.merge(proposal);
        self.candidates[id].asked_by.extend(statements);
    }

    pub(super) fn add_for_foreign_key(&mut self, proposal: Proposal) {
        let id = self.merge(proposal);
        self.candidates[id].for_foreign_key = true;
    }

    /// Adds what somebody asks about, unless an equal shape is there. Nobody wishes it, so that no search meets it.
    pub(super) fn inquire(&mut self, spec: &IndexSpec) {
        if self.candidates.iter().any(|known| existing::same_shape(&known.spec, spec)) {
            return;
        }
        let family = match spec.method {
            IndexMethod::Gin => Family::Gin,
            IndexMethod::Gist => Family::Gist,
            _ if spec.predicate.is_some() => Family::Partial,
            _ if !spec.include.is_empty() => Family::Include,
            _ => Family::Btree,
        };
        self.merge(Proposal { spec: spec.clone(), family, equality_keys: 0, fraction: 1.0, parents: vec![] });
    }

    fn merge(&mut self, proposal: Proposal) -> CandidateId {
        let Proposal { spec, family, equality_keys, fraction, parents } = proposal;
        if let Some(id) = self.by_spec.get(&spec) {
            let known = &mut self.candidates[*id];
            known.equality_keys = known.equality_keys.min(equality_keys);
            // A family that the planner can judge wins over one that it cannot.
            if known.family == Family::ForeignKey {
                known.family = family;
            }
            return *id;
        }
        let id = self.candidates.len();
        self.by_spec.insert(spec.clone(), id);
        self.candidates.push(Candidate {
            spec,
            family,
            asked_by: BTreeSet::new(),
            equality_keys,
            fraction,
            for_foreign_key: false,
            parents,
        });
        id
    }

    pub(in super::super) fn len(&self) -> usize {
        self.candidates.len()
    }

    pub(in super::super) fn get(&self, id: CandidateId) -> &Candidate {
        &self.candidates[id]
    }

    pub(in super::super) fn iter(&self) -> impl Iterator<Item = (CandidateId, &Candidate)> {
        self.candidates.iter().enumerate()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Candidate> {
        self.candidates.iter_mut()
    }

    pub(in super::super) fn id_of(&self, spec: &IndexSpec) -> Option<CandidateId> {
        self.by_spec.get(spec).copied()
    }

    /// What each statement asked for on each table, the ideal first.
    pub(in super::super) fn wishes(&self) -> &BTreeMap<(usize, Oid), Vec<CandidateId>> {
        &self.wishes
    }

    /// What a statement asked for, on all its tables.
    pub(in super::super) fn asked_by(&self, statement: usize) -> BTreeSet<CandidateId> {
        self.wishes.range((statement, Oid::MIN)..=(statement, Oid::MAX)).flat_map(|(_, ids)| ids).copied().collect()
    }

    /// Candidates whose keys are a proper prefix of this one's, with the same predicate and method, INCLUDE aside.
    pub(in super::super) fn prefixes_of(&self, id: CandidateId) -> Vec<CandidateId> {
        let keys: &[KeySpec] = &self.candidates[id].spec.keys;
        let mut spec = self.candidates[id].spec.clone();
        spec.include.clear();
        (1..=keys.len())
            .filter_map(|length| {
                spec.keys = keys[..length].to_vec();
                self.id_of(&spec)
            })
            .filter(|other| *other != id)
            .collect()
    }
}
