//! The selection's problem: candidates worth the search, what each weighs, writes and helps.

use std::collections::{BTreeMap, BTreeSet};

use crate::progress::Progress;
use crate::report::WriteOverhead;
use crate::snapshot::{AttrNumber, Oid};
use crate::whatif::{CandidateId, ddl, size};

use super::candidates::{Candidate, Family, ForeignKeyCheck, Generated};
use super::costing::{Costing, Judge, Set};
use super::facts::Facts;
use super::write_cost::{self, TableWrites};
use super::{Objective, drops, existing};

/// Rounds of "assume all, keep what the plan uses, take it away": three came within a hair of the best known pools.
const ROUNDS: usize = 3;
/// Rows below which a candidate that only a rule judges is not worth proposing.
const RULE_MIN_ROWS: f64 = 10_000.0;
/// Share of the workload's time, or milliseconds a call, from which a statement matters enough for a rule's word.
const RULE_MIN_TIME_SHARE: f64 = 0.001;
const RULE_MIN_MEAN_MS: f64 = 1.0;
/// Milliseconds that a unit of planner cost is taken to last where nothing was measured.
const MS_PER_COST: f64 = 0.01;

/// A foreign key's checks as a subject of the search: closed-form costs, no statement.
#[derive(Debug, Clone)]
pub(super) struct ForeignKeySubject {
    pub(super) check: ForeignKeyCheck,
    /// One check's cost without an index.
    pub(super) before: f64,
    /// And with one.
    pub(super) after: f64,
}

impl ForeignKeySubject {
    /// Cost of all checks that an index saves.
    pub(super) fn gain(&self) -> f64 {
        self.check.checks * (self.before - self.after).max(0.0)
    }
}

/// The search's input, with the costs to ask.
pub(super) struct Problem<'f, 'a, 'c> {
    pub(super) facts: &'f Facts<'a>,
    pub(super) generated: &'f Generated,
    pub(super) costing: Costing<'c>,
    /// Candidates worth the search, ascending.
    pub(super) kept: Vec<CandidateId>,
    /// Candidates that an existing index serves, with its name.
    pub(super) served: BTreeMap<CandidateId, String>,
    /// Candidates that each statement could use.
    relevant: BTreeMap<usize, Set>,
    statements_of: BTreeMap<CandidateId, Vec<usize>>,
    /// Weight of one unit of a statement's cost.
    weights: BTreeMap<usize, f64>,
    /// Cost without any candidate, by statement.
    pub(super) base: BTreeMap<usize, f64>,
    /// Least cost with every relevant candidate.
    floor: BTreeMap<usize, f64>,
    bytes: BTreeMap<CandidateId, f64>,
    writes: BTreeMap<CandidateId, WriteOverhead>,
    /// Existing indexes that a candidate would make redundant.
    pub(super) replaces: BTreeMap<CandidateId, Vec<Oid>>,
    write_savings: BTreeMap<CandidateId, f64>,
    pub(super) foreign_keys: Vec<ForeignKeySubject>,
    /// What a unit of planner cost weighs for writes and foreign keys.
    unit: f64,
}

impl<'f, 'a, 'c> Problem<'f, 'a, 'c> {
    /// Filters the pool by asking, and computes what the search needs.
    pub(super) fn new(
        facts: &'f Facts<'a>,
        generated: &'f Generated,
        costing: Costing<'c>,
        progress: &dyn Progress,
    ) -> Self {
        let mut problem = Self {
            facts,
            generated,
            costing,
            kept: vec![],
            served: BTreeMap::new(),
            relevant: BTreeMap::new(),
            statements_of: BTreeMap::new(),
            weights: BTreeMap::new(),
            base: BTreeMap::new(),
            floor: BTreeMap::new(),
            bytes: BTreeMap::new(),
            writes: BTreeMap::new(),
            replaces: BTreeMap::new(),
            write_savings: BTreeMap::new(),
            foreign_keys: vec![],
            unit: 1.0,
        };
        for (id, candidate) in generated.pool.iter() {
            let table = facts.table(candidate.spec.table);
            if let Some(index) = table.and_then(|t| existing::server_of(t, candidate)) {
                problem.served.insert(id, index.name.clone());
            }
        }
        problem.ask_base();
        problem.filter(progress);
        problem.weigh();
        problem.relate();
        problem
    }

