//! Keywords and values → checked options.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::conninfo::{Settings, bad};
use super::keywords::GSS_REQUIRED;
use super::options::{
    ChannelBinding, ConnectOptions, Host, HostAddress, Keepalive, Roots, SslMode, TargetSessionAttrs, TlsOptions,
};
use super::passfile;
use super::{Env, Error};

/// Checks every value and fills in libpq's defaults. Empty values count as absent and are not among `settings`.
pub(super) fn from_settings(settings: &Settings, env: &Env) -> Result<ConnectOptions, Error> {
    let text = |name: &str| settings.get(name).map(String::as_str);
    let user = match (text("user"), &env.os_user) {
        (Some(user), _) => user.to_owned(),
        (None, Some(user)) => user.clone(),
        (None, None) => return Err(bad("no role to connect as: name one in --url or PGUSER")),
    };
    let dbname = text("dbname").unwrap_or(&user).to_owned();
    let sslmode = one_of(
        settings,
        "sslmode",
        SslMode::Prefer,
        &[
            ("disable", SslMode::Disable),
            ("allow", SslMode::Allow),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::VerifyCa),
            ("verify-full", SslMode::VerifyFull),
        ],
    )?;
    let mut hosts = hosts(settings)?;
    // Over a Unix socket there is no TLS, whatever sslmode says.
    let over_tcp = hosts.iter().any(|h| matches!(h.address, HostAddress::Tcp { .. }));
    let (sslmode, tls) =
        if over_tcp { tls_options(settings, env, sslmode)? } else { (SslMode::Disable, TlsOptions::unused()) };
    let target_session_attrs = one_of(
        settings,
        "target_session_attrs",
        TargetSessionAttrs::Any,
        &[
            ("any", TargetSessionAttrs::Any),
            ("read-write", TargetSessionAttrs::ReadWrite),
            ("read-only", TargetSessionAttrs::ReadOnly),
            ("primary", TargetSessionAttrs::Primary),
            ("standby", TargetSessionAttrs::Standby),
            ("prefer-standby", TargetSessionAttrs::PreferStandby),
        ],
    )?;
    let channel_binding = one_of(
        settings,
        "channel_binding",
        ChannelBinding::Prefer,
        &[
            ("disable", ChannelBinding::Disable),
            ("prefer", ChannelBinding::Prefer),
            ("require", ChannelBinding::Require),
        ],
    )?;
    let shuffle_hosts = one_of(settings, "load_balance_hosts", false, &[("disable", false), ("random", true)])?;
    let gss_required =
        one_of(settings, "gssencmode", false, &[("disable", false), ("prefer", false), ("require", true)])?;
    if gss_required {
        return Err(bad(format!("gssencmode=require: {GSS_REQUIRED}")));
    }

    let mut warnings = Vec::new();
    match text("password") {
        Some(password) => hosts.iter_mut().for_each(|h| h.password = Some(password.to_owned())),
        None => passfile::fill(&mut hosts, &dbname, &user, text("passfile"), env, &mut warnings),
    }
    Ok(ConnectOptions {
        hosts,
        user,
        dbname,
        sslmode,
        tls,
        channel_binding,
        target_session_attrs,
        shuffle_hosts,
        connect_timeout: connect_timeout(settings)?,
        startup_options: text("options").map(str::to_owned),
        keepalive: keepalive(settings)?,
        warnings,
    })
}

/// Pairs `host`, `hostaddr` and `port`, which are lists of equal length; one port serves all hosts.
fn hosts(settings: &Settings) -> Result<Vec<Host>, Error> {
    let list = |name: &str| -> Vec<&str> {
        settings.get(name).map(|v| v.split(',').map(str::trim).collect()).unwrap_or_default()
    };
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = names.len().max(addresses.len()).max(1);
    if !names.is_empty() && !addresses.is_empty() && names.len() != addresses.len() {
        return Err(bad(format!("{} host names do not match {} hostaddr values", names.len(), addresses.len())));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(bad(format!("{} ports do not match {count} hosts", ports.len())));
    }
    (0..count)
        .map(|i| {
            let port = match ports.get(i).or(if ports.len() == 1 { ports.first() } else { None }) {
                None | Some(&"") => 5432,
                Some(port) => match port.parse::<u16>() {
                    Ok(port) if port > 0 => port,
                    _ => return Err(bad(format!("port {port:?} is not a number from 1 to 65535"))),
                },
            };
            let name = names.get(i).copied().unwrap_or_default();
            let address = match addresses.get(i).copied().unwrap_or_default() {
                "" => None,
                text => Some(
                    text.parse::<IpAddr>()
                        .map_err(|_| bad(format!("hostaddr {text:?} is not a numeric IP address")))?,
                ),
            };
            let address = match (name, address) {
                ("", None) => HostAddress::Unix(default_socket_directory(port)),
                ("", Some(address)) => HostAddress::Tcp { name: address.to_string(), address: Some(address) },
                (path, None) if path.starts_with('/') => HostAddress::Unix(PathBuf::from(path)),
                (name, _) if name.starts_with('@') => {
                    return Err(bad(format!("host {name:?}: abstract Unix sockets are not supported")));
                }
                (name, address) => HostAddress::Tcp { name: name.to_owned(), address },
            };
            Ok(Host { address, port, password: None })
        })
        .collect()
}

/// Distributions patch `DEFAULT_PGSOCKET_DIR` to the first; the source's own is the second.
pub(super) const DEFAULT_SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Whichever directory has a socket for the port, else the first that exists.
fn default_socket_directory(port: u16) -> PathBuf {
    let name = format!(".s.PGSQL.{port}");
    let candidates = || DEFAULT_SOCKET_DIRECTORIES.iter().map(Path::new);
    candidates()
        .find(|d| d.join(&name).exists())
        .or_else(|| candidates().find(|d| d.is_dir()))
        .unwrap_or(Path::new("/tmp"))
        .to_path_buf()
}

