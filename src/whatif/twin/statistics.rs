//! Statistics as rows of `pg_statistic`.
//!
//! Written as ANALYZE writes them (`update_attstats`): most common values, histogram, correlation, most common elements
//! and the histogram of their counts, or the histograms of ranges, in slots one to five. Direct writes to the catalog
//! work on every version; since 18 the server takes statistics by functions made for it
//! ([`restore`](super::restore)).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::reach::Reach;
use super::standin::{self, Series};
use crate::snapshot::{Catalog, ColumnStats, Oid};
use crate::sql::quote;

/// `pg_statistic.stakind` of the slots.
pub(super) const KIND_MCV: i16 = 1;
/// See [`KIND_MCV`].
pub(super) const KIND_HISTOGRAM: i16 = 2;
/// See [`KIND_MCV`].
pub(super) const KIND_CORRELATION: i16 = 3;
/// See [`KIND_MCV`].
pub(super) const KIND_ELEMENTS: i16 = 4;
/// See [`KIND_MCV`].
pub(super) const KIND_ELEMENT_COUNTS: i16 = 5;
/// See [`KIND_MCV`].
pub(super) const KIND_RANGE_LENGTHS: i16 = 6;
/// See [`KIND_MCV`].
pub(super) const KIND_RANGE_BOUNDS: i16 = 7;
/// `float8`, and its less-than operator (`Float8LessOperator`).
const FLOAT8: Oid = 701;
/// See [`FLOAT8`].
const FLOAT8_LESS: Oid = 672;
/// `STATISTIC_NUM_SLOTS`.
const SLOTS: usize = 5;

/// A column or index key of the twin, with the operators that ANALYZE names in its statistics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    /// The relation.
    pub(super) relation: Oid,
    /// Number.
    pub(super) attnum: i16,
    /// Its type.
    pub(super) ty: Oid,
    /// Name of its base type.
    pub(super) base: String,
    /// Its collation, or 0.
    pub(super) collation: Oid,
    /// The type's default equality operator, or 0.
    pub(super) equal: Oid,
    /// The type's default less-than operator, or 0.
    pub(super) less: Oid,
    /// Element type of an array, text for a tsvector, or 0.
    pub(super) element: Oid,
    /// Name of the element type.
    pub(super) element_base: String,
    /// The element type's equality operator, or 0.
    pub(super) element_equal: Oid,
    /// The range type of a range or multirange, or 0.
    pub(super) range: Oid,
}

/// Where an attribute is: schema, relation, and the column's name (a number for an index's key).
pub(super) type Place = (String, String, String);

/// Collation of a tsvector's lexemes (`DEFAULT_COLLATION_OID`).
const DEFAULT_COLLATION: Oid = 100;

/// A row of the snapshot's statistics whose column the twin has.
pub(super) struct Row<'a> {
    /// The column.
    pub(super) place: Place,
    /// The same as the twin has it.
    pub(super) attribute: &'a Attribute,
    /// `stainherit`.
    pub(super) inherited: bool,
    /// What is known of it.
    pub(super) stats: &'a ColumnStats,
    /// Whom it matters to.
    pub(super) reach: Reach,
}

impl Row<'_> {
    /// Relation, number and `stainherit`: the catalog's key.
    pub(super) fn key(&self) -> Key {
        (self.attribute.relation, self.attribute.attnum, self.inherited)
    }

    /// The statement that writes it.
    pub(super) fn insert(&self) -> String {
        let values = fields(self.attribute, self.inherited, self.stats);
        format!("INSERT INTO pg_catalog.pg_statistic VALUES ({values})")
    }

    /// The statement that removes it.
    pub(super) fn delete(&self) -> String {
        let (relation, attnum, inherited) = self.key();
        format!(
            "DELETE FROM pg_catalog.pg_statistic WHERE starelid = {relation} AND staattnum = {attnum} \
             AND stainherit = {inherited}"
        )
    }

    /// The kinds of its slots, ascending.
    pub(super) fn kinds(&self) -> Vec<i16> {
        let mut kinds: Vec<i16> = self.slots().iter().map(|slot| slot.kind).collect();
        kinds.sort_unstable();
        kinds
    }

    /// What ANALYZE found, in the order of the catalog's slots.
    pub(super) fn slots(&self) -> Vec<Slot> {
        slots(self.attribute, self.stats)
    }
}

/// The key of `pg_statistic`: relation, number of the attribute, `stainherit`.
pub(super) type Key = (Oid, i16, bool);

