//! Indexes whose loss makes the workload dearer.

use crate::report::Severity;
use crate::rules::{Area, Rule};

pub(in crate::check) const RULE: Rule = Rule {
    id: "plan-regression",
    area: Area::Migration,
    severity: Severity::Error,
    title: "Statements of the workload get dearer without an index that goes",
    thresholds: &[],
    problem: "An index that a migration drops, or that goes with a column or constraint, may be what keeps a query fast. Nobody sees that in the statement that drops it.",
    detection: "Every statement of the snapshot on a table whose indexes change is costed before and after the change by the planner model. It fires where a plan uses the index now and costs at least 1.2 times as much afterwards; below twice as much it is a warning. Indexes that the same change creates count.",
    example: "`DROP INDEX CONCURRENTLY orders_user_id_idx;` fires, with the queries that use it, their calls and costs; dropping an index that no plan uses does not, nor does one whose wider replacement the file creates.",
    remedy: "Keep the index, or create its replacement first.",
};
