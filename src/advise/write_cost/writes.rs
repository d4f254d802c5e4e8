//! The writes of one table: what the statements say, and what its counters saw beyond them.

use std::collections::BTreeSet;

use crate::snapshot::{AttrNumber, IndexSpec, Oid, Persistence, Table};
use crate::workload::{QueryKind, WriteKind};

use super::super::facts::Facts;
use super::{HOT_WITHOUT_COUNTERS, entry, vacuum};

/// Share of the rows of an upsert that are taken to update.
const UPSERT_UPDATES: f64 = 0.5;
/// Bytes of a row's header and line pointer (`SizeofHeapTupleHeader`, aligned, and `sizeof(ItemIdData)`).
const ROW_OVERHEAD: f64 = 28.0;

/// The writes of one table over the statements' period, in rows.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct TableWrites {
    pub(super) inserts: f64,
    pub(super) deletes: f64,
    /// Updates by the columns they set.
    pub(super) updates: Vec<(BTreeSet<AttrNumber>, f64)>,
    /// Updates that the table's counters saw and no statement explains.
    pub(super) unexplained_updates: f64,
    /// Share of the table's updates that were HOT.
    pub(super) hot_share: Option<f64>,
    /// The indexes that exist.
    pub(super) existing: Existing,
}

/// What a table's existing indexes cost together.
#[derive(Debug, Clone, Default)]
pub(super) struct Existing {
    /// An entry in each of them.
    pub(super) entries: f64,
    /// Their pages.
    pub(super) pages: f64,
}

impl TableWrites {
    /// Gathers the writes of a table from the statements, and from its counters where they saw more.
    pub(in super::super) fn of(facts: &Facts<'_>, table: Oid) -> Self {
        let mut writes = Self::default();
        for query in &facts.workload.queries {
            let Some(statement) = facts.statement(query.statement) else { continue };
            for write in query.bound.writes.iter().filter(|w| w.table == table) {
                // `rows` counts what the top of the statement did; a write in a WITH query is counted by its calls.
                let rows = match (query.bound.kind, write.kind) {
                    (QueryKind::Select, _) => statement.calls as f64,
                    (QueryKind::Insert, WriteKind::Update) => statement.rows as f64 * UPSERT_UPDATES,
                    _ => statement.rows as f64,
                };
                match write.kind {
                    WriteKind::Insert => writes.inserts += rows,
                    WriteKind::Update => writes.updates.push((write.columns.clone(), rows)),
                    WriteKind::Delete => writes.deletes += rows,
                }
            }
        }
        let Some(found) = facts.table(table) else { return writes };
        let counters = found.activity.as_ref();
        if let (Some(counters), Some(scale)) = (counters, facts.counter_scale()) {
            writes.inserts = writes.inserts.max(counters.inserts as f64 * scale);
            writes.deletes = writes.deletes.max(counters.deletes as f64 * scale);
            let explained: f64 = writes.updates.iter().map(|(_, rows)| rows).sum();
            writes.unexplained_updates = (counters.updates as f64 * scale - explained).max(0.0);
        }
        if let Some(counters) = counters.filter(|c| c.updates > 0) {
            writes.hot_share = Some((counters.hot_updates as f64 / counters.updates as f64).clamp(0.0, 1.0));
        }
        writes.existing = existing(facts, found, &writes);
        writes
    }

    pub(super) fn updated(&self) -> f64 {
        self.updates.iter().map(|(_, rows)| rows).sum::<f64>() + self.unexplained_updates
    }

    /// What the writes cost today: the row and its WAL, the entries in every index, and what vacuum reads of those. To
    /// find the rows that are updated or deleted is reading, and not counted here.
    pub(super) fn cost_now(&self, facts: &Facts<'_>, table: Oid) -> f64 {
        let Some(t) = facts.table(table) else { return 0.0 };
        let hot = self.updated() * self.hot_share.unwrap_or(HOT_WITHOUT_COUNTERS);
        let cold = self.updated() - hot;
        let width = row_bytes(facts, t);
        let sequential = facts.cost_setting("seq_page_cost", 1.0);
        let wal = if t.persistence == Persistence::Permanent { sequential } else { 0.0 };
        let row = facts.cost_setting("cpu_tuple_cost", 0.01) + (sequential + wal) * width / facts.block_bytes();
        // An UPDATE or a DELETE dirties the page that its row is on.
        let page = facts.cost_setting("random_page_cost", 4.0);
        self.inserts * row
            + self.updated() * (row + page)
            + self.deletes * page
            + (self.inserts + cold) * self.existing.entries
            + vacuum(facts, table, cold + self.deletes, self.existing.pages)
    }
}

fn existing(facts: &Facts<'_>, table: &Table, writes: &TableWrites) -> Existing {
    let touches = entry::touches_per_checkpoint(facts, writes.inserts + writes.updated());
    let mut total = Existing::default();
    for index in &table.indexes {
        let spec: IndexSpec = index.spec(table.oid);
        total.entries += fraction(facts, table, index) * entry::cost(facts, &spec, 1.0, touches);
        total.pages += index.bytes.map_or(f64::from(index.relpages), |b| b as f64 / facts.block_bytes());
    }
    total
}

/// The share of the table's rows that an existing index holds.
pub(in super::super) fn fraction(facts: &Facts<'_>, table: &Table, index: &crate::snapshot::Index) -> f64 {
    match facts.rows(table.oid) {
        Some(rows) if index.predicate.is_some() && rows > 0.0 && index.reltuples >= 0.0 => {
            (index.reltuples / rows).clamp(0.0, 1.0)
        }
        _ => 1.0,
    }
}

/// Bytes of a row on a page.
fn row_bytes(facts: &Facts<'_>, table: &Table) -> f64 {
    match facts.rows(table.oid) {
        Some(rows) if rows > 0.0 && facts.pages(table.oid) > 0.0 => facts.pages(table.oid) * facts.block_bytes() / rows,
        _ => {
            ROW_OVERHEAD
                + table
                    .columns
                    .iter()
                    .map(|c| facts.width(table.oid, &crate::snapshot::KeyTarget::Column(c.attnum)))
                    .sum::<f64>()
        }
    }
}