    /// The same problem, filtered and weighed again by what the sources say now.
    pub(super) fn anew(self, progress: &dyn Progress) -> Self {
        Self::new(self.facts, self.generated, self.costing, progress)
    }

    /// Has the best planner at hand cost each statement under the part of a set that it could use. Gives the statements
    /// of which the search was told something else.
    pub(super) fn prove(&mut self, chosen: &Set) -> BTreeSet<usize> {
        let parts = self.base.keys().map(|s| (*s, self.part(*s, chosen)));
        let requests: Vec<(usize, Set)> = parts.filter(|(_, part)| !part.is_empty()).collect();
        self.costing.prove(&requests)
    }

    /// From now on costs are the proof's, where there is one.
    pub(super) fn settle(&mut self) {
        self.costing.settle();
        self.ask_base();
        self.weigh();
    }

    fn statements(&self) -> Vec<usize> {
        self.facts.workload.queries.iter().map(|q| q.statement).collect()
    }

    fn ask_base(&mut self) {
        let requests: Vec<(usize, Set)> = self.statements().into_iter().map(|s| (s, Set::new())).collect();
        self.costing.prepare(&requests);
        for (statement, set) in requests {
            if let Some(cost) = self.costing.cost(statement, &set) {
                self.base.insert(statement, cost);
            }
        }
    }

    /// Keeps the candidates that some plan uses when it may choose among all that its statement asked for.
    fn filter(&mut self, progress: &dyn Progress) {
        let pool = &self.generated.pool;
        let enough = 1.0 - self.facts.options.min_improvement_pct / 100.0;
        let mut open: BTreeMap<usize, Set> = BTreeMap::new();
        for statement in self.base.keys() {
            let asked: Set = pool.asked_by(*statement).into_iter().filter(|c| self.eligible(*c)).collect();
            if !asked.is_empty() {
                open.insert(*statement, asked);
            }
        }
        progress.begin("candidates", Some(ROUNDS as u64));
        let mut kept = Set::new();
        for _ in 0..ROUNDS {
            let requests: Vec<(usize, Set)> = open.iter().map(|(s, set)| (*s, set.clone())).collect();
            self.costing.prepare(&requests);
            for (statement, set) in requests {
                let used = self.costing.used(statement, &set);
                let base = self.base.get(&statement).copied().unwrap_or(0.0);
                let pays = self.costing.cost(statement, &set).is_some_and(|cost| cost < base * enough);
                if used.is_empty() || !pays {
                    open.remove(&statement);
                    continue;
                }
                kept.extend(&used);
                let rest: Set = set.difference(&used).copied().collect();
                if rest.is_empty() {
                    open.remove(&statement);
                } else {
                    open.insert(statement, rest);
                }
            }
            progress.advance(1);
        }
        // The plain and the shorter forms of what plans used: a rival that saves nearly as much for fewer bytes.
        let shorter: Vec<CandidateId> = kept.iter().flat_map(|id| pool.prefixes_of(*id)).collect();
        kept.extend(shorter.into_iter().filter(|c| self.eligible(*c)));
        kept.extend(pool.iter().filter(|(id, c)| c.for_foreign_key && self.eligible(*id)).map(|(id, _)| id));
        // No plan prefers a merged index to the one made for it; the whole workload may.
        let merged = |c: &Candidate| !c.parents.is_empty() && c.parents.iter().all(|p| kept.contains(p));
        let merged: Vec<CandidateId> =
            pool.iter().filter(|(id, c)| merged(c) && self.eligible(*id)).map(|(id, _)| id).collect();
        kept.extend(merged);
        self.kept = kept.into_iter().collect();
        progress.end();
    }

