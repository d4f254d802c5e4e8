//! Connection strings: URLs and `keyword=value` lists, as libpq reads them.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::Error;
use super::keywords::{self, Treatment};

/// Keywords and their values; absent ones are not set.
pub(super) type Settings = BTreeMap<String, String>;

/// Reads a connection string: a URL if it starts like one, `keyword=value` pairs if it holds an equals sign, else the
/// name of a database (`recognized_connection_string` in `fe-connect.c`).
pub(super) fn parse(text: &str) -> Result<Settings, Error> {
    let settings = if let Some(rest) = strip_scheme(text) {
        parse_url(rest)?
    } else if text.contains("://") {
        let scheme = text.split("://").next().unwrap_or_default();
        return Err(bad(format!("the URL's scheme must be postgres or postgresql, not {scheme:?}")));
    } else if text.contains('=') {
        parse_pairs(text)?
    } else {
        Settings::from([("dbname".to_owned(), text.to_owned())])
    };
    for (name, value) in &settings {
        check(name, value, "the connection string")?;
    }
    Ok(settings)
}

/// Refuses a keyword that does not exist or that we cannot honour.
pub(super) fn check(name: &str, value: &str, place: &str) -> Result<(), Error> {
    match keywords::find(name).map(|k| k.treatment) {
        None => Err(bad(format!("unknown connection option {name:?} in {place}"))),
        Some(Treatment::Refused(why)) if !value.is_empty() => {
            Err(bad(format!("connection option {name} (in {place}): {why}")))
        }
        Some(_) => Ok(()),
    }
}

pub(super) fn bad(message: impl Into<String>) -> Error {
    Error::BadOption { message: message.into() }
}

fn strip_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

/// `[user[:password]@][host[:port][,…]][/dbname][?keyword=value[&…]]` (`conninfo_uri_parse_options`).
fn parse_url(rest: &str) -> Result<Settings, Error> {
    let mut settings = Settings::new();
    let (credentials, rest) = split_credentials(rest);
    if let Some(credentials) = credentials {
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (credentials, None),
        };
        set_decoded(&mut settings, "user", user, "user name")?;
        if let Some(password) = password {
            set_decoded(&mut settings, "password", password, "password")?;
        }
    }
    let (before_query, query) = match rest.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (rest, None),
    };
    let (hosts, database) = match before_query.split_once('/') {
        Some((hosts, database)) => (hosts, Some(database)),
        None => (before_query, None),
    };
    let mut names = Vec::new();
    let mut ports = Vec::new();
    for entry in hosts.split(',') {
        let (name, port) = split_port(entry)?;
        names.push(decode(name, "host")?);
        ports.push(port.to_owned());
    }
    if names.iter().any(|n| !n.is_empty()) {
        settings.insert("host".to_owned(), names.join(","));
    }
    if ports.iter().any(|p| !p.is_empty()) {
        settings.insert("port".to_owned(), ports.join(","));
    }
    if let Some(database) = database {
        set_decoded(&mut settings, "dbname", database, "database name")?;
    }
    for pair in query.into_iter().flat_map(|q| q.split('&')).filter(|p| !p.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(bad(format!("the URL's query has {pair:?} without a value")));
        };
        let (name, value) = (decode(name, "query")?, decode(value, "query")?);
        // JDBC's spelling, which libpq takes too.
        if name == "ssl" && value == "true" {
            settings.insert("sslmode".to_owned(), "require".to_owned());
        } else {
            settings.insert(name, value);
        }
    }
    Ok(settings)
}

/// What stands before an `@`, if one comes before the first slash; a question mark before it belongs to the password.
fn split_credentials(rest: &str) -> (Option<&str>, &str) {
    let authority = rest.split('/').next().unwrap_or_default();
    let before_query = authority.split('?').next().unwrap_or_default();
    match before_query.rfind('@').or_else(|| authority.find('@')) {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    }
}

/// Splits `host:port`, `[ipv6]:port`, `host` or nothing.
fn split_port(entry: &str) -> Result<(&str, &str), Error> {
    if let Some(rest) = entry.strip_prefix('[') {
        let Some((address, after)) = rest.split_once(']') else {
            return Err(bad("the URL's IPv6 address lacks its closing bracket"));
        };
        return match after.strip_prefix(':') {
            Some(port) => Ok((address, port)),
            None if after.is_empty() => Ok((address, "")),
            None => Err(bad(format!("unexpected {after:?} after the URL's IPv6 address"))),
        };
    }
    Ok(entry.split_once(':').unwrap_or((entry, "")))
}

