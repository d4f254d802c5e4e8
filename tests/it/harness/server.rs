//! The one server that all tests of the binary share.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pgwise::throwaway::{Keeper, Server, ServerError, ServerOptions};
use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};

/// The image of scripts/test-image.sh, with HypoPG: used where it is, never fetched.
const OWN_IMAGE: &str = "pgwise-postgres:15";
/// The image fetched when there is nothing else. It has no HypoPG.
const OFFICIAL_IMAGE: &str = "postgres:17";
const PASSWORD: &str = "pgwise-test";
const SETTINGS: &[(&str, &str)] = &[("max_connections", "200"), ("shared_buffers", "128MB")];

pub(crate) enum TestServer {
    /// Somebody else's: databases are dropped again.
    Given(String),
    /// Ours, from local binaries.
    Local(Server),
    /// Ours, in a container. Statics are not dropped, so the container hangs on a process that outlives us for a moment.
    Container { host: String, port: u16, _keeper: Keeper },
}

/// Started on first use. What failed once is not tried again for every test.
pub(crate) fn shared() -> &'static TestServer {
    static SHARED: OnceLock<Result<TestServer, String>> = OnceLock::new();
    match SHARED.get_or_init(start) {
        Ok(server) => server,
        Err(why) => panic!("no server to test with: {why}. Or set PGWISE_TEST_URL to a superuser's URL."),
    }
}

fn start() -> Result<TestServer, String> {
    if let Some(url) = environment("PGWISE_TEST_URL") {
        return Ok(TestServer::Given(url));
    }
    if let Some(image) = environment("PGWISE_TEST_IMAGE") {
        return container(&image);
    }
    let pg_bin = environment("PGWISE_TEST_PG_BIN");
    // A folder named for the run outranks an image that happens to be here.
    if pg_bin.is_none() && docker_agrees(&["image", "inspect", OWN_IMAGE]) {
        return container(OWN_IMAGE);
    }
    let settings = SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = ServerOptions {
        pg_bin: pg_bin.map(Into::into),
        search_path: environment("PATH").map(OsString::from),
        settings,
        major: None,
        image: None,
    };
    match Server::start(&options) {
        Ok(server) => Ok(TestServer::Local(server)),
        Err(ServerError::NotFound { .. }) if docker_agrees(&["version"]) => container(OFFICIAL_IMAGE),
        Err(error) => Err(error.to_string()),
    }
}

#[expect(clippy::disallowed_methods, reason = "which server to test with is the environment's to say")]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether docker does what it is asked, soon: an engine far away that does not answer must not hold up the tests.
fn docker_agrees(arguments: &[&str]) -> bool {
    const PATIENCE: Duration = Duration::from_secs(3);
    let mut command = Command::new("docker");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut docker) = command.spawn() else { return false };
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        match docker.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            Err(_) => return false,
        }
    }
    docker.kill().ok();
    docker.wait().ok();
    false
}

/// Starts a container on a runtime that lives as long as the container needs one.
fn container(image: &str) -> Result<TestServer, String> {
    let called = image.to_owned();
    let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
    let image = GenericImage::new(name, tag)
        .with_exposed_port(5432.tcp())
        .with_wait_for(WaitFor::message_on_stderr("listening on IPv4"))
        .with_wait_for(WaitFor::message_on_stderr("database system is ready to accept connections"))
        .with_env_var("POSTGRES_PASSWORD", PASSWORD)
        .with_shm_size(256 << 20);
    let mut command: Vec<String> = vec!["postgres".to_owned()];
    for (name, value) in SETTINGS.iter().chain(&[("shared_preload_libraries", "pg_stat_statements"), ("fsync", "off")])
    {
        command.extend(["-c".to_owned(), format!("{name}={value}")]);
    }
    let starting = std::thread::spawn(move || -> Result<TestServer, Box<dyn std::error::Error + Send + Sync>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let container = image.with_cmd(command).start().await?;
            let keeper = Keeper::of_container(container.id())?;
            let host = container.get_host().await?.to_string();
            let port = container.get_host_port_ipv4(5432).await?;
            // Dropping it would remove the container now; the keeper removes it when this process ends.
            std::mem::forget(container);
            Ok(TestServer::Container { host, port, _keeper: keeper })
        })
    });
    let started = starting.join().map_err(|_| "starting a container panicked".to_owned())?;
    started.map_err(|error| format!("no container of {called}: {error}"))
}

impl TestServer {
    /// A URL for one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        match self {
            Self::Given(url) => with_database(url, database),
            Self::Local(server) => server.url(database),
            Self::Container { host, port, .. } => format!("postgresql://postgres:{PASSWORD}@{host}:{port}/{database}"),
        }
    }

    /// Whether it goes away with this process.
    pub(crate) fn is_ours(&self) -> bool {
        !matches!(self, Self::Given(_))
    }
}

/// The same URL with another database.
fn with_database(url: &str, database: &str) -> String {
    let (base, parameters) = url.split_once('?').map_or((url, String::new()), |(b, p)| (b, format!("?{p}")));
    let authority = base.find("://").map_or(0, |i| i + 3);
    let end = base[authority..].find('/').map_or(base.len(), |i| authority + i);
    format!("{}/{database}{parameters}", &base[..end])
}

#[test]
fn the_database_of_a_url_is_replaced() {
    assert_eq!(with_database("postgres://u:p@h:1/a?sslmode=disable", "b"), "postgres://u:p@h:1/b?sslmode=disable");
    assert_eq!(with_database("postgres://u@h", "b"), "postgres://u@h/b");
}
