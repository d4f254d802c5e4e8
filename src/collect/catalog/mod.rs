//! The catalog: tables and everything that hangs on them.
//!
//! In: parts that were read by different sessions a moment apart. Out: one [`Catalog`]. What belongs to a table that is
//! not there (dropped meanwhile, excluded, or another's) is let go.

pub(super) mod constraints;
pub(super) mod extended;
pub(super) mod indexes;
pub(super) mod objects;
pub(super) mod tables;
mod types;

use std::collections::BTreeMap;

use super::activity::Size;
use super::scope::Scope;
use super::statistics::StatsRow;
use crate::snapshot::{
    Catalog, ExtendedStatistics, Function, Index, IndexActivity, Oid, Operator, OperatorClass, Table, TableActivity,
    TableKind, UserCast, UserType, View,
};

/// Everything read, not yet put together.
pub(super) struct Parts {
    pub(super) tables: tables::Tables,
    pub(super) indexes: indexes::Indexes,
    pub(super) constraints: constraints::Constraints,
    pub(super) views: Vec<View>,
    pub(super) functions: Vec<Function>,
    pub(super) operators: Vec<Operator>,
    pub(super) operator_classes: Vec<OperatorClass>,
    pub(super) types: Vec<UserType>,
    pub(super) casts: Vec<UserCast>,
    pub(super) extended_statistics: Vec<ExtendedStatistics>,
    pub(super) statistics: Vec<StatsRow>,
    pub(super) table_activity: BTreeMap<Oid, TableActivity>,
    pub(super) index_activity: BTreeMap<Oid, IndexActivity>,
    pub(super) sizes: BTreeMap<Oid, Size>,
    /// Bytes a block.
    pub(super) block_size: u64,
}

/// Puts the parts together.
pub(super) fn assemble(parts: Parts, scope: &Scope<'_>) -> Catalog {
    let mut tables: BTreeMap<Oid, Table> =
        parts.tables.rows.into_iter().filter(|t| scope.contains(&t.schema, &t.name)).map(|t| (t.oid, t)).collect();
    // An index's statistics are kept under its own oid.
    let mut statistics: BTreeMap<Oid, Vec<StatsRow>> = BTreeMap::new();
    for row in parts.statistics {
        statistics.entry(row.relation).or_default().push(row);
    }
    for (oid, mut index) in parts.indexes {
        let Some(table) = tables.get_mut(&oid) else { continue };
        index.activity = parts.index_activity.get(&index.oid).cloned();
        index.bytes = parts.sizes.get(&index.oid).map(|s| s.bytes);
        let of_expressions = statistics.remove(&index.oid).unwrap_or_default();
        add_expression_statistics(&mut index, of_expressions);
        table.indexes.push(index);
    }
    for (oid, foreign_key) in parts.constraints.foreign_keys {
        if let Some(table) = tables.get_mut(&oid) {
            table.foreign_keys.push(foreign_key);
        }
    }
    for (oid, check) in parts.constraints.checks {
        if let Some(table) = tables.get_mut(&oid) {
            table.checks.push(check);
        }
    }
    for (oid, table) in &mut tables {
        table.activity = parts.table_activity.get(oid).cloned();
        add_column_statistics(table, statistics.remove(oid).unwrap_or_default());
        add_sizes(table, parts.sizes.get(oid), parts.block_size);
        table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
        table.foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
        table.checks.sort_by(|a, b| a.name.cmp(&b.name));
    }
    sum_leaves(&mut tables);
    let extended_statistics = parts.extended_statistics.into_iter().filter(|s| tables.contains_key(&s.table)).collect();
    let mut functions = parts.functions;
    functions.sort_by(|a, b| (&a.schema, &a.name, &a.arguments).cmp(&(&b.schema, &b.name, &b.arguments)));
    Catalog {
        tables: tables.into_values().collect(),
        views: parts.views.into_iter().filter(|v| scope.contains(&v.schema, &v.name)).collect(),
        functions,
        extended_statistics,
        operators: parts.operators,
        operator_classes: parts.operator_classes,
        types: parts.types,
        casts: parts.casts,
    }
}

fn add_expression_statistics(index: &mut Index, rows: Vec<StatsRow>) {
    for row in rows {
        let key = usize::try_from(row.attnum - 1).ok().and_then(|n| index.keys.get_mut(n));
        if let Some(key) = key {
            key.stats = Some(row.stats);
        }
    }
}

fn add_column_statistics(table: &mut Table, rows: Vec<StatsRow>) {
    for row in rows {
        let Some(column) = table.columns.iter_mut().find(|c| c.attnum == row.attnum) else { continue };
        if row.inherited {
            column.stats_inherited = Some(row.stats);
        } else {
            column.stats = Some(row.stats);
        }
    }
}

