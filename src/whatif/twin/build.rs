//! From a snapshot to a running twin.
//!
//! Schema, statistics and `pg_class` are written into a template database, whose files stay small. A copy of it is made
//! file by file, and the copy's files get production's lengths before anyone connects: nothing stale is in the server's
//! buffers then. A change of the template (candidates) is followed by a new copy, which takes some 20 ms.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use super::files::{Content, PAGE, Sized};
use super::site::Site;
use super::statistics::{self, Attribute, Place};
use super::{NotRecreated, TwinError, TwinOptions, extended, schema, settings};
use crate::connect::{Pool, Session};
use crate::snapshot::{Catalog, DatabaseLocale, Index, IndexMethod, Oid, Snapshot, Table, TableKind};
use crate::sql::quote;
use crate::throwaway;
use crate::whatif::size;

/// Statements sent before the first is answered.
const PIPELINE: usize = 64;
/// Rows of statistics written by one message.
const BATCH: usize = 200;

/// How often it is looked whether the server is still there.
const WATCH: Duration = Duration::from_millis(250);

/// Empty databases that plan like production. Dropping it removes them, and stops the server where it is ours.
pub struct Twin {
    site: Site,
    /// Copies made so far.
    generation: u32,
    /// Equal copies kept at a time, for sessions that do not wait for each other.
    copies: usize,
    relations: Vec<Sized>,
    left_out: Vec<NotRecreated>,
    /// The twin's object identifiers of production's relations, by schema and name.
    oids: BTreeMap<(String, String), Oid>,
    /// Rows of statistics written.
    statistics: usize,
    /// Limit for planning one statement.
    statement_timeout: Duration,
    /// Settings that a given server was not started with, by name.
    settings: Vec<(String, String)>,
}

impl Twin {
    /// Builds a twin where the options say, and checks it.
    pub async fn build(snapshot: &Snapshot, options: &TwinOptions) -> Result<Self, TwinError> {
        let schema = snapshot.schema.as_ref().ok_or(TwinError::NoSchema)?;
        if snapshot.server.setting("block_size").is_some_and(|size| size != "8192") {
            return Err(TwinError::BlockSize);
        }
        if cfg!(target_endian = "big") {
            return Err(TwinError::BigEndian);
        }
        let site = Site::open(snapshot, options).await?;
        let mut twin = Self {
            settings: if site.is_given() { settings::planning(&snapshot.server) } else { Vec::new() },
            site,
            generation: 0,
            copies: options.copies.max(1),
            relations: Vec::new(),
            left_out: Vec::new(),
            oids: BTreeMap::new(),
            statistics: 0,
            statement_timeout: options.statement_timeout.unwrap_or(super::STATEMENT_TIMEOUT),
        };
        twin.create_template(&schema.locale).await?;
        let pool = twin.template().await?;
        {
            let session = pool.get().await?;
            let allow = "SET allow_system_table_mods = on; SET check_function_bodies = off";
            session.batch_execute(allow).await.map_err(|e| session.error(e))?;
            let (steps, left_out) = schema::script(snapshot, schema);
            twin.left_out.extend(left_out);
            twin.run_script(&session, steps).await?;
            let attributes = read_attributes(&session).await?;
            twin.write_statistics(&session, &snapshot.catalog, &attributes).await?;
            let left_out = extended::write(&session, &snapshot.catalog, snapshot.server.major()).await?;
            twin.left_out.extend(left_out);
            twin.write_sizes(&session, &snapshot.catalog).await?;
            session.discard();
        }
        pool.close();
        twin.copy().await?;
        twin.check().await?;
        Ok(twin)
    }

    /// A URL for the twin's database, as its superuser; without the password, where the server was given.
    pub fn url(&self) -> String {
        self.site.url(&self.database(0))
    }

    /// A URL for the twin's database, as a role that may EXPLAIN everything and change nothing: neither ANALYZE nor a
    /// careless DELETE can spoil the statistics and sizes that the twin is made of.
    pub async fn reader_url(&mut self) -> Result<String, TwinError> {
        let password = throwaway::random_word()?;
        let admin = self.site.admin();
        let role = quote::ident(self.site.name());
        let create = format!(
            "CREATE ROLE {role} LOGIN PASSWORD {}; ALTER ROLE {role} SET default_transaction_read_only = on",
            quote::literal(&password)
        );
        admin.batch_execute(&create).await.map_err(|e| admin.error(e))?;
        // EXPLAIN asks for the privileges that running the statement would need.
        let pool = self.template().await?;
        let session = pool.get().await?;
        let grant = format!(
            "DO $$ DECLARE s name; BEGIN FOR s IN SELECT nspname FROM pg_catalog.pg_namespace              WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP              EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA %I TO {role}', s);              EXECUTE pg_catalog.format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO {role}', s);              END LOOP; END $$"
        );
        session.batch_execute(&grant).await.map_err(|e| session.error(e))?;
        session.discard();
        pool.close();
        self.copy().await?;
        Ok(self.site.url_as(&self.database(0), self.site.name(), &password))
    }

    /// Waits until its server is gone.
    pub async fn lost(&self) {
        while !self.site.admin().is_closed() {
            tokio::time::sleep(WATCH).await;
        }
    }

    /// What it runs on: `PostgreSQL 15.4 from /usr/lib/postgresql/15/bin`.
    pub fn origin(&self) -> &str {
        self.site.origin()
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
        self.site.pool(&self.template_name()).await
    }

