//! What an index costs when its table is written, in the planner's unit, so that it can be set against what reads gain.
//!
//! In: the statements that write a table and its counters ([`TableWrites`]), and an index's shape. Out: a
//! [`WriteOverhead`]. The parts:
//!
//! - an entry for every INSERT, for every UPDATE that cannot be HOT anyway, and for every UPDATE that sets a column of
//!   the index, be it key, INCLUDE or predicate ([`entry`]: the descent, the page, the WAL);
//! - HOT lost: an UPDATE that sets a column of the index was HOT before; each then adds an entry to *every* index of the
//!   table. That is what makes an index on a counter column lose;
//! - vacuum: each of its rounds reads the whole index once, however few entries are dead.

mod entry;
mod writes;

use std::collections::BTreeSet;

use crate::report::WriteOverhead;
use crate::snapshot::{AttrNumber, IndexMethod, IndexSpec, KeyTarget, Oid};
use crate::whatif::size;

use super::facts::{Facts, mentions};
pub(super) use writes::{TableWrites, fraction};

/// Share of updates assumed HOT on a table whose counters are unknown, when no indexed column is set: page room is
/// what decides then.
const HOT_WITHOUT_COUNTERS: f64 = 0.9;
/// Share of the updates of a partial index's condition after which the row still fulfils it.
const STAYS_IN_PARTIAL: f64 = 0.5;
/// The first version in which an index that only summarises leaves updates of its columns HOT (`amsummarizing`).
const SUMMARISING_KEEPS_HOT: u32 = 16;

/// What an index costs on writes, over the statements' period. `fraction` is the share of rows that it covers.
pub(super) fn of(facts: &Facts<'_>, writes: &TableWrites, spec: &IndexSpec, fraction: f64) -> WriteOverhead {
    let Some(table) = facts.table(spec.table) else { return WriteOverhead::default() };
    let touched = columns_of(facts, spec);
    let condition = predicate_columns(facts, spec);
    let indexed = hot_blocking_columns(facts, table);
    let hot_share = writes.hot_share.unwrap_or(HOT_WITHOUT_COUNTERS);
    let keeps_hot = spec.method == IndexMethod::Brin && facts.snapshot.server.major() >= SUMMARISING_KEEPS_HOT;
    // A row enters a partial index when it is young more often than its share of the table says: queues.
    let mut entries = writes.inserts;
    let mut hot_lost = 0.0;
    let mut dead = writes.deletes * fraction;
    for (columns, rows) in &writes.updates {
        let hot = if columns.is_disjoint(&indexed) { hot_share.max(HOT_WITHOUT_COUNTERS) } else { 0.0 };
        let touches = !columns.is_disjoint(&touched) && !keeps_hot;
        let share = if columns.is_disjoint(&condition) { fraction } else { STAYS_IN_PARTIAL };
        let entering = if touches { rows * share } else { rows * (1.0 - hot) * share };
        entries += entering;
        dead += if touches { rows * share } else { rows * (1.0 - hot) * fraction };
        if touches {
            hot_lost += rows * hot;
        }
    }
    // Of unexplained updates only this is known: those that were not HOT make an entry in every index.
    let unexplained = writes.unexplained_updates * (1.0 - hot_share) * fraction;
    entries += unexplained;
    dead += unexplained;
    let entry = entry::cost(facts, spec, fraction, entry::touches_per_checkpoint(facts, entries));
    let others = &writes.existing;
    let own = size::index_bytes(facts.snapshot, spec, table, fraction);
    let own_pages = own.map_or(0.0, |bytes| bytes as f64 / facts.block_bytes());
    let cost = entries * entry
        + vacuum(facts, spec.table, dead, own_pages)
        + hot_lost * others.entries
        + vacuum(facts, spec.table, hot_lost, others.pages);
    let now = writes.cost_now(facts, spec.table);
    let updated = writes.updated();
    WriteOverhead {
        writes_per_hour: facts.statement_hours().map(|hours| entries / hours),
        cost,
        table_writes_pct: (now > 0.0).then(|| 100.0 * cost / now),
        hot_updates_lost_pct: (updated > 0.0).then(|| 100.0 * hot_lost / updated),
    }
}

