//! Planner statistics of columns and of index expressions, under the values policy.
//!
//! Values that the policy withholds do not leave the server: the query does not select them.

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::error::{Error, PartError};
use super::part::Context;
use crate::snapshot::{AttrNumber, ColumnStats, ElementStats, Oid, ValuesPolicy};

/// One row of `pg_stats`.
pub(super) struct StatsRow {
    /// The table or index.
    pub(super) relation: Oid,
    /// The column, or the index's key.
    pub(super) attnum: AttrNumber,
    /// Whether the table's children are covered.
    pub(super) inherited: bool,
    /// The statistics.
    pub(super) stats: ColumnStats,
}

pub(super) async fn read(context: &Context<'_>, policy: ValuesPolicy) -> Result<Vec<StatsRow>, Error> {
    let any = policy != ValuesPolicy::None;
    let every = policy == ValuesPolicy::All;
    context
        .read("statistics", None, async |session, _| {
            let parameters: [(&(dyn ToSql + Sync), Type); 3] =
                [(&context.schemas, Type::TEXT_ARRAY), (&any, Type::BOOL), (&every, Type::BOOL)];
            let rows = session.query_typed(include_str!("sql/column_statistics.sql"), &parameters).await?;
            rows.iter().map(decode).collect::<Result<Vec<_>, _>>()
        })
        .await
}

fn decode(row: &Row) -> Result<StatsRow, PartError> {
    let float = |name: &str| row.try_get::<_, f32>(name).map(f64::from);
    let floats = |name: &str| {
        row.try_get::<_, Option<Vec<f32>>>(name).map(|v| v.map(|v| v.into_iter().map(f64::from).collect::<Vec<_>>()))
    };
    let elements = match floats("element_freqs")? {
        Some(freqs) => Some(ElementStats {
            freqs,
            values: row.try_get("element_values")?,
            count_histogram: floats("element_count_histogram")?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(StatsRow {
        relation: row.try_get("relation")?,
        attnum: row.try_get("attnum")?,
        inherited: row.try_get("inherited")?,
        stats: ColumnStats {
            null_frac: float("null_frac")?,
            avg_width: row.try_get("avg_width")?,
            n_distinct: float("n_distinct")?,
            mcv_freqs: floats("mcv_freqs")?.unwrap_or_default(),
            mcv_values: row.try_get("mcv_values")?,
            histogram_len: usize::try_from(row.try_get::<_, i32>("histogram_len")?).unwrap_or(0),
            histogram_bounds: row.try_get("histogram_bounds")?,
            correlation: row.try_get::<_, Option<f32>>("correlation")?.map(f64::from),
            elements,
            values_withheld: row.try_get("withheld")?,
        },
    })
}
