//! What ends a collection, and what only ends a part of it.

use std::time::Duration;

use crate::connect;
use crate::snapshot::NotSeen;

/// What ends the whole collection. Everything else becomes a [`NotSeen`] record.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No session could be had.
    #[error(transparent)]
    Connect(connect::Error),
    /// The server, which had let the pool in, went away on the way: sessions were lost and no new one could be had.
    #[error("the server was lost while the database was read")]
    Lost(#[source] connect::Error),
    /// The server could not even say what it is.
    #[error("could not read the server's version and role: {reason}")]
    Server {
        /// In a sentence fragment.
        reason: String,
    },
    /// The server is older than pgwise knows.
    #[error("the server is PostgreSQL {version}, and pgwise reads 13 and later")]
    TooOld {
        /// `server_version`.
        version: String,
    },
}

impl From<connect::Error> for Error {
    /// The pool had proved a connection before the collection began: what cannot be reached now has gone since.
    fn from(error: connect::Error) -> Self {
        if error.is_gone() { Self::Lost(error) } else { Self::Connect(error) }
    }
}

/// Why one part could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PartError {
    /// The session or a statement failed.
    #[error(transparent)]
    Session(#[from] connect::Error),
    /// The server did not answer in time, although it had been told to give up.
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The answer is not of the expected form.
    #[error("the server's answer could not be read")]
    Answer,
}

impl From<tokio_postgres::Error> for PartError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Session(error.into())
    }
}

impl PartError {
    pub(super) fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Session(error) => error.sqlstate(),
            Self::TimedOut(_) | Self::Answer => None,
        }
    }

    /// Whether the connection is gone.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Session(error) if error.is_lost())
    }

    /// Whether a lock was waited for in vain (`lock_not_available`).
    pub(super) fn is_lock_timeout(&self) -> bool {
        self.sqlstate() == Some("55P03")
    }

    /// Whether an object vanished while the catalog was read: undefined table, object or function, or the internal
    /// error of a failed cache look-up.
    pub(super) fn is_concurrent_change(&self) -> bool {
        matches!(self.sqlstate(), Some("42P01" | "42704" | "42883" | "XX000"))
    }

    /// The record of it. `grant` is what would help against a missing privilege.
    pub(super) fn not_seen(&self, part: &str, grant: Option<String>) -> NotSeen {
        let (reason, remedy) = match self.sqlstate() {
            Some("42501") => (self.to_string(), grant),
            Some("55P03") => (
                "another session holds a lock for longer than the lock time-out".to_owned(),
                Some("collect again when the lock is gone, or raise --lock-timeout".to_owned()),
            ),
            Some("57014") => {
                ("it took longer than the statement time-out".to_owned(), Some("raise --statement-timeout".to_owned()))
            }
            _ => (self.to_string(), None),
        };
        NotSeen { part: part.to_owned(), reason, remedy }
    }
}
