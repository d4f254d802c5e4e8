//! Values for the parameters of a statement that is to be executed.
//!
//! A parameter compared with a column takes a value of that column, from its statistics; the rest (LIMIT and the like)
//! takes a small neutral value of its type. Values live in memory for the one EXPLAIN: what of them a plan repeats is
//! governed by the values policy.

use tokio_postgres::types::{ToSql, Type};

use crate::collect::error::PartError;
use crate::connect::Session;
use crate::snapshot::{AttrNumber, Oid};
use crate::sql::quote;
use crate::workload::{BoundQuery, Comparison, Value};

/// The arguments of EXECUTE as SQL, or why there are none.
pub(super) async fn draw(
    session: &Session,
    bound: &BoundQuery,
    prepared: &str,
) -> Result<Result<String, &'static str>, PartError> {
    let row = session.query_typed_one(include_str!("../sql/parameter_types.sql"), &[(&prepared, Type::TEXT)]).await?;
    let types: Vec<Oid> = row.try_get("types")?;
    let mut arguments = Vec::with_capacity(types.len());
    for (number, oid) in (1..).zip(&types) {
        let ty = Type::from_oid(*oid);
        let value = match compared_with(bound, number) {
            Some((table, column, comparison)) => {
                let is_array = ty.as_ref().is_some_and(|t| matches!(t.kind(), tokio_postgres::types::Kind::Array(_)));
                value_of(session, table, column, comparison, is_array).await?
            }
            None => None,
        };
        match value.or_else(|| ty.as_ref().and_then(neutral)) {
            Some(value) => arguments.push(quote::literal(&value)),
            None => return Ok(Err("a parameter is compared with nothing that has statistics")),
        }
    }
    Ok(Ok(arguments.join(", ")))
}

/// The column that a parameter is compared with, where there is exactly one within the operand.
fn compared_with(bound: &BoundQuery, number: u32) -> Option<(Oid, AttrNumber, &Comparison)> {
    bound.blocks.iter().find_map(|block| {
        block.predicates.iter().filter(|p| p.value == Value::Parameter(number)).find_map(|p| {
            let table = block.relations.get(p.operand.relation)?.table?;
            let columns = p.operand.columns();
            let column = columns.first().filter(|_| columns.len() == 1)?;
            Some((table, *column, &p.comparison))
        })
    })
}

async fn value_of(
    session: &Session,
    table: Oid,
    column: AttrNumber,
    comparison: &Comparison,
    is_array: bool,
) -> Result<Option<String>, PartError> {
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&table, Type::OID), (&column, Type::INT2)];
    let sql = include_str!("../sql/parameter_values.sql");
    let Some(row) = session.query_typed_opt(sql, &parameters).await? else { return Ok(None) };
    let common: Vec<String> = row.try_get::<_, Option<_>>("mcv_values")?.unwrap_or_default();
    let freqs: Vec<f32> = row.try_get("mcv_freqs")?;
    let bounds: Vec<String> = row.try_get::<_, Option<_>>("histogram_bounds")?.unwrap_or_default();
    let elements: Vec<String> = row.try_get::<_, Option<_>>("elements")?.unwrap_or_default();
    let value = match comparison {
        Comparison::ArrayOverlap | Comparison::ArrayAny => elements.first().cloned(),
        _ => choose(comparison, &common, &freqs, &bounds),
    };
    Ok(value.map(|value| if is_array { array_of(&value) } else { value }))
}

/// A value that a call could well have had: for equality the most common one where those cover most rows, else one from
/// the middle; for a bound, one that leaves a tenth of the rows.
fn choose(comparison: &Comparison, common: &[String], freqs: &[f32], bounds: &[String]) -> Option<String> {
    let at = |share: usize| bounds.get(bounds.len() * share / 10).or_else(|| bounds.last()).or_else(|| common.first());
    match comparison {
        Comparison::Eq | Comparison::In(_) | Comparison::NotEq => {
            let covered: f32 = freqs.iter().sum();
            if covered > 0.5 || bounds.is_empty() { common.first() } else { at(5) }.cloned()
        }
        Comparison::Greater => at(9).cloned(),
        Comparison::Less => at(1).cloned(),
        Comparison::Between => at(5).cloned(),
        Comparison::LikePrefix | Comparison::LikeInfix { regex: false, .. } => {
            let prefix: String = at(5)?.chars().take(3).filter(|c| !['%', '_', '\\'].contains(c)).collect();
            Some(prefix + "%")
        }
        _ => None,
    }
}

/// An array literal of one element.
fn array_of(value: &str) -> String {
    format!("{{\"{}\"}}", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A small value of a type, for LIMIT, OFFSET and whatever else is not compared with a column.
fn neutral(ty: &Type) -> Option<String> {
    let value = match *ty {
        Type::INT2 | Type::INT4 | Type::INT8 | Type::NUMERIC | Type::FLOAT4 | Type::FLOAT8 => "10",
        Type::BOOL => "true",
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => "",
        Type::INTERVAL => "1 day",
        Type::DATE | Type::TIMESTAMP | Type::TIMESTAMPTZ => "now",
        _ => return None,
    };
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|v| (*v).to_owned()).collect()
    }

    #[test]
    fn values_are_typical_of_what_they_are_compared_with() {
        let bounds = strings(&["00", "10", "20", "30", "40", "50", "60", "70", "80", "90", "99"]);
        let common = strings(&["7"]);
        assert_eq!(choose(&Comparison::Eq, &common, &[0.9], &bounds).as_deref(), Some("7"));
        assert_eq!(choose(&Comparison::Eq, &common, &[0.1], &bounds).as_deref(), Some("50"));
        assert_eq!(choose(&Comparison::Greater, &common, &[0.1], &bounds).as_deref(), Some("90"));
        assert_eq!(choose(&Comparison::Less, &[], &[], &bounds).as_deref(), Some("10"));
        assert_eq!(choose(&Comparison::LikePrefix, &[], &[], &strings(&["a%bcd"])).as_deref(), Some("ab%"));
        assert_eq!(choose(&Comparison::Eq, &[], &[], &[]), None);
    }

    #[test]
    fn array_literals_are_quoted() {
        assert_eq!(array_of("a\"b\\c"), "{\"a\\\"b\\\\c\"}");
    }
}
