//! Statistics as rows of `pg_statistic`.
//!
//! Written as ANALYZE writes them (`update_attstats`): most common values, histogram, correlation, most common elements
//! and the histogram of their counts, or the histograms of ranges, in slots one to five. Direct writes to the catalog work on every version.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::standin::{self, Series};
use crate::snapshot::{Catalog, ColumnStats, Oid};
use crate::sql::quote;

/// `pg_statistic.stakind` of the slots.
const KIND_MCV: i16 = 1;
const KIND_HISTOGRAM: i16 = 2;
const KIND_CORRELATION: i16 = 3;
const KIND_ELEMENTS: i16 = 4;
const KIND_ELEMENT_COUNTS: i16 = 5;
const KIND_RANGE_LENGTHS: i16 = 6;
const KIND_RANGE_BOUNDS: i16 = 7;
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

/// One INSERT for each row of the snapshot's statistics whose column the twin has, with the relation's name.
pub(super) fn inserts(catalog: &Catalog, attributes: &BTreeMap<Place, Attribute>) -> Vec<String> {
    let mut rows = Vec::new();
    let mut add = |place: Place, inherited: bool, stats: Option<&ColumnStats>| {
        if let (Some(attribute), Some(stats)) = (attributes.get(&place), stats) {
            rows.push(insert(attribute, inherited, stats));
        }
    };
    for table in &catalog.tables {
        let place = |relation: &str, attribute: &str| (table.schema.clone(), relation.to_owned(), attribute.to_owned());
        for column in &table.columns {
            add(place(&table.name, &column.name), false, column.stats.as_ref());
            add(place(&table.name, &column.name), true, column.stats_inherited.as_ref());
        }
        for index in &table.indexes {
            for (n, key) in index.keys.iter().enumerate().filter(|(_, k)| k.column.is_none()) {
                add(place(&index.name, &(n + 1).to_string()), false, key.stats.as_ref());
            }
        }
    }
    rows
}

struct Slot {
    kind: i16,
    operator: Oid,
    collation: Oid,
    numbers: Option<String>,
    /// An array literal and its element type.
    values: Option<(String, Oid)>,
}

fn insert(attribute: &Attribute, inherited: bool, stats: &ColumnStats) -> String {
    format!("INSERT INTO pg_catalog.pg_statistic VALUES ({})", fields(attribute, inherited, stats))
}

/// The columns of a row of `pg_statistic`, as a list of expressions.
pub(super) fn fields(attribute: &Attribute, inherited: bool, stats: &ColumnStats) -> String {
    let mut slots = slots(attribute, stats);
    slots.truncate(SLOTS);
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
    column(&mut sql, &|slot| slot.numbers.clone().unwrap_or_else(|| "NULL".to_owned()), "NULL");
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
            numbers: Some(floats(&stats.mcv_freqs)),
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
            numbers: Some(floats(&[correlation])),
            values: None,
        });
    }
    element_slots(attribute, stats, &mut slots);
    range_slots(attribute, stats, &mut slots);
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
        numbers: Some(floats(&[range.empty_frac])),
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
            numbers: Some(floats(&elements.freqs)),
            values: Some((array(&values), attribute.element)),
        });
    }
    if !elements.count_histogram.is_empty() {
        slots.push(Slot {
            kind: KIND_ELEMENT_COUNTS,
            operator: attribute.element_equal,
            collation,
            numbers: Some(floats(&elements.count_histogram)),
            values: None,
        });
    }
}

/// Numbers of the catalog, which are of single precision: printed as the shortest that reads back the same.
fn floats(numbers: &[f64]) -> String {
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
        assert!(
            insert(&attribute, false, &stats).starts_with("INSERT INTO pg_catalog.pg_statistic VALUES (5, 1, false, ")
        );
    }
}
