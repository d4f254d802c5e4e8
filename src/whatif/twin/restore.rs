//! Statistics by the functions that PostgreSQL 18 has for it, in the place of direct writes to the catalogs.
//!
//! `pg_restore_attribute_stats` answers false where it leaves a part out, with a warning: a row that it does not take
//! whole is written directly, as before 18.

use std::fmt::Write as _;

use super::statistics::{
    KIND_CORRELATION, KIND_ELEMENT_COUNTS, KIND_ELEMENTS, KIND_HISTOGRAM, KIND_MCV, KIND_RANGE_BOUNDS,
    KIND_RANGE_LENGTHS, Row, Slot, floats,
};
use crate::snapshot::Oid;
use crate::sql::quote;

/// The first version with these functions.
pub(super) const SINCE: u32 = 18;

/// One query for several rows: their positions (`position`), and whether each was taken whole (`whole`).
pub(super) fn attributes(rows: &[Row<'_>]) -> String {
    let selects = rows.iter().enumerate().map(|(n, row)| {
        format!("SELECT {n}::int4 AS position, pg_catalog.pg_restore_attribute_stats({}) AS whole", arguments(row))
    });
    selects.collect::<Vec<_>>().join(" UNION ALL ")
}

/// Names and values for `pg_restore_attribute_stats`.
fn arguments(row: &Row<'_>) -> String {
    let (schema, relation, _) = &row.place;
    let stats = row.stats;
    let mut list = format!(
        "'schemaname', {}::text, 'relname', {}::text, 'attnum', {}::int2, 'inherited', {}, 'null_frac', {}::float4, \
         'avg_width', {}::int4, 'n_distinct', {}::float4",
        quote::literal(schema),
        quote::literal(relation),
        row.attribute.attnum,
        row.inherited,
        quoted(stats.null_frac),
        stats.avg_width,
        quoted(stats.n_distinct),
    );
    for slot in row.slots() {
        for (name, value) in slot_arguments(&slot) {
            // Writing to a String cannot fail.
            let _ = write!(list, ", '{name}', {value}");
        }
    }
    list
}

fn slot_arguments(slot: &Slot) -> Vec<(&'static str, String)> {
    let numbers = || slot.numbers.as_deref().map_or_else(|| "NULL".to_owned(), floats);
    let number = || slot.numbers.iter().flatten().next().map_or_else(|| "NULL".to_owned(), |n| quoted(*n)) + "::float4";
    let values =
        || slot.values.as_ref().map_or_else(|| "NULL".to_owned(), |(array, _)| quote::literal(array)) + "::text";
    match slot.kind {
        KIND_MCV => vec![("most_common_vals", values()), ("most_common_freqs", numbers())],
        KIND_HISTOGRAM => vec![("histogram_bounds", values())],
        KIND_CORRELATION => vec![("correlation", number())],
        KIND_ELEMENTS => vec![("most_common_elems", values()), ("most_common_elem_freqs", numbers())],
        KIND_ELEMENT_COUNTS => vec![("elem_count_histogram", numbers())],
        KIND_RANGE_LENGTHS => vec![("range_length_histogram", values()), ("range_empty_frac", number())],
        KIND_RANGE_BOUNDS => vec![("range_bounds_histogram", values())],
        _ => Vec::new(),
    }
}

/// A number that may be negative, in quotes: a cast binds more tightly than a sign.
fn quoted(number: f64) -> String {
    format!("'{number}'")
}

/// The query that gives a relation's row in `pg_class` these counts.
pub(super) fn relation(oid: Oid, pages: i32, tuples: f64, all_visible: i32, all_frozen: i32) -> String {
    format!(
        "SELECT pg_catalog.pg_restore_relation_stats('schemaname', n.nspname::text, 'relname', c.relname::text, \
         'relpages', {pages}::int4, 'reltuples', {}::float4, 'relallvisible', {all_visible}::int4, \
         'relallfrozen', {all_frozen}::int4) FROM pg_catalog.pg_class AS c \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = {oid}",
        quoted(tuples)
    )
}
