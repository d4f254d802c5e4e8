//! Planner statistics of columns and of index expressions, under the values policy.
//!
//! Values that the policy withholds do not leave the server: the queries do not select them. What leaves in their place
//! is their order, and those of them that a statement's text or the schema spells out anyway.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::error::{Error, PartError};
use super::part::Context;
use super::tokens;
use crate::snapshot::{
    AttrNumber, Catalog, ColumnStats, ElementStats, KnownValue, NotSeen, Oid, RangeStats, Statement, ValuesPolicy,
    WithheldValues,
};
use crate::sql::quote;

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

/// Which row of `pg_stats`.
type Place = (Oid, AttrNumber, bool);

fn place(row: &Row) -> Result<Place, PartError> {
    Ok((row.try_get("relation")?, row.try_get("attnum")?, row.try_get("inherited")?))
}

pub(super) async fn read(context: &Context<'_>, policy: ValuesPolicy, major: u32) -> Result<Vec<StatsRow>, Error> {
    let rows = context
        .read("statistics", None, async |session, _| {
            let sql = concat!(include_str!("sql/safe_types.sql"), include_str!("sql/column_statistics.sql"));
            let rows = session.query_typed(sql, &parameters(context, policy)).await?;
            rows.iter().map(decode).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let mut rows: BTreeMap<Place, StatsRow> =
        rows.into_iter().map(|row| ((row.relation, row.attnum, row.inherited), row)).collect();
    for (place, range) in ranges(context, policy, major).await? {
        if let Some(row) = rows.get_mut(&place) {
            row.stats.range = Some(range);
        }
    }
    if policy == ValuesPolicy::Safe {
        for (place, withheld) in ranks(context, policy).await? {
            if let Some(row) = rows.get_mut(&place) {
                row.stats.withheld = Some(withheld);
            }
        }
    }
    Ok(rows.into_values().collect())
}

/// Adds the withheld values that the statements or the schema spell out anyway: a literal that equals a common value
/// is planned as in production.
pub(super) async fn add_known(
    context: &Context<'_>,
    policy: ValuesPolicy,
    statements: &[Statement],
    catalog: &mut Catalog,
) -> Result<(), Error> {
    if policy != ValuesPolicy::Safe {
        return Ok(());
    }
    let strings = strings(statements, catalog);
    let known = context
        .read("withheld values", None, async |session, _| {
            let sql = concat!(include_str!("sql/safe_types.sql"), include_str!("sql/known_values.sql"));
            let [schemas, any, every] = parameters(context, policy);
            let rows = session.query_typed(sql, &[schemas, any, every, (&strings, Type::TEXT_ARRAY)]).await?;
            let mut known = Vec::with_capacity(rows.len());
            for row in rows {
                let position = usize::try_from(row.try_get::<_, i32>("position")?).unwrap_or(0);
                let value = KnownValue { position, value: row.try_get("value")? };
                known.push((place(&row)?, row.try_get::<_, bool>("element")?, value));
            }
            Ok(known)
        })
        .await?;
    for ((relation, attnum, inherited), element, value) in known {
        let Some(stats) = stats_of(catalog, relation, attnum, inherited) else { continue };
        let withheld = stats.withheld.get_or_insert_with(WithheldValues::default);
        if element { &mut withheld.known_elements } else { &mut withheld.known }.push(value);
    }
    Ok(())
}

fn stats_of(catalog: &mut Catalog, relation: Oid, attnum: AttrNumber, inherited: bool) -> Option<&mut ColumnStats> {
    if let Ok(n) = catalog.tables.binary_search_by_key(&relation, |t| t.oid) {
        let column = catalog.tables.get_mut(n)?.columns.iter_mut().find(|c| c.attnum == attnum)?;
        return if inherited { column.stats_inherited.as_mut() } else { column.stats.as_mut() };
    }
    let index = catalog.tables.iter_mut().flat_map(|t| &mut t.indexes).find(|i| i.oid == relation)?;
    index.keys.get_mut(usize::try_from(attnum - 1).ok()?)?.stats.as_mut()
}

/// The strings that statements, predicates, defaults and constraints hold.
fn strings(statements: &[Statement], catalog: &Catalog) -> Vec<String> {
    let texts = statements.iter().map(|s| s.query.as_str());
    let schema = catalog.tables.iter().flat_map(|table| {
        let checks = table.checks.iter().map(|c| c.definition.as_str());
        let predicates = table.indexes.iter().filter_map(|i| i.predicate.as_deref());
        let bounds = table.partition_of.iter().map(|p| p.bound.as_str());
        checks.chain(predicates).chain(bounds).chain(table.columns.iter().filter_map(|c| c.default.as_deref()))
    });
    let views = catalog.views.iter().map(|v| v.definition.as_str());
    let found: BTreeSet<String> = texts.chain(schema).chain(views).flat_map(tokens::strings).collect();
    found.into_iter().collect()
}

fn parameters<'a>(context: &'a Context<'_>, policy: ValuesPolicy) -> [(&'a (dyn ToSql + Sync), Type); 3] {
    const NO: &bool = &false;
    const YES: &bool = &true;
    let any = if policy == ValuesPolicy::None { NO } else { YES };
    let every = if policy == ValuesPolicy::All { YES } else { NO };
    [(&context.schemas, Type::TEXT_ARRAY), (any, Type::BOOL), (every, Type::BOOL)]
}

