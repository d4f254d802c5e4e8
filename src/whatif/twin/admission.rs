//! Whether a server that was given may carry a twin: it must be disposable, and never the monitored one.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::site::PREFIX;
use super::{TIMEOUT, TwinError};
use crate::connect::{ConnectOptions, Pool, PoolOptions, Session};
use crate::snapshot::Snapshot;

/// Databases looked into at most: a server with more is somebody's.
const DATABASES: usize = 20;

/// Why a server is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The snapshot was taken from it, or from a copy of it.
    #[error("it is the monitored server itself, or a copy of it (system identifier {0})")]
    Monitored(String),
    /// The role cannot write the catalogs.
    #[error("the role {0} is no superuser there, and a twin's statistics and files can be written only by one")]
    NotSuperuser(String),
    /// Another planner.
    #[error("it is PostgreSQL {found}, and the snapshot is of {wanted}: a twin needs the same major version")]
    Major {
        /// The server's.
        found: u32,
        /// The snapshot's.
        wanted: u32,
    },
    /// A standby.
    #[error("it is a standby, where nothing can be created")]
    Standby,
    /// Somebody's data.
    #[error("it is not empty and disposable: {0}")]
    InUse(String),
    /// Its files have other pages.
    #[error("its blocks are of {0} bytes instead of 8192")]
    BlockSize(String),
}

/// What decides.
pub(super) struct Facts {
    major: u32,
    pub(super) version: String,
    superuser: bool,
    role: String,
    standby: bool,
    pub(super) checksums: bool,
    block_size: String,
    identifier: Option<String>,
    started_at: Option<Timestamp>,
}

pub(super) async fn facts(session: &Session) -> Result<Facts, TwinError> {
    const SQL: &str = "SELECT pg_catalog.current_setting('server_version_num')::int4 / 10000 AS major, \
            pg_catalog.current_setting('server_version') AS version, \
            r.rolsuper AS superuser, current_user::text AS role, pg_catalog.pg_is_in_recovery() AS standby, \
            pg_catalog.current_setting('data_checksums') = 'on' AS checksums, \
            pg_catalog.current_setting('block_size') AS block_size, pg_catalog.pg_postmaster_start_time() AS started_at, \
            pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS may_identify \
        FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user";
    let row: Row = session.query_one(SQL, &[]).await.map_err(|e| session.error(e))?;
    let identifier = if row.get("may_identify") {
        let sql = "SELECT system_identifier::text FROM pg_catalog.pg_control_system()";
        Some(session.query_one(sql, &[]).await.map_err(|e| session.error(e))?.get(0))
    } else {
        None
    };
    Ok(Facts {
        major: u32::try_from(row.get::<_, i32>("major")).unwrap_or_default(),
        version: row.get("version"),
        superuser: row.get("superuser"),
        role: row.get("role"),
        standby: row.get("standby"),
        checksums: row.get("checksums"),
        block_size: row.get("block_size"),
        identifier,
        started_at: row.get("started_at"),
    })
}

/// Refuses what is not disposable. Reads only.
pub(super) async fn admit(
    session: &Session,
    options: &ConnectOptions,
    facts: &Facts,
    snapshot: &Snapshot,
) -> Result<(), TwinError> {
    let refuse = |refusal| Err(TwinError::Refused { server: options.to_string(), refusal });
    let theirs = &snapshot.server;
    let same_identifier = facts.identifier.is_some() && facts.identifier == theirs.system_identifier;
    // Where the monitored server keeps its identifier to itself, the microsecond of its start says as much.
    let same_start = facts.started_at.is_some() && facts.started_at == theirs.started_at;
    if same_identifier || same_start {
        return refuse(Refusal::Monitored(facts.identifier.clone().unwrap_or_else(|| "unknown".to_owned())));
    }
    if facts.major != theirs.major() {
        return refuse(Refusal::Major { found: facts.major, wanted: theirs.major() });
    }
    if !facts.superuser {
        return refuse(Refusal::NotSuperuser(facts.role.clone()));
    }
    if facts.standby {
        return refuse(Refusal::Standby);
    }
    if facts.block_size != "8192" {
        return refuse(Refusal::BlockSize(facts.block_size.clone()));
    }
    match in_use(session, options).await? {
        Some(why) => refuse(Refusal::InUse(why)),
        None => Ok(()),
    }
}

/// A relation in any database that neither PostgreSQL, nor an extension, nor pgwise put there.
async fn in_use(session: &Session, options: &ConnectOptions) -> Result<Option<String>, TwinError> {
    const LIST: &str = "SELECT datname::text, datallowconn FROM pg_catalog.pg_database \
        WHERE datname <> 'template0' AND NOT pg_catalog.starts_with(datname::text, $1) ORDER BY datname";
    const RELATION: &str = "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class AS c \
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
        WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') \
        AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' \
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d \
            WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') \
        ORDER BY 1 LIMIT 1";
    let databases = session.query(LIST, &[&PREFIX]).await.map_err(|e| session.error(e))?;
    if databases.len() > DATABASES {
        return Ok(Some(format!("it has {} databases", databases.len())));
    }
    for row in databases {
        let name: String = row.get(0);
        if !row.get::<_, bool>(1) {
            return Ok(Some(format!("it has the database {name}, which takes no connections")));
        }
        let reading = PoolOptions { max_size: 1, statement_timeout: TIMEOUT, ..PoolOptions::default() };
        let pool = Pool::connect(&options.clone().with_dbname(&name), reading).await?;
        let inside = pool.get().await?;
        let found = inside.query_opt(RELATION, &[]).await.map_err(|e| inside.error(e))?;
        inside.discard();
        pool.close();
        if let Some(relation) = found {
            return Ok(Some(format!("its database {name} has the relation {}", relation.get::<_, String>(0))));
        }
    }
    Ok(None)
}
