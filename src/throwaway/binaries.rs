//! Finding `initdb` and `postgres` on this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::ServerError;

/// A folder with a working server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder.
    pub folder: PathBuf,
    /// The server's version as it prints it: `15.4`.
    pub version: String,
    /// The major version.
    pub major: u32,
    /// pg_stat_statements can be created.
    pub has_statements: bool,
    /// HypoPG can be created.
    pub has_hypopg: bool,
}

pub(super) enum Search {
    Found(Binaries),
    Nothing { searched: String },
}

/// Folders that hold one subfolder per version, and where the binaries are below it.
const VERSIONED: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", "bin"),                          // Debian, Ubuntu, Alpine
    ("/usr/local/opt", "bin"),                               // Homebrew on Intel
    ("/opt/homebrew/opt", "bin"),                            // Homebrew on Apple silicon
    ("/Applications/Postgres.app/Contents/Versions", "bin"), // Postgres.app
    ("/Library/PostgreSQL", "bin"),                          // EDB's installer
];

/// Folders with binaries themselves, and PGDG's per-version folders on Red Hat's family.
const PLAIN: &[&str] = &["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"];

/// The folder given, or else the best on this machine: one that has pg_stat_statements and HypoPG before one that has
/// not, then the newest.
pub(super) fn find(
    given: Option<&Path>,
    search_path: Option<&OsStr>,
    major: Option<u32>,
) -> Result<Search, ServerError> {
    if let Some(folder) = given {
        let bad = |reason| ServerError::BadFolder { folder: folder.to_owned(), reason };
        let found = inspect(folder).map_err(bad)?;
        return match major {
            Some(wanted) if wanted != found.major => {
                Err(bad(format!("its version is {}, and {wanted} is wanted", found.version)))
            }
            _ => Ok(Search::Found(found)),
        };
    }
    let mut folders: Vec<PathBuf> = search_path.map(|p| std::env::split_paths(p).collect()).unwrap_or_default();
    for (parent, below) in VERSIONED {
        folders.extend(subfolders(Path::new(parent)).into_iter().map(|f| f.join(below)));
    }
    folders.extend(subfolders(Path::new("/usr")).into_iter().filter(|f| is_pgdg(f)).map(|f| f.join("bin")));
    folders.extend(PLAIN.iter().map(PathBuf::from));

    let mut seen = std::collections::BTreeSet::new();
    let best = folders
        .into_iter()
        .filter_map(|f| real_folder(&f))
        .filter(|f| seen.insert(f.clone()))
        .filter_map(|f| inspect(&f).ok())
        .filter(|b| major.is_none_or(|wanted| b.major == wanted))
        .reduce(|best, other| if rank(&other) > rank(&best) { other } else { best });
    Ok(best.map_or_else(
        || {
            let usual = VERSIONED.iter().map(|(parent, _)| *parent).chain(PLAIN.iter().copied());
            Search::Nothing { searched: format!("looked in PATH, {}", usual.collect::<Vec<_>>().join(", ")) }
        },
        Search::Found,
    ))
}

/// The folder that holds the programs themselves: those in a folder of PATH may be links to one version's.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    let initdb = folder.join("initdb").canonicalize().ok()?;
    let real = initdb.parent()?.to_owned();
    real.join("postgres").is_file().then_some(real)
}

fn rank(b: &Binaries) -> (bool, bool, u32) {
    (b.has_statements, b.has_hypopg, b.major)
}

fn is_pgdg(folder: &Path) -> bool {
    folder.file_name().and_then(OsStr::to_str).is_some_and(|n| n.starts_with("pgsql-"))
}

fn subfolders(parent: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(parent).map(|d| d.filter_map(|e| e.ok().map(|e| e.path())).collect()).unwrap_or_default();
    found.sort();
    found
}

/// What this folder holds, or why it will not do.
fn inspect(folder: &Path) -> Result<Binaries, String> {
    if !folder.join("initdb").is_file() {
        return Err("there is no initdb in it".to_owned());
    }
    let postgres = folder.join("postgres");
    let output = Command::new(&postgres)
        .arg("--version")
        .output()
        .map_err(|e| format!("could not run {}: {e}", postgres.display()))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let version = version_of(&printed).ok_or_else(|| format!("`postgres --version` printed {printed:?}"))?;
    let major = major_of(&version).ok_or_else(|| format!("`{version}` is no version of PostgreSQL"))?;
    let extensions = extension_folders(folder, major);
    let has = |name: &str| extensions.iter().any(|f| f.join(format!("{name}.control")).is_file());
    Ok(Binaries {
        folder: folder.to_owned(),
        version,
        major,
        has_statements: has("pg_stat_statements"),
        has_hypopg: has("hypopg"),
    })
}

/// `postgres (PostgreSQL) 15.4 (Debian 15.4-1)` → `15.4`; `17beta1` stays whole.
fn version_of(printed: &str) -> Option<String> {
    printed.split(')').nth(1)?.split_whitespace().next().map(str::to_owned)
}

fn major_of(version: &str) -> Option<u32> {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Where this installation keeps its extensions: what its pg_config says, else where the usual layouts have it.
fn extension_folders(folder: &Path, major: u32) -> Vec<PathBuf> {
    let share = Command::new(folder.join("pg_config"))
        .arg("--sharedir")
        .output()
        .ok()
        .filter(|o| o.status.success())
        .map(|o| PathBuf::from(String::from_utf8_lossy(&o.stdout).trim()));
    let mut found: Vec<PathBuf> = share.into_iter().map(|s| s.join("extension")).collect();
    found.push(PathBuf::from(format!("/usr/share/postgresql/{major}/extension")));
    if let Some(prefix) = folder.parent() {
        for share in ["share/extension", "share/postgresql/extension"] {
            found.push(prefix.join(share));
        }
        found.push(prefix.join(format!("share/postgresql@{major}/extension")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_server_prints() {
        assert_eq!(version_of("postgres (PostgreSQL) 15.4 (Debian 15.4-1)\n").as_deref(), Some("15.4"));
        assert_eq!(version_of("postgres (PostgreSQL) 17beta1\n").as_deref(), Some("17beta1"));
        assert_eq!(version_of("command not found"), None);
        assert_eq!(major_of("17beta1"), Some(17));
        assert_eq!(major_of("devel"), None);
    }

    #[test]
    fn hypopg_outranks_a_newer_major_without_it() {
        let b = |major: u32, has_hypopg| Binaries {
            folder: PathBuf::from("/x"),
            version: major.to_string(),
            major,
            has_statements: true,
            has_hypopg,
        };
        assert!(rank(&b(15, true)) > rank(&b(17, false)));
        assert!(rank(&b(17, false)) > rank(&b(16, false)));
    }

    #[test]
    fn a_folder_without_a_server_says_so() {
        let error = find(Some(Path::new("/nonexistent")), None, None).err().map(|e| e.to_string());
        assert_eq!(
            error.as_deref(),
            Some("/nonexistent holds no working initdb and postgres: there is no initdb in it")
        );
    }
}
