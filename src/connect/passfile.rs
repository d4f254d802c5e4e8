//! The password file: `host:port:database:user:password` lines.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Env;
use super::options::{Host, HostAddress};
use super::resolve::DEFAULT_SOCKET_DIRECTORIES;

/// Gives every host the password of the first line that matches it (`passwordFromFile` in `fe-connect.c`). A missing
/// file is no error; one that others can read is ignored, with a warning.
pub(super) fn fill(
    hosts: &mut [Host],
    dbname: &str,
    user: &str,
    named: Option<&str>,
    env: &Env,
    warnings: &mut Vec<String>,
) {
    let Some(path) = named.map(PathBuf::from).or_else(|| env.home.as_ref().map(|h| h.join(".pgpass"))) else {
        return;
    };
    let Ok(metadata) = std::fs::metadata(&path) else { return };
    if !metadata.is_file() {
        warnings.push(format!("password file {} is not a plain file: ignored", path.display()));
        return;
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        warnings
            .push(format!("password file {} can be read by group or others: ignored; chmod 600 it", path.display()));
        return;
    }
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            warnings.push(format!("password file {}: {error}: ignored", path.display()));
            return;
        }
    };
    for host in hosts {
        // For the default socket directory, libpq looks under "localhost".
        let (name, fallback) = match &host.address {
            HostAddress::Tcp { name, .. } => (name.clone(), None),
            HostAddress::Unix(directory) => {
                let default = DEFAULT_SOCKET_DIRECTORIES.iter().any(|d| directory == Path::new(d));
                (directory.display().to_string(), default.then_some("localhost"))
            }
        };
        let port = host.port.to_string();
        host.password = find(&text, [&name, &port, dbname, user])
            .or_else(|| fallback.and_then(|name| find(&text, [name, &port, dbname, user])));
    }
}

/// The password of the first line whose four fields match.
fn find(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for field in wanted {
            let (value, wildcard, after) = field_of(rest)?;
            if !wildcard && value != field {
                return None;
            }
            rest = after?;
        }
        // Colons are taken as they are in the last field; backslashes escape there too.
        let mut password = String::new();
        let mut chars = rest.trim_end_matches('\r').chars();
        while let Some(c) = chars.next() {
            if c == '\\' {
                password.extend(chars.next());
            } else {
                password.push(c);
            }
        }
        (!password.is_empty()).then_some(password)
    })
}

/// The next field unescaped, whether it is the wildcard, and what follows its colon.
fn field_of(line: &str) -> Option<(String, bool, Option<&str>)> {
    let mut value = String::new();
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ':' => return Some((value, &line[..at] == "*", Some(&line[at + 1..]))),
            '\\' => value.push(chars.next()?.1),
            _ => value.push(c),
        }
    }
    Some((value, line == "*", None))
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_first_matching_line_wins_with_wildcards_and_escapes() {
        let file = "# comment\n\
                    h1:5432:shop:ann:first\n\
                    h1:*:shop:ann:second\n\
                    \\:\\:1:5432:*:ann:a\\:b:c\\\\d\n\
                    *:*:*:bob:bob's\n\
                    too:few\n\
                    h9:5432:shop:ann:\n\
                    *:*:*:*:any";
        let look = |host, port, db, user| find(file, [host, port, db, user]);
        assert_eq!(look("h1", "5432", "shop", "ann").as_deref(), Some("first"));
        assert_eq!(look("h1", "5433", "shop", "ann").as_deref(), Some("second"));
        assert_eq!(look("::1", "5432", "x", "ann").as_deref(), Some("a:b:c\\d"));
        assert_eq!(look("h2", "1", "x", "bob").as_deref(), Some("bob's"));
        assert_eq!(look("h9", "5432", "shop", "ann").as_deref(), Some("any"));
        assert_eq!(find("h1:5432:shop:ann:p", ["h2", "5432", "shop", "ann"]), None);
    }
}
