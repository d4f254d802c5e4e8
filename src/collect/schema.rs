//! What recreates the schema beside the catalog.

use super::error::{Error, PartError};
use super::part::{Context, Locks};
use crate::connect::Session;
use crate::snapshot::{DatabaseLocale, SchemaDdl, SchemaObject, SchemaObjectKind, TableConstraint};

/// Definitions of what the catalog does not carry; `None` where they could not be read.
pub(super) async fn read(context: &Context<'_>) -> Result<Option<SchemaDdl>, Error> {
    context.read("schema", None, async |session, locks| read_schema(context, session, locks).await.map(Some)).await
}

async fn read_schema(context: &Context<'_>, session: &Session, locks: &Locks) -> Result<SchemaDdl, PartError> {
    let row = session.query_typed_one(include_str!("sql/database_locale.sql"), &[]).await?;
    let locale = DatabaseLocale {
        encoding: row.try_get("encoding")?,
        collate: row.try_get("collate")?,
        ctype: row.try_get("ctype")?,
        provider: row.try_get("provider")?,
        locale: row.try_get("locale")?,
    };
    let mut objects = Vec::new();
    for row in context.catalog_rows(session, locks, include_str!("sql/schema_objects.sql")).await? {
        objects.push(SchemaObject {
            kind: kind(row.try_get("kind")?),
            schema: row.try_get("schema")?,
            name: row.try_get("name")?,
            sql: row.try_get("sql")?,
        });
    }
    let mut constraints = Vec::new();
    for row in context.catalog_rows(session, locks, include_str!("sql/schema_constraints.sql")).await? {
        constraints.push(TableConstraint {
            table: row.try_get("table")?,
            name: row.try_get("name")?,
            kind: row.try_get("kind")?,
            index: row.try_get("index")?,
            definition: row.try_get("definition")?,
        });
    }
    Ok(SchemaDdl { locale, objects, constraints })
}

fn kind(word: &str) -> SchemaObjectKind {
    match word {
        "schema" => SchemaObjectKind::Schema,
        "foreign server" => SchemaObjectKind::ForeignServer,
        "collation" => SchemaObjectKind::Collation,
        "type" => SchemaObjectKind::Type,
        "sequence" => SchemaObjectKind::Sequence,
        _ => SchemaObjectKind::Function,
    }
}
