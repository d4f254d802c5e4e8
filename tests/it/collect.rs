//! Collecting: every part of a snapshot against what the database itself says.

use std::time::Duration;

use pgwise::collect::{CollectOptions, collect};
use pgwise::connect::{ConnectOptions, Env, Pool, PoolOptions};
use pgwise::progress::Silent;
use pgwise::snapshot::{
    ForeignKeyAction, IndexMethod, Snapshot, StatementSource, TableKind, TypeKind, ValuesPolicy, Volatility, file,
};

use crate::harness::{self, Database};

mod planner;
mod plans;
mod safety;
mod workload;

/// Something of everything, with rows whose every text value begins with `planted`.
const SCHEMA: &str = include_str!("collect/schema.sql");

async fn pool(url: &str) -> Pool {
    let options = ConnectOptions::resolve(Some(url), &Env::default()).expect("options");
    let pool = PoolOptions { lock_timeout: Duration::from_millis(300), ..PoolOptions::default() };
    Pool::connect(&options, pool).await.expect("connect")
}

async fn snapshot_of(url: &str, options: &CollectOptions) -> Snapshot {
    collect(&pool(url).await, options, &Silent).await.expect("collect")
}

async fn prepared(topic: &str) -> Database {
    let database = harness::database(topic).await;
    database.execute(SCHEMA).await;
    database
}

async fn count(database: &Database, sql: &str) -> usize {
    let row = database.client().await.query_one(sql, &[]).await.expect("count");
    usize::try_from(row.get::<_, i64>(0)).expect("not negative")
}

fn catalog_only() -> CollectOptions {
    CollectOptions { explain: false, ..CollectOptions::default() }
}

#[tokio::test]
async fn the_catalog_is_what_the_database_says_it_is() {
    let database = prepared("collect_catalog").await;
    let snapshot = snapshot_of(database.url(), &catalog_only()).await;
    let catalog = &snapshot.catalog;

    let user_relations = "from pg_class c join pg_namespace n on n.oid = relnamespace \
                          where nspname in ('public', 'Sales Dept', 'elsewhere')";
    let tables = count(&database, &format!("select count(*) {user_relations} and relkind in ('r', 'p', 'm')")).await;
    assert_eq!(catalog.tables.len(), tables);
    let indexes = count(&database, &format!("select count(*) {user_relations} and relkind in ('i', 'I')")).await;
    assert_eq!(catalog.indexes().count(), indexes);

    let users = catalog.table_named("public", "users").expect("users");
    assert_eq!((users.reltuples, users.rows()), (2000.0, Some(2000.0)));
    assert_eq!(users.actual_pages, Some(users.relpages));
    assert!(users.toast_bytes.is_some() && users.indexes_bytes > Some(0));
    let mood = users.column_named("mood").expect("mood");
    assert_eq!(mood.ty.kind, TypeKind::Enum);
    assert_eq!(mood.ty.enum_labels.as_deref(), Some(&["sad".to_owned(), "ok".to_owned(), "happy".to_owned()][..]));
    let age = users.column_named("age").expect("age");
    assert_eq!((age.ty.kind, age.ty.base.as_str(), age.ty.name.as_str()), (TypeKind::Domain, "int4", "public.posint"));
    let tags = users.column_named("tags").expect("tags");
    assert_eq!((tags.ty.base.as_str(), tags.ty.element.as_deref()), ("_text", Some("text")));
    assert!(tags.ty.default_opclasses.iter().any(|m| m == "gin"));
    let loud = users.column_named("loud").expect("loud");
    assert!(loud.generated && loud.default.as_deref().is_some_and(|d| d.contains("'!'")));
    assert_eq!(users.column_named("id").and_then(|c| c.identity.as_deref()), Some("a"));

    let orders = catalog.table_named("public", "orders").expect("orders");
    assert_eq!(orders.options, ["fillfactor=90"]);
    assert_eq!(orders.foreign_keys.len(), 1);
    assert_eq!(
        (orders.foreign_keys[0].references, orders.foreign_keys[0].on_delete),
        (users.oid, ForeignKeyAction::Cascade)
    );
    assert!(orders.checks.iter().any(|c| c.name == "total_positive" && c.definition.contains("total >=")));
    assert_eq!(orders.activity.as_ref().map(|a| a.inserts), Some(5000));

    assert_eq!(
        catalog.views.iter().map(|v| (v.name.as_str(), v.materialized)).collect::<Vec<_>>(),
        [("paid", false), ("per_status", true)]
    );
    let volatility = |name: &str| catalog.functions.iter().find(|f| f.name == name).map(|f| f.volatility);
    assert_eq!((volatility("bump"), volatility("shout")), (Some(Volatility::Volatile), Some(Volatility::Immutable)));
    let extended = &catalog.extended_statistics[0];
    assert_eq!(
        (extended.columns.as_slice(), extended.kinds.as_slice()),
        (&[2, 3][..], &["ndistinct".to_owned(), "dependencies".to_owned()][..])
    );
    let data = extended.data.as_ref().unwrap();
    assert_eq!(data.n_distinct[0].attributes, [2, 3]);
    assert!(data.n_distinct[0].n_distinct >= 1.0);

    assert_eq!(snapshot.server.database, database.name());
    assert_eq!(snapshot.server.search_path, ["public"]);
    assert!(snapshot.server.role.superuser && snapshot.server.database_bytes > Some(1_000_000));
    assert_eq!(snapshot.server.setting_f64("block_size"), Some(8192.0));
    assert!(snapshot.server.setting("work_mem").is_some() && snapshot.server.setting("lock_timeout").is_none());
}

