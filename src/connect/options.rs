//! Connection options: one checked value, and where its parts come from.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::conninfo;
use super::keywords::KEYWORDS;
use super::resolve::from_settings;
use super::service;
use super::{Env, Error};

/// How far the channel is protected (`sslmode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// Without TLS first; with it if the server insists.
    Allow,
    /// With TLS first; without it if the server has none or it fails.
    Prefer,
    /// TLS, whoever the server is (unless a root certificate is at hand: then as [`SslMode::VerifyCa`]).
    Require,
    /// TLS with a certificate that the root signed.
    VerifyCa,
    /// As [`SslMode::VerifyCa`], and for this host's name.
    VerifyFull,
}

/// Whether the password exchange is bound to the TLS channel (`channel_binding`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where both sides can.
    Prefer,
    /// Or fail.
    Require,
}

/// What kind of server a session must be on (`target_session_attrs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetSessionAttrs {
    /// Whatever answers.
    Any,
    /// One that takes writes by default.
    ReadWrite,
    /// One that does not.
    ReadOnly,
    /// One not in recovery.
    Primary,
    /// One in recovery.
    Standby,
    /// One in recovery; any other if there is none.
    PreferStandby,
}

impl TargetSessionAttrs {
    /// libpq's word.
    pub fn as_str(self) -> &'static str {
        match self {
            TargetSessionAttrs::Any => "any",
            TargetSessionAttrs::ReadWrite => "read-write",
            TargetSessionAttrs::ReadOnly => "read-only",
            TargetSessionAttrs::Primary => "primary",
            TargetSessionAttrs::Standby => "standby",
            TargetSessionAttrs::PreferStandby => "prefer-standby",
        }
    }
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostAddress {
    /// A host name or numeric address; `hostaddr`, where given, saves the look-up.
    Tcp {
        /// The name, for certificates and messages.
        name: String,
        /// The address to use.
        address: Option<IpAddr>,
    },
    /// A directory that holds the server's Unix socket.
    Unix(PathBuf),
}

/// One host of the list.
#[derive(Clone, PartialEq, Eq)]
pub struct Host {
    /// Where it is.
    pub address: HostAddress,
    /// TCP port, or the suffix of the socket's name.
    pub port: u16,
    /// The password for this host: the one given, else what the password file has for it.
    pub(super) password: Option<String>,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            HostAddress::Tcp { name, .. } if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            HostAddress::Tcp { name, .. } => write!(f, "{name}:{}", self.port),
            HostAddress::Unix(directory) => write!(f, "{}:{}", directory.display(), self.port),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// TLS options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsOptions {
    /// `sslrootcert`: where trusted roots are.
    pub(super) roots: Roots,
    /// `sslcert` and `sslkey`.
    pub(super) client: Option<(PathBuf, PathBuf)>,
    /// `sslsni`.
    pub(super) send_name: bool,
    /// `sslnegotiation=direct`.
    pub(super) direct: bool,
    /// TLS 1.2 is among the versions allowed.
    pub(super) tls12: bool,
    /// TLS 1.3 is among the versions allowed.
    pub(super) tls13: bool,
}

impl TlsOptions {
    /// Where there is no TLS.
    pub(super) fn unused() -> TlsOptions {
        TlsOptions { roots: Roots::None, client: None, send_name: true, direct: false, tls12: true, tls13: true }
    }
}

/// Trusted root certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// None: the server's certificate is not checked.
    None,
    /// A PEM file.
    File(PathBuf),
    /// The operating system's.
    System,
}

/// Everything needed to connect. Made by [`ConnectOptions::resolve`].
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) dbname: String,
    pub(super) sslmode: SslMode,
    pub(super) tls: TlsOptions,
    pub(super) channel_binding: ChannelBinding,
    pub(super) target_session_attrs: TargetSessionAttrs,
    pub(super) shuffle_hosts: bool,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) startup_options: Option<String>,
    pub(super) keepalive: Option<Keepalive>,
    pub(super) warnings: Vec<String>,
}

/// TCP keepalive; `None` leaves the system's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keepalive {
    /// Idle time before the first probe.
    pub(super) idle: Option<Duration>,
    /// Time between probes.
    pub(super) interval: Option<Duration>,
    /// Probes unanswered before the connection counts as dead.
    pub(super) count: Option<u32>,
}

impl ConnectOptions {
    /// Works out where and how to connect by libpq's rules (`conninfo_add_defaults`, `PQconnectPoll`): `url` (a URL, a
    /// `keyword=value` list or a database's name), else `DATABASE_URL`; what that leaves open comes from the service
    /// file, then from `PG*` variables, then from defaults. Passwords left open come from the password file.
    pub fn resolve(url: Option<&str>, env: &Env) -> Result<ConnectOptions, Error> {
        let given = url.filter(|u| !u.is_empty()).or(env.database_url.as_ref().map(|u| u.0.as_str()));
        let mut settings = given.map(conninfo::parse).transpose()?.unwrap_or_default();
        service::apply(&mut settings, env)?;
        for keyword in KEYWORDS {
            if let Some(variable) = keyword.variable
                && let Some(value) = env.get(variable)
                && !settings.contains_key(keyword.name)
            {
                conninfo::check(keyword.name, value, &format!("the environment variable {variable}"))?;
                settings.insert(keyword.name.to_owned(), value.to_owned());
            }
        }
        settings.retain(|_, value| !value.is_empty());
        from_settings(&settings, env)
    }

    /// The role.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database.
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// The hosts in the order in which they are tried.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The protection asked for.
    pub fn sslmode(&self) -> SslMode {
        self.sslmode
    }

    /// What the user should know although it stops nothing: a password file that others can read, for one.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The same connection to another database of the same server.
    #[must_use]
    pub fn with_dbname(mut self, dbname: &str) -> ConnectOptions {
        dbname.clone_into(&mut self.dbname);
        self
    }

    /// A URL for a database of these hosts as this role, which libpq understands. Of the TLS options it names the mode
    /// alone.
    pub(crate) fn url(&self, dbname: &str, user: &str, password: Option<&str>) -> String {
        let encode = |s: &str| percent_encoding::utf8_percent_encode(s, RESERVED).to_string();
        let password = password.map(|p| format!(":{}", encode(p))).unwrap_or_default();
        let hosts: Vec<String> = self
            .hosts
            .iter()
            .map(|host| match &host.address {
                HostAddress::Unix(directory) => format!("{}:{}", encode(&directory.to_string_lossy()), host.port),
                HostAddress::Tcp { .. } => host.to_string(),
            })
            .collect();
        let mode = match self.sslmode {
            SslMode::Disable => "?sslmode=disable",
            SslMode::Allow => "?sslmode=allow",
            SslMode::Prefer => "",
            SslMode::Require => "?sslmode=require",
            SslMode::VerifyCa => "?sslmode=verify-ca",
            SslMode::VerifyFull => "?sslmode=verify-full",
        };
        format!("postgresql://{}{password}@{}/{}{mode}", encode(user), hosts.join(","), encode(dbname))
    }

    /// `host:port/db as user` of one host.
    pub(super) fn target(&self, host: &Host) -> String {
        format!("{host}/{} as {}", self.dbname, self.user)
    }
}

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `host:port/db as user`: for messages. Several hosts are separated by commas.
impl fmt::Display for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, host) in self.hosts.iter().enumerate() {
            write!(f, "{}{host}", if i > 0 { "," } else { "" })?;
        }
        write!(f, "/{} as {}", self.dbname, self.user)
    }
}

impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectOptions({self}, sslmode {:?})", self.sslmode)
    }
}
