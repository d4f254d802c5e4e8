//! The network goes silent: nothing is refused, nothing is closed, and no answer comes any more.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::lost::slow_workload;
use super::{own_server, with_port};
use crate::harness::binary::{Run, start};

/// A way to a server that can be made to swallow everything.
struct Way {
    port: u16,
    silent: Arc<AtomicBool>,
}

impl Way {
    fn to(url: &str) -> Self {
        let (_, address) = url.split_once('@').expect("a URL with credentials");
        let (address, _) = address.split_once('/').expect("a URL with a database");
        let address = address.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let silent = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&silent);
        // These threads end with the test process, at the latest.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(&address).expect("the server is up");
                let (back, forth) = (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
                for (from, to) in [(client, server), (forth, back)] {
                    let silent = Arc::clone(&shared);
                    std::thread::spawn(move || carry(from, to, &silent));
                }
            }
        });
        Self { port, silent }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, silent: &AtomicBool) {
    let mut bytes = [0; 8192];
    loop {
        match from.read(&mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(_) if silent.load(Ordering::Relaxed) => {}
            Ok(n) if to.write_all(&bytes[..n]).is_ok() => {}
            Ok(_) => break,
        }
    }
    if !silent.load(Ordering::Relaxed) {
        to.shutdown(Shutdown::Both).ok();
    }
}

/// Analyses a slow workload, silences the network once this query counts something, and gives how the run ended and how
/// long after that.
async fn silenced_when(what_if: &str, counts: &str) -> Option<(Run, Duration)> {
    let server = own_server(&[])?;
    let url = server.url("postgres");
    let (admin, folder) = slow_workload(&url).await;
    if what_if == "hypopg" && admin.batch_execute("create extension hypopg").await.is_err() {
        crate::harness::skipping("the server has no HypoPG");
        return None;
    }
    let way = Way::to(&url);
    let sql = folder.path().join("w.sql");
    let sql = sql.to_str().expect("UTF-8");
    let around = with_port(&url, way.port) + "?connect_timeout=3";
    let mut run =
        start(&["analyze", "--what-if", what_if, "--statement-timeout", "2s", "--url", &around, "--sql", sql]);
    while admin.query_one(counts, &[]).await.expect("counts").get::<_, i64>(0) == 0 {
        assert!(run.is_running(), "it ended before the network could be silenced");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    way.silent.store(true, Ordering::Relaxed);
    let silenced = Instant::now();
    let ended = tokio::task::spawn_blocking(|| run.finish()).await.expect("ends");
    Some((ended, silenced.elapsed()))
}

#[tokio::test(flavor = "multi_thread")]
async fn while_statements_are_explained() {
    let counts = "select count(*) from pg_stat_activity where application_name = 'pgwise' and query like '%EXPLAIN%'";
    let Some((run, after)) = silenced_when("rule", counts).await else { return };
    run.fails(30, &["the server was lost while the database was read", "connecting took longer than 3 s", "hint:"]);
    assert_eq!(run.stdout, "");
    // The statement's time-out, its grace, and the attempt to connect again.
    assert!(after < Duration::from_secs(12), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_asked_what_indexes_would_bring() {
    let counts = "select count(*) from pg_stat_statements where query like '%hypopg_create_index(asked%'";
    let Some((run, after)) = silenced_when("hypopg", counts).await else { return };
    run.fails(60, &["the analysis was broken off, and no report was written", "no answer for 7 s"]);
    assert_eq!(run.stdout, "");
    assert!(after < Duration::from_secs(15), "{after:?}");
}
