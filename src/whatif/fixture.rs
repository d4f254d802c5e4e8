//! Catalog pieces for unit tests of this folder.

use crate::snapshot::{
    AttrNumber, Column, ColumnStats, ColumnType, Oid, PartitionOf, Persistence, Table, TableKind, TypeKind,
};
use crate::workload::{Comparison, Operand, Predicate, Target, Value};

pub(crate) fn table(oid: Oid, schema: &str, name: &str, columns: Vec<Column>) -> Table {
    Table {
        oid,
        schema: schema.to_owned(),
        name: name.to_owned(),
        owner: "owner".to_owned(),
        kind: TableKind::Ordinary,
        persistence: Persistence::Permanent,
        reltuples: -1.0,
        relpages: 0,
        relallvisible: 0,
        relallfrozen: None,
        actual_pages: None,
        heap_bytes: None,
        toast_bytes: None,
        indexes_bytes: None,
        partition_key: None,
        partition_of: None,
        inherits: vec![],
        options: vec![],
        tablespace: None,
        foreign: None,
        row_security: false,
        replica_identity: "d".to_owned(),
        columns,
        indexes: vec![],
        foreign_keys: vec![],
        checks: vec![],
        activity: None,
    }
}

pub(crate) fn column(attnum: AttrNumber, name: &str, ty: &str, length: i16) -> Column {
    Column {
        attnum,
        name: name.to_owned(),
        ty: ColumnType {
            name: ty.to_owned(),
            base: ty.to_owned(),
            schema: "pg_catalog".to_owned(),
            kind: TypeKind::Base,
            category: "N".to_owned(),
            element: None,
            length,
            alignment: match length {
                8 => "d",
                2 => "s",
                1 => "c",
                _ => "i",
            }
            .to_owned(),
            by_value: length > 0,
            modifier: -1,
            subtype: None,
            default_opclasses: vec!["btree".to_owned(), "hash".to_owned()],
            enum_labels: None,
        },
        not_null: false,
        default: None,
        identity: None,
        generated: false,
        generated_virtual: false,
        collation: None,
        collation_is_c: false,
        statistics_target: None,
        storage: "p".to_owned(),
        stats: None,
        stats_inherited: None,
    }
}

pub(crate) fn stats(n_distinct: f64, avg_width: i32, null_frac: f64) -> ColumnStats {
    ColumnStats {
        null_frac,
        avg_width,
        n_distinct,
        mcv_freqs: vec![],
        mcv_values: None,
        histogram_len: 0,
        histogram_bounds: None,
        correlation: None,
        elements: None,
        range: None,
        values_withheld: false,
        withheld: None,
    }
}

pub(crate) fn partition_of(parent: Oid, root: Oid) -> PartitionOf {
    PartitionOf { parent, root, bound: "DEFAULT".to_owned() }
}

pub(crate) fn predicate(attnum: AttrNumber, comparison: Comparison, value: Value) -> Predicate {
    Predicate {
        operand: Operand { relation: 0, target: Target::Column(attnum) },
        comparison,
        value,
        unsargable: None,
        or_group: None,
        or_branch: 0,
        as_index_predicate: None,
    }
}
