//! Files that cannot be read or written.

use std::io::Read as _;
use std::path::Path;

use crate::harness;
use crate::harness::binary::{command, pgwise};

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

#[tokio::test]
async fn damaged_snapshots_are_told_from_newer_ones() {
    let database = harness::database("fail_files").await;
    if !database.extension("pg_stat_statements").await {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["whole.json", "whole.json.zst"] {
        let whole = path(folder.path(), name);
        pgwise(&["collect", "-o", &whole, "--url", database.url()]).ends(0, 10);
        pgwise(&["analyze", "--snapshot", &whole]).ends(0, 5);
        let bytes = std::fs::read(&whole).expect("written");
        let cut = path(folder.path(), &format!("cut-{name}"));
        std::fs::write(&cut, &bytes[..bytes.len() / 2]).expect("written");
        let run = pgwise(&["analyze", "--snapshot", &cut]);
        run.fails(5, &["cannot read the snapshot", &cut, "not a pgwise snapshot, or it is damaged", "pgwise collect"]);
        assert_eq!(run.stdout, "");
    }
    let text = std::fs::read_to_string(path(folder.path(), "whole.json")).expect("written");
    let newer = path(folder.path(), "newer.json");
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    json["schema_version"] = 4711.into();
    json["server"] = "of another shape".into();
    std::fs::write(&newer, json.to_string()).expect("written");
    pgwise(&["analyze", "--snapshot", &newer]).fails(5, &["format version 4711", "update pgwise"]);
    for (name, content) in
        [("garbage.json", &b"\x00\xff not json"[..]), ("empty.json", b""), ("other.json", b"{\"a\":1}")]
    {
        let file = path(folder.path(), name);
        std::fs::write(&file, content).expect("written");
        let run = pgwise(&["analyze", "--snapshot", &file]);
        run.fails(5, &[name, "not a pgwise snapshot, or it is damaged"]);
    }
    let run = pgwise(&["analyze", "--snapshot", &path(folder.path(), "absent.json")]);
    run.fails(5, &["absent.json", "No such file", "pgwise collect"]);
    pgwise(&["analyze", "--snapshot", &path(folder.path(), "")]).fails(5, &["cannot read the snapshot"]);
}

#[test]
fn a_folder_that_is_not_there_is_found_before_anything_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = path(folder.path(), "missing/report.json");
    // Nothing listens there: the message is about the file, so the file was looked at first.
    let url = "postgresql://u:p@127.0.0.1:1/d";
    for command in ["analyze", "collect"] {
        let run = pgwise(&[command, "--url", url, "-o", &nowhere]);
        run.fails(5, &["cannot write", "missing/report.json", "choose a folder that exists"]);
    }
}

#[tokio::test]
async fn a_reader_that_leaves_early_is_no_failure() {
    let database = harness::database("fail_pipe").await;
    if !database.extension("pg_stat_statements").await {
        return;
    }
    database.execute("create table t (id int primary key, v int)").await;
    for format in ["table", "json"] {
        let mut child = command(&["analyze", "--format", format, "--url", database.url()]).spawn().expect("built");
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
        let status = child.wait().expect("our own child");
        assert_eq!(status.code(), Some(0), "{said}");
        assert_eq!(said, "");
    }
    // As the shell has it: the reader takes a line and goes.
    let line = format!("'{}' analyze --all --url '{}' | head -1", env!("CARGO_BIN_EXE_pgwise"), database.url());
    let script = format!("set -o pipefail; {line}");
    let out = std::process::Command::new("bash").args(["-c", &script]).output().expect("bash");
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(String::from_utf8_lossy(&out.stdout).lines().count(), 1);
}

#[tokio::test]
async fn a_full_disk_is_a_failure() {
    let Ok(full) = std::fs::File::create("/dev/full") else { return };
    let database = harness::database("fail_full").await;
    if !database.extension("pg_stat_statements").await {
        return;
    }
    let output = command(&["analyze", "--url", database.url()]).stdout(full).output().expect("built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("cannot write the output") && said.contains("No space left"), "{said}");
}
