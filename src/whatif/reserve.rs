//! A planner with another in reserve, for the kinds of index that the first cannot express.
//!
//! In: a cost source, and how to make the second. The second is made when the first refuses a candidate as
//! inexpressible, so that a workload without such candidates costs nothing more. It then answers whatever involves one.
//! The two may differ a little (withheld values, a server that moved on), so the second's answer counts as a ratio to
//! its own answer without the candidates that only it can express.

use std::collections::{BTreeMap, BTreeSet};

use super::{CandidateId, Configuration, CostError, CostRequest, CostSource, CostSourceKind, Costed, Registered};
use crate::snapshot::IndexSpec;

/// A source that can go to another thread.
pub type Source = Box<dyn CostSource + Send>;
/// Makes the second source, or says why there is none.
pub type Make = Box<dyn FnOnce() -> Result<Source, String> + Send>;

/// The two together.
pub struct WithReserve {
    first: Source,
    second: Second,
    /// Every candidate asked about, for a second source that is made late.
    specs: BTreeMap<CandidateId, IndexSpec>,
    /// Candidates that only the second can express.
    second_only: BTreeSet<CandidateId>,
}

enum Second {
    NotMade(Option<Make>),
    Made(Source),
    Missing(String),
}

impl WithReserve {
    /// `first` answers what it can; `make` is called at most once.
    pub fn new(first: Source, make: Make) -> Self {
        Self { first, second: Second::NotMade(Some(make)), specs: BTreeMap::new(), second_only: BTreeSet::new() }
    }

    /// Has the second judge what the first cannot express.
    fn refer(&mut self, refused: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        if let Second::NotMade(make) = &mut self.second
            && let Some(make) = make.take()
        {
            self.second = match make() {
                Ok(source) => Second::Made(source),
                Err(why) => Second::Missing(why),
            };
        }
        match &mut self.second {
            Second::Made(source) => {
                // A configuration may hold any candidate beside one of these.
                let all: Vec<(CandidateId, IndexSpec)> = self.specs.iter().map(|(id, s)| (*id, s.clone())).collect();
                let ids: BTreeSet<CandidateId> = refused.iter().map(|(id, _)| *id).collect();
                let mut answers: BTreeMap<CandidateId, Result<Registered, CostError>> =
                    all.iter().map(|(id, _)| *id).zip(source.register(&all)).collect();
                answers.retain(|id, _| ids.contains(id));
                let accepted = answers.iter().filter(|(_, a)| a.is_ok()).map(|(id, _)| *id);
                self.second_only.extend(accepted);
                let gone = || Err(CostError::Lost("no answer".to_owned()));
                refused.iter().map(|(id, _)| answers.remove(id).unwrap_or_else(gone)).collect()
            }
            Second::Missing(why) => refused.iter().map(|_| Err(CostError::Inexpressible(why.clone()))).collect(),
            Second::NotMade(_) => refused.iter().map(|_| Err(CostError::Lost("no answer".to_owned()))).collect(),
        }
    }

    /// The request without what only the second can express.
    fn plain(&self, request: &CostRequest) -> CostRequest {
        let with = request.configuration.with.difference(&self.second_only).copied().collect();
        let configuration = Configuration { with, without: request.configuration.without.clone() };
        CostRequest { statement: request.statement, configuration }
    }
}

impl CostSource for WithReserve {
    fn kind(&self) -> CostSourceKind {
        self.first.kind()
    }

    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        self.specs.extend(candidates.iter().cloned());
        let mut answers = self.first.register(candidates);
        let refused: Vec<(usize, (CandidateId, IndexSpec))> = candidates
            .iter()
            .cloned()
            .enumerate()
            .filter(|(n, _)| matches!(answers.get(*n), Some(Err(CostError::Inexpressible(_)))))
            .collect();
        if refused.is_empty() {
            // A later configuration may hold one of these beside one of the second's.
            if let Second::Made(source) = &mut self.second {
                source.register(candidates);
            }
            return answers;
        }
        let specs: Vec<(CandidateId, IndexSpec)> = refused.iter().map(|(_, one)| one.clone()).collect();
        for ((n, _), referred) in refused.into_iter().zip(self.refer(&specs)) {
            let Some(answer) = answers.get_mut(n) else { continue };
            *answer = match (&*answer, referred) {
                (Err(first), Err(CostError::Inexpressible(second))) => {
                    Err(CostError::Inexpressible(format!("{first}, and {second}")))
                }
                // The first goes on without it.
                (Err(first), Err(CostError::Lost(second))) => {
                    Err(CostError::Inexpressible(format!("{first}, and the twin failed: {second}")))
                }
                (_, referred) => referred,
            };
        }
        answers
    }

    fn cost(&mut self, requests: &[CostRequest]) -> Vec<Result<Costed, CostError>> {
        let is_second = |request: &CostRequest| !request.configuration.with.is_disjoint(&self.second_only);
        let (referred, own): (Vec<usize>, Vec<usize>) =
            (0..requests.len()).partition(|n| requests.get(*n).is_some_and(is_second));
        // What the ratio rests on is asked of both.
        let plain: Vec<CostRequest> = {
            let all: BTreeSet<CostRequest> =
                referred.iter().filter_map(|n| Some(self.plain(requests.get(*n)?))).collect();
            all.into_iter().collect()
        };
        let mut to_first: Vec<CostRequest> = own.iter().filter_map(|n| requests.get(*n).cloned()).collect();
        to_first.extend(plain.iter().cloned());
        let mut first = self.first.cost(&to_first).into_iter();
        let mut answers: BTreeMap<usize, Result<Costed, CostError>> = own.into_iter().zip(first.by_ref()).collect();
        if let Second::Made(source) = &mut self.second {
            let first_plain: BTreeMap<&CostRequest, Result<Costed, CostError>> = plain.iter().zip(first).collect();
            let mut to_second: Vec<CostRequest> = referred.iter().filter_map(|n| requests.get(*n).cloned()).collect();
            to_second.extend(plain.iter().cloned());
            let mut second = source.cost(&to_second).into_iter();
            let of_referred: Vec<Result<Costed, CostError>> = second.by_ref().take(referred.len()).collect();
            let second_plain: BTreeMap<&CostRequest, Result<Costed, CostError>> = plain.iter().zip(second).collect();
            for (n, answer) in referred.into_iter().zip(of_referred) {
                let Some(request) = requests.get(n) else { continue };
                let plain = self.plain(request);
                let there =
                    first_plain.get(&plain).cloned().unwrap_or_else(|| Err(CostError::Lost("no answer".to_owned())));
                answers.insert(n, scaled(answer, there, second_plain.get(&plain)));
            }
        }
        let gone = || Err(CostError::Lost("no answer".to_owned()));
        (0..requests.len()).map(|n| answers.remove(&n).unwrap_or_else(gone)).collect()
    }

    fn questions_asked(&self) -> u64 {
        let second = if let Second::Made(source) = &self.second { source.questions_asked() } else { 0 };
        self.first.questions_asked() + second
    }

    fn can_hide(&self) -> bool {
        self.first.can_hide()
    }
}

