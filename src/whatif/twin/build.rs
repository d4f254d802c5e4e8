//! From a snapshot to a running twin.
//!
//! Schema, statistics and `pg_class` are written into a template database, whose files stay small. A copy of it is made
//! file by file, and the copy's files get production's lengths before anyone connects: nothing stale is in the server's
//! buffers then. A change of the template (candidates) is followed by a new copy, which takes some 20 ms.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::Expected;
use super::counts::Counts;
use super::files::{Content, PAGE, Sized};
use super::reach::Reach;
use super::site::Site;
use super::statistics::{self, Attribute, Place, Row};
use super::{NotRecreated, TwinError, TwinOptions, extended, recreate, restore, settings};
use crate::connect::{Pool, Session};
use crate::snapshot::{Catalog, DatabaseLocale, Index, IndexMethod, Oid, Snapshot, Table, TableKind};
use crate::sql::quote;
use crate::throwaway;
use crate::whatif::size;

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
    /// The snapshot's major version, and the server's.
    major: u32,
    /// What the copies' files hold, and what the catalogs say.
    expected: Expected,
    left_out: Vec<NotRecreated>,
    /// The twin's object identifiers of production's relations, by schema and name.
    oids: BTreeMap<(String, String), Oid>,
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
            major: snapshot.server.major(),
            expected: Expected::default(),
            left_out: Vec::new(),
            oids: BTreeMap::new(),
            statement_timeout: options.statement_timeout.unwrap_or(super::STATEMENT_TIMEOUT),
        };
        twin.create_template(&schema.locale).await?;
        let pool = twin.template().await?;
        {
            let session = pool.get().await?;
            let allow = "SET allow_system_table_mods = on; SET check_function_bodies = off";
            session.batch_execute(allow).await.map_err(|e| session.error(e))?;
            twin.left_out.extend(recreate::recreate(&session, snapshot, schema).await?);
            let attributes = read_attributes(&session).await?;
            twin.write_statistics(&session, &snapshot.catalog, &attributes).await?;
            let (written, left_out) = extended::write(&session, &snapshot.catalog, twin.major).await?;
            twin.expected.extended = written;
            twin.left_out.extend(left_out);
            twin.write_sizes(&session, snapshot).await?;
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
        self.expected.relations.extend(relations);
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
                reach: Reach::TextOrder,
            });
        }
        Ok(())
    }

    async fn write_statistics(
        &mut self,
        session: &Session,
        catalog: &Catalog,
        attributes: &BTreeMap<Place, Attribute>,
    ) -> Result<(), TwinError> {
        for batch in statistics::rows(catalog, attributes).chunks(BATCH) {
            let refused =
                if self.major >= restore::SINCE { restored(session, batch).await? } else { batch.iter().collect() };
            let mut written: Vec<&Row<'_>> = batch.iter().collect();
            if !refused.is_empty() {
                let left_out = insert_directly(session, &refused, self.major).await?;
                written.retain(|row| !left_out.iter().any(|(key, _)| *key == row.key()));
                self.left_out.extend(left_out.into_iter().map(|(_, left_out)| left_out));
            }
            self.expected.statistics.extend(written.into_iter().map(|row| (row.key(), row.kinds())));
        }
        Ok(())
    }

    /// Writes `pg_class` and remembers which file gets which length.
    async fn write_sizes(&mut self, session: &Session, snapshot: &Snapshot) -> Result<(), TwinError> {
        let catalog = &snapshot.catalog;
        let rows = session.query(include_str!("relations.sql"), &[]).await.map_err(|e| session.error(e))?;
        let mut filenodes = BTreeMap::new();
        for row in rows {
            let key: (String, String) = (row.get("schema"), row.get("name"));
            self.oids.insert(key.clone(), row.get("oid"));
            filenodes.insert(key, row.get::<_, u32>("filenode"));
        }
        let mut counts = Vec::new();
        for table in &catalog.tables {
            let Some(oid) = self.oid(&table.schema, &table.name) else { continue };
            if table.kind == TableKind::Foreign {
                counts.push(Counts::of_table(oid, table));
            }
            if matches!(table.kind, TableKind::Ordinary | TableKind::MaterializedView) {
                counts.push(Counts::of_table(oid, table));
                let pages = u64::from(table.actual_pages.unwrap_or(table.relpages));
                let filenode = filenodes.get(&(table.schema.clone(), table.name.clone()));
                let sized = filenode.map(|f| Sized { filenode: *f, pages, content: Content::Heap });
                self.expected.relations.extend(sized);
            }
            for index in &table.indexes {
                let Some(oid) = self.oid(&table.schema, &index.name) else { continue };
                let filenode = filenodes.get(&(table.schema.clone(), index.name.clone())).copied().unwrap_or(0);
                if filenode != 0 {
                    counts.push(Counts::of_index(oid, index));
                    self.expected.relations.push(sized_index(snapshot, table, index, filenode));
                }
            }
        }
        for batch in counts.chunks(BATCH) {
            let sql: Vec<String> = batch.iter().map(|counts| counts.sql(self.major)).collect();
            session.batch_execute(&sql.join(";")).await.map_err(|e| session.error(e))?;
        }
        self.expected.counts = counts;
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
            self.site.resize(row.get(0), &self.expected.relations).await?;
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
                        self.left_out.push(NotRecreated { object, reason: error.to_string(), reach: Reach::Named });
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

    /// Reads back what was written.
    async fn check(&self) -> Result<(), TwinError> {
        let pool = self.site.pool(&self.database(0)).await?;
        let session = pool.get().await?;
        self.expected.check(&session, self.major).await?;
        session.discard();
        Ok(())
    }
}

