//! A container by the Docker command line, for machines without server binaries.

use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Keeper, SETTINGS, Server, random_word};

/// The superuser that the official image makes.
const SUPERUSER: &str = "postgres";
const LABEL: &str = "io.github.pgwise=throwaway";
/// Removes containers of ours whose keeper on this machine is gone: it, too, can be killed.
const LEFTOVERS: &str = r#"docker ps --all --filter "label=$1" --format '{{.ID}} {{.Label "io.github.pgwise.keeper"}}' |
while read -r id keeper; do
    pid=${keeper##*:}
    [ "$keeper" = "$(uname -n):$pid" ] || continue
    kill -0 "$pid" 2>/dev/null || [ -d "/proc/$pid" ] || docker rm --force --volumes "$id"
done"#;
const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(100);

/// Starts a container from an image, fetching it when it is not here. An error is a clause for a message.
pub(super) fn start(image: &str, settings: &[(String, String)]) -> Result<Server, String> {
    if !docker(&["version", "--format", "{{.Server.Version}}"]).is_ok_and(|o| o.status.success()) {
        return Err("no Docker engine answers".to_owned());
    }
    remove_leftovers();
    if !docker(&["image", "inspect", image]).is_ok_and(|o| o.status.success()) {
        let pulled = docker(&["pull", "--quiet", image])?;
        if !pulled.status.success() {
            return Err(format!("the image {image} is neither here nor to be had: {}", last_line(&pulled.stderr)));
        }
    }
    let password = random_word().map_err(|e| e.to_string())?;
    let name = format!("pgwise-{}", random_word().map_err(|e| e.to_string())?);
    let mut arguments: Vec<String> = ["--shm-size", "256m", "--label", LABEL, "--publish", "127.0.0.1::5432"]
        .into_iter()
        // Named without its value, which the list of processes would show: docker takes it from its environment.
        .chain(["--env", "POSTGRES_PASSWORD", image])
        .map(str::to_owned)
        .collect();
    let given = settings.iter().map(|(name, value)| (&**name, &**value));
    for (name, value) in SETTINGS.iter().copied().chain(given) {
        arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let keeper = Keeper::run_container(&name, &arguments, |docker| {
        docker.env("POSTGRES_PASSWORD", &password);
    })
    .map_err(|e| format!("no shell could be started to watch a container: {e}"))?
    .map_err(|word| format!("a container of {image} did not start: {}", last_line(word.as_bytes())))?;
    let port = published_port(&name)?;
    wait_until_ready(&name)?;
    Ok(Server {
        keeper,
        user: SUPERUSER.to_owned(),
        password,
        host: "127.0.0.1".to_owned(),
        port,
        origin: format!("PostgreSQL in a container of {image}"),
        files: None,
    })
}

/// What cannot be removed now stays until the next start: no reason not to start.
fn remove_leftovers() {
    let mut shell = Command::new("/bin/sh");
    let _ = shell.args(["-c", LEFTOVERS, "pgwise-leftovers", LABEL]).stdin(Stdio::null()).output();
}

fn docker(arguments: &[&str]) -> Result<Output, String> {
    Command::new("docker").args(arguments).output().map_err(|e| format!("docker could not be run: {e}"))
}

/// `127.0.0.1:49153` → 49153.
fn published_port(id: &str) -> Result<u16, String> {
    let output = docker(&["port", id, "5432/tcp"])?;
    let printed = String::from_utf8_lossy(&output.stdout);
    printed
        .lines()
        .find_map(|line| line.rsplit(':').next()?.trim().parse().ok())
        .ok_or_else(|| format!("its container's port is unknown: {}", last_line(&output.stderr)))
}

/// The image starts a first server on the socket alone to initialise, so readiness is asked over TCP.
fn wait_until_ready(id: &str) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let asked = docker(&["exec", id, "pg_isready", "--quiet", "--host", "127.0.0.1"])?;
        if asked.status.success() {
            return Ok(());
        }
        if Instant::now() > deadline || !docker(&["inspect", id])?.status.success() {
            let logs = docker(&["logs", "--tail", "3", id])?;
            return Err(format!("its server did not become ready: {}", last_line(&logs.stderr)));
        }
        sleep(POLL);
    }
}

/// What a program ended with saying, less docker's advice to see its help.
fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let says_something =
        |l: &&str| !l.trim().is_empty() && !l.starts_with("See 'docker") && !l.starts_with("Run 'docker");
    text.lines().rfind(says_something).unwrap_or("no reason given").trim().to_owned()
}

#[test]
fn the_reason_is_what_docker_says_before_it_advises() {
    let output = b"docker: Error response from daemon: Conflict.\nSee 'docker run --help'.\n\n";
    assert_eq!(last_line(output), "docker: Error response from daemon: Conflict.");
    assert_eq!(last_line(b""), "no reason given");
}
