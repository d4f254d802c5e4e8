//! Costs of statements under sets of candidates: which source judges which candidate, and what need not be asked.
//!
//! A plan that uses only the indexes U of a configuration C costs the same under every configuration between U and C:
//! most questions of the search are answered that way, without asking the source.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::IndexSpec;
use crate::whatif::memo::Memo;
use crate::whatif::{CandidateId, Configuration, CostError, CostRequest, CostSource, CostSourceKind, Costed};

use super::candidates::{Family, Pool};

pub(super) use crate::whatif::memo::Set;

/// Who judges a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judge {
    /// The planner behind the cost source.
    Planner,
    /// A rule of thumb.
    Rule,
    /// Nobody can.
    Nobody,
}

/// The costs of one run.
pub(super) struct Costing<'c> {
    planner: Option<&'c mut dyn CostSource>,
    rule: &'c mut dyn CostSource,
    judges: Vec<Judge>,
    /// Why a candidate is not judged by the planner.
    refusals: BTreeMap<CandidateId, String>,
    source_bytes: Vec<Option<u64>>,
    planner_memo: BTreeMap<usize, Memo>,
    rule_memo: BTreeMap<usize, Memo>,
    /// Statements that no source can cost, with the reason.
    failures: BTreeMap<usize, String>,
    /// Why the planner stopped answering for good.
    lost: Option<CostError>,
}

impl<'c> Costing<'c> {
    /// Registers every candidate with the source that can judge it.
    pub(super) fn new(planner: Option<&'c mut dyn CostSource>, rule: &'c mut dyn CostSource, pool: &Pool) -> Self {
        let mut costing = Self {
            planner,
            rule,
            judges: vec![],
            refusals: BTreeMap::new(),
            source_bytes: vec![],
            planner_memo: BTreeMap::new(),
            rule_memo: BTreeMap::new(),
            failures: BTreeMap::new(),
            lost: None,
        };
        costing.register(pool);
        costing
    }

    fn register(&mut self, pool: &Pool) {
        self.judges = vec![Judge::Nobody; pool.len()];
        self.source_bytes = vec![None; pool.len()];
        let mut for_rule: Vec<(CandidateId, IndexSpec)> = Vec::new();
        let mut for_planner: Vec<(CandidateId, IndexSpec)> = Vec::new();
        for (id, candidate) in pool.iter() {
            let one = (id, candidate.spec.clone());
            if self.planner.is_none() {
                for_rule.push(one);
            } else if candidate.family == Family::PatternUnknown {
                self.refusals.insert(id, "no plan shows what LIKE gains before its pattern is known".to_owned());
                for_rule.push(one);
            } else {
                for_planner.push(one);
            }
        }
        if let Some(planner) = self.planner.as_deref_mut() {
            let answers = planner.register(&for_planner);
            for (one, answer) in for_planner.into_iter().zip(answers) {
                match answer {
                    Ok(registered) => {
                        self.judges[one.0] = Judge::Planner;
                        self.source_bytes[one.0] = registered.estimated_bytes;
                    }
                    Err(error @ CostError::Lost(_)) => self.lost = Some(error),
                    Err(error) => {
                        let possible = !matches!(error, CostError::Impossible(_));
                        self.refusals.insert(one.0, error.to_string());
                        if possible {
                            for_rule.push(one);
                        }
                    }
                }
            }
        }
        let answers = self.rule.register(&for_rule);
        for ((id, _), answer) in for_rule.into_iter().zip(answers) {
            match answer {
                Ok(registered) => {
                    self.judges[id] = Judge::Rule;
                    self.source_bytes[id] = registered.estimated_bytes;
                }
                Err(error) => {
                    self.refusals.insert(id, error.to_string());
                }
            }
        }
    }

    pub(super) fn judge(&self, id: CandidateId) -> Judge {
        self.judges[id]
    }

    pub(super) fn refusal(&self, id: CandidateId) -> Option<&str> {
        self.refusals.get(&id).map(String::as_str)
    }

    /// The source's own estimate of a candidate's size.
    pub(super) fn source_bytes(&self, id: CandidateId) -> Option<u64> {
        self.source_bytes[id]
    }

    /// Statements that no source can cost, with the reason.
    pub(super) fn failures(&self) -> &BTreeMap<usize, String> {
        &self.failures
    }

    /// Why the planner stopped answering for good, if it did: costs are then missing that it would have known.
    pub(super) fn lost(&self) -> Option<&CostError> {
        self.lost.as_ref()
    }

    /// Questions that reached the sources.
    pub(super) fn questions(&self) -> u64 {
        self.planner.as_ref().map_or(0, |p| p.questions_asked()) + self.rule.questions_asked()
    }

    /// Which planner answers.
    pub(super) fn kind(&self) -> Option<CostSourceKind> {
        self.planner.as_ref().map(|p| p.kind())
    }

