//! No statement and no snapshot makes the model panic, or think without end.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test, which counts what was refused")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use pgwise::collect::{CollectOptions, collect, from_files, statements_from_sql};
use pgwise::progress::Silent;
use pgwise::snapshot::{ColumnStats, Snapshot, Statement, ValuesPolicy, file};
use pgwise::whatif::model::ModelSource;
use pgwise::whatif::{Configuration, CostError, CostRequest};

use super::command::SNAPSHOT;
use crate::harness;

/// After so long a statement is taken never to end; none should take a hundredth of it.
const FOR_EVER: Duration = Duration::from_mins(5);

/// How statements fared.
#[derive(Debug, Default)]
struct Outcome {
    planned: usize,
    /// Refusals by their reason.
    refused: BTreeMap<String, usize>,
    /// Notes of plans.
    notes: BTreeMap<String, usize>,
    /// Statements that ended the model, did not end, or cost nothing that can be compared.
    failed: Vec<String>,
}

fn shop() -> Snapshot {
    file::read(std::fs::File::open(SNAPSHOT).unwrap()).unwrap()
}

/// Plans statements one after the other, each in a source that survived those before it.
fn plan_all(snapshot: Snapshot, statements: Vec<Statement>) -> Outcome {
    let texts: Vec<String> = statements.iter().map(|s| s.query.clone()).collect();
    let snapshot = Arc::new(Snapshot { statements: from_files(statements), ..snapshot });
    let (reply, answers) = mpsc::channel();
    thread::spawn(move || {
        let mut source = ModelSource::new(&snapshot, 1).unwrap();
        for statement in 0..snapshot.statements.items.len() {
            let answer = source.explain(&CostRequest { statement, configuration: Configuration::default() });
            if matches!(answer, Err(CostError::Lost(_))) {
                source = ModelSource::new(&snapshot, 1).unwrap();
            }
            if reply.send(answer).is_err() {
                return;
            }
        }
    });
    let mut outcome = Outcome::default();
    for text in texts {
        let shown: String = text.chars().take(1500).collect();
        match answers.recv_timeout(FOR_EVER) {
            Ok(Ok(plan)) => {
                outcome.planned += 1;
                if !plan.root.total_cost.is_finite() || !plan.root.rows.is_finite() || plan.root.rows < 0.0 {
                    outcome.failed.push(format!("cost {} rows {}: {shown}", plan.root.total_cost, plan.root.rows));
                }
                for note in plan.notes {
                    *outcome.notes.entry(note).or_default() += 1;
                }
            }
            Ok(Err(CostError::Lost(_))) => outcome.failed.push(format!("panicked: {shown}")),
            Ok(Err(why)) => *outcome.refused.entry(why.to_string()).or_default() += 1,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                outcome.failed.push(format!("does not end: {shown}"));
                break;
            }
        }
    }
    outcome
}

fn statements(texts: &[String]) -> Vec<Statement> {
    texts.iter().flat_map(|text| statements_from_sql(text)).collect()
}

fn check(outcome: &Outcome) {
    let mut by_count: Vec<_> = outcome.refused.iter().chain(&outcome.notes).collect();
    by_count.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let refused: usize = outcome.refused.values().sum();
    println!("{} planned, {refused} refused", outcome.planned);
    for (reason, count) in by_count.iter().take(60) {
        println!("{count:6} {}", reason.chars().take(160).collect::<String>());
    }
    assert!(outcome.failed.is_empty(), "{} failed:\n{}", outcome.failed.len(), outcome.failed.join("\n"));
}

fn repeated(count: usize, separator: &str, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().join(separator)
}

/// A chain of joins on one key.
fn joins(n: usize, kind: &str) -> String {
    let mut sql = "select count(*) from orders o0".to_owned();
    for i in 1..n {
        let _ = write!(sql, " {kind} orders o{i} on o{i}.id = o{}.id", i - 1);
    }
    sql
}

/// Tables that all have the key of the first.
fn star(n: usize) -> String {
    let tables = repeated(n, ",", |i| format!("orders o{i}"));
    let quals = repeated(n - 1, " and ", |i| format!("o0.id = o{}.id", i + 1));
    format!("select 1 from {tables} where {quals}")
}

