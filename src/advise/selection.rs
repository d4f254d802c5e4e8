//! Selection: which candidates together are worth having.
//!
//! Extend (Schlosser, Kossmann, Boissier: "Efficient Scalable Multi-Attribute Index Selection Using Recursive
//! Strategies", ICDE 2019): start from nothing; repeatedly take the step with the best gain per byte, where a step adds
//! an index or replaces a chosen one by a wider one that begins with it. A gain is the weighted cost that statements
//! and foreign-key checks lose, less what the index costs on writes. Then a clean-up takes out what has become useless,
//! and an exchange trades chosen indexes for rivals: gain per byte alone leaves budget unused and misses large indexes
//! that pay.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::progress::Progress;
use crate::whatif::CandidateId;

use super::costing::Set;
use super::existing;
use super::problem::Problem;

/// INCLUDE columns must save this share of what some statement costs today, in percent: between two index scans that
/// are both cheap, not to read a few rows of the table is no reason to carry their columns along.
const INCLUDE_MIN_PCT: f64 = 5.0;
/// And this many random page reads a call.
const INCLUDE_MIN_PAGES: f64 = 10.0;
/// A gain below this share of the workload's cost is not visible.
const VISIBLE_SHARE: f64 = 1e-5;
/// Or below this share of its measured time.
const VISIBLE_TIME_SHARE: f64 = 1e-4;
/// Rounds of exchange and growth after the first growth.
const EXCHANGES: usize = 3;
/// An exchange must better the total by this share of the gain so far.
const EXCHANGE_MARGIN: f64 = 0.01;
/// Bytes below which sizes count as equal: a few pages decide nothing.
const LEAST_BYTES: f64 = 65_536.0;

/// The outcome.
pub(super) struct Selection {
    pub(super) chosen: Set,
    /// Candidates that would have been taken but for the budget, with what they would have gained net.
    pub(super) over_budget: BTreeMap<CandidateId, f64>,
    /// Candidates whose reads gain less than their writes cost: the gain and the cost.
    pub(super) write_heavy: BTreeMap<CandidateId, (f64, f64)>,
    /// Candidates that pay, but too little to be seen.
    pub(super) invisible: BTreeMap<CandidateId, f64>,
}

/// One possible step.
struct Step {
    candidate: CandidateId,
    next: Set,
    /// Weighted cost that reads and foreign-key checks lose.
    gain: f64,
    /// What writes cost more.
    writes: f64,
    bytes: f64,
    /// The greatest share by which some statement's cost falls, in percent.
    best_pct: f64,
    /// The same in relation to its cost without any new index.
    best_base_pct: f64,
    /// The most that one call of some statement costs less.
    best_cost: f64,
    /// Measured time that the step saves, in ms.
    saved_ms: f64,
}

impl Step {
    fn net(&self) -> f64 {
        self.gain - self.writes
    }
}

/// Selects.
pub(super) fn select(problem: &mut Problem<'_, '_, '_>, progress: &dyn Progress) -> Selection {
    let mut search = Search {
        budget: problem.facts.options.budget_bytes(problem.facts.snapshot.server.database_bytes),
        limit: problem.facts.options.max_indexes,
        min_pct: problem.facts.options.min_improvement_pct,
        total: problem.workload_cost(&Set::new()) + problem.foreign_key_cost(&Set::new()),
        total_ms: problem.facts.snapshot.statements.total_time_ms,
        problem,
        chosen: Set::new(),
    };
    progress.begin("selection", None);
    search.grow(progress);
    for _ in 0..EXCHANGES {
        search.clean_up();
        if !search.exchange(progress) {
            break;
        }
        search.grow(progress);
    }
    search.clean_up();
    let selection = search.outcome();
    progress.end();
    selection
}

struct Search<'p, 'f, 'a, 'c> {
    problem: &'p mut Problem<'f, 'a, 'c>,
    chosen: Set,
    budget: Option<f64>,
    limit: Option<usize>,
    min_pct: f64,
    total: f64,
    total_ms: f64,
}

impl Search<'_, '_, '_, '_> {
    /// Extend's loop.
    fn grow(&mut self, progress: &dyn Progress) {
        loop {
            let steps = self.steps();
            let best = steps
                .into_iter()
                .filter(|s| self.pays(s) && self.fits(&s.next))
                .max_by(|a, b| self.rank(a).total_cmp(&self.rank(b)).then_with(|| b.candidate.cmp(&a.candidate)));
            let Some(best) = best else { return };
            self.chosen = best.next;
            progress.advance(1);
        }
    }