#[tokio::test]
async fn indexes_of_every_kind_keep_what_decides_their_use() {
    let database = prepared("collect_indexes").await;
    let snapshot = snapshot_of(database.url(), &catalog_only()).await;
    let index = |name: &str| snapshot.catalog.indexes().find(|(_, i)| i.name == name).expect("index").1;

    let lower = index("orders_lower");
    assert_eq!(lower.keys[0].expression.as_deref(), Some("lower(status)"));
    assert_eq!(lower.keys[0].column, None);
    assert!(lower.keys[0].stats.as_ref().is_some_and(|s| s.n_distinct > 0.0));
    assert_eq!((lower.keys[1].column, lower.keys[1].descending, lower.keys[1].nulls_first), (Some(4), true, false));
    assert_eq!(lower.include, [5]);
    assert_eq!(lower.predicate.as_deref(), Some("(status <> 'done'::text)"));
    assert!(lower.definition.as_deref().is_some_and(|d| d.contains(" INCLUDE (at) WHERE ")));

    let pattern = index("users_pattern");
    assert_eq!((pattern.keys[0].opclass.as_str(), pattern.keys[0].opclass_is_default), ("text_pattern_ops", false));
    let collated = index("users_collated");
    assert_eq!(collated.keys[0].collation.as_deref(), Some("pg_catalog.\"C\""));
    assert!(!collated.keys[0].collation_is_default && collated.keys[0].nulls_first);
    assert_eq!(index("users_tags").method(), IndexMethod::Gin);
    assert_eq!(index("orders_hash").method(), IndexMethod::Hash);
    assert!(index("no_twins").exclusion);
    let primary = index("users_pkey");
    assert!(primary.primary && primary.unique && primary.bytes > Some(0));
    assert_eq!(
        (primary.constraint.as_deref(), primary.referenced_by_foreign_keys.as_slice()),
        (Some("users_pkey"), &["orders_user_id_fkey".to_owned()][..])
    );
    assert_eq!(index("Odd Index").keys[0].expression.as_deref(), Some("(\"Some Col\" || 'x'::text)"));
    assert!(snapshot.catalog.table_named("Sales Dept", "Mixed \"Case\"").is_some());
}

