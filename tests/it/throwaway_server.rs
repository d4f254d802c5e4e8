//! The throwaway server leaves nothing behind, however its owner ends.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pgwise::throwaway::{Server, ServerError, ServerOptions};

use crate::harness;

/// `None` on a machine without server binaries: the other tests then run elsewhere, and there is nothing to test here.
fn start() -> Option<Server> {
    #[expect(clippy::disallowed_methods, reason = "a throwaway server is searched for in PATH")]
    let search_path = std::env::var_os("PATH");
    match Server::start(&ServerOptions { search_path, ..ServerOptions::default() }) {
        Ok(server) => Some(server),
        Err(ServerError::NotFound { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

async fn data_folder(url: &str) -> PathBuf {
    let client = harness::connect(url).await;
    let row = client.query_one("show data_directory", &[]).await.expect("a superuser may see it");
    PathBuf::from(row.get::<_, String>(0))
}

/// The folder goes last, after the server: when it is gone, everything is.
fn wait_until_gone(folder: &Path) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while folder.exists() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[tokio::test]
async fn it_serves_while_it_lives_and_is_gone_when_dropped() {
    let Some(server) = start() else { return };
    let url = server.url("postgres");
    let folder = data_folder(&url).await;
    let client = harness::connect(&url).await;
    let row = client.query_one("show shared_preload_libraries", &[]).await.expect("show");
    assert_eq!(row.get::<_, String>(0), "pg_stat_statements");
    drop(server);
    assert!(!folder.parent().expect("a folder above").exists(), "dropping waits until the files are gone");
    assert!(client.simple_query("select 1").await.is_err(), "the server is gone");
}

#[test]
fn a_setting_that_the_server_refuses_is_reported_with_its_log() {
    let settings = vec![("shared_buffers".to_owned(), "much".to_owned())];
    #[expect(clippy::disallowed_methods, reason = "a throwaway server is searched for in PATH")]
    let search_path = std::env::var_os("PATH");
    match Server::start(&ServerOptions { settings, search_path, ..ServerOptions::default() }) {
        Err(ServerError::DidNotStart(log)) => assert!(log.contains("shared_buffers"), "{log}"),
        Err(ServerError::NotFound { .. }) => {}
        other => panic!("{other:?}"),
    }
}

/// What [`a_killed_owner_leaves_nothing_behind`] runs as a process of its own.
#[test]
#[ignore = "run by another test as a process to kill"]
fn owner_to_be_killed() {
    if let Some(server) = start() {
        println!("url={}", server.url("postgres"));
        std::thread::sleep(Duration::from_mins(1));
    } else {
        println!("url=");
    }
}

#[tokio::test]
async fn a_killed_owner_leaves_nothing_behind() {
    let mut owner = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "throwaway_server::owner_to_be_killed", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("run this binary again");
    let output = BufReader::new(owner.stdout.take().expect("its output"));
    let url = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("url=").map(|(_, url)| url.to_owned()))
        .expect("the owner prints its URL");
    let folder = if url.is_empty() { None } else { Some(data_folder(&url).await) };
    owner.kill().expect("kill");
    owner.wait().expect("reap");
    if let Some(folder) = folder {
        assert!(wait_until_gone(folder.parent().expect("a folder above")), "{} is still there", folder.display());
    }
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let (one, two) = (harness::database("own").await, harness::database("own").await);
    assert_ne!(one.name(), two.name());
    one.execute("create table t (id int)").await;
    let session = one.pool().await.get().await.expect("a session");
    assert!(session.query("select from t", &[]).await.expect("it is there").is_empty());
    let there = two.client().await.query("select from pg_class where relname = 't'", &[]).await.expect("look");
    assert!(there.is_empty());
    assert!(one.url().contains(one.name()));
}
