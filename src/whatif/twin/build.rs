//! From a snapshot to a running twin.
//!
//! Schema, statistics and `pg_class` are written into a template database, whose files stay small. A copy of it is made
//! file by file, and the copy's files get production's lengths before anyone connects: nothing stale is in the server's
//! buffers then. A change of the template (candidates) is followed by a new copy, which takes some 20 ms.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use super::files::{self, Content, Sized};
use super::statistics::{self, Attribute, Place};
use super::{NotRecreated, TwinError, TwinOptions, schema, settings};
use crate::connect::{Access, ConnectOptions, Env, Pool, PoolOptions, Session};
use crate::snapshot::{Catalog, DatabaseLocale, Index, IndexMethod, Oid, Snapshot, Table, TableKind};
use crate::sql::quote;
use crate::throwaway::{Server, ServerOptions};
use crate::whatif::size;

/// The database that copies are made of.
const TEMPLATE: &str = "pgwise_template";
/// Statements sent before the first is answered.
const PIPELINE: usize = 64;
/// Rows of statistics written by one message.
const BATCH: usize = 200;
/// Creating a schema of thousands of tables, or copying it, on a slow machine.
const TIMEOUT: Duration = Duration::from_mins(10);
/// `BLCKSZ` of the server binaries that distributions build.
const PAGE: u64 = 8192;

/// An empty server that plans like production. Dropping it stops the server and removes its files.
pub struct Twin {
    server: Server,
    generation: u32,
    relations: Vec<Sized>,
    left_out: Vec<NotRecreated>,
    /// The twin's object identifiers of production's relations, by schema and name.
    oids: BTreeMap<(String, String), Oid>,
    /// Rows of statistics written.
    statistics: usize,
}

impl Twin {
    /// Builds a twin on local server binaries of the snapshot's major version, and checks it.
    pub async fn build(snapshot: &Snapshot, options: &TwinOptions) -> Result<Self, TwinError> {
        let schema = snapshot.schema.as_ref().ok_or(TwinError::NoSchema)?;
        if snapshot.server.setting("block_size").is_some_and(|size| size != "8192") {
            return Err(TwinError::BlockSize);
        }
        if cfg!(target_endian = "big") {
            return Err(TwinError::BigEndian);
        }
        let start = ServerOptions {
            pg_bin: options.pg_bin.clone(),
            search_path: options.search_path.clone(),
            settings: settings::of(&snapshot.server),
            major: Some(snapshot.server.major()),
            image: None,
        };
        let started = tokio::task::spawn_blocking(move || Server::start(&start)).await;
        let server = started.map_err(|_| TwinError::Ended)??;
        let mut twin = Self {
            server,
            generation: 0,
            relations: Vec::new(),
            left_out: Vec::new(),
            oids: BTreeMap::new(),
            statistics: 0,
        };
        twin.create_template(&schema.locale).await?;
        let pool = twin.pool(TEMPLATE).await?;
        {
            let session = pool.get().await?;
            let (steps, left_out) = schema::script(snapshot, schema);
            twin.left_out.extend(left_out);
            twin.run_script(&session, steps).await?;
            let attributes = read_attributes(&session).await?;
            twin.write_statistics(&session, &snapshot.catalog, &attributes).await?;
            twin.write_sizes(&session, &snapshot.catalog).await?;
            session.discard();
        }
        pool.close();
        twin.copy().await?;
        twin.check().await?;
        Ok(twin)
    }

    /// A URL for the twin's database, as its superuser.
    pub fn url(&self) -> String {
        self.server.url(&self.database())
    }

    /// What it runs on: `PostgreSQL 15.4 from /usr/lib/postgresql/15/bin`.
    pub fn origin(&self) -> &str {
        self.server.origin()
    }

    /// What production has and the twin has not. Plans that would need it cannot be had.
    pub fn left_out(&self) -> &[NotRecreated] {
        &self.left_out
    }

    /// The relation's identifier in the twin.
    pub(super) fn oid(&self, schema: &str, name: &str) -> Option<Oid> {
        self.oids.get(&(schema.to_owned(), name.to_owned())).copied()
    }

    /// Sessions on the template, to change it.
    pub(super) async fn template(&self) -> Result<Pool, TwinError> {
        self.pool(TEMPLATE).await
    }

    /// Sessions on the twin itself.
    pub(super) async fn sessions(&self) -> Result<Pool, TwinError> {
        self.pool(&self.database()).await
    }

    /// Adds relations that were created in the template.
    pub(super) fn add(&mut self, relations: Vec<Sized>) {
        self.relations.extend(relations);
    }

    fn database(&self) -> String {
        format!("pgwise_twin_{}", self.generation)
    }

    async fn pool(&self, database: &str) -> Result<Pool, TwinError> {
        let options = ConnectOptions::resolve(Some(&self.server.url(database)), &Env::default())?;
        let writing = PoolOptions {
            access: Access::ReadWrite,
            max_size: 1,
            statement_timeout: TIMEOUT,
            ..PoolOptions::default()
        };
        Ok(Pool::connect(&options, writing).await?)
    }

