//! Tables and their columns.

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::types::Types;
use crate::collect::error::{Error, PartError};
use crate::collect::part::{Context, Locks, pages};
use crate::connect::Session;
use crate::snapshot::{Column, ForeignTable, Oid, PartitionOf, Persistence, Table, TableKind};

/// Tables as `pg_class` and `pg_attribute` have them; what hangs on them is added later.
#[derive(Default)]
pub(in crate::collect) struct Tables {
    pub(in crate::collect) rows: Vec<Table>,
    /// Tables whose rows, and therefore statistics, the role may not read.
    pub(in crate::collect) unreadable: Vec<Oid>,
    /// Relations that were locked when the tables were read.
    pub(in crate::collect) locked: Vec<Oid>,
}

pub(in crate::collect) async fn read(context: &Context<'_>) -> Result<Tables, Error> {
    context.read("tables", None, async |session, locks| read_tables(context, session, locks).await).await
}

async fn read_tables(context: &Context<'_>, session: &Session, locks: &Locks) -> Result<Tables, PartError> {
    let rows = context.catalog_rows(session, locks, include_str!("../sql/tables.sql")).await?;
    let mut columns = read_columns(context, session, locks).await?;
    let mut read = Tables { locked: locks.relations.clone(), ..Tables::default() };
    for row in rows {
        let oid: Oid = row.try_get("oid")?;
        if !row.try_get::<_, bool>("readable")? {
            read.unreadable.push(oid);
        }
        let parents: Vec<Oid> = row.try_get("parents")?;
        let is_partition: bool = row.try_get("is_partition")?;
        let partition_of = match (is_partition, parents.first()) {
            (true, Some(&parent)) => Some(PartitionOf {
                parent,
                root: row.try_get::<_, Option<Oid>>("partition_root")?.unwrap_or(parent),
                bound: row.try_get::<_, Option<String>>("partition_bound")?.unwrap_or_default(),
            }),
            _ => None,
        };
        let mut options: Vec<String> = row.try_get("options")?;
        options.sort();
        read.rows.push(Table {
            oid,
            schema: row.try_get("schema")?,
            name: row.try_get("name")?,
            owner: row.try_get::<_, Option<String>>("owner")?.unwrap_or_default(),
            kind: kind(row.try_get("kind")?),
            persistence: persistence(row.try_get("persistence")?),
            reltuples: row.try_get("reltuples")?,
            relpages: pages(row.try_get("relpages")?),
            relallvisible: pages(row.try_get("relallvisible")?),
            relallfrozen: row.try_get::<_, Option<i32>>("relallfrozen")?.map(pages),
            actual_pages: None,
            heap_bytes: None,
            toast_bytes: None,
            indexes_bytes: None,
            partition_key: row.try_get("partition_key")?,
            partition_of,
            inherits: if is_partition { Vec::new() } else { parents },
            options,
            tablespace: row.try_get("tablespace")?,
            foreign: foreign(&row)?,
            row_security: row.try_get("row_security")?,
            replica_identity: row.try_get("replica_identity")?,
            columns: columns.remove(&oid).unwrap_or_default(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            activity: None,
        });
    }
    read.rows.sort_by_key(|t| t.oid);
    Ok(read)
}

async fn read_columns(
    context: &Context<'_>,
    session: &Session,
    locks: &Locks,
) -> Result<BTreeMap<Oid, Vec<Column>>, PartError> {
    let types = Types::read(session).await?;
    let mut columns: BTreeMap<Oid, Vec<Column>> = BTreeMap::new();
    for row in context.catalog_rows(session, locks, include_str!("../sql/columns.sql")).await? {
        let Some(ty) = types.column_type(row.try_get("type_oid")?, row.try_get("type_name")?, row.try_get("modifier")?)
        else {
            continue;
        };
        columns.entry(row.try_get("table")?).or_default().push(Column {
            attnum: row.try_get("attnum")?,
            name: row.try_get("name")?,
            ty,
            not_null: row.try_get("not_null")?,
            default: row.try_get("default_expression")?,
            identity: row.try_get("identity")?,
            generated: row.try_get("generated")?,
            generated_virtual: row.try_get("generated_virtual")?,
            collation: row.try_get("collation")?,
            collation_is_c: row.try_get("collation_is_c")?,
            statistics_target: row.try_get("statistics_target")?,
            storage: row.try_get("storage")?,
            stats: None,
            stats_inherited: None,
        });
    }
    Ok(columns)
}

fn foreign(row: &Row) -> Result<Option<ForeignTable>, PartError> {
    let Some(server) = row.try_get("foreign_server")? else { return Ok(None) };
    let wrapper = row.try_get::<_, Option<String>>("foreign_wrapper")?.unwrap_or_default();
    Ok(Some(ForeignTable { server, wrapper, options: row.try_get("foreign_options")? }))
}

fn kind(relkind: &str) -> TableKind {
    match relkind {
        "p" => TableKind::Partitioned,
        "m" => TableKind::MaterializedView,
        "f" => TableKind::Foreign,
        _ => TableKind::Ordinary,
    }
}

fn persistence(relpersistence: &str) -> Persistence {
    match relpersistence {
        "u" => Persistence::Unlogged,
        "t" => Persistence::Temporary,
        _ => Persistence::Permanent,
    }
}
