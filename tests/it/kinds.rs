//! Every kind of index and of column, judged by the planner model: what is advised is built as printed, used by the
//! server, reads fewer blocks, and can be undone; what is not advised is declined with a reason.

use std::sync::Arc;

use pgwise::advise::{Options, advise};
use pgwise::collect::{CollectOptions, collect, statements_from_sql};
use pgwise::progress::Silent;
use pgwise::report::{Recommendation, RecommendationKind, Report};
use pgwise::snapshot::Snapshot;
use pgwise::whatif::CostSource;
use pgwise::whatif::model::ModelSource;
use pgwise::workload;

use crate::harness::{self, Database};

const SCHEMA: &str = r#"
    create extension if not exists pg_trgm;
    create extension if not exists citext;
    create extension if not exists ltree;
    create type mood as enum ('sad', 'ok', 'happy');
    create domain email as text check (value like '%@%');
    create type pair as (a int, b int);
    create schema "Größe";
    create table pages (id bigint primary key, url text not null, body text not null, seen timestamptz not null,
        client inet not null, tags text[] not null, doc jsonb not null, words tsvector not null, place point not null,
        during tstzrange not null, key uuid not null, state text not null, gone timestamptz, flag boolean not null,
        feeling mood not null, mail email not null, nick citext not null, path ltree not null, two pair,
        price numeric(10,2) not null, "Straße" text not null, code varchar(20) not null, raw json);
    insert into pages select i, 'https://example.org/some/rather/long/path/of/a/page/' || md5(i::text),
        'text number ' || md5((i * 7)::text), timestamptz '2025-01-01' + i * interval '1 minute',
        ('10.' || i % 200 || '.' || i % 251 || '.' || i % 253)::inet, array['t' || i % 900, 'u' || i % 1100],
        jsonb_build_object('k', i % 5000, 'n', i), to_tsvector('simple', 'w' || i % 3000 || ' x' || i % 2000),
        point(i % 317, i % 331), tstzrange(timestamptz '2025-01-01' + i * interval '1 hour',
            timestamptz '2025-01-01' + (i + 1) * interval '1 hour'),
        md5(i::text)::uuid, case when i % 50 = 0 then 'pending' else 'done' end,
        case when i % 80 > 0 then timestamptz '2025-06-01' end, i % 100 = 0,
        (array['sad', 'ok', 'happy'])[1 + (i % 1000 > 5)::int + (i % 1000 > 10)::int]::mood,
        'user' || i % 20000 || '@example.org', 'Nick' || i % 30000, ('a.b' || i % 300 || '.c' || i % 4000)::ltree,
        row(i % 10000, i)::pair, i % 9999, 'Weg ' || i % 25000, 'C' || i % 40000, '{}'
    from generate_series(1, 60000) i;
    create table "Größe"."Maß" ("Nr" int not null, "Wert €" numeric not null, note text);
    insert into "Größe"."Maß" select i % 8000, i, 'n' || i from generate_series(1, 40000) i;
    create table parts (at date not null, sensor int not null, value float8) partition by range (at);
    create table parts_1 partition of parts for values from ('2025-01-01') to ('2025-07-01');
    create table parts_2 partition of parts for values from ('2025-07-01') to ('2026-01-01') partition by range (at);
    create table parts_2a partition of parts_2 for values from ('2025-07-01') to ('2026-01-01');
    insert into parts select date '2025-01-01' + i % 365, i * 31 % 5003, i from generate_series(1, 60000) i;
    create unlogged table fast (id int not null, k int not null, v text);
    insert into fast select i, i % 7000, 'v' || i from generate_series(1, 40000) i;
"#;

