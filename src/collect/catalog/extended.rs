//! Extended statistics: definitions, and what ANALYZE found.
//!
//! Distinct combinations and dependencies are read as the server stores them (`statext_ndistinct_serialize`,
//! `statext_dependencies_serialize`); the most common combinations come from the view, each value as text.

use std::collections::BTreeMap;

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::collect::error::{Error, PartError};
use crate::collect::part::{Context, Locks};
use crate::collect::statistics::decode_stats;
use crate::connect::Session;
use crate::snapshot::{
    AttrNumber, DependencyItem, ExtendedData, ExtendedStatistics, McvItem, NDistinctItem, Oid, ValuesPolicy,
};

/// `CREATE STATISTICS` objects.
pub(in crate::collect) async fn read(
    context: &Context<'_>,
    major: u32,
    policy: ValuesPolicy,
) -> Result<Vec<ExtendedStatistics>, Error> {
    context
        .read("extended statistics", None, async |session, locks| {
            let mut objects = definitions(context, session, locks, major).await?;
            // The views behind these print expressions.
            if locks.deparse && locks.relations.is_empty() {
                add_data(context, session, major, policy, &mut objects).await?;
            }
            Ok(objects.into_values().collect())
        })
        .await
        .map(sorted)
}

fn sorted(mut objects: Vec<ExtendedStatistics>) -> Vec<ExtendedStatistics> {
    objects.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    objects
}

async fn definitions(
    context: &Context<'_>,
    session: &Session,
    locks: &Locks,
    major: u32,
) -> Result<BTreeMap<Oid, ExtendedStatistics>, PartError> {
    let sql = if major < 14 {
        include_str!("../sql/extended_statistics_13.sql")
    } else {
        include_str!("../sql/extended_statistics.sql")
    };
    let mut objects = BTreeMap::new();
    for row in context.catalog_rows(session, locks, sql).await? {
        let object = ExtendedStatistics {
            schema: row.try_get("schema")?,
            name: row.try_get("name")?,
            table: row.try_get("table")?,
            columns: row.try_get("columns")?,
            expressions: row.try_get("expressions")?,
            kinds: kinds(&row.try_get::<_, Vec<String>>("kinds")?),
            statistics_target: row.try_get("statistics_target")?,
            data: None,
            data_inherited: None,
        };
        objects.insert(row.try_get("oid")?, object);
    }
    Ok(objects)
}

async fn add_data(
    context: &Context<'_>,
    session: &Session,
    major: u32,
    policy: ValuesPolicy,
    objects: &mut BTreeMap<Oid, ExtendedStatistics>,
) -> Result<(), PartError> {
    let (any, every) = (policy != ValuesPolicy::None, policy == ValuesPolicy::All);
    let parameters: [(&(dyn ToSql + Sync), Type); 3] =
        [(&context.schemas, Type::TEXT_ARRAY), (&any, Type::BOOL), (&every, Type::BOOL)];
    // Before 15 there is one row, which describes the leaves of a partitioned table.
    let inherited = if major >= 15 {
        "e.inherited"
    } else {
        "(SELECT c.relkind = 'p' FROM pg_catalog.pg_class AS c WHERE c.oid = s.stxrelid)"
    };
    let data = concat!(include_str!("../sql/safe_types.sql"), include_str!("../sql/extended_data.sql"));
    for row in session.query_typed(&data.replace("{inherited}", inherited), &parameters).await? {
        let Some(object) = objects.get_mut(&row.try_get::<_, Oid>("oid")?) else { continue };
        let contents = contents(&row, object.dimensions())?;
        *slot(object, row.try_get("inherited")?) = Some(contents);
    }
    if major < 14 {
        return Ok(());
    }
    let expressions = include_str!("../sql/extended_expressions.sql").replace("{inherited}", inherited);
    for row in session.query_typed(&expressions, &parameters).await? {
        let Some(object) = objects.get_mut(&row.try_get::<_, Oid>("oid")?) else { continue };
        let expression: String = row.try_get("expression")?;
        let position = object.expressions.iter().position(|e| *e == expression);
        let count = object.expressions.len();
        let data = slot(object, row.try_get("inherited")?).get_or_insert_with(ExtendedData::default);
        data.expressions.resize(count, None);
        if let Some(place) = position.and_then(|n| data.expressions.get_mut(n)) {
            *place = Some(decode_stats(&row)?);
        }
    }
    Ok(())
}

fn slot(object: &mut ExtendedStatistics, inherited: bool) -> &mut Option<ExtendedData> {
    if inherited { &mut object.data_inherited } else { &mut object.data }
}

