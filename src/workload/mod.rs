//! From statements to bound queries: names, parameters, predicates, written columns, weights.
//!
//! In: a [`crate::snapshot::Snapshot`]'s statements and catalog. Out: a [`Workload`] of [`BoundQuery`]s with their
//! weights, and every statement that could not be analysed with the reason. Pure: no I/O, no clock.

mod binder;
#[cfg(test)]
pub(crate) mod fixture;
mod query;
mod resolver;
mod types;
mod volatility;

pub use query::{
    BlockRole, BoundQuery, Comparison, JoinClause, Limit, Operand, Predicate, QueryBlock, QueryKind, Relation, SortKey,
    Target, Unsargable, Value, Write, WriteKind,
};
pub use resolver::Resolver;

use crate::snapshot::Snapshot;
use crate::sql::{self, ast::Statement};

/// The analysed workload. `queries` and `skipped` together account for every statement of the snapshot.
#[derive(Debug, Clone, Default)]
pub struct Workload {
    /// Analysed statements, in the snapshot's order.
    pub queries: Vec<WorkloadQuery>,
    /// Statements that could not be analysed, in the snapshot's order.
    pub skipped: Vec<Skipped>,
}

/// One analysed statement.
#[derive(Debug, Clone)]
pub struct WorkloadQuery {
    /// Position in `snapshot.statements.items`.
    pub statement: usize,
    /// The statement, bound.
    pub bound: BoundQuery,
}

/// One statement that could not be analysed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Position in `snapshot.statements.items`.
    pub statement: usize,
    /// Which kind of reason: a stable kebab-case word (`truncated`, `syntax`, `utility`, `unknown-table`, …).
    pub code: &'static str,
    /// The reason in a sentence fragment.
    pub reason: String,
}

/// Why a text could not be bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Skip {
    /// See [`Skipped::code`].
    pub code: &'static str,
    /// The reason in a sentence fragment.
    pub reason: String,
}

/// Binds every statement of a snapshot.
pub fn bind(snapshot: &Snapshot) -> Workload {
    let resolver = Resolver::new(snapshot);
    let bind_all = || {
        let mut workload = Workload::default();
        for (statement, item) in snapshot.statements.items.iter().enumerate() {
            match bind_query(&item.query, &resolver) {
                Ok(bound) => workload.queries.push(WorkloadQuery { statement, bound }),
                Err(Skip { code, reason }) => workload.skipped.push(Skipped { statement, code, reason }),
            }
        }
        workload
    };
    // One thread for all of them. Without it (the system gives none) each statement says so for itself.
    sql::on_large_stack(bind_all).unwrap_or_else(|| no_thread(snapshot))
}

fn no_thread(snapshot: &Snapshot) -> Workload {
    let error = sql::ParseError::NoThread;
    let skipped = |statement| Skipped { statement, code: error.code(), reason: error.to_string() };
    Workload { queries: Vec::new(), skipped: (0..snapshot.statements.items.len()).map(skipped).collect() }
}

/// Binds one statement's text.
pub fn bind_query(text: &str, resolver: &Resolver<'_>) -> Result<BoundQuery, Skip> {
    sql::on_large_stack(|| bind_here(text, resolver)).unwrap_or_else(|| Err(skip(&sql::ParseError::NoThread)))
}

fn skip(error: &sql::ParseError) -> Skip {
    Skip { code: error.code(), reason: error.to_string() }
}

fn bind_here(text: &str, resolver: &Resolver<'_>) -> Result<BoundQuery, Skip> {
    let statements = sql::parse(text).map_err(|error| skip(&error))?;
    let statement = match statements.as_slice() {
        [] => return Err(Skip { code: "empty", reason: "the text holds no statement".to_owned() }),
        [Statement::Utility(words)] => {
            return Err(Skip { code: "utility", reason: format!("{words} is not a query") });
        }
        [one] => one,
        many => {
            let reason = format!("the text holds {} statements", many.len());
            return Err(Skip { code: "multiple-statements", reason });
        }
    };
    // PostgreSQL 18 writes a list of any length as its first element and a comment.
    let mut binder = binder::Binder::new(resolver, text.contains("/*, ... */"));
    let kind = binder.statement(statement);
    if binder.tables_met == 0 && binder.unknown_met > 0 {
        let bound = binder.finish(kind);
        let reason = bound.unresolved.first().cloned().unwrap_or_else(|| "no table is in the catalog".to_owned());
        return Err(Skip { code: "unknown-table", reason });
    }
    if binder.tables_met == 0 && binder.system_met > 0 {
        return Err(Skip { code: "system-catalog", reason: "it reads only system catalogs".to_owned() });
    }
    Ok(binder.finish(kind))
}
