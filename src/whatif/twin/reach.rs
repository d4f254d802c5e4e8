//! Which statements something that the twin lacks could matter to: what is said about them would not be production's.

use std::collections::{BTreeMap, BTreeSet};

use super::NotRecreated;
use crate::snapshot::{AttrNumber, Catalog, Index, IndexMethod, Oid, Snapshot, Table};
use crate::workload::{self, BoundQuery, Comparison};

/// How far a lack reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// No further than statements that name it, which the twin's server refuses.
    Named,
    /// Every statement that reads or writes the table.
    Table(Oid),
    /// Those that use one of these columns of the table.
    Columns(Oid, BTreeSet<AttrNumber>),
    /// Those that compare text by its order.
    TextOrder,
}

impl Reach {
    /// Of an index that is not there. One that may have to do with every plan (a B-tree can count a table's rows, and a
    /// unique one says that a join finds at most one) reaches the whole table.
    pub(super) fn of_index(table: &Table, index: &Index) -> Self {
        let columns: Option<BTreeSet<AttrNumber>> = index.keys.iter().map(|key| key.column).collect();
        match columns {
            Some(columns) if index.method() != IndexMethod::Btree && index.predicate.is_none() && !index.exclusion => {
                Self::Columns(table.oid, columns)
            }
            _ => Self::Table(table.oid),
        }
    }
}

/// The snapshot's statements that something lacking reaches, by their positions, and what it is.
pub(super) fn touched(snapshot: &Snapshot, left_out: &[NotRecreated]) -> BTreeMap<usize, String> {
    let reaches: Vec<(&NotRecreated, Vec<Place>)> = left_out
        .iter()
        .map(|lack| (lack, places(&snapshot.catalog, &lack.reach)))
        .filter(|(lack, places)| !places.is_empty() || lack.reach == Reach::TextOrder)
        .collect();
    if reaches.is_empty() {
        return BTreeMap::new();
    }
    let find = |query: &BoundQuery| {
        let reaching = |(lack, places): &&(&NotRecreated, Vec<Place>)| {
            places.iter().any(|place| place.is_used(query))
                || (lack.reach == Reach::TextOrder && compares_text(&snapshot.catalog, query))
        };
        reaches.iter().find(reaching).map(|(lack, _)| format!("the twin lacks {}: {}", lack.object, lack.reason))
    };
    let queries = workload::bind(snapshot).queries;
    queries.iter().filter_map(|query| Some((query.statement, find(&query.bound)?))).collect()
}

/// A table, or some columns of it.
struct Place {
    table: Oid,
    columns: Option<BTreeSet<AttrNumber>>,
}

impl Place {
    fn is_used(&self, query: &BoundQuery) -> bool {
        let among = |columns: &BTreeSet<AttrNumber>| match &self.columns {
            None => true,
            // What could not be resolved may be anything.
            Some(own) => !query.unresolved.is_empty() || !own.is_disjoint(columns),
        };
        let read = query.blocks.iter().flat_map(|block| &block.relations);
        read.filter(|r| r.table == Some(self.table)).any(|r| among(&r.columns))
            || query.writes.iter().filter(|w| w.table == self.table).any(|w| among(&w.columns))
    }
}

/// Where a lack is felt: at the table, and at those that it is a part of.
fn places(catalog: &Catalog, reach: &Reach) -> Vec<Place> {
    let (table, columns) = match reach {
        Reach::Named | Reach::TextOrder => return Vec::new(),
        Reach::Table(table) => (*table, None),
        Reach::Columns(table, columns) => (*table, Some(columns)),
    };
    let Some(own) = catalog.table(table) else { return Vec::new() };
    let names: Option<Vec<&str>> =
        columns.map(|columns| columns.iter().filter_map(|n| own.column(*n)).map(|c| c.name.as_str()).collect());
    let numbers = |of: &Table| {
        let names = names.as_ref()?;
        Some(names.iter().filter_map(|name| of.column_named(name)).map(|c| c.attnum).collect())
    };
    let mut pending = vec![table];
    let mut met = BTreeSet::new();
    let mut places = Vec::new();
    while let Some(oid) = pending.pop() {
        let Some(of) = catalog.table(oid).filter(|_| met.insert(oid)) else { continue };
        places.push(Place { table: oid, columns: numbers(of) });
        pending.extend(of.partition_of.as_ref().map(|p| p.parent));
        pending.extend(&of.inherits);
    }
    places
}

/// Whether a condition on text in the database's own order is more than equality.
fn compares_text(catalog: &Catalog, query: &BoundQuery) -> bool {
    query.blocks.iter().any(|block| {
        block.predicates.iter().any(|predicate| {
            let ordered = matches!(
                predicate.comparison,
                Comparison::Less
                    | Comparison::Greater
                    | Comparison::Between
                    | Comparison::LikePrefix
                    | Comparison::LikeInfix { .. }
            );
            let table = block.relations.get(predicate.operand.relation).and_then(|r| catalog.table(r.table?));
            let is_text = |n: &AttrNumber| {
                table.and_then(|t| t.column(*n)).is_some_and(|c| {
                    c.ty.category == "S" && c.collation.as_deref().is_none_or(|c| c == "pg_catalog.\"default\"")
                })
            };
            ordered && predicate.operand.columns().iter().any(is_text)
        })
    })
}
