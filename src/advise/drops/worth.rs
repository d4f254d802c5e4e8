//! What the workload would cost without one existing index.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{Index, Oid, Table};
use crate::whatif::Costed;

use super::super::costing::Set;
use super::super::problem::Problem;

/// Costs below this share of difference are the same plan by another way.
const SAME: f64 = 1e-6;

/// What the workload loses with an index.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Worth {
    /// What its statements would cost more, weighted, in the objective's unit.
    pub(in super::super) loss: f64,
    /// Statements whose plans use it.
    pub(in super::super) users: usize,
    /// The statement that would become slowest in relation to what it costs now.
    pub(in super::super) worst: Option<Worst>,
    /// Answers without it, by statement.
    after: BTreeMap<usize, Costed>,
}

/// One statement with and without an index.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Worst {
    pub(in super::super) statement: usize,
    pub(in super::super) with: f64,
    pub(in super::super) without: f64,
}

impl Worst {
    /// How many times slower.
    pub(in super::super) fn slowdown(&self) -> f64 {
        self.without / self.with.max(f64::MIN_POSITIVE)
    }
}

impl Worth {
    /// What its statements cost together, with the index and without, each weighted.
    pub(in super::super) fn costs(&self, weight: impl Fn(usize) -> f64) -> (f64, f64) {
        let after: f64 = self.after.iter().map(|(s, costed)| weight(*s) * costed.total_cost).sum();
        (after - self.loss, after)
    }
}

/// What the statements cost after the drops accepted so far.
pub(super) struct Ledger {
    chosen: Set,
    gone: BTreeSet<Oid>,
    now: BTreeMap<usize, Costed>,
}

impl Ledger {
    /// Before any drop, with what was chosen in place.
    pub(super) fn new(problem: &Problem<'_, '_, '_>, chosen: &Set) -> Self {
        let answer = |statement: &usize| {
            let costed = problem.costing.answer(*statement, &problem.part(*statement, chosen))?;
            Some((*statement, costed.clone()))
        };
        let now = problem.base.keys().filter_map(answer).collect();
        Self { chosen: chosen.clone(), gone: BTreeSet::new(), now }
    }

    /// Asks what the workload would cost without the index; `None` where nobody can say.
    pub(super) fn without(&self, problem: &mut Problem<'_, '_, '_>, table: &Table, index: &Index) -> Option<Worth> {
        if !problem.costing.can_hide() {
            return None;
        }
        let names = names(problem, index);
        let uses = |costed: &Costed| costed.used_existing.iter().any(|name| names.contains(name.as_str()));
        // The planner also estimates by the statistics of an index's expressions, whether it reads the index or not.
        let tells = index.keys.iter().any(|key| key.stats.is_some());
        let readers: BTreeSet<usize> = if tells { problem.readers_of(table.oid) } else { BTreeSet::new() };
        let asked: Vec<usize> =
            self.now.iter().filter(|(s, costed)| uses(costed) || readers.contains(s)).map(|(s, _)| *s).collect();
        let mut without = self.gone.clone();
        without.insert(index.oid);
        let requests: Vec<(usize, Set, BTreeSet<Oid>)> =
            asked.iter().map(|s| (*s, problem.part(*s, &self.chosen), without.clone())).collect();
        let answers = problem.costing.cost_without(&requests)?;
        let mut worth = Worth { loss: 0.0, users: 0, worst: None, after: BTreeMap::new() };
        for (statement, answer) in asked.into_iter().zip(answers) {
            let now = self.now.get(&statement)?;
            worth.users += usize::from(uses(now));
            let more = answer.total_cost - now.total_cost;
            worth.loss += problem.weight(statement) * more;
            let this = Worst { statement, with: now.total_cost, without: answer.total_cost };
            let worse = worth.worst.as_ref().is_none_or(|w| this.slowdown() > w.slowdown());
            if more > SAME * now.total_cost && worse {
                worth.worst = Some(this);
            }
            worth.after.insert(statement, answer);
        }
        Some(worth)
    }

    /// The index goes: what comes after is judged without it.
    pub(super) fn accept(&mut self, index: Oid, worth: Option<&Worth>) {
        self.gone.insert(index);
        self.now.extend(worth.into_iter().flat_map(|w| w.after.clone()));
    }
}

/// The names under which plans show an index: its own, and those of the indexes attached to it.
fn names<'a>(problem: &Problem<'_, 'a, '_>, index: &'a Index) -> BTreeSet<&'a str> {
    let catalog = &problem.facts.snapshot.catalog;
    let mut names = BTreeSet::from([index.name.as_str()]);
    let mut pending = vec![index.oid];
    while let Some(parent) = pending.pop() {
        for (_, child) in catalog.indexes().filter(|(_, i)| i.parent == Some(parent)) {
            names.insert(&child.name);
            pending.push(child.oid);
        }
    }
    names
}
