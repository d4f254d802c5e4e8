//! Tables whose rows nothing identifies.

use crate::report::Severity;
use crate::snapshot::{IndexKey, Persistence, TableKind};

use crate::rules::draft::{Draft, Findings};
use crate::rules::rule::{Area, Knobs, Rule, Threshold};
use crate::rules::subject::Subject;

pub(in crate::rules) const RULE: Rule = Rule {
    id: "missing-primary-key",
    area: Area::Table,
    severity: Severity::Warning,
    title: "A table has neither a primary key nor a unique index over columns that are never null",
    thresholds: &[Threshold { name: "min-rows", default: 1.0, meaning: "rows from which a table counts" }],
    problem: "Without a key, duplicates cannot be told apart, a single row cannot be addressed, logical replication \
              cannot send updates and deletes, and most tools that repack or migrate a table refuse it.",
    detection: "Ordinary and partitioned tables (partitions are judged by their root) without a valid unique index, all \
                of whose columns are NOT NULL, over the whole table.",
    example: "`CREATE TABLE log (at timestamptz, line text)` fires; \
              `CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, line text)` does not.",
    remedy: "Add a key. Where no columns identify a row, add one: note that an identity column rewrites the table under \
             an exclusive lock, so for a large table add a nullable column, fill it in batches, index it concurrently and \
             then declare it the key.",
};

pub(in crate::rules) fn run(subject: &Subject<'_>, knobs: &Knobs, found: &mut Findings<'_>) {
    for table in &subject.snapshot.catalog.tables {
        let judged = matches!(table.kind, TableKind::Ordinary | TableKind::Partitioned)
            && table.partition_of.is_none()
            && table.persistence != Persistence::Temporary;
        let rows = table.rows().unwrap_or(0.0);
        if !judged || rows < knobs.get("min-rows") {
            continue;
        }
        let identified = table.indexes.iter().any(|index| {
            let never_null =
                |key: &IndexKey| key.column.and_then(|c| table.column(c)).is_some_and(|column| column.not_null);
            index.valid && index.unique && index.predicate.is_none() && index.keys.iter().all(never_null)
        });
        if !identified {
            found.push(Draft {
                object: table.display_name(),
                message: format!("{} has no primary key and nothing else that identifies a row", table.display_name()),
                evidence: &[("rows", rows)],
                remedy: Some("ALTER TABLE … ADD PRIMARY KEY, over columns that identify a row".to_owned()),
                ..Draft::default()
            });
        }
    }
}
