//! Where a twin's databases are: on a server of ours, which ends with us, or on one that was given and outlives us.
//!
//! All names on the server begin with a random token, and one session bears that token as its application's name for
//! as long as the twin lives: what carries a token that no session bears was left behind, and the next start removes it.

use std::sync::{Arc, Mutex, PoisonError};

use super::files::{self, Sized};
use super::{Containers, TwinError, TwinOptions, admission, settings, shell};
use crate::connect::{Access, ConnectOptions, Env, Pool, PoolOptions, Session};
use crate::snapshot::{Oid, Snapshot};
use crate::sql::quote;
use crate::throwaway::{self, Server, ServerError, ServerOptions};

/// What the names of our databases and roles begin with.
pub(super) const PREFIX: &str = "pgwise_twin_";
/// Hexadecimal digits of a token.
const TOKEN: usize = 16;

/// Twins on servers that outlive this process. Whoever may be interrupted keeps one and calls [`Remains::clear`].
#[derive(Debug, Clone, Default)]
pub struct Remains(Arc<Mutex<Vec<Remain>>>);

/// What one twin leaves on a server.
#[derive(Debug, Clone)]
struct Remain {
    options: ConnectOptions,
    name: String,
}

impl Remains {
    /// Drops the databases of every twin that is still there. Blocks for as long as the server takes.
    pub fn clear(&self) {
        let all = std::mem::take(&mut *self.list());
        all.iter().for_each(Remain::remove);
    }

    fn add(&self, options: &ConnectOptions, name: &str) {
        self.list().push(Remain { options: options.clone(), name: name.to_owned() });
    }

    fn remove(&self, name: &str) {
        let mine: Vec<Remain> = {
            let mut list = self.list();
            let (mine, others) = list.drain(..).partition(|r| r.name == name);
            *list = others;
            mine
        };
        mine.iter().for_each(Remain::remove);
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Remain>> {
        // What it guards is whole even where another thread panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remain {
    /// On a thread and a runtime of its own: this may be called from any.
    fn remove(&self) {
        let Self { options, name } = self.clone();
        let removing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let pool = admin_pool(&options).await.map_err(std::io::Error::other)?;
                let session = pool.get().await.map_err(std::io::Error::other)?;
                remove(&session, &name).await.map_err(std::io::Error::other)
            })
        });
        if let Ok(Err(error)) = removing.join() {
            tracing::warn!(%error, name = self.name, "the twin's databases stay behind; the next start removes them");
        }
    }
}

/// Drops every database and role whose name begins so.
async fn remove(session: &Session, name: &str) -> Result<(), TwinError> {
    let databases = session
        .query(
            "SELECT datname::text FROM pg_catalog.pg_database WHERE pg_catalog.starts_with(datname::text, $1)",
            &[&format!("{name}_")],
        )
        .await
        .map_err(|e| session.error(e))?;
    for row in databases {
        let database = quote::ident(row.get(0));
        let drop = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)");
        session.batch_execute(&drop).await.map_err(|e| session.error(e))?;
    }
    let role = format!("DROP ROLE IF EXISTS {}", quote::ident(name));
    session.batch_execute(&role).await.map_err(|e| session.error(e))?;
    Ok(())
}

/// Removes what twins left behind whose sessions are gone.
async fn remove_leftovers(session: &Session) -> Result<(), TwinError> {
    const SQL: &str = "SELECT DISTINCT pg_catalog.left(name, $2) FROM \
            (SELECT datname::text AS name FROM pg_catalog.pg_database \
             UNION ALL SELECT rolname::text FROM pg_catalog.pg_roles) AS n \
        WHERE name ~ $1 AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a \
            WHERE a.application_name = pg_catalog.left(name, $2))";
    let pattern = format!("^{PREFIX}[0-9a-f]{{{TOKEN}}}(_|$)");
    let length = i32::try_from(PREFIX.len() + TOKEN).unwrap_or(i32::MAX);
    let rows = session.query(SQL, &[&pattern, &length]).await.map_err(|e| session.error(e))?;
    for row in rows {
        remove(session, row.get(0)).await?;
    }
    Ok(())
}

async fn admin_pool(options: &ConnectOptions) -> Result<Pool, TwinError> {
    let writing = PoolOptions {
        access: Access::ReadWrite,
        max_size: 1,
        statement_timeout: super::TIMEOUT,
        ..PoolOptions::default()
    };
    Ok(Pool::connect(options, writing).await?)
}

