//! A private cluster in a temporary folder, from local binaries.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::account::Account;
use super::binaries::Binaries;
use super::{Files, Keeper, SETTINGS, Server, ServerError, free_port, random_word};

/// The superuser's name: not that of an account, so that no file of the machine's user applies to it.
const SUPERUSER: &str = "pgwise";
/// initdb takes about a second and the server less; slow disks and busy machines get plenty.
const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);
/// The first major version whose initdb turns checksums on unless told otherwise, and knows the option.
const CHECKSUMS_SINCE: u32 = 18;
/// A port can be taken between our look and the server's.
const ATTEMPTS: u32 = 3;
/// `sun_path` of a Unix socket address holds 104 bytes on macOS and 108 on Linux.
const SOCKET_PATH_MAX: usize = 100;

/// `$1` binaries, `$2` folder, `$3` superuser, `$4` one more option of initdb. The loop around the signal is there because a server that has not yet
/// installed its handlers would miss a single one.
const SCRIPT: &str = r#"trap '' INT TERM HUP
exec 3<&0
bin=$1 dir=$2
if "$bin/initdb" -D "$dir/data" -U "$3" --pwfile="$dir/password" -A scram-sha-256 --no-sync -E UTF8 --no-locale "$4" \
    </dev/null >"$dir/server.log" 2>&1 3<&-
then
    rm -f "$dir/password"
    cat "$dir/settings.conf" >>"$dir/data/postgresql.conf"
    "$bin/postgres" -D "$dir/data" </dev/null >>"$dir/server.log" 2>&1 3<&- &
    pid=$!
    {
        cat <&3 >/dev/null
        [ -e "$dir/down" ] || while kill -QUIT "$pid" 2>/dev/null; do sleep 0.1 || sleep 1; done
    } &
    wait "$pid"
    : >"$dir/down"
    wait
else
    : >"$dir/down"
    cat <&3 >/dev/null
fi
cd / && rm -rf "$dir"
"#;

pub(super) fn start(binaries: &Binaries, settings: &[(String, String)]) -> Result<Server, ServerError> {
    let account = Account::choose()?;
    let mut attempt = 1;
    loop {
        match start_once(binaries, settings, &account) {
            Err(ServerError::DidNotStart(log)) if attempt < ATTEMPTS && log.contains("could not bind") => attempt += 1,
            other => return other,
        }
    }
}

fn start_once(binaries: &Binaries, settings: &[(String, String)], account: &Account) -> Result<Server, ServerError> {
    let password = random_word()?;
    let port = free_port()?;
    let folder = temporary_folder(account)?;
    let prepared = prepare(&folder, account, &password, port, settings);
    let spawned = prepared.and_then(|()| {
        // Written pages need no checksum where there are none; 18 made them the default.
        let checksums = if binaries.major >= CHECKSUMS_SINCE { "--no-data-checksums" } else { "--no-locale" };
        let arguments = [&*binaries.folder.to_string_lossy(), &*folder.to_string_lossy(), SUPERUSER, checksums];
        Keeper::spawn(SCRIPT, &arguments, |command| {
            account.lend_to(command);
            command.env("LC_ALL", "C");
            // What libpq and the server would read instead of what we wrote.
            for name in ["PGDATA", "PGPORT", "PGHOST", "PGOPTIONS", "PGUSER", "PGDATABASE", "PGTZ", "PGDATESTYLE"] {
                command.env_remove(name);
            }
        })
        .map_err(ServerError::io("start a shell to run the server under"))
    });
    let keeper = match spawned {
        Ok(keeper) => keeper,
        Err(error) => {
            let _ = fs::remove_dir_all(&folder);
            return Err(error);
        }
    };
    let mut server = Server {
        keeper,
        user: SUPERUSER.to_owned(),
        password,
        host: "127.0.0.1".to_owned(),
        port,
        origin: format!("PostgreSQL {} from {}", binaries.version, binaries.folder.display()),
        files: Some(Files { data: folder.join("data"), account: account.clone() }),
    };
    wait_until_ready(&folder, &mut server.keeper)?;
    Ok(server)
}

