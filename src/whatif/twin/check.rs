//! Reads back what was written: a twin that is not what it should be answers nothing.

use std::collections::BTreeMap;

use super::TwinError;
use super::counts::Counts;
use super::extended::{COLUMNS, Written};
use super::files::{Content, PAGE, Sized};
use super::statistics::Key;
use crate::connect::Session;
use crate::snapshot::Oid;
use crate::sql::quote;

/// Everything that was written into a twin.
#[derive(Default)]
pub(super) struct Expected {
    /// Lengths and first pages of files.
    pub(super) relations: Vec<Sized>,
    /// Rows of `pg_class`.
    pub(super) counts: Vec<Counts>,
    /// Rows of `pg_statistic`, with the kinds of their slots in ascending order.
    pub(super) statistics: BTreeMap<Key, Vec<i16>>,
    /// Rows of `pg_statistic_ext_data`.
    pub(super) extended: Vec<Written>,
}

impl Expected {
    /// Compares all of it with what a session on the finished twin sees.
    pub(super) async fn check(&self, session: &Session, major: u32) -> Result<(), TwinError> {
        self.lengths(session).await?;
        self.counts(session).await?;
        self.statistics(session).await?;
        self.extended(session, major).await?;
        self.heights(session).await
    }

    async fn lengths(&self, session: &Session) -> Result<(), TwinError> {
        const SQL: &str = "SELECT pg_catalog.pg_relation_filenode(c.oid), pg_catalog.pg_relation_size(c.oid) \
            FROM pg_catalog.pg_class AS c WHERE c.relkind IN ('r', 'i') AND c.oid >= 16384";
        let rows = session.query(SQL, &[]).await.map_err(|e| session.error(e))?;
        let lengths: BTreeMap<u32, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for relation in &self.relations {
            let length = lengths.get(&relation.filenode).and_then(|l| u64::try_from(*l).ok()).unwrap_or(0);
            // An access method's first pages stay, even where production has fewer.
            let wanted = relation.pages * PAGE;
            if length < wanted {
                let file = relation.filenode;
                return Err(TwinError::Check(format!("file {file} is seen with {length} bytes instead of {wanted}")));
            }
        }
        Ok(())
    }

    async fn counts(&self, session: &Session) -> Result<(), TwinError> {
        const SQL: &str = "SELECT oid, relname::text, relpages, reltuples::float8, relallvisible \
            FROM pg_catalog.pg_class WHERE oid >= 16384";
        let rows = session.query(SQL, &[]).await.map_err(|e| session.error(e))?;
        let seen: BTreeMap<Oid, &tokio_postgres::Row> = rows.iter().map(|row| (row.get(0), row)).collect();
        for wanted in &self.counts {
            let Some(row) = seen.get(&wanted.oid) else { continue };
            let (pages, tuples, all_visible): (i32, f64, i32) = (row.get(2), row.get(3), row.get(4));
            // `real` keeps seven digits.
            let same = (tuples - wanted.tuples).abs() <= wanted.tuples.abs() * 1e-6;
            if (pages, all_visible) != (wanted.pages, wanted.all_visible) || !same {
                let name: &str = row.get(1);
                return Err(TwinError::Check(format!(
                    "pg_class says {pages} pages, {all_visible} of them visible, and {tuples} rows of {name} instead of {}, \
                     {} and {}",
                    wanted.pages, wanted.all_visible, wanted.tuples
                )));
            }
        }
        Ok(())
    }

    async fn statistics(&self, session: &Session) -> Result<(), TwinError> {
        const SQL: &str = "SELECT starelid, staattnum, stainherit, \
            ARRAY(SELECT k FROM pg_catalog.unnest(ARRAY[stakind1, stakind2, stakind3, stakind4, stakind5]) AS k \
                  WHERE k <> 0 ORDER BY k) AS kinds \
            FROM pg_catalog.pg_statistic WHERE starelid >= 16384";
        let rows = session.query(SQL, &[]).await.map_err(|e| session.error(e))?;
        let seen: BTreeMap<Key, Vec<i16>> =
            rows.iter().map(|row| ((row.get(0), row.get(1), row.get(2)), row.get(3))).collect();
        if seen == self.statistics {
            return Ok(());
        }
        let differs = self.statistics.iter().find(|(key, kinds)| seen.get(key) != Some(kinds)).map(|(key, _)| key);
        let Some(key) = differs.or_else(|| seen.keys().find(|key| !self.statistics.contains_key(key))) else {
            return Ok(());
        };
        let kinds = |of: &BTreeMap<Key, Vec<i16>>| of.get(key).map_or_else(|| "none".to_owned(), |k| format!("{k:?}"));
        Err(TwinError::Check(format!(
            "the statistics of attribute {} of relation {} have the slots {} instead of {}",
            key.1,
            key.0,
            kinds(&seen),
            kinds(&self.statistics)
        )))
    }

