//! The doctor's findings on real databases, and that its SQL mends what it found.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pgwise::connect::{ConnectOptions, Env, Pool, PoolOptions};
use pgwise::doctor::{self, Check, Status};
use pgwise::throwaway::{Server, ServerError, ServerOptions};

use crate::harness;

async fn examine(url: &str) -> Vec<Check> {
    let options = ConnectOptions::resolve(Some(url), &Env::default()).expect("options");
    let pool = Pool::connect(&options, PoolOptions::default()).await.expect("pool");
    doctor::examine(&pool).await.expect("examine")
}

fn check<'a>(checks: &'a [Check], id: &str) -> &'a Check {
    checks.iter().find(|c| c.id == id).unwrap_or_else(|| panic!("no check {id} in {checks:#?}"))
}

fn status(checks: &[Check], id: &str) -> Status {
    check(checks, id).status
}

/// Another role on the same database.
fn as_role(url: &str, role: &str) -> String {
    let (_, rest) = url.split_once('@').expect("a URL with credentials");
    format!("postgresql://{role}:pw@{rest}")
}

#[tokio::test]
async fn what_a_role_cannot_see_is_named_and_the_sql_given_shows_it() {
    let database = harness::database("doctor").await;
    if !database.extension("pg_stat_statements").await {
        return;
    }
    let role = format!("Doctor's \"{}\"", std::process::id());
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    let admin = database.client().await;
    admin
        .batch_execute(&format!(
            "create role {quoted} login password 'pw';
             create schema \"Shut\";
             create table \"Shut\".\"Table one\" with (autovacuum_enabled = off) as select i, i % 10 as j from generate_series(1, 1000) i;
             create table empty (i int);
             create table parted (i int) partition by range (i);
             create table parted_1 partition of parted for values from (0) to (100);
             insert into parted select generate_series(1, 50);
             analyze parted_1"
        ))
        .await
        .expect("set up");
    let encoded = utf8_percent_encode(&role, NON_ALPHANUMERIC).to_string();
    let url = as_role(database.url(), &encoded);
    // Live rows are told to the statistics system when the writer is idle, up to ten seconds later.
    let mut checks = examine(&url).await;
    for _ in 0..300 {
        if check(&checks, "never-analyzed").what.contains("2 tables") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        checks = examine(&url).await;
    }
    assert_eq!(status(&checks, "server-version"), Status::Ok);
    assert_eq!(status(&checks, "statements-library"), Status::Ok);
    assert_eq!(status(&checks, "statements-extension"), Status::Ok);
    assert_eq!(status(&checks, "statements-texts"), Status::Limited);
    assert_eq!(status(&checks, "planner-statistics"), Status::Missing);
    assert_eq!(status(&checks, "never-analyzed"), Status::Limited);
    assert_eq!(status(&checks, "hypopg"), Status::Limited);
    assert_eq!(status(&checks, "trigrams"), Status::Info);
    let analyze = &check(&checks, "never-analyzed").fix_sql;
    assert_eq!(analyze, &["ANALYZE \"Shut\".\"Table one\";", "ANALYZE public.parted;"]);

    let has_hypopg = check(&checks, "hypopg").needs != [doctor::Need::Superuser, doctor::Need::Package];
    for id in ["statements-texts", "planner-statistics", "never-analyzed", "hypopg", "trigrams"] {
        if id != "hypopg" || has_hypopg {
            for sql in &check(&checks, id).fix_sql {
                admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            }
        }
    }
    let checks = examine(&url).await;
    for id in ["statements-texts", "planner-statistics", "never-analyzed", "trigrams"] {
        assert_eq!(status(&checks, id), Status::Ok, "{:#?}", check(&checks, id));
    }
    if has_hypopg {
        assert_eq!(status(&checks, "hypopg"), Status::Ok);
    }
    // The role owns nothing and may be dropped with its grants, wherever the server stays.
    admin.batch_execute(&format!("drop owned by {quoted}; drop role {quoted}")).await.expect("drop role");
}

