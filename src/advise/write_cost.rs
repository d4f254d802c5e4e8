//! What an index costs when its table is written, in the planner's unit, so that it can be set against what reads gain.
//!
//! One new entry costs
//!
//! - the descent, priced as `btcostestimate` prices it for a scan: `ceil(log2 N)` comparisons, and 50 operator costs for
//!   each level touched;
//! - `cpu_index_tuple_cost` for each key, to form the tuple and place it;
//! - the leaf page: a `random_page_cost` where keys arrive in random order, for each entry dirties a page of its own
//!   that must be read and later written; next to nothing where keys arrive in order (a rising id or timestamp), for
//!   then a page is filled once by hundreds of entries. The correlation of the leading column says which it is.
//!
//! Entries are made by every INSERT, by every UPDATE that cannot be HOT anyway, and by every UPDATE that sets a column
//! of the index. The last kind also ends HOT for updates that were HOT before: each then adds an entry to *every* index
//! of the table, and leaves dead entries that vacuum must find in each of them. That is what makes an index on a counter
//! column lose.

use std::collections::BTreeSet;

use crate::report::WriteOverhead;
use crate::snapshot::{AttrNumber, IndexMethod, IndexSpec, KeyTarget, Oid};
use crate::workload::{QueryKind, WriteKind};

use super::facts::{Facts, mentions};

/// `DEFAULT_PAGE_CPU_MULTIPLIER`: operator costs for each page of a descent.
const PAGE_CPU: f64 = 50.0;
/// Share of updates assumed HOT on a table whose counters are unknown, when no indexed column is set: page room is
/// what decides then.
const HOT_WITHOUT_COUNTERS: f64 = 0.9;
/// Entries made by a value of an inverted index, where element statistics are missing.
const GIN_ELEMENTS: f64 = 10.0;
/// The pending list lets GIN sort many entries before it places them: a share of the pages a B-tree would touch.
const GIN_BATCHING: f64 = 0.25;
/// Share of the rows of an upsert that are taken to update.
const UPSERT_UPDATES: f64 = 0.5;
/// Share of the updates of a partial index's condition after which the row still fulfils it.
const STAYS_IN_PARTIAL: f64 = 0.5;

/// The writes of one table over the statements' period, in rows.
#[derive(Debug, Clone, Default)]
pub(super) struct TableWrites {
    inserts: f64,
    /// Updates by the columns they set.
    updates: Vec<(BTreeSet<AttrNumber>, f64)>,
    /// Updates that the table's counters saw and no statement explains.
    unexplained_updates: f64,
    /// Share of the table's updates that were HOT.
    hot_share: Option<f64>,
}

impl TableWrites {
    /// Gathers the writes of a table from the statements, and from its counters where they saw more.
    pub(super) fn of(facts: &Facts<'_>, table: Oid) -> Self {
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
                    WriteKind::Delete => {}
                }
            }
        }
        let counters = facts.table(table).and_then(|t| t.activity.as_ref());
        if let (Some(counters), Some(scale)) = (counters, facts.counter_scale()) {
            writes.inserts = writes.inserts.max(counters.inserts as f64 * scale);
            let explained: f64 = writes.updates.iter().map(|(_, rows)| rows).sum();
            writes.unexplained_updates = (counters.updates as f64 * scale - explained).max(0.0);
        }
        if let Some(counters) = counters.filter(|c| c.updates > 0) {
            writes.hot_share = Some((counters.hot_updates as f64 / counters.updates as f64).clamp(0.0, 1.0));
        }
        writes
    }

    fn updated(&self) -> f64 {
        self.updates.iter().map(|(_, rows)| rows).sum::<f64>() + self.unexplained_updates
    }
}