/// The rows of the snapshot's statistics whose columns the twin has.
pub(super) fn rows<'a>(catalog: &'a Catalog, attributes: &'a BTreeMap<Place, Attribute>) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    let mut add = |place: Place, inherited: bool, stats: Option<&'a ColumnStats>, reach: &Reach| {
        if let (Some(attribute), Some(stats)) = (attributes.get(&place), stats) {
            rows.push(Row { place, attribute, inherited, stats, reach: reach.clone() });
        }
    };
    for table in &catalog.tables {
        let place = |relation: &str, attribute: &str| (table.schema.clone(), relation.to_owned(), attribute.to_owned());
        for column in &table.columns {
            let reach = Reach::Columns(table.oid, BTreeSet::from([column.attnum]));
            add(place(&table.name, &column.name), false, column.stats.as_ref(), &reach);
            add(place(&table.name, &column.name), true, column.stats_inherited.as_ref(), &reach);
        }
        for index in &table.indexes {
            for (n, key) in index.keys.iter().enumerate().filter(|(_, k)| k.column.is_none()) {
                add(place(&index.name, &(n + 1).to_string()), false, key.stats.as_ref(), &Reach::Table(table.oid));
            }
        }
    }
    rows
}

/// One of a row's five slots.
pub(super) struct Slot {
    /// `stakind`.
    pub(super) kind: i16,
    operator: Oid,
    collation: Oid,
    /// `stanumbers`.
    pub(super) numbers: Option<Vec<f64>>,
    /// `stavalues`: an array literal and its element type.
    pub(super) values: Option<(String, Oid)>,
}

/// The columns of a row of `pg_statistic`, as a list of expressions.
pub(super) fn fields(attribute: &Attribute, inherited: bool, stats: &ColumnStats) -> String {
    let slots = slots(attribute, stats);
    let mut sql = format!(
        "{}, {}, {inherited}, {}, {}, {}",
        attribute.relation, attribute.attnum, stats.null_frac, stats.avg_width, stats.n_distinct
    );
    // Writing to a String cannot fail.
    let column = |sql: &mut String, of: &dyn Fn(&Slot) -> String, empty: &str| {
        for n in 0..SLOTS {
            let _ = write!(sql, ", {}", slots.get(n).map_or_else(|| empty.to_owned(), of));
        }
    };
    column(&mut sql, &|slot| slot.kind.to_string(), "0");
    column(&mut sql, &|slot| slot.operator.to_string(), "0");
    column(&mut sql, &|slot| slot.collation.to_string(), "0");
    column(&mut sql, &|slot| slot.numbers.as_deref().map_or_else(|| "NULL".to_owned(), floats), "NULL");
    let values = |slot: &Slot| match &slot.values {
        Some((array, ty)) => {
            format!("pg_catalog.array_in({}, {ty}, -1)::pg_catalog.anyarray", quote::literal(array))
        }
        None => "NULL".to_owned(),
    };
    column(&mut sql, &values, "NULL");
    sql
}

fn slots(attribute: &Attribute, stats: &ColumnStats) -> Vec<Slot> {
    let mut slots = Vec::new();
    let common = stats.mcv_values.clone().or_else(|| common_stand_ins(attribute, stats));
    if let Some(values) = common.filter(|v| !v.is_empty() && v.len() == stats.mcv_freqs.len() && attribute.equal != 0) {
        slots.push(Slot {
            kind: KIND_MCV,
            operator: attribute.equal,
            collation: attribute.collation,
            numbers: Some(stats.mcv_freqs.clone()),
            values: Some((array(&values), attribute.ty)),
        });
    }
    let bounds = stats.histogram_bounds.clone().or_else(|| bound_stand_ins(attribute, stats));
    if let Some(values) = bounds.filter(|v| v.len() >= 2 && attribute.less != 0) {
        slots.push(Slot {
            kind: KIND_HISTOGRAM,
            operator: attribute.less,
            collation: attribute.collation,
            numbers: None,
            values: Some((array(&values), attribute.ty)),
        });
    }
    if let Some(correlation) = stats.correlation.filter(|_| attribute.less != 0) {
        slots.push(Slot {
            kind: KIND_CORRELATION,
            operator: attribute.less,
            collation: attribute.collation,
            numbers: Some(vec![correlation]),
            values: None,
        });
    }
    element_slots(attribute, stats, &mut slots);
    range_slots(attribute, stats, &mut slots);
    slots.truncate(SLOTS);
    slots
}

