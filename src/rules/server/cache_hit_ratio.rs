//! Reads that miss the buffer cache.

use crate::report::Severity;
use crate::snapshot::{Snapshot, Table};

use crate::rules::draft::{Draft, Findings};
use crate::rules::rule::{Area, Knobs, Rule, Threshold};
use crate::rules::subject::Subject;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "cache-hit-ratio",
    area: Area::Server,
    severity: Severity::Warning,
    title: "Too many block reads miss shared buffers",
    thresholds: &[
        Threshold { name: "min-hit-pct", default: 80.0, meaning: "share of block accesses found in shared buffers" },
        Threshold {
            name: "min-accesses",
            default: 100_000.0,
            meaning: "block accesses from which the share says something",
        },
    ],
    problem: "A block that is not in shared buffers comes from the operating system's cache at best and from the disk at \
              worst. A transactional workload should find more than 99 % of its blocks; below 80 % the working set does \
              not fit, or queries read far more than they need.",
    detection: "`pg_stat_database`: `blks_hit / (blks_hit + blks_read)`, since its counters were reset; and \
                `pg_statio_user_tables` for the table with the most misses.",
    example: "3.1 million hits and 1.4 million reads make 68.9 % and fire; a database with 2,000 accesses since its reset does not.",
    remedy: "First the queries that read the most (missing indexes, unbounded results): they push everything else out. \
             Then `shared_buffers`: a quarter of the memory is the usual start.",
};

pub(in crate::rules) fn run(subject: &Subject<'_>, knobs: &Knobs, found: &mut Findings<'_>) {
    let server = &subject.snapshot.server;
    let (Some(hit), Some(read)) = (server.blocks_hit, server.blocks_read) else { return };
    let accesses = hit as f64 + read as f64;
    let pct = 100.0 * hit as f64 / accesses.max(1.0);
    if accesses < knobs.get("min-accesses") || pct >= knobs.get("min-hit-pct") {
        return;
    }
    let most = worst_table(subject.snapshot);
    let where_ =
        most.as_ref().map_or_else(String::new, |(name, misses)| format!("; most misses: {name} ({misses:.0})"));
    found.push(Draft {
        object: server.database.clone(),
        message: format!("only {pct:.1} % of block accesses were found in shared buffers{where_}"),
        evidence: &[("hit_pct", pct), ("blocks_hit", hit as f64), ("blocks_read", read as f64)],
        remedy: Some("index the queries that read the most first; then raise shared_buffers".to_owned()),
        ..Draft::default()
    });
}

/// The table with the most heap and index blocks that were not in shared buffers.
fn worst_table(snapshot: &Snapshot) -> Option<(String, f64)> {
    let misses = |t: &Table| t.activity.as_ref().map_or(0, |a| a.heap_blocks_read.saturating_add(a.index_blocks_read));
    let table = snapshot.catalog.tables.iter().max_by_key(|t| misses(t))?;
    let most = misses(table);
    (most > 0).then(|| (table.display_name(), most as f64))
}
