//! One thing looked at, and the verdict.

use serde::Serialize;

/// The verdict on one thing that pgwise needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable, kebab-case.
    pub id: &'static str,
    /// The verdict.
    pub status: Status,
    /// What was found, as one sentence.
    pub what: String,
    /// What it means for the advice.
    pub why_it_matters: String,
    /// What mends it: each entry is one complete statement, to run in this order. Empty where SQL cannot.
    pub fix_sql: Vec<String>,
    /// What running it takes, beside being allowed to connect.
    pub needs: Vec<Need>,
}

/// The verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing to mend.
    Info,
    /// pgwise works, and sees or judges less than it could.
    Limited,
    /// A whole part of the advice cannot be given.
    Missing,
}

/// What it takes to mend something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// A superuser (or what a managed service gives in its place: its parameter settings).
    Superuser,
    /// The owner of the objects named.
    Owner,
    /// The CREATE privilege on the database.
    CreateInDatabase,
    /// A restart of the server.
    Restart,
    /// Files on the server's machine: a package of the operating system.
    Package,
    /// A connection to the primary.
    Primary,
}

impl Need {
    /// As a message says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Need::Superuser => "a superuser",
            Need::Owner => "the owner",
            Need::CreateInDatabase => "CREATE on the database",
            Need::Restart => "a restart",
            Need::Package => "a package on the server",
            Need::Primary => "the primary",
        }
    }
}
