//! One connection: hosts and addresses in order, TLS or not, the right kind of server, the guard.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::{ChannelBinding as DriverBinding, SslMode as DriverMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config, NoTls};

use super::Error;
use super::error::{chain, sql_line};
use super::guard::Guard;
use super::options::{ChannelBinding, ConnectOptions, Host, HostAddress, SslMode, TargetSessionAttrs};

/// Makes guarded connections.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) options: ConnectOptions,
    pub(super) guard: Guard,
    /// For each address, from the first packet to the guarded session.
    pub(super) timeout: Duration,
}

/// One connection, ready for use.
pub(super) struct Link {
    pub(super) client: ClientWrapper,
    pub(super) target: String,
    pub(super) canceller: Canceller,
    /// Why the connection ended, once it has.
    pub(super) last_words: Arc<OnceLock<String>>,
}

/// What it takes to stop a statement that nobody waits for any more.
#[derive(Clone)]
pub(super) struct Canceller {
    token: CancelToken,
    endpoint: Endpoint,
}

/// A resolved address.
#[derive(Debug, Clone)]
enum Endpoint {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Whether to speak TLS in one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Plain,
    Tls,
}

impl Dialer {
    /// Connects to the first host that will do.
    pub(super) async fn dial(&self) -> Result<Link, Error> {
        let wanted = self.options.target_session_attrs;
        match self.dial_hosts(wanted).await {
            Err(_) if wanted == TargetSessionAttrs::PreferStandby => self.dial_hosts(TargetSessionAttrs::Any).await,
            outcome => outcome,
        }
    }

    async fn dial_hosts(&self, wanted: TargetSessionAttrs) -> Result<Link, Error> {
        let mut failures = Vec::new();
        for host in &self.options.hosts {
            match self.dial_host(host, wanted).await {
                Ok(link) => return Ok(link),
                // As in libpq, a server that knows us and says no ends the search.
                Err(error @ (Error::Authentication { .. } | Error::NoDatabase { .. } | Error::Guard { .. })) => {
                    return Err(error);
                }
                Err(error) => failures.push(error),
            }
        }
        if failures.len() == 1
            && let Some(error) = failures.pop()
        {
            return Err(error);
        }
        Err(Error::AllHostsFailed(failures))
    }

    async fn dial_host(&self, host: &Host, wanted: TargetSessionAttrs) -> Result<Link, Error> {
        let target = self.options.target(host);
        let mut last = None;
        for endpoint in self.resolve(host, &target).await? {
            let attempt = tokio::time::timeout(self.timeout, self.dial_endpoint(host, &endpoint, &target, wanted));
            match attempt.await {
                Ok(Ok(link)) => return Ok(link),
                Ok(Err(error)) if !matches!(error, Error::Unreachable { .. }) => return Err(error),
                Ok(Err(error)) => last = Some(error),
                Err(_) => {
                    last = Some(Error::TimedOut {
                        target: target.clone(),
                        waiting_for: "connecting",
                        after: self.timeout,
                    });
                }
            }
        }
        Err(last.unwrap_or_else(|| Error::Unreachable {
            target,
            message: "the host name has no address".to_owned(),
            unresolved: true,
        }))
    }

    async fn resolve(&self, host: &Host, target: &str) -> Result<Vec<Endpoint>, Error> {
        match &host.address {
            HostAddress::Unix(directory) => Ok(vec![Endpoint::Unix(directory.join(format!(".s.PGSQL.{}", host.port)))]),
            HostAddress::Tcp { address: Some(address), .. } => {
                Ok(vec![Endpoint::Tcp(SocketAddr::new(*address, host.port))])
            }
            HostAddress::Tcp { name, address: None } => {
                let lookup = tokio::net::lookup_host((name.as_str(), host.port));
                match tokio::time::timeout(self.timeout, lookup).await {
                    Ok(Ok(addresses)) => Ok(addresses.map(Endpoint::Tcp).collect()),
                    Ok(Err(error)) => Err(Error::Unreachable {
                        target: target.to_owned(),
                        message: format!("the host name does not resolve: {error}"),
                        unresolved: true,
                    }),
                    Err(_) => Err(Error::TimedOut {
                        target: target.to_owned(),
                        waiting_for: "resolving the host name",
                        after: self.timeout,
                    }),
                }
            }
        }
    }