/// What vacuum reads of an index of so many pages, for so many dead rows: the whole index in each round
/// (`btvacuumscan` and its likes), and a round whenever as many rows are dead as autovacuum waits for
/// (`relation_needs_vacanalyze`). A part of a round counts as that part.
fn vacuum(facts: &Facts<'_>, table: Oid, dead: f64, pages: f64) -> f64 {
    let rows = facts.rows(table).unwrap_or(0.0);
    let setting = |name: &str, default: f64| {
        let options = facts.table(table).map(|t| t.options.as_slice()).unwrap_or_default();
        let own = options.iter().find_map(|o| o.strip_prefix(name)?.strip_prefix('=')?.parse::<f64>().ok());
        own.unwrap_or_else(|| facts.cost_setting(name, default))
    };
    let wait = setting("autovacuum_vacuum_threshold", 50.0) + rows * setting("autovacuum_vacuum_scale_factor", 0.2);
    dead / wait.max(1.0) * pages * facts.cost_setting("seq_page_cost", 1.0)
}

/// Columns whose update keeps a row version from being HOT today.
fn hot_blocking_columns(facts: &Facts<'_>, table: &crate::snapshot::Table) -> BTreeSet<AttrNumber> {
    if facts.snapshot.server.major() < SUMMARISING_KEEPS_HOT {
        return Facts::indexed_columns(table);
    }
    let mut blocking = table.clone();
    blocking.indexes.retain(|i| i.method() != IndexMethod::Brin);
    Facts::indexed_columns(&blocking)
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

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::super::fixture::{ORDERS, ask, shop, tables};
    use super::*;
    use crate::snapshot::{KeySpec, TableActivity};
    use crate::workload::WriteKind;

    /// Over a million inserts, a million updates of `views` and a million of `total`.
    fn overhead(spec: &IndexSpec) -> WriteOverhead {
        let mut tables = tables();
        tables[0].activity = Some(TableActivity { updates: 100, hot_updates: 90, ..TableActivity::default() });
        let asks = [
            ask(ORDERS, 1_000_000).writes(WriteKind::Insert, &[1, 2, 3, 4, 5, 6]),
            ask(ORDERS, 1_000_000).writes(WriteKind::Update, &[5]),
            ask(ORDERS, 1_000_000).writes(WriteKind::Update, &[6]),
        ];
        let (snapshot, workload) = shop(tables, &asks);
        let options = Options::default();
        let facts = Facts::new(&snapshot, &workload, &options);
        of(&facts, &TableWrites::of(&facts, ORDERS), spec, 1.0)
    }

    fn index_on(method: IndexMethod, columns: &[i16]) -> IndexSpec {
        let keys = columns.iter().map(|c| KeySpec::column(*c)).collect();
        IndexSpec {
            table: ORDERS,
            method,
            keys,
            include: vec![],
            predicate: None,
            unique: false,
            pages_per_range: None,
        }
    }

    #[test]
    fn a_column_that_is_updated_ends_hot_wherever_it_stands_in_the_index() {
        let still = overhead(&index_on(IndexMethod::Btree, &[2]));
        assert_eq!(still.hot_updates_lost_pct, Some(0.0));
        let key = overhead(&index_on(IndexMethod::Btree, &[2, 5]));
        let mut included = index_on(IndexMethod::Btree, &[2]);
        included.include = vec![5];
        let mut partial = index_on(IndexMethod::Btree, &[2]);
        partial.predicate = Some("views > 100".to_owned());
        for hot in [&key, &overhead(&included), &overhead(&partial)] {
            assert_eq!(hot.hot_updates_lost_pct.map(f64::round), Some(45.0));
        }
        assert!(key.cost > 1.5 * still.cost, "{} {}", key.cost, still.cost);
        assert!(key.table_writes_pct > still.table_writes_pct);
    }

    #[test]
    fn an_inverted_index_is_dearer_and_a_summary_cheaper_than_a_tree() {
        let cost = |method| overhead(&index_on(method, &[2])).cost;
        assert!(cost(IndexMethod::Gin) > 2.0 * cost(IndexMethod::Btree));
        assert!(cost(IndexMethod::Brin) < 0.2 * cost(IndexMethod::Btree));
    }
}
