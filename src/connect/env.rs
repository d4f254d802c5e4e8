//! The environment variables that connecting depends on, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What the process's environment says about connecting. Tests build it by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Env {
    /// `DATABASE_URL`: used where no URL is given.
    pub database_url: Option<Redacted>,
    /// libpq's variables by name (`PGHOST`, …); empty ones count as set, as in libpq.
    pub pg: BTreeMap<String, Redacted>,
    /// The home directory: password file, service file and client certificates live in it.
    pub home: Option<PathBuf>,
    /// The operating-system user: the default role.
    pub os_user: Option<String>,
    /// `PATH`: where programs are looked for.
    pub path: Option<OsString>,
}

impl Env {
    /// Reads the environment of this process: the only place that does.
    #[allow(clippy::disallowed_methods, reason = "this is the seam through which connect/ reads the environment")]
    pub fn from_process() -> Env {
        let pg = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("PG"))
            .map(|(name, value)| (name, Redacted(value)))
            .collect();
        let account = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
        Env {
            database_url: std::env::var("DATABASE_URL").ok().filter(|v| !v.is_empty()).map(Redacted),
            pg,
            home: std::env::var_os("HOME")
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
                .or_else(|| account.as_ref().map(|a| a.dir.clone())),
            os_user: account.map(|a| a.name),
            path: std::env::var_os("PATH"),
        }
    }

    /// The same environment with one libpq variable set.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Env {
        self.pg.insert(name.to_owned(), Redacted(value.to_owned()));
        self
    }

    /// The value of a libpq variable.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pg.get(name).map(|value| value.0.as_str())
    }
}

/// Text that may hold a password: its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Redacted(pub String);

impl std::fmt::Debug for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("\"…\"")
    }
}
