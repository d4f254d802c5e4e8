//! A full analysis of a large snapshot, as a user runs it: 2,000 tables, 10,000 indexes, 5,000 statements, from a file,
//! by the planner model. Prints the seconds and the greatest memory that it took.

mod support;

use std::fs::File;
use std::io::BufWriter;
use std::process::{Command, Stdio};
use std::time::Instant;

use pgwise::snapshot::file;
use support::{Scale, synthetic};

#[expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its result and fails by panicking")]
fn main() {
    // `cargo test` runs benchmarks too, as a smoke test without `--bench`.
    let bench = std::env::args().any(|a| a == "--bench");
    let scale = if bench {
        Scale { tables: 2_000, indexes: 10_000, statements: 5_000 }
    } else {
        Scale { tables: 26, indexes: 130, statements: 65 }
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.json");
    file::write(&synthetic(scale), BufWriter::new(File::create(&path).unwrap()), false).unwrap();
    let bytes = std::fs::metadata(&path).unwrap().len();
    let began = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_pgwise"))
        .args(["analyze", "--what-if", "model", "--format", "json", "--snapshot"])
        .arg(&path)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let seconds = began.elapsed().as_secs_f64();
    assert!(status.success(), "{status}");
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).unwrap();
    println!(
        "analysis of {} tables, {} indexes, {} statements ({:.0} MB of snapshot): {seconds:.1} s, {:.0} MB",
        scale.tables,
        scale.indexes,
        scale.statements,
        bytes as f64 / 1e6,
        usage.max_rss() as f64 * 1024.0 / 1e6
    );
}