/// Statements that are large, deep or strange.
fn monsters() -> Vec<String> {
    let numbers = repeated(10_000, ",", |i| i.to_string());
    vec![
        format!("select * from orders where id in ({numbers})"),
        format!("select * from orders where id not in ({numbers})"),
        format!("select * from orders where id = any (array[{numbers}])"),
        format!("select * from orders where {}", repeated(2_000, " or ", |i| format!("id = {i}"))),
        format!("select * from orders where {}", repeated(2_000, " and ", |i| format!("id <> {i}"))),
        format!("select * from orders where {}", repeated(300, " or ", |i| format!("(id = {i} and user_id = {i})"))),
        format!("select * from orders where (id, user_id) in ({})", repeated(1_000, ",", |i| format!("({i},{i})"))),
        format!("select * from orders where status in ({})", repeated(5_000, ",", |i| format!("'s{i}'"))),
        format!("select '{}'", "x".repeat(1 << 20)),
        format!("select {}", repeated(20_000, ",", |i| format!("id + {i}"))) + " from orders",
        format!(
            "insert into categories (slug, name, position) values {}",
            repeated(10_000, ",", |i| format!("('{i}','n',1)"))
        ),
        format!("select * from (values {}) v (a, b) where a > 5", repeated(5_000, ",", |i| format!("({i},{i})"))),
        joins(12, "join"),
        joins(40, "join"),
        joins(500, "join"),
        star(12),
    ]
}

/// Statements that are deep or strange.
fn oddities() -> Vec<String> {
    vec![
        repeated(400, " union all ", |i| format!("select {i}")),
        repeated(200, " union ", |i| format!("select id from orders where id = {i}")),
        repeated(60, " intersect ", |_| "select id from orders".to_owned()),
        format!("select {}1{}", "(".repeat(1_000), ")".repeat(1_000)),
        format!("select {} from orders", repeated(1_000, " + ", |_| "id".to_owned())),
        format!("select {} from orders", repeated(800, " || ", |_| "status".to_owned())),
        format!("select * from orders where {}true", "not ".repeat(1_000)),
        format!("select {}1{}", "case when true then ".repeat(300), " end".repeat(300)),
        format!("select {}1{}", "coalesce(null, ".repeat(500), ")".repeat(500)),
        format!("select * from {}orders{}", "(select * from ".repeat(70), ") s".repeat(70)),
        format!("select {}1{}", "(select ".repeat(59), ")".repeat(59)),
        format!(
            "select * from orders where {}true{}",
            "exists (select 1 from orders where ".repeat(30),
            ")".repeat(30)
        ),
        format!("with {} select * from c199", {
            let first = "c0 as (select 1 as a)".to_owned();
            let rest = repeated(199, ", ", |i| format!("c{} as (select a + 1 as a from c{i})", i + 1));
            format!("{first}, {rest}")
        }),
        format!("with {} select * from c18", {
            let first = "c0 as (select 1 as a)".to_owned();
            let rest = repeated(18, ", ", |i| format!("c{} as (select x.a from c{i} x, c{i} y)", i + 1));
            format!("{first}, {rest}")
        }),
        format!("select id from orders group by {}", repeated(500, ",", |i| format!("id + {i}"))),
        format!("select id from orders group by cube({})", repeated(10, ",", |i| format!("id + {i}"))),
        format!("select id from orders group by cube({})", repeated(40, ",", |i| format!("id + {i}"))),
        format!("select id from orders order by {}", repeated(1_000, ",", |i| format!("id + {i}"))),
        format!("select {} from orders", repeated(200, ",", |i| format!("sum(id) over (order by id + {i})"))),
        "with recursive t as (select 1 as n union all select n + 1 from t) select * from t, t t2, t t3".to_owned(),
        "select * from orders where id = 99999999999999999999999999999999999999999".to_owned(),
        "select * from orders where id = 1e400 or total = 'NaN' or total > 'Infinity'".to_owned(),
        "select * from orders where placed_at > 'infinity' and placed_at < '-infinity'".to_owned(),
        "select * from orders where placed_at = '294277-01-01' or placed_at = '4714-01-01 BC'".to_owned(),
        "select * from orders limit 9223372036854775807 offset 9223372036854775807".to_owned(),
        "select * from orders limit -1 offset -5".to_owned(),
        "select * from orders limit null offset null".to_owned(),
        "select -9223372036854775808 / -1, 1 / 0, 1 % 0, 2147483647 + 1, 0.0 / 0.0".to_owned(),
        "select repeat('x', 2147483647), lpad('', -1), substr('abc', -5, 2), left('é', -1), chr(0)".to_owned(),
        "select date '2025-01-01' + 2147483647, timestamp 'epoch' + interval '178000000 years'".to_owned(),
        "select * from orders where status like repeat('%_', 1000)".to_owned(),
        format!("select * from orders where status like '{}'", "%a".repeat(5_000)),
        format!("select * from orders where status ~ '{}'", "(a*)*".repeat(500)),
        format!("select * from orders where status ~ '{}a{}'", "(".repeat(900), ")".repeat(900)),
        "select * from orders where status ~ '[' or status ~ '\\\\' or status similar to '(' escape ''".to_owned(),
        "select $1, $2, $9999999 from orders where id = $100000".to_owned(),
        "select $0 from orders".to_owned(),
        "select * from orders tablesample bernoulli (200) repeatable (-1)".to_owned(),
        "select ctid, xmin, tableoid from orders where ctid = '(0,1)' or ctid > '(4294967295,65535)'".to_owned(),
        "select * from orders for update of nothing".to_owned(),
        "update orders set id = id, total = default where false".to_owned(),
        "delete from orders using orders o2, orders o3 where true".to_owned(),
        "merge into orders using users on false when not matched then do nothing".to_owned(),
        "select * from orders o natural full join orders p natural left join users".to_owned(),
        "select (select (select o.id from users limit 1) from users where id = o.id) from orders o".to_owned(),
        "select * from users u, lateral (select * from orders where user_id = u.id order by id limit u.id) o"
            .to_owned(),
        "select array_agg(distinct id order by id) filter (where id > 1) within group (order by 1) from orders"
            .to_owned(),
        "select grouping(id), count(*) from orders group by grouping sets ((), (id), rollup (user_id, status))"
            .to_owned(),
        "table orders".to_owned(),
        "select".to_owned(),
        "select from orders".to_owned(),
        "select * from orders group by ()".to_owned(),
        "select *".to_owned(),
        "values (1), (2, 3)".to_owned(),
        "select 'a'::no_such_type, no_such_function(1), no_such_column from orders".to_owned(),
        "select (row(1, 2)).f1, (o).id, o.*::text, (o).* from orders o".to_owned(),
        "select '{}'::int[], '{{1,2},{3}}'::int[], '[1:0'::int4range, 'x'::inet, '{'::jsonb".to_owned(),
        "select '[5,1]'::int4range && '(,)'::int4range, int4range(5, 1)".to_owned(),
        "select * from generate_series(1, 1e18::bigint) g, generate_series(1, 0, 0) h".to_owned(),
        "select * from unnest(array[1,2], array['a']) with ordinality as u (a, b, c), rows from (now(), now()) r"
            .to_owned(),
        "insert into orders select * from orders on conflict do nothing returning *".to_owned(),
        "explain select 1".to_owned(),
        "\u{0}".to_owned(),
        "select \"\u{1F600}\" from \"\u{202e}\"".to_owned(),
    ]
}

