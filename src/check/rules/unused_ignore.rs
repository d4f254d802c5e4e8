//! Comments that hold nothing back.

use crate::report::Severity;
use crate::rules::{Area, Rule};

pub(in crate::check) const RULE: Rule = Rule {
    id: "unused-ignore",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "An ignore comment holds nothing back",
    thresholds: &[],
    problem: "The finding that it was written for is gone, or the rule's name is wrong: the next finding would be held back unseen.",
    detection: "`-- pgwise: ignore …` comments that no finding met, that name no rule, or that name a rule that does not exist.",
    example: "`-- pgwise: ignore rename (clients moved)` above a CREATE TABLE fires; above the RENAME that it is about it does not.",
    remedy: "Delete the comment, or correct the rule's name.",
};
