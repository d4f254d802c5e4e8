//! Under which account the server runs. PostgreSQL refuses root, so a root process lends the server an unprivileged one.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Uid, User};

use super::ServerError;

/// Accounts tried, in order: the packages' own, then the one that every Unix has.
const CANDIDATES: &[&str] = &["postgres", "nobody"];

/// The account to run the server under.
#[derive(Debug, Clone)]
pub(super) enum Account {
    /// Our own.
    Own,
    /// Another one, because we are root.
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    /// Our own account, unless it is root's.
    pub(super) fn choose() -> Result<Self, ServerError> {
        if !Uid::effective().is_root() {
            return Ok(Self::Own);
        }
        CANDIDATES
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self::Other { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() })
            .ok_or(ServerError::NoAccount)
    }

    /// Makes the command run under this account (the standard library drops the supplementary groups as well).
    pub(super) fn lend_to(&self, command: &mut Command) {
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
    }

    /// Gives a file or folder to this account.
    pub(super) fn give(&self, path: &Path) -> Result<(), ServerError> {
        if let Self::Other { name, uid, gid } = self {
            std::os::unix::fs::chown(path, Some(*uid), Some(*gid))
                .map_err(ServerError::io(format!("give {} to {name}", path.display())))?;
        }
        Ok(())
    }

    /// Whether this account can walk into a folder: every folder on the way must let others through. Our own can
    /// by definition of having been told to use it.
    pub(super) fn can_enter(&self, folder: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt;
        match self {
            Self::Own => true,
            Self::Other { .. } => folder
                .canonicalize()
                .is_ok_and(|f| f.ancestors().all(|a| a.metadata().is_ok_and(|m| m.permissions().mode() & 0o001 != 0))),
        }
    }
}