    fn eligible(&self, id: CandidateId) -> bool {
        if self.served.contains_key(&id) {
            return false;
        }
        let candidate = self.generated.pool.get(id);
        // Somebody asks about it, and no statement led to it.
        if candidate.asked_by.is_empty() && !candidate.for_foreign_key {
            return false;
        }
        match self.costing.judge(id) {
            Judge::Planner => true,
            Judge::Nobody => candidate.for_foreign_key,
            Judge::Rule => {
                let by_rule_alone = !matches!(
                    candidate.family,
                    Family::Btree | Family::Include | Family::Partial | Family::Merged | Family::ForeignKey
                );
                // Rules are too coarse to say what not reading the table would save.
                let covers = !candidate.spec.include.is_empty();
                !covers && (!by_rule_alone || self.worth_a_rule(candidate))
            }
        }
    }

    fn worth_a_rule(&self, candidate: &Candidate) -> bool {
        let large = self.facts.rows(candidate.spec.table).is_some_and(|rows| rows >= RULE_MIN_ROWS);
        let total = self.facts.snapshot.statements.total_time_ms;
        large
            && candidate
                .asked_by
                .iter()
                .filter_map(|s| self.facts.statement(*s))
                .any(|s| s.mean_ms >= RULE_MIN_MEAN_MS || (total > 0.0 && s.total_ms / total >= RULE_MIN_TIME_SHARE))
    }

    /// Weights, sizes, write costs, foreign keys.
    fn weigh(&mut self) {
        let mut time = 0.0;
        let mut cost = 0.0;
        for (statement, base) in &self.base {
            let Some(s) = self.facts.statement(*statement) else { continue };
            time += s.total_ms;
            cost += s.calls as f64 * base;
            let weight = match self.facts.options.objective {
                Objective::Cost => s.calls as f64,
                Objective::Time if *base > 0.0 => s.total_ms / base,
                Objective::Time => 0.0,
            };
            self.weights.insert(*statement, weight);
        }
        if self.facts.options.objective == Objective::Time {
            self.unit = if cost > 0.0 && time > 0.0 { time / cost } else { MS_PER_COST };
        }
        let mut by_table: BTreeMap<Oid, TableWrites> = BTreeMap::new();
        for id in self.kept.clone() {
            let candidate = self.generated.pool.get(id);
            let spec = &candidate.spec;
            let writes = by_table.entry(spec.table).or_insert_with(|| TableWrites::of(self.facts, spec.table));
            self.writes.insert(id, write_cost::of(self.facts, writes, spec, candidate.fraction));
            let replaced = drops::replaced_by(self.facts, spec);
            let saving: f64 = replaced
                .iter()
                .filter_map(|oid| self.facts.index(*oid))
                .map(|(t, i)| {
                    write_cost::of(self.facts, writes, &i.spec(t.oid), write_cost::fraction(self.facts, t, i)).cost
                })
                .sum();
            self.write_savings.insert(id, saving);
            self.replaces.insert(id, replaced);
            let bytes = self.estimate_bytes(id);
            self.bytes.insert(id, bytes);
        }
        self.foreign_keys = self.generated.foreign_keys.iter().map(|c| foreign_key_subject(self.facts, c)).collect();
    }

    fn estimate_bytes(&self, id: CandidateId) -> f64 {
        let candidate = self.generated.pool.get(id);
        let own: Option<f64> = self.facts.table(candidate.spec.table).and_then(|table| {
            let mut total = None;
            for leaf in ddl::leaves(table.oid, &self.facts.snapshot.catalog) {
                let spec = if leaf.oid == table.oid {
                    Some(candidate.spec.clone())
                } else {
                    ddl::for_partition(&candidate.spec, table, leaf)
                };
                if let Some(bytes) =
                    spec.and_then(|s| size::index_bytes(self.facts.snapshot, &s, leaf, candidate.fraction))
                {
                    total = Some(total.unwrap_or(0.0) + bytes as f64);
                }
            }
            total
        });
        let source = self.costing.source_bytes(id).map(|b| b as f64);
        // Without statistics of an expression our size takes its values to be few; the source's does not.
        let known = candidate.spec.keys.iter().all(|k| self.facts.key_stats(candidate.spec.table, &k.target).is_some());
        match (own, source) {
            (Some(own), Some(source)) if !known => own.max(source),
            (own, source) => own.or(source).unwrap_or(self.facts.block_bytes()),
        }
    }

