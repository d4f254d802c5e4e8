//! The advisor against a real planner: what it advises is built as printed, and must then be used.

use pgwise::advise::{Budget, Options, advise};
use pgwise::collect::{CollectOptions, collect, statements_from_sql};
use pgwise::progress::Silent;
use pgwise::report::{Evidence, Recommendation, RecommendationKind, Report};
use pgwise::snapshot::{Snapshot, Statement};
use pgwise::whatif::CostSource;
use pgwise::whatif::hypopg::Hypopg;
use pgwise::workload;
use tokio::runtime::Handle;

use crate::harness::{self, Database};

/// Tables with names made to break careless quoting, and every kind of column that an index family asks for.
const SCHEMA: &str = r#"
    create extension if not exists hypopg;
    create schema "Odd Schema";
    create table "Odd Schema"."Order" (
        id bigint primary key, "User Id" bigint not null, status text not null, "createdAt" timestamptz not null,
        total numeric not null, note text, deleted_at timestamptz, done boolean not null, views int not null);
    insert into "Odd Schema"."Order"
        select i, i * 7919 % 20000, case when i % 33 = 0 then 'open' else 'done' end,
               timestamptz '2025-01-01' + i * interval '1 minute', i % 977, 'Note ' || i % 50000,
               case when i % 100 > 0 then timestamptz '2025-06-01' end, i % 200 > 0, i % 5000
        from generate_series(1, 200000) i;
    create table docs (id int primary key, body jsonb not null, tags text[] not null, words tsvector not null,
                       title text not null, during tstzrange not null, code text collate "und-x-icu" not null);
    insert into docs
        select i, jsonb_build_object('brand', i % 900, 'n', i), array['t' || i % 700, 't' || i % 911],
               to_tsvector('simple', 'w' || i % 800 || ' x' || i % 999), 'Title number ' || i,
               tstzrange(timestamptz '2025-01-01' + i * interval '1 hour', timestamptz '2025-01-02' + i * interval '1 hour'),
               'code-' || i
        from generate_series(1, 30000) i;
    create table measures (at date not null, sensor int not null, value float8) partition by range (at);
    create table measures_1 partition of measures for values from ('2025-01-01') to ('2025-07-01');
    create table measures_2 partition of measures for values from ('2025-07-01') to ('2026-01-01');
    insert into measures select date '2025-01-01' + i % 365, i * 31 % 5003, i from generate_series(1, 120000) i;
    create table tiny (id int, name text);
    insert into tiny select i, 'n' || i from generate_series(1, 300) i;
"#;

async fn database(topic: &str) -> Option<Database> {
    let database = harness::database(topic).await;
    // Without HypoPG there is nobody to ask; the rule source has tests of its own.
    if !database.extension("hypopg").await {
        return None;
    }
    database.execute(SCHEMA).await;
    database.execute("vacuum analyze").await;
    Some(database)
}

/// A statement with its calls; each call took ten milliseconds.
fn statement(sql: &str, calls: u64) -> Statement {
    let mut statement = statements_from_sql(sql).pop().expect("one statement");
    statement.calls = calls;
    statement.mean_ms = 10.0;
    statement.total_ms = 10.0 * calls as f64;
    statement.rows = calls;
    statement
}

async fn snapshot(database: &Database, statements: &[(&str, u64)]) -> Snapshot {
    let statements = statements.iter().map(|(sql, calls)| statement(sql, *calls)).collect();
    let options = CollectOptions { statements: Some(statements), ..CollectOptions::default() };
    collect(&database.pool().await, &options, &Silent).await.expect("collects")
}

async fn report(database: &Database, snapshot: &Snapshot, options: Options) -> Report {
    let mut source = Hypopg::open(database.pool().await, snapshot, Handle::current()).await.expect("HypoPG answers");
    let snapshot = snapshot.clone();
    tokio::task::spawn_blocking(move || {
        let workload = workload::bind(&snapshot);
        assert!(workload.skipped.is_empty(), "{:?}", workload.skipped);
        advise(&snapshot, &workload, Some(&mut source as &mut dyn CostSource), &options, &Silent)
    })
    .await
    .expect("no panic")
    .expect("the server stays up")
}