    /// Makes the template with production's order of text, where this machine has it.
    async fn create_template(&mut self, locale: &DatabaseLocale) -> Result<(), TwinError> {
        let pool = self.pool("postgres").await?;
        let session = pool.get().await?;
        let wanted = create_database(locale);
        if let Err(error) = session.batch_execute(&wanted).await {
            let plain = format!("CREATE DATABASE {TEMPLATE} TEMPLATE template0");
            session.batch_execute(&plain).await.map_err(|e| session.error(e))?;
            self.left_out.push(NotRecreated {
                object: format!("order of text {}", locale.locale.as_ref().unwrap_or(&locale.collate)),
                reason: session.error(error).to_string(),
            });
        }
        Ok(())
    }

    /// Runs the steps, and those that fail again as long as others succeed in between.
    async fn run_script(&mut self, session: &Session, steps: Vec<schema::Step>) -> Result<(), TwinError> {
        let mut pending = steps;
        loop {
            let before = pending.len();
            let mut failed = Vec::new();
            for chunk in pending.chunks(PIPELINE) {
                let answers = join_all(chunk.iter().map(|step| session.batch_execute(&step.sql))).await;
                for (step, answer) in chunk.iter().zip(answers) {
                    if let Err(error) = answer {
                        let error = session.error(error);
                        if error.is_lost() {
                            return Err(error.into());
                        }
                        failed.push((step.clone(), error.to_string()));
                    }
                }
            }
            if failed.is_empty() {
                return Ok(());
            }
            if failed.len() == before {
                let left_out = failed.into_iter().map(|(step, reason)| NotRecreated { object: step.object, reason });
                self.left_out.extend(left_out);
                return Ok(());
            }
            pending = failed.into_iter().map(|(step, _)| step).collect();
        }
    }

    async fn write_statistics(
        &mut self,
        session: &Session,
        catalog: &Catalog,
        attributes: &BTreeMap<Place, Attribute>,
    ) -> Result<(), TwinError> {
        for batch in statistics::inserts(catalog, attributes).chunks(BATCH) {
            if session.batch_execute(&batch.join(";")).await.is_ok() {
                self.statistics += batch.len();
                continue;
            }
            // One of them is not taken: the others are, one by one.
            for insert in batch {
                match session.batch_execute(insert).await {
                    Ok(()) => self.statistics += 1,
                    Err(error) => self.left_out.push(NotRecreated {
                        object: "statistics of a column".to_owned(),
                        reason: session.error(error).to_string(),
                    }),
                }
            }
        }
        Ok(())
    }

    /// Writes `pg_class` and remembers which file gets which length.
    async fn write_sizes(&mut self, session: &Session, catalog: &Catalog) -> Result<(), TwinError> {
        let rows = session.query(include_str!("relations.sql"), &[]).await.map_err(|e| session.error(e))?;
        let mut filenodes = BTreeMap::new();
        for row in rows {
            let key: (String, String) = (row.get("schema"), row.get("name"));
            self.oids.insert(key.clone(), row.get("oid"));
            filenodes.insert(key, row.get::<_, u32>("filenode"));
        }
        let mut updates = Vec::new();
        for table in &catalog.tables {
            let Some(oid) = self.oid(&table.schema, &table.name) else { continue };
            if matches!(table.kind, TableKind::Ordinary | TableKind::MaterializedView) {
                updates.push(pg_class_of_table(oid, table));
                let pages = u64::from(table.actual_pages.unwrap_or(table.relpages));
                let filenode = filenodes.get(&(table.schema.clone(), table.name.clone()));
                self.relations.extend(filenode.map(|f| Sized { filenode: *f, pages, content: Content::Nothing }));
            }
            for index in &table.indexes {
                let Some(oid) = self.oid(&table.schema, &index.name) else { continue };
                let filenode = filenodes.get(&(table.schema.clone(), index.name.clone())).copied().unwrap_or(0);
                if filenode != 0 {
                    updates.push(pg_class(oid, index.relpages, index.reltuples, 0));
                    self.relations.push(sized_index(table, index, filenode));
                }
            }
        }
        for batch in updates.chunks(BATCH) {
            session.batch_execute(&batch.join(";")).await.map_err(|e| session.error(e))?;
        }
        Ok(())
    }

