//! What the analysis asks the snapshot again and again: rows, pages, distinct values, periods.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{
    AttrNumber, ColumnStats, Index, KeyTarget, Oid, Persistence, Snapshot, Statement, Table, TableKind,
};
use crate::whatif::ddl;
use crate::workload::Workload;

use super::Options;

/// The block size nearly every server has; the snapshot's setting wins.
const BLOCK_BYTES: f64 = 8192.0;
/// Rows below which a table that was never analysed cannot be judged.
const MILLISECONDS_PER_HOUR: f64 = 3_600_000.0;
/// Width assumed for a value of variable length without statistics (`get_typavgwidth`).
const UNKNOWN_WIDTH: f64 = 32.0;

/// The snapshot and the workload, with the questions of the analysis as methods.
pub(super) struct Facts<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) workload: &'a Workload,
    pub(super) options: &'a Options,
    sizes: BTreeMap<Oid, Size>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    rows: Option<f64>,
    pages: f64,
}

/// Whether a table may get indexes at all.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Suitability {
    /// It may.
    Yes,
    /// Too few rows for an index to pay.
    Small {
        /// Its rows.
        rows: f64,
    },
    /// Nobody knows how large it is.
    UnknownSize,
    /// It never gets one, for this reason; none is needed for the system's own.
    Never(Option<&'static str>),
}

impl<'a> Facts<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, workload: &'a Workload, options: &'a Options) -> Self {
        let sizes = snapshot.catalog.tables.iter().map(|t| (t.oid, size(snapshot, t))).collect();
        Self { snapshot, workload, options, sizes }
    }

    pub(super) fn table(&self, oid: Oid) -> Option<&'a Table> {
        self.snapshot.catalog.table(oid)
    }

    pub(super) fn statement(&self, statement: usize) -> Option<&'a Statement> {
        self.snapshot.statements.items.get(statement)
    }

    /// Rows; of a partitioned table, over its leaves.
    pub(super) fn rows(&self, table: Oid) -> Option<f64> {
        self.sizes.get(&table).and_then(|s| s.rows)
    }

    /// Heap pages; of a partitioned table, over its leaves.
    pub(super) fn pages(&self, table: Oid) -> f64 {
        self.sizes.get(&table).map_or(0.0, |s| s.pages)
    }

    pub(super) fn block_bytes(&self) -> f64 {
        self.snapshot.server.setting_f64("block_size").unwrap_or(BLOCK_BYTES)
    }

    pub(super) fn suitability(&self, table: Oid) -> Suitability {
        let Some(t) = self.table(table) else { return Suitability::Never(None) };
        if t.kind == TableKind::Foreign {
            return Suitability::Never(Some("it is a foreign table: an index belongs on the server that has its rows"));
        }
        if t.persistence == Persistence::Temporary {
            return Suitability::Never(Some(
                "it is a temporary table: an index goes with it at the end of the session",
            ));
        }
        if t.schema == "information_schema" || t.schema.starts_with("pg_") {
            return Suitability::Never(None);
        }
        match self.rows(table) {
            None => Suitability::UnknownSize,
            Some(rows) if rows < self.options.min_table_rows => Suitability::Small { rows },
            Some(_) => Suitability::Yes,
        }
    }

    pub(super) fn stats(&self, table: Oid, column: AttrNumber) -> Option<&'a ColumnStats> {
        self.table(table)?.column(column)?.statistics()
    }

    /// Statistics of an index key: a column's, or an expression's where an existing index carries them.
    pub(super) fn key_stats(&self, table: Oid, target: &KeyTarget) -> Option<&'a ColumnStats> {
        match target {
            KeyTarget::Column(attnum) => self.stats(table, *attnum),
            KeyTarget::Expression(sql) => self
                .table(table)?
                .indexes
                .iter()
                .flat_map(|i| &i.keys)
                .find(|k| k.expression.as_deref() == Some(sql.as_str()))
                .and_then(|k| k.stats.as_ref()),
        }
    }

    /// Distinct values of a column.
    pub(super) fn distinct(&self, table: Oid, column: AttrNumber) -> Option<f64> {
        self.stats(table, column)?.distinct(self.rows(table)?)
    }

    /// Average width in bytes of an index key's value.
    pub(super) fn width(&self, table: Oid, target: &KeyTarget) -> f64 {
        if let Some(stats) = self.key_stats(table, target) {
            return f64::from(stats.avg_width.max(1));
        }
        let fixed = match target {
            KeyTarget::Column(attnum) => self.table(table).and_then(|t| t.column(*attnum)).map(|c| c.ty.length),
            KeyTarget::Expression(_) => None,
        };
        match fixed {
            Some(length) if length > 0 => f64::from(length),
            _ => UNKNOWN_WIDTH,
        }
    }

    /// The existing index with this oid, and its table.
    pub(super) fn index(&self, oid: Oid) -> Option<(&'a Table, &'a Index)> {
        self.snapshot.catalog.indexes().find(|(_, i)| i.oid == oid)
    }

    /// Hours that the statements' counters cover; `None` if unknown.
    pub(super) fn statement_hours(&self) -> Option<f64> {
        let statements = &self.snapshot.statements;
        if let Some(interval) = statements.interval_ms {
            return positive(interval as f64 / MILLISECONDS_PER_HOUR);
        }
        positive(hours_between(statements.since?, self.snapshot.captured_at))
    }

    /// Hours that the tables' counters cover; `None` if unknown.
    pub(super) fn table_hours(&self) -> Option<f64> {
        if self.snapshot.statements.interval_ms.is_some() {
            return self.statement_hours();
        }
        positive(hours_between(self.snapshot.server.stats_reset?, self.snapshot.captured_at))
    }

    /// Hours that the tables' counters cover at least; `None` if unknown.
    ///
    /// Counters that were never reset carry no date (15 and later), but their own marks prove an age: a vacuum that
    /// they remember was counted when it happened. A crash forgets both at once. It is a lower bound only, so it can
    /// say that an index had time enough to be used, and not how often a table is written.
    pub(super) fn table_hours_at_least(&self) -> Option<f64> {
        self.table_hours().or_else(|| {
            let activity = self.snapshot.catalog.tables.iter().filter_map(|t| t.activity.as_ref());
            let oldest = activity.flat_map(|a| [a.last_analyze, a.last_vacuum]).flatten().min()?;
            positive(hours_between(oldest, self.snapshot.captured_at))
        })
    }

    /// What to multiply the tables' counters by so that they cover the statements' period; `None` if unknown. Never
    /// more than one: activity before the counters began is not invented.
    pub(super) fn counter_scale(&self) -> Option<f64> {
        Some((self.statement_hours()? / self.table_hours()?).min(1.0))
    }

    /// A planner setting, or its built-in default.
    pub(super) fn cost_setting(&self, name: &str, default: f64) -> f64 {
        self.snapshot.server.setting_f64(name).unwrap_or(default)
    }

    /// Columns that any existing index of the table reads, in keys, INCLUDE, expressions or predicate: updates of the
    /// others can be HOT.
    pub(super) fn indexed_columns(table: &Table) -> BTreeSet<AttrNumber> {
        let mut columns = BTreeSet::new();
        for index in &table.indexes {
            columns.extend(index.keys.iter().filter_map(|k| k.column));
            columns.extend(index.include.iter().copied());
            let texts = index.keys.iter().filter_map(|k| k.expression.as_deref()).chain(index.predicate.as_deref());
            for text in texts {
                columns.extend(table.columns.iter().filter(|c| mentions(text, &c.name)).map(|c| c.attnum));
            }
        }
        columns
    }
}

