//! Connections to PostgreSQL: the only module that opens any.
//!
//! In: a URL or conninfo string and the process's environment ([`Env`]), read by libpq's rules into
//! [`ConnectOptions`]. Out: a small [`Pool`] of guarded [`Session`]s: read-only unless asked otherwise, with time-outs
//! in force, and clean of whatever the last user left in them. Failures are typed ([`Error`]) and say what to do.

mod cancel;
mod conninfo;
mod dial;
mod env;
mod error;
mod guard;
mod keywords;
mod options;
mod passfile;
mod pool;
mod resolve;
mod service;
mod startup;
mod tls;

pub use env::{Env, Redacted};
pub use error::{Error, sql_line};
pub use guard::Access;
pub use options::{ChannelBinding, ConnectOptions, Host, HostAddress, SslMode, TargetSessionAttrs};
pub use pool::{Pool, PoolOptions, Session};
