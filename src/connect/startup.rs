//! Failures before a session is ready, sorted.

use tokio_postgres::error::SqlState;

use super::Error;
use super::error::chain;
use super::tls::explain;

/// Sorts what the server or the driver said before the session was ready.
pub(super) fn startup_error(error: &tokio_postgres::Error, target: &str, password_given: bool) -> Error {
    let target = target.to_owned();
    let Some(db) = error.as_db_error() else {
        if let Some((message, hint)) = explain(error) {
            return Error::Tls { target, message, hint };
        }
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
