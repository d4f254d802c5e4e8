//! No session can be had.

use std::net::TcpListener;

use super::{as_role, own_server, with_port};
use crate::harness::binary::{pgwise, start};
use crate::harness::{self, connect};

#[tokio::test]
async fn a_wrong_password_is_not_repeated() {
    let database = harness::database("fail_password").await;
    let role = format!("fail_password_{}", std::process::id());
    database.execute(&format!("create role {role} login password 'right'")).await;
    let run = pgwise(&["analyze", "--url", &as_role(database.url(), &role, "sesame-4711")]);
    run.fails(10, &["password authentication failed", &role, "hint:", "check the role and its password"]);
    assert!(!run.stderr.contains("sesame-4711") && !run.stdout.contains("sesame-4711"));
    assert_eq!(run.stdout, "");
    let debug = pgwise(&["analyze", "--debug", "--url", &as_role(database.url(), &role, "sesame-4711")]);
    assert_eq!(debug.code, Some(2));
    assert!(!debug.stderr.contains("sesame-4711") && !debug.stdout.contains("sesame-4711"));
    let none = pgwise(&["analyze", "--url", &as_role(database.url(), &role, "").replacen(":@", "@", 1)]);
    none.fails(10, &["password", "PGPASSWORD"]);
    database.execute(&format!("drop role {role}")).await;
}

#[tokio::test]
async fn a_dead_port_is_named() {
    let database = harness::database("fail_port").await;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let run = pgwise(&["analyze", "--url", &with_port(database.url(), port)]);
    run.fails(5, &["cannot reach", &port.to_string(), "refused", "is the server running"]);
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let run = pgwise(&["collect", "-o", "-", "--url", &with_port(database.url(), port)]);
    run.fails(5, &["cannot reach", &port.to_string(), "refused", "is the server running"]);
}

#[tokio::test]
async fn a_listener_that_never_answers_is_given_up() {
    let database = harness::database("fail_silent").await;
    // The kernel takes the connection; nobody ever reads it.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("bound").port();
    let url = with_port(database.url(), port);
    let patient = start(&["analyze", "--url", &url]);
    let separator = if url.contains('?') { '&' } else { '?' };
    let run = pgwise(&["analyze", "--url", &format!("{url}{separator}connect_timeout=2")]);
    run.fails(4, &[&port.to_string(), "took longer than 2 s", "connect_timeout"]);
    patient.finish().fails(13, &["took longer than 10 s", "check the host and port"]);
    drop(silent);
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_named() {
    harness::database("fail_database").await;
    let run = pgwise(&["analyze", "--url", &harness::server_url("no_such_db_at_all")]);
    run.fails(5, &["\"no_such_db_at_all\" does not exist", "check the database's name"]);
}

#[tokio::test]
async fn a_role_that_does_not_exist_is_named() {
    let database = harness::database("fail_role").await;
    let run = pgwise(&["analyze", "--url", &as_role(database.url(), "no_such_role_at_all", "x")]);
    run.fails(5, &["no_such_role_at_all", "hint:"]);
}

#[tokio::test]
async fn a_full_server_says_how_to_need_less() {
    let settings = [("max_connections", "6"), ("superuser_reserved_connections", "0")];
    let Some(server) = own_server(&settings) else { return };
    let url = server.url("postgres");
    let admin = connect(&url).await;
    admin
        .batch_execute("create extension pg_stat_statements; create role plain login password 'pw'")
        .await
        .expect("up");
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(connect(&url).await);
    }
    let run = pgwise(&["analyze", "--url", &as_role(&url, "plain", "pw")]);
    run.fails(10, &["too many clients already", "--jobs"]);
    assert_eq!(run.stdout, "");

    // One connection is free, and four are wanted: what the message says helps.
    held.pop();
    admin.batch_execute("select pg_sleep(0.2)").await.expect("up");
    let run = pgwise(&["analyze", "--url", &url]);
    run.fails(10, &["too many clients already", "--jobs"]);
    pgwise(&["analyze", "--jobs", "1", "--url", &url]).ends(0, 10);

    admin.batch_execute("create role narrow login password 'pw' connection limit 1").await.expect("up");
    admin.batch_execute("grant pg_monitor to narrow").await.expect("up");
    held.clear();
    admin.batch_execute("select pg_sleep(0.2)").await.expect("up");
    let narrow = as_role(&url, "narrow", "pw");
    pgwise(&["analyze", "--url", &narrow]).fails(10, &["too many connections for role", "CONNECTION LIMIT"]);
    pgwise(&["analyze", "--jobs", "1", "--url", &narrow]).ends(0, 10);
}
