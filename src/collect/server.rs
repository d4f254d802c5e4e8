//! The server's facts: version, settings, extensions, the role's rights, size.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::error::{Error, PartError};
use super::part::{Context, count};
use crate::snapshot::{Extension, RecoveryState, Role, Server, Setting, Tablespace};

/// The oldest version read: PostgreSQL 13.
const OLDEST: u32 = 130_000;

/// The first row that is read: without it there is no snapshot.
pub(super) struct Facts {
    /// Everything but settings, extensions, size and identifier.
    pub(super) server: Server,
    /// The server's clock.
    pub(super) now: Timestamp,
}

/// Reads what everything else depends on.
pub(super) async fn facts(context: &Context<'_>) -> Result<Facts, Error> {
    let (_permit, session) = context.session().await?;
    // Outside a transaction of ours: the search path is to be the session's own.
    let read = async {
        let row = session.query_typed_one(include_str!("sql/server.sql"), &[]).await?;
        let version_num: i32 = row.try_get("version_num")?;
        let in_recovery: bool = row.try_get("in_recovery")?;
        let server = Server {
            version_num: u32::try_from(version_num).unwrap_or(0),
            version: row.try_get("version")?,
            database: row.try_get("database")?,
            database_bytes: None,
            system_identifier: None,
            started_at: row.try_get("started_at")?,
            stats_reset: row.try_get("stats_reset")?,
            blocks_hit: row.try_get::<_, Option<i64>>("blocks_hit")?.map(count),
            blocks_read: row.try_get::<_, Option<i64>>("blocks_read")?.map(count),
            settings: BTreeMap::new(),
            extensions: Vec::new(),
            tablespaces: Vec::new(),
            role: Role {
                name: row.try_get("role_name")?,
                superuser: row.try_get("superuser")?,
                read_all_stats: row.try_get("read_all_stats")?,
                read_all_settings: row.try_get("read_all_settings")?,
                read_all_data: row.try_get("read_all_data")?,
                create_in_database: row.try_get("create_in_database")?,
            },
            recovery: if in_recovery { RecoveryState::Standby } else { RecoveryState::Primary },
            search_path: row.try_get("search_path")?,
        };
        Ok::<_, tokio_postgres::Error>(Facts { server, now: row.try_get("now")? })
    };
    let facts = match tokio::time::timeout(context.timeout, read).await {
        Ok(Ok(facts)) => facts,
        Ok(Err(error)) => {
            let error = session.error(error);
            return Err(if error.is_lost() { error.into() } else { Error::Server { reason: error.to_string() } });
        }
        Err(_) => {
            session.discard();
            return Err(Error::Server { reason: PartError::TimedOut(context.timeout).to_string() });
        }
    };
    if facts.server.version_num < OLDEST {
        return Err(Error::TooOld { version: facts.server.version });
    }
    Ok(facts)
}

/// Settings by name.
pub(super) async fn settings(context: &Context<'_>) -> Result<BTreeMap<String, Setting>, Error> {
    context
        .read("settings", None, async |session, _| {
            let rows = session.query_typed(include_str!("sql/settings.sql"), &[]).await?;
            let mut settings = BTreeMap::new();
            for row in rows {
                let setting = Setting {
                    value: row.try_get("value")?,
                    unit: row.try_get("unit")?,
                    source: row.try_get("source")?,
                };
                settings.insert(row.try_get("name")?, setting);
            }
            Ok(settings)
        })
        .await
}

/// Extensions installed or available.
pub(super) async fn extensions(context: &Context<'_>) -> Result<Vec<Extension>, Error> {
    context
        .read("extensions", None, async |session, _| {
            let rows = session.query_typed(include_str!("sql/extensions.sql"), &[]).await?;
            let mut extensions = Vec::with_capacity(rows.len());
            for row in rows {
                extensions.push(Extension {
                    name: row.try_get("name")?,
                    schema: row.try_get("schema")?,
                    installed_version: row.try_get("installed_version")?,
                    available_version: row.try_get("available_version")?,
                });
            }
            extensions.sort_by(|a: &Extension, b| a.name.cmp(&b.name));
            Ok(extensions)
        })
        .await
}

/// Tablespaces with costs of their own.
pub(super) async fn tablespaces(context: &Context<'_>) -> Result<Vec<Tablespace>, Error> {
    context
        .read("tablespaces", None, async |session, _| {
            let rows = session.query_typed(include_str!("sql/tablespaces.sql"), &[]).await?;
            let mut tablespaces = Vec::with_capacity(rows.len());
            for row in rows {
                let mut options: Vec<String> = row.try_get("options")?;
                options.sort();
                let (name, of_database) = (row.try_get("name")?, row.try_get("of_database")?);
                tablespaces.push(Tablespace { name, of_database, options });
            }
            Ok(tablespaces)
        })
        .await
}

/// The cluster's identifier, which some hosting services keep to themselves: then simply unknown.
pub(super) async fn system_identifier(context: &Context<'_>) -> Result<Option<String>, Error> {
    let outcome = context
        .try_read(async |session, _| {
            let row = session.query_typed_one(include_str!("sql/system_identifier.sql"), &[]).await?;
            Ok(row.try_get("system_identifier")?)
        })
        .await?;
    Ok(outcome.unwrap_or_default())
}

/// The database's size on disk.
pub(super) async fn database_size(context: &Context<'_>) -> Result<Option<u64>, Error> {
    context
        .read("database size", None, async |session, _| {
            let row = session.query_typed_one(include_str!("sql/database_size.sql"), &[]).await?;
            Ok(row.try_get::<_, Option<i64>>("bytes")?.map(count))
        })
        .await
}
