//! Binding against catalogs that a real server gave, and the server's word on what the binder says of expressions.

use pgwise::collect::{CollectOptions, collect};
use pgwise::progress::Silent;
use pgwise::snapshot::Snapshot;
use pgwise::sql;
use pgwise::workload::{Resolver, Target, bind_query};

use crate::harness::{self, Database};

async fn snapshot(database: &Database) -> Snapshot {
    let options = CollectOptions { explain: false, ..CollectOptions::default() };
    collect(&database.pool().await, &options, &Silent).await.expect("collect")
}

#[tokio::test]
async fn every_query_of_the_shop_binds() {
    let database = harness::database("workload_shop").await;
    if !database.extension("pg_trgm").await {
        return;
    }
    database.execute(include_str!("../../sample-workloads/shop/schema.sql")).await;
    let snapshot = snapshot(&database).await;
    let resolver = Resolver::new(&snapshot);
    let workload: toml::Table = include_str!("../../sample-workloads/shop/queries.toml").parse().expect("toml");
    let queries = workload["query"].as_array().expect("queries");
    assert!(queries.len() > 30);
    for query in queries {
        let (name, text) = (query["name"].as_str().expect("name"), query["sql"].as_str().expect("sql"));
        let bound = bind_query(text, &resolver).unwrap_or_else(|skip| panic!("{name}: {skip}"));
        assert!(bound.unresolved.is_empty(), "{name}: {:?}", bound.unresolved);
        assert!(!bound.tables().is_empty(), "{name}");
    }
}

const TABLE: &str = "create type order_status as enum ('new', 'paid', 'done'); \
    create table u (id bigint, email varchar(200), name text, active boolean, created_at timestamptz, deleted_at \
    timestamp, age int, status order_status, total numeric(12,2), data jsonb, tags text[], code char(3), d date, t time, \
    \"Odd name\" text)";

/// Expressions as a query writes them.
const EXPRESSIONS: &[&str] = &[
    "lower(email)",
    "data->>'kind'",
    "(data->>'age')::int",
    "date_trunc('day', deleted_at)",
    "date_trunc('day', created_at)",
    "created_at at time zone 'UTC'",
    "extract(year from deleted_at)",
    "extract(epoch from created_at)",
    "coalesce(age, 0)",
    "left(name, 3)",
    "age + 1",
    "name || ' ' || email",
    "substring(name from 1 for 3)",
    "to_tsvector('english', name)",
    "to_tsvector(name)",
    "data->'a'->>'b'",
    "tags[1]",
    "deleted_at::date",
    "created_at::date",
    "upper(name::varchar)",
    "md5(code)",
    "data #>> '{a,b}'",
    "age::text",
    "d::text",
    "name::date",
    "name::int",
    "to_char(deleted_at, 'YYYY')",
    "concat(name, email)",
    "lower(\"Odd name\")",
    "age::numeric",
    "status::text",
    "tags::text",
    "created_at + interval '1 day'",
    "deleted_at + interval '1 day'",
    "case when active then 1 else 0 end",
    "nullif(age, 0)",
    "array_to_string(tags, ',')",
    "age(deleted_at)",
    "position('x' in name)",
    "trim(both from name)",
    "round(total, 1)",
    "d - 1",
    "total::int",
    "(name || email)::varchar",
    "name || age",
    "now() - created_at",
    "data->>name",
    "t::interval",
    "t::text",
    "jsonb_array_length(data->'x')",
    "length(name)",
    "reverse(name)",
    "abs(age)",
    "age::float8",
    "date_part('year', d)",
    "starts_with(name, 'a') and active",
    "regexp_replace(name, 'a', 'b')",
    "d::timestamptz",
];

