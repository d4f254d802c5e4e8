//! Connecting: libpq's rules, TLS, typed errors, the guard and the pool.

mod errors;
mod options;
mod pool;
mod secure;
mod tls;

use pgwise::connect::{ConnectOptions, Env, Error, Pool, PoolOptions};

/// An environment with nothing in it but a user.
fn bare_env() -> Env {
    Env { os_user: Some("nobody".to_owned()), ..Env::default() }
}

fn resolve(url: &str) -> Result<ConnectOptions, Error> {
    ConnectOptions::resolve(Some(url), &bare_env())
}

/// Connects with the default pool.
async fn pool(url: &str) -> Result<Pool, Error> {
    Pool::connect(&resolve(url)?, PoolOptions { max_size: 1, ..PoolOptions::default() }).await
}

/// The error of a connection that must fail.
async fn failure(url: &str) -> Error {
    match pool(url).await {
        Ok(_) => panic!("{url} connected"),
        Err(error) => error,
    }
}
