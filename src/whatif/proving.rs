//! Search with the planner model, prove with a real planner.
//!
//! In: the planner model over a snapshot, and a real planner where one can be had. Out: a cost source that answers from
//! the model. Each statement as it stands is compared first: with the plan that the snapshot carries of it, else with
//! the real planner. Where the model is further off than [`AGREEMENT`], or has no answer, the statement is the real
//! planner's from then on, so that one statement's costs come from one source. What the search decides is costed by the
//! real planner ([`CostSource::prove`]), and compared again. Without a real planner the model answers for everything, and
//! the account says where it was seen to be off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::model::ModelSource;
use super::reserve::Source;
use super::{
    Account, CandidateId, Configuration, CostError, CostRequest, CostSource, CostSourceKind, Costed, Registered,
    captured, live,
};
use crate::snapshot::{IndexSpec, Snapshot};

/// How far the model's cost of a statement may be from a server's to count as agreement: a tenth, either way.
pub const AGREEMENT: f64 = 1.1;
/// A difference that is of no matter, whatever the ratio: one page read in sequence.
const NO_MATTER: f64 = 1.0;

/// Gives the real planner, with what it lacks, or says why there is none.
pub type Prover = Box<dyn FnOnce() -> Result<(Source, Option<String>), String> + Send>;

/// The cost source.
pub struct Proving {
    snapshot: Arc<Snapshot>,
    model: ModelSource,
    real: Real,
    standings: BTreeMap<usize, Standing>,
    /// Every candidate, for the real planner when it needs them.
    specs: BTreeMap<CandidateId, IndexSpec>,
    /// Candidates that the real planner was told of, with its refusal if it refused.
    referred: BTreeMap<CandidateId, Option<CostError>>,
    /// Candidates that only the real planner can express.
    real_only: BTreeSet<CandidateId>,
    /// The real planner's answers for statements as they stand.
    bare: BTreeMap<usize, Result<Costed, CostError>>,
}

/// The real planner.
enum Real {
    /// Not asked for yet.
    Promised(Option<Prover>),
    Here(Source, Option<String>),
    Missing(String),
}

/// What is known of the model's word on a statement.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    /// Whether model and server are near each other; `None` where nothing could be compared.
    agrees: Option<bool>,
    /// Whether the real planner answers the search.
    real: bool,
}

type Answers = Vec<Result<Costed, CostError>>;

impl Proving {
    /// A source over the model and a real planner, which `prover` gives. It is called at most once, and not before
    /// there is something to ask: what takes its time is best begun before.
    pub fn new(snapshot: &Arc<Snapshot>, model: ModelSource, prover: Prover) -> Self {
        Self {
            snapshot: Arc::clone(snapshot),
            model,
            real: Real::Promised(Some(prover)),
            standings: BTreeMap::new(),
            specs: BTreeMap::new(),
            referred: BTreeMap::new(),
            real_only: BTreeSet::new(),
            bare: BTreeMap::new(),
        }
    }

    fn real(&mut self) -> Option<&mut Source> {
        if let Real::Promised(prover) = &mut self.real {
            let made = prover.take().map_or_else(|| Err("it was given up".to_owned()), |prover| prover());
            self.real = made.map_or_else(Real::Missing, |(source, lacks)| Real::Here(source, lacks));
        }
        if let Real::Here(source, _) = &mut self.real { Some(source) } else { None }
    }