    /// Gain per byte; where only the number of indexes is limited, gain alone.
    fn rank(&self, step: &Step) -> f64 {
        if self.limit.is_some() && self.budget.is_none() {
            step.net()
        } else {
            step.net() / step.bytes.max(LEAST_BYTES)
        }
    }

    fn fits(&self, set: &Set) -> bool {
        self.limit.is_none_or(|limit| set.len() <= limit) && self.budget.is_none_or(|budget| self.size(set) <= budget)
    }

    fn size(&self, set: &Set) -> f64 {
        set.iter().map(|id| self.problem.bytes(*id)).sum()
    }

    /// Whether a step is worth taking, whatever its size: it cuts some statement enough, earns its writes and shows.
    fn pays(&self, step: &Step) -> bool {
        let included = !self.problem.generated.pool.get(step.candidate).spec.include.is_empty();
        let least = INCLUDE_MIN_PAGES * self.problem.facts.cost_setting("random_page_cost", 4.0);
        step.best_pct >= self.min_pct
            && (!included || step.best_base_pct >= INCLUDE_MIN_PCT && step.best_cost >= least)
            && step.net() > 0.0
            && self.visible(step)
    }

    fn visible(&self, step: &Step) -> bool {
        step.net() >= self.total * VISIBLE_SHARE || step.saved_ms >= self.total_ms * VISIBLE_TIME_SHARE
    }

    /// Every step from the chosen set: each other candidate added, chosen ones that it begins with taken out.
    fn steps(&mut self) -> Vec<Step> {
        let pool = &self.problem.generated.pool;
        // What a chosen index begins with would be advised today and found redundant tomorrow.
        let begun =
            |c: CandidateId| self.chosen.iter().any(|s| existing::prefix_of(&pool.get(c).spec, &pool.get(*s).spec));
        let open: Vec<CandidateId> =
            self.problem.kept.iter().copied().filter(|c| !self.chosen.contains(c) && !begun(*c)).collect();
        let moves: Vec<(CandidateId, Set)> = open.into_iter().map(|c| (c, self.with(c))).collect();
        self.evaluate(moves)
    }

    fn with(&self, candidate: CandidateId) -> Set {
        let pool = &self.problem.generated.pool;
        let spec = &pool.get(candidate).spec;
        let mut next: Set =
            self.chosen.iter().copied().filter(|c| !existing::prefix_of(&pool.get(*c).spec, spec)).collect();
        next.insert(candidate);
        next
    }

    fn evaluate(&mut self, moves: Vec<(CandidateId, Set)>) -> Vec<Step> {
        let chosen = self.chosen.clone();
        let mut affected: Vec<Vec<usize>> = Vec::new();
        let mut requests: Vec<(usize, Set)> = Vec::new();
        for (_, next) in &moves {
            let changed: BTreeSet<CandidateId> = next.symmetric_difference(&chosen).copied().collect();
            let mut statements: Vec<usize> =
                changed.iter().flat_map(|c| self.problem.statements_of(*c).iter().copied()).collect();
            statements.sort_unstable();
            statements.dedup();
            let removes = chosen.iter().any(|c| !next.contains(c));
            statements.retain(|s| removes || self.problem.can_fall(*s, self.problem.cost(*s, &chosen)));
            requests.extend(statements.iter().map(|s| (*s, next.clone())));
            affected.push(statements);
        }
        self.problem.prepare(requests);
        moves
            .into_iter()
            .zip(affected)
            .map(|((candidate, next), statements)| self.step(candidate, next, &statements))
            .collect()
    }