    /// Which kept candidates each statement could use, and how far its cost can fall.
    fn relate(&mut self) {
        let mut relevant: BTreeMap<usize, Set> = BTreeMap::new();
        for id in &self.kept {
            let candidate = self.generated.pool.get(*id);
            let mut statements = candidate.asked_by.clone();
            if self.costing.judge(*id) == Judge::Planner || !rule_family(candidate.family) {
                let leading = &candidate.spec.keys[0].target;
                statements.extend(
                    self.generated
                        .accesses
                        .iter()
                        .filter(|a| a.table == candidate.spec.table && a.targets.contains(leading))
                        .map(|a| a.statement),
                );
            }
            for statement in statements.into_iter().filter(|s| self.base.contains_key(s)) {
                relevant.entry(statement).or_default().insert(*id);
                self.statements_of.entry(*id).or_default().push(statement);
            }
        }
        let requests: Vec<(usize, Set)> = relevant.iter().map(|(s, set)| (*s, set.clone())).collect();
        self.costing.prepare(&requests);
        for (statement, set) in requests {
            if let Some(cost) = self.costing.cost(statement, &set) {
                self.floor.insert(statement, cost);
            }
        }
        self.relevant = relevant;
    }

    /// Statements that a candidate could help.
    pub(super) fn statements_of(&self, id: CandidateId) -> &[usize] {
        self.statements_of.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The part of a set that a statement could use.
    pub(super) fn part(&self, statement: usize, set: &Set) -> Set {
        match self.relevant.get(&statement) {
            Some(relevant) => relevant.intersection(set).copied().collect(),
            None => Set::new(),
        }
    }

    /// A statement's cost under a set; its base cost where the set was not asked.
    pub(super) fn cost(&self, statement: usize, set: &Set) -> f64 {
        let base = self.base.get(&statement).copied().unwrap_or(0.0);
        self.costing.cost(statement, &self.part(statement, set)).unwrap_or(base)
    }

    /// Asks the costs of these statements under these sets, leaving out those that cannot fall any further.
    pub(super) fn prepare(&mut self, requests: impl IntoIterator<Item = (usize, Set)>) {
        let requests: Vec<(usize, Set)> = requests.into_iter().map(|(s, set)| (s, self.part(s, &set))).collect();
        self.costing.prepare(&requests);
    }

    /// Whether a statement's cost can still fall visibly below this.
    pub(super) fn can_fall(&self, statement: usize, cost: f64) -> bool {
        self.floor.get(&statement).is_none_or(|floor| cost > floor * 1.01)
    }

    /// The weight of one unit of a statement's cost.
    pub(super) fn weight(&self, statement: usize) -> f64 {
        self.weights.get(&statement).copied().unwrap_or(0.0)
    }

    pub(super) fn bytes(&self, id: CandidateId) -> f64 {
        self.bytes.get(&id).copied().unwrap_or(0.0)
    }

    pub(super) fn write_overhead(&self, id: CandidateId) -> WriteOverhead {
        self.writes.get(&id).cloned().unwrap_or_default()
    }

    /// What a candidate adds to the cost of writes, in the objective's unit: its own less that of the existing indexes
    /// it makes redundant.
    pub(super) fn write_cost(&self, id: CandidateId) -> f64 {
        let saving = self.write_savings.get(&id).copied().unwrap_or(0.0);
        self.unit * (self.write_overhead(id).cost - saving)
    }

    /// The cost of every foreign key check that no index of the set serves, in the objective's unit.
    pub(super) fn foreign_key_cost(&self, set: &Set) -> f64 {
        let unserved = self.foreign_keys.iter().filter(|f| !set.iter().any(|id| self.serves_key(*id, f)));
        self.unit * unserved.map(ForeignKeySubject::gain).sum::<f64>()
    }

    /// Whether a candidate serves a foreign key's checks.
    pub(super) fn serves_key(&self, id: CandidateId, subject: &ForeignKeySubject) -> bool {
        subject.check.served_by(self.facts, &self.generated.pool.get(id).spec)
    }

    /// What a unit of planner cost weighs for writes and foreign keys.
    pub(super) fn unit(&self) -> f64 {
        self.unit
    }

    /// Statements that read a table.
    pub(super) fn readers_of(&self, table: Oid) -> BTreeSet<usize> {
        let accesses = self.generated.accesses.iter().filter(|a| a.table == table);
        accesses.map(|a| a.statement).collect()
    }

    /// Statements that read a table, whatever its size.
    pub(super) fn all_readers_of(&self, table: Oid) -> BTreeSet<usize> {
        let reads = |q: &&crate::workload::WorkloadQuery| {
            q.bound.blocks.iter().flat_map(|b| &b.relations).any(|r| r.table == Some(table))
        };
        self.facts.workload.queries.iter().filter(reads).map(|q| q.statement).collect()
    }

    /// Statements that compare all of these columns of one relation by equality.
    pub(super) fn comparing_together(&self, table: Oid, columns: &[AttrNumber]) -> BTreeSet<usize> {
        let compares = |block: &crate::workload::QueryBlock, relation: usize, column: AttrNumber| {
            block.predicates.iter().any(|p| {
                p.operand.relation == relation
                    && p.operand.target == crate::workload::Target::Column(column)
                    && p.comparison == crate::workload::Comparison::Eq
            })
        };
        let together = |block: &crate::workload::QueryBlock| {
            (0..block.relations.len())
                .any(|r| block.relations[r].table == Some(table) && columns.iter().all(|c| compares(block, r, *c)))
        };
        let queries = self.facts.workload.queries.iter().filter(|q| q.bound.blocks.iter().any(together));
        queries.map(|q| q.statement).collect()
    }

    /// Whether it serves any foreign key's checks.
    pub(super) fn serves_any_key(&self, id: CandidateId) -> bool {
        self.foreign_keys.iter().any(|subject| self.serves_key(id, subject))
    }

    /// The workload's weighted cost under a set, writes and foreign keys left out.
    pub(super) fn workload_cost(&self, set: &Set) -> f64 {
        self.base.keys().map(|s| self.weight(*s) * self.cost(*s, set)).sum()
    }
}

fn rule_family(family: Family) -> bool {
    matches!(family, Family::Gin | Family::Gist | Family::Hash | Family::Brin | Family::PatternUnknown)
}

/// One check is `SELECT 1 FROM ONLY child x WHERE fk = $1 FOR KEY SHARE OF x`: without an index a sequential scan
/// (`cost_seqscan`), with one a descent and the matching rows' pages.
fn foreign_key_subject(facts: &Facts<'_>, check: &ForeignKeyCheck) -> ForeignKeySubject {
    let rows = facts.rows(check.table).unwrap_or(0.0);
    let pages = facts.pages(check.table);
    let sequential = facts.cost_setting("seq_page_cost", 1.0);
    let random = facts.cost_setting("random_page_cost", 4.0);
    let cpu = facts.cost_setting("cpu_tuple_cost", 0.01) + facts.cost_setting("cpu_operator_cost", 0.0025);
    let distinct = check.columns.iter().filter_map(|c| facts.distinct(check.table, *c)).fold(1.0, f64::max);
    let matching = (rows / distinct).max(1.0);
    let columns: BTreeSet<AttrNumber> = check.columns.iter().copied().collect();
    let before = pages * sequential + rows * cpu;
    let after = random * (1.0 + matching) + matching * cpu * columns.len() as f64;
    ForeignKeySubject { check: check.clone(), before, after }
}
