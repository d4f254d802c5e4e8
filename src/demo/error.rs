//! Why the demo ended early.

use super::sample::SampleError;
use crate::connect;
use crate::throwaway::ServerError;

/// Why the demo ended early. In each case the throwaway server is gone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No throwaway server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The sample workload does not hold together.
    #[error("the sample workload is damaged")]
    Sample(#[from] SampleError),
    /// The database could not be reached, or did not do what it was asked.
    #[error(transparent)]
    Database(#[from] connect::Error),
    /// A statement of the demo's failed.
    #[error("{doing} failed")]
    Statement {
        /// What was being done.
        doing: String,
        /// The server's word.
        #[source]
        source: connect::Error,
    },
    /// The database given has something in it.
    #[error(
        "the database {target} is not empty: it holds {relations} tables and views. The demo loads its own and changes \
         them, so give it an empty, disposable database"
    )]
    NotEmpty {
        /// Where.
        target: String,
        /// How many tables and views.
        relations: i64,
    },
    /// The server given does not count statements.
    #[error("{target} does not count statements: the demo needs pg_stat_statements among its shared_preload_libraries")]
    NotCounting {
        /// Where.
        target: String,
    },
    /// A factor that loads nothing, or too much.
    #[error("the scale must be more than 0 and at most 100, not {0}")]
    Scale(f64),
    /// The analysis failed.
    #[error("the analysis failed")]
    Analysis(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}