    /// Asks everything that the memos cannot answer, in one batch per source.
    pub(super) fn prepare(&mut self, requests: &[(usize, Set)]) {
        let mut planner: BTreeSet<(usize, Set)> = BTreeSet::new();
        let mut rule: BTreeSet<(usize, Set)> = BTreeSet::new();
        for (statement, set) in requests {
            let (planned, ruled) = self.split(set);
            if self.planner.is_some() {
                for set in [Set::new(), planned] {
                    if !self.planner_memo.get(statement).is_some_and(|m| m.knows(&set)) {
                        planner.insert((*statement, set));
                    }
                }
            }
            if self.planner.is_none() || !ruled.is_empty() {
                for set in [Set::new(), ruled] {
                    if !self.rule_memo.get(statement).is_some_and(|m| m.knows(&set)) {
                        rule.insert((*statement, set));
                    }
                }
            }
        }
        if let Some(source) = self.planner.as_deref_mut()
            && self.lost.is_none()
        {
            self.lost = ask(source, &planner, &mut self.planner_memo, &mut self.failures);
        }
        let mut rule_failures = BTreeMap::new();
        ask(self.rule, &rule, &mut self.rule_memo, &mut rule_failures);
        if self.planner.is_none() {
            self.failures.append(&mut rule_failures);
        }
    }

    /// The cost of a statement under a set; `None` if it was not prepared or no source knows.
    pub(super) fn cost(&self, statement: usize, set: &Set) -> Option<f64> {
        let (planned, ruled) = self.split(set);
        let by_rule = |ruled: &Set| {
            let memo = self.rule_memo.get(&statement)?;
            Some((memo.find(&Set::new())?.total_cost, memo.find(ruled)?.total_cost))
        };
        if self.planner.is_none() {
            return by_rule(&ruled).map(|(_, after)| after);
        }
        let memo = self.planner_memo.get(&statement)?;
        let base = memo.find(&Set::new())?.total_cost;
        let cost = memo.find(&planned).map_or(base, |c| c.total_cost);
        if ruled.is_empty() {
            return Some(cost);
        }
        // Two sources share no unit: what the rule says of its own base carries over as a ratio.
        Some(match by_rule(&ruled) {
            Some((before, after)) if before > 0.0 => cost.min(base * (after / before).min(1.0)),
            _ => cost,
        })
    }

    /// The source's full answer: the planner's, or the rule's where only rules speak of the set.
    pub(super) fn answer(&self, statement: usize, set: &Set) -> Option<&Costed> {
        let (planned, ruled) = self.split(set);
        let planner = self.planner_memo.get(&statement).and_then(|m| m.find(&planned));
        let rule = self.rule_memo.get(&statement).and_then(|m| m.find(&ruled));
        match (planner, rule) {
            (Some(p), Some(r)) if p.used.is_empty() && !r.used.is_empty() => Some(r),
            (Some(p), _) => Some(p),
            (None, r) => r,
        }
    }

    /// Candidates of the set that the statement's plans use.
    pub(super) fn used(&self, statement: usize, set: &Set) -> Set {
        let (planned, ruled) = self.split(set);
        let mut used = Set::new();
        if let Some(costed) = self.planner_memo.get(&statement).and_then(|m| m.find(&planned)) {
            used.extend(&costed.used);
        }
        if let Some(costed) = self.rule_memo.get(&statement).and_then(|m| m.find(&ruled)) {
            used.extend(&costed.used);
        }
        used
    }

    fn split(&self, set: &Set) -> (Set, Set) {
        let of = |judge: Judge| set.iter().copied().filter(|id| self.judges[*id] == judge).collect();
        (of(Judge::Planner), of(Judge::Rule))
    }
}

/// Asks a source and files the answers. Returns the error that says why the source is lost, if it is.
fn ask(
    source: &mut dyn CostSource,
    questions: &BTreeSet<(usize, Set)>,
    memos: &mut BTreeMap<usize, Memo>,
    failures: &mut BTreeMap<usize, String>,
) -> Option<CostError> {
    if questions.is_empty() {
        return None;
    }
    let requests: Vec<CostRequest> = questions
        .iter()
        .map(|(statement, set)| CostRequest {
            statement: *statement,
            configuration: Configuration { with: set.clone(), without: BTreeSet::new() },
        })
        .collect();
    let mut lost = None;
    for ((statement, set), answer) in questions.iter().zip(source.cost(&requests)) {
        let memo = memos.entry(*statement).or_default();
        match answer {
            Ok(costed) => memo.add(set.clone(), costed),
            Err(error) => {
                memo.add_unanswered(set.clone());
                if let CostError::Lost(_) = &error {
                    lost.get_or_insert(error);
                } else if set.is_empty() {
                    failures.insert(*statement, error.to_string());
                }
            }
        }
    }
    lost
}
