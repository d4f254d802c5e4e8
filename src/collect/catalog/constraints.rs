//! Foreign keys and check constraints.

use crate::collect::error::{Error, PartError};
use crate::collect::part::{Context, Locks};
use crate::connect::Session;
use crate::snapshot::{CheckConstraint, ForeignKey, ForeignKeyAction, Oid};

/// Constraints with the table each belongs to.
#[derive(Default)]
pub(in crate::collect) struct Constraints {
    pub(in crate::collect) foreign_keys: Vec<(Oid, ForeignKey)>,
    pub(in crate::collect) checks: Vec<(Oid, CheckConstraint)>,
}

pub(in crate::collect) async fn read(context: &Context<'_>) -> Result<Constraints, Error> {
    context.read("constraints", None, async |session, locks| read_constraints(context, session, locks).await).await
}

async fn read_constraints(context: &Context<'_>, session: &Session, locks: &Locks) -> Result<Constraints, PartError> {
    let mut constraints = Constraints::default();
    for row in context.catalog_rows(session, locks, include_str!("../sql/constraints.sql")).await? {
        let table = row.try_get("table")?;
        let name = row.try_get("name")?;
        let validated = row.try_get("validated")?;
        if row.try_get::<_, &str>("kind")? == "f" {
            let foreign_key = ForeignKey {
                name,
                columns: row.try_get("columns")?,
                references: row.try_get("referenced_table")?,
                referenced_columns: row.try_get("referenced_columns")?,
                on_delete: action(row.try_get("on_delete")?),
                on_update: action(row.try_get("on_update")?),
                validated,
            };
            constraints.foreign_keys.push((table, foreign_key));
        } else if let Some(definition) = row.try_get("definition")? {
            constraints.checks.push((table, CheckConstraint { name, definition, validated }));
        }
    }
    Ok(constraints)
}

fn action(code: &str) -> ForeignKeyAction {
    match code {
        "r" => ForeignKeyAction::Restrict,
        "c" => ForeignKeyAction::Cascade,
        "n" => ForeignKeyAction::SetNull,
        "d" => ForeignKeyAction::SetDefault,
        _ => ForeignKeyAction::NoAction,
    }
}
