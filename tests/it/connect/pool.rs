//! The guard is in force, and no session carries anything over to its next user.

use std::time::{Duration, Instant};

use pgwise::connect::{Access, Error, Pool, PoolOptions, Session};

use super::{pool, resolve};
use crate::harness;

async fn setting(session: &Session, name: &str) -> String {
    session.query_one("select current_setting($1)", &[&name]).await.expect("setting").get(0)
}

async fn pid(session: &Session) -> i32 {
    session.query_one("select pg_backend_pid()", &[]).await.expect("pid").get(0)
}

fn sqlstate(error: tokio_postgres::Error) -> String {
    Error::from(error).sqlstate().expect("a rejection").to_owned()
}

#[tokio::test]
async fn sessions_are_guarded() {
    let database = harness::database("guard").await;
    database.execute("create table t (i int); insert into t values (1)").await;
    let options = PoolOptions {
        statement_timeout: Duration::from_millis(300),
        lock_timeout: Duration::from_millis(100),
        ..PoolOptions::default()
    };
    let pool = Pool::connect(&resolve(database.url()).expect("options"), options).await.expect("pool");
    let session = pool.get().await.expect("session");
    assert_eq!(setting(&session, "application_name").await, "pgwise");
    assert_eq!(sqlstate(session.batch_execute("insert into t values (2)").await.expect_err("read-only")), "25006");
    assert_eq!(sqlstate(session.batch_execute("create table u ()").await.expect_err("read-only")), "25006");
    assert_eq!(sqlstate(session.batch_execute("select pg_sleep(5)").await.expect_err("timeout")), "57014");
    let other = database.client().await;
    other.batch_execute("begin; lock table t in access exclusive mode").await.expect("lock");
    assert_eq!(sqlstate(session.batch_execute("select * from t").await.expect_err("locked")), "55P03");

    let writing = PoolOptions { access: Access::ReadWrite, ..PoolOptions::default() };
    let pool = Pool::connect(&resolve(database.url()).expect("options"), writing).await.expect("pool");
    pool.get().await.expect("session").batch_execute("create table u ()").await.expect("may write");
}

#[tokio::test]
async fn the_guard_overrides_what_roles_and_databases_set() {
    let database = harness::database("guard_role").await;
    let name = database.name();
    database
        .execute(&format!(
            "alter database \"{name}\" set default_transaction_read_only = off;
             alter database \"{name}\" set statement_timeout = '2h'; alter database \"{name}\" set datestyle = 'German'"
        ))
        .await;
    let pool = pool(database.url()).await.expect("pool");
    for _ in 0..2 {
        let session = pool.get().await.expect("session");
        assert_eq!(setting(&session, "statement_timeout").await, "30s");
        assert_eq!(setting(&session, "default_transaction_read_only").await, "on");
        assert_eq!(setting(&session, "datestyle").await, "ISO, YMD");
    }
}