/// Join problems that take minutes in an unoptimised build.
fn slow_monsters() -> Vec<String> {
    vec![
        joins(110, "join"),
        joins(30, "left join"),
        joins(110, "left join"),
        joins(12, "full join"),
        star(30),
        star(110),
        star(500),
        format!("select 1 from {}", repeated(110, ",", |i| format!("orders o{i}"))),
    ]
}

#[test]
fn monsters_are_planned_or_refused() {
    check(&plan_all(shop(), statements(&[monsters(), oddities()].concat())));
}

#[test]
#[ignore = "takes many minutes in an unoptimised build: cargo test --release --test it slow_monsters -- --ignored"]
fn slow_monsters_are_planned_or_refused() {
    check(&plan_all(shop(), statements(&slow_monsters())));
}

/// Changes every column's statistics.
fn with_statistics(change: impl Fn(&mut ColumnStats)) -> Snapshot {
    let mut snapshot = shop();
    for table in &mut snapshot.catalog.tables {
        for column in &mut table.columns {
            for stats in [&mut column.stats, &mut column.stats_inherited].into_iter().flatten() {
                change(stats);
            }
        }
    }
    snapshot
}

#[test]
fn absurd_statistics_are_survived() {
    let mut snapshots = vec![
        with_statistics(|s| s.n_distinct = 0.0),
        with_statistics(|s| s.n_distinct = -1e18),
        with_statistics(|s| s.n_distinct = f64::NAN),
        with_statistics(|s| (s.null_frac, s.avg_width) = (7.0, -3)),
        with_statistics(|s| (s.null_frac, s.correlation) = (f64::NAN, Some(f64::NAN))),
        with_statistics(|s| (s.avg_width, s.correlation) = (i32::MAX, Some(-99.0))),
        with_statistics(|s| s.mcv_freqs = s.mcv_freqs.iter().map(|_| f64::INFINITY).collect()),
        with_statistics(|s| s.mcv_freqs.clear()),
        with_statistics(|s| s.mcv_values = None),
        with_statistics(|s| (s.histogram_len, s.histogram_bounds) = (100, None)),
        with_statistics(|s| (s.histogram_len, s.histogram_bounds) = (1, Some(vec!["nonsense".to_owned()]))),
        with_statistics(|s| s.histogram_bounds = Some(Vec::new())),
        with_statistics(|s| {
            if let Some(bounds) = &mut s.histogram_bounds {
                bounds.reverse();
            }
        }),
        with_statistics(|s| {
            if let Some(elements) = &mut s.elements {
                (elements.freqs, elements.count_histogram) = (vec![f64::NAN], Vec::new());
            }
        }),
    ];
    let mut tables = |pages: Option<u32>, relpages: u32, rows: f64, visible: u32| {
        let mut snapshot = shop();
        for table in &mut snapshot.catalog.tables {
            (table.actual_pages, table.relpages, table.reltuples, table.relallvisible) =
                (pages, relpages, rows, visible);
            for index in &mut table.indexes {
                (index.relpages, index.reltuples, index.bytes) = (relpages, rows, pages.map(u64::from));
            }
        }
        snapshots.push(snapshot);
    };
    tables(None, 0, -1.0, 0);
    tables(Some(0), 0, 0.0, u32::MAX);
    tables(Some(u32::MAX), 1, 1e300, 0);
    tables(Some(u32::MAX), u32::MAX, f64::NAN, u32::MAX);
    let mut bare = shop();
    for table in &mut bare.catalog.tables {
        table.indexes.clear();
        for column in &mut table.columns {
            (column.stats, column.stats_inherited) = (None, None);
        }
    }
    snapshots.push(bare);
    for value in ["NaN", "-1"] {
        let mut snapshot = shop();
        for setting in snapshot.server.settings.values_mut() {
            value.clone_into(&mut setting.value);
        }
        snapshots.push(snapshot);
    }
    let own: Vec<Statement> = shop().statements.items;
    for (i, snapshot) in snapshots.into_iter().enumerate() {
        let outcome = plan_all(snapshot, own.clone());
        assert!(outcome.failed.is_empty(), "snapshot {i}, {}", outcome.failed.join("\n"));
    }
}