    /// Compares model and server on statements not met before. Gives the error that says that the planner is lost.
    fn compare(&mut self, requests: &[CostRequest]) -> Result<(), CostError> {
        let new: BTreeSet<usize> =
            requests.iter().map(|r| r.statement).filter(|s| !self.standings.contains_key(s)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let snapshot = Arc::clone(&self.snapshot);
        let new: Vec<usize> = new.into_iter().collect();
        let ours: BTreeMap<usize, Result<Costed, CostError>> =
            new.iter().copied().zip(self.model.cost(&as_they_stand(&new))).collect();
        let costs: BTreeMap<usize, f64> =
            new.iter().filter_map(|s| Some((*s, captured::total_cost(&snapshot, *s)?))).collect();
        // A parameterised LIMIT was planned as it stood.
        let limited = |s: &usize| snapshot.statements.items.get(*s).is_some_and(|item| live::text(item) != item.query);
        let rewritten: Vec<usize> = costs.keys().copied().filter(limited).collect();
        let as_written = self.model.as_written(&rewritten);
        let mut open = Vec::new();
        for statement in new {
            let modelled = ours.get(&statement).and_then(|o| o.as_ref().ok()).map(|o| o.total_cost);
            let comparable = match as_written.get(&statement) {
                Some(cost) => cost.as_ref().ok().copied(),
                None => modelled,
            };
            let agrees = comparable.zip(costs.get(&statement)).map(|(ours, theirs)| agree(ours, *theirs));
            if agrees != Some(true) {
                open.push(statement);
            }
            self.standings.insert(statement, Standing { agrees, real: false });
        }
        if open.is_empty() || self.real().is_none() {
            return Ok(());
        }
        self.ask_bare(&open)?;
        for statement in open {
            let (ours, theirs) = (ours.get(&statement), self.bare.get(&statement));
            let Some(standing) = self.standings.get_mut(&statement) else { continue };
            // Where both refuse, the server's reason says more.
            standing.real = ours.is_some_and(Result::is_err);
            if let Some(Ok(theirs)) = theirs {
                let nearby = ours.and_then(|o| o.as_ref().ok()).map(|o| agree(o.total_cost, theirs.total_cost));
                standing.agrees = standing.agrees.or(nearby);
                standing.real = standing.agrees != Some(true);
            }
        }
        Ok(())
    }

    /// Has the real planner cost statements as they stand, each once.
    fn ask_bare(&mut self, statements: &[usize]) -> Result<(), CostError> {
        let open: Vec<usize> = statements.iter().copied().filter(|s| !self.bare.contains_key(s)).collect();
        let Some(source) = self.real().filter(|_| !open.is_empty()) else { return Ok(()) };
        let answers = source.cost(&as_they_stand(&open));
        for (statement, answer) in open.into_iter().zip(answers) {
            if let Err(error @ CostError::Lost(_)) = answer {
                return Err(error);
            }
            self.bare.insert(statement, answer);
        }
        Ok(())
    }

    /// Tells the real planner of the candidates that requests name.
    fn refer(&mut self, requests: &[CostRequest]) -> Result<(), CostError> {
        let named: BTreeSet<CandidateId> = requests.iter().flat_map(|r| r.configuration.with.iter().copied()).collect();
        let new: Vec<(CandidateId, IndexSpec)> = named
            .into_iter()
            .filter(|id| !self.referred.contains_key(id))
            .filter_map(|id| Some((id, self.specs.get(&id)?.clone())))
            .collect();
        let Some(source) = self.real().filter(|_| !new.is_empty()) else { return Ok(()) };
        let answers = source.register(&new);
        for ((id, _), answer) in new.into_iter().zip(answers) {
            match answer {
                Err(error @ CostError::Lost(_)) => return Err(error),
                answer => self.referred.insert(id, answer.err()),
            };
        }
        Ok(())
    }

    /// The real planner's answers; where it has none, the model's in its measure.
    fn by_real(&mut self, requests: &[CostRequest]) -> Result<Answers, CostError> {
        self.refer(requests)?;
        let statements: BTreeSet<usize> = requests.iter().map(|r| r.statement).collect();
        let statements: Vec<usize> = statements.into_iter().collect();
        self.ask_bare(&statements)?;
        let can_hide = self.real().is_some_and(|source| source.can_hide());
        let expressible = |request: &CostRequest| {
            request.configuration != Configuration::default()
                && (can_hide || request.configuration.without.is_empty())
                && request.configuration.with.iter().all(|id| matches!(self.referred.get(id), Some(None)))
        };
        let put: Vec<bool> = requests.iter().map(expressible).collect();
        let asked: Vec<CostRequest> =
            requests.iter().zip(&put).filter(|(_, put)| **put).map(|(request, _)| request.clone()).collect();
        let answered = match self.real() {
            Some(source) if !asked.is_empty() => source.cost(&asked),
            _ => Vec::new(),
        };
        let mut answered = answered.into_iter();
        let mut answers = Vec::with_capacity(requests.len());
        for (request, put) in requests.iter().zip(put) {
            let answer = if put { answered.next() } else { None };
            answers.push(match answer {
                Some(Err(error @ CostError::Lost(_))) => return Err(error),
                Some(Ok(costed)) => Ok(costed),
                None if request.configuration == Configuration::default() => {
                    match self.bare.get(&request.statement).cloned() {
                        Some(Ok(costed)) => Ok(costed),
                        // Where both refuse, the server's reason says more.
                        Some(Err(error)) => self.modelled(request).map_err(|_| error),
                        None => self.modelled(request),
                    }
                }
                Some(Err(error)) if self.needs_real(request) => Err(error),
                _ => self.modelled(request),
            });
        }
        Ok(answers)
    }

    /// The model's answer, in the measure of the real planner's for the statement as it stands.
    fn modelled(&mut self, request: &CostRequest) -> Result<Costed, CostError> {
        let missing = || Err(CostError::Lost("the planner model gave no answer".to_owned()));
        let asked = [as_it_stands(request.statement), request.clone()];
        let mut answers = self.model.cost(&asked).into_iter();
        let bare = answers.next().unwrap_or_else(missing);
        let mut answer = answers.next().unwrap_or_else(missing)?;
        if let (Ok(ours), Some(Ok(theirs))) = (bare, self.bare.get(&request.statement))
            && ours.total_cost > 0.0
        {
            answer.total_cost *= theirs.total_cost / ours.total_cost;
        }
        Ok(answer)
    }

    /// Whether a request names a candidate that the model does not know.
    fn needs_real(&self, request: &CostRequest) -> bool {
        !request.configuration.with.is_disjoint(&self.real_only)
    }

    /// The real planner's answer in the measure of the model's, for a statement that the model answers otherwise.
    fn fitted(&mut self, request: &CostRequest, answer: Result<Costed, CostError>) -> Result<Costed, CostError> {
        let mut answer = answer?;
        let ours = self.model.cost(&[as_it_stands(request.statement)]).pop();
        if let (Some(Ok(ours)), Some(Ok(theirs))) = (ours, self.bare.get(&request.statement))
            && theirs.total_cost > 0.0
        {
            answer.total_cost *= ours.total_cost / theirs.total_cost;
        }
        Ok(answer)
    }

    /// Compares what the real planner says of requests with the model's word.
    fn judge(&mut self, requests: &[CostRequest], answers: &Answers) {
        let ours = self.model.cost(requests);
        for ((request, ours), theirs) in requests.iter().zip(ours).zip(answers) {
            let Ok(theirs) = theirs else { continue };
            if theirs.by == CostSourceKind::Model {
                continue;
            }
            let agrees = ours.is_ok_and(|ours| agree(ours.total_cost, theirs.total_cost));
            let standing = self.standings.entry(request.statement).or_default();
            standing.agrees = Some(agrees && standing.agrees != Some(false));
            standing.real |= !agrees;
        }
    }
}

fn as_it_stands(statement: usize) -> CostRequest {
    CostRequest { statement, configuration: Configuration::default() }
}

fn as_they_stand(statements: &[usize]) -> Vec<CostRequest> {
    statements.iter().map(|s| as_it_stands(*s)).collect()
}

fn agree(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() < NO_MATTER || (ours <= theirs * AGREEMENT && theirs <= ours * AGREEMENT)
}

impl CostSource for Proving {
    fn kind(&self) -> CostSourceKind {
        match &self.real {
            Real::Here(source, _) => source.kind(),
            Real::Promised(_) | Real::Missing(_) => CostSourceKind::Model,
        }
    }

    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        self.specs.extend(candidates.iter().cloned());
        let mut answers = self.model.register(candidates);
        // What the model does not know the real planner may.
        let unknown: Vec<usize> = (0..candidates.len())
            .filter(|n| matches!(answers.get(*n), Some(Err(CostError::Inexpressible(_) | CostError::Impossible(_)))))
            .collect();
        let refused: Vec<(CandidateId, IndexSpec)> =
            unknown.iter().filter_map(|n| candidates.get(*n).cloned()).collect();
        if refused.is_empty() {
            return answers;
        }
        if let Some(source) = self.real() {
            let theirs = source.register(&refused);
            for ((n, (id, _)), answer) in unknown.into_iter().zip(refused).zip(theirs) {
                self.referred.insert(id, answer.as_ref().err().cloned());
                if answer.is_ok() {
                    self.real_only.insert(id);
                }
                if let Some(slot) = answers.get_mut(n) {
                    *slot = answer;
                }
            }
        }
        answers
    }