    /// Sessions on the twin itself: a pool for each of the equal copies.
    pub(super) async fn sessions(&self) -> Result<Vec<Pool>, TwinError> {
        let mut pools = Vec::with_capacity(self.copies);
        for n in 0..self.copies {
            pools.push(self.site.pool(&self.database(n)).await?);
        }
        Ok(pools)
    }

    /// Limit for planning one statement.
    pub(super) fn statement_timeout(&self) -> Duration {
        self.statement_timeout
    }

    /// Adds relations that were created in the template.
    pub(super) fn add(&mut self, relations: Vec<Sized>) {
        self.relations.extend(relations);
    }

    fn template_name(&self) -> String {
        format!("{}_template", self.site.name())
    }

    fn database(&self, copy: usize) -> String {
        format!("{}_{}_{copy}", self.site.name(), self.generation)
    }

    /// Makes the template with production's order of text, where this machine has it.
    async fn create_template(&mut self, locale: &DatabaseLocale) -> Result<(), TwinError> {
        let admin = self.site.admin();
        let name = self.template_name();
        if let Err(error) = admin.batch_execute(&create_database(&name, locale)).await {
            let plain = format!("CREATE DATABASE {name} TEMPLATE template0");
            admin.batch_execute(&plain).await.map_err(|e| admin.error(e))?;
            self.left_out.push(NotRecreated {
                object: format!("order of text {}", locale.locale.as_ref().unwrap_or(&locale.collate)),
                reason: admin.error(error).to_string(),
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
            if table.kind == TableKind::Foreign {
                updates.push(pg_class_of_table(oid, table));
            }
            if matches!(table.kind, TableKind::Ordinary | TableKind::MaterializedView) {
                updates.push(pg_class_of_table(oid, table));
                let pages = u64::from(table.actual_pages.unwrap_or(table.relpages));
                let filenode = filenodes.get(&(table.schema.clone(), table.name.clone()));
                self.relations.extend(filenode.map(|f| Sized { filenode: *f, pages, content: Content::Heap }));
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

    /// Makes new copies of the template with production's sizes, and drops those before.
    pub(super) async fn copy(&mut self) -> Result<(), TwinError> {
        let old: Vec<String> = match self.generation {
            0 => Vec::new(),
            _ => (0..self.copies).map(|n| self.database(n)).collect(),
        };
        self.generation += 1;
        let admin = self.site.admin();
        for n in 0..self.copies {
            let name = self.database(n);
            let row = admin.query_one("SHOW server_version_num", &[]).await.map_err(|e| admin.error(e))?;
            let version: u32 = row.get::<_, String>(0).parse().unwrap_or_default();
            // Before 15 there is no other strategy, and no word for it.
            let strategy = if version >= 150_000 { " STRATEGY FILE_COPY" } else { "" };
            let create = format!("CREATE DATABASE {name} TEMPLATE {}{strategy}", self.template_name());
            admin.batch_execute(&create).await.map_err(|e| admin.error(e))?;
            let row = admin
                .query_one("SELECT oid FROM pg_catalog.pg_database WHERE datname::text = $1", &[&name])
                .await
                .map_err(|e| admin.error(e))?;
            self.site.resize(row.get(0), &self.relations).await?;
            for (setting, value) in &self.settings {
                let set = format!("ALTER DATABASE {name} SET {setting} = {}", quote::literal(value));
                // One that this server lacks or may not have at this value leaves its default.
                if let Err(error) = admin.batch_execute(&set).await {
                    let error = admin.error(error);
                    if error.is_lost() {
                        return Err(error.into());
                    }
                    let object = format!("setting {setting}");
                    if !self.left_out.iter().any(|l| l.object == object) {
                        self.left_out.push(NotRecreated { object, reason: error.to_string() });
                    }
                }
            }
        }
        for old in old {
            let drop = format!("DROP DATABASE {old} WITH (FORCE)");
            admin.batch_execute(&drop).await.map_err(|e| admin.error(e))?;
        }
        Ok(())
    }

    /// Reads back what was written: the lengths as the server sees them, and the rows of statistics.
    async fn check(&self) -> Result<(), TwinError> {
        let pool = self.site.pool(&self.database(0)).await?;
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
        IndexMethod::Btree => {
            let estimated = || size::btree_height(&index.spec(table.oid), table, pages);
            Content::Btree { height: index.tree_height.unwrap_or_else(estimated) }
        }
        IndexMethod::Gin => Content::Gin {
            counts: index.gin.unwrap_or_else(|| size::gin_counts(&index.spec(table.oid), table, 1.0, pages)),
        },
        IndexMethod::Brin => Content::Brin { heap_pages: u64::from(table.actual_pages.unwrap_or(table.relpages)) },
        _ => Content::Nothing,
    };
    Sized { filenode, pages, content }
}

pub(super) async fn read_attributes(session: &Session) -> Result<BTreeMap<Place, Attribute>, TwinError> {
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
            range: row.get("range"),
        };
        (place, attribute)
    };
    Ok(rows.iter().map(attribute).collect())
}

fn create_database(name: &str, locale: &DatabaseLocale) -> String {
    let mut sql = format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
        quote::literal(&locale.encoding),
        quote::literal(&locale.collate),
        quote::literal(&locale.ctype)
    );
    if let Some(own) = &locale.locale {
        match locale.provider.as_deref() {
            Some("i") => sql = format!("{sql} LOCALE_PROVIDER icu ICU_LOCALE {}", quote::literal(own)),
            Some("b") => sql = format!("{sql} LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", quote::literal(own)),
            _ => {}
        }
    }
    sql
}
