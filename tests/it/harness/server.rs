//! The one server that all tests of the binary share.

use std::ffi::OsString;
use std::sync::OnceLock;

use pgwise::throwaway::{Keeper, Server, ServerOptions};
use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};

/// The image tried when there are neither binaries nor a name for another one.
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

/// Started on first use.
pub(crate) fn shared() -> &'static TestServer {
    static SHARED: OnceLock<TestServer> = OnceLock::new();
    SHARED.get_or_init(|| {
        if let Some(url) = environment("PGWISE_TEST_URL") {
            return TestServer::Given(url);
        }
        if let Some(image) = environment("PGWISE_TEST_IMAGE") {
            return container(&image);
        }
        let settings = SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = ServerOptions {
            pg_bin: environment("PGWISE_TEST_PG_BIN").map(Into::into),
            search_path: environment("PATH").map(OsString::from),
            settings,
            major: None,
            image: None,
        };
        match Server::start(&options) {
            Ok(server) => TestServer::Local(server),
            Err(_) if engine_answers() => container(OFFICIAL_IMAGE),
            Err(error) => panic!("no server to test with: {error}. Or set PGWISE_TEST_URL to a superuser's URL."),
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "which server to test with is the environment's to say")]
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn engine_answers() -> bool {
    std::process::Command::new("docker").arg("version").output().is_ok_and(|output| output.status.success())
}

/// Starts a container on a runtime that lives as long as the container needs one.
fn container(image: &str) -> TestServer {
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
    let starting = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async {
            let container = image.with_cmd(command).start().await.expect("start a container");
            let host = container.get_host().await.expect("the engine's host").to_string();
            let port = container.get_host_port_ipv4(5432).await.expect("the container's port");
            let keeper = Keeper::of_container(container.id()).expect("watch the container");
            // Dropping it would remove the container now; the keeper removes it when this process ends.
            std::mem::forget(container);
            TestServer::Container { host, port, _keeper: keeper }
        })
    });
    starting.join().expect("the container came up")
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