/// Statistics of ranges. Before 17 they are readable with `pg_statistic` only.
async fn ranges(context: &Context<'_>, policy: ValuesPolicy, major: u32) -> Result<Vec<(Place, RangeStats)>, Error> {
    let visible = major >= 17
        || context
            .read("range statistics", None, async |session, _| {
                let row = session.query_typed_one(include_str!("sql/reads_statistics.sql"), &[]).await?;
                if row.try_get::<_, bool>("concerned")? && !row.try_get::<_, bool>("readable")? {
                    let role = quote::ident(row.try_get("role_name")?);
                    context.note(NotSeen {
                        part: "range statistics".to_owned(),
                        reason: "before PostgreSQL 17 only who may read pg_statistic sees the histograms of ranges"
                            .to_owned(),
                        remedy: Some(format!("GRANT SELECT ON pg_catalog.pg_statistic TO {role}")),
                    });
                }
                Ok(row.try_get::<_, bool>("readable")? && row.try_get::<_, bool>("concerned")?)
            })
            .await?;
    if !visible {
        return Ok(Vec::new());
    }
    let sql = if major >= 17 {
        concat!(include_str!("sql/safe_types.sql"), include_str!("sql/range_statistics_17.sql"))
    } else {
        concat!(include_str!("sql/safe_types.sql"), include_str!("sql/range_statistics.sql"))
    };
    context
        .read("range statistics", None, async |session, _| {
            let rows = session.query_typed(sql, &parameters(context, policy)).await?;
            let mut ranges = Vec::with_capacity(rows.len());
            for row in rows {
                let range = RangeStats {
                    empty_frac: f64::from(row.try_get::<_, f32>("empty_frac")?),
                    length_histogram: row.try_get::<_, Option<Vec<String>>>("length_histogram")?.unwrap_or_default(),
                    bounds_len: usize::try_from(row.try_get::<_, i32>("bounds_len")?).unwrap_or(0),
                    bounds_histogram: row.try_get("bounds_histogram")?,
                };
                ranges.push((place(&row)?, range));
            }
            Ok(ranges)
        })
        .await
}

/// The order of the values that are withheld.
async fn ranks(context: &Context<'_>, policy: ValuesPolicy) -> Result<Vec<(Place, WithheldValues)>, Error> {
    context
        .read("order of withheld values", None, async |session, _| {
            let sql = concat!(include_str!("sql/safe_types.sql"), include_str!("sql/withheld_ranks.sql"));
            let rows = session.query_typed(sql, &parameters(context, policy)).await?;
            let mut withheld = Vec::with_capacity(rows.len());
            for row in rows {
                let ranks = |name: &str| {
                    let ranks = row.try_get::<_, Vec<i32>>(name)?;
                    Ok::<_, PartError>(ranks.into_iter().map(|r| u32::try_from(r).unwrap_or(0)).collect())
                };
                let values = WithheldValues {
                    mcv_ranks: ranks("mcv_ranks")?,
                    bound_ranks: ranks("bound_ranks")?,
                    ..WithheldValues::default()
                };
                withheld.push((place(&row)?, values));
            }
            Ok(withheld)
        })
        .await
}

fn decode(row: &Row) -> Result<StatsRow, PartError> {
    let (relation, attnum, inherited) = place(row)?;
    Ok(StatsRow { relation, attnum, inherited, stats: decode_stats(row)? })
}

/// The columns that `pg_stats` and `pg_stats_ext_exprs` share.
pub(super) fn decode_stats(row: &Row) -> Result<ColumnStats, PartError> {
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
    Ok(ColumnStats {
        null_frac: float("null_frac")?,
        avg_width: row.try_get("avg_width")?,
        n_distinct: float("n_distinct")?,
        mcv_freqs: floats("mcv_freqs")?.unwrap_or_default(),
        mcv_values: row.try_get("mcv_values")?,
        histogram_len: usize::try_from(row.try_get::<_, i32>("histogram_len")?).unwrap_or(0),
        histogram_bounds: row.try_get("histogram_bounds")?,
        correlation: row.try_get::<_, Option<f32>>("correlation")?.map(f64::from),
        elements,
        range: None,
        values_withheld: row.try_get("withheld")?,
        withheld: None,
    })
}