/// Made up from the ranks where these are known: then values of two columns compare as in production. Those that are
/// known anyway stand for themselves.
fn common_stand_ins(attribute: &Attribute, stats: &ColumnStats) -> Option<Vec<String>> {
    let withheld = stats.withheld.as_ref();
    let ranks = withheld.map(|w| w.mcv_ranks.as_slice()).filter(|ranks| ranks.len() == stats.mcv_freqs.len());
    let mut values = match ranks {
        Some(ranks) => standin::ranked(&attribute.base, stats.avg_width, ranks),
        None => standin::values(&attribute.base, stats.avg_width, stats.mcv_freqs.len(), Series::Common),
    }?;
    for known in withheld.into_iter().flat_map(|w| &w.known) {
        if let Some(place) = values.get_mut(known.position) {
            place.clone_from(&known.value);
        }
    }
    Some(values)
}

fn bound_stand_ins(attribute: &Attribute, stats: &ColumnStats) -> Option<Vec<String>> {
    // A type that does not sort as its text does has ranks in another order.
    let ascending = |ranks: &&[u32]| ranks.len() == stats.histogram_len && ranks.is_sorted();
    match stats.withheld.as_ref().map(|w| w.bound_ranks.as_slice()).filter(ascending) {
        Some(ranks) => standin::ranked(&attribute.base, stats.avg_width, ranks),
        None => standin::values(&attribute.base, stats.avg_width, stats.histogram_len, Series::Bounds),
    }
}

/// As `compute_range_stats` leaves them.
fn range_slots(attribute: &Attribute, stats: &ColumnStats, slots: &mut Vec<Slot>) {
    let Some(range) = stats.range.as_ref().filter(|_| attribute.range != 0) else { return };
    if let Some(bounds) = range.bounds_histogram.as_ref().filter(|bounds| bounds.len() >= 2) {
        slots.push(Slot {
            kind: KIND_RANGE_BOUNDS,
            operator: 0,
            collation: 0,
            numbers: None,
            values: Some((array(bounds), attribute.range)),
        });
    }
    slots.push(Slot {
        kind: KIND_RANGE_LENGTHS,
        operator: FLOAT8_LESS,
        collation: 0,
        numbers: Some(vec![range.empty_frac]),
        values: Some((array(&range.length_histogram), FLOAT8)),
    });
}

fn element_slots(attribute: &Attribute, stats: &ColumnStats, slots: &mut Vec<Slot>) {
    let Some(elements) = stats.elements.as_ref().filter(|_| attribute.element != 0) else { return };
    let collation = if attribute.base == "tsvector" { DEFAULT_COLLATION } else { attribute.collation };
    // The frequencies end with two or three of another meaning.
    let made_up = || {
        let extra = if attribute.base == "tsvector" { 2 } else { 3 };
        standin::values(&attribute.element_base, 0, elements.freqs.len().saturating_sub(extra), Series::Common)
    };
    if let Some(values) = elements.values.clone().or_else(made_up).filter(|v| !v.is_empty()) {
        slots.push(Slot {
            kind: KIND_ELEMENTS,
            operator: attribute.element_equal,
            collation,
            numbers: Some(elements.freqs.clone()),
            values: Some((array(&values), attribute.element)),
        });
    }
    if !elements.count_histogram.is_empty() {
        slots.push(Slot {
            kind: KIND_ELEMENT_COUNTS,
            operator: attribute.element_equal,
            collation,
            numbers: Some(elements.count_histogram.clone()),
            values: None,
        });
    }
}

/// Numbers of the catalog, which are of single precision: printed as the shortest that reads back the same.
pub(super) fn floats(numbers: &[f64]) -> String {
    let list = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    format!("'{{{list}}}'::pg_catalog.float4[]")
}

/// An array literal; every element in quotes.
fn array(values: &[String]) -> String {
    let mut text = String::from("{");
    for (n, value) in values.iter().enumerate() {
        text.push_str(if n > 0 { ",\"" } else { "\"" });
        for c in value.chars() {
            if c == '"' || c == '\\' {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn array_literals_keep_quotes_and_backslashes() {
        assert_eq!(array(&["a\"b".to_owned(), r"c\d".to_owned(), String::new()]), r#"{"a\"b","c\\d",""}"#);
    }

    #[test]
    fn a_column_without_operators_keeps_its_counts() {
        let stats = crate::whatif::fixture::stats(100.0, 4, 0.0);
        let attribute = Attribute {
            relation: 5,
            attnum: 1,
            ty: 114,
            base: "json".to_owned(),
            collation: 0,
            equal: 0,
            less: 0,
            element: 0,
            element_base: String::new(),
            element_equal: 0,
            range: 0,
        };
        assert!(fields(&attribute, false, &stats).starts_with("5, 1, false, "));
    }
}
