//! What is collected into a file is what a live analysis sees, and the same file always gives the same report.

use std::path::Path;

use serde_json::Value;

use crate::harness::binary::pgwise;
use crate::harness::{self, Database};

/// A database with a workload of several kinds, or `None` where nothing counts statements.
async fn database(topic: &str) -> Option<Database> {
    let database = harness::database(topic).await;
    if !database.extension("pg_stat_statements").await {
        return None;
    }
    database
        .execute(
            "create table customers (id int primary key, email text not null unique, country text not null);
             create table orders (id int primary key, customer_id int not null references customers, total numeric not
                 null, placed timestamptz not null, deleted_at timestamptz);
             create index orders_placed on orders (placed); create index orders_placed_copy on orders (placed);
             insert into customers select i, 'user' || i || '@example.com', 'c' || i % 20 from generate_series(1, 5000) i;
             insert into orders select i, i % 5000 + 1, i % 977, timestamptz '2025-01-01' + i * interval '1 minute',
                 case when i % 50 > 0 then timestamptz '2025-06-01' end from generate_series(1, 40000) i;
             create view open_orders as select * from orders where deleted_at is null",
        )
        .await;
    database.execute("vacuum analyze").await;
    database.forget_statements().await;
    let client = database.client().await;
    for i in 1..20_i32 {
        client.query("select total from orders where customer_id = $1", &[&i]).await.expect("runs");
        client.query("select * from open_orders where id > $1 order by placed limit 5", &[&i]).await.expect("runs");
        client.query("select count(*) from customers where country = $1", &[&format!("c{i}")]).await.expect("runs");
        client.execute("update orders set total = total + 1 where id = $1", &[&i]).await.expect("runs");
    }
    client
        .query("select c.email from customers c join orders o on o.customer_id = c.id where o.id = 7", &[])
        .await
        .expect("runs");
    // Counters of finished statements are told to the statistics system when the session is idle, or ends.
    drop(client);
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    Some(database)
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

fn read(file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(file).expect("written")).expect("JSON")
}

/// Takes these keys out, wherever they are.
fn without(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !keys.contains(&key.as_str()));
            map.values_mut().for_each(|v| without(v, keys));
        }
        Value::Array(items) => items.iter_mut().for_each(|v| without(v, keys)),
        _ => {}
    }
}

#[tokio::test]
async fn a_snapshot_holds_what_a_live_analysis_sees() {
    let Some(database) = database("offline_live").await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = path(folder.path(), "s.json.zst");
    pgwise(&["collect", "-o", &file, "--url", database.url()]).ends(0, 10);
    let shared = ["analyze", "--format", "json", "--what-if", "rule"];
    let mut live = pgwise(&[&shared[..], &["--url", database.url()]].concat()).json();
    let mut offline = pgwise(&[&shared[..], &["--snapshot", &file]].concat()).json();
    assert_eq!((live["source"]["kind"].take(), offline["source"]["kind"].take()), ("live".into(), "snapshot".into()));
    assert!(live["workload"]["statements_analysed"].as_u64().is_some_and(|n| n >= 5), "{}", live["workload"]);
    assert_eq!(live["source"]["tables"], 2);
    for report in [&mut live, &mut offline] {
        // The moments differ, and so do rates up to them; and by then pgwise's own statements were counted and left out.
        let moments = ["generated_at", "captured_at", "statements_seen", "time_saved_ms_per_hour", "writes_per_hour"];
        without(report, &moments);
        without(report, &["time_analysed_pct"]);
        let skipped = report["workload"]["skipped"].as_array_mut().expect("a list");
        skipped.retain(|s| !["own-statement", "utility", "system-catalog"].iter().any(|own| s["reason"] == *own));
    }
    assert_eq!(live["workload"], offline["workload"]);
    assert_eq!(live["source"], offline["source"]);
    for (key, value) in live.as_object().expect("an object") {
        assert_eq!(*value, offline[key], "{key}");
    }
}

#[tokio::test]
async fn two_snapshots_differ_in_moments_and_counters_only() {
    let Some(database) = database("offline_twice").await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let files = [path(folder.path(), "a.json"), path(folder.path(), "b.json")];
    for file in &files {
        pgwise(&["collect", "-o", file, "--url", database.url()]).ends(0, 10);
    }
    let [mut a, mut b] = files.map(|file| read(&file));
    for snapshot in [&mut a, &mut b] {
        // What pgwise itself adds: its own statements, and catalog reads in the server's and the database's counters.
        without(snapshot, &["captured_at", "left_out", "total_calls", "total_time_ms", "activity", "evicted"]);
        without(&mut snapshot["server"], &["blocks_hit", "blocks_read", "database_bytes"]);
    }
    assert_eq!(a["statements"], b["statements"]);
    assert_eq!(a["catalog"], b["catalog"]);
    assert_eq!(a, b);
}

#[tokio::test]
async fn the_same_snapshot_gives_the_same_bytes() {
    let Some(database) = database("offline_bytes").await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let plain = path(folder.path(), "s.json");
    pgwise(&["collect", "-o", &plain, "--url", database.url()]).ends(0, 10);
    let packed = path(folder.path(), "s.json.zst");
    let bytes = std::fs::read(&plain).expect("written");
    std::fs::write(&packed, zstd::encode_all(bytes.as_slice(), 3).expect("packs")).expect("written");
    // Compression is recognised by content, whatever the name.
    let unnamed = path(folder.path(), "s.bin");
    std::fs::copy(&packed, &unnamed).expect("copied");
    let run = |file: &str, format: &str| {
        let run = pgwise(&["analyze", "--format", format, "--min-history", "0", "--snapshot", file]);
        run.ends(0, 10);
        run.stdout
    };
    for format in ["json", "sql", "table", "markdown"] {
        let first = run(&plain, format);
        for file in [&plain, &packed, &unnamed] {
            assert_eq!(run(file, format), first, "{format} of {file}");
        }
    }
    let report: Value = serde_json::from_str(&run(&plain, "json")).expect("JSON");
    assert!(report["recommendations"].as_array().is_some_and(|r| r.len() >= 2), "{report}");
    // Written to a file, it is the same as well.
    let file = path(folder.path(), "r.json");
    pgwise(&["analyze", "--min-history", "0", "--snapshot", &plain, "-o", &file]).ends(0, 10);
    assert_eq!(std::fs::read_to_string(&file).expect("written"), run(&plain, "json"));
}
