//! The twin's plans against those of the database that its snapshot was taken from.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests, which print their figures")]

use std::collections::BTreeSet;

use pgwise::collect::{CollectOptions, collect};
use pgwise::demo::{Sample, SampleName};
use pgwise::progress::Silent;
use pgwise::snapshot::{IndexMethod, IndexSpec, KeySpec, Snapshot, ValuesPolicy};
use pgwise::throwaway::ServerError;
use pgwise::whatif::twin::{Twin, TwinError, TwinOptions, TwinSource};
use pgwise::whatif::{Configuration, CostRequest, CostSource, ddl};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio_postgres::Client;

use crate::harness::{self, Database};
use crate::statement::statement;

pub(crate) async fn take(database: &Database, statements: &[String], values: ValuesPolicy) -> Snapshot {
    let options = CollectOptions {
        statements: Some(statements.iter().enumerate().map(|(i, text)| statement(i, text)).collect()),
        values,
        explain: false,
        ..CollectOptions::default()
    };
    let snapshot = collect(&database.pool().await, &options, &Silent).await.unwrap();
    let kept: Vec<&String> = snapshot.statements.items.iter().map(|s| &s.query).collect();
    assert_eq!(kept, statements.iter().collect::<Vec<_>>());
    // As a file has it.
    serde_json::from_str(&serde_json::to_string(&snapshot).unwrap()).unwrap()
}

/// `None` on a machine without server binaries of the test server's version.
async fn build(snapshot: &Snapshot) -> Option<Twin> {
    build_with(snapshot, TwinOptions::default()).await
}

/// [`build`] with options beside where the programs are.
pub(crate) async fn build_with(snapshot: &Snapshot, options: TwinOptions) -> Option<Twin> {
    let search_path = harness::environment("PATH").map(Into::into);
    let options = TwinOptions { search_path, pg_bin: harness::programs(), ..options };
    match Twin::build(snapshot, &options).await {
        Ok(twin) => Some(twin),
        Err(TwinError::Server(ServerError::NoSuchMajor { .. })) => None,
        Err(error) => panic!("{error}"),
    }
}

/// The generic plan of a text.
pub(crate) async fn explain(client: &Client, text: &str) -> Result<Value, String> {
    let read = |error: tokio_postgres::Error| error.as_db_error().map_or(error.to_string(), |e| e.message().to_owned());
    client.batch_execute(&format!("prepare q as {text}")).await.map_err(read)?;
    let arity: i32 = client
        .query_one("select cardinality(parameter_types) from pg_prepared_statements where name = 'q'", &[])
        .await
        .map_err(read)?
        .get(0);
    let nulls = vec!["null"; usize::try_from(arity).unwrap()].join(", ");
    let arguments = if arity == 0 { String::new() } else { format!("({nulls})") };
    let answer = client.query_one(&format!("explain (format json) execute q{arguments}"), &[]).await;
    client.batch_execute("deallocate q").await.map_err(read)?;
    Ok(answer.map_err(read)?.get(0))
}

pub(crate) fn cost(plan: &Value) -> f64 {
    plan.pointer("/0/Plan/Total Cost").and_then(Value::as_f64).unwrap()
}

/// Node types, relations and indexes, in order.
fn shape(plan: &Value) -> String {
    fn walk(node: &Value, out: &mut String) {
        for key in ["Node Type", "Join Type", "Relation Name", "Index Name", "Alias"] {
            out.push_str(node[key].as_str().unwrap_or("-"));
            out.push(' ');
        }
        out.push('(');
        for child in node["Plans"].as_array().into_iter().flatten() {
            walk(child, out);
        }
        out.push(')');
    }
    let mut out = String::new();
    walk(&plan[0]["Plan"], &mut out);
    out
}

struct Parity {
    statements: usize,
    same_shape: usize,
    same_cost: usize,
    worst: f64,
}