/// What an index costs on writes, over the statements' period. `fraction` is the share of rows that it covers.
pub(super) fn of(facts: &Facts<'_>, writes: &TableWrites, spec: &IndexSpec, fraction: f64) -> WriteOverhead {
    let entry = entry_cost(facts, spec, fraction);
    let Some(table) = facts.table(spec.table) else { return WriteOverhead::default() };
    let touched = columns_of(facts, spec);
    let condition = predicate_columns(facts, spec);
    let indexed = Facts::indexed_columns(table);
    let hot_share = writes.hot_share.unwrap_or(HOT_WITHOUT_COUNTERS);
    let others = table.indexes.len() as f64;
    // A row enters a partial index when it is young more often than its share of the table says: queues.
    let mut entries = writes.inserts;
    let mut cost = writes.inserts * entry;
    let mut hot_lost = 0.0;
    for (columns, rows) in &writes.updates {
        let hot = if columns.is_disjoint(&indexed) { hot_share.max(HOT_WITHOUT_COUNTERS) } else { 0.0 };
        let touches = !columns.is_disjoint(&touched);
        let share = if columns.is_disjoint(&condition) { fraction } else { STAYS_IN_PARTIAL };
        let entering = if touches { rows * share } else { rows * (1.0 - hot) * share };
        entries += entering;
        cost += entering * entry;
        if touches {
            let lost = rows * hot;
            hot_lost += lost;
            cost += lost * (others * entry + dead_entries(others) * entry);
        }
    }
    // Of unexplained updates only this is known: those that were not HOT make an entry in every index.
    let unexplained = writes.unexplained_updates * (1.0 - hot_share) * fraction;
    entries += unexplained;
    cost += unexplained * entry;
    let updated = writes.updated();
    WriteOverhead {
        writes_per_hour: facts.statement_hours().map(|hours| entries / hours),
        cost,
        hot_updates_lost_pct: (updated > 0.0).then(|| 100.0 * hot_lost / updated),
    }
}

/// Vacuum finds a dead entry by reading the whole index, but for many at once: a tenth of an insertion each, in the new
/// index and the others.
fn dead_entries(others: f64) -> f64 {
    0.1 * (others + 1.0)
}

fn entry_cost(facts: &Facts<'_>, spec: &IndexSpec, fraction: f64) -> f64 {
    let rows = (facts.rows(spec.table).unwrap_or(0.0) * fraction).max(2.0);
    let operator = facts.cost_setting("cpu_operator_cost", 0.0025);
    let tuple = facts.cost_setting("cpu_index_tuple_cost", 0.005);
    let random = facts.cost_setting("random_page_cost", 4.0);
    let sequential = facts.cost_setting("seq_page_cost", 1.0);
    let width: f64 = spec.keys.iter().map(|k| facts.width(spec.table, &k.target)).sum::<f64>()
        + spec.include.iter().map(|c| facts.width(spec.table, &KeyTarget::Column(*c))).sum::<f64>();
    let per_page = (facts.block_bytes() * 0.9 / (width + 12.0)).max(2.0);
    let levels = (rows.ln() / per_page.ln()).floor().max(0.0) + 1.0;
    let descent = operator * (rows.log2().ceil() + levels * PAGE_CPU);
    let in_order = spec
        .keys
        .first()
        .and_then(|k| facts.key_stats(spec.table, &k.target))
        .and_then(|s| s.correlation)
        .map_or(0.0, f64::abs);
    let page = random * (1.0 - in_order) + sequential * in_order / per_page;
    let one = descent + tuple * spec.keys.len() as f64 + page;
    match spec.method {
        IndexMethod::Gin => {
            let elements = spec
                .keys
                .first()
                .and_then(|k| facts.key_stats(spec.table, &k.target))
                .and_then(|s| s.elements.as_ref())
                .and_then(|e| e.count_histogram.last().copied())
                .unwrap_or(GIN_ELEMENTS)
                .max(1.0);
            elements * (descent + tuple) + (elements * GIN_BATCHING).max(1.0) * random
        }
        _ => one,
    }
}

/// Every column whose update makes a new entry: of keys, INCLUDE and predicate.
pub(super) fn columns_of(facts: &Facts<'_>, spec: &IndexSpec) -> BTreeSet<AttrNumber> {
    let mut columns: BTreeSet<AttrNumber> = spec.include.iter().copied().collect();
    for key in &spec.keys {
        match &key.target {
            KeyTarget::Column(attnum) => {
                columns.insert(*attnum);
            }
            KeyTarget::Expression(sql) => columns.extend(named_in(facts, spec.table, sql)),
        }
    }
    columns.extend(predicate_columns(facts, spec));
    columns
}

fn predicate_columns(facts: &Facts<'_>, spec: &IndexSpec) -> BTreeSet<AttrNumber> {
    spec.predicate.as_deref().map(|sql| named_in(facts, spec.table, sql)).unwrap_or_default()
}

fn named_in(facts: &Facts<'_>, table: Oid, sql: &str) -> BTreeSet<AttrNumber> {
    let columns = facts.table(table).map(|t| t.columns.as_slice()).unwrap_or_default();
    columns.iter().filter(|c| mentions(sql, &c.name)).map(|c| c.attnum).collect()
}
