//! A small pool of guarded sessions.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType};
use tokio_postgres::Client;

use super::dial::{Dialer, Link};
use super::error::FREE_SESSION;
use super::guard::{Access, Guard};
use super::tls::Connector;
use super::{ConnectOptions, Error};

/// How long a returned session may take to come clean before it is dropped instead.
const CLEAN_TIMEOUT: Duration = Duration::from_secs(2);

/// The pool's size and time-outs, and the guard of its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolOptions {
    /// Connections at most.
    pub max_size: usize,
    /// `statement_timeout` of every session.
    pub statement_timeout: Duration,
    /// `lock_timeout` of every session.
    pub lock_timeout: Duration,
    /// Limit for one address, from the first packet to the guarded session; `connect_timeout` among the connection
    /// options comes first.
    pub connect_timeout: Duration,
    /// Limit for waiting until a session of the pool is free.
    pub wait_timeout: Duration,
    /// Whether sessions may write.
    pub access: Access,
}

impl Default for PoolOptions {
    fn default() -> PoolOptions {
        PoolOptions {
            max_size: 4,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(10),
            wait_timeout: Duration::from_mins(1),
            access: Access::ReadOnly,
        }
    }
}

/// A pool of guarded sessions on one database. Clones share it.
#[derive(Clone)]
pub struct Pool {
    inner: managed::Pool<Keeper>,
    max_size: usize,
    wait_timeout: Duration,
    statement_timeout: Duration,
    target: String,
}

impl Pool {
    /// Makes the pool and proves one connection.
    pub async fn connect(options: &ConnectOptions, pool: PoolOptions) -> Result<Pool, Error> {
        for warning in options.warnings() {
            tracing::warn!("{warning}");
        }
        let dialer = Dialer {
            guard: Guard::new(pool.access, pool.statement_timeout, pool.lock_timeout),
            tls: Connector::new(options)?,
            timeout: options.connect_timeout.unwrap_or(pool.connect_timeout),
            options: options.clone(),
        };
        let inner = managed::Pool::builder(Keeper { dialer })
            .max_size(pool.max_size.max(1))
            // The session used last has the warmest caches.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(pool.wait_timeout))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Protocol { message: error.to_string() })?;
        let pool = Pool {
            inner,
            max_size: pool.max_size.max(1),
            wait_timeout: pool.wait_timeout,
            statement_timeout: pool.statement_timeout,
            target: options.to_string(),
        };
        drop(pool.get().await?);
        Ok(pool)
    }

    /// A session: a free one, else a new one, else the first to become free within the wait time-out.
    pub async fn get(&self) -> Result<Session, Error> {
        // deadpool keeps what it recycles in the future: boxed, it does not swell every caller.
        match Box::pin(self.inner.get()).await {
            Ok(object) => Ok(Session { object: Some(object) }),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Err(Error::TimedOut {
                target: self.target.clone(),
                waiting_for: FREE_SESSION,
                after: self.wait_timeout,
            }),
            Err(PoolError::Closed) => Err(Error::Closed),
            Err(error) => Err(Error::Protocol { message: error.to_string() }),
        }
    }

    /// Connections at most.
    pub fn size(&self) -> usize {
        self.max_size
    }

    /// The `statement_timeout` of its sessions.
    pub fn statement_timeout(&self) -> Duration {
        self.statement_timeout
    }

    /// `host:port/db as user`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Closes idle connections now and the others when they come back; further [`Pool::get`] fail.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("target", &self.target).field("max_size", &self.max_size).finish_non_exhaustive()
    }
}

/// A session of the pool. When dropped it is cleaned (transaction, settings, cursors, locks, temporary tables, prepared
/// statements, hypothetical indexes) before anyone else gets it; one that does not come clean in time, because a
/// statement that nobody waits for still runs in it, is cancelled and closed.
pub struct Session {
    object: Option<Object<Keeper>>,
}

impl Session {
    /// Closes the connection instead of returning it, and stops what runs in it.
    pub fn discard(mut self) {
        if let Some(object) = self.object.take() {
            let link = Object::take(object);
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(stop(link));
            }
        }
    }

    /// Turns an error of this session into ours: a lost connection then says to where, and why as far as known.
    pub fn error(&self, error: tokio_postgres::Error) -> Error {
        // The driver's word for everything after the end is `closed`; what ended it was told once, to its task.
        let heard = if error.is_closed() { self.link().last_words.get().cloned() } else { None };
        match Error::from(error) {
            Error::Lost { message, .. } => {
                Error::Lost { target: self.link().target.clone(), message: heard.unwrap_or(message) }
            }
            other => other,
        }
    }

    #[allow(clippy::expect_used, reason = "the object leaves only in drop and discard, which end the session")]
    fn link(&self) -> &Link {
        self.object.as_ref().expect("a session holds its connection until it is dropped")
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.link().client
    }
}

impl DerefMut for Session {
    #[allow(clippy::expect_used, reason = "the object leaves only in drop and discard, which end the session")]
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.object.as_mut().expect("a session holds its connection until it is dropped").client
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if object.client.is_closed() {
            drop(Object::take(object));
            return;
        }
        // Cleaning takes a round trip. Until it is done the connection counts as in use.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(give_back(object))),
            Err(_) => drop(Object::take(object)),
        }
    }
}

async fn give_back(object: Object<Keeper>) {
    let Some(pool) = Object::pool(&object) else { return };
    let cleaned =
        tokio::time::timeout(CLEAN_TIMEOUT, pool.manager().dialer.guard.clean(&object.client, &object.target)).await;
    match cleaned {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(%error, "session could not be cleaned: dropped");
            stop(Object::take(object)).await;
        }
        Err(_) => {
            tracing::debug!("session did not come clean in time: cancelled and dropped");
            stop(Object::take(object)).await;
        }
    }
}

/// Cancels what a connection is doing and closes it.
async fn stop(link: Link) {
    if !link.client.is_closed() {
        let _ = tokio::time::timeout(CLEAN_TIMEOUT, link.canceller.cancel()).await;
    }
}

/// Makes and keeps the pool's connections.
struct Keeper {
    dialer: Dialer,
}

impl managed::Manager for Keeper {
    type Type = Link;
    type Error = Error;

    async fn create(&self) -> Result<Link, Error> {
        // Handshakes make it large; the pool would carry it in every `get`.
        Box::pin(self.dialer.dial()).await
    }

    async fn recycle(&self, link: &mut Link, _: &Metrics) -> RecycleResult<Error> {
        // It was cleaned when it came back; all that can have happened since is that it broke.
        if link.client.is_closed() { Err(RecycleError::message("closed")) } else { Ok(()) }
    }
}
