//! Sorts that did not fit in memory.

use crate::plan::PlanNode;
use crate::report::Severity;

use crate::rules::draft::{Draft, Findings};
use crate::rules::rule::{Area, Knobs, Rule, Threshold};
use crate::rules::subject::Subject;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "disk-sort",
    area: Area::Plan,
    severity: Severity::Warning,
    title: "A sort spills to disk",
    thresholds: &[Threshold { name: "min-spill-mb", default: 1.0, meaning: "megabytes that the sort wrote to disk" }],
    problem: "A sort that needs more than `work_mem` writes its runs to temporary files and merges them: slower than in \
              memory, and the input and output compete with everything else on the disk.",
    detection: "EXPLAIN ANALYZE plans whose Sort node reports `Sort Space Type: Disk`. Needs `--explain-analyze`, or \
                plans from a log.",
    example: "`SELECT * FROM events ORDER BY payload` sorts 400 MB with `work_mem = 4MB` and fires; the same with \
              `LIMIT 10` keeps a heap of ten rows in memory and does not.",
    remedy: "An index in the order of the sort makes it unnecessary where few rows are wanted. Otherwise fetch fewer \
             columns, or raise `work_mem` for the role that runs the query rather than for all: \
             `ALTER ROLE reporting SET work_mem = '256MB';`",
};

pub(in crate::rules) fn run(subject: &Subject<'_>, knobs: &Knobs, found: &mut Findings<'_>) {
    let least = knobs.get("min-spill-mb") * 1_048_576.0;
    for (position, plan) in subject.measured() {
        let spilled = |node: &&PlanNode| node.sort_space.is_some_and(|s| s.on_disk && s.bytes as f64 >= least);
        let worst = plan.nodes().filter(spilled).max_by_key(|n| n.sort_space.map(|s| s.bytes));
        let (Some(node), Some(statement)) = (worst, subject.statement(position)) else { continue };
        let megabytes = node.sort_space.map_or(0.0, |s| s.bytes as f64 / 1_048_576.0);
        found.push(Draft {
            object: statement.queryid.clone(),
            message: format!("sorting by {} wrote {megabytes:.0} MB to disk", node.sort_key.join(", ")),
            evidence: &[("spill_mb", megabytes), ("rows_sorted", node.actual.map_or(0.0, |a| a.rows))],
            remedy: Some(
                "an index in this order avoids the sort where few rows are wanted; else raise work_mem for the role that \
                 runs it"
                    .to_owned(),
            ),
            statements: &[position],
            time_at_stake_ms: Some(statement.total_ms),
            ..Draft::default()
        });
    }
}
