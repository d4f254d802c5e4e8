//! What a report comes down to: for the first line of the text, and for the exit code.

use super::{RecommendationKind, Report, Severity};

/// The outcome in one word. "Nothing found" and "nothing looked at" are different outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No statement could be analysed and nothing else was found: the report says nothing about the database.
    NothingLookedAt,
    /// Statements were analysed, and nothing is to be changed.
    NothingFound,
    /// There is something to do.
    Advice,
}

impl Report {
    /// The outcome in one word.
    pub fn verdict(&self) -> Verdict {
        if !self.recommendations.is_empty() {
            Verdict::Advice
        } else if self.workload.statements_analysed == 0 {
            Verdict::NothingLookedAt
        } else {
            Verdict::NothingFound
        }
    }

    /// The worst thing in the report: a finding by its severity, a recommendation as a warning. `None` where there is
    /// neither.
    pub fn worst(&self) -> Option<Severity> {
        let findings = self.findings.iter().map(|f| f.severity);
        let recommendations = self.recommendations.iter().map(|_| Severity::Warning);
        findings.chain(recommendations).max()
    }

    /// Whether something in the report is at `fail_on` or above it: exit code 1.
    pub fn reaches(&self, fail_on: Severity) -> bool {
        self.worst().is_some_and(|worst| worst >= fail_on)
    }

    /// How many recommendations of a kind there are.
    pub fn count(&self, kind: RecommendationKind) -> usize {
        self.recommendations.iter().filter(|r| r.kind == kind).count()
    }
}