/// A folder that the server's account can reach, for that account alone.
fn temporary_folder(account: &Account) -> Result<PathBuf, ServerError> {
    let usual = std::env::temp_dir();
    let parent = if account.can_enter(&usual) { usual } else { PathBuf::from("/tmp") };
    tempfile::Builder::new()
        .prefix("pgwise-server-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(&parent)
        .map(tempfile::TempDir::keep)
        .map_err(ServerError::io(format!("make a temporary folder in {}", parent.display())))
}

fn prepare(
    folder: &Path,
    account: &Account,
    password: &str,
    port: u16,
    settings: &[(String, String)],
) -> Result<(), ServerError> {
    let mut conf = String::from("\n# pgwise\n");
    let socket_folder = folder.to_string_lossy();
    let socket_folder =
        if socket_folder.len() < SOCKET_PATH_MAX - ".s.PGSQL.65535".len() { &*socket_folder } else { "" };
    let port = port.to_string();
    let own = [("listen_addresses", "127.0.0.1"), ("port", &*port), ("unix_socket_directories", socket_folder)];
    let given = settings.iter().map(|(name, value)| (&**name, &**value));
    for (name, value) in SETTINGS.iter().copied().chain(own).chain(given) {
        conf.push_str(&setting_line(name, value)?);
    }
    for (name, content) in [("settings.conf", &*conf), ("password", password)] {
        let path = folder.join(name);
        fs::write(&path, content).map_err(ServerError::io(format!("write {}", path.display())))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
            .map_err(ServerError::io(format!("protect {}", path.display())))?;
        account.give(&path)?;
    }
    account.give(folder)
}

/// One line of postgresql.conf: the value in single quotes, with quotes and backslashes doubled.
fn setting_line(name: &str, value: &str) -> Result<String, ServerError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    if name.is_empty() || !name.chars().all(plain) || value.contains(['\n', '\r', '\0']) {
        return Err(ServerError::Setting(name.to_owned()));
    }
    let mut line = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(line, "{name} = '{}'", value.replace('\\', "\\\\").replace('\'', "''"));
    Ok(line)
}

/// Waits for the word `ready` in postmaster.pid, as pg_ctl does.
fn wait_until_ready(folder: &Path, keeper: &mut Keeper) -> Result<(), ServerError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if status.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
            return Ok(());
        }
        if folder.join("down").exists() || keeper.has_ended() {
            return Err(ServerError::DidNotStart(log_end(folder)));
        }
        if Instant::now() > deadline {
            return Err(ServerError::TooSlow { seconds: PATIENCE.as_secs(), log: log_end(folder) });
        }
        sleep(POLL);
    }
}

/// The last lines of the server's log, on one line, after the first that is an error.
fn log_end(folder: &Path) -> String {
    let log = fs::read_to_string(folder.join("server.log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().filter(|l| !l.trim().is_empty()).collect();
    if lines.is_empty() {
        return "it left no log".to_owned();
    }
    let (before, last) = lines.split_at(lines.len().saturating_sub(5));
    let is_error = |line: &&&str| ["FATAL:", "PANIC:", "ERROR:", "error:"].iter().any(|word| line.contains(word));
    let shown: Vec<&str> = before.iter().find(is_error).into_iter().chain(last).copied().collect();
    shown.join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_cannot_break_out_of_its_line() {
        assert_eq!(setting_line("a.b", r"it's \x").ok().as_deref(), Some("a.b = 'it''s \\\\x'\n"));
        assert!(setting_line("a", "x\nfsync = on").is_err());
        assert!(setting_line("a = b", "x").is_err());
        assert!(setting_line("", "x").is_err());
    }
}