/// The second source's answer in the first one's measure.
fn scaled(
    answer: Result<Costed, CostError>,
    first: Result<Costed, CostError>,
    second: Option<&Result<Costed, CostError>>,
) -> Result<Costed, CostError> {
    let first = first?;
    // A second source that is lost does not take the first with it.
    let own = |error| if let CostError::Lost(why) = error { CostError::Statement(why) } else { error };
    let mut answer = answer.map_err(own)?;
    match second {
        Some(Ok(second)) if second.total_cost > 0.0 => {
            answer.total_cost *= first.total_cost / second.total_cost;
            answer.rows = first.rows;
            Ok(answer)
        }
        Some(Err(error)) => Err(own(error.clone())),
        _ => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{IndexMethod, KeySpec};

    /// Costs `base` divided by one more than the indexes assumed; takes B-trees alone, or everything.
    struct Toy {
        base: f64,
        only_btree: bool,
    }

    impl CostSource for Toy {
        fn kind(&self) -> CostSourceKind {
            CostSourceKind::Hypopg
        }

        fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
            let taken = |spec: &IndexSpec| !self.only_btree || spec.method == IndexMethod::Btree;
            candidates
                .iter()
                .map(|(_, spec)| {
                    let registered = Registered { estimated_bytes: None };
                    taken(spec).then_some(registered).ok_or_else(|| CostError::Inexpressible("not mine".to_owned()))
                })
                .collect()
        }

        fn cost(&mut self, requests: &[CostRequest]) -> Vec<Result<Costed, CostError>> {
            requests
                .iter()
                .map(|request| {
                    Ok(Costed {
                        total_cost: self.base / (1.0 + request.configuration.with.len() as f64),
                        rows: 1.0,
                        used: request.configuration.with.clone(),
                        used_existing: BTreeSet::new(),
                        scans: BTreeMap::new(),
                        node: String::new(),
                        by: CostSourceKind::Hypopg,
                    })
                })
                .collect()
        }

        fn questions_asked(&self) -> u64 {
            0
        }

        fn can_hide(&self) -> bool {
            false
        }
    }

    fn spec(method: IndexMethod) -> IndexSpec {
        IndexSpec {
            table: 1,
            method,
            keys: vec![KeySpec::column(1)],
            include: vec![],
            predicate: None,
            unique: false,
            pages_per_range: None,
        }
    }

    fn request(with: &[CandidateId]) -> CostRequest {
        let configuration = Configuration { with: with.iter().copied().collect(), without: BTreeSet::new() };
        CostRequest { statement: 0, configuration }
    }

    #[test]
    fn the_second_speaks_in_the_measure_of_the_first() {
        let first = Box::new(Toy { base: 100.0, only_btree: true });
        let make: Make = Box::new(|| Ok(Box::new(Toy { base: 50.0, only_btree: false }) as Source));
        let mut both = WithReserve::new(first, make);
        let answers = both.register(&[(0, spec(IndexMethod::Btree)), (1, spec(IndexMethod::Gin))]);
        assert!(answers.iter().all(Result::is_ok));
        let costs: Vec<f64> = both
            .cost(&[request(&[1]), request(&[]), request(&[0]), request(&[0, 1])])
            .into_iter()
            .map(|answer| answer.unwrap().total_cost.round())
            .collect();
        assert_eq!(costs, [50.0, 100.0, 50.0, 33.0]);
    }

    #[test]
    fn without_a_second_both_reasons_are_given() {
        let first = Box::new(Toy { base: 100.0, only_btree: true });
        let mut both = WithReserve::new(first, Box::new(|| Err("there is no twin".to_owned())));
        let answers = both.register(&[(0, spec(IndexMethod::Btree)), (1, spec(IndexMethod::Gin))]);
        assert!(answers[0].is_ok());
        assert_eq!(answers[1], Err(CostError::Inexpressible("not mine, and there is no twin".to_owned())));
        assert!(both.cost(&[request(&[0])])[0].is_ok());
    }
}
