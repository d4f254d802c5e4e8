//! Indexes and their keys.

use std::collections::BTreeMap;

use super::types::Types;
use crate::collect::error::{Error, PartError};
use crate::collect::part::{Context, Locks, pages};
use crate::connect::Session;
use crate::snapshot::{AttrNumber, Index, IndexKey, Oid};

/// Indexes with the table each belongs to.
pub(in crate::collect) type Indexes = Vec<(Oid, Index)>;

pub(in crate::collect) async fn read(context: &Context<'_>) -> Result<Indexes, Error> {
    context.read("indexes", None, async |session, locks| read_indexes(context, session, locks).await).await
}

async fn read_indexes(context: &Context<'_>, session: &Session, locks: &Locks) -> Result<Indexes, PartError> {
    let mut keys = read_keys(context, session, locks).await?;
    let rows = context.catalog_rows(session, locks, include_str!("../sql/indexes.sql")).await?;
    let mut indexes = Vec::with_capacity(rows.len());
    for row in rows {
        let oid: Oid = row.try_get("oid")?;
        let columns: Vec<AttrNumber> = row.try_get("columns")?;
        let key_count = usize::try_from(row.try_get::<_, i16>("key_count")?).unwrap_or(0);
        let keys = keys.remove(&oid).unwrap_or_default();
        if keys.len() != key_count {
            // Created or dropped while it was being read: it is as if it had not been there.
            continue;
        }
        let partial: bool = row.try_get("partial")?;
        let mut options: Vec<String> = row.try_get("options")?;
        options.sort();
        let index = Index {
            oid,
            name: row.try_get("name")?,
            method_name: row.try_get("method")?,
            keys,
            include: columns.get(key_count..).unwrap_or_default().to_vec(),
            predicate: row.try_get::<_, Option<String>>("predicate")?.or_else(|| partial.then(String::new)),
            unique: row.try_get("is_unique")?,
            nulls_not_distinct: row.try_get("nulls_not_distinct")?,
            primary: row.try_get("is_primary")?,
            exclusion: row.try_get("exclusion")?,
            constraint: row.try_get("constraint_name")?,
            referenced_by_foreign_keys: row.try_get("foreign_keys")?,
            replica_identity: row.try_get("replica_identity")?,
            clustered: row.try_get("clustered")?,
            immediate: row.try_get("immediate")?,
            valid: row.try_get("valid")?,
            ready: row.try_get("ready")?,
            parent: row.try_get("parent")?,
            options,
            tablespace: row.try_get("tablespace")?,
            relpages: pages(row.try_get("relpages")?),
            reltuples: row.try_get("reltuples")?,
            bytes: None,
            tree_height: None,
            gin: None,
            definition: row.try_get("definition")?,
            activity: None,
        };
        indexes.push((row.try_get("table")?, index));
    }
    Ok(indexes)
}

async fn read_keys(
    context: &Context<'_>,
    session: &Session,
    locks: &Locks,
) -> Result<BTreeMap<Oid, Vec<IndexKey>>, PartError> {
    let types = Types::read(session).await?;
    let mut keys: BTreeMap<Oid, Vec<IndexKey>> = BTreeMap::new();
    for row in context.catalog_rows(session, locks, include_str!("../sql/index_keys.sql")).await? {
        keys.entry(row.try_get("index")?).or_default().push(IndexKey {
            column: row.try_get("attnum")?,
            expression: row.try_get("expression")?,
            ty: types.column_type(row.try_get("type_oid")?, row.try_get("type_name")?, row.try_get("modifier")?),
            opclass: row.try_get("opclass")?,
            opclass_is_default: row.try_get("opclass_is_default")?,
            opclass_options: row.try_get("opclass_options")?,
            collation: row.try_get("collation")?,
            collation_is_default: row.try_get("collation_is_default")?,
            descending: row.try_get("descending")?,
            nulls_first: row.try_get("nulls_first")?,
            returnable: row.try_get("returnable")?,
            stats: None,
        });
    }
    Ok(keys)
}