/// TLS files: those named must exist, those in `~/.postgresql` are used if they do (`initialize_SSL`).
fn tls_options(settings: &Settings, env: &Env, sslmode: SslMode) -> Result<(SslMode, TlsOptions), Error> {
    let text = |name: &str| settings.get(name).map(String::as_str);
    let in_home = |name: &str| env.home.as_ref().map(|h| h.join(".postgresql").join(name)).filter(|p| p.is_file());
    let mut sslmode = sslmode;
    let roots = match text("sslrootcert") {
        Some("system") => {
            // Any public authority would vouch for anybody's host: only the name makes it mean something.
            if !settings.contains_key("sslmode") {
                sslmode = SslMode::VerifyFull;
            } else if sslmode != SslMode::VerifyFull {
                return Err(bad("sslrootcert=system needs sslmode=verify-full: weaker modes would accept any host"));
            }
            Roots::System
        }
        Some(path) => Roots::File(PathBuf::from(path)),
        None => in_home("root.crt").map_or(Roots::None, Roots::File),
    };
    if roots == Roots::None && sslmode >= SslMode::VerifyCa {
        return Err(bad("sslmode=verify-ca and verify-full need root certificates: name a file in sslrootcert, or \
             sslrootcert=system for the operating system's, or put them in ~/.postgresql/root.crt"));
    }
    if let Roots::File(path) = &roots
        && sslmode >= SslMode::VerifyCa
        && !path.is_file()
    {
        return Err(bad(format!("sslrootcert: there is no file {}", path.display())));
    }
    let certificates = one_of(
        settings,
        "sslcertmode",
        "allow",
        &[("disable", "disable"), ("allow", "allow"), ("require", "require")],
    )?;
    let client = match (text("sslcert").map(PathBuf::from), text("sslkey").map(PathBuf::from)) {
        _ if certificates == "disable" => None,
        (Some(certificate), key) => {
            // libpq lets a named certificate be absent; a file that is named and missing is more likely a mistake.
            if !certificate.is_file() {
                return Err(bad(format!("sslcert: there is no file {}", certificate.display())));
            }
            match key.or_else(|| in_home("postgresql.key")) {
                Some(key) => Some((certificate, key)),
                None => return Err(bad("sslcert without sslkey, and there is no ~/.postgresql/postgresql.key")),
            }
        }
        (None, key) => match (in_home("postgresql.crt"), key.or_else(|| in_home("postgresql.key"))) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            _ => None,
        },
    };
    if certificates == "require" && client.is_none() {
        return Err(bad("sslcertmode=require without a client certificate (sslcert, sslkey)"));
    }
    let versions = [("TLSv1", 10), ("TLSv1.1", 11), ("TLSv1.2", 12), ("TLSv1.3", 13)];
    let oldest = one_of(settings, "ssl_min_protocol_version", 12, &versions)?;
    let newest = one_of(settings, "ssl_max_protocol_version", 13, &versions)?;
    if newest < 12 {
        return Err(bad("ssl_max_protocol_version: TLS before 1.2 is not supported"));
    }
    if oldest > newest {
        return Err(bad("ssl_min_protocol_version is above ssl_max_protocol_version"));
    }
    let direct = one_of(settings, "sslnegotiation", false, &[("postgres", false), ("direct", true)])?;
    if direct && sslmode < SslMode::Require {
        return Err(bad("sslnegotiation=direct needs sslmode=require or stronger"));
    }
    let tls = TlsOptions {
        roots,
        client,
        send_name: one_of(settings, "sslsni", true, &[("0", false), ("1", true)])?,
        direct,
        tls12: oldest <= 12,
        tls13: newest >= 13,
    };
    Ok((sslmode, tls))
}

/// libpq: 0 or less waits for ever; 1 counts as 2. We never wait for ever: the pool's default serves then.
fn connect_timeout(settings: &Settings) -> Result<Option<Duration>, Error> {
    let seconds: Option<i64> = number(settings, "connect_timeout")?;
    Ok(seconds.filter(|s| *s > 0).and_then(|s| u64::try_from(s.max(2)).ok()).map(Duration::from_secs))
}

fn keepalive(settings: &Settings) -> Result<Option<Keepalive>, Error> {
    let on = number::<i64>(settings, "keepalives")?.is_none_or(|v| v != 0);
    let seconds = |name: &str| -> Result<Option<Duration>, Error> {
        Ok(number::<u64>(settings, name)?.filter(|s| *s > 0).map(Duration::from_secs))
    };
    let keepalive = Keepalive {
        idle: seconds("keepalives_idle")?,
        interval: seconds("keepalives_interval")?,
        count: number::<u32>(settings, "keepalives_count")?.filter(|c| *c > 0),
    };
    Ok(on.then_some(keepalive))
}

fn number<T: std::str::FromStr>(settings: &Settings, name: &str) -> Result<Option<T>, Error> {
    settings
        .get(name)
        .map(|text| text.trim().parse().map_err(|_| bad(format!("{name}: {text:?} is not a whole number in range"))))
        .transpose()
}

fn one_of<T: Copy>(settings: &Settings, name: &str, default: T, choices: &[(&str, T)]) -> Result<T, Error> {
    let Some(text) = settings.get(name) else { return Ok(default) };
    choices.iter().find(|(word, _)| word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        bad(format!("{name}: {text:?} is not one of {}", words.join(", ")))
    })
}
