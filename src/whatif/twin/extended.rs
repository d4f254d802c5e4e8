//! Contents of extended statistics, as rows of `pg_statistic_ext_data`.
//!
//! Distinct combinations and dependencies are written as the server stores them. A list of most common combinations
//! holds values as the server keeps them in memory, so the server makes it: a scratch table with one row a combination
//! is analysed, and the frequencies in the list that comes of it are replaced by production's.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::standin::{self, Series};
use super::statistics::{self, Attribute, Place};
use super::{NotRecreated, TwinError, build, schema};
use crate::connect::Session;
use crate::snapshot::{AttrNumber, Catalog, ExtendedData, ExtendedStatistics, McvItem, Table};
use crate::sql::quote;

/// Holds the scratch tables while they are needed.
const SCRATCH: &str = "pgwise_scratch";
/// `STATS_NDISTINCT_MAGIC`.
const NDISTINCT_MAGIC: u32 = 0xA352_BFA4;
/// `STATS_DEPS_MAGIC`.
const DEPENDENCIES_MAGIC: u32 = 0xB454_9A2C;
/// `STATS_NDISTINCT_TYPE_BASIC` and `STATS_DEPS_TYPE_BASIC`.
const BASIC: u32 = 1;
/// Columns of `pg_statistic_ext_data` and their types.
pub(super) const COLUMNS: [(&str, &str); 3] =
    [("stxdndistinct", "pg_ndistinct"), ("stxddependencies", "pg_dependencies"), ("stxdmcv", "pg_mcv_list")];
/// `MAX_STATISTICS_TARGET` of 16 and before.
const MOST_ITEMS: usize = 10_000;

/// A row of `pg_statistic_ext_data` as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// Schema and name of the object.
    pub(super) name: (String, String),
    /// `stxdinherit`.
    pub(super) inherited: bool,
    /// `stxdndistinct`, `stxddependencies` and `stxdmcv`, as stored.
    pub(super) parts: [Option<Vec<u8>>; 3],
    /// Whether there is a `stxdexpr`.
    pub(super) has_expressions: bool,
}

/// Fills the statistics objects that the twin has: what was written, and what could not be.
pub(super) async fn write(
    session: &Session,
    catalog: &Catalog,
    major: u32,
) -> Result<(Vec<Written>, Vec<NotRecreated>), TwinError> {
    let objects: Vec<(usize, &ExtendedStatistics, &Table)> = catalog
        .extended_statistics
        .iter()
        .enumerate()
        .filter(|(_, object)| object.data.is_some() || object.data_inherited.is_some())
        .filter_map(|(n, object)| Some((n, object, catalog.table(object.table)?)))
        .collect();
    if objects.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let run = async |sql: String| session.batch_execute(&sql).await.map_err(|e| session.error(e));
    run(format!(
        "CREATE SCHEMA {SCRATCH}; CREATE CAST (bytea AS pg_ndistinct) WITHOUT FUNCTION; \
         CREATE CAST (bytea AS pg_dependencies) WITHOUT FUNCTION; CREATE CAST (bytea AS pg_mcv_list) WITHOUT FUNCTION"
    ))
    .await?;
    let mut left_out = Vec::new();
    let mut made = Vec::new();
    for (n, object, table) in objects {
        match run(scratch_table(n, object, table)).await {
            Ok(()) => made.push((n, object, table)),
            Err(error) if error.is_lost() => return Err(error.into()),
            Err(error) => left_out.push(not_recreated(object, error.to_string())),
        }
    }
    let attributes = build::read_attributes(session).await?;
    let mut written = Vec::new();
    for (n, object, table) in made {
        for (inherited, data) in [(false, &object.data), (true, &object.data_inherited)] {
            let Some(data) = data.as_ref().map(|data| renumbered(data, table)) else { continue };
            match fill(session, (n, object), inherited, &data, &attributes, major).await {
                Ok((row, reason)) => {
                    written.push(row);
                    left_out.extend(reason.map(|reason| not_recreated(object, reason)));
                }
                Err(error) if error.is_lost() => return Err(error.into()),
                Err(error) => left_out.push(not_recreated(object, error.to_string())),
            }
        }
    }
    run(format!(
        "DROP SCHEMA {SCRATCH} CASCADE; DROP CAST (bytea AS pg_ndistinct); DROP CAST (bytea AS pg_dependencies); \
         DROP CAST (bytea AS pg_mcv_list)"
    ))
    .await?;
    Ok((written, left_out))
}

/// Names columns by the twin's numbers: there production's dropped columns have none.
fn renumbered(data: &ExtendedData, table: &Table) -> ExtendedData {
    let number = |attnum: &AttrNumber| {
        let place = table.columns.iter().position(|c| c.attnum == *attnum);
        // An expression keeps its negative number.
        place.and_then(|n| AttrNumber::try_from(n + 1).ok()).unwrap_or(*attnum)
    };
    let mut data = data.clone();
    for item in &mut data.n_distinct {
        item.attributes = item.attributes.iter().map(number).collect();
    }
    for item in &mut data.dependencies {
        item.from = item.from.iter().map(number).collect();
        item.to = number(&item.to);
    }
    data
}

