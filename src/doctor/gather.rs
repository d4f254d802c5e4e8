//! Reads the facts. A part that cannot be read says so in its fact; only a lost connection ends it.

use std::collections::BTreeMap;

use super::facts::{Facts, Preload, StatementsView, TableNames};
use crate::connect::{Error, Pool, Session};
use crate::snapshot::{Extension, Role};
use crate::sql::quote;

/// Reads what [`judge()`](super::judge()) needs, over one session.
pub async fn gather(pool: &Pool) -> Result<Facts, Error> {
    let session = pool.get().await?;
    read(&session).await.map_err(|error| session.error(error))
}

type Read<T> = Result<T, tokio_postgres::Error>;

async fn read(session: &Session) -> Read<Facts> {
    let row = session.query_one(include_str!("sql/server.sql"), &[]).await?;
    let read_all_stats: bool = row.try_get("read_all_stats")?;
    let superuser: bool = row.try_get("superuser")?;
    let standbys: i64 = row.try_get("standbys")?;
    let mut facts = Facts {
        version_num: u32::try_from(row.try_get::<_, i32>("version_num")?).unwrap_or_default(),
        version: row.try_get("version")?,
        database: row.try_get("database")?,
        now: row.try_get("now")?,
        started_at: row.try_get("started_at")?,
        stats_reset: row.try_get("stats_reset")?,
        role: Role {
            name: row.try_get("role_name")?,
            superuser,
            read_all_stats,
            read_all_settings: row.try_get("read_all_settings")?,
            read_all_data: row.try_get("read_all_data")?,
            create_in_database: row.try_get("create_in_database")?,
        },
        standby: row.try_get("in_recovery")?,
        standbys: if superuser || read_all_stats { u32::try_from(standbys).ok() } else { None },
        settings: BTreeMap::new(),
        preload: Preload::Hidden,
        extensions: Vec::new(),
        trusted_extensions: Vec::new(),
        statements: None,
        never_analyzed: TableNames::default(),
        unreadable: TableNames::default(),
        unreadable_schemas: Vec::new(),
        row_security: TableNames::default(),
        tables: 0,
    };
    for row in session.query(include_str!("sql/settings.sql"), &[]).await? {
        facts.settings.insert(row.try_get("name")?, row.try_get("value")?);
    }
    if let Some(list) = facts.setting("shared_preload_libraries") {
        let entries = list.split(',').map(|entry| entry.trim().trim_matches('"').to_owned());
        facts.preload = Preload::Listed(entries.filter(|entry| !entry.is_empty()).collect());
    }
    for row in session.query(include_str!("sql/extensions.sql"), &[]).await? {
        let extension = Extension {
            name: row.try_get("name")?,
            schema: row.try_get("schema")?,
            installed_version: row.try_get("installed_version")?,
            available_version: row.try_get("available_version")?,
        };
        if row.try_get("trusted")? {
            facts.trusted_extensions.push(extension.name.clone());
        }
        facts.extensions.push(extension);
    }
    if let Some(schema) = facts.extension("pg_stat_statements").and_then(|e| e.schema.clone()) {
        facts.statements = Some(outcome(statements(session, &schema, facts.major()).await)?);
    }
    tables(session, &mut facts).await?;
    Ok(facts)
}

/// A rejected statement is a fact; a lost connection is an error.
fn outcome<T>(read: Read<T>) -> Read<Result<T, String>> {
    match read {
        Ok(value) => Ok(Ok(value)),
        Err(error) if error.as_db_error().is_some() => Ok(Err(crate::connect::sql_line(&error))),
        Err(error) => Err(error),
    }
}

async fn statements(session: &Session, schema: &str, major: u32) -> Read<StatementsView> {
    let sql = include_str!("sql/statements.sql").replace("{view}", &quote::qualified(schema, "pg_stat_statements"));
    let row = session.query_one(&sql, &[]).await?;
    let mut view = StatementsView {
        entries: count(row.try_get("entries")?),
        hidden: count(row.try_get("hidden")?),
        ..StatementsView::default()
    };
    if major >= 14 {
        let name = quote::qualified(schema, "pg_stat_statements_info");
        let sql = include_str!("sql/statements_info.sql").replace("{view}", &name);
        // Absent where the extension is older than the server.
        if let Ok(row) = outcome(session.query_one(&sql, &[]).await)? {
            view.evicted = Some(count(row.try_get("dealloc")?));
            view.reset = row.try_get("stats_reset")?;
        }
    }
    Ok(view)
}

async fn tables(session: &Session, facts: &mut Facts) -> Read<()> {
    for row in session.query(include_str!("sql/tables.sql"), &[]).await? {
        let schemas: Vec<String> = row.try_get("schemas")?;
        let names: Vec<String> = row.try_get("names")?;
        let found =
            TableNames { count: count(row.try_get("count")?), largest: schemas.into_iter().zip(names).collect() };
        match row.try_get::<_, &str>("problem")? {
            "never_analyzed" => facts.never_analyzed = found,
            "row_security" => facts.row_security = found,
            "unreadable" => {
                facts.unreadable = found;
                facts.unreadable_schemas = row.try_get("all_schemas")?;
            }
            _ => facts.tables = found.count,
        }
    }
    Ok(())
}

fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}