/// Explains every statement on both and prints what differs.
async fn compare(source: &Client, twin: &Client, statements: &[String]) -> Parity {
    for client in [source, twin] {
        client.batch_execute("set plan_cache_mode = force_generic_plan").await.unwrap();
    }
    let mut parity = Parity { statements: 0, same_shape: 0, same_cost: 0, worst: 0.0 };
    for text in statements {
        let (there, here) = (explain(source, text).await, explain(twin, text).await);
        let (there, here) = match (there, here) {
            (Ok(there), Ok(here)) => (there, here),
            (Err(_), Err(_)) => continue,
            (there, here) => panic!("{text}\nsource: {there:?}\ntwin: {here:?}"),
        };
        parity.statements += 1;
        let apart = (cost(&here) / cost(&there) - 1.0).abs();
        parity.worst = parity.worst.max(apart);
        parity.same_shape += usize::from(shape(&there) == shape(&here));
        parity.same_cost += usize::from(apart <= 0.001);
        if apart > 0.001 || shape(&there) != shape(&here) {
            eprintln!("{text}\n  source {} {}\n  twin   {} {}", cost(&there), shape(&there), cost(&here), shape(&here));
        }
    }
    let Parity { statements, same_shape, same_cost, worst } = &parity;
    eprintln!(
        "{statements} statements: {same_shape} the same shape, {same_cost} within 0.1 %, worst {:.4} %",
        worst * 100.0
    );
    parity
}

