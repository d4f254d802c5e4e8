//! Where a twin is built, and what becomes of it: given servers, refusals, ends of every kind.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use pgwise::snapshot::{Snapshot, ValuesPolicy};
use pgwise::throwaway::{Server, ServerError, ServerOptions};
use pgwise::whatif::CostSource;
use pgwise::whatif::twin::{TwinOptions, TwinSource};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio_postgres::Client;

use crate::harness::binary::{Running, command, pgwise, send, start, start_command};
use crate::harness::{self, Database, connect, programs, skipping};
use crate::twin::{build_with, request, shop, take};

const SCHEMA: &str = "
    create table orders (id int primary key, customer int not null, state text not null, doc jsonb);
    insert into orders select i, i % 5000, (array['new', 'paid', 'sent'])[1 + i % 3], jsonb_build_object('k', i % 1000)
        from generate_series(1, 50000) i;
    create function slow() returns int immutable language plpgsql as 'begin perform pg_sleep(0.2); return 1; end'";
const STATEMENTS: [&str; 2] =
    ["select * from orders where customer = 77", "select * from orders where doc @> '{\"k\": 7}'"];

/// A database, its snapshot as a file, and the folder with it.
struct Fixture {
    database: Database,
    snapshot: Snapshot,
    folder: TempDir,
}

impl Fixture {
    async fn new(topic: &str) -> Self {
        let database = harness::database(topic).await;
        database.execute(SCHEMA).await;
        database.execute("vacuum analyze").await;
        let statements: Vec<String> = STATEMENTS.iter().map(|&s| s.to_owned()).collect();
        let snapshot = take(&database, &statements, ValuesPolicy::All).await;
        let folder = tempfile::tempdir().unwrap();
        let fixture = Self { database, snapshot, folder };
        fixture.write("snapshot.json", |_| {});
        fixture
    }