fn set_decoded(settings: &mut Settings, name: &str, raw: &str, part: &str) -> Result<(), Error> {
    if !raw.is_empty() {
        settings.insert(name.to_owned(), decode(raw, part)?);
    }
    Ok(())
}

/// Percent-decodes strictly: a `%` that starts no escape is an error, as in libpq, and its text is not repeated (it may
/// be a password).
fn decode(raw: &str, part: &str) -> Result<String, Error> {
    let bytes = raw.as_bytes();
    for (position, _) in raw.match_indices('%') {
        let digits = bytes.get(position + 1..position + 3);
        if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
            return Err(bad(format!("the URL's {part} has a % that starts no escape; write %25 for a percent sign")));
        }
        if digits == Some(b"00") {
            return Err(bad(format!("the URL's {part} holds %00")));
        }
    }
    match percent_decode_str(raw).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(bad(format!("the URL's {part} is not UTF-8 after decoding"))),
    }
}

/// `keyword = value` pairs; values may be single-quoted, with backslash escapes (`conninfo_parse`).
fn parse_pairs(text: &str) -> Result<Settings, Error> {
    let mut settings = Settings::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(settings);
        }
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && !c.is_whitespace()) {
            name.push(c);
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next() != Some('=') {
            return Err(bad(format!("missing \"=\" after {name:?} in the connection string")));
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let mut value = String::new();
        if chars.next_if_eq(&'\'').is_some() {
            loop {
                match chars.next() {
                    Some('\'') => break,
                    Some('\\') => value.extend(chars.next()),
                    Some(c) => value.push(c),
                    None => {
                        return Err(bad(format!("unterminated quote in the value of {name} in the connection string")));
                    }
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
                if c == '\\' {
                    value.extend(chars.next());
                } else {
                    value.push(c);
                }
            }
        }
        settings.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().collect()
    }

    fn want(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn urls_give_what_libpq_reads_in_them() {
        assert_eq!(
            pairs("postgres://u%40x:p%3Aw@h1:1,[::1]:2,h3/d%20b?sslmode=require&ssl=true"),
            want(&[
                ("dbname", "d b"),
                ("host", "h1,::1,h3"),
                ("password", "p:w"),
                ("port", "1,2,"),
                ("sslmode", "require"),
                ("user", "u@x")
            ])
        );
        assert_eq!(pairs("postgresql://"), []);
        assert_eq!(
            pairs("postgresql:///db?host=/tmp/s&port=7"),
            want(&[("dbname", "db"), ("host", "/tmp/s"), ("port", "7")])
        );
        assert_eq!(pairs("postgres://%2Ftmp%2Fs:7/db"), want(&[("dbname", "db"), ("host", "/tmp/s"), ("port", "7")]));
        // The last @ ends the credentials.
        assert_eq!(pairs("postgres://u:p?w@h"), want(&[("host", "h"), ("password", "p?w"), ("user", "u")]));
        assert_eq!(pairs("postgres://u:p@w@h"), want(&[("host", "h"), ("password", "p@w"), ("user", "u")]));
    }

    #[test]
    fn pairs_take_quotes_escapes_and_spaces_around_the_sign() {
        assert_eq!(
            pairs(r"host = h  dbname='my \'db\' \\x' password=a\ b user=''"),
            want(&[("dbname", r"my 'db' \x"), ("host", "h"), ("password", "a b"), ("user", "")])
        );
        assert_eq!(pairs("shop"), want(&[("dbname", "shop")]));
    }

    #[test]
    fn errors_name_the_option_and_never_a_password() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        assert!(message("host=h colour=red").contains("\"colour\""));
        assert!(message("postgres://h/?colour=red").contains("\"colour\""));
        assert!(message("postgres://h/?sslcrl=/x").contains("sslcrl"));
        assert!(message("mysql://h").contains("mysql"));
        let hidden = message("postgres://u:100%secret@h/d");
        assert!(hidden.contains("password") && !hidden.contains("secret"), "{hidden}");
        assert!(message("host='x").contains("host"));
        assert!(message("host=h port").contains("port"));
    }
}