fn contents(row: &Row, dimensions: usize) -> Result<ExtendedData, PartError> {
    let bytes = |name: &str| row.try_get::<_, Option<Vec<u8>>>(name).map(Option::unwrap_or_default);
    let values: Vec<Option<String>> = row.try_get("mcv_values")?;
    let nulls: Vec<bool> = row.try_get("mcv_nulls")?;
    let frequencies: Vec<f64> = row.try_get("mcv_freqs")?;
    let base_frequencies: Vec<f64> = row.try_get("mcv_base_freqs")?;
    let width = dimensions.max(1);
    let items = values.chunks(width).zip(nulls.chunks(width)).zip(frequencies.into_iter().zip(base_frequencies));
    let mcv: Vec<McvItem> = items
        .map(|((values, nulls), (frequency, base_frequency))| McvItem {
            values: values.to_vec(),
            nulls: nulls.to_vec(),
            frequency,
            base_frequency,
        })
        .collect();
    let withheld = |item: &McvItem| item.values.iter().zip(&item.nulls).any(|(value, null)| value.is_none() && !null);
    Ok(ExtendedData {
        n_distinct: n_distinct(&bytes("n_distinct")?),
        dependencies: dependencies(&bytes("dependencies")?),
        values_withheld: mcv.iter().any(withheld),
        mcv,
        expressions: Vec::new(),
    })
}

/// `STATS_NDISTINCT_MAGIC`.
const NDISTINCT_MAGIC: u32 = 0xA352_BFA4;
/// `STATS_DEPS_MAGIC`.
const DEPENDENCIES_MAGIC: u32 = 0xB454_9A2C;

/// Reads integers and floats in the server's byte order, which the magic number shows.
struct Bytes<'a> {
    rest: &'a [u8],
    big_endian: bool,
}

impl<'a> Bytes<'a> {
    /// Past the magic number and the type, at the count.
    fn new(bytes: &'a [u8], magic: u32) -> Option<Self> {
        let first: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
        let big_endian = match magic {
            m if u32::from_le_bytes(first) == m => false,
            m if u32::from_be_bytes(first) == m => true,
            _ => return None,
        };
        Some(Self { rest: bytes.get(8..)?, big_endian })
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_at_checked(N)?;
        self.rest = rest;
        let mut bytes: [u8; N] = head.try_into().ok()?;
        if self.big_endian {
            bytes.reverse();
        }
        Some(bytes)
    }

    fn count(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn float(&mut self) -> Option<f64> {
        self.take().map(f64::from_le_bytes)
    }

    fn number(&mut self) -> Option<AttrNumber> {
        self.take().map(AttrNumber::from_le_bytes)
    }
}

/// What cannot be read is left out: a later version may store it otherwise.
fn n_distinct(bytes: &[u8]) -> Vec<NDistinctItem> {
    let read = || {
        let mut bytes = Bytes::new(bytes, NDISTINCT_MAGIC)?;
        let mut items = Vec::new();
        for _ in 0..bytes.count()? {
            let n_distinct = bytes.float()?;
            let attributes = (0..bytes.count()?).map(|_| bytes.number()).collect::<Option<_>>()?;
            items.push(NDistinctItem { attributes, n_distinct });
        }
        Some(items)
    };
    read().unwrap_or_default()
}

/// See [`n_distinct`].
fn dependencies(bytes: &[u8]) -> Vec<DependencyItem> {
    let read = || {
        let mut bytes = Bytes::new(bytes, DEPENDENCIES_MAGIC)?;
        let mut items = Vec::new();
        for _ in 0..bytes.count()? {
            let degree = bytes.float()?;
            let mut from = (0..bytes.number()?).map(|_| bytes.number()).collect::<Option<Vec<_>>>()?;
            let to = from.pop()?;
            items.push(DependencyItem { from, to, degree });
        }
        Some(items)
    };
    read().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_are_read_and_damage_gives_nothing() {
        let mut little = Vec::new();
        for word in [DEPENDENCIES_MAGIC, 1, 1] {
            little.extend(word.to_le_bytes());
        }
        little.extend(0.5_f64.to_le_bytes());
        let mut big = Vec::new();
        for word in [DEPENDENCIES_MAGIC, 1, 1] {
            big.extend(word.to_be_bytes());
        }
        big.extend(0.5_f64.to_be_bytes());
        for number in [3_i16, 2, -1, 5] {
            little.extend(number.to_le_bytes());
            big.extend(number.to_be_bytes());
        }
        let expected = [DependencyItem { from: vec![2, -1], to: 5, degree: 0.5 }];
        assert_eq!(dependencies(&little), expected);
        assert_eq!(dependencies(&big), expected);
        assert!(dependencies(&little[..little.len() - 1]).is_empty() && n_distinct(&little).is_empty());
    }
}
