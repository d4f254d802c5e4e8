//! A throwaway PostgreSQL: a private cluster in a temporary folder (or a container where no binaries are installed).
//!
//! In: where to look for the binaries and which settings to run with. Out: a running [`Server`] with a URL for any
//! database on it. The server ends with the value that stands for it. It also ends with this process, however that
//! dies: a [`keeper`] process holds the server and waits on a pipe that only we keep open, so that a kill, a panic or
//! Ctrl-C leaves neither a process nor a folder behind.

mod account;
mod binaries;
mod cluster;
mod container;
mod keeper;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

pub use binaries::Binaries;
pub use keeper::Keeper;

/// How to make a throwaway server.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// The folder with `initdb` and `postgres` to use; `None` searches.
    pub pg_bin: Option<PathBuf>,
    /// The value of `PATH`, searched first.
    pub search_path: Option<OsString>,
    /// Settings for postgresql.conf beside those that every throwaway server gets. Later ones win.
    pub settings: Vec<(String, String)>,
    /// Take binaries of this major version only; `None` takes the best found.
    pub major: Option<u32>,
    /// The image for a container, where no binaries are found; `None` never starts a container.
    pub image: Option<String>,
}

/// Why there is no throwaway server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Neither binaries nor an engine.
    #[error(
        "no PostgreSQL server binaries found ({searched}){container}: install them (Debian and Ubuntu: `apt-get \
         install postgresql`; macOS: `brew install postgresql`), name their folder with --pg-bin, or name an empty \
         disposable database with --url"
    )]
    NotFound {
        /// Where it was looked.
        searched: String,
        /// What came of the attempt with a container, empty without one.
        container: String,
    },
    /// Binaries, but none of the version wanted.
    #[error(
        "no server binaries of PostgreSQL {major} found ({searched}){container}: install that version, name its folder \
         with --pg-bin, or name a disposable server with --twin-url"
    )]
    NoSuchMajor {
        /// The major version wanted.
        major: u32,
        /// Where it was looked.
        searched: String,
        /// What came of the attempt with a container, empty without one.
        container: String,
    },
    /// A container was asked for.
    #[error("there is no container with PostgreSQL: {0}")]
    NoContainer(String),
    /// The folder given has no server in it.
    #[error("{} holds no working initdb and postgres: {reason}", folder.display())]
    BadFolder {
        /// The folder given.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A root process without any account to run the server under.
    #[error(
        "PostgreSQL does not run as root, and this machine has neither a `postgres` nor a `nobody` account to run it \
         under: run pgwise as an ordinary user"
    )]
    NoAccount,
    /// A setting that does not fit a line of postgresql.conf.
    #[error("`{0}` is not the name of a setting")]
    Setting(String),
    /// The operating system refused something.
    #[error("could not {action}")]
    Io {
        /// What was tried.
        action: String,
        /// The operating system's word.
        #[source]
        source: io::Error,
    },
    /// initdb or the server gave up.
    #[error("the throwaway PostgreSQL did not start: {0}")]
    DidNotStart(String),
    /// It neither gave up nor became ready.
    #[error("the throwaway PostgreSQL was not ready after {seconds} s: {log}")]
    TooSlow {
        /// How long it was waited for.
        seconds: u64,
        /// The end of its log.
        log: String,
    },
}

impl ServerError {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

/// A running throwaway server. Dropping it stops the server and removes its files.
#[derive(Debug)]
pub struct Server {
    keeper: Keeper,
    user: String,
    password: String,
    host: String,
    port: u16,
    origin: String,
    files: Option<Files>,
}

impl Server {
    /// Starts a server and waits until it accepts connections. Blocks for one to three seconds, or for as long as an
    /// image takes to come.
    pub fn start(options: &ServerOptions) -> Result<Self, ServerError> {
        match binaries::find(options.pg_bin.as_deref(), options.search_path.as_deref(), options.major)? {
            binaries::Search::Found(found) => cluster::start(&found, &options.settings),
            binaries::Search::Nothing { searched } => {
                let container = match &options.image {
                    None => String::new(),
                    Some(image) => match container::start(image, &options.settings) {
                        Ok(server) => return Ok(server),
                        Err(reason) => format!(", and {reason}"),
                    },
                };
                Err(match options.major {
                    Some(major) => ServerError::NoSuchMajor { major, searched, container },
                    None => ServerError::NotFound { searched, container },
                })
            }
        }
    }

    /// Starts a container of this image, which is fetched where it is missing, and waits until its server accepts
    /// connections.
    pub fn start_container(image: &str, settings: &[(String, String)]) -> Result<Self, ServerError> {
        container::start(image, settings).map_err(ServerError::NoContainer)
    }

    /// A URL for a database of this server, as its superuser.
    pub fn url(&self, database: &str) -> String {
        let encode = |s: &str| percent_encoding::utf8_percent_encode(s, RESERVED).to_string();
        let Self { user, password, host, port, .. } = self;
        format!("postgresql://{}:{}@{host}:{port}/{}", encode(user), encode(password), encode(database))
    }

    /// The TCP port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it is, for a message: `PostgreSQL 15.4 from /usr/lib/postgresql/15/bin`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Its files; `None` in a container.
    pub fn files(&self) -> Option<&Files> {
        self.files.as_ref()
    }

    /// Stops the server as a crash would: connections end at once. Its files are removed too.
    pub fn stop(mut self) {
        self.keeper.release();
    }
}

/// The files of a server that runs from local binaries.
#[derive(Debug, Clone)]
pub struct Files {
    data: PathBuf,
    account: account::Account,
}

impl Files {
    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Gives a file that this process made to the server's account.
    pub fn give(&self, path: &Path) -> Result<(), ServerError> {
        self.account.give(path)
    }
}

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A word of 32 hexadecimal digits nobody can guess, for passwords: the server listens on the loopback interface, which every local user can reach, and
/// its superuser could run programs as its account.
pub(crate) fn random_word() -> Result<String, ServerError> {
    use std::io::Read;
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut f| f.read_exact(&mut bytes))
        .map_err(ServerError::io("read random bytes from /dev/urandom"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16, ServerError> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|l| l.local_addr())
        .map(|a| a.port())
        .map_err(ServerError::io("find a free port on 127.0.0.1"))
}

/// The settings of every throwaway server: its data need not survive anything, and nothing may happen behind a
/// measurement's back.
const SETTINGS: &[(&str, &str)] = &[
    ("shared_preload_libraries", "pg_stat_statements"),
    ("pg_stat_statements.track", "top"),
    ("pg_stat_statements.track_utility", "on"),
    ("pg_stat_statements.max", "10000"),
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "4GB"),
    ("autovacuum", "off"),
    ("jit", "off"),
    ("timezone", "UTC"),
    ("lc_messages", "C"),
];
