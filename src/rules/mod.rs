//! What is slow, risky or wasteful, and why: one file per rule, one registry.
//!
//! In: a [`Subject`], that is a snapshot with its bound workload and the plans it carries, and the user's
//! [`Settings`]. Out: [`Finding`]s, the most time at stake first. Every finding rests on something in the snapshot and
//! carries the numbers; a rule that lacks its evidence stays silent. Pure: the same snapshot gives the same findings.
//!
//! A rule is a constant ([`Rule`]) with its id, defaults, thresholds and the text of its page, and a function that looks. The
//! page in docs/rules/ and `pgwise rules ID` are made from that constant alone.

mod draft;
mod page;
mod plan;
mod query;
mod registry;
mod rule;
mod server;
mod settings;
mod subject;
mod table;

pub use page::{index_page, rule_page};
pub use registry::rules;
pub use rule::{Area, Knobs, Rule, Threshold};
pub use settings::{RuleSettings, Settings, SettingsError};
pub use subject::Subject;

use std::cmp::Reverse;

use crate::report::Finding;

use draft::Findings;

/// Runs every rule that the settings leave on. The most time at stake comes first; what has no time comes after, the
/// worst severity first.
pub fn findings(subject: &Subject<'_>, settings: &Settings) -> Vec<Finding> {
    let mut all = Vec::new();
    for (rule, run) in registry::ENTRIES {
        if let Some(knobs) = settings.knobs(rule) {
            let mut found = Findings::new(subject, rule, knobs.severity());
            run(subject, &knobs, &mut found);
            all.extend(found.into_inner());
        }
    }
    rank(&mut all);
    all
}

/// Orders findings for reading: by time at stake, then severity, then rule and object.
fn rank(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let time = |f: &Finding| f.time_at_stake_ms.unwrap_or(0.0);
        time(b)
            .total_cmp(&time(a))
            .then_with(|| Reverse(a.severity).cmp(&Reverse(b.severity)))
            .then_with(|| (&a.rule, &a.object, &a.queryids).cmp(&(&b.rule, &b.object, &b.queryids)))
    });
}
