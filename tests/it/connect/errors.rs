//! Each failure is its own, says where, and says what to do.

use std::time::{Duration, Instant};

use pgwise::connect::Error;

use super::secure::SecureServer;
use super::{failure, pool};
use crate::harness;

#[tokio::test]
async fn each_way_to_fail_has_its_own_error() {
    let Some(server) = SecureServer::shared().await else { return };
    let port = server.port();
    let at = format!("127.0.0.1:{port}");

    let error = failure(&format!("postgres://ann:wrong@{at}/postgres")).await;
    assert!(matches!(error, Error::Authentication { password_given: true, .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("{at}/postgres as ann: password authentication failed for user \"ann\""));
    let error = failure(&format!("postgres://ann@{at}/postgres")).await;
    assert!(matches!(error, Error::Authentication { password_given: false, .. }), "{error:?}");
    assert!(error.hint().expect("hint").contains(".pgpass"));
    let error = failure(&format!("postgres://no_rule@{at}/postgres")).await;
    assert!(matches!(error, Error::Authentication { .. }), "{error:?}");

    let error = failure(&format!("postgres://ann:right-ann@{at}/nowhere")).await;
    assert!(matches!(error, Error::NoDatabase { .. }), "{error:?}");
    assert!(error.to_string().contains("nowhere"));

    let error = failure("postgres://ann@127.0.0.1:1/postgres").await;
    assert!(matches!(error, Error::Unreachable { unresolved: false, .. }), "{error:?}");
    assert_eq!(error.to_string(), "cannot reach 127.0.0.1:1/postgres as ann: Connection refused");
    let error = failure("postgres://ann@no-such-host.invalid/postgres").await;
    assert!(matches!(error, Error::Unreachable { unresolved: true, .. }), "{error:?}");

    let admin = server.admin().await;
    admin.batch_execute("create role crowd login password 'right-crowd' connection limit 0").await.expect("role");
    let error = failure(&server.url("crowd", "127.0.0.1", "")).await;
    assert!(matches!(error, Error::TooManyConnections { .. }), "{error:?}");
    admin.batch_execute("create database closed").await.expect("database");
    admin.batch_execute("revoke connect on database closed from public").await.expect("revoke");
    let error = failure(&format!("postgres://ann:right-ann@{at}/closed")).await;
    assert_eq!(error.sqlstate(), Some("42501"), "{error:?}");
    assert!(error.hint().expect("hint").contains("GRANT CONNECT"));
    let error = failure(&format!("postgres://ann:right-ann@{at}/postgres?options=-c%20no_such=1")).await;
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up() {
    // Connections wait in the queue: nobody accepts them.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listen");
    let port = listener.local_addr().expect("address").port();
    for mode in ["prefer", "disable"] {
        let begun = Instant::now();
        let error = failure(&format!("postgres://ann@127.0.0.1:{port}/x?connect_timeout=2&sslmode={mode}")).await;
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_server_that_is_none_is_not_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    for mode in ["prefer", "disable", "require"] {
        let error = failure(&format!("postgres://ann@127.0.0.1:{port}/x?sslmode={mode}")).await;
        assert!(matches!(error, Error::Lost { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_session_that_the_server_ends_is_lost_with_its_words() {
    let database = harness::database("lost").await;
    let pool = pool(database.url()).await.expect("pool");
    let session = pool.get().await.expect("session");
    let row = session.query_one("select pg_backend_pid()", &[]).await.expect("pid");
    let pid: i32 = row.get(0);
    let sleeping = session.batch_execute("select pg_sleep(20)");
    let killing = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        database.execute(&format!("select pg_terminate_backend({pid})")).await;
    };
    let (slept, ()) = tokio::join!(sleeping, killing);
    let error = session.error(slept.expect_err("terminated"));
    assert!(error.is_lost(), "{error:?}");
    assert!(error.to_string().contains("57P01"), "{error}");
    let again = session.error(session.batch_execute("select 1").await.expect_err("gone"));
    assert!(again.is_lost() && again.to_string().contains(database.name()), "{again}");
    drop(session);
    // The pool makes a new one.
    pool.get().await.expect("another").batch_execute("select 1").await.expect("works");
}

#[tokio::test]
async fn sql_errors_are_one_line_without_values() {
    let database = harness::database("lines").await;
    let pool = pool(database.url()).await.expect("pool");
    let session = pool.get().await.expect("session");
    for (sql, line) in [
        ("select 'secret'::int", "invalid input syntax for type integer (22P02)"),
        ("select nothing", "column \"nothing\" does not exist (42703)"),
        ("select 1/0", "division by zero (22012)"),
        ("select '2020-13-45'::date", "date/time field value out of range (22008)"),
        ("select '{\"secret\"'::json", "invalid input syntax for type json (22P02)"),
    ] {
        let error = session.batch_execute(sql).await.expect_err(sql);
        assert_eq!(pgwise::connect::sql_line(&error), line);
        assert!(matches!(Error::from(error), Error::Sql { .. }));
    }
}