#[tokio::test]
async fn a_returned_session_comes_back_clean() {
    let database = harness::database("clean").await;
    let hypopg = database.extension("hypopg").await;
    database.execute("create table t (i int)").await;
    let pool = pool(database.url()).await.expect("pool");
    let session = pool.get().await.expect("session");
    let first = pid(&session).await;
    session
        .batch_execute("set work_mem = '7MB'; set statement_timeout = 0; set default_transaction_read_only = off")
        .await
        .expect("settings");
    session
        .batch_execute(
            "set application_name = 'other'; prepare p as select 1; prepare \"Q q\" as select 2;
             select pg_advisory_lock(7); create temporary table kept (i int); listen heard",
        )
        .await
        .expect("mess");
    if hypopg {
        session.batch_execute("select hypopg_create_index('create index on t (i)')").await.expect("hypopg");
    }
    session.batch_execute("set role pg_monitor").await.expect("role");
    session.batch_execute("begin; declare c cursor with hold for select 1; select 1").await.expect("begin");
    session.batch_execute("select 1/0").await.expect_err("the transaction is aborted");
    drop(session);

    let session = pool.get().await.expect("session");
    assert_eq!(pid(&session).await, first, "a clean session is kept");
    assert_eq!(setting(&session, "work_mem").await, "4MB");
    assert_eq!(setting(&session, "default_transaction_read_only").await, "on");
    assert_eq!(setting(&session, "statement_timeout").await, "30s");
    assert_eq!(setting(&session, "application_name").await, "pgwise");
    assert_eq!(setting(&session, "role").await, "none");
    let row = session
        .query_one(
            "select (select count(*) from pg_prepared_statements where from_sql),
                    (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
                    (select count(*) from pg_listening_channels()), (select count(*) from pg_cursors),
                    to_regclass('pg_temp.kept') is null",
            &[],
        )
        .await
        .expect("look");
    for column in 0..3 {
        assert_eq!(row.get::<_, i64>(column), 0, "column {column}");
    }
    assert!(row.get::<_, bool>(4));
    let idle = "select xact_start is null from pg_stat_activity where pid = $1";
    assert!(database.client().await.query_one(idle, &[&first]).await.expect("look").get::<_, bool>(0));
    if hypopg {
        let row = session.query_one("select count(*) from hypopg()", &[]).await.expect("hypopg");
        assert_eq!(row.get::<_, i64>(0), 0);
    }
}

#[tokio::test]
async fn the_drivers_own_statements_survive_cleaning() {
    let database = harness::database("driver").await;
    database.execute("create type mood as enum ('sad'); create type colour as enum ('red')").await;
    let pool = pool(database.url()).await.expect("pool");
    // Types unknown to the driver make it prepare look-ups, which it keeps.
    for sql in ["select 'sad'::mood", "select 'red'::colour"] {
        let session = pool.get().await.expect("session");
        session.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

#[tokio::test]
async fn a_query_that_nobody_waits_for_is_stopped() {
    let database = harness::database("dropped").await;
    let pool = pool(database.url()).await.expect("pool");
    let session = pool.get().await.expect("session");
    let first = pid(&session).await;
    let abandoned = tokio::time::timeout(Duration::from_millis(100), session.batch_execute("select pg_sleep(25)"));
    abandoned.await.expect_err("dropped in the middle");
    drop(session);
    let begun = Instant::now();
    let session = pool.get().await.expect("another session");
    session.batch_execute("select 1").await.expect("works");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_ne!(pid(&session).await, first);
    let observer = database.client().await;
    for _ in 0..50 {
        let row = observer.query_one("select count(*) from pg_stat_activity where pid = $1", &[&first]).await;
        if row.expect("look").get::<_, i64>(0) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the abandoned query still runs");
}

#[tokio::test]
async fn a_discarded_session_is_closed_and_its_query_stopped() {
    let database = harness::database("discard").await;
    let pool = pool(database.url()).await.expect("pool");
    let session = pool.get().await.expect("session");
    let first = pid(&session).await;
    tokio::time::timeout(Duration::from_millis(100), session.batch_execute("select pg_sleep(25)"))
        .await
        .expect_err("dropped in the middle");
    session.discard();
    assert_ne!(pid(&pool.get().await.expect("another")).await, first);
    let observer = database.client().await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        let row = observer.query_one("select count(*) from pg_stat_activity where pid = $1", &[&first]).await;
        if row.expect("look").get::<_, i64>(0) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the discarded session still runs");
}

#[tokio::test]
async fn the_pool_is_bounded_and_can_be_closed() {
    let database = harness::database("bounded").await;
    let options = PoolOptions { max_size: 2, wait_timeout: Duration::from_millis(200), ..PoolOptions::default() };
    let pool = Pool::connect(&resolve(database.url()).expect("options"), options).await.expect("pool");
    assert_eq!(pool.size(), 2);
    let (first, second) = (pool.get().await.expect("first"), pool.get().await.expect("second"));
    let error = pool.get().await.err().expect("full");
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    drop(first);
    pool.get().await.expect("free again");
    pool.close();
    assert!(matches!(pool.get().await.err(), Some(Error::Closed)));
    second.batch_execute("select 1").await.expect("a session in use stays usable");
}
