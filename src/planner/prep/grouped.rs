//! GROUP BY columns that a primary key makes superfluous (`remove_useless_groupby_columns`).

use rustc_hash::FxHashMap;

use crate::planner::expr::Expr;
use crate::planner::query::SortGroup;
use crate::planner::relids::RelId;
use crate::planner::root::Root;
use crate::snapshot::{AttrNumber, Table};

/// Removes the items that other items determine.
pub(super) fn remove_useless(root: &mut Root<'_>) {
    let query = &root.query;
    if query.group.len() < 2 || query.grouping_sets.is_some() {
        return;
    }
    let column = |item: &SortGroup| -> Option<(RelId, AttrNumber)> {
        match query.targets.iter().find(|t| t.sortgroupref == item.sortgroupref)?.expr {
            Expr::Var(ref var) if var.levels_up == 0 => Some((var.rel, var.attno)),
            _ => None,
        }
    };
    let mut grouped: FxHashMap<RelId, Vec<AttrNumber>> = FxHashMap::default();
    for (rel, attno) in query.group.iter().filter_map(column) {
        grouped.entry(rel).or_default().push(attno);
    }
    let superfluous = |item: &SortGroup| {
        let Some((rel, attno)) = column(item) else { return false };
        let all = grouped.get(&rel).map_or(&[][..], Vec::as_slice);
        let key = root.table(rel).and_then(primary_key);
        key.is_some_and(|key| key.iter().all(|k| all.contains(k)) && !key.contains(&attno))
    };
    let kept: Vec<SortGroup> = query.group.iter().filter(|item| !superfluous(item)).copied().collect();
    root.query.group = kept;
}

fn primary_key(table: &Table) -> Option<Vec<AttrNumber>> {
    let index = table.indexes.iter().find(|i| i.primary && i.valid && i.immediate)?;
    index.keys.iter().map(|key| key.column).collect()
}
