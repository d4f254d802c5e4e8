//! What the judgement rests on.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::snapshot::{Extension, Role};

/// The facts about one database. Absent knowledge is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// `server_version_num`.
    pub version_num: u32,
    /// `server_version`.
    pub version: String,
    /// The database's name.
    pub database: String,
    /// The server's clock.
    pub now: Timestamp,
    /// When the server was started.
    pub started_at: Timestamp,
    /// `pg_stat_database.stats_reset`; `None` if the counters were never reset.
    pub stats_reset: Option<Timestamp>,
    /// The role and its rights.
    pub role: Role,
    /// Whether the server is a standby.
    pub standby: bool,
    /// Standbys that stream from this server, where the role may see them.
    pub standbys: Option<u32>,
    /// Settings by name, as `current_setting` shows them; without those that the role may not see or that do not exist.
    pub settings: BTreeMap<String, String>,
    /// What is loaded at start.
    pub preload: Preload,
    /// Extensions known to the server, sorted by name.
    pub extensions: Vec<Extension>,
    /// Extensions that whoever may create in the database may install (`trusted`).
    pub trusted_extensions: Vec<String>,
    /// What reading pg_stat_statements gave; `None` if it is not installed.
    pub statements: Option<Result<StatementsView, String>>,
    /// Tables with rows that were never analysed: their statistics are guesses.
    pub never_analyzed: TableNames,
    /// Tables whose statistics the role may not read.
    pub unreadable: TableNames,
    /// Schemas of `unreadable`, sorted.
    pub unreadable_schemas: Vec<String>,
    /// Tables whose statistics row-level security hides from the role.
    pub row_security: TableNames,
    /// User tables in all.
    pub tables: u64,
}

impl Facts {
    /// The major version.
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }

    /// A setting.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// An extension that the server has or the database holds.
    pub fn extension(&self, name: &str) -> Option<&Extension> {
        self.extensions.iter().find(|e| e.name == name)
    }
}

/// `shared_preload_libraries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preload {
    /// The list.
    Listed(Vec<String>),
    /// The role may not see it; whether pg_stat_statements is loaded shows in its settings.
    Hidden,
}

/// One look at pg_stat_statements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementsView {
    /// Entries of this database.
    pub entries: u64,
    /// Entries whose text the role may not read.
    pub hidden: u64,
    /// Entries evicted for want of room (14+).
    pub evicted: Option<u64>,
    /// When it was last reset (14+).
    pub reset: Option<Timestamp>,
}

/// Some tables by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableNames {
    /// How many there are.
    pub count: u64,
    /// Schema and name of the largest, largest first.
    pub largest: Vec<(String, String)>,
}