/// Statements with arguments (for PREPARE) and what serves them: part of the index's definition.
const CASES: &[(&str, &str, &str)] = &[
    ("select id from pages where url = $1", "('https://example.org/x')", "USING hash (url)"),
    ("select body from pages where seen >= $1 and seen < $2", "('2025-01-03', '2025-01-04')", "seen"),
    ("select body from pages where client << $1", "('10.7.0.0/16')", "client"),
    ("select body from pages where tags @> $1", "('{t7}')", "USING gin (tags)"),
    ("select body from pages where doc @> $1", r#"('{"k": 7}')"#, "USING gin (doc jsonb_path_ops)"),
    ("select body from pages where words @@ $1", "('w7')", "USING gin (words)"),
    ("select body from pages order by place <-> $1 limit 5", "('(3,4)')", "(place)"),
    ("select body from pages where during && $1", "('[2025-03-01, 2025-03-02)')", "(during)"),
    ("select body from pages where key = $1", "('00000000-0000-0000-0000-000000000000')", "(key)"),
    ("select body from pages where state = 'pending' order by seen limit 20", "", "WHERE (state = 'pending'"),
    ("select body from pages where gone is null and price > $1", "(9990)", "gone"),
    ("select body from pages where flag and price < $1", "(5)", "flag"),
    ("select body from pages where mail = $1", "('user7@example.org')", "(mail)"),
    ("select body from pages where lower(\"Straße\") = $1", "('weg 7')", "lower(\"Straße\")"),
    ("select body from pages where code like 'C39%'", "", "(code"),
    // The nearest neighbours by trigrams have a GiST index, which serves as well.
    ("select body from pages where body ilike '%abc12%'", "", "_trgm_ops"),
    ("select note from \"Größe\".\"Maß\" where \"Nr\" = $1 order by \"Wert €\" desc limit 3", "(7)", "\"Nr\""),
    ("select value from parts where sensor = $1", "(77)", "(sensor)"),
    ("select v from fast where k = $1", "(7)", "(k)"),
];

/// What may be advised or declined, but has to be spoken of.
const OTHERS: &[(&str, &str)] = &[
    ("select body from pages where feeling = 'sad'", "feeling"),
    ("select body from pages where nick = $1", "nick"),
    ("select body from pages where path <@ $1", "path"),
    ("select body from pages where two = $1", "two"),
    ("select body from pages where raw = $1", "raw"),
    ("select id from pages order by body <-> $1 limit 5", "body"),
];

async fn database(topic: &str) -> Option<Database> {
    let database = harness::database(topic).await;
    for extension in ["pg_trgm", "citext", "ltree"] {
        if !database.extension(extension).await {
            return None;
        }
    }
    database.execute(SCHEMA).await;
    database.execute("vacuum analyze").await;
    Some(database)
}

async fn snapshot(database: &Database, statements: &[&str]) -> Snapshot {
    let statements = statements.iter().map(|sql| {
        let mut one = statements_from_sql(sql).pop().expect("one statement");
        (one.calls, one.mean_ms, one.total_ms, one.rows) = (1000, 10.0, 10_000.0, 1000);
        one
    });
    let options = CollectOptions { statements: Some(statements.collect()), ..CollectOptions::default() };
    collect(&database.pool().await, &options, &Silent).await.expect("collects")
}

fn report(snapshot: Snapshot) -> Report {
    let workload = workload::bind(&snapshot);
    let snapshot = Arc::new(snapshot);
    let mut model = ModelSource::new(&snapshot, 2).expect("threads");
    advise(&snapshot, &workload, Some(&mut model as &mut dyn CostSource), &Options::default(), &Silent).expect("advice")
}

async fn run(database: &Database, recommendation: &Recommendation) {
    for sql in recommendation.prerequisites.iter().chain(recommendation.statements()) {
        database.execute(sql).await;
    }
}

/// Blocks read by one execution, and the plan.
async fn execution(database: &Database, sql: &str, arguments: &str) -> (i64, String) {
    let client = database.client().await;
    client
        .batch_execute(&format!("set max_parallel_workers_per_gather = 0; set jit = off; prepare q as {sql}"))
        .await
        .expect(sql);
    let explain = format!("explain (analyze, buffers, timing off, format json) execute q{arguments}");
    let row = client.query_one(&explain, &[]).await.expect(&explain);
    let plan: serde_json::Value = row.get(0);
    let blocks = |name: &str| plan[0]["Plan"][name].as_i64().unwrap_or(0);
    (blocks("Shared Hit Blocks") + blocks("Shared Read Blocks"), plan.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_built_as_printed_used_and_undone() {
    let Some(database) = database("kinds_all").await else { return };
    let mut before = Vec::new();
    for (sql, arguments, _) in CASES {
        before.push(execution(&database, sql, arguments).await.0);
    }
    let statements: Vec<&str> = CASES.iter().map(|(sql, ..)| *sql).chain(OTHERS.iter().map(|(sql, _)| *sql)).collect();
    let taken = snapshot(&database, &statements).await;
    let id_of = |sql: &str| {
        let of = taken.statements.items.iter().find(|s| s.query == sql);
        of.map(|s| s.queryid.clone()).expect("a statement of the snapshot")
    };
    let ids: Vec<String> = OTHERS.iter().map(|(sql, _)| id_of(sql)).collect();
    let report = report(taken);
    let shapes: Vec<String> = report.recommendations.iter().flat_map(|r| r.statements().to_vec()).collect();
    for recommendation in &report.recommendations {
        run(&database, recommendation).await;
    }
    database.execute("vacuum analyze").await;
    let client = database.client().await;
    let rows = client.query("select indexname, indexdef from pg_indexes", &[]).await.expect("indexes");
    let built: Vec<(String, String)> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
    for ((sql, arguments, wanted), before) in CASES.iter().zip(before) {
        let fitting: Vec<&String> = built.iter().filter(|(_, d)| d.contains(wanted)).map(|(name, _)| name).collect();
        assert!(!fitting.is_empty(), "{sql}: no index with {wanted} among {shapes:#?}");
        let (after, plan) = execution(&database, sql, arguments).await;
        assert!(after < before, "{sql}: {before} blocks before, {after} after\n{plan}");
        assert!(fitting.iter().any(|name| plan.contains(name.as_str())), "{sql}: {fitting:?} are not used\n{plan}");
    }
    for ((sql, column), id) in OTHERS.iter().zip(&ids) {
        let advised = report.recommendations.iter().any(|r| r.ddl.contains(column));
        let rejected = report.rejected.iter().any(|r| r.columns.iter().any(|c| c.contains(column)));
        let traced = report.rejected.iter().any(|r| r.queryids.contains(id));
        let declined = report.not_evaluated.iter().any(|n| n.what.contains(column) || n.what.contains(id));
        assert!(advised || rejected || traced || declined, "{sql}: nothing is said of {column}");
    }
    for recommendation in report.recommendations.iter().rev().filter(|r| !r.undo_ddl.is_empty()) {
        database.execute(&recommendation.undo_ddl).await;
    }
    let left = client
        .query("select indexname from pg_indexes where schemaname not in ('pg_catalog', 'pg_toast')", &[])
        .await
        .expect("indexes");
    assert_eq!(left.len(), 1, "only the primary key is left: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_order_get_a_summary_where_room_is_scarce() {
    let Some(database) = database("kinds_brin").await else { return };
    database.execute("create table log (at timestamptz not null, line text not null)").await;
    let load = "insert into log select timestamptz '2025-01-01' + i * interval '1 second', repeat('x', 80)
        from generate_series(1, 200000) i";
    database.execute(load).await;
    database.execute("vacuum analyze log").await;
    let sql = "select count(line) from log where at between $1 and $2";
    let arguments = "('2025-01-01 10:00', '2025-01-01 12:00')";
    let before = execution(&database, sql, arguments).await.0;
    let snapshot = snapshot(&database, &[sql]).await;
    let bound = workload::bind(&snapshot);
    let shared = Arc::new(snapshot);
    let mut model = ModelSource::new(&shared, 1).expect("threads");
    let options = Options { budget: Some(pgwise::advise::Budget::Bytes(200_000)), ..Options::default() };
    let report = advise(&shared, &bound, Some(&mut model as &mut dyn CostSource), &options, &Silent).expect("advice");
    let create = report.recommendations.iter().find(|r| r.kind == RecommendationKind::CreateIndex).expect("an index");
    assert!(create.ddl.contains("USING brin (at)") && create.ddl.contains("pages_per_range"), "{}", create.ddl);
    run(&database, create).await;
    let (after, plan) = execution(&database, sql, arguments).await;
    let name = &create.index.as_ref().expect("an index").name;
    assert!(after * 4 < before && plan.contains(name.as_str()), "{before} blocks before, {after} after\n{plan}");
    database.execute(&create.undo_ddl).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_estimates_get_statistics_before_indexes() {
    let Some(database) = database("kinds_stats").await else { return };
    for sql in [
        "create table addresses (id int, city int not null, zip int not null, note text)",
        "insert into addresses select i, i % 1000, (i % 1000) * 10 + 3, 'n' || i from generate_series(1, 100000) i",
        "analyze addresses",
        "create table raw_facts (id int, k int)",
        "alter table raw_facts set (autovacuum_enabled = off)",
        "insert into raw_facts select i, i % 5000 from generate_series(1, 50000) i",
    ] {
        database.execute(sql).await;
    }
    let sql = ["select note from addresses where city = $1 and zip = $2", "select id from raw_facts where k = $1"];
    let mut snapshot = snapshot(&database, &sql).await;
    // Each call returned the hundred rows of its city.
    snapshot.statements.items[0].rows = 100_000;
    let report = report(snapshot);
    let kinds: Vec<RecommendationKind> = report.recommendations.iter().map(|r| r.kind).collect();
    assert_eq!(kinds[..2], [RecommendationKind::AnalyzeTable, RecommendationKind::CreateStatistics], "{report:#?}");
    let rows = || async {
        let client = database.client().await;
        let explain = "explain (format json) select note from addresses where city = 7 and zip = 73";
        let plan: serde_json::Value = client.query_one(explain, &[]).await.expect("an estimate").get(0);
        let top = &plan[0]["Plan"];
        // A bitmap scan or a sequential one gives its rows itself, Gather those of all workers.
        top["Plan Rows"].as_f64().unwrap_or(0.0)
    };
    assert!(rows().await <= 2.0);
    for recommendation in &report.recommendations {
        run(&database, recommendation).await;
    }
    assert!((50.0..=200.0).contains(&rows().await), "{}", rows().await);
    for recommendation in report.recommendations.iter().rev().filter(|r| !r.undo_ddl.is_empty()) {
        database.execute(&recommendation.undo_ddl).await;
    }
}