    /// Makes a new copy of the template with production's sizes, and drops the copy before.
    pub(super) async fn copy(&mut self) -> Result<(), TwinError> {
        let old = (self.generation > 0).then(|| self.database());
        self.generation += 1;
        let name = self.database();
        let pool = self.pool("postgres").await?;
        let session = pool.get().await?;
        let row = session.query_one("SHOW server_version_num", &[]).await.map_err(|e| session.error(e))?;
        let version: u32 = row.get::<_, String>(0).parse().unwrap_or_default();
        // Before 15 there is no other strategy, and no word for it.
        let strategy = if version >= 150_000 { " STRATEGY FILE_COPY" } else { "" };
        let create = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}{strategy}");
        session.batch_execute(&create).await.map_err(|e| session.error(e))?;
        let row = session
            .query_one("SELECT oid FROM pg_catalog.pg_database WHERE datname::text = $1", &[&name])
            .await
            .map_err(|e| session.error(e))?;
        let database: Oid = row.get(0);
        let files = self.server.files().cloned().ok_or(TwinError::NoFiles)?;
        let relations = self.relations.clone();
        let resized = tokio::task::spawn_blocking(move || files::resize(&files, database, &relations)).await;
        resized.map_err(|_| TwinError::Ended)??;
        if let Some(old) = old {
            session.batch_execute(&format!("DROP DATABASE {old} WITH (FORCE)")).await.map_err(|e| session.error(e))?;
        }
        Ok(())
    }

    /// Reads back what was written: the lengths as the server sees them, and the rows of statistics.
    async fn check(&self) -> Result<(), TwinError> {
        let pool = self.sessions().await?;
        let session = pool.get().await?;
        let rows = session
            .query(
                "SELECT pg_relation_filenode(c.oid), pg_relation_size(c.oid) FROM pg_catalog.pg_class AS c \
                 WHERE c.relkind IN ('r', 'i') AND c.oid >= 16384",
                &[],
            )
            .await
            .map_err(|e| session.error(e))?;
        let lengths: BTreeMap<u32, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for relation in &self.relations {
            let length = lengths.get(&relation.filenode).and_then(|l| u64::try_from(*l).ok()).unwrap_or(0);
            // An access method's first pages stay, even where production has fewer.
            if length < relation.pages * PAGE {
                return Err(TwinError::Check(format!(
                    "file {} is seen with {length} bytes instead of {}",
                    relation.filenode,
                    relation.pages * PAGE
                )));
            }
        }
        let row = session
            .query_one("SELECT count(*) FROM pg_catalog.pg_statistic WHERE starelid >= 16384", &[])
            .await
            .map_err(|e| session.error(e))?;
        let count: i64 = row.get(0);
        if usize::try_from(count) != Ok(self.statistics) {
            return Err(TwinError::Check(format!("{count} rows of statistics instead of {}", self.statistics)));
        }
        Ok(())
    }
}

/// The UPDATE that gives a relation's row in `pg_class` production's counts.
pub(super) fn pg_class(oid: Oid, pages: u32, tuples: f64, all_visible: u32) -> String {
    format!(
        "UPDATE pg_catalog.pg_class SET relpages = {}, reltuples = {tuples}, relallvisible = {} WHERE oid = {oid}",
        i32::try_from(pages).unwrap_or(i32::MAX),
        i32::try_from(all_visible).unwrap_or(i32::MAX)
    )
}

/// [`pg_class`] for a table.
pub(super) fn pg_class_of_table(oid: Oid, table: &Table) -> String {
    pg_class(oid, table.relpages, table.reltuples, table.relallvisible)
}

fn sized_index(table: &Table, index: &Index, filenode: u32) -> Sized {
    let pages = index.bytes.map_or(u64::from(index.relpages), |bytes| bytes / PAGE);
    let content = match index.method() {
        IndexMethod::Btree => Content::Btree { height: size::btree_height(&index.spec(table.oid), table, pages) },
        IndexMethod::Brin => Content::Brin { heap_pages: u64::from(table.actual_pages.unwrap_or(table.relpages)) },
        _ => Content::Nothing,
    };
    Sized { filenode, pages, content }
}

async fn read_attributes(session: &Session) -> Result<BTreeMap<Place, Attribute>, TwinError> {
    let rows = session.query(include_str!("attributes.sql"), &[]).await.map_err(|e| session.error(e))?;
    let attribute = |row: &tokio_postgres::Row| {
        let place = (row.get("schema"), row.get("relation_name"), row.get("attribute_name"));
        let attribute = Attribute {
            relation: row.get("relation"),
            attnum: row.get("attnum"),
            ty: row.get("type_oid"),
            base: row.get("base"),
            collation: row.get("collation"),
            equal: row.get("equal"),
            less: row.get("less"),
            element: row.get("element"),
            element_base: row.get("element_base"),
            element_equal: row.get("element_equal"),
        };
        (place, attribute)
    };
    Ok(rows.iter().map(attribute).collect())
}

fn create_database(locale: &DatabaseLocale) -> String {
    let mut sql = format!(
        "CREATE DATABASE {TEMPLATE} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
        quote::literal(&locale.encoding),
        quote::literal(&locale.collate),
        quote::literal(&locale.ctype)
    );
    if let Some(name) = &locale.locale {
        match locale.provider.as_deref() {
            Some("i") => sql = format!("{sql} LOCALE_PROVIDER icu ICU_LOCALE {}", quote::literal(name)),
            Some("b") => sql = format!("{sql} LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", quote::literal(name)),
            _ => {}
        }
    }
    sql
}