#[tokio::test]
async fn partitioned_tables_stand_for_their_leaves() {
    let database = prepared("collect_partitions").await;
    let snapshot = snapshot_of(database.url(), &catalog_only()).await;
    let table = |name: &str| snapshot.catalog.table_named("public", name).expect("table");

    let events = table("events");
    assert_eq!((events.kind, events.partition_key.as_deref()), (TableKind::Partitioned, Some("RANGE (at)")));
    assert_eq!((events.reltuples, events.rows()), (3000.0, Some(3000.0)));
    assert_eq!(events.activity.as_ref().map(|a| a.inserts), Some(3000));
    assert!(events.column_named("at").is_some_and(|c| c.stats_inherited.is_some() && c.stats.is_none()));
    let leaf = table("events_2025_a").partition_of.as_ref().expect("a partition");
    assert_eq!((leaf.parent, leaf.root), (table("events_2025").oid, events.oid));
    assert_eq!(leaf.bound, "FOR VALUES IN ('planted-a')");
    assert_eq!(events.indexes[0].definition.as_deref().map(|d| d.contains("ON ONLY")), Some(true));
    assert_eq!(table("events_2024").indexes[0].parent, Some(events.indexes[0].oid));
}

#[tokio::test]
async fn statistics_are_those_of_pg_stats() {
    let database = prepared("collect_statistics").await;
    let options = CollectOptions { values: ValuesPolicy::All, ..catalog_only() };
    let snapshot = snapshot_of(database.url(), &options).await;
    let sql = "select tablename::text, attname::text, null_frac::float8, n_distinct::float8, correlation::float8, \
               most_common_vals::text::text[], histogram_bounds::text::text[], most_common_elems::text::text[] \
               from pg_stats where schemaname = 'public' and not inherited and tablename in ('users', 'orders')";
    let rows = database.client().await.query(sql, &[]).await.expect("pg_stats");
    assert!(rows.len() > 12);
    for row in rows {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        let table = snapshot.catalog.table_named("public", &table).expect("table");
        let stats = table.column_named(&column).and_then(|c| c.stats.as_ref()).expect("statistics");
        assert_eq!((stats.null_frac, stats.n_distinct), (row.get(2), row.get(3)), "{column}");
        assert_eq!(stats.correlation, row.get(4), "{column}");
        assert_eq!(stats.mcv_values, row.get(5), "{column}");
        assert_eq!(stats.histogram_bounds, row.get(6), "{column}");
        assert_eq!(stats.elements.as_ref().and_then(|e| e.values.clone()), row.get(7), "{column}");
        assert!(!stats.values_withheld);
    }
}

#[tokio::test]
async fn no_policy_but_all_lets_a_text_value_out() {
    let database = prepared("collect_values").await;
    // Partition bounds are part of the schema, not of the rows, and what they say is no secret in the statistics.
    let bound = "FOR VALUES IN ('planted-a')";
    for (policy, kept) in [(ValuesPolicy::None, false), (ValuesPolicy::Safe, true)] {
        let options = CollectOptions { values: policy, ..CollectOptions::default() };
        let snapshot = snapshot_of(database.url(), &options).await;
        let json = serde_json::to_string(&snapshot.catalog).expect("json");
        let json = json.replace(bound, "").replace("\"value\":\"planted-a\"", "");
        assert!(!json.contains("planted"), "{policy:?}");
        let users = snapshot.catalog.table_named("public", "users").expect("users");
        let stats = |name: &str| users.column_named(name).and_then(|c| c.stats.as_ref()).expect("statistics");
        assert_eq!(stats("age").mcv_values.is_some(), kept);
        assert_eq!(stats("mood").mcv_values.is_some(), kept);
        assert_eq!(stats("numbers").elements.as_ref().map(|e| e.values.is_some()), Some(kept));
        assert!(stats("email").values_withheld && stats("uid").values_withheld && stats("meta").values_withheld);
        assert!(stats("email").histogram_len > 2 && stats("name").mcv_freqs.len() > 2);
    }
    let options = CollectOptions { values: ValuesPolicy::All, ..CollectOptions::default() };
    let json = serde_json::to_string(&snapshot_of(database.url(), &options).await).expect("json");
    assert!(json.contains("planted-name-"));
}

