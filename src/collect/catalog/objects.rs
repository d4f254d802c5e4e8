//! What stands beside the tables: views, functions, operators.

use tokio_postgres::Row;

use crate::collect::error::Error;
use crate::collect::part::Context;
use crate::snapshot::{
    Aggregate, FamilyOperator, Field, Function, Operator, OperatorClass, Signature, UserCast, UserType, View,
    Volatility,
};

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
                    signature: Signature {
                        names: row.try_get("argument_names")?,
                        defaults: row.try_get("argument_defaults")?,
                        variadic: row.try_get("variadic")?,
                        columns: fields(row.try_get("column_names")?, row.try_get("column_types")?),
                    },
                    aggregate: aggregate(&row)?,
                });
            }
            Ok(functions)
        })
        .await
}

fn fields(names: Vec<String>, types: Vec<String>) -> Vec<Field> {
    names.into_iter().zip(types).map(|(name, ty)| Field { name, ty }).collect()
}

fn aggregate(row: &Row) -> Result<Option<Aggregate>, tokio_postgres::Error> {
    let Some(kind) = row.try_get("aggregate_kind")? else { return Ok(None) };
    Ok(Some(Aggregate {
        kind,
        direct_arguments: row.try_get("direct_arguments")?,
        transition_type: row.try_get("transition_type")?,
        transition_bytes: row.try_get("transition_bytes")?,
        transition_function: row.try_get("transition_function")?,
        final_function: row.try_get("final_function")?,
        combine_function: row.try_get("combine_function")?,
        serial_function: row.try_get("serial_function")?,
        deserial_function: row.try_get("deserial_function")?,
        sort_operator: row.try_get("sort_operator")?,
    }))
}

/// Types outside `pg_catalog`.
pub(in crate::collect) async fn types(context: &Context<'_>) -> Result<Vec<UserType>, Error> {
    context
        .read("types", None, async |session, _| {
            let rows = session.query_typed(include_str!("../sql/user_types.sql"), &[]).await?;
            let mut types = Vec::with_capacity(rows.len());
            for row in rows {
                types.push(UserType {
                    schema: row.try_get("schema")?,
                    name: row.try_get("name")?,
                    kind: super::types::kind(row.try_get("kind")?),
                    category: row.try_get("category")?,
                    preferred: row.try_get("preferred")?,
                    length: row.try_get("length")?,
                    alignment: row.try_get("alignment")?,
                    by_value: row.try_get("by_value")?,
                    collatable: row.try_get("collatable")?,
                    base: row.try_get("base")?,
                    subtype: row.try_get("subtype")?,
                    enum_labels: row.try_get("enum_labels")?,
                    fields: fields(row.try_get("field_names")?, row.try_get("field_types")?),
                });
            }
            Ok(types)
        })
        .await
}

/// Casts that are not the server's own.
pub(in crate::collect) async fn casts(context: &Context<'_>) -> Result<Vec<UserCast>, Error> {
    context
        .read("casts", None, async |session, _| {
            let rows = session.query_typed(include_str!("../sql/user_casts.sql"), &[]).await?;
            let mut casts = Vec::with_capacity(rows.len());
            for row in rows {
                casts.push(UserCast {
                    source: row.try_get("source")?,
                    target: row.try_get("target")?,
                    function: row.try_get("function")?,
                    context: row.try_get("context")?,
                    method: row.try_get("method")?,
                });
            }
            Ok(casts)
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
