//! A cost source that judges nothing: stands in where no rules of thumb are at hand.

use crate::snapshot::IndexSpec;
use crate::whatif::{CandidateId, CostError, CostRequest, CostSource, CostSourceKind, Costed, Registered};

/// Refuses every candidate and every question.
pub(super) struct Unjudged;

const REASON: &str = "no cost source can judge it";

impl CostSource for Unjudged {
    fn kind(&self) -> CostSourceKind {
        CostSourceKind::Rule
    }

    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        candidates.iter().map(|_| Err(CostError::Inexpressible(REASON.to_owned()))).collect()
    }

    fn cost(&mut self, requests: &[CostRequest]) -> Vec<Result<Costed, CostError>> {
        requests.iter().map(|_| Err(CostError::Statement(REASON.to_owned()))).collect()
    }

    fn questions_asked(&self) -> u64 {
        0
    }

    fn can_hide(&self) -> bool {
        false
    }
}
