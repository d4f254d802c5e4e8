//! Runs what recreates the schema, and makes do without what the server lacks.
//!
//! A table whose types or collations the server does not have is created with others in their place, so that statements
//! that have nothing to do with them are planned as in production; where that does not help either, without its
//! defaults and constraints, which follow one by one.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::schema::{self, Lacking, Step};
use super::{NotRecreated, TwinError};
use crate::connect::Session;
use crate::snapshot::{Oid, SchemaDdl, Snapshot, Table};
use crate::sql::quote;

/// Statements sent before the first is answered.
const PIPELINE: usize = 64;

/// A step that failed, and why.
type Failed = (Step, String);

/// Recreates the schema; what could not be is returned.
pub(super) async fn recreate(
    session: &Session,
    snapshot: &Snapshot,
    schema: &SchemaDdl,
) -> Result<Vec<NotRecreated>, TwinError> {
    let (steps, mut left_out) = schema::script(snapshot, schema);
    let mut failed = run(session, steps).await?;
    for bare in [false, true] {
        let tables: Vec<&Table> = failed.iter().filter_map(|(step, _)| snapshot.catalog.table(step.creates?)).collect();
        if tables.is_empty() {
            break;
        }
        let lacking = lacking(session, &tables, bare).await?;
        let created: BTreeSet<Oid> = tables.iter().map(|t| t.oid).collect();
        let mut again: Vec<Step> = Vec::new();
        for (step, _) in failed {
            match step.creates.and_then(|oid| snapshot.catalog.table(oid)) {
                Some(table) => again.extend(schema::table(snapshot, table, &lacking)),
                None => again.push(step),
            }
        }
        failed = run(session, again).await?;
        let still: BTreeSet<Oid> = failed.iter().filter_map(|(step, _)| step.creates).collect();
        for table in created.difference(&still).filter_map(|oid| snapshot.catalog.table(*oid)) {
            left_out.extend(lacking.replaced(table));
        }
    }
    let lacks = failed.into_iter().map(|(Step { object, reach, .. }, reason)| NotRecreated { object, reason, reach });
    left_out.extend(lacks);
    Ok(left_out)
}

/// Runs the steps, and those that fail again as long as others succeed in between.
async fn run(session: &Session, steps: Vec<Step>) -> Result<Vec<Failed>, TwinError> {
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
        if failed.is_empty() || failed.len() == before {
            return Ok(failed);
        }
        pending = failed.into_iter().map(|(step, _)| step).collect();
    }
}

/// Which of the tables' types and collations the server does not have, by its own word.
async fn lacking(session: &Session, tables: &[&Table], bare: bool) -> Result<Lacking, TwinError> {
    let columns = || tables.iter().flat_map(|table| &table.columns);
    let types: BTreeSet<&String> = columns().map(|c| &c.ty.name).collect();
    let collations: BTreeSet<&String> = columns().filter_map(|c| c.collation.as_ref()).collect();
    let mut lacking = Lacking { bare, ..Lacking::default() };
    for ty in types {
        if !is_known(session, &format!("SELECT NULL::{ty}")).await? {
            lacking.types.insert(ty.clone());
        }
    }
    for collation in collations {
        if !is_known(session, &format!("SELECT {} COLLATE {collation}", quote::literal(""))).await? {
            lacking.collations.insert(collation.clone());
        }
    }
    Ok(lacking)
}

/// Whether the server can parse a query. It is not run.
async fn is_known(session: &Session, query: &str) -> Result<bool, TwinError> {
    match session.prepare(query).await {
        Ok(_) => Ok(true),
        Err(error) => {
            let error = session.error(error);
            if error.is_lost() { Err(error.into()) } else { Ok(false) }
        }
    }
}