    fn cost(&mut self, requests: &[CostRequest]) -> Answers {
        let lost = |error: CostError| requests.iter().map(|_| Err(error.clone())).collect();
        if let Err(error) = self.compare(requests) {
            return lost(error);
        }
        let is_real = |request: &CostRequest| self.standings.get(&request.statement).is_some_and(|s| s.real);
        let choice: Vec<bool> = requests.iter().map(|r| is_real(r) || self.needs_real(r)).collect();
        let of = |wanted: bool| -> Vec<CostRequest> {
            requests.iter().zip(&choice).filter(|(_, c)| **c == wanted).map(|(r, _)| r.clone()).collect()
        };
        let (to_real, to_model) = (of(true), of(false));
        let mut ours = self.model.cost(&to_model).into_iter();
        let theirs = match self.by_real(&to_real) {
            Ok(answers) => answers,
            Err(error) => return lost(error),
        };
        let mut fitted = Vec::with_capacity(to_real.len());
        for (request, answer) in to_real.iter().zip(theirs) {
            let real = self.standings.get(&request.statement).is_some_and(|s| s.real);
            fitted.push(if real { answer } else { self.fitted(request, answer) });
        }
        let mut theirs = fitted.into_iter();
        let missing = || Err(CostError::Lost("a cost source gave fewer answers than questions".to_owned()));
        choice.iter().map(|c| if *c { theirs.next() } else { ours.next() }.unwrap_or_else(missing)).collect()
    }

