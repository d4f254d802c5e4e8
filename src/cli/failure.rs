//! What the user is told when the job could not be done: what failed, why, and what to do about it.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};

use crate::{collect, config, connect, snapshot};

/// One clear message.
#[derive(Debug)]
pub(super) struct Failure {
    what: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None, source: None }
    }

    /// Adds the cause.
    pub(super) fn because(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }

    /// Adds the way out.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Whether the reader of our output went away: `pgwise analyze | head` has succeeded.
    pub(super) fn is_broken_pipe(&self) -> bool {
        let mut error = self.source.as_deref().map(|e| e as &(dyn Error + 'static));
        while let Some(current) = error {
            if current.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
                return true;
            }
            error = current.source();
        }
        false
    }

    /// Prints `error: what: cause: cause` and the hint to stderr.
    pub(super) fn print(&self) {
        let bold = |colour: AnsiColor| Style::new().bold().fg_color(Some(colour.into()));
        let (error, hint) = (bold(AnsiColor::Red), bold(AnsiColor::Cyan));
        let mut text = format!("{error}error:{error:#} {}\n", self.message());
        if let Some(way_out) = &self.hint {
            for (i, line) in way_out.lines().enumerate() {
                let _ = if i == 0 {
                    writeln!(text, "{hint} hint:{hint:#} {line}")
                } else {
                    writeln!(text, "       {line}")
                };
            }
        }
        // With stderr gone there is nobody left to tell.
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }

    /// The message with every cause that adds something.
    fn message(&self) -> String {
        let mut message = self.what.clone();
        let mut error = self.source.as_deref().map(|e| e as &(dyn Error + 'static));
        while let Some(current) = error {
            let text = current.to_string();
            if !message.contains(&text) {
                let _ = write!(message, ": {text}");
            }
            error = current.source();
        }
        message
    }
}

/// Prints a warning to stderr: the job goes on.
pub(super) fn warn(text: &str) {
    let yellow = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr().lock(), "{yellow}warning:{yellow:#} {text}");
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new("cannot write the output").because(error)
    }
}

impl From<connect::Error> for Failure {
    fn from(error: connect::Error) -> Self {
        let hint = error.hint();
        Self { what: error.to_string(), hint, source: error.source().map(|s| s.to_string().into()) }
    }
}

impl From<collect::Error> for Failure {
    fn from(error: collect::Error) -> Self {
        match error {
            collect::Error::Connect(error) => error.into(),
            lost @ collect::Error::Lost(_) => Self::new(lost.to_string())
                .because(lost)
                .hint("the server stopped or the network broke; see the server's log, then run again"),
            other => Self::new(other.to_string()).because(other),
        }
    }
}

impl From<config::ConfigError> for Failure {
    fn from(error: config::ConfigError) -> Self {
        Self::new(error.to_string()).because(error)
    }
}

impl From<snapshot::file::FileError> for Failure {
    fn from(error: snapshot::file::FileError) -> Self {
        Self::new(error.to_string()).because(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_follow_the_message_once() {
        let failure = Failure::new("cannot write x.json").because(io::Error::other("disk full"));
        assert_eq!(failure.message(), "cannot write x.json: disk full");
        let repeated = Failure::new("failed: disk full").because(io::Error::other("disk full"));
        assert_eq!(repeated.message(), "failed: disk full");
    }

    #[test]
    fn a_closed_pipe_is_recognised() {
        assert!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).is_broken_pipe());
        assert!(!Failure::from(io::Error::other("x")).is_broken_pipe());
    }
}