#[tokio::test]
async fn row_level_security_is_noticed() {
    let database = harness::database("doctor_rls").await;
    let role = format!("doctor_rls_{}", std::process::id());
    let admin = database.client().await;
    admin
        .batch_execute(&format!(
            "create role {role} login password 'pw'; create table t as select 1 as i; analyze t;
             grant select on t to {role}; alter table t enable row level security"
        ))
        .await
        .expect("set up");
    let checks = examine(&as_role(database.url(), &role)).await;
    assert_eq!(status(&checks, "row-security"), Status::Limited);
    assert!(check(&checks, "row-security").what.contains("public.t"));
    assert_eq!(status(&checks, "never-analyzed"), Status::Ok);
    admin.batch_execute(&format!("drop owned by {role}; drop role {role}")).await.expect("drop role");
}

#[tokio::test]
async fn an_empty_database_is_told_apart_from_a_poor_one() {
    let database = harness::database("doctor_empty").await;
    let checks = examine(database.url()).await;
    assert_eq!(status(&checks, "planner-statistics"), Status::Info);
    assert_eq!(status(&checks, "statements-extension"), Status::Missing);
    let text = doctor::render_text(&checks, 80, false);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("CREATE EXTENSION pg_stat_statements;"), "{text}");
}

#[tokio::test]
async fn a_server_without_the_library_gets_a_setting_that_keeps_the_others() {
    #[expect(clippy::disallowed_methods, reason = "a throwaway server is searched for in PATH")]
    let (search_path, pg_bin) = (std::env::var_os("PATH"), std::env::var_os("PGWISE_TEST_PG_BIN"));
    let settings = [
        ("shared_preload_libraries", "auto_explain, pg_prewarm"),
        ("autovacuum", "off"),
        ("track_counts", "off"),
        ("track_io_timing", "off"),
    ];
    let server = Server::start(&ServerOptions {
        search_path,
        pg_bin: pg_bin.map(Into::into),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..ServerOptions::default()
    });
    let server = match server {
        Ok(server) => server,
        Err(ServerError::NotFound { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    let url = server.url("postgres");
    let admin = harness::connect(&url).await;
    admin
        .batch_execute("create extension pg_stat_statements; create role plain login password 'pw'")
        .await
        .expect("up");
    let checks = examine(&url).await;
    assert_eq!(status(&checks, "statements-library"), Status::Missing);
    assert_eq!(status(&checks, "statements-extension"), Status::Ok);
    assert_eq!(status(&checks, "autovacuum"), Status::Limited);
    assert_eq!(status(&checks, "table-counters"), Status::Missing);
    assert_eq!(status(&checks, "io-timing"), Status::Limited);
    assert_eq!(status(&checks, "counter-age"), Status::Limited);
    for id in ["statements-library", "autovacuum", "table-counters", "io-timing"] {
        for sql in &check(&checks, id).fix_sql {
            admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        }
    }
    let row = admin
        .query_one(
            "select setting from pg_file_settings
             where name = 'shared_preload_libraries' and sourcefile like '%auto.conf'",
            &[],
        )
        .await
        .expect("file settings");
    assert_eq!(row.get::<_, String>(0), "auto_explain, pg_prewarm, pg_stat_statements");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let checks = examine(&url).await;
    for id in ["autovacuum", "table-counters", "io-timing"] {
        assert_eq!(status(&checks, id), Status::Ok);
    }
    // A role that may not see the list gets a statement that does not lose it: one for psql.
    let checks = examine(&as_role(&url, "plain")).await;
    let sql = &check(&checks, "statements-library").fix_sql[0];
    let query = sql.strip_suffix(" \\gexec").expect("for psql");
    admin.batch_execute("alter system reset shared_preload_libraries").await.expect("reset");
    let made: String = admin.query_one(query, &[]).await.expect("the query").get(0);
    assert_eq!(made, "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_prewarm', 'pg_stat_statements'");
}
