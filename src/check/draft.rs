//! What a rule over migrations writes down.

use std::ops::Range;

use crate::report::Severity;

/// A finding as its rule states it; play.rs adds rule, severity and place.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Draft {
    /// The object concerned, unquoted.
    pub(super) object: String,
    /// What happens, in one or two sentences.
    pub(super) message: String,
    /// The numbers by name, units in the name.
    pub(super) evidence: Vec<(&'static str, f64)>,
    /// What to do instead: SQL where possible.
    pub(super) remedy: Option<String>,
    /// Another severity than the rule's, where size makes the case worse or milder; the user's setting wins.
    pub(super) severity: Option<Severity>,
    /// Where, in the file; the whole statement if `None`.
    pub(super) range: Option<Range<usize>>,
    /// Statements of the workload concerned, by queryid.
    pub(super) queryids: Vec<String>,
    /// Their time that is at stake.
    pub(super) time_at_stake_ms: Option<f64>,
}