    async fn dial_endpoint(
        &self,
        host: &Host,
        endpoint: &Endpoint,
        target: &str,
        wanted: TargetSessionAttrs,
    ) -> Result<Link, Error> {
        let channels: &[Channel] = match (endpoint, self.options.sslmode) {
            (Endpoint::Unix(_), _) | (_, SslMode::Disable) => &[Channel::Plain],
            (_, SslMode::Allow) => &[Channel::Plain, Channel::Tls],
            (_, SslMode::Prefer) => &[Channel::Tls, Channel::Plain],
            (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => &[Channel::Tls],
        };
        let mut first_error = None;
        for channel in channels {
            match self.attempt(host, endpoint, target, *channel).await {
                Ok(link) => {
                    self.guard.establish(&link.client, target).await?;
                    return self.check_kind(link, wanted).await;
                }
                Err((error, other_channel_may_do)) => {
                    let error = first_error.unwrap_or(error);
                    if !other_channel_may_do {
                        return Err(error);
                    }
                    first_error = Some(error);
                }
            }
        }
        Err(first_error.unwrap_or(Error::Closed))
    }

    /// One connection over one kind of channel. The flag of an error says whether another kind may fare better.
    async fn attempt(
        &self,
        host: &Host,
        endpoint: &Endpoint,
        target: &str,
        channel: Channel,
    ) -> Result<Link, (Error, bool)> {
        let unreachable = |error: io::Error| {
            let message = error.to_string();
            (Error::Unreachable { target: target.to_owned(), message, unresolved: false }, false)
        };
        let config = self.driver_config(host, channel);
        let made = match endpoint {
            Endpoint::Tcp(address) => {
                let stream = TcpStream::connect(address).await.map_err(unreachable)?;
                stream.set_nodelay(true).map_err(unreachable)?;
                start(&config, stream).await
            }
            Endpoint::Unix(path) => start(&config, UnixStream::connect(path).await.map_err(unreachable)?).await,
        };
        match made {
            Ok((client, task, last_words)) => {
                let canceller = Canceller { token: client.cancel_token(), endpoint: endpoint.clone() };
                let client = ClientWrapper::new(client, task);
                Ok(Link { client, target: target.to_owned(), canceller, last_words })
            }
            Err(error) => {
                let retry =
                    matches!(error.code(), Some(state) if *state == SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
                Err((startup_error(&error, target, host.password.is_some()), retry))
            }
        }
    }

    fn driver_config(&self, host: &Host, channel: Channel) -> Config {
        let mut config = Config::new();
        config.user(&self.options.user).dbname(&self.options.dbname).application_name("pgwise");
        if let Some(password) = &host.password {
            config.password(password);
        }
        if let Some(options) = &self.options.startup_options {
            config.options(options);
        }
        config.ssl_mode(match channel {
            Channel::Plain => DriverMode::Disable,
            Channel::Tls if self.options.sslmode == SslMode::Prefer => DriverMode::Prefer,
            Channel::Tls => DriverMode::Require,
        });
        config.channel_binding(match self.options.channel_binding {
            ChannelBinding::Disable => DriverBinding::Disable,
            ChannelBinding::Prefer => DriverBinding::Prefer,
            ChannelBinding::Require => DriverBinding::Require,
        });
        config
    }

    /// Whether the session is on the kind of server asked for. The server's own default counts for read-write and
    /// read-only, not ours.
    async fn check_kind(&self, link: Link, wanted: TargetSessionAttrs) -> Result<Link, Error> {
        if wanted == TargetSessionAttrs::Any {
            return Ok(link);
        }
        let row = link
            .client
            .query_one(
                "SELECT /* pgwise */ pg_catalog.pg_is_in_recovery(), \
                 (SELECT reset_val = 'on' FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only')",
                &[],
            )
            .await?;
        let (standby, read_only): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
        let fits = match wanted {
            TargetSessionAttrs::Any => true,
            TargetSessionAttrs::ReadWrite => !standby && !read_only,
            TargetSessionAttrs::ReadOnly => standby || read_only,
            TargetSessionAttrs::Primary => !standby,
            TargetSessionAttrs::Standby | TargetSessionAttrs::PreferStandby => standby,
        };
        if fits { Ok(link) } else { Err(Error::WrongServerKind { target: link.target, wanted: wanted.as_str() }) }
    }
}

type Started = (Client, tokio::task::JoinHandle<()>, Arc<OnceLock<String>>);

/// Authenticates over the stream and leaves the protocol to a task of its own.
async fn start<S>(config: &Config, stream: S) -> Result<Started, tokio_postgres::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = config.connect_raw(stream, NoTls).await?;
    let last_words = Arc::new(OnceLock::new());
    let heard = Arc::clone(&last_words);
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            let words = sql_line(&error);
            tracing::debug!(%words, "connection ended");
            let _ = heard.set(words);
        }
    });
    Ok((client, task, last_words))
}

/// Sorts what the server or the driver said before the session was ready.
fn startup_error(error: &tokio_postgres::Error, target: &str, password_given: bool) -> Error {
    let target = target.to_owned();
    let Some(db) = error.as_db_error() else {
        let message = chain(error);
        return if message.contains("password missing") {
            Error::Authentication {
                target,
                message: "the server asks for a password and none was given".to_owned(),
                password_given,
            }
        } else if message.contains("authentication error") {
            Error::Authentication { target, message, password_given }
        } else {
            Error::Lost { target, message }
        };
    };
    let message = db.message().to_owned();
    let state = db.code();
    if state.code().starts_with("28") {
        Error::Authentication { target, message, password_given }
    } else if *state == SqlState::INVALID_CATALOG_NAME {
        Error::NoDatabase { target, message }
    } else if *state == SqlState::TOO_MANY_CONNECTIONS {
        Error::TooManyConnections { target, message }
    } else {
        Error::Refused { target, message, sqlstate: state.code().to_owned() }
    }
}

impl Canceller {
    /// Asks the server to stop what the session is doing. Best effort: the answer is not told.
    pub(super) async fn cancel(&self) -> Result<(), Error> {
        match &self.endpoint {
            Endpoint::Tcp(address) => {
                if let Ok(stream) = TcpStream::connect(address).await {
                    self.token.cancel_query_raw(stream, NoTls).await?;
                }
            }
            Endpoint::Unix(path) => {
                if let Ok(stream) = UnixStream::connect(path).await {
                    self.token.cancel_query_raw(stream, NoTls).await?;
                }
            }
        }
        Ok(())
    }
}
