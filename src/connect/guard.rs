//! What keeps a session harmless: settings made right after connecting, checked, and made again after every use.

use std::fmt::Write as _;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::Error;

/// Whether sessions may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `default_transaction_read_only = on`: for every monitored database.
    ReadOnly,
    /// For the demo's own server only.
    ReadWrite,
}

/// How long a session may sit in an open transaction before the server ends it.
const IDLE_IN_TRANSACTION: Duration = Duration::from_mins(1);

/// The settings of every session.
///
/// They are made by `SET`, not as startup options, which PgBouncer refuses. They hold for a session, so a pooler must be
/// in session mode: in transaction mode it would hand them to other clients.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    settings: Vec<(&'static str, String)>,
    set: String,
    state: String,
    clean: String,
}

/// What a session's own report says besides its settings.
#[derive(Debug, Default, PartialEq, Eq)]
struct Leftovers {
    /// Statements prepared by SQL, quoted.
    prepared: Vec<String>,
    /// Calls that clear HypoPG's state, if its library is loaded here.
    hypopg: Vec<String>,
}

impl Guard {
    pub(super) fn new(access: Access, statement_timeout: Duration, lock_timeout: Duration) -> Guard {
        let milliseconds = |d: Duration| d.as_millis().to_string();
        let read_only = if access == Access::ReadOnly { "on" } else { "off" };
        let settings = vec![
            ("application_name", "pgwise".to_owned()),
            ("default_transaction_read_only", read_only.to_owned()),
            ("statement_timeout", milliseconds(statement_timeout)),
            ("lock_timeout", milliseconds(lock_timeout)),
            ("idle_in_transaction_session_timeout", milliseconds(IDLE_IN_TRANSACTION)),
            // Not for safety: definitions, statistics and quoting must read the same in every session.
            ("standard_conforming_strings", "on".to_owned()),
            ("quote_all_identifiers", "off".to_owned()),
            ("TimeZone", "UTC".to_owned()),
            ("DateStyle", "ISO, YMD".to_owned()),
            ("IntervalStyle", "postgres".to_owned()),
            ("bytea_output", "hex".to_owned()),
            ("extra_float_digits", "1".to_owned()),
        ];
        let mut set = String::new();
        for (name, value) in &settings {
            // Names and values are ours: nothing in them needs escaping.
            let _ = write!(set, "SET /* pgwise */ {name} = '{value}';");
        }
        let mut state = String::from("SELECT /* pgwise */ 'setting', v.name, v.setting FROM (VALUES ");
        for (i, (name, _)) in settings.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let value = if name.ends_with("_timeout") {
                // Shown with a unit of the server's choice: back to milliseconds.
                format!("(extract(epoch from current_setting('{name}')::interval) * 1000)::bigint::text")
            } else {
                format!("current_setting('{name}')")
            };
            let _ = write!(state, "{comma}('{name}', {value})");
        }
        state.push_str(
            ") AS v(name, setting) \
             UNION ALL SELECT 'prepared', quote_ident(p.name), NULL FROM pg_catalog.pg_prepared_statements p \
             WHERE p.from_sql \
             UNION ALL SELECT 'hypopg', quote_ident(n.nspname) || '.' || quote_ident(f.proname), NULL \
             FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace \
             WHERE current_setting('hypopg.enabled', true) IS NOT NULL AND f.pronargs = 0 \
             AND f.proname IN ('hypopg_reset', 'hypopg_unhide_all_indexes');",
        );
        // ROLLBACK ends whatever transaction is open. Where there is none, as usual, it alone would leave a warning in the
        // server's log each time: hence BEGIN before it. The rest is what DISCARD ALL does, less
        // DEALLOCATE ALL, which would pull the driver's own prepared statements from under it.
        let clean = format!(
            "BEGIN /* pgwise */; ROLLBACK /* pgwise */; SET /* pgwise */ SESSION AUTHORIZATION DEFAULT; RESET /* pgwise */ ROLE; \
             RESET /* pgwise */ ALL; {set} CLOSE /* pgwise */ ALL; UNLISTEN /* pgwise */ *; \
             SELECT /* pgwise */ pg_catalog.pg_advisory_unlock_all(); DISCARD /* pgwise */ SEQUENCES; \
             DISCARD /* pgwise */ TEMP; {state}"
        );
        Guard { settings, set, state, clean }
    }

    /// Guards a new session.
    pub(super) async fn establish(&self, client: &Client, target: &str) -> Result<(), Error> {
        let messages = client.simple_query(&format!("{}{}", self.set, self.state)).await?;
        self.verify(&messages, target)?;
        Ok(())
    }

    /// Ends transactions and clears settings, cursors, locks, temporary tables, prepared statements and hypothetical
    /// indexes; then guards the session anew. On an error the session must be dropped.
    pub(super) async fn clean(&self, client: &Client, target: &str) -> Result<(), Error> {
        let messages = match client.simple_query(&self.clean).await {
            // BEGIN is refused in a transaction that has failed.
            Err(error) if error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION) => {
                client.simple_query("ROLLBACK /* pgwise */").await?;
                client.simple_query(&self.clean).await?
            }
            messages => messages?,
        };
        let leftovers = self.verify(&messages, target)?;
        if leftovers == Leftovers::default() {
            return Ok(());
        }
        let mut sql = String::new();
        for name in &leftovers.prepared {
            let _ = write!(sql, "DEALLOCATE /* pgwise */ {name};");
        }
        for function in &leftovers.hypopg {
            let _ = write!(sql, "SELECT /* pgwise */ {function}();");
        }
        client.simple_query(&sql).await?;
        Ok(())
    }

    fn verify(&self, messages: &[SimpleQueryMessage], target: &str) -> Result<Leftovers, Error> {
        let mut leftovers = Leftovers::default();
        let mut verified = 0;
        for message in messages {
            let SimpleQueryMessage::Row(row) = message else { continue };
            if row.len() != 3 {
                continue;
            }
            let (Some(kind), Some(name)) = (row.get(0), row.get(1)) else { continue };
            match kind {
                "prepared" => leftovers.prepared.push(name.to_owned()),
                "hypopg" => leftovers.hypopg.push(name.to_owned()),
                _ => {
                    let actual = row.get(2).unwrap_or_default();
                    let Some((_, wanted)) = self.settings.iter().find(|(n, _)| *n == name) else { continue };
                    if actual != wanted {
                        return Err(Error::Guard {
                            target: target.to_owned(),
                            setting: name.to_owned(),
                            wanted: wanted.clone(),
                            actual: actual.to_owned(),
                        });
                    }
                    verified += 1;
                }
            }
        }
        if verified == self.settings.len() {
            Ok(leftovers)
        } else {
            Err(Error::Protocol { message: format!("{target}: the server did not report the session's settings") })
        }
    }
}
