//! Estimated index sizes against those of indexes really built.

use pgwise::snapshot::{IndexMethod, IndexSpec, KeySpec};
use pgwise::whatif::{ddl, size};

use super::snapshot;
use crate::harness;

const TABLE: &str = "
    create extension if not exists pg_trgm;
    create table items (id int, big bigint, customer int, status text, sku text, price numeric(10, 2), active boolean,
        at timestamptz, day date, gone timestamptz, ref uuid, tags text[], doc jsonb, weight float8, body text);
    insert into items select i, i * 1000::bigint, (i::bigint * 7919) % 20000, case when i % 33 = 0 then 'open' else 'done' end,
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
        pages_per_range: None,
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
        let estimated = size::index_bytes(&snapshot, spec, table, *fraction).unwrap();
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

/// Tables of several sizes, with everything that indexes of the other kinds are made of.
const RICH: &str = "
    create table r_N (id int, name text, email text, note text, score numeric(8, 2), at timestamptz, during tsrange,
        span int4range, place point, ip inet, tags text[], labels int[], doc jsonb, body tsvector);
    insert into r_N select i, 'name ' || (i::bigint * 7919) % (N / 3), 'user' || i || '@example.com',
        array_to_string(array(select chr(97 + (i * j * 31 + j) % 26) from generate_series(1, 8 + i % 20) j), '')
            || ' ' || md5(i::text), (i * 37) % 10000 / 7.0,
        timestamptz '2023-01-01' + i * interval '7 min',
        tsrange(timestamp '2023-01-01' + i * interval '1 h', timestamp '2023-01-01' + (i + i % 48) * interval '1 h'),
        int4range(((i::bigint * 7919) % N)::int, ((i::bigint * 7919) % N)::int + i % 50), point((i::bigint * 7919) % 10007, (i::bigint * 104729) % 9973),
        ('10.' || i % 200 || '.' || (i / 256) % 256 || '.' || i % 256)::inet,
        array['t' || i % 40, 't' || i % 333, 'u' || i % 7], array[i % 100, i % 1000, i % 3000],
        jsonb_build_object('kind', i % 20, 'name', 'n' || (i / 7) % 500, 'user', i, 'active', i % 2 = 0),
        to_tsvector('simple', 'word' || i % 300 || ' other' || i % 20 || ' text' || i % 4000 || ' and more of it')
        from generate_series(1, N) i;
    analyze r_N";

#[tokio::test(flavor = "multi_thread")]
async fn indexes_of_every_kind_are_sized_on_small_and_large_tables() {
    let database = harness::database("whatif_size_kinds").await;
    assert!(database.extension("pg_trgm").await, "the cases need it");
    let sizes = [5_000_u32, 40_000, 150_000];
    for rows in sizes {
        database.execute(&RICH.replace('N', &rows.to_string())).await;
    }
    let snapshot = snapshot::take(&database, &[]).await;
    let client = database.client().await;
    let key = |table: &pgwise::snapshot::Table, name: &str| match table.column_named(name) {
        Some(column) => KeySpec::column(column.attnum),
        None => KeySpec::expression(name),
    };
    let btree: &[&[&str]] = &[
        &["name"],
        &["email"],
        &["score"],
        &["at"],
        &["ip"],
        &["name", "at"],
        &["upper(email)"],
        &["lower(name)"],
        &["length(email)"],
        &["(at at time zone 'UTC')::date"],
        &["(doc ->> 'name')"],
        &["(doc ->> 'user')"],
        &["md5(email)"],
        &["(name || email)"],
    ];
    let others: &[(IndexMethod, &str, Option<&str>)] = &[
        (IndexMethod::Gin, "tags", None),
        (IndexMethod::Gin, "labels", None),
        (IndexMethod::Gin, "doc", None),
        (IndexMethod::Gin, "doc", Some("jsonb_path_ops")),
        (IndexMethod::Gin, "body", None),
        (IndexMethod::Gin, "name", Some("gin_trgm_ops")),
        (IndexMethod::Gin, "email", Some("gin_trgm_ops")),
        (IndexMethod::Gin, "note", Some("gin_trgm_ops")),
        (IndexMethod::Gist, "during", None),
        (IndexMethod::Gist, "span", None),
        (IndexMethod::Gist, "place", None),
        (IndexMethod::Gist, "body", None),
        (IndexMethod::Gist, "email", Some("gist_trgm_ops")),
        (IndexMethod::Spgist, "email", None),
        (IndexMethod::Spgist, "name", None),
        (IndexMethod::Spgist, "during", None),
        (IndexMethod::Spgist, "place", None),
        (IndexMethod::Spgist, "ip", None),
        (IndexMethod::Brin, "at", None),
        (IndexMethod::Brin, "email", None),
        (IndexMethod::Hash, "email", None),
        (IndexMethod::Hash, "name", None),
    ];
    let (mut tree_errors, mut other_errors) = (Vec::new(), Vec::new());
    for rows in sizes {
        let table = snapshot.catalog.table_named("public", &format!("r_{rows}")).unwrap();
        let trees = btree.iter().map(|names| (IndexMethod::Btree, names.to_vec(), None));
        for (method, names, opclass) in trees.chain(others.iter().map(|(m, n, o)| (*m, vec![*n], *o))) {
            let mut spec = IndexSpec {
                table: table.oid,
                method,
                keys: names.iter().map(|name| key(table, name)).collect(),
                include: vec![],
                predicate: None,
                unique: false,
                pages_per_range: None,
            };
            spec.keys[0].opclass = opclass.map(str::to_owned);
            client.batch_execute(&ddl::create_index(&spec, table, Some("built"), ddl::Build::Plain)).await.unwrap();
            let built: i64 = client.query_one("select pg_relation_size('built')", &[]).await.unwrap().get(0);
            client.batch_execute("drop index built").await.unwrap();
            let estimated = size::index_bytes(&snapshot, &spec, table, 1.0).unwrap();
            // Of a few pages, one more or less is no error.
            let apart = (estimated as f64 - built as f64).abs() <= 2.0 * 8192.0;
            let error = 100.0 * (estimated as f64 / built as f64 - 1.0);
            eprintln!("{built:>10} estimated {estimated:>10} {error:>+6.1} %  {}", ddl::describe(&spec, table));
            let errors = if method == IndexMethod::Btree { &mut tree_errors } else { &mut other_errors };
            errors.push(if apart { 0.0 } else { error.abs() });
        }
    }
    for (what, mut errors, allowed) in [("B-trees", tree_errors, 10.0), ("others", other_errors, 30.0)] {
        errors.sort_by(f64::total_cmp);
        let at = |tenths: usize| errors[(errors.len() - 1) * tenths / 10];
        let within = errors.iter().filter(|e| **e <= allowed).count();
        eprintln!(
            "{what}: {within} of {} within {allowed} %; median {:.1}, 90th percentile {:.1}, worst {:.1} %",
            errors.len(),
            at(5),
            at(9),
            at(10)
        );
        assert!(within * 10 >= errors.len() * 9, "{what}: {errors:?}");
    }
}

fn column_number(table: &pgwise::snapshot::Table, name: &str) -> i16 {
    table.column_named(name).unwrap().attnum
}
