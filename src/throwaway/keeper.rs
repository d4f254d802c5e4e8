//! The process that holds what must not outlive us.
//!
//! A shell runs in a process group of its own (so that Ctrl-C at the terminal reaches us and not it) with its standard
//! input on a pipe whose other end only this process has. When that end closes, because the [`Keeper`] is dropped or
//! because this process is gone for whatever reason, the shell cleans up. Rust opens pipes close-on-exec, so no other
//! child keeps the end open.

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Holds something until it is dropped or this process ends.
#[derive(Debug)]
pub struct Keeper {
    child: Option<Child>,
}

impl Keeper {
    /// Runs `script` under `sh` with `arguments` as `$1`…; the script must clean up when its standard input ends.
    /// `prepare` may change the command further (account, environment).
    pub(super) fn spawn(script: &str, arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).arg("pgwise-keeper").args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).current_dir("/");
        prepare(&mut command);
        Ok(Self { child: Some(command.spawn()?) })
    }

    /// Removes a container by the Docker command line when this process ends.
    pub fn of_container(id: &str) -> io::Result<Self> {
        const SCRIPT: &str = r#"trap '' INT TERM HUP
cat >/dev/null
docker rm --force --volumes "$1" >/dev/null 2>&1"#;
        Self::spawn(SCRIPT, &[id], |_| {})
    }

    /// Runs `docker run` with `arguments` for a container called `name`, and removes that container when this process
    /// ends. The shell makes the container itself, because one made before the shell would be left behind by a kill
    /// in between. `None` with the engine's word if there is no container.
    pub(super) fn run_container(
        name: &str,
        arguments: &[&str],
        prepare: impl FnOnce(&mut Command),
    ) -> io::Result<Result<Self, String>> {
        const SCRIPT: &str = r#"trap '' INT TERM HUP
name=$1
shift
if docker run --detach --rm --name "$name" --label "io.github.pgwise.keeper=$(uname -n):$$" "$@" </dev/null >/dev/null; then
    echo started
    exec >/dev/null 2>&1
    cat
fi
docker rm --force --volumes "$name" >/dev/null 2>&1"#;
        let arguments: Vec<&str> = std::iter::once(name).chain(arguments.iter().copied()).collect();
        let mut keeper = Self::spawn(SCRIPT, &arguments, |command| {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            prepare(command);
        })?;
        // Both end when `docker run` has. There may be warnings without a failure.
        let (mut printed, mut complaint) = (String::new(), String::new());
        if let Some(child) = &mut keeper.child {
            child.stdout.take().map_or(Ok(0), |mut pipe| pipe.read_to_string(&mut printed))?;
            child.stderr.take().map_or(Ok(0), |mut pipe| pipe.read_to_string(&mut complaint))?;
        }
        Ok(if printed.trim() == "started" { Ok(keeper) } else { Err(complaint) })
    }

    /// Whether the shell has ended by itself, which it does only when it could not do its work.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|c| c.try_wait().is_ok_and(|status| status.is_some()))
    }

    /// Closes the pipe and waits until everything is cleaned up.
    pub fn release(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            // An error here means that it is gone already.
            let _ = child.wait();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.release();
    }
}
