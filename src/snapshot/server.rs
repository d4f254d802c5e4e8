//! The server as the session sees it: version, settings, extensions, privileges, recovery.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The monitored server and database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// `server_version_num`: 150018 for 15.18.
    pub version_num: u32,
    /// `server_version`, as text.
    pub version: String,
    /// The database's name.
    pub database: String,
    /// Size of the database on disk (`pg_database_size`), where the role may see it.
    pub database_bytes: Option<u64>,
    /// `pg_control_system().system_identifier`, as text; absent where the role may not call it.
    pub system_identifier: Option<String>,
    /// When the server was started.
    pub started_at: Option<Timestamp>,
    /// When the database's counters were last reset (`pg_stat_database.stats_reset`); the start of counting if never.
    pub stats_reset: Option<Timestamp>,
    /// Shared blocks found in cache and read, over the database (`pg_stat_database`).
    pub blocks_hit: Option<u64>,
    /// See [`Server::blocks_hit`].
    pub blocks_read: Option<u64>,
    /// Every setting that touches planning, memory, connections, logging and statistics, by name.
    pub settings: BTreeMap<String, Setting>,
    /// Extensions installed in the database or available to it, sorted by name.
    pub extensions: Vec<Extension>,
    /// Tablespaces with costs of their own, sorted by name.
    #[serde(default)]
    pub tablespaces: Vec<Tablespace>,
    /// The role that collected, and what it may do.
    pub role: Role,
    /// Primary or standby.
    pub recovery: RecoveryState,
    /// The search path in force for the collecting session, resolved to schema names that exist.
    pub search_path: Vec<String>,
}

impl Server {
    /// The major version: 15 for 150018.
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }

    /// A setting's value as text, as `pg_settings.setting` gives it (in the setting's base unit).
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(|s| s.value.as_str())
    }

    /// A setting's value as a number in its base unit (8 kB blocks for `effective_cache_size`, and so on).
    pub fn setting_f64(&self, name: &str) -> Option<f64> {
        self.setting(name)?.parse().ok()
    }

    /// Whether an extension is installed in the database.
    pub fn has_extension(&self, name: &str) -> bool {
        self.extensions.iter().any(|e| e.name == name && e.installed_version.is_some())
    }

    /// Whether an extension could be installed (its control file is on the server).
    pub fn extension_available(&self, name: &str) -> bool {
        self.extensions.iter().any(|e| e.name == name)
    }
}

/// One row of `pg_settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// The value in force, in the base unit.
    pub value: String,
    /// The base unit (`8kB`, `kB`, `ms`, …), if the setting has one.
    pub unit: Option<String>,
    /// Where it was set: `default`, `configuration file`, `database`, …
    pub source: String,
}

/// An extension that the server knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// The schema it is installed in, if it is.
    pub schema: Option<String>,
    /// The version installed in this database, if any.
    pub installed_version: Option<String>,
    /// The version that `CREATE EXTENSION` would install.
    pub available_version: Option<String>,
}

/// A tablespace that overrides the planner's costs of reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tablespace {
    /// Its name.
    pub name: String,
    /// Whether it is this database's own.
    pub of_database: bool,
    /// Options (`random_page_cost=1.1`), sorted.
    pub options: Vec<String>,
}

/// The role that collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether it is a superuser.
    pub superuser: bool,
    /// Whether it has the rights of `pg_monitor` (or of `pg_read_all_stats`, for statement texts).
    pub read_all_stats: bool,
    /// Whether it has the rights of `pg_read_all_settings`.
    pub read_all_settings: bool,
    /// Whether it has the rights of `pg_read_all_data` (14+): with it, every table's statistics are visible.
    pub read_all_data: bool,
    /// Whether it may create objects in the database (`CREATE EXTENSION` needs at least that).
    pub create_in_database: bool,
}

/// Whether the server is a primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecoveryState {
    /// Accepts writes.
    Primary,
    /// A hot standby.
    Standby,
}
