//! Search with the model, prove with a planner.
//!
//! In: the planner model and a real planner over the same snapshot. Out: a cost source that answers from the model,
//! after it has compared the two on each statement as it stands: where the model is off by more than a limit, that
//! statement is the real planner's from then on, so that one statement's costs always come from one source. What the
//! search decides is costed by the real planner ([`CostSource::prove`]).

use std::collections::{BTreeMap, BTreeSet};

use super::model::ModelSource;
use super::{CandidateId, Configuration, CostError, CostRequest, CostSource, CostSourceKind, Costed, Registered};
use crate::snapshot::IndexSpec;

/// How far the model's cost of a statement as it stands may be from the planner's: a tenth, either way.
const AGREEMENT: f64 = 1.1;

/// The cost source.
pub struct Proving {
    model: ModelSource,
    real: Box<dyn CostSource + Send>,
    /// Statements compared, and whether the model answers for them.
    modelled: BTreeMap<usize, bool>,
    /// The planner's answers for statements as they stand.
    baseline: BTreeMap<usize, Costed>,
    /// Candidates that only one of the two can express.
    real_only: BTreeSet<CandidateId>,
    model_only: BTreeSet<CandidateId>,
}

impl Proving {
    /// A source over both.
    pub fn new(model: ModelSource, real: Box<dyn CostSource + Send>) -> Self {
        let (modelled, baseline) = (BTreeMap::new(), BTreeMap::new());
        Self { model, real, modelled, baseline, real_only: BTreeSet::new(), model_only: BTreeSet::new() }
    }

    /// Compares the two on statements not met before. Gives the error that says that the planner is lost.
    fn compare(&mut self, requests: &[CostRequest]) -> Result<(), CostError> {
        let new: BTreeSet<usize> =
            requests.iter().map(|r| r.statement).filter(|s| !self.modelled.contains_key(s)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let bare: Vec<CostRequest> = new
            .iter()
            .map(|statement| CostRequest { statement: *statement, configuration: Configuration::default() })
            .collect();
        let (modelled, real) = (self.model.cost(&bare), self.real.cost(&bare));
        for ((statement, ours), theirs) in new.into_iter().zip(modelled).zip(real) {
            let agree = match (ours, theirs) {
                (_, Err(error @ CostError::Lost(_))) => return Err(error),
                (Ok(ours), Ok(theirs)) => {
                    let agree = agrees(ours.total_cost, theirs.total_cost);
                    self.baseline.insert(statement, theirs);
                    agree
                }
                // What the planner refuses the model must not answer: it would pass for judged.
                (_, Err(_)) | (Err(_), _) => false,
            };
            self.modelled.insert(statement, agree);
        }
        Ok(())
    }

    fn by_model(&self, request: &CostRequest) -> bool {
        let with = &request.configuration.with;
        let hides = !request.configuration.without.is_empty() && !self.real.can_hide();
        let inexpressible = with.iter().any(|id| self.model_only.contains(id));
        let model_lacks = with.iter().any(|id| self.real_only.contains(id));
        hides || inexpressible || (!model_lacks && self.modelled.get(&request.statement) == Some(&true))
    }

    fn ask(&mut self, requests: &[CostRequest], by_model: impl Fn(&Self, &CostRequest) -> bool) -> Answers {
        let choice: Vec<bool> = requests.iter().map(|request| by_model(self, request)).collect();
        let of = |wanted: bool| -> Vec<CostRequest> {
            requests.iter().zip(&choice).filter(|(_, c)| **c == wanted).map(|(r, _)| r.clone()).collect()
        };
        let (ours, theirs) = (of(true), of(false));
        let mut ours = self.model.cost(&ours).into_iter();
        let mut theirs = if theirs.is_empty() { Vec::new() } else { self.real.cost(&theirs) }.into_iter();
        let missing = || Err(CostError::Lost("a cost source gave fewer answers than questions".to_owned()));
        choice.iter().map(|c| if *c { ours.next() } else { theirs.next() }.unwrap_or_else(missing)).collect()
    }
}

type Answers = Vec<Result<Costed, CostError>>;

fn agrees(ours: f64, theirs: f64) -> bool {
    ours <= theirs * AGREEMENT && theirs <= ours * AGREEMENT
}

impl CostSource for Proving {
    fn kind(&self) -> CostSourceKind {
        self.real.kind()
    }

    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        let ours = self.model.register(candidates);
        let theirs = self.real.register(candidates);
        let mut answers = Vec::with_capacity(candidates.len());
        for ((id, _), (ours, theirs)) in candidates.iter().zip(ours.into_iter().zip(theirs)) {
            answers.push(match (ours, theirs) {
                // That the index cannot exist is the server's word.
                (_, Err(error @ (CostError::Lost(_) | CostError::Impossible(_)))) => Err(error),
                (Ok(ours), theirs) => {
                    if theirs.is_err() {
                        self.model_only.insert(*id);
                    }
                    Ok(ours)
                }
                (Err(error), theirs) => {
                    self.real_only.insert(*id);
                    theirs.map_err(|_| error)
                }
            });
        }
        answers
    }

    fn cost(&mut self, requests: &[CostRequest]) -> Answers {
        if let Err(lost) = self.compare(requests) {
            return requests.iter().map(|_| Err(lost.clone())).collect();
        }
        self.ask(requests, Self::by_model)
    }

    fn prove(&mut self, requests: &[CostRequest]) -> Answers {
        let only_model = |source: &Self, request: &CostRequest| {
            request.configuration.with.iter().any(|id| source.model_only.contains(id))
                || (!request.configuration.without.is_empty() && !source.real.can_hide())
        };
        let bare = |request: &CostRequest| request.configuration == Configuration::default();
        let open: Vec<CostRequest> =
            requests.iter().filter(|r| !(bare(r) && self.baseline.contains_key(&r.statement))).cloned().collect();
        let mut asked = self.ask(&open, only_model).into_iter();
        let missing = || Err(CostError::Lost("a cost source gave fewer answers than questions".to_owned()));
        requests
            .iter()
            .map(|request| match self.baseline.get(&request.statement) {
                Some(known) if bare(request) => Ok(known.clone()),
                _ => asked.next().unwrap_or_else(missing),
            })
            .collect()
    }

    fn questions_asked(&self) -> u64 {
        self.real.questions_asked()
    }

    fn can_hide(&self) -> bool {
        true
    }

    fn searched_by_model(&self) -> Option<(usize, usize)> {
        let modelled = self.modelled.values().filter(|m| **m).count();
        Some((modelled, self.modelled.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::agrees;

    #[test]
    fn agreement_is_symmetric() {
        assert!(agrees(100.0, 109.0) && agrees(109.0, 100.0) && agrees(0.0, 0.0));
        assert!(!agrees(100.0, 111.0) && !agrees(111.0, 100.0) && !agrees(0.0, 1.0));
    }
}
