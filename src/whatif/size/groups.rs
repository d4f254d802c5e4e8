//! How the rows of an index fall into groups of equal keys, which a B-tree stores as posting lists.

use super::stored::Stored;
use crate::snapshot::{AttrNumber, Catalog, IndexSpec, KeyTarget, Table};

/// Groups of keys told apart at most.
const CLASSES: usize = 64;
/// Distinct values assumed where statistics are missing (`DEFAULT_NUM_DISTINCT`).
pub(super) const DEFAULT_DISTINCT: f64 = 200.0;

/// So many keys, each with so many rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Group {
    pub(super) keys: f64,
    pub(super) rows: f64,
}

/// Column by column, each group is split by the next column's values, taken as independent of those before
/// (`estimate_num_groups` multiplies the counts of distinct values, which overestimates for skewed columns), unless the
/// number of combinations is known.
pub(super) fn of(catalog: &Catalog, spec: &IndexSpec, columns: &[Stored<'_>], table: &Table, rows: f64) -> Vec<Group> {
    let total = table.rows().unwrap_or(rows).max(rows).max(1.0);
    let keys = columns.get(..spec.keys.len()).unwrap_or(columns);
    if let Some(combinations) = combinations(catalog, spec, table, total) {
        let alike = Group { keys: combinations, rows: total / combinations };
        return vec![split(Group { keys: 1.0, rows }, alike, total)];
    }
    keys.iter().fold(vec![Group { keys: 1.0, rows }], |groups, column| {
        let values = values(column, total);
        let split = groups.iter().flat_map(|group| values.iter().map(move |value| split(*group, *value, total)));
        merge(split.filter(|group| group.keys > 0.0).collect())
    })
}

/// How many combinations several columns have, where something tells: a unique index on some of them, extended
/// statistics, or a foreign key, which has no more than there are rows to refer to.
fn combinations(catalog: &Catalog, spec: &IndexSpec, table: &Table, total: f64) -> Option<f64> {
    let columns: Option<Vec<AttrNumber>> = spec
        .keys
        .iter()
        .map(|key| match key.target {
            KeyTarget::Column(attnum) => Some(attnum),
            KeyTarget::Expression(_) => None,
        })
        .collect();
    let columns = columns.filter(|c| c.len() > 1)?;
    let unique = |index: &crate::snapshot::Index| {
        let part = |key: &crate::snapshot::IndexKey| {
            let not_null = |n: AttrNumber| table.column(n).is_some_and(|c| c.not_null);
            key.column.is_some_and(|n| columns.contains(&n) && not_null(n))
        };
        index.unique && index.valid && index.predicate.is_none() && index.keys.iter().all(part)
    };
    if table.indexes.iter().any(unique) {
        return Some(total);
    }
    let mut set = columns.clone();
    set.sort_unstable();
    let own = catalog.extended_statistics.iter().filter(|s| s.table == table.oid).filter_map(|s| s.data.as_ref());
    let counted = own.flat_map(|data| &data.n_distinct).find(|item| {
        let mut attributes = item.attributes.clone();
        attributes.sort_unstable();
        attributes == set
    });
    if let Some(item) = counted {
        let count = if item.n_distinct < 0.0 { -item.n_distinct * total } else { item.n_distinct };
        return Some(count.clamp(1.0, total));
    }
    let key = table.foreign_keys.iter().find(|key| {
        let mut referencing = key.columns.clone();
        referencing.sort_unstable();
        referencing == set
    })?;
    let referenced = catalog.table(key.references)?.rows()?;
    (referenced >= 1.0 && referenced < total).then_some(referenced)
}

/// A column's values over the whole table, with how many rows each has: NULL, the most common ones, and the rest alike.
fn values(column: &Stored<'_>, total: f64) -> Vec<Group> {
    let Some(stats) = &column.stats else {
        return vec![Group { keys: DEFAULT_DISTINCT, rows: total / DEFAULT_DISTINCT }];
    };
    let mut values = vec![Group { keys: 1.0, rows: stats.null_frac * total }];
    values.extend(stats.mcv_freqs.iter().map(|freq| Group { keys: 1.0, rows: freq * total }));
    let rest = (1.0 - stats.null_frac - stats.mcv_freqs.iter().sum::<f64>()).max(0.0) * total;
    let distinct = stats.distinct(total).unwrap_or(DEFAULT_DISTINCT) - stats.mcv_freqs.len() as f64;
    let keys = distinct.clamp(1.0, rest.max(1.0));
    values.push(Group { keys, rows: rest / keys });
    values.retain(|value| value.rows > 0.0);
    merge(values)
}

/// The part of a group that has certain values. Of the `total` rows the group's are drawn without replacement, so a
/// value with k rows is met with the probability 1 - (1 - rows/total)^k, as `estimate_num_groups` has it.
fn split(group: Group, value: Group, total: f64) -> Group {
    let missed = (value.rows * (-(group.rows / total).min(1.0)).ln_1p()).exp();
    let met = value.keys * (1.0 - missed);
    if met <= 0.0 {
        return Group { keys: 0.0, rows: 0.0 };
    }
    let rows = group.rows * value.keys * value.rows / total;
    Group { keys: group.keys * met, rows: (rows / met).max(1.0) }
}

/// At most [`CLASSES`] groups: the smallest are merged into their mean.
fn merge(mut groups: Vec<Group>) -> Vec<Group> {
    if groups.len() > CLASSES {
        groups.sort_by(|a, b| (b.keys * b.rows).total_cmp(&(a.keys * a.rows)));
        let tail = groups.split_off(CLASSES - 1);
        let keys: f64 = tail.iter().map(|group| group.keys).sum();
        let rows: f64 = tail.iter().map(|group| group.keys * group.rows).sum();
        groups.push(Group { keys, rows: rows / keys });
    }
    groups
}
