//! The twin: production's planner over an empty database.
//!
//! In: a snapshot, and a place for a server of its major version: local programs, a container, or a disposable server
//! that was given. Out: databases on it ([`Twin`]) with the snapshot's schema, statistics and sizes and none of its rows,
//! and a cost source over them ([`TwinSource`]) that answers for every kind of index and can hide existing ones. Nothing
//! is asked of the monitored database.
//!
//! The planner takes a relation's size from the file system, so each file is made as long as production's, sparsely.
//! Candidates are really created, invisibly (`indisvalid` is false), and a configuration is an update of `pg_index` in a
//! transaction that is rolled back. Only EXPLAIN makes sense here: there is nothing to read.
//!
//! Known to differ from production: where the snapshot has no B-tree heights and GIN counts (they take pageinspect),
//! these are estimated; the planner finds no last row in an index (`get_actual_variable_range`) and takes the histogram's
//! end; before 17, histograms of ranges are carried only where the collecting role may read `pg_statistic`.

mod admission;
mod build;
mod building;
mod check;
mod counts;
mod extended;
mod files;
mod pages;
mod reach;
mod recreate;
mod restore;
mod schema;
mod session;
mod settings;
mod shell;
mod site;
mod source;
mod standin;
mod statistics;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

pub use admission::Refusal;
pub use build::Twin;
pub use building::Building;
pub use site::Remains;
pub use source::TwinSource;

use crate::connect::{self, ConnectOptions};
use crate::throwaway::ServerError;

/// Creating a schema of thousands of tables, or copying it, on a slow machine.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Limit for planning one statement, as on a monitored server.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Where to build a twin.
#[derive(Debug, Clone, Default)]
pub struct TwinOptions {
    /// The folder with `initdb` and `postgres`; `None` searches for binaries of the snapshot's major version.
    pub pg_bin: Option<PathBuf>,
    /// The value of `PATH`, searched first.
    pub search_path: Option<OsString>,
    /// When to take a container.
    pub containers: Containers,
    /// A disposable server to build it on instead of starting one, as a superuser.
    pub url: Option<ConnectOptions>,
    /// Equal copies of the database: as many sessions answer at a time. At least one.
    pub copies: usize,
    /// Limit for planning one statement; `None` for the usual one.
    pub statement_timeout: Option<Duration>,
    /// Where to note what is built on a server that outlives this process.
    pub remains: Remains,
}

/// When a twin's server runs in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Containers {
    /// Never.
    #[default]
    Never,
    /// Where there are no programs of the major version, in the official image.
    WithoutPrograms,
    /// Always.
    Only {
        /// The image; `None` for the official one of the major version.
        image: Option<String>,
    },
}

/// Something of production's that the twin lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRecreated {
    /// What: `foreign table public.remote`.
    pub object: String,
    /// Why, in a sentence fragment.
    pub reason: String,
    /// Which statements it matters to.
    reach: reach::Reach,
}

/// Why there is no twin.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// The snapshot was taken by an older pgwise, or the schema could not be read.
    #[error("the snapshot does not carry the schema: take it again with this version of pgwise")]
    NoSchema,
    /// A server with blocks of another size.
    #[error("the server has blocks of another size than 8 kB, which no packaged PostgreSQL has")]
    BlockSize,
    /// Pages are written as a little-endian machine reads them.
    #[error("a twin cannot be built on a big-endian machine")]
    BigEndian,
    /// The server that was given may not carry a twin.
    #[error("{server} is refused: {refusal}")]
    Refused {
        /// Which.
        server: String,
        /// Why.
        refusal: Refusal,
    },
    /// The server's shell could not do its part.
    #[error("the server's files could not be given their sizes: {0}")]
    Files(String),
    /// Checksums are on, and nobody computes them.
    #[error(
        "the server has data checksums, for which a twin needs its extension pageinspect ({0}): install it there, or \
         initialise the server with --no-data-checksums"
    )]
    Checksums(String),
    /// No server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The server does not answer as it should.
    #[error("the twin's server failed: {0}")]
    Database(#[from] connect::Error),
    /// It was built and is not what it should be.
    #[error("the twin is not what it should be: {0}")]
    Check(String),
    /// The runtime is going away.
    #[error("building the twin was interrupted")]
    Ended,
}