    fn step(&self, candidate: CandidateId, next: Set, statements: &[usize]) -> Step {
        let problem = &*self.problem;
        let (mut gain, mut saved_ms) = (0.0, 0.0);
        let (mut best_pct, mut best_base_pct, mut best_cost) = (0.0_f64, 0.0_f64, 0.0_f64);
        for statement in statements {
            let before = problem.cost(*statement, &self.chosen);
            let after = problem.cost(*statement, &next);
            gain += problem.weight(*statement) * (before - after);
            best_cost = best_cost.max(before - after);
            if before > 0.0 {
                let share = 1.0 - after / before;
                best_pct = best_pct.max(100.0 * share);
                let base = problem.base.get(statement).copied().unwrap_or(before);
                let total_ms = problem.facts.statement(*statement).map_or(0.0, |s| s.total_ms);
                best_base_pct = best_base_pct.max(100.0 * (before - after) / base);
                saved_ms += total_ms * (before - after) / base;
            }
        }
        let keys = problem.foreign_key_cost(&self.chosen) - problem.foreign_key_cost(&next);
        gain += keys;
        if keys > 0.0 {
            best_pct = 100.0;
            best_base_pct = 100.0;
            best_cost = best_cost.max(keys);
        }
        let writes = next.difference(&self.chosen).map(|c| problem.write_cost(*c)).sum::<f64>()
            - self.chosen.difference(&next).map(|c| problem.write_cost(*c)).sum::<f64>();
        let bytes = self.size(&next) - self.size(&self.chosen);
        Step { candidate, next, gain, writes, bytes, best_pct, best_base_pct, best_cost, saved_ms }
    }

    /// Takes out, least useful first, every index without which no statement loses what an index must bring, or whose
    /// writes cost more than it still gains.
    fn clean_up(&mut self) {
        loop {
            let moves: Vec<(CandidateId, Set)> =
                self.chosen.iter().map(|c| (*c, self.chosen.iter().copied().filter(|o| o != c).collect())).collect();
            let useless = self
                .evaluate(moves)
                .into_iter()
                .filter(|s| s.net() >= 0.0 || self.worst_pct(s) < self.min_pct)
                .max_by(|a, b| a.net().total_cmp(&b.net()).then_with(|| b.candidate.cmp(&a.candidate)));
            let Some(useless) = useless else { return };
            self.chosen = useless.next;
        }
    }

    /// The greatest share that some statement's cost with the index is below its cost without, in percent.
    fn worst_pct(&self, removal: &Step) -> f64 {
        let problem = &*self.problem;
        if problem.foreign_key_cost(&removal.next) > problem.foreign_key_cost(&self.chosen) {
            return 100.0;
        }
        problem
            .statements_of(removal.candidate)
            .iter()
            .map(|s| {
                let without = problem.cost(*s, &removal.next);
                if without > 0.0 { 100.0 * (1.0 - problem.cost(*s, &self.chosen) / without) } else { 0.0 }
            })
            .fold(0.0, f64::max)
    }

    /// Makes the best exchange of one chosen index for one that is not, if any betters the whole.
    fn exchange(&mut self, progress: &dyn Progress) -> bool {
        let tight = self.budget.is_some() || self.limit.is_some();
        let mut moves = Vec::new();
        for candidate in self.problem.kept.clone() {
            if self.chosen.contains(&candidate) {
                continue;
            }
            for out in &self.chosen {
                if !tight && !self.rivals(candidate, *out) {
                    continue;
                }
                let mut next = self.with(candidate);
                next.remove(out);
                if self.fits(&next) {
                    moves.push((candidate, next));
                }
            }
        }
        let so_far = self.total - self.problem.workload_cost(&self.chosen);
        let best = self
            .evaluate(moves)
            .into_iter()
            .filter(|s| s.net() > EXCHANGE_MARGIN * so_far.max(0.0) && self.visible(s))
            .max_by(compare_exchanges);
        let Some(best) = best else { return false };
        self.chosen = best.next;
        progress.advance(1);
        true
    }

    /// Whether two candidates serve some statement in common.
    fn rivals(&self, a: CandidateId, b: CandidateId) -> bool {
        let of_b = self.problem.statements_of(b);
        self.problem.statements_of(a).iter().any(|s| of_b.contains(s))
    }

    /// Why the others were not chosen.
    fn outcome(&mut self) -> Selection {
        let mut over_budget = BTreeMap::new();
        let mut write_heavy = BTreeMap::new();
        let mut invisible = BTreeMap::new();
        for step in self.steps() {
            if step.best_pct < self.min_pct {
                continue;
            }
            if step.net() <= 0.0 {
                write_heavy.insert(step.candidate, (step.gain, step.writes));
            } else if !self.visible(&step) {
                invisible.insert(step.candidate, step.net());
            } else if !self.fits(&step.next) {
                over_budget.insert(step.candidate, step.net());
            }
        }
        Selection { chosen: self.chosen.clone(), over_budget, write_heavy, invisible }
    }
}

fn compare_exchanges(a: &Step, b: &Step) -> Ordering {
    a.net().total_cmp(&b.net()).then_with(|| b.candidate.cmp(&a.candidate)).then_with(|| b.next.cmp(&a.next))
}
