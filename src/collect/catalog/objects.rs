//! What stands beside the tables: views, functions, extended statistics.

use crate::collect::error::Error;
use crate::collect::part::Context;
use crate::snapshot::{ExtendedStatistics, Function, View, Volatility};

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
                });
            }
            Ok(functions)
        })
        .await
}

/// `CREATE STATISTICS` objects.
pub(in crate::collect) async fn extended_statistics(
    context: &Context<'_>,
    major: u32,
) -> Result<Vec<ExtendedStatistics>, Error> {
    let sql = if major < 14 {
        include_str!("../sql/extended_statistics_13.sql")
    } else {
        include_str!("../sql/extended_statistics.sql")
    };
    context
        .read("extended statistics", None, async |session, locks| {
            let rows = context.catalog_rows(session, locks, sql).await?;
            let mut objects = Vec::with_capacity(rows.len());
            for row in rows {
                objects.push(ExtendedStatistics {
                    schema: row.try_get("schema")?,
                    name: row.try_get("name")?,
                    table: row.try_get("table")?,
                    columns: row.try_get("columns")?,
                    expressions: row.try_get("expressions")?,
                    kinds: kinds(&row.try_get::<_, Vec<String>>("kinds")?),
                    n_distinct: row.try_get("n_distinct")?,
                    dependencies: row.try_get("dependencies")?,
                });
            }
            Ok(objects)
        })
        .await
}

/// `pg_statistic_ext.stxkind` in words.
fn kinds(codes: &[String]) -> Vec<String> {
    let word = |code: &String| match code.as_str() {
        "d" => Some("ndistinct"),
        "f" => Some("dependencies"),
        "m" => Some("mcv"),
        "e" => Some("expressions"),
        _ => None,
    };
    codes.iter().filter_map(word).map(str::to_owned).collect()
}
