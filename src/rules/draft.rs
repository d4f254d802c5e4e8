//! What rules write down: a [`Draft`] for each finding, completed here with what every finding carries.

use crate::report::{Finding, Severity};

use super::rule::Rule;
use super::subject::Subject;

/// One finding as its rule states it.
#[derive(Debug, Default)]
pub(super) struct Draft<'d> {
    /// The object concerned, unquoted: `public.orders`, `orders_status_idx`, `work_mem`; a query's queryid where it
    /// is about a query.
    pub(super) object: String,
    /// What was seen, with the numbers that matter, in one or two sentences.
    pub(super) message: String,
    /// The numbers by name, units in the name.
    pub(super) evidence: &'d [(&'d str, f64)],
    /// What to do: SQL that can be pasted where possible, else a sentence.
    pub(super) remedy: Option<String>,
    /// Positions of the statements concerned in `snapshot.statements.items`.
    pub(super) statements: &'d [usize],
    /// Execution time that the remedy is about, over the period of the counters; at most the statements' own.
    pub(super) time_at_stake_ms: Option<f64>,
    /// Another severity than the rule's, where the case is worse or milder; the user's setting wins.
    pub(super) severity: Option<Severity>,
}

/// Collects the findings of one rule.
pub(super) struct Findings<'s> {
    subject: &'s Subject<'s>,
    rule: &'static Rule,
    severity: Severity,
    found: Vec<Finding>,
}

impl<'s> Findings<'s> {
    pub(super) fn new(subject: &'s Subject<'s>, rule: &'static Rule, severity: Severity) -> Self {
        Self { subject, rule, severity, found: vec![] }
    }

    /// Writes a finding down.
    pub(super) fn push(&mut self, draft: Draft<'_>) {
        let items = &self.subject.snapshot.statements.items;
        let mut queryids: Vec<String> =
            draft.statements.iter().filter_map(|s| items.get(*s)).map(|s| s.queryid.clone()).collect();
        queryids.sort();
        queryids.dedup();
        let overridden = self.severity != self.rule.severity;
        self.found.push(Finding {
            rule: self.rule.id.to_owned(),
            area: self.rule.area.as_str().to_owned(),
            severity: if overridden { self.severity } else { draft.severity.unwrap_or(self.severity) },
            object: draft.object,
            message: draft.message,
            evidence: draft.evidence.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            remedy: draft.remedy,
            queryids,
            time_at_stake_ms: draft.time_at_stake_ms,
            location: None,
        });
    }

    pub(super) fn into_inner(self) -> Vec<Finding> {
        self.found
    }
}
