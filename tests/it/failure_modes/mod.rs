//! Every way in which the main job can fail: each has one clear message, the right exit code, and an end in time.

mod connection;
mod files;
mod lost;
mod missing;
mod privileges;
mod silence;

use pgwise::throwaway::{Server, ServerError, ServerOptions};

/// A server for one test, with these settings; `None` where only a given server or a container serves the tests.
fn own_server(settings: &[(&str, &str)]) -> Option<Server> {
    #[expect(clippy::disallowed_methods, reason = "a throwaway server is searched for in PATH")]
    let (search_path, pg_bin) = (std::env::var_os("PATH"), std::env::var_os("PGWISE_TEST_PG_BIN"));
    let server = Server::start(&ServerOptions {
        search_path,
        pg_bin: pg_bin.map(Into::into),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..ServerOptions::default()
    });
    match server {
        Ok(server) => Some(server),
        Err(error @ ServerError::NotFound { .. }) => {
            crate::harness::skipping(&error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The same URL with other credentials.
fn as_role(url: &str, role: &str, password: &str) -> String {
    let (_, rest) = url.split_once('@').expect("a URL with credentials");
    format!("postgresql://{role}:{password}@{rest}")
}

/// The port of a URL of the test server's.
fn with_port(url: &str, port: u16) -> String {
    let (credentials, rest) = url.split_once('@').expect("a URL with credentials");
    let (_, database) = rest.split_once('/').expect("a URL with a database");
    format!("{credentials}@127.0.0.1:{port}/{database}")
}