fn add_sizes(table: &mut Table, size: Option<&Size>, block_size: u64) {
    if !matches!(table.kind, TableKind::Ordinary | TableKind::MaterializedView) {
        return;
    }
    match size {
        Some(size) => {
            table.heap_bytes = Some(size.bytes);
            table.actual_pages = u32::try_from(size.bytes / block_size).ok();
            table.toast_bytes = size.toast_bytes;
        }
        // What VACUUM or ANALYZE saw last is better than nothing for a size; the planner's input stays unknown.
        None => table.heap_bytes = Some(u64::from(table.relpages) * block_size),
    }
    let known: Option<Vec<u64>> = table.indexes.iter().map(|i| i.bytes).collect();
    table.indexes_bytes = known.map(|bytes| bytes.iter().sum());
}

/// Gives partitioned tables what their leaves have together: rows, pages, sizes, activity. They have no storage of their
/// own, and the planner too adds the leaves up.
fn sum_leaves(tables: &mut BTreeMap<Oid, Table>) {
    let mut sums: BTreeMap<Oid, Sum> = BTreeMap::new();
    for leaf in tables.values().filter(|t| t.kind != TableKind::Partitioned) {
        let mut above = leaf.partition_of.as_ref().map(|p| p.parent);
        while let Some(parent) = above {
            sums.entry(parent).or_default().add(leaf);
            above = tables.get(&parent).and_then(|t| t.partition_of.as_ref()).map(|p| p.parent);
        }
    }
    for (oid, sum) in sums {
        let Some(table) = tables.get_mut(&oid) else { continue };
        if let Some(reltuples) = sum.reltuples {
            table.reltuples = reltuples;
        }
        table.relpages = sum.relpages;
        table.relallvisible = sum.relallvisible;
        table.actual_pages = sum.actual_pages;
        table.heap_bytes = sum.heap_bytes;
        table.toast_bytes = sum.toast_bytes;
        table.indexes_bytes = sum.indexes_bytes;
        table.activity = sum.activity;
    }
}

/// A sum over leaves. The outer `Option`s are `None` as soon as one leaf does not know.
struct Sum {
    reltuples: Option<f64>,
    relpages: u32,
    relallvisible: u32,
    actual_pages: Option<u32>,
    heap_bytes: Option<u64>,
    toast_bytes: Option<u64>,
    indexes_bytes: Option<u64>,
    activity: Option<TableActivity>,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            reltuples: None,
            relpages: 0,
            relallvisible: 0,
            actual_pages: Some(0),
            heap_bytes: Some(0),
            toast_bytes: None,
            indexes_bytes: Some(0),
            activity: None,
        }
    }
}

impl Sum {
    fn add(&mut self, leaf: &Table) {
        if leaf.reltuples >= 0.0 {
            self.reltuples = Some(self.reltuples.unwrap_or(0.0) + leaf.reltuples);
        }
        self.relpages = self.relpages.saturating_add(leaf.relpages);
        self.relallvisible = self.relallvisible.saturating_add(leaf.relallvisible);
        self.actual_pages = self.actual_pages.zip(leaf.actual_pages).map(|(a, b)| a.saturating_add(b));
        self.heap_bytes = self.heap_bytes.zip(leaf.heap_bytes).map(|(a, b)| a + b);
        self.toast_bytes = match (self.toast_bytes, leaf.toast_bytes) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        self.indexes_bytes = self.indexes_bytes.zip(leaf.indexes_bytes).map(|(a, b)| a + b);
        if let Some(activity) = &leaf.activity {
            add_activity(self.activity.get_or_insert_with(TableActivity::default), activity);
        }
    }
}

fn add_activity(sum: &mut TableActivity, leaf: &TableActivity) {
    sum.seq_scans += leaf.seq_scans;
    sum.seq_rows += leaf.seq_rows;
    sum.index_scans += leaf.index_scans;
    sum.index_rows += leaf.index_rows;
    sum.inserts += leaf.inserts;
    sum.updates += leaf.updates;
    sum.hot_updates += leaf.hot_updates;
    sum.deletes += leaf.deletes;
    sum.live_rows += leaf.live_rows;
    sum.dead_rows += leaf.dead_rows;
    sum.modified_since_analyze += leaf.modified_since_analyze;
    sum.last_analyze = sum.last_analyze.max(leaf.last_analyze);
    sum.last_vacuum = sum.last_vacuum.max(leaf.last_vacuum);
    sum.heap_blocks_read += leaf.heap_blocks_read;
    sum.heap_blocks_hit += leaf.heap_blocks_hit;
    sum.index_blocks_read += leaf.index_blocks_read;
    sum.index_blocks_hit += leaf.index_blocks_hit;
}
