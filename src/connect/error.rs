//! What can go wrong between us and a server, in words that say what to do.

use std::time::Duration;

use tokio_postgres::error::SqlState;

/// What [`Error::TimedOut`] names where all sessions of the pool were in use.
pub(super) const FREE_SESSION: &str = "a free session of the pool";

/// A failure to connect, or of a session. Messages name host, port, database and role, never a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A URL, keyword, environment variable or file that cannot be used as it is.
    #[error("{message}")]
    BadOption {
        /// What is wrong, naming the option and where it came from.
        message: String,
    },
    /// Nothing answers there: refused, no route, no such host, no such socket.
    #[error("cannot reach {target}: {message}")]
    Unreachable {
        /// `host:port/db as user`.
        target: String,
        /// The operating system's or the resolver's words.
        message: String,
        /// Whether the host's name did not resolve.
        unresolved: bool,
    },
    /// No answer within the time allowed.
    #[error("{target}: {waiting_for} took longer than {} s", after.as_secs_f64())]
    TimedOut {
        /// `host:port/db as user`.
        target: String,
        /// What was waited for.
        waiting_for: &'static str,
        /// How long.
        after: Duration,
    },
    /// The server does not accept the role or its credentials.
    #[error("{target}: {message}")]
    Authentication {
        /// `host:port/db as user`.
        target: String,
        /// The server's words.
        message: String,
        /// Whether a password was at hand.
        password_given: bool,
    },
    /// The database does not exist.
    #[error("{target}: {message}")]
    NoDatabase {
        /// `host:port/db as user`.
        target: String,
        /// The server's words.
        message: String,
    },
    /// TLS could not be set up as `sslmode` and its companions ask.
    #[error("{target}: TLS: {message}")]
    Tls {
        /// `host:port/db as user`.
        target: String,
        /// The cause in words.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// The server has no free connection for us.
    #[error("{target}: {message}")]
    TooManyConnections {
        /// `host:port/db as user`.
        target: String,
        /// The server's words.
        message: String,
    },
    /// The server refused the connection for another reason: starting up, shutting down, no CONNECT privilege, …
    #[error("{target}: {message} ({sqlstate})")]
    Refused {
        /// `host:port/db as user`.
        target: String,
        /// The server's words.
        message: String,
        /// SQLSTATE.
        sqlstate: String,
    },
    /// The session is not of the kind that `target_session_attrs` asks for.
    #[error("{target}: the server is not what target_session_attrs={wanted} asks for")]
    WrongServerKind {
        /// `host:port/db as user`.
        target: String,
        /// The value asked for.
        wanted: &'static str,
    },
    /// Every host of a list failed.
    #[error("none of {} hosts can be used: {}", .0.len(), join(.0))]
    AllHostsFailed(Vec<Error>),
    /// A setting that guards the session did not take effect.
    #[error("{target}: the session's {setting} is {actual}, not {wanted} as set")]
    Guard {
        /// `host:port/db as user`.
        target: String,
        /// The setting's name.
        setting: String,
        /// The value set.
        wanted: String,
        /// The value in force.
        actual: String,
    },
    /// The connection broke after it had been made: the server stopped, or the network did.
    #[error("the connection to {target} was lost: {message}")]
    Lost {
        /// `host:port/db as user`, or `the server` where it is not known any more.
        target: String,
        /// What is known of the cause.
        message: String,
    },
    /// The server rejected a statement.
    #[error("{message}")]
    Sql {
        /// `message (SQLSTATE)`, without data values.
        message: String,
        /// SQLSTATE.
        sqlstate: String,
    },
    /// Anything else the protocol or the driver reports.
    #[error("{message}")]
    Protocol {
        /// The whole chain of causes.
        message: String,
    },
    /// The pool was closed.
    #[error("the connection pool is closed")]
    Closed,
}