/// Writes rows of statistics by the server's own functions (18+), and returns those that it does not take whole.
async fn restored<'a, 'b>(session: &Session, batch: &'b [Row<'a>]) -> Result<Vec<&'b Row<'a>>, TwinError> {
    let answer = match session.query_typed(&restore::attributes(batch), &[]).await {
        Ok(rows) => rows,
        Err(error) => {
            let error = session.error(error);
            return if error.is_lost() { Err(error.into()) } else { Ok(batch.iter().collect()) };
        }
    };
    let whole: BTreeMap<i32, bool> = answer.iter().map(|row| (row.get("position"), row.get("whole"))).collect();
    let taken = |n: usize| i32::try_from(n).ok().and_then(|n| whole.get(&n)).copied().unwrap_or(false);
    Ok(batch.iter().enumerate().filter(|(n, _)| !taken(*n)).map(|(_, row)| row).collect())
}

/// Writes rows into the catalog itself. Where one is not taken, the others are, one by one.
async fn insert_directly(
    session: &Session,
    rows: &[&Row<'_>],
    major: u32,
) -> Result<Vec<(statistics::Key, NotRecreated)>, TwinError> {
    let sql = |row: &&Row<'_>| match major {
        // What the server's functions took of it.
        restore::SINCE.. => format!("{}; {}", row.delete(), row.insert()),
        _ => row.insert(),
    };
    let mut left_out = Vec::new();
    let all: Vec<String> = rows.iter().map(sql).collect();
    if session.batch_execute(&all.join(";")).await.is_ok() {
        return Ok(left_out);
    }
    for (row, insert) in rows.iter().zip(&all) {
        if let Err(error) = session.batch_execute(insert).await {
            let error = session.error(error);
            if error.is_lost() {
                return Err(error.into());
            }
            session.batch_execute(&row.delete()).await.map_err(|e| session.error(e))?;
            let (schema, relation, attribute) = &row.place;
            let object = format!("statistics of {schema}.{relation}.{attribute}");
            left_out.push((row.key(), NotRecreated { object, reason: error.to_string(), reach: row.reach.clone() }));
        }
    }
    Ok(left_out)
}

fn sized_index(snapshot: &Snapshot, table: &Table, index: &Index, filenode: u32) -> Sized {
    let pages = index.bytes.map_or(u64::from(index.relpages), |bytes| bytes / PAGE);
    let content = match index.method() {
        IndexMethod::Btree => {
            let estimated = || size::btree_height(&index.spec(table.oid), table, pages);
            let height = index.tree_height.unwrap_or_else(estimated);
            // Meta page, one page a level, and a leaf are the least.
            Content::Btree { height: u64::from(height).min(pages.saturating_sub(2)).try_into().unwrap_or(height) }
        }
        IndexMethod::Gin => Content::Gin {
            counts: index.gin.unwrap_or_else(|| size::gin_counts(snapshot, &index.spec(table.oid), table, 1.0, pages)),
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
