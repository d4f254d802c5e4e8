//! Servers of several major versions.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use pgwise::throwaway::{Server, ServerOptions};

use crate::settings::environment;

/// A running server and where its programs are.
pub(crate) struct Running {
    pub(crate) server: Server,
    /// The folder with its programs; `None` where it was searched for.
    pub(crate) folder: Option<PathBuf>,
}

/// Loading must not take the day, and plans are made as with PostgreSQL's own defaults.
const SETTINGS: &[(&str, &str)] =
    &[("shared_buffers", "256MB"), ("maintenance_work_mem", "256MB"), ("max_locks_per_transaction", "1024")];

/// Starts a server of this major version, which scripts/test-servers.sh finds or installs.
pub(crate) fn start(major: u32) -> Result<Running, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-servers.sh");
    let output = Command::new(script).arg(major.to_string()).output().map_err(|e| format!("{script}: {e}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let found = printed.strip_prefix(&format!("{major} ")).filter(|_| output.status.success());
    let folder = PathBuf::from(found.ok_or_else(|| format!("PostgreSQL {printed}"))?);
    run(Some(folder), Some(major))
}

/// Starts the server that the tests use.
pub(crate) fn usual() -> Result<Running, String> {
    run(environment("PGWISE_TEST_PG_BIN").map(PathBuf::from), None)
}

/// Another server of the same programs.
pub(crate) fn again(running: &Running) -> Result<Running, String> {
    run(running.folder.clone(), None)
}

fn run(folder: Option<PathBuf>, major: Option<u32>) -> Result<Running, String> {
    // `PARITY_SETTINGS`: the planner's, other than PostgreSQL's own.
    let wanted = environment("PARITY_SETTINGS").unwrap_or_default();
    let wanted = wanted.split(' ').filter_map(|setting| setting.split_once('='));
    let wanted: Vec<_> = wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let options = ServerOptions {
        pg_bin: folder.clone(),
        search_path: environment("PATH").map(OsString::from),
        settings: SETTINGS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .chain(wanted)
            .collect(),
        major,
        image: None,
    };
    let server = Server::start(&options).map_err(|error| error.to_string())?;
    Ok(Running { server, folder })
}
