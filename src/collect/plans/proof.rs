//! The proof that executing a statement changes nothing: what EXPLAIN ANALYZE waits for.

use std::collections::BTreeSet;

use crate::collect::error::Error;
use crate::collect::part::Context;
use crate::snapshot::Catalog;
use crate::workload::{BoundQuery, QueryKind, Resolver, bind_query};

/// Which names must not be called.
#[derive(Default)]
pub(super) struct Volatiles {
    names: BTreeSet<String>,
    /// Whether there are operators or casts with volatile functions behind them, which a text does not name.
    operators: bool,
}

impl Volatiles {
    /// Reads the names; `None`, with a note, where that fails: then nothing can be proved.
    pub(super) async fn read(context: &Context<'_>) -> Result<Option<Self>, Error> {
        context
            .read("explain analyze", None, async |session, _| {
                let row = session.query_typed_one(include_str!("../sql/volatile_functions.sql"), &[]).await?;
                let names: Vec<String> = row.try_get("names")?;
                Ok(Some(Self { names: names.into_iter().collect(), operators: row.try_get("operators")? }))
            })
            .await
    }

    /// The bound form of a statement proved to read only, or why it could not be proved. The read-only transaction would
    /// refuse writes in any case; this keeps what it does not refuse from running at all: sequences on old versions,
    /// advisory locks, other servers, other sessions.
    pub(super) fn prove(
        &self,
        query: &str,
        resolver: &Resolver<'_>,
        catalog: &Catalog,
    ) -> Result<BoundQuery, &'static str> {
        if self.operators {
            return Err("the database has operators or casts with volatile functions");
        }
        let bound = bind_query(query, resolver).map_err(|_| "it could not be analysed")?;
        if bound.kind != QueryKind::Select || !bound.writes.is_empty() {
            return Err("it writes");
        }
        if bound.locks_rows {
            return Err("it locks rows");
        }
        if !bound.unresolved.is_empty() {
            return Err("not all of its names are known");
        }
        // The function's own name: the same one in any schema counts.
        let calls_volatile = |name: &String| {
            let name = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
            self.names.contains(name)
        };
        if bound.functions.iter().any(calls_volatile) {
            return Err("it calls a volatile function");
        }
        let tables = bound.tables();
        if tables.iter().any(|oid| catalog.table(*oid).is_none_or(|t| t.row_security)) {
            return Err("row-level security applies, whose policies may call anything");
        }
        Ok(bound)
    }
}