/// Whether SQL text names a column: as a whole word, quoted or not.
pub(super) fn mentions(sql: &str, column: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    sql.match_indices(column).any(|(start, found)| {
        let before = sql[..start].chars().next_back();
        let after = sql[start + found.len()..].chars().next();
        !before.is_some_and(word) && !after.is_some_and(word)
    })
}

fn size(snapshot: &Snapshot, table: &Table) -> Size {
    if table.kind == TableKind::Partitioned {
        let mut total = Size::default();
        for leaf in ddl::leaves(table.oid, &snapshot.catalog) {
            let one = size(snapshot, leaf);
            total.pages += one.pages;
            total.rows = match (total.rows, one.rows) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            };
        }
        return total;
    }
    Size { rows: table.rows(), pages: f64::from(table.actual_pages.unwrap_or(table.relpages)) }
}

fn hours_between(from: jiff::Timestamp, to: jiff::Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64 / MILLISECONDS_PER_HOUR
}

fn positive(hours: f64) -> Option<f64> {
    (hours > 0.0).then_some(hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_mentioned_only_as_a_whole_word() {
        assert!(mentions("(deleted_at IS NULL)", "deleted_at"));
        assert!(mentions("lower(\"Name\")", "Name"));
        assert!(!mentions("(deleted_at_utc IS NULL)", "deleted_at"));
        assert!(!mentions("x", "deleted_at"));
    }
}