pub(crate) async fn shop(topic: &str) -> (Database, Vec<String>) {
    let database = harness::database(topic).await;
    let sample = Sample::load(SampleName::Shop).unwrap();
    let client = database.client().await;
    client.batch_execute("set shop.scale = '0.05'").await.unwrap();
    for step in &sample.steps {
        client.batch_execute(&step.sql).await.unwrap();
    }
    client.batch_execute("vacuum analyze").await.unwrap();
    (database, sample.queries.into_iter().map(|q| q.sql).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_is_planned_as_at_the_source() {
    let (database, statements) = shop("twin_shop").await;
    let snapshot = take(&database, &statements, ValuesPolicy::All).await;
    let Some(twin) = build(&snapshot).await else { return };
    assert_eq!(twin.left_out(), []);
    let parity = compare(&database.client().await, &harness::connect(&twin.url()).await, &statements).await;
    assert!(parity.statements >= 30);
    assert_eq!(parity.same_shape, parity.statements);
    assert_eq!(parity.same_cost, parity.statements, "worst {}", parity.worst);
}

#[tokio::test(flavor = "multi_thread")]
async fn withheld_values_leave_plans_of_parameterised_statements_alone() {
    let (database, statements) = shop("twin_safe").await;
    let parameterised: Vec<String> = statements.into_iter().filter(|s| s.contains('$')).collect();
    for values in [ValuesPolicy::Safe, ValuesPolicy::None] {
        let snapshot = take(&database, &parameterised, values).await;
        let Some(twin) = build(&snapshot).await else { return };
        let parity = compare(&database.client().await, &harness::connect(&twin.url()).await, &parameterised).await;
        eprintln!("{values:?}: {} of {} within 0.1 %", parity.same_cost, parity.statements);
        if values == ValuesPolicy::Safe {
            assert_eq!(parity.same_shape, parity.statements);
            assert_eq!(parity.same_cost, parity.statements, "worst {}", parity.worst);
        }
    }
}

/// Every kind of object that a schema rests on.
const RICH: &str = "
    create schema \"Odd Schema\";
    create collation \"Odd Schema\".posix (provider = libc, lc_collate = 'C', lc_ctype = 'C');
    create type \"Odd Schema\".mood as enum ('sad', 'it''s ok', 'happy');
    create domain price as numeric(10, 2) default 0 not null check (value >= 0);
    create type address as (street text, zip varchar(10));
    create type span as range (subtype = float8);
    create function norm(t text) returns text language sql immutable strict as $$ select lower(trim(t)) $$;
    create function recent() returns timestamptz language plpgsql stable as $$ begin return now() - interval '1 day'; end $$;
    create sequence tickets;
    create table people (
        id bigint generated always as identity primary key,
        ticket bigint default nextval('tickets'),
        dropped text,
        email text collate \"Odd Schema\".posix not null unique,
        mood \"Odd Schema\".mood,
        cost price,
        home address,
        during tsrange,
        tags text[],
        doc jsonb,
        body tsvector,
        small int generated always as (length(email)) stored,
        constraint sane check (length(email) < 100)
    ) with (fillfactor = 80);
    alter table people drop column dropped;
    insert into people (email, mood, cost, during, tags, doc, body)
        select 'User' || i || '@example.com', (array['sad', 'it''s ok', 'happy']::\"Odd Schema\".mood[])[1 + i % 3],
            i % 1000, tsrange(timestamp '2024-01-01' + i * interval '1 hour', timestamp '2024-01-01' + i * interval '2 hours'),
            array['t' || i % 50, 't' || i % 7], jsonb_build_object('k', i % 100, 'name', 'n' || i % 500),
            to_tsvector('simple', 'word' || i % 300 || ' other' || i % 20)
        from generate_series(1, 40000) i;
    create index people_norm on people (norm(email));
    create index people_happy on people (id) where mood = 'happy';
    create index people_tags on people using gin (tags);
    create index people_during on people using gist (during);
    create index people_cover on people (cost desc) include (email);
    create index people_brin on people using brin (id);
    create index people_hash on people using hash (email);
    create table events (id bigint, at timestamptz not null, person bigint references people, kind text,
        primary key (id, at)) partition by range (at);
    create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
    create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01') partition by hash (id);
    create table events_2025_a partition of events_2025 for values with (modulus 2, remainder 0);
    create table events_2025_b partition of events_2025 for values with (modulus 2, remainder 1);
    create table events_rest partition of events default;
    create index events_person on events (person);
    insert into events select i, timestamptz '2024-01-01' + i * interval '20 min', 1 + i % 40000, 'k' || i % 9
        from generate_series(1, 50000) i;
    create table base (id int, note text);
    create table derived (extra int) inherits (base);
    create index base_id on base (id);
    create index derived_id on derived (id);
    insert into base select i, 'n' || i from generate_series(1, 5000) i;
    insert into derived select i, 'n' || i, i from generate_series(1, 20000) i;
    create view happy as select id, email, cost from people where mood = 'happy';
    create view happy_events as select h.email, e.at from happy h join events e on e.person = h.id;
    create materialized view totals as select kind, count(*) as n from events group by kind;
    create unique index totals_kind on totals (kind);
    create unlogged table scratch (id int primary key, v text);
    insert into scratch select i, repeat('x', i % 50) from generate_series(1, 3000) i;
    create statistics people_stat on mood, cost from people;
    create statistics events_stat (ndistinct, dependencies, mcv) on person, kind, id from events_2024;
    create statistics base_stat on id, note from base;
    create statistics events_root (ndistinct, dependencies, mcv) on person, kind from events;
    create statistics \"Odd Schema\".people_expr on upper(email), small, (doc ->> 'k') from people;
    create table codes (code text primary key, kind text);
    insert into codes select 'c' || i, 'k' || i % 4 from generate_series(1, 400) i;
    create table uses (code text, kind text, code_c varchar(20) collate \"C\", uid uuid);
    insert into uses select 'c' || 1 + i * i % 200, 'k' || i % 9, 'c' || i % 60, md5((i % 70)::text)::uuid
        from generate_series(1, 20000) i;
    create index uses_code on uses (code);
    create view guarded with (security_barrier) as select id, cost from people where small > 19;
    vacuum analyze";

const RICH_STATEMENTS: &[&str] = &[
    "select * from people where norm(email) = $1",
    "select * from people where email = $1",
    "select email from people where cost > $1 order by cost desc limit 10",
    "select email from people where cost > 990",
    "select id from people where mood = 'happy' and id between 100 and 200",
    "select count(*) from people where mood = 'it''s ok'",
    "select * from people where tags @> array['t3']",
    "select * from people where tags && $1",
    "select * from people where during && tsrange('2024-02-01', '2024-02-02')",
    "select * from people where body @@ to_tsquery('simple', 'word5')",
    "select * from people where doc @> '{\"k\": 5}'",
    "select * from events where person = $1",
    "select * from events where id = 77 and at = '2024-05-05'",
    "select * from events where at > '2025-06-01' and person = 5",
    "select p.email, count(*) from people p join events e on e.person = p.id where p.cost = $1 group by p.id, p.email",
    "select * from base where id = $1",
    "select * from only base where id < 50",
    "select * from happy where cost = $1",
    "select * from happy_events where at between '2024-03-01' and '2024-03-02'",
    "select * from totals where kind = $1",
    "select * from scratch where id = $1",
    "select kind, count(*) from events group by kind order by 2 desc",
    "insert into people (email) values ($1) on conflict (email) do nothing",
    "update people set cost = $1 where id = $2",
    "delete from events where id = $1",
    "select max(id) from people",
    "select * from people where id > 39000 order by id",
    "select * from people p where exists (select from events e where e.person = p.id and e.kind = 'k3')",
    "select * from people where small = 20 and email like 'User1%'",
    "select * from people where ticket = nextval('tickets')",
    "select recent() < now()",
    "select * from people where mood = 'happy' and cost = 5",
    "select mood, cost, count(*) from people group by mood, cost",
    "select upper(email), small, count(*) from people group by 1, 2",
    "select * from people where upper(email) = 'USER5@EXAMPLE.COM' and small = 18",
    "select * from people where doc ->> 'k' = '7'",
    "select * from events_2024 where person = 100 and kind = 'k0'",
    "select * from events_2024 where person = $1 and kind = $2 and id = $3",
    "select person, kind, count(*) from events_2024 group by 1, 2",
    "select * from people where during @> $1::timestamp",
    "select * from people where during << tsrange('2024-03-01', '2024-03-02')",
    "select * from people where during <@ tsrange('2024-03-01', '2024-06-02')",
    "select * from uses u join codes c on c.code = u.code where c.kind = $1",
    "select * from uses u join codes c on c.kind = u.kind",
    "select * from uses u join uses v on u.code_c = v.code_c where u.uid = v.uid",
    "select count(*) from uses where kind = 'k3'",
    "select person, kind, count(*) from events group by person, kind",
    "select * from events where person = 100 and kind = 'k0'",
    "select * from base where id = 77 and note = 'n77'",
    "select id, note, count(*) from base group by 1, 2",
    "select * from only base where id = 77 and note = 'n77'",
    "select u.code, count(*) from uses u join codes c using (code) group by u.code order by u.code",
    "select * from guarded where cost = 5",
    "select * from people where doc @> $1",
    "select * from people where body @@ $1",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_object_is_recreated() {
    let database = harness::database("twin_rich").await;
    // Extensions, where the server has them.
    database.extension("pg_trgm").await;
    database.extension("pageinspect").await;
    // VACUUM cannot run among other statements.
    let (schema, vacuum) = RICH.rsplit_once(';').unwrap();
    database.execute(schema).await;
    database.execute(vacuum).await;
    let statements: Vec<String> = RICH_STATEMENTS.iter().map(|&s| s.to_owned()).collect();
    let snapshot = take(&database, &statements, ValuesPolicy::All).await;
    let Some(twin) = build(&snapshot).await else { return };
    let left_out: Vec<&str> = twin.left_out().iter().map(|l| l.object.as_str()).collect();
    assert!(left_out.is_empty(), "{left_out:?}");
    let parity = compare(&database.client().await, &harness::connect(&twin.url()).await, &statements).await;
    eprintln!("{} of {} within 0.1 %", parity.same_cost, parity.statements);
    assert!(parity.statements >= 45);
    assert_eq!(parity.same_shape, parity.statements);
    // ANALYZE samples at random, and the source's planner reads where an index really ends, which the twin cannot.
    assert!(parity.same_cost + 2 >= parity.statements, "{} of {}", parity.same_cost, parity.statements);
    assert!(parity.worst < 0.01, "worst {}", parity.worst);

    let known: Vec<String> = statements.into_iter().filter(|s| s.contains('$') || s.contains("'k3'")).collect();
    let snapshot = take(&database, &known, ValuesPolicy::Safe).await;
    let Some(twin) = build(&snapshot).await else { return };
    let parity = compare(&database.client().await, &harness::connect(&twin.url()).await, &known).await;
    eprintln!("safe: {} of {} within 0.1 %", parity.same_cost, parity.statements);
    assert_eq!((parity.same_shape, parity.same_cost), (parity.statements, parity.statements), "worst {}", parity.worst);
}

fn spec(snapshot: &Snapshot, table: &str, method: IndexMethod, keys: &[&str]) -> IndexSpec {
    let table = snapshot.catalog.table_named("public", table).unwrap();
    let key = |name: &&str| match table.column_named(name) {
        Some(column) => KeySpec::column(column.attnum),
        None => KeySpec::expression(*name),
    };
    IndexSpec {
        table: table.oid,
        method,
        keys: keys.iter().map(key).collect(),
        include: vec![],
        predicate: None,
        unique: false,
        pages_per_range: None,
    }
}

pub(crate) fn request(statement: usize, with: &[usize], without: &[u32]) -> CostRequest {
    let configuration =
        Configuration { with: with.iter().copied().collect(), without: without.iter().copied().collect() };
    CostRequest { statement, configuration }
}

const CANDIDATE_STATEMENTS: &[&str] = &[
    "select * from events where kind = $1",
    "select at from events where person = 5 and at > '2024-06-01'",
    "select * from people where ticket = $1",
    "select email from people where ticket between 100 and 500",
    "select * from people where id < 1000 and mood = 'sad' order by ticket",
    "select * from people where upper(email) = $1",
    "select * from people where doc @> '{\"k\": 5}'",
    "select * from people where body @@ to_tsquery('simple', 'word5')",
    "select * from people where email like '%ser12345%'",
    "select * from people where during && tsrange('2024-02-01', '2024-02-02')",
    "select * from people where ticket = 77",
    "select nonsense",
    "select * from scratch where v = $1",
];

fn candidates(snapshot: &Snapshot) -> Vec<(usize, IndexSpec)> {
    let mut covering = spec(snapshot, "people", IndexMethod::Btree, &["ticket"]);
    covering.include =
        vec![snapshot.catalog.table_named("public", "people").unwrap().column_named("email").unwrap().attnum];
    let mut partial = spec(snapshot, "people", IndexMethod::Btree, &["ticket"]);
    partial.predicate = Some("mood = 'sad'".to_owned());
    let mut trigrams = spec(snapshot, "people", IndexMethod::Gin, &["email"]);
    trigrams.keys[0].opclass = Some("gin_trgm_ops".to_owned());
    [
        spec(snapshot, "events", IndexMethod::Btree, &["kind"]),
        spec(snapshot, "events", IndexMethod::Btree, &["person", "at"]),
        spec(snapshot, "people", IndexMethod::Btree, &["ticket"]),
        covering,
        partial,
        spec(snapshot, "people", IndexMethod::Btree, &["upper(email)"]),
        spec(snapshot, "people", IndexMethod::Gin, &["doc"]),
        spec(snapshot, "people", IndexMethod::Gin, &["body"]),
        trigrams,
        spec(snapshot, "people", IndexMethod::Brin, &["ticket"]),
        spec(snapshot, "people", IndexMethod::Hash, &["ticket"]),
        spec(snapshot, "people", IndexMethod::Gist, &["during"]),
        spec(snapshot, "people", IndexMethod::Gin, &["ticket"]),
    ]
    .into_iter()
    .enumerate()
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_cost_what_built_indexes_do() {
    let database = harness::database("twin_candidates").await;
    let has_trigrams = database.extension("pg_trgm").await;
    let (schema, vacuum) = RICH.rsplit_once(';').unwrap();
    database.execute(schema).await;
    database.execute(vacuum).await;
    let statements: Vec<String> = CANDIDATE_STATEMENTS.iter().map(|&s| s.to_owned()).collect();
    let snapshot = take(&database, &statements, ValuesPolicy::All).await;
    let Some(twin) = build(&snapshot).await else { return };
    let mut specs = candidates(&snapshot);
    specs.retain(|(_, spec)| has_trigrams || spec.keys[0].opclass.is_none());
    let during = snapshot.catalog.indexes().find(|(_, i)| i.name == "people_during").unwrap().1.oid;
    let mut source = TwinSource::new(twin, &snapshot, Handle::current());
    let asked: Vec<CostRequest> = specs
        .iter()
        .flat_map(|(id, _)| (0..CANDIDATE_STATEMENTS.len()).map(move |s| request(s, &[*id], &[])))
        .collect();
    let registering = specs.clone();
    let (registered, answers, hidden) = tokio::task::spawn_blocking(move || {
        let registered = source.register(&registering);
        let answers = source.cost(&asked);
        let began = std::time::Instant::now();
        let again = source.cost(&asked);
        eprintln!("{:.0} costings per second", again.len() as f64 / began.elapsed().as_secs_f64());
        assert_eq!(again, answers, "nothing of a configuration stays");
        let hidden = source.cost(&[request(9, &[], &[]), request(9, &[], &[during]), request(9, &[11], &[during])]);
        (registered, answers, hidden)
    })
    .await
    .unwrap();
    assert!(registered.last().unwrap().is_err(), "there is no GIN on bigint");

    let mut within = (0, 0);
    let client = database.client().await;
    for (position, ((id, spec), registered)) in specs.iter().zip(&registered).enumerate() {
        if registered.is_err() {
            continue;
        }
        let table = snapshot.catalog.table(spec.table).unwrap();
        let name = format!("built_{id}");
        let sql = ddl::create_index(spec, table, Some(&name), ddl::Build::Plain);
        client.batch_execute(&format!("begin; {sql}; set local plan_cache_mode = force_generic_plan")).await.unwrap();
        let size = "select coalesce(sum(pg_relation_size(relid))::int8, pg_relation_size($1::text::regclass)) \
            from pg_partition_tree($1::text::regclass)";
        let built_bytes: i64 = client.query_one(size, &[&name]).await.unwrap().get(0);
        let estimated = registered.as_ref().unwrap().estimated_bytes.unwrap();
        eprintln!("{sql}: estimated {estimated}, built {built_bytes}");
        for (n, text) in CANDIDATE_STATEMENTS.iter().enumerate() {
            let answer = &answers[position * CANDIDATE_STATEMENTS.len() + n];
            if n == 11 {
                assert!(answer.is_err());
                continue;
            }
            let answer = answer.as_ref().unwrap();
            let plan = explain(&client, text).await.unwrap();
            let uses_built = plan.to_string().contains(&name)
                || (spec.table != specs[2].1.table && plan.to_string().contains("_kind_idx"));
            let apart = (answer.total_cost / cost(&plan) - 1.0).abs();
            if !answer.used.is_empty() || uses_built {
                within.1 += 1;
                within.0 += usize::from(apart <= 0.05);
                eprintln!(
                    "  {text}: twin {} {:?}, built {} {}",
                    answer.total_cost,
                    answer.scans.values().collect::<Vec<_>>(),
                    cost(&plan),
                    shape(&plan)
                );
            } else {
                assert!(apart <= 0.05, "{text} does not use {sql}: {answer:?} {}", shape(&plan));
            }
        }
        client.batch_execute("rollback").await.unwrap();
    }
    eprintln!("{} of {} plans with a candidate within 5 %", within.0, within.1);
    let hidden: Vec<_> = hidden.into_iter().map(Result::unwrap).collect();
    assert_eq!(hidden[0].used_existing, BTreeSet::from(["people_during".to_owned()]));
    assert!(hidden[1].used_existing.is_empty() && hidden[1].total_cost > hidden[0].total_cost);
    assert_eq!(hidden[2].used, BTreeSet::from([11]));
    assert!(within.1 >= 10 && within.0 * 10 >= within.1 * 9, "{within:?}");
}
