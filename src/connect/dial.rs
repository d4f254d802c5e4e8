//! One connection: hosts and addresses in order, TLS or not, the right kind of server, the guard.

use std::hash::BuildHasher;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::{ChannelBinding as DriverBinding, SslMode as DriverMode, SslNegotiation};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::TlsConnect;
use tokio_postgres::{Client, Config, NoTls};

use super::Error;
use super::cancel::{Canceller, Endpoint};
use super::error::sql_line;
use super::guard::Guard;
use super::options::{ChannelBinding, ConnectOptions, Host, HostAddress, SslMode, TargetSessionAttrs};
use super::startup::startup_error;
use super::tls::Connector;

/// Makes guarded connections.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) options: ConnectOptions,
    pub(super) guard: Guard,
    /// `None` where `sslmode=disable`.
    pub(super) tls: Option<Connector>,
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

/// Why one attempt failed.
struct Failure {
    error: Error,
    /// Whether the same server may take us over the other kind of channel.
    other_channel_may_do: bool,
}

/// The system's own defaults notice a dead peer after two hours; these after half a minute.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_COUNT: u32 = 4;

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
        for host in self.hosts() {
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

    /// The hosts in the order of trying: as given, or shuffled for `load_balance_hosts=random`.
    fn hosts(&self) -> Vec<&Host> {
        let mut hosts: Vec<&Host> = self.options.hosts.iter().collect();
        if self.options.shuffle_hosts {
            // The standard library's only source of randomness: the keys of its hasher.
            let keys = std::hash::RandomState::new();
            hosts.sort_by_cached_key(|host| keys.hash_one(host.to_string()));
        }
        hosts
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
        let mut earlier: Option<Error> = None;
        for channel in channels {
            match self.attempt(host, endpoint, target, *channel).await {
                Ok(link) => {
                    self.guard.establish(&link.client, target).await?;
                    return self.check_kind(link, wanted).await;
                }
                Err(failure) => {
                    let error = match (earlier.take(), failure.error) {
                        // The other channel got further.
                        (Some(Error::Authentication { .. }), error) if !failure.other_channel_may_do => error,
                        (Some(Error::Tls { target, message, hint }), error) => {
                            Error::Tls { target, message: format!("{message}; without TLS: {error}"), hint }
                        }
                        (None, error) | (Some(error), _) => error,
                    };
                    if !failure.other_channel_may_do {
                        return Err(error);
                    }
                    earlier = Some(error);
                }
            }
        }
        Err(earlier.unwrap_or(Error::Closed))
    }

    /// One connection over one kind of channel.
    async fn attempt(&self, host: &Host, endpoint: &Endpoint, target: &str, channel: Channel) -> Result<Link, Failure> {
        let config = self.driver_config(host, channel);
        let tls = match (channel, &self.tls) {
            (Channel::Tls, Some(connector)) => Some(connector),
            (Channel::Plain, _) | (_, None) => None,
        };
        let name = match &host.address {
            HostAddress::Tcp { name, .. } => name.as_str(),
            HostAddress::Unix(_) => "",
        };
        let unreachable = |error: io::Error| Failure {
            error: Error::Unreachable { target: target.to_owned(), message: plain_words(&error), unresolved: false },
            other_channel_may_do: false,
        };
        let unnameable = |message| Failure {
            error: Error::Tls {
                target: target.to_owned(),
                message,
                hint: "use the name that the certificate holds".to_owned(),
            },
            other_channel_may_do: true,
        };
        let made = match endpoint {
            Endpoint::Tcp(address) => {
                let stream = TcpStream::connect(address).await.map_err(unreachable)?;
                self.tune(&stream).map_err(unreachable)?;
                match tls {
                    Some(connector) => {
                        let ip = address.ip().to_string();
                        start(&config, stream, connector.handshake(name, Some(&ip)).map_err(unnameable)?).await
                    }
                    None => start(&config, stream, NoTls).await,
                }
            }
            Endpoint::Unix(path) => start(&config, UnixStream::connect(path).await.map_err(unreachable)?, NoTls).await,
        };
        match made {
            Ok((client, task, last_words)) => {
                let canceller = Canceller {
                    token: client.cancel_token(),
                    endpoint: endpoint.clone(),
                    tls: tls.cloned(),
                    name: name.to_owned(),
                };
                let client = ClientWrapper::new(client, task);
                Ok(Link { client, target: target.to_owned(), canceller, last_words })
            }
            Err(error) => {
                let refused = error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
                let error = startup_error(&error, target, host.password.is_some());
                let other_channel_may_do = refused || matches!(error, Error::Tls { .. });
                Err(Failure { error, other_channel_may_do })
            }
        }
    }

    /// No delays, and keepalive that notices a vanished server while a statement is awaited.
    fn tune(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        if let Some(keepalive) = &self.options.keepalive {
            let probes = TcpKeepalive::new()
                .with_time(keepalive.idle.unwrap_or(KEEPALIVE_IDLE))
                .with_interval(keepalive.interval.unwrap_or(KEEPALIVE_INTERVAL))
                .with_retries(keepalive.count.unwrap_or(KEEPALIVE_COUNT));
            SockRef::from(stream).set_tcp_keepalive(&probes)?;
        }
        Ok(())
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
        if channel == Channel::Tls && self.options.tls.direct {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
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

/// The system's words without its error number.
fn plain_words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

type Started = (Client, tokio::task::JoinHandle<()>, Arc<OnceLock<String>>);

/// Authenticates over the stream and leaves the protocol to a task of its own.
async fn start<S, T>(config: &Config, stream: S, tls: T) -> Result<Started, tokio_postgres::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsConnect<S>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect_raw(stream, tls).await?;
    let last_words = Arc::new(OnceLock::new());
    let heard = Arc::clone(&last_words);
    let task = tokio::spawn(async move {
        // Dropping the connection fails whatever is awaited from it: the words must be there by then.
        let mut connection = std::pin::pin!(connection);
        if let Err(error) = connection.as_mut().await {
            let words = sql_line(&error);
            tracing::debug!(%words, "connection ended");
            let _ = heard.set(words);
        }
    });
    Ok((client, task, last_words))
}