#[tokio::test]
async fn the_server_agrees_on_what_may_be_indexed() {
    let database = harness::database("workload_expressions").await;
    database.execute(TABLE).await;
    let snapshot = snapshot(&database).await;
    let resolver = Resolver::new(&snapshot);
    let client = database.client().await;
    let mut disagreements = Vec::new();
    for expression in EXPRESSIONS {
        let text = format!("select 1 from u x where ({expression}) is not null");
        let bound = bind_query(&text, &resolver).expect(expression);
        let predicate = bound.blocks[0].predicates.first().unwrap_or_else(|| panic!("{expression}: no condition"));
        let Target::Expression { sql, immutable, .. } = &predicate.operand.target else {
            panic!("{expression} is an expression");
        };
        let made = client.batch_execute(&format!("create index made on u (({sql}))")).await;
        if made.is_ok() != *immutable {
            disagreements.push(format!("{expression} became {sql}, immutable: {immutable}"));
        }
        if made.is_err() {
            continue;
        }
        for pretty in [true, false] {
            let row = client
                .query_one("select pg_get_indexdef('made'::regclass, 1, $1)", &[&pretty])
                .await
                .expect("definition");
            let printed: String = row.get(0);
            let (ours, theirs) = (sql::canonical_expr(expression), sql::canonical_expr(&printed));
            if ours.is_none() || ours != theirs {
                disagreements.push(format!("{expression}: {ours:?}, but {printed} is {theirs:?}"));
            }
        }
        client.batch_execute("drop index made").await.expect("drop");
    }
    assert!(disagreements.is_empty(), "{disagreements:#?}");
}

/// Conditions as a query writes them, all of literals.
const CONDITIONS: &[&str] = &[
    "status = 'new'",
    "status in ('new', 'paid')",
    "email = 'x' and deleted_at is null",
    "active",
    "not active",
    "active is true",
    "total > 100",
    "age between 1 and 10",
    "name like 'a%'",
    "name ilike 'a%'",
    "email in ('a', 'b') or age = 5",
    "deleted_at > '2024-01-01'",
    "active = false",
    "d > date '2024-01-01'",
    "email not in ('a', 'b')",
    "age <> -1",
    "code = 'abc'",
    "total > 0 and status <> 'done'",
    "'new' = status",
    "email is not null",
    "lower(email) = 'x'",
    "data @> '{\"a\": 1}'",
    "data ? 'k'",
    "tags && array['a']",
    "age in (3, 1, 2)",
    "not (age = 1 or age = 2)",
    "id = 5000000000",
    "5 < age",
];

#[tokio::test]
async fn the_server_takes_our_partial_predicates_and_prints_the_same() {
    let database = harness::database("workload_predicates").await;
    database.execute(TABLE).await;
    let snapshot = snapshot(&database).await;
    let resolver = Resolver::new(&snapshot);
    let client = database.client().await;
    let mut disagreements = Vec::new();
    for condition in CONDITIONS {
        let bound = bind_query(&format!("select 1 from u x where {condition}"), &resolver).expect(condition);
        let texts: Vec<&String> =
            bound.blocks[0].predicates.iter().filter_map(|p| p.as_index_predicate.as_ref()).collect();
        assert!(!texts.is_empty(), "{condition}");
        for text in texts {
            client
                .batch_execute(&format!("create index made on u (id) where {text}"))
                .await
                .unwrap_or_else(|error| panic!("{condition} became {text}: {error:?}"));
            let row = client
                .query_one(
                    "select pg_get_expr(indpred, indrelid) from pg_index where indexrelid = 'made'::regclass",
                    &[],
                )
                .await
                .expect("predicate");
            let printed: String = row.get(0);
            let (ours, theirs) = (sql::canonical_conjuncts(text), sql::canonical_conjuncts(&printed));
            if ours.is_none() || ours != theirs {
                disagreements.push(format!("{text}: {ours:?}, but {printed} is {theirs:?}"));
            }
            client.batch_execute("drop index made").await.expect("drop");
        }
    }
    assert!(disagreements.is_empty(), "{disagreements:#?}");
}
