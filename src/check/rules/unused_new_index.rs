//! New indexes that nothing would use.

use crate::report::Severity;
use crate::rules::{Area, Rule};

pub(in crate::check) const RULE: Rule = Rule {
    id: "unused-new-index",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "No statement of the workload would use a new index",
    thresholds: &[],
    problem: "It costs space and every write, and serves nothing that production runs.",
    detection: "CREATE INDEX (not UNIQUE) on a table of the snapshot, where no plan of the workload's statements on that table, costed by the planner model with all indexes of the change in place, uses it.",
    example: "An index on a column that no statement filters, joins or sorts by fires; the index that a statement has waited for does not.",
    remedy: "Leave it out. If it is for a query that comes with this change, ignore the finding with that reason.",
};
