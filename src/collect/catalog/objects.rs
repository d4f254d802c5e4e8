//! What stands beside the tables: views, functions, operators.

use crate::collect::error::Error;
use crate::collect::part::Context;
use crate::snapshot::{FamilyOperator, Function, Operator, OperatorClass, View, Volatility};

/// Views, those of materialised views included. One that could not be printed is left out.
pub(in crate::collect) async fn views(context: &Context<'_>) -> Result<Vec<View>, Error> {
    context
        .read("views", None, async |session, locks| {
            let rows = context.catalog_rows(session, locks, include_str!("../sql/views.sql")).await?;
            let mut views = Vec::with_capacity(rows.len());
            for row in rows {
                let Some(definition) = row.try_get("definition")? else { continue };
                views.push(View {
                    oid: row.try_get("oid")?,
                    schema: row.try_get("schema")?,
                    name: row.try_get("name")?,
                    columns: row.try_get("columns")?,
                    definition,
                    materialized: row.try_get("materialized")?,
                    options: row.try_get("options")?,
                });
            }
            Ok(views)
        })
        .await
}

/// Functions outside `pg_catalog`.
pub(in crate::collect) async fn functions(context: &Context<'_>) -> Result<Vec<Function>, Error> {
    context
        .read("functions", None, async |session, _| {
            let rows = session.query_typed(include_str!("../sql/functions.sql"), &[]).await?;
            let mut functions = Vec::with_capacity(rows.len());
            for row in rows {
                functions.push(Function {
                    schema: row.try_get("schema")?,
                    name: row.try_get("name")?,
                    arguments: row.try_get::<_, Option<String>>("arguments")?.unwrap_or_default(),
                    volatility: match row.try_get("volatility")? {
                        "i" => Volatility::Immutable,
                        "s" => Volatility::Stable,
                        _ => Volatility::Volatile,
                    },
                    kind: row.try_get("kind")?,
                    argument_types: row.try_get("argument_types")?,
                    returns: row.try_get("returns")?,
                    returns_set: row.try_get("returns_set")?,
                    strict: row.try_get("strict")?,
                    leakproof: row.try_get("leakproof")?,
                    parallel: row.try_get("parallel")?,
                    cost: Some(row.try_get("cost")?),
                    rows: row.try_get("rows")?,
                    support: row.try_get("support")?,
                    language: row.try_get("language")?,
                });
            }
            Ok(functions)
        })
        .await
}

/// Operators outside `pg_catalog`.
pub(in crate::collect) async fn operators(context: &Context<'_>) -> Result<Vec<Operator>, Error> {
    context
        .read("operators", None, async |session, _| {
            let rows = session.query_typed(include_str!("../sql/operators.sql"), &[]).await?;
            let mut operators = Vec::with_capacity(rows.len());
            for row in rows {
                operators.push(Operator {
                    schema: row.try_get("schema")?,
                    name: row.try_get("name")?,
                    left: row.try_get("left")?,
                    right: row.try_get("right")?,
                    result: row.try_get("result")?,
                    function: row.try_get("function")?,
                    restrict: row.try_get("restrict")?,
                    join: row.try_get("join")?,
                    commutator: row.try_get("commutator")?,
                    negator: row.try_get("negator")?,
                    hashable: row.try_get("hashable")?,
                    mergeable: row.try_get("mergeable")?,
                });
            }
            Ok(operators)
        })
        .await
}

/// Operator classes outside `pg_catalog`.
pub(in crate::collect) async fn operator_classes(context: &Context<'_>) -> Result<Vec<OperatorClass>, Error> {
    context
        .read("operator classes", None, async |session, _| {
            let rows = session.query_typed(include_str!("../sql/operator_classes.sql"), &[]).await?;
            let mut classes = Vec::with_capacity(rows.len());
            for row in rows {
                let strategies: Vec<i16> = row.try_get("strategies")?;
                let operators: Vec<String> = row.try_get("operators")?;
                let ordering: Vec<bool> = row.try_get("ordering")?;
                let members = strategies.into_iter().zip(operators).zip(ordering);
                classes.push(OperatorClass {
                    schema: row.try_get("schema")?,
                    name: row.try_get("name")?,
                    method: row.try_get("method")?,
                    input: row.try_get("input")?,
                    stored: row.try_get("stored")?,
                    default: row.try_get("is_default")?,
                    family: row.try_get("family")?,
                    operators: members
                        .map(|((strategy, operator), ordering)| FamilyOperator { strategy, operator, ordering })
                        .collect(),
                });
            }
            Ok(classes)
        })
        .await
}
