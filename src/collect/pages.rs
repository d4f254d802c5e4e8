//! What the planner reads of indexes' meta pages, through pageinspect: that extension answers superusers only, so it is
//! often not to be had, and nothing is noted then.

use std::collections::BTreeMap;

use super::error::Error;
use super::part::Context;
use crate::snapshot::{Catalog, GinCounts, Oid, Server};
use crate::sql::quote;

/// Adds B-trees' heights and GIN indexes' counts, where they can be read.
pub(super) async fn add(context: &Context<'_>, server: &Server, catalog: &mut Catalog) -> Result<(), Error> {
    let installed = server.extensions.iter().find(|e| e.name == "pageinspect" && e.installed_version.is_some());
    let Some(schema) = installed.and_then(|e| e.schema.as_deref()).filter(|_| server.role.superuser) else {
        return Ok(());
    };
    let schema = quote::ident(schema);
    let heights = include_str!("sql/btree_heights.sql").replace("{pageinspect}", &schema);
    let counts = include_str!("sql/gin_counts.sql").replace("{pageinspect}", &schema);
    let (heights, counts) = context
        .read("index pages", None, async |session, locks| {
            let number = |value: i64| u32::try_from(value).unwrap_or(0);
            let mut by_index: BTreeMap<Oid, u32> = BTreeMap::new();
            for row in context.catalog_rows(session, locks, &heights).await? {
                by_index.insert(row.try_get("oid")?, number(row.try_get("height")?));
            }
            let mut gin: BTreeMap<Oid, GinCounts> = BTreeMap::new();
            for row in context.catalog_rows(session, locks, &counts).await? {
                let counts = GinCounts {
                    pending_pages: number(row.try_get("pending_pages")?),
                    total_pages: number(row.try_get("total_pages")?),
                    entry_pages: number(row.try_get("entry_pages")?),
                    data_pages: number(row.try_get("data_pages")?),
                    entries: u64::try_from(row.try_get::<_, i64>("entries")?).unwrap_or(0),
                };
                gin.insert(row.try_get("oid")?, counts);
            }
            Ok((by_index, gin))
        })
        .await?;
    for index in catalog.tables.iter_mut().flat_map(|t| &mut t.indexes) {
        index.tree_height = heights.get(&index.oid).copied();
        index.gin = counts.get(&index.oid).copied();
    }
    Ok(())
}
