//! The pgwise binary, run as a user runs it.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Whatever still runs after this long hangs.
const PATIENCE: Duration = Duration::from_mins(3);
/// The times that tests name are those of a quiet machine; what they must tell is a hang, on a busy one as well.
const SLACK: u32 = 5;

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// A run under way.
pub(crate) struct Running {
    child: Child,
    since: Instant,
    what: String,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
}

/// Runs the binary to its end.
pub(crate) fn pgwise(arguments: &[&str]) -> Run {
    start(arguments).finish()
}

/// A command for the binary, with nothing of this environment that could tell it where to connect or how to print.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwise"));
    command.args(arguments).env_clear().env("HOME", "/nonexistent").current_dir(std::env::temp_dir());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the binary.
pub(crate) fn start(arguments: &[&str]) -> Running {
    start_command(command(arguments), arguments)
}

/// Starts a changed [`command`].
pub(crate) fn start_command(mut command: Command, arguments: &[&str]) -> Running {
    let mut child = command.spawn().expect("the binary was built");
    let stdout = drain(child.stdout.take().expect("piped"));
    let stderr = drain(child.stderr.take().expect("piped"));
    Running { child, since: Instant::now(), what: arguments.join(" "), stdout, stderr }
}

impl Running {
    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Run {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                break status;
            }
            if self.since.elapsed() > PATIENCE {
                self.child.kill().expect("our own child");
                panic!("pgwise {} still runs after {PATIENCE:?}", self.what);
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |reader: JoinHandle<Vec<u8>>| String::from_utf8(reader.join().expect("no panic")).expect("UTF-8");
        let took = self.since.elapsed();
        let run = Run { code: status.code(), stdout: text(self.stdout), stderr: text(self.stderr), took };
        // Shown with --nocapture, and when the test fails.
        #[expect(clippy::print_stderr, reason = "what a failed run said is half the diagnosis")]
        {
            eprintln!("pgwise {}\nexit {:?} after {:.2?}\n{}", self.what, run.code, run.took, run.stderr);
        }
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        run
    }

    /// Sends it a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        send(name, self.child.id());
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_none()
    }
}

/// Sends a process a signal, by its name.
pub(crate) fn send(name: &str, process: u32) {
    let sent = Command::new("/bin/sh").args(["-c", &format!("kill -{name} {process}")]).status().expect("a shell");
    assert!(sent.success(), "kill -{name} {process}");
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("the pipe of our own child");
        bytes
    })
}

impl Run {
    /// Asserts the exit code, that it ended in time, and that every word is in the message on stderr.
    #[track_caller]
    pub(crate) fn fails(&self, within_s: u64, words: &[&str]) {
        self.ends(2, within_s);
        assert_eq!(self.stderr.matches("error:").count(), 1, "one message: {}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in the message: {}", self.stderr);
        }
    }

    /// Asserts the exit code and that it ended in time.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32, within_s: u64) {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert!(self.took < SLACK * Duration::from_secs(within_s), "took {:?}", self.took);
    }

    /// Asserts that stdout holds every one of these, wherever its lines were broken.
    #[track_caller]
    pub(crate) fn prints(&self, words: &[&str]) {
        let flat = self.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(flat.contains(word), "`{word}` is not in the report: {}", self.stdout);
        }
    }

    /// Stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

/// psql: the one beside the server's programs, or that of PATH. The tests that use it fail where there is none: what
/// they show cannot be shown otherwise.
pub(crate) fn psql() -> PathBuf {
    let mut folders: Vec<PathBuf> =
        super::server::environment("PGWISE_TEST_PG_BIN").map(Into::into).into_iter().collect();
    let search_path = super::server::environment("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&search_path));
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    let found = folders.into_iter().map(|folder| folder.join("psql")).find(|psql| psql.is_file());
    found.expect("psql is needed: put it into PATH, or name the folder of PostgreSQL's programs in PGWISE_TEST_PG_BIN")
}