    async fn extended(&self, session: &Session, major: u32) -> Result<(), TwinError> {
        if self.extended.is_empty() {
            return Ok(());
        }
        // One row an object before 15.
        let inherited = if major >= 15 { "d.stxdinherit" } else { "false" };
        let columns: Vec<String> =
            COLUMNS.iter().map(|(column, _)| format!("d.{column}::pg_catalog.bytea AS {column}")).collect();
        let sql = format!(
            "SELECT n.nspname::text AS schema, s.stxname::text AS name, {inherited} AS inherited, {}, \
             d.stxdexpr IS NOT NULL AS has_expressions FROM pg_catalog.pg_statistic_ext_data AS d \
             JOIN pg_catalog.pg_statistic_ext AS s ON s.oid = d.stxoid \
             JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace",
            columns.join(", ")
        );
        let rows = session.query(&sql, &[]).await.map_err(|e| session.error(e))?;
        let seen: Vec<Written> = rows
            .iter()
            .map(|row| Written {
                name: (row.get("schema"), row.get("name")),
                inherited: row.get("inherited"),
                parts: COLUMNS.map(|(column, _)| row.get(column)),
                has_expressions: row.get("has_expressions"),
            })
            .collect();
        match self.extended.iter().find(|wanted| !seen.contains(wanted)) {
            None => Ok(()),
            Some(Written { name: (schema, name), .. }) => {
                Err(TwinError::Check(format!("the extended statistics {schema}.{name} do not read back as written")))
            }
        }
    }

    /// Heights of B-trees by the server's own word, where its extension pageinspect is at hand. It is created for no
    /// longer than a transaction.
    async fn heights(&self, session: &Session) -> Result<(), TwinError> {
        let heights: BTreeMap<u32, u32> = self
            .relations
            .iter()
            .filter_map(|r| match r.content {
                Content::Btree { height } if r.pages > 0 => Some((r.filenode, height)),
                _ => None,
            })
            .collect();
        if heights.is_empty() {
            return Ok(());
        }
        let failed = |error| TwinError::Database(session.error(error));
        let created = session.batch_execute("BEGIN; CREATE EXTENSION IF NOT EXISTS pageinspect").await;
        let seen = if let Err(error) = created {
            let error = session.error(error);
            if error.is_lost() {
                return Err(error.into());
            }
            tracing::debug!(%error, "the heights of the twin's B-trees are not checked");
            Vec::new()
        } else {
            let schema = "SELECT n.nspname::text FROM pg_catalog.pg_extension AS e \
                JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pageinspect'";
            let schema: String = session.query_one(schema, &[]).await.map_err(failed)?.get(0);
            let sql = format!(
                "SELECT pg_catalog.pg_relation_filenode(c.oid), c.relname::text, m.fastlevel::int8 \
                 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_am AS am ON am.oid = c.relam AND am.amname = 'btree' \
                 CROSS JOIN LATERAL {}.bt_metap(c.oid::pg_catalog.regclass::text) AS m \
                 WHERE c.relkind = 'i' AND c.oid >= 16384",
                quote::ident(&schema)
            );
            session.query(&sql, &[]).await.map_err(failed)?
        };
        session.batch_execute("ROLLBACK").await.map_err(failed)?;
        for row in seen {
            let (file, name, height): (u32, &str, i64) = (row.get(0), row.get(1), row.get(2));
            if let Some(wanted) = heights.get(&file).filter(|wanted| i64::from(**wanted) != height) {
                return Err(TwinError::Check(format!("the B-tree {name} has the height {height} instead of {wanted}")));
            }
        }
        Ok(())
    }
}