fn join(errors: &[Error]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// Whether the connection is gone, so that repeating the statement on it is pointless.
    pub fn is_lost(&self) -> bool {
        matches!(self, Error::Lost { .. } | Error::Closed)
    }

    /// Whether a server that was there before is not there any more: sessions break, and new ones cannot be had.
    pub fn is_gone(&self) -> bool {
        match self {
            Error::Unreachable { .. } => true,
            Error::TimedOut { waiting_for, .. } => *waiting_for != FREE_SESSION,
            // cannot_connect_now: starting up, shutting down or recovering.
            other => other.is_lost() || other.sqlstate() == Some("57P03"),
        }
    }

    /// The SQLSTATE of a rejected statement or connection.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Error::Sql { sqlstate, .. } | Error::Refused { sqlstate, .. } => Some(sqlstate),
            _ => None,
        }
    }

    /// What the user can do about it, as one sentence or two.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::Unreachable { unresolved: true, .. } => "check the host's name in --url or PGHOST".to_owned(),
            Error::Unreachable { target, .. } if target.starts_with('/') => {
                "is the server running on this machine, with its socket in that directory? Name another host with \
                 --url or PGHOST"
                    .to_owned()
            }
            Error::Unreachable { .. } => {
                "is the server running, and does it listen on that host and port (listen_addresses, port, firewall)?"
                    .to_owned()
            }
            Error::TimedOut { waiting_for: FREE_SESSION, .. } => "raise the pool's size or wait time-out".to_owned(),
            Error::TimedOut { .. } => {
                "check the host and port, and any firewall between; connect_timeout in the URL raises the limit"
                    .to_owned()
            }
            Error::Authentication { password_given: false, .. } => {
                "give a password: in ~/.pgpass (host:port:database:user:password, mode 0600), in PGPASSWORD, or in \
                 the URL"
                    .to_owned()
            }
            Error::Authentication { .. } => "check the role and its password, and the server's pg_hba.conf".to_owned(),
            Error::NoDatabase { .. } => {
                "check the database's name in --url or PGDATABASE; `psql -l` lists those that exist".to_owned()
            }
            Error::Tls { hint, .. } => hint.clone(),
            Error::TooManyConnections { .. } => {
                "wait, use fewer connections (--jobs), or raise max_connections or the role's CONNECTION LIMIT"
                    .to_owned()
            }
            Error::WrongServerKind { .. } => "name the right host, or another target_session_attrs".to_owned(),
            Error::AllHostsFailed(errors) => return errors.first().and_then(Error::hint),
            Error::Guard { .. } => {
                "pgwise does not work on a session that it cannot guard; connect to the server itself, or to a \
                 pooler in session mode"
                    .to_owned()
            }
            Error::Lost { .. } => {
                "the server stopped or the network broke; see the server's log, then run again".to_owned()
            }
            Error::Refused { sqlstate, .. } if sqlstate == "42501" => {
                "have the database's owner GRANT CONNECT ON DATABASE to the role".to_owned()
            }
            Error::Refused { sqlstate, .. } if sqlstate == "57P03" => {
                "the server is starting up, shutting down or recovering: try again in a moment".to_owned()
            }
            Error::BadOption { .. }
            | Error::Refused { .. }
            | Error::Sql { .. }
            | Error::Protocol { .. }
            | Error::Closed => return None,
        };
        Some(hint)
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Error {
        if let Some(db) = error.as_db_error() {
            let line = sql_line(&error);
            return if is_lost_state(db.code()) {
                Error::Lost { target: "the server".to_owned(), message: line }
            } else {
                Error::Sql { message: line, sqlstate: db.code().code().to_owned() }
            };
        }
        if error.is_closed() || has_io_cause(&error) {
            return Error::Lost { target: "the server".to_owned(), message: chain(&error) };
        }
        Error::Protocol { message: chain(&error) }
    }
}

/// Whether the state means that the server ended the session.
fn is_lost_state(state: &SqlState) -> bool {
    *state == SqlState::ADMIN_SHUTDOWN
        || *state == SqlState::CRASH_SHUTDOWN
        || *state == SqlState::CANNOT_CONNECT_NOW
        || *state == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        || state.code().starts_with("08")
}

fn has_io_cause(error: &tokio_postgres::Error) -> bool {
    causes(error).any(<dyn std::error::Error + 'static>::is::<std::io::Error>)
}

/// A driver error as one line, `message (SQLSTATE)`, without values from the data: the server's DETAIL, HINT and
/// CONTEXT are left out, and so is the value that a message about bad input quotes.
pub fn sql_line(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", without_value(db.code(), db.message()), db.code().code()),
        None => chain(error),
    }
}

/// Class 22 (data exception) messages end in the offending value: `invalid input syntax for type integer: "x"`.
fn without_value(state: &SqlState, message: &str) -> String {
    let first_line = message.lines().next().unwrap_or_default();
    if state.code().starts_with("22") {
        if let Some((head, _)) = first_line.split_once(": \"") {
            return head.to_owned();
        }
        if let Some((head, rest)) = first_line.split_once('"')
            && let Some((_, tail)) = rest.rsplit_once('"')
        {
            return format!("{head}\"…\"{tail}");
        }
    }
    first_line.to_owned()
}

/// An error and its causes, joined by colons; a cause whose words its parent already printed is left out.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error).skip(1) {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
    }
    text
}

/// The error itself, then its causes, outermost first.
pub(super) fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |e| e.source())
}
