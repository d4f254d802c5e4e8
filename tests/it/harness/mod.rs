//! Gives each test a database of its own on a real server.
//!
//! The server is one for the whole test binary: the one that `PGWISE_TEST_URL` names (a superuser's URL), else a
//! container of the image that `PGWISE_TEST_IMAGE` names or, where a Docker engine has it, of scripts/test-image.sh's,
//! else a throwaway cluster from local binaries (of the folder `PGWISE_TEST_PG_BIN`, which comes before that image),
//! else a container of the official image. Whatever was started here ends with the test process, even when that is
//! killed.

pub(crate) mod binary;
mod server;

pub(crate) use server::environment;

use std::sync::atomic::{AtomicU32, Ordering};

use pgwise::connect::{ConnectOptions, Env, Pool, PoolOptions};
use tokio_postgres::{Client, NoTls};

/// A database of one test. Dropped with the value when the server is not ours to throw away.
pub(crate) struct Database {
    name: String,
    url: String,
}

/// Makes an empty database; `topic` appears in its name.
pub(crate) async fn database(topic: &str) -> Database {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    // The process id keeps apart two runs against the same given server.
    let name = format!("pgwise_{topic}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let admin = connect(&server_url("postgres")).await;
    // template0, so that tests may create databases at the same time while others are connected to template1.
    admin.batch_execute(&format!("create database \"{name}\" template template0")).await.expect("create database");
    let url = server_url(&name);
    Database { name, url }
}

/// A URL for a database of the test server, as its superuser.
pub(crate) fn server_url(database: &str) -> String {
    server::shared().url(database)
}

impl Database {
    /// A URL for this database, as a superuser.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The database's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A new connection, without any of pgwise's guards.
    pub(crate) async fn client(&self) -> Client {
        connect(&self.url).await
    }

    /// The connection options for this database, as a superuser, whatever the environment says.
    pub(crate) fn options(&self) -> ConnectOptions {
        ConnectOptions::resolve(Some(&self.url), &Env::default()).expect("the harness makes valid URLs")
    }

    /// A pool of guarded, read-only sessions, as pgwise has it by default.
    pub(crate) async fn pool(&self) -> Pool {
        Pool::connect(&self.options(), PoolOptions::default()).await.expect("the server is up")
    }

    /// Runs statements on a new connection, without a transaction around them but for the implicit one.
    pub(crate) async fn execute(&self, sql: &str) {
        if let Err(error) = self.client().await.batch_execute(sql).await {
            panic!("{sql}\nfailed: {}", chain(&error));
        }
    }

    /// Forgets what pg_stat_statements counted in this database so far: loading it is no workload.
    pub(crate) async fn forget_statements(&self) {
        let ours = "(select oid from pg_database where datname = current_database())";
        self.execute(&format!("select pg_stat_statements_reset(0, {ours}, 0)")).await;
    }

    /// Creates an extension if the server has it, and says whether it has.
    pub(crate) async fn extension(&self, name: &str) -> bool {
        let client = self.client().await;
        let known = "select 1 from pg_available_extensions where name = $1";
        let has = !client.query(known, &[&name]).await.expect("list extensions").is_empty();
        if has {
            let sql = format!("create extension if not exists \"{name}\"");
            client.batch_execute(&sql).await.expect("create extension");
        } else {
            skipping(&format!("the server has no extension {name}"));
        }
        has
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if server::shared().is_ours() {
            return;
        }
        let (admin, name) = (server_url("postgres"), self.name.clone());
        // A runtime of its own: this may run inside a test's. A failure leaves a database, not a false verdict.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
            runtime.block_on(async {
                let sql = format!("drop database if exists \"{name}\" with (force)");
                connect(&admin).await.batch_execute(&sql).await.ok();
            });
        });
        dropping.join().ok();
    }
}

/// The folder with the server programs to test with, where the run names one.
pub(crate) fn programs() -> Option<std::path::PathBuf> {
    environment("PGWISE_TEST_PG_BIN").map(Into::into)
}

/// A test is about to pass without having tested anything: only with PGWISE_TEST_MAY_SKIP set, on a server that cannot
/// do better. A skipped test must not look like a passed one.
pub(crate) fn skipping(why: &str) {
    assert!(
        server::environment("PGWISE_TEST_MAY_SKIP").is_some(),
        "{why}: install it, or set PGWISE_TEST_MAY_SKIP=1 to leave out the tests that need it"
    );
}

/// A plain connection; its driver task ends with the client.
pub(crate) async fn connect(url: &str) -> Client {
    #[expect(clippy::disallowed_methods, reason = "the tests look at the database from outside pgwise")]
    let (client, connection) = match tokio_postgres::connect(url, NoTls).await {
        Ok(connected) => connected,
        Err(error) => panic!("could not connect to {url}: {}", chain(&error)),
    };
    tokio::spawn(connection);
    client
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