/// The place.
pub(super) struct Site {
    /// Bears the token, and does what cannot be done from within the twin's databases.
    admin: Session,
    /// How to reach the server; the database is not a twin's.
    options: ConnectOptions,
    /// Ours to stop; `None` for one that was given.
    server: Option<Server>,
    /// The prefix of every name, and the name of the readers' role.
    name: String,
    remains: Remains,
    /// `data_checksums`.
    checksums: bool,
    origin: String,
}

impl Site {
    pub(super) async fn open(snapshot: &Snapshot, options: &TwinOptions) -> Result<Self, TwinError> {
        let server = if options.url.is_some() { None } else { Some(start(snapshot, options).await?) };
        let reach = match (&options.url, &server) {
            (Some(url), _) => url.clone(),
            (None, Some(server)) => ConnectOptions::resolve(Some(&server.url("postgres")), &Env::default())?,
            (None, None) => return Err(TwinError::Ended),
        };
        let pool = admin_pool(&reach).await?;
        let admin = pool.get().await?;
        let mut token = throwaway::random_word()?;
        token.truncate(TOKEN);
        let name = format!("{PREFIX}{token}");
        let bear = format!("SET application_name = {}", quote::literal(&name));
        admin.batch_execute(&bear).await.map_err(|e| admin.error(e))?;
        let facts = admission::facts(&admin).await?;
        let origin = if let Some(server) = &server {
            server.origin().to_owned()
        } else {
            admission::admit(&admin, &reach, &facts, snapshot).await?;
            remove_leftovers(&admin).await?;
            options.remains.add(&reach, &name);
            format!("PostgreSQL {} at {reach}", facts.version)
        };
        let remains = options.remains.clone();
        Ok(Self { admin, options: reach, server, name, remains, checksums: facts.checksums, origin })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// A session on no database of the twin.
    pub(super) fn admin(&self) -> &Session {
        &self.admin
    }

    /// What every name on this server begins with; itself the name of the role that may only read.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the settings of the snapshot have yet to be made: a server of ours was started with them.
    pub(super) fn is_given(&self) -> bool {
        self.server.is_none()
    }

    /// Sessions on one of the server's databases.
    pub(super) async fn pool(&self, database: &str) -> Result<Pool, TwinError> {
        admin_pool(&self.options.clone().with_dbname(database)).await
    }

    /// A URL for a database, as the superuser; without the password, where the server was given.
    pub(super) fn url(&self, database: &str) -> String {
        match &self.server {
            Some(server) => server.url(database),
            None => self.options.url(database, self.options.user(), None),
        }
    }

    /// A URL for a database, as a role with this password.
    pub(super) fn url_as(&self, database: &str, role: &str, password: &str) -> String {
        self.options.url(database, role, Some(password))
    }

    /// Gives the files of a database, to which nobody has connected yet, their sizes.
    pub(super) async fn resize(&self, database: Oid, relations: &[Sized]) -> Result<(), TwinError> {
        let Some(files) = self.server.as_ref().and_then(Server::files).cloned() else {
            return shell::resize(&self.admin, database, relations, self.checksums).await;
        };
        let relations = relations.to_vec();
        let resized = tokio::task::spawn_blocking(move || files::resize(&files, database, &relations)).await;
        Ok(resized.map_err(|_| TwinError::Ended)??)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.remains.remove(&self.name);
    }
}

/// Starts a server of the snapshot's major version: from local programs, else in a container, as the options say.
async fn start(snapshot: &Snapshot, options: &TwinOptions) -> Result<Server, TwinError> {
    let major = snapshot.server.major();
    let official = format!("postgres:{major}");
    let settings = settings::of(&snapshot.server);
    let start = ServerOptions {
        pg_bin: options.pg_bin.clone(),
        search_path: options.search_path.clone(),
        settings,
        major: Some(major),
        image: (options.containers == Containers::WithoutPrograms).then(|| official.clone()),
    };
    let image = if let Containers::Only { image } = &options.containers {
        Some(image.clone().unwrap_or(official))
    } else {
        None
    };
    let started = tokio::task::spawn_blocking(move || match image {
        Some(image) => Server::start_container(&image, &start.settings),
        None => Server::start(&start),
    });
    let server: Result<Server, ServerError> = started.await.map_err(|_| TwinError::Ended)?;
    Ok(server?)
}
