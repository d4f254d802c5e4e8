//! The service file: named sets of connection options in INI form.

use std::path::PathBuf;

use super::conninfo::{self, Settings, bad};
use super::{Env, Error};

/// Fills what is still open from the named service, if one is named (`parseServiceInfo` in `fe-connect.c`): the user's
/// file first, then the system's.
pub(super) fn apply(settings: &mut Settings, env: &Env) -> Result<(), Error> {
    let Some(service) = settings.get("service").map(String::as_str).or_else(|| env.get("PGSERVICE")) else {
        return Ok(());
    };
    let service = service.to_owned();
    let named = settings.get("servicefile").map(String::as_str).or_else(|| env.get("PGSERVICEFILE"));
    let user_file = match named {
        Some(path) => Some(PathBuf::from(path)),
        None => env.home.as_ref().map(|h| h.join(".pg_service.conf")),
    };
    let system_file = env.get("PGSYSCONFDIR").map_or_else(
        || PathBuf::from("/etc/postgresql-common/pg_service.conf"),
        |directory| PathBuf::from(directory).join("pg_service.conf"),
    );
    let mut looked_in = Vec::new();
    for path in user_file.into_iter().chain([system_file]) {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(bad(format!("service file {}: {error}", path.display()))),
        };
        let place = format!("service file {}", path.display());
        if let Some(found) = section(&text, &service, &place)? {
            for (name, value) in found {
                settings.entry(name).or_insert(value);
            }
            return Ok(());
        }
        looked_in.push(path.display().to_string());
    }
    let places = if looked_in.is_empty() { "there is no service file".to_owned() } else { looked_in.join(", ") };
    Err(bad(format!("no definition of service {service:?} ({places})")))
}

/// The options of one `[section]`, or `None` if the file has no such section.
fn section(text: &str, service: &str, place: &str) -> Result<Option<Settings>, Error> {
    let mut found: Option<Settings> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let at = || format!("{place}, line {}", number + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if rest.strip_suffix(']') == Some(service) {
                found = Some(Settings::new());
            }
        } else if let Some(settings) = &mut found {
            let Some((name, value)) = line.split_once('=') else {
                return Err(bad(format!("{}: no \"=\" in the line", at())));
            };
            if name == "service" || name == "servicefile" {
                return Err(bad(format!("{}: {name} cannot be set in a service file", at())));
            }
            conninfo::check(name, value, &at())?;
            // As in libpq, the first of two settings counts.
            settings.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn a_section_gives_its_own_options_only() {
        let file = "# shops\n[a]\nhost=ha\n\n[b]\nhost=hb\nport=6543\nport=1\n#x\n[c]\nnonsense\n";
        let b = section(file, "b", "f").unwrap().unwrap();
        assert_eq!(b.get("host").map(String::as_str), Some("hb"));
        assert_eq!(b.get("port").map(String::as_str), Some("6543"));
        assert_eq!(section(file, "d", "f").unwrap(), None);
        let error = section(file, "c", "file f").unwrap_err().to_string();
        assert_eq!(error, "file f, line 11: no \"=\" in the line");
        assert!(section("[a]\ncolour=red", "a", "f").unwrap_err().to_string().contains("\"colour\""));
    }
}