fn creates(report: &Report) -> Vec<&Recommendation> {
    report.recommendations.iter().filter(|r| r.kind == RecommendationKind::CreateIndex).collect()
}

/// The keys, INCLUDE columns and predicates of what is to be created.
fn shapes(report: &Report) -> Vec<String> {
    let mut shapes: Vec<String> = creates(report)
        .iter()
        .filter_map(|r| r.index.as_ref().map(|i| (r, i)))
        .map(|(r, i)| {
            let mut shape = format!("{} {} ({})", r.table, i.method, i.columns.join(", "));
            if !i.include.is_empty() {
                shape.push_str(" include ");
                shape.push_str(&i.include.join(", "));
            }
            if let Some(predicate) = &i.predicate {
                shape.push_str(" where ");
                shape.push_str(predicate);
            }
            shape
        })
        .collect();
    shapes.sort();
    shapes
}

/// Runs every recommendation as it is printed.
async fn apply(database: &Database, report: &Report) {
    for recommendation in &report.recommendations {
        for sql in recommendation.prerequisites.iter().chain([&recommendation.ddl]) {
            database.execute(sql).await;
        }
    }
    database.execute("vacuum analyze").await;
}

/// The generic plan of a statement, as text.
async fn plan(database: &Database, sql: &str, arguments: &str) -> String {
    let client = database.client().await;
    client.batch_execute(&format!("set max_parallel_workers_per_gather = 0; prepare q as {sql}")).await.expect(sql);
    let rows = client.query(&format!("explain execute q{arguments}"), &[]).await.expect(sql);
    rows.iter().map(|r| r.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_advised_is_built_as_printed_and_used() {
    let Some(database) = database("advise_effect").await else { return };
    let statements = [
        (
            r#"select * from "Odd Schema"."Order" where "User Id" = $1 order by "createdAt" desc limit $2"#,
            500,
            "(7, 10)",
        ),
        (r#"select id from "Odd Schema"."Order" where lower(note) = lower($1)"#, 200, "('Note 7')"),
        (r#"select * from "Odd Schema"."Order" where done = false and total > $1"#, 100, "(900)"),
        (r#"select * from "Odd Schema"."Order" where deleted_at is null order by "createdAt" limit 20"#, 100, ""),
        (
            r#"select sum(total) from "Odd Schema"."Order" where "createdAt" between $1 and $2"#,
            100,
            "('2025-02-01', '2025-02-03')",
        ),
        ("select * from docs where body @> $1", 100, r#"('{"brand": 7}')"#),
        ("select * from docs where tags @> $1", 100, "('{t7}')"),
        ("select * from docs where words @@ $1", 100, "('w7')"),
        ("select * from docs where during && $1", 100, "('[2025-03-01, 2025-03-02)')"),
        ("select * from docs where title ilike $1", 100, "('%number 777%')"),
        ("select * from docs where code like 'code-77%'", 100, ""),
        ("select value from measures where sensor = $1", 100, "(77)"),
    ];
    let weighted: Vec<(&str, u64)> = statements.iter().map(|(sql, calls, _)| (*sql, *calls)).collect();
    let snapshot = snapshot(&database, &weighted).await;
    let report = report(&database, &snapshot, Options::default()).await;
    let shapes = shapes(&report);
    apply(&database, &report).await;
    for (sql, _, arguments) in statements {
        let plan = plan(&database, sql, arguments).await;
        assert!(!plan.contains("Seq Scan"), "{sql}\n{plan}\n{}", shapes.join("\n"));
    }
    for recommendation in creates(&report) {
        let hypothetical = recommendation.index.as_ref().is_some_and(|i| i.method == "btree");
        assert_eq!(recommendation.evidence == Evidence::Planner, hypothetical, "{recommendation:#?}");
        assert!(!recommendation.queries.is_empty(), "{recommendation:#?}");
        database.execute(&recommendation.undo_ddl).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_well_indexed_database_gets_no_advice() {
    let Some(database) = database("advise_quiet").await else { return };
    database
        .execute(
            r#"create index on "Odd Schema"."Order" ("User Id", "createdAt" desc);
               create index on "Odd Schema"."Order" (lower(note));
               create index on docs using gin (body);
               create index on docs using gin (words);
               create index on docs using gist (during);
               analyze"#,
        )
        .await;
    let statements = [
        (r#"select * from "Odd Schema"."Order" where id = $1"#, 5000),
        (r#"select * from "Odd Schema"."Order" where "User Id" = $1 order by "createdAt" limit 10"#, 500),
        (r#"select * from "Odd Schema"."Order" where lower(note) = $1"#, 500),
        ("select * from docs where body @> $1", 100),
        ("select * from docs where words @@ $1", 100),
        ("select * from docs where during && $1", 100),
        ("select * from tiny where name = $1", 9000),
        (r#"select * from "Odd Schema"."Order" where status = $1"#, 50),
    ];
    let snapshot = snapshot(&database, &statements).await;
    let report = report(&database, &snapshot, Options::default()).await;
    assert!(creates(&report).is_empty(), "{:#?}", shapes(&report));
    let rules: Vec<&str> = report.rejected.iter().map(|r| r.rule.as_str()).collect();
    for rule in ["already-indexed", "small-table", "low-cardinality"] {
        assert!(rules.contains(&rule), "{rule} is not among {rules:?}");
    }
    // Every statement is accounted for.
    for statement in &snapshot.statements.items {
        let traced = report.rejected.iter().any(|r| r.queryids.contains(&statement.queryid));
        assert!(traced, "{} is in no rejection:\n{:#?}", statement.query, report.rejected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_and_runs_repeat() {
    let Some(database) = database("advise_limits").await else { return };
    let statements = [
        (r#"select * from "Odd Schema"."Order" where "User Id" = $1"#, 500),
        (r#"select * from "Odd Schema"."Order" where note = $1"#, 400),
        (r#"select * from "Odd Schema"."Order" where total = $1 and views = $2"#, 300),
        (r#"insert into "Odd Schema"."Order" values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"#, 100),
    ];
    let snapshot = snapshot(&database, &statements).await;
    let all = report(&database, &snapshot, Options::default()).await;
    let again = report(&database, &snapshot, Options::default()).await;
    assert_eq!(serde_json::to_string(&all).unwrap(), serde_json::to_string(&again).unwrap());
    assert_eq!(creates(&all).len(), 3, "{:#?}", shapes(&all));
    let two = report(&database, &snapshot, Options { max_indexes: Some(2), ..Options::default() }).await;
    assert_eq!(creates(&two).len(), 2);
    assert!(two.rejected.iter().any(|r| r.rule == "over-budget"));
    let budget = 5_000_000;
    let options = Options { budget: Some(Budget::Bytes(budget)), ..Options::default() };
    let tight = report(&database, &snapshot, options).await;
    let spent: u64 = creates(&tight).iter().filter_map(|r| r.index.as_ref()?.estimated_bytes).sum();
    assert!(spent <= budget && !creates(&tight).is_empty(), "{spent} {:#?}", shapes(&tight));
    // The estimate is honest: what is built is about as large.
    apply(&database, &tight).await;
    for recommendation in creates(&tight) {
        let index = recommendation.index.as_ref().unwrap();
        let client = database.client().await;
        let sql = "select pg_relation_size(c.oid) from pg_class c where relname = $1";
        let built: i64 = client.query_one(sql, &[&index.name]).await.unwrap().get(0);
        let ratio = index.estimated_bytes.unwrap() as f64 / built as f64;
        assert!((0.6..1.6).contains(&ratio), "{index:?} is built with {built} bytes");
    }
}