#[tokio::test]
async fn a_snapshot_survives_its_file() {
    let database = prepared("collect_file").await;
    let snapshot = snapshot_of(database.url(), &CollectOptions::default()).await;
    for compress in [false, true] {
        let mut bytes = Vec::new();
        file::write(&snapshot, &mut bytes, compress).expect("write");
        assert_eq!(file::read(bytes.as_slice()).expect("read"), snapshot);
    }
}

#[tokio::test]
async fn schemas_and_patterns_narrow_the_catalog() {
    let database = prepared("collect_scope").await;
    let options = CollectOptions {
        schemas: vec!["public".to_owned()],
        exclude: vec!["public.events*".to_owned()],
        ..catalog_only()
    };
    let snapshot = snapshot_of(database.url(), &options).await;
    let names: Vec<&str> = snapshot.catalog.tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["users", "orders", "per_status"]);
}

#[tokio::test]
async fn an_empty_database_is_no_error() {
    let database = harness::database("collect_empty").await;
    let snapshot = snapshot_of(database.url(), &CollectOptions::default()).await;
    assert!(snapshot.catalog.tables.is_empty());
    assert_eq!(snapshot.statements.source, StatementSource::None);
    let statements = snapshot.not_seen.iter().find(|n| n.part == "statements").expect("said so");
    assert!(statements.remedy.as_deref().is_some_and(|r| r.contains("pg_stat_statements")), "{statements:?}");
}

#[tokio::test]
async fn a_role_with_connect_only_sees_the_catalog_and_is_told_what_to_grant() {
    let database = prepared("collect_connect_only").await;
    let role = format!("{}_role", database.name());
    database.execute(&format!("create role \"{role}\" login password 'x'")).await;
    let url = with_role(database.url(), &role);
    let snapshot = snapshot_of(&url, &CollectOptions::default()).await;
    database.execute(&format!("drop owned by \"{role}\"; drop role \"{role}\"")).await;

    assert!(!snapshot.server.role.superuser && !snapshot.server.role.read_all_stats);
    let users = snapshot.catalog.table_named("public", "users").expect("users");
    assert!(users.columns.len() == 12 && users.columns.iter().all(|c| c.stats.is_none()));
    let note = snapshot.not_seen.iter().find(|n| n.part == "statistics").expect("statistics not seen");
    let remedy = note.remedy.as_deref().unwrap_or_default();
    assert!(remedy.starts_with("GRANT ") && remedy.contains(&role), "{note:?}");
}

/// The same server and database as another role.
fn with_role(url: &str, role: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{role}:x@{place}")
}

#[tokio::test]
async fn an_exclusively_locked_table_costs_its_expressions_and_nothing_else() {
    let database = prepared("collect_locked").await;
    let blocker = database.client().await;
    blocker.batch_execute("begin; lock table orders in access exclusive mode").await.expect("lock");
    let begun = std::time::Instant::now();
    let options = CollectOptions { values: ValuesPolicy::All, ..CollectOptions::default() };
    let snapshot = snapshot_of(database.url(), &options).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    blocker.batch_execute("rollback").await.expect("unlock");

    let orders = snapshot.catalog.table_named("public", "orders").expect("orders");
    assert_eq!(orders.columns.len(), 5);
    assert!(orders.columns[2].stats.is_some() && orders.actual_pages.is_none() && orders.heap_bytes > Some(0));
    let lower = orders.indexes.iter().find(|i| i.name == "orders_lower").expect("index");
    assert_eq!((lower.predicate.as_deref(), lower.keys.len()), (Some(""), 2));
    let users = snapshot.catalog.table_named("public", "users").expect("users");
    assert!(users.actual_pages.is_some() && users.indexes.iter().all(|i| i.definition.is_some()));
    assert!(snapshot.catalog.views.is_empty());
    let note = snapshot.not_seen.iter().find(|n| n.part == "locked tables").expect("said so");
    assert!(note.reason.contains("public.orders"), "{note:?}");
}