fn not_recreated(object: &ExtendedStatistics, reason: String) -> NotRecreated {
    let reach = schema::of_extended(object);
    NotRecreated { object: format!("extended statistics {}.{}", object.schema, object.name), reason, reach }
}

/// A table with the object's columns and expressions as its own columns, in the order of the lists of values.
fn scratch_table(n: usize, object: &ExtendedStatistics, table: &Table) -> String {
    let columns = object.columns.iter().filter_map(|attnum| table.column(*attnum)).map(|c| quote::ident(&c.name));
    let expressions = object.expressions.iter().map(|sql| format!("({sql})"));
    let mut list = "NULL::int4 AS n".to_owned();
    for (position, sql) in columns.chain(expressions).enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(list, ", {sql} AS c{position}");
    }
    let from = quote::qualified(&table.schema, &table.name);
    format!("CREATE TABLE {SCRATCH}.s{n} AS SELECT {list} FROM {from} WITH NO DATA")
}

/// Writes one row, and says why if a part of it could not be written.
async fn fill(
    session: &Session,
    (n, object): (usize, &ExtendedStatistics),
    inherited: bool,
    data: &ExtendedData,
    attributes: &BTreeMap<Place, Attribute>,
    major: u32,
) -> Result<(Written, Option<String>), crate::connect::Error> {
    let attribute = |position: usize| attributes.get(&(SCRATCH.to_owned(), format!("s{n}"), format!("c{position}")));
    let dimensions = object.dimensions();
    let mut reason = None;
    let mut columns = "stxoid".to_owned();
    let mut values = format!(
        "(SELECT s.oid FROM pg_catalog.pg_statistic_ext AS s JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace \
         WHERE n.nspname::text = {} AND s.stxname::text = {})",
        quote::literal(&object.schema),
        quote::literal(&object.name)
    );
    let identity = values.clone();
    let mut add = |column: &str, value: &str| {
        let _ = write!(columns, ", {column}");
        let _ = write!(values, ", {value}");
    };
    if major >= 15 {
        add("stxdinherit", &inherited.to_string());
    }
    let distinct = (!data.n_distinct.is_empty()).then(|| n_distinct(data));
    let depending = (!data.dependencies.is_empty()).then(|| dependencies(data));
    let mut common_list = None;
    if !data.mcv.is_empty() {
        common_list = common(session, n, dimensions, data, &attribute).await?;
        if common_list.is_none() {
            reason = Some("its most common combinations could not be made up".to_owned());
        }
    }
    let parts = [distinct, depending, common_list];
    for ((column, ty), part) in COLUMNS.iter().zip(&parts) {
        if let Some(bytes) = part {
            add(column, &cast(bytes, ty));
        }
    }
    let has_expressions = major >= 14 && data.expressions.iter().any(Option::is_some);
    if has_expressions {
        let rows = data.expressions.iter().enumerate().map(|(e, stats)| {
            let row = stats.as_ref().zip(attribute(object.columns.len() + e)).map(|(stats, attribute)| {
                let nameless = Attribute { relation: 0, attnum: 0, ..attribute.clone() };
                format!("ROW({})::pg_catalog.pg_statistic", statistics::fields(&nameless, false, stats))
            });
            row.unwrap_or_else(|| "NULL".to_owned())
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        add("stxdexpr", &format!("ARRAY[{rows}]::pg_catalog.pg_statistic[]"));
    }
    // Before 15 CREATE STATISTICS leaves an empty row.
    let delete = if major >= 15 {
        String::new()
    } else {
        format!("DELETE FROM pg_catalog.pg_statistic_ext_data WHERE stxoid = {identity}; ")
    };
    let insert = format!("{delete}INSERT INTO pg_catalog.pg_statistic_ext_data ({columns}) VALUES ({values})");
    session.batch_execute(&insert).await.map_err(|e| session.error(e))?;
    let name = (object.schema.clone(), object.name.clone());
    Ok((Written { name, inherited, parts, has_expressions }, reason))
}

fn cast(bytes: &[u8], ty: &str) -> String {
    let mut text = String::from("'\\x");
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    format!("{text}'::pg_catalog.bytea::pg_catalog.{ty}")
}

fn header(magic: u32, items: usize) -> Vec<u8> {
    let items = u32::try_from(items).unwrap_or(0);
    [magic, BASIC, items].iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// As `statext_ndistinct_serialize` lays it out.
fn n_distinct(data: &ExtendedData) -> Vec<u8> {
    let mut bytes = header(NDISTINCT_MAGIC, data.n_distinct.len());
    for item in &data.n_distinct {
        bytes.extend(item.n_distinct.to_le_bytes());
        bytes.extend(u32::try_from(item.attributes.len()).unwrap_or(0).to_le_bytes());
        bytes.extend(item.attributes.iter().flat_map(|n| n.to_le_bytes()));
    }
    bytes
}

/// As `statext_dependencies_serialize` lays it out.
fn dependencies(data: &ExtendedData) -> Vec<u8> {
    let mut bytes = header(DEPENDENCIES_MAGIC, data.dependencies.len());
    for item in &data.dependencies {
        bytes.extend(item.degree.to_le_bytes());
        bytes.extend(i16::try_from(item.from.len() + 1).unwrap_or(0).to_le_bytes());
        bytes.extend(item.from.iter().chain([&item.to]).flat_map(|n| n.to_le_bytes()));
    }
    bytes
}

/// The list of most common combinations, made by the server; `None` where a withheld value has no stand-in.
async fn common<'a>(
    session: &Session,
    n: usize,
    dimensions: usize,
    data: &ExtendedData,
    attribute: &impl Fn(usize) -> Option<&'a Attribute>,
) -> Result<Option<Vec<u8>>, crate::connect::Error> {
    let Some(rows) = rows(data, dimensions, attribute) else { return Ok(None) };
    let table = format!("{SCRATCH}.s{n}");
    let names = (0..dimensions).map(|c| format!("c{c}")).collect::<Vec<_>>().join(", ");
    let target = data.mcv.len().clamp(1, MOST_ITEMS);
    let make = format!(
        "TRUNCATE {table}; INSERT INTO {table} VALUES {rows}; \
         DROP STATISTICS IF EXISTS {SCRATCH}.m{n}; CREATE STATISTICS {SCRATCH}.m{n} (mcv) ON {names} FROM {table}; \
         ALTER STATISTICS {SCRATCH}.m{n} SET STATISTICS {target}; ANALYZE {table}"
    );
    session.batch_execute(&make).await.map_err(|e| session.error(e))?;
    // As the list's own values are printed: by the type's output function.
    let printed = (0..dimensions)
        .map(|c| format!("CASE WHEN s.c{c} IS NOT NULL THEN pg_catalog.format('%s', s.c{c}) END"))
        .collect::<Vec<_>>()
        .join(", ");
    let read = format!(
        "SELECT d.stxdmcv::pg_catalog.bytea AS list, \
                ARRAY(SELECT s.n FROM pg_catalog.pg_mcv_list_items(d.stxdmcv) AS m \
                      JOIN {table} AS s ON m.values = ARRAY[{printed}] ORDER BY m.index) AS places \
         FROM pg_catalog.pg_statistic_ext AS e JOIN pg_catalog.pg_statistic_ext_data AS d ON d.stxoid = e.oid \
         WHERE e.stxname::text = 'm{n}' AND e.stxnamespace = '{SCRATCH}'::pg_catalog.regnamespace"
    );
    let row = session.query_opt(&read, &[]).await.map_err(|e| session.error(e))?;
    let Some(row) = row else { return Ok(None) };
    let list: Option<Vec<u8>> = row.try_get("list").map_err(|e| session.error(e))?;
    let places: Vec<i32> = row.try_get("places").map_err(|e| session.error(e))?;
    Ok(list.and_then(|list| with_frequencies(list, dimensions, &places, &data.mcv)))
}

/// The combinations as rows of VALUES, numbered.
fn rows<'a>(
    data: &ExtendedData,
    dimensions: usize,
    attribute: &impl Fn(usize) -> Option<&'a Attribute>,
) -> Option<String> {
    let mut stand_ins = Vec::new();
    for position in 0..dimensions {
        let withheld = |item: &McvItem| {
            item.values.get(position).is_some_and(Option::is_none) && item.nulls.get(position) == Some(&false)
        };
        let made = if data.mcv.iter().any(withheld) {
            standin::values(&attribute(position)?.base, 0, data.mcv.len(), Series::Common)?
        } else {
            Vec::new()
        };
        stand_ins.push(made);
    }
    let row = |(n, item): (usize, &McvItem)| {
        let values = (0..dimensions).map(|position| {
            let null = item.nulls.get(position).copied().unwrap_or(true);
            let own = item.values.get(position).and_then(Option::as_ref);
            let made = stand_ins.get(position).and_then(|made| made.get(n));
            match own.or(made).filter(|_| !null) {
                Some(value) => quote::literal(value),
                None => "NULL".to_owned(),
            }
        });
        format!("({n}, {})", values.collect::<Vec<_>>().join(", "))
    };
    Some(data.mcv.iter().enumerate().map(row).collect::<Vec<_>>().join(", "))
}

/// Writes production's frequencies into a serialised list (`statext_mcv_serialize`): its items stand at the end, each
/// with its flags for NULL, frequency, base frequency and indexes of values. `places` says which item is which.
fn with_frequencies(mut list: Vec<u8>, dimensions: usize, places: &[i32], items: &[McvItem]) -> Option<Vec<u8>> {
    let size = dimensions * (size_of::<bool>() + size_of::<u16>()) + 2 * size_of::<f64>();
    if places.len() != items.len() {
        return None;
    }
    let first = list.len().checked_sub(size * items.len())?;
    for (n, place) in places.iter().enumerate() {
        let item = items.get(usize::try_from(*place).ok()?)?;
        let at = first + n * size + dimensions;
        list.get_mut(at..at + 8)?.copy_from_slice(&item.frequency.to_le_bytes());
        list.get_mut(at + 8..at + 16)?.copy_from_slice(&item.base_frequency.to_le_bytes());
    }
    Some(list)
}