    fn prove(&mut self, requests: &[CostRequest]) -> Answers {
        if requests.is_empty() || self.real().is_none() {
            return self.model.cost(requests);
        }
        match self.by_real(requests) {
            Ok(answers) => {
                self.judge(requests, &answers);
                answers
            }
            Err(error) => requests.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    fn proves(&self) -> bool {
        !matches!(self.real, Real::Missing(_))
    }

    fn account(&self) -> Account {
        let (proved_by, proof_questions, note) = match &self.real {
            Real::Here(source, lacks) => (Some(source.kind()), source.questions_asked(), lacks.clone()),
            Real::Promised(_) => (None, 0, None),
            Real::Missing(why) => (None, 0, Some(why.clone())),
        };
        let of = |test: fn(&Standing) -> bool| {
            self.standings.iter().filter(|(_, standing)| test(standing)).map(|(statement, _)| *statement).collect()
        };
        let impossible = self.referred.iter().filter_map(|(id, refusal)| match refusal {
            Some(error @ CostError::Impossible(_)) => Some((*id, error.to_string())),
            _ => None,
        });
        Account {
            searched_by: CostSourceKind::Model,
            proved_by,
            search_questions: self.model.questions_asked(),
            proof_questions,
            compared: of(|standing| standing.agrees.is_some()),
            disagreeing: of(|standing| standing.agrees == Some(false)),
            impossible: impossible.collect(),
            note,
        }
    }

    fn questions_asked(&self) -> u64 {
        let real = if let Real::Here(source, _) = &self.real { source.questions_asked() } else { 0 };
        self.model.questions_asked() + real
    }

    fn can_hide(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::agree;

    #[test]
    fn agreement_is_symmetric_and_cares_for_no_trifles() {
        assert!(agree(1000.0, 1090.0) && agree(1090.0, 1000.0) && agree(0.0, 0.0) && agree(1.0, 1.9));
        assert!(!agree(1000.0, 1110.0) && !agree(1110.0, 1000.0) && !agree(0.0, 10.0));
    }
}
