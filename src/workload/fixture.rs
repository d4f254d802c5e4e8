//! A small catalog for tests: a shop.

use crate::snapshot::{
    Catalog, Column, ColumnType, Function, PartitionOf, Persistence, Signature, Table, TableKind, TypeKind, View,
    Volatility,
};

/// A column from its name and type (`pg_type.typname`, `_` before an array's element).
pub(crate) fn column(attnum: i16, name: &str, ty: &str) -> Column {
    let category = match ty {
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" => "N",
        "text" | "varchar" | "bpchar" | "name" => "S",
        "bool" => "B",
        "date" | "timestamp" | "timestamptz" => "D",
        array if array.starts_with('_') => "A",
        range if range.ends_with("range") => "R",
        _ => "U",
    };
    let kind = match ty {
        range if range.ends_with("range") => TypeKind::Range,
        "order_status" => TypeKind::Enum,
        _ => TypeKind::Base,
    };
    let classes: &[&str] = match ty {
        "jsonb" => &["btree", "gin", "hash"],
        "point" => &["gist", "spgist"],
        "tsvector" => &["btree", "gin", "gist"],
        array if array.starts_with('_') => &["btree", "gin", "hash"],
        _ => &["brin", "btree", "hash"],
    };
    let length = match ty {
        "bool" => 1,
        "int2" => 2,
        "int4" | "date" => 4,
        "int8" | "timestamp" | "timestamptz" | "float8" => 8,
        _ => -1,
    };
    Column {
        attnum,
        name: name.to_owned(),
        ty: ColumnType {
            name: ty.to_owned(),
            base: ty.to_owned(),
            schema: "pg_catalog".to_owned(),
            kind,
            category: category.to_owned(),
            element: ty.strip_prefix('_').map(str::to_owned),
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
            default_opclasses: classes.iter().map(|s| (*s).to_owned()).collect(),
            enum_labels: None,
        },
        not_null: false,
        default: None,
        identity: None,
        generated: false,
        generated_virtual: false,
        collation: (category == "S").then(|| "pg_catalog.\"default\"".to_owned()),
        collation_is_c: false,
        statistics_target: None,
        storage: "p".to_owned(),
        stats: None,
        stats_inherited: None,
    }
}

/// A table of `public` from its columns' names and types, numbered from 1.
pub(crate) fn table(oid: u32, name: &str, columns: &[(&str, &str)]) -> Table {
    let columns = (1..).zip(columns).map(|(attnum, (name, ty))| column(attnum, name, ty)).collect();
    Table {
        oid,
        schema: "public".to_owned(),
        name: name.to_owned(),
        owner: "shop".to_owned(),
        kind: TableKind::Ordinary,
        persistence: Persistence::Permanent,
        reltuples: 100_000.0,
        relpages: 1_000,
        relallvisible: 1_000,
        actual_pages: Some(1_000),
        heap_bytes: Some(8_192_000),
        toast_bytes: Some(0),
        indexes_bytes: Some(0),
        partition_key: None,
        partition_of: None,
        inherits: Vec::new(),
        options: Vec::new(),
        tablespace: None,
        foreign: None,
        row_security: false,
        replica_identity: "d".to_owned(),
        columns,
        indexes: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        activity: None,
    }
}

fn view(oid: u32, name: &str, columns: &[&str], definition: &str) -> View {
    View {
        oid,
        schema: "public".to_owned(),
        name: name.to_owned(),
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        definition: definition.to_owned(),
        materialized: false,
        options: Vec::new(),
    }
}

/// Table oids of [`shop`].
pub(crate) const USERS: u32 = 101;
pub(crate) const ORDERS: u32 = 102;
pub(crate) const ITEMS: u32 = 103;
pub(crate) const PRODUCTS: u32 = 104;
pub(crate) const EVENTS: u32 = 105;

/// Users, orders, order items, products, and events partitioned by time; two views; a function.
pub(crate) fn shop() -> Catalog {
    let event_columns: &[(&str, &str)] =
        &[("id", "int8"), ("user_id", "int8"), ("kind", "text"), ("at", "timestamptz"), ("payload", "jsonb")];
    let mut partition = table(106, "events_2024", event_columns);
    partition.partition_of =
        Some(PartitionOf { parent: EVENTS, root: EVENTS, bound: "FOR VALUES FROM (...) TO (...)".to_owned() });
    let mut elsewhere = table(107, "audit", &[("id", "int8"), ("who", "text")]);
    elsewhere.schema = "logs".to_owned();
    Catalog {
        tables: vec![
            table(
                USERS,
                "users",
                &[
                    ("id", "int8"),
                    ("email", "varchar"),
                    ("name", "text"),
                    ("active", "bool"),
                    ("created_at", "timestamptz"),
                    ("deleted_at", "timestamp"),
                    ("age", "int4"),
                    ("code", "bpchar"),
                ],
            ),
            table(
                ORDERS,
                "orders",
                &[
                    ("id", "int8"),
                    ("user_id", "int8"),
                    ("status", "order_status"),
                    ("total", "numeric"),
                    ("created_at", "timestamp"),
                    ("note", "text"),
                ],
            ),
            table(
                ITEMS,
                "order_items",
                &[("id", "int8"), ("order_id", "int8"), ("product_id", "int8"), ("quantity", "int4")],
            ),
            table(
                PRODUCTS,
                "products",
                &[
                    ("id", "int8"),
                    ("name", "text"),
                    ("attributes", "jsonb"),
                    ("tags", "_text"),
                    ("document", "tsvector"),
                    ("valid", "tstzrange"),
                    ("place", "point"),
                    ("price", "int4"),
                ],
            ),
            table(EVENTS, "events", event_columns),
            partition,
            elsewhere,
        ],
        views: vec![
            view(
                201,
                "active_users",
                &["id", "mail"],
                " SELECT users.id, lower(users.email::text) AS mail FROM users WHERE users.active;",
            ),
            view(
                202,
                "order_totals",
                &["user_id", "n"],
                " SELECT orders.user_id, count(*) AS n FROM orders GROUP BY orders.user_id;",
            ),
            view(203, "looping", &["id"], " SELECT looping.id FROM looping;"),
        ],
        functions: vec![Function {
            schema: "public".to_owned(),
            name: "slug".to_owned(),
            arguments: "text".to_owned(),
            volatility: Volatility::Immutable,
            kind: "f".to_owned(),
            argument_types: vec!["text".to_owned()],
            returns: "text".to_owned(),
            returns_set: false,
            strict: true,
            leakproof: false,
            parallel: "u".to_owned(),
            cost: Some(100.0),
            rows: 0.0,
            support: None,
            language: "sql".to_owned(),
            signature: Signature::default(),
            aggregate: None,
        }],
        extended_statistics: Vec::new(),
        operators: Vec::new(),
        operator_classes: Vec::new(),
        types: Vec::new(),
        casts: Vec::new(),
    }
}