    /// Writes the snapshot after a change.
    fn write(&self, name: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut json = serde_json::to_value(&self.snapshot).unwrap();
        change(&mut json);
        let path = self.folder.path().join(name);
        std::fs::write(&path, json.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn snapshot(&self) -> String {
        self.folder.path().join("snapshot.json").to_str().unwrap().to_owned()
    }

    /// An empty server of the same major version; `None` where there are no programs of it.
    async fn given(&self) -> Option<Server> {
        let options =
            ServerOptions { pg_bin: programs(), major: Some(self.snapshot.server.major()), ..ServerOptions::default() };
        match tokio::task::spawn_blocking(move || Server::start(&options)).await.unwrap() {
            Ok(server) => Some(server),
            Err(ServerError::NoSuchMajor { .. }) => {
                skipping("no server programs of the test server's major version");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// What a twin made on a server: its databases and roles.
async fn ours(client: &Client) -> Vec<String> {
    let sql = "select datname::text from pg_database where datname ~ 'pgwise_twin_' \
        union all select rolname::text from pg_roles where rolname ~ 'pgwise_twin_' order by 1";
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Waits until something of a twin's that matches is there.
async fn wait_for(client: &Client, run: &mut Running, sql: &str) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while client.query(sql, &[]).await.unwrap().is_empty() {
        assert!(run.is_running() && Instant::now() < deadline, "never seen: {sql}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A twin that `pgwise twin` has finished: the second copy, open to readers, without the first.
const FINISHED: &str = "select from pg_database where datname ~ '_2_0$' \
    and not exists (select from pg_database where datname ~ '_1_0$')";

/// Statements that take a while to plan, as planning folds the calls.
fn slow_statements() -> String {
    let statement = |n| format!("select * from orders where customer = {};\n", vec!["slow()"; n].join(" + "));
    (1..30).map(statement).collect()
}

const A_ROLE: &str = "select from pg_roles where rolname ~ 'pgwise_twin_'";

#[tokio::test(flavor = "multi_thread")]
async fn a_given_server_serves_and_is_left_as_it_was() {
    let fixture = Fixture::new("twin_given").await;
    let Some(server) = fixture.given().await else { return };
    let (url, snapshot) = (server.url("postgres"), fixture.snapshot());
    let run = pgwise(&["analyze", "--snapshot", &snapshot, "--twin-url", &url, "--format", "json"]);
    run.ends(0, 60);
    let report = run.json();
    assert_eq!(report["cost_source"]["kind"], "twin");
    let ddl = report["recommendations"].to_string();
    assert!(ddl.contains("btree (customer)") && ddl.contains("USING gin"), "{ddl}");
    let client = connect(&url).await;
    assert_eq!(ours(&client).await, [""; 0]);

    // The same from programs of this machine.
    let local = match programs() {
        Some(folder) => {
            pgwise(&["analyze", "--snapshot", &snapshot, "--pg-bin", folder.to_str().unwrap(), "--format", "json"])
        }
        None => pgwise(&["analyze", "--snapshot", &snapshot, "--what-if", "twin", "--format", "json"]),
    };
    local.ends(0, 60);
    assert_eq!(local.json()["recommendations"], report["recommendations"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn checksums_are_written_where_the_server_wants_them() {
    let fixture = Fixture::new("twin_checksums").await;
    let Some(server) = fixture.given().await else { return };
    // No running server takes them up: a second one is made by hand from the first one's programs.
    let programs = server.origin().rsplit_once(" from ").unwrap().1.to_owned();
    let data = server.files().unwrap().data().with_file_name("summed");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = format!(
        "cd / && {programs}/initdb -k -D {0} -U postgres -A trust --no-sync >/dev/null && {programs}/pg_ctl -D {0} \
         -o '-p {port} -k /tmp -c fsync=off' -l {0}/log -w start </dev/null >/dev/null 2>&1",
        data.display()
    );
    let as_owner = |script: &str| {
        use std::os::unix::process::CommandExt as _;
        let owner = std::fs::metadata(server.files().unwrap().data()).unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]);
        if nix::unistd::Uid::effective().is_root() {
            use std::os::unix::fs::MetadataExt as _;
            shell.uid(owner.uid()).gid(owner.gid());
        }
        shell.status().unwrap().success()
    };
    assert!(as_owner(&script));
    let url = format!("postgresql://postgres@127.0.0.1:{port}/postgres");
    let run = pgwise(&["analyze", "--snapshot", &fixture.snapshot(), "--twin-url", &url, "--format", "json"]);
    let log = std::fs::read_to_string(data.join("log")).unwrap_or_default();
    assert!(as_owner(&format!("{programs}/pg_ctl -D {} -m immediate stop >/dev/null", data.display())));
    run.ends(0, 60);
    assert!(run.json()["recommendations"].to_string().contains("btree (customer)"));
    assert!(!log.contains("page verification failed"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_not_carry_a_twin_is_refused() {
    let fixture = Fixture::new("twin_refused").await;
    let Some(server) = fixture.given().await else { return };
    let (url, snapshot) = (server.url("postgres"), fixture.snapshot());
    let client = connect(&url).await;
    let refused = |snapshot: &str, url: &str, words: &[&str]| {
        for command in [["twin"].as_slice(), &["analyze", "--what-if", "twin"]] {
            let arguments: Vec<&str> =
                command.iter().copied().chain(["--snapshot", snapshot, "--twin-url", url]).collect();
            pgwise(&arguments).fails(20, words);
        }
    };
    refused(&snapshot, fixture.database.url(), &["is the monitored server itself"]);
    let other = fixture.write("other.json", |json| json["server"]["version_num"] = 130_004.into());
    refused(&other, &url, &["the snapshot is of 13", "same major version"]);
    client.batch_execute("create role weak login createdb password 'w'").await.unwrap();
    let weak = format!("postgresql://weak:w@127.0.0.1:{}/postgres", server.port());
    refused(&snapshot, &weak, &["weak is no superuser"]);
    client.batch_execute("create database app").await.unwrap();
    connect(&server.url("app")).await.batch_execute("create table precious (id int)").await.unwrap();
    refused(&snapshot, &url, &["not empty and disposable", "its database app has the relation public.precious"]);
    let unreachable = "postgresql://postgres@127.0.0.1:1/postgres";
    refused(&snapshot, unreachable, &["127.0.0.1:1"]);
    let bare = fixture.write("bare.json", |json| json["schema"] = Value::Null);
    refused(&bare, &url, &["does not carry the schema"]);
    assert_eq!(ours(&client).await, [""; 0]);
    // An empty database is in nobody's way.
    connect(&server.url("app")).await.batch_execute("drop table precious").await.unwrap();
    pgwise(&["analyze", "--snapshot", &snapshot, "--twin-url", &url]).ends(0, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_server_is_no_place_for_its_twin() {
    let fixture = Fixture::new("twin_live").await;
    let url = fixture.database.url();
    let sql = fixture.folder.path().join("w.sql");
    std::fs::write(&sql, STATEMENTS.join(";\n")).unwrap();
    let arguments = ["analyze", "--what-if", "twin", "--url", url, "--twin-url", url, "--sql", sql.to_str().unwrap()];
    pgwise(&arguments).fails(30, &["is the monitored server itself"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_leaves_is_removed_by_the_next() {
    let fixture = Fixture::new("twin_killed").await;
    let Some(server) = fixture.given().await else { return };
    let (url, snapshot) = (server.url("postgres"), fixture.snapshot());
    let client = connect(&url).await;
    let arguments = ["twin", "--snapshot", &snapshot, "--twin-url", &url];
    let mut killed = start(&arguments);
    wait_for(&client, &mut killed, A_ROLE).await;
    let mut living = start(&arguments);
    wait_for(&client, &mut living, "select from pg_roles where rolname ~ 'pgwise_twin_' offset 1").await;
    killed.signal("KILL");
    killed.finish();
    assert!(ours(&client).await.len() >= 6);
    // Its sessions end when the server notices.
    wait_for(
        &client,
        &mut living,
        "select where (select count(*) from pg_stat_activity where application_name ~ 'pgwise_twin_') < 2",
    )
    .await;
    pgwise(&["analyze", "--snapshot", &snapshot, "--twin-url", &url]).ends(0, 60);
    assert_eq!(ours(&client).await.len(), 3, "the living one's template, copy and role stay");
    living.signal("INT");
    living.finish().ends(0, 20);
    assert_eq!(ours(&client).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_leaves_nothing() {
    let fixture = Fixture::new("twin_interrupted").await;
    let Some(server) = fixture.given().await else { return };
    let (url, snapshot) = (server.url("postgres"), fixture.snapshot());
    let client = connect(&url).await;
    let sql = fixture.folder.path().join("slow.sql");
    std::fs::write(&sql, slow_statements()).unwrap();
    for (signal, command) in [("INT", "analyze"), ("TERM", "analyze"), ("TERM", "twin")] {
        let mut arguments = vec![command, "--snapshot", &snapshot, "--twin-url", &url];
        if command == "analyze" {
            arguments.extend(["--sql", sql.to_str().unwrap()]);
        }
        let mut run = start(&arguments);
        let busy = "select from pg_stat_activity where datname ~ 'pgwise_twin_.*_[0-9]+_0' and query ~ 'EXPLAIN' and state = 'active'";
        wait_for(&client, &mut run, if command == "twin" { A_ROLE } else { busy }).await;
        run.signal(signal);
        let run = run.finish();
        if command == "analyze" {
            run.fails(20, &["interrupted"]);
        } else {
            run.ends(0, 20);
        }
        assert_eq!(ours(&client).await, [""; 0], "after {signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_ends_the_run_with_one_message() {
    let fixture = Fixture::new("twin_dies").await;
    let snapshot = fixture.snapshot();
    let sql = fixture.folder.path().join("slow.sql");
    std::fs::write(&sql, slow_statements()).unwrap();
    for command in ["twin", "analyze"] {
        let Some(server) = fixture.given().await else { return };
        let url = server.url("postgres");
        let client = connect(&url).await;
        let mut arguments = vec![command, "--snapshot", &snapshot, "--twin-url", &url];
        if command == "analyze" {
            arguments.extend(["--sql", sql.to_str().unwrap()]);
        }
        let mut run = start(&arguments);
        let busy = "select from pg_stat_activity where datname ~ 'pgwise_twin_.*_[0-9]+_0' and query ~ 'EXPLAIN' and state = 'active'";
        wait_for(&client, &mut run, if command == "twin" { FINISHED } else { busy }).await;
        let pid = std::fs::read_to_string(server.files().unwrap().data().join("postmaster.pid")).unwrap();
        send("KILL", pid.lines().next().unwrap().parse().unwrap());
        let words: &[&str] = if command == "twin" { &["server is gone"] } else { &["broken off"] };
        run.finish().fails(30, words);
    }
}

/// A file system of this many megabytes, or a reason to skip.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn new(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m,mode=1777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(folder.path()).output();
        if mounted.is_ok_and(|m| m.status.success()) {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
            Some(Self(folder))
        } else {
            skipping("a small file system cannot be mounted");
            None
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.0.path()).status().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_one_message_and_leaves_nothing() {
    let fixture = Fixture::new("twin_full").await;
    if fixture.given().await.is_none() {
        return;
    }
    // Not enough for initdb, and not enough for the twin's databases.
    for (megabytes, word) in [(20, "free disk space"), (60, "disk is full")] {
        let Some(disk) = SmallDisk::new(megabytes) else { return };
        let snapshot = fixture.snapshot();
        let folder = programs();
        let mut arguments = vec!["analyze", "--what-if", "twin", "--snapshot", &snapshot];
        if let Some(folder) = &folder {
            arguments.extend(["--pg-bin", folder.to_str().unwrap()]);
        }
        let mut full = command(&arguments);
        full.env("TMPDIR", disk.0.path());
        start_command(full, &arguments).finish().fails(60, &[word]);
        let left: Vec<_> = std::fs::read_dir(disk.0.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(left, Vec::<PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_can_explain_and_neither_read_nor_spoil() {
    let fixture = Fixture::new("twin_readers").await;
    let Some(mut twin) = build_with(&fixture.snapshot, TwinOptions::default()).await else { return };
    let reader = connect(&twin.reader_url().await.unwrap()).await;
    for statement in
        ["select * from orders where customer = 1", "delete from orders where id = 4", "update orders set id = 1"]
    {
        reader.batch_execute(&format!("explain {statement}")).await.unwrap();
    }
    let refusals = [
        ("select count(state) from orders", "invalid page in block 0"),
        ("explain analyze select * from orders where customer = 1", "invalid page in block 0"),
        ("delete from orders where id = 4", "read-only transaction"),
        ("create index on orders (customer)", "read-only transaction"),
    ];
    for (statement, word) in refusals {
        let error = reader.batch_execute(statement).await.unwrap_err();
        let message = error.as_db_error().unwrap().message().to_owned();
        assert!(message.contains(word), "{statement}: {message}");
    }
    // Skipped with a warning: the statistics stay.
    let rows = "select reltuples::float8 from pg_class where relname = 'orders'";
    reader.batch_execute("analyze orders").await.unwrap();
    assert!((reader.query_one(rows, &[]).await.unwrap().get::<_, f64>(0) - 50_000.0).abs() < 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_do_not_depend_on_the_number_of_sessions() {
    let (database, statements) = shop("twin_sessions").await;
    let snapshot = take(&database, &statements, ValuesPolicy::All).await;
    let mut first = None;
    for copies in [1, 2, 4] {
        let Some(twin) = build_with(&snapshot, TwinOptions { copies, ..TwinOptions::default() }).await else { return };
        let mut source = TwinSource::new(twin, &snapshot, Handle::current());
        let specs = shop_candidates(&snapshot);
        let requests: Vec<_> =
            (0..statements.len()).flat_map(|s| (0..specs.len()).map(move |c| request(s, &[c], &[]))).collect();
        let (answers, rate) = tokio::task::spawn_blocking(move || {
            assert!(source.register(&specs).iter().any(Result::is_ok));
            source.cost(&requests);
            let began = Instant::now();
            let answers = source.cost(&requests);
            (answers, requests.len() as f64 / began.elapsed().as_secs_f64())
        })
        .await
        .unwrap();
        eprintln!("{copies} sessions: {rate:.0} costings per second");
        assert_eq!(*first.get_or_insert_with(|| answers.clone()), answers);
    }
}

/// One B-tree on each column of the shop's larger tables.
fn shop_candidates(snapshot: &Snapshot) -> Vec<(usize, pgwise::snapshot::IndexSpec)> {
    let columns = snapshot.catalog.tables.iter().filter(|t| t.rows().is_some_and(|r| r > 1000.0)).flat_map(|t| {
        t.columns.iter().map(move |c| pgwise::snapshot::IndexSpec {
            table: t.oid,
            method: pgwise::snapshot::IndexMethod::Btree,
            keys: vec![pgwise::snapshot::KeySpec::column(c.attnum)],
            include: vec![],
            predicate: None,
            unique: false,
            pages_per_range: None,
        })
    });
    columns.take(30).enumerate().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_analysis_has_the_twin_judge_what_hypopg_cannot_express() {
    let fixture = Fixture::new("twin_reserve").await;
    let hypopg = fixture.database.extension("hypopg").await;
    if fixture.given().await.is_none() {
        return;
    }
    let sql = fixture.folder.path().join("w.sql");
    std::fs::write(&sql, STATEMENTS.join(";\n")).unwrap();
    let folder = programs();
    let mut arguments =
        vec!["analyze", "--url", fixture.database.url(), "--sql", sql.to_str().unwrap(), "--format", "json"];
    if let Some(folder) = &folder {
        arguments.extend(["--pg-bin", folder.to_str().unwrap()]);
    }
    let run = pgwise(&arguments);
    run.ends(0, 60);
    let report = run.json();
    assert_eq!(report["cost_source"]["kind"], if hypopg { "hypopg" } else { "twin" });
    let recommendations = report["recommendations"].as_array().unwrap();
    let gin = recommendations.iter().find(|r| r["index"]["method"] == "gin").unwrap();
    assert_eq!(gin["evidence"], "planner");
    let btree = recommendations.iter().find(|r| r["index"]["method"] == "btree").unwrap();
    assert_eq!(btree["evidence"], "planner");
}