/// PostgreSQL's regression tests: `PGWISE_REGRESSION_SQL` names the source's `src/test/regress`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL's regression tests: scripts/regression-sql.sh fetches them"]
async fn regression_sql_is_planned_or_refused() {
    #[expect(clippy::disallowed_methods, reason = "where the tests are is told by the environment")]
    let folder = std::env::var("PGWISE_REGRESSION_SQL").unwrap();
    let folder = Path::new(&folder);
    let schedule = std::fs::read_to_string(folder.join("parallel_schedule")).unwrap();
    let tests: Vec<&str> =
        schedule.lines().filter_map(|l| l.strip_prefix("test: ")).flat_map(str::split_whitespace).collect();
    let database = harness::database("regression").await;
    for test in tests.iter().filter(|t| **t != "tablespace") {
        // Many fail: some need a library of C functions, some break off. What they leave behind is the catalog.
        Command::new("timeout")
            .args(["30", "psql", "-X", "-q", "-d", database.url(), "-f"])
            .arg(folder.join("sql").join(format!("{test}.sql")))
            .envs([("PG_ABS_SRCDIR", folder.to_str().unwrap()), ("PG_LIBDIR", "."), ("PG_DLSUFFIX", ".so")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
    }
    let options = CollectOptions { explain: false, values: ValuesPolicy::All, ..CollectOptions::default() };
    let snapshot = collect(&database.pool().await, &options, &Silent).await.unwrap();
    assert!(snapshot.catalog.tables.len() > 100, "{}", snapshot.catalog.tables.len());
    let mut all = Vec::new();
    for test in &tests {
        let text = std::fs::read(folder.join("sql").join(format!("{test}.sql"))).unwrap();
        let text = String::from_utf8_lossy(&text);
        // What psql reads is no SQL.
        let sql: Vec<&str> = text.lines().filter(|line| !line.starts_with('\\')).collect();
        all.extend(statements_from_sql(&sql.join("\n")));
    }
    println!("{} statements on {} tables", all.len(), snapshot.catalog.tables.len());
    check(&plan_all(snapshot, all.clone()));
    check(&plan_all(shop(), all));
}
