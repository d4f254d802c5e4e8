//! Estimated index sizes against those of indexes really built.

use pgwise::snapshot::{IndexMethod, IndexSpec, KeySpec};
use pgwise::whatif::{ddl, size};

use super::snapshot;
use crate::harness;

const TABLE: &str = "
    create extension if not exists pg_trgm;
    create table items (id int, big bigint, customer int, status text, sku text, price numeric(10, 2), active boolean,
        at timestamptz, day date, gone timestamptz, ref uuid, tags text[], doc jsonb, weight float8, body text);
    insert into items select i, i * 1000::bigint, (i * 7919) % 20000, case when i % 33 = 0 then 'open' else 'done' end,
        'SKU-' || lpad((i % 5000)::text, 8, '0'), (i % 4000) / 7.0, i % 2 = 0, timestamptz '2024-01-01' + i * interval '1 s',
        date '2024-01-01' + i / 500, case when i % 5 = 0 then timestamptz '2024-01-01' + i * interval '1 s' end,
        md5(i::text)::uuid, array['tag' || i % 50, 'tag' || i % 7, 'tag' || i % 300],
        jsonb_build_object('color', 'c' || i % 20, 'size', i % 10, 'brand', 'brand' || i % 500), (i % 1000) / 3.0,
        'item number ' || i || ' of brand ' || i % 500
        from generate_series(1, 200000) i;
    analyze items";

#[tokio::test(flavor = "multi_thread")]
async fn estimates_are_near_the_truth() {
    let database = harness::database("whatif_size").await;
    database.execute(TABLE).await;
    let client = database.client().await;
    let snapshot = snapshot::take(&database, &[]).await;
    let table = snapshot.catalog.table_named("public", "items").unwrap();
    let column = |name: &str| KeySpec::column(table.column_named(name).unwrap().attnum);
    let of = |method, names: &[&str]| IndexSpec {
        table: table.oid,
        method,
        keys: names.iter().map(|name| column(name)).collect(),
        include: vec![],
        predicate: None,
        unique: false,
    };
    let btree = |names: &[&str]| of(IndexMethod::Btree, names);
    // With the share of rows that the predicate keeps, and the error allowed in percent.
    let mut cases: Vec<(IndexSpec, f64, f64)> = [
        &["id"][..],
        &["big"],
        &["customer"],
        &["status"],
        &["sku"],
        &["price"],
        &["active"],
        &["at"],
        &["day"],
        &["gone"],
        &["ref"],
        &["weight"],
        &["customer", "at"],
        &["status", "at"],
        &["customer", "status"],
        &["active", "customer", "day"],
        &["sku", "price"],
        &["gone", "id"],
    ]
    .iter()
    .map(|names| (btree(names), 1.0, 12.0))
    .collect();
    let mut covering = btree(&["customer"]);
    covering.include = vec![column_number(table, "price"), column_number(table, "at")];
    covering.include.sort_unstable();
    cases.push((covering, 1.0, 12.0));
    let mut partial = btree(&["customer"]);
    partial.predicate = Some("status = 'open'".to_owned());
    cases.push((partial, 1.0 / 33.0, 12.0));
    let mut unique = btree(&["id"]);
    unique.unique = true;
    cases.push((unique, 1.0, 12.0));
    cases.push((of(IndexMethod::Hash, &["customer"]), 1.0, 30.0));
    cases.push((of(IndexMethod::Hash, &["id"]), 1.0, 30.0));
    cases.push((of(IndexMethod::Brin, &["at"]), 1.0, 60.0));
    cases.push((of(IndexMethod::Gin, &["tags"]), 1.0, 80.0));
    cases.push((of(IndexMethod::Gin, &["doc"]), 1.0, 80.0));
    for (method, opclass) in [(IndexMethod::Gin, "gin_trgm_ops"), (IndexMethod::Gist, "gist_trgm_ops")] {
        let mut trigram = of(method, &["body"]);
        trigram.keys[0].opclass = Some(opclass.to_owned());
        cases.push((trigram, 1.0, 80.0));
    }
    let mut path = of(IndexMethod::Gin, &["doc"]);
    path.keys[0].opclass = Some("jsonb_path_ops".to_owned());
    cases.push((path, 1.0, 80.0));

    let mut wrong = Vec::new();
    for (spec, fraction, allowed) in &cases {
        client.batch_execute(&ddl::create_index(spec, table, Some("built"), ddl::Build::Plain)).await.unwrap();
        let built: i64 = client.query_one("select pg_relation_size('built')", &[]).await.unwrap().get(0);
        client.batch_execute("drop index built").await.unwrap();
        let estimated = size::index_bytes(spec, table, *fraction).unwrap();
        let error = 100.0 * (estimated as f64 / built as f64 - 1.0);
        let line =
            format!("{:>10} built {:>10} estimated {error:>+6.1} %  {}", built, estimated, ddl::describe(spec, table));
        eprintln!("{line}");
        if error.abs() > *allowed {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn column_number(table: &pgwise::snapshot::Table, name: &str) -> i16 {
    table.column_named(name).unwrap().attnum
}
