//! Index expressions: width and distinct values of what they yield, from the columns that they are made of.
//!
//! An expression has statistics once an index on it was analysed; before, what ANALYZE would find is guessed.

use std::collections::BTreeMap;

use super::DEFAULT_WIDTH;
use crate::snapshot::{Column, ColumnStats, Table};
use crate::sql::ast::{Call, Expr, Literal};
use crate::sql::canonical::{canonical_expr, parse_expr};

/// Bytes of a value, its alignment, and what statistics of it would be.
pub(super) struct Yield {
    pub(super) width: f64,
    pub(super) align: f64,
    pub(super) stats: Option<ColumnStats>,
}

/// What an expression yields.
pub(super) fn of(sql: &str, table: &Table) -> Yield {
    if let Some(known) = analysed(sql, table) {
        return known;
    }
    let Some(expr) = parse_expr(sql) else { return Yield { width: DEFAULT_WIDTH, align: 1.0, stats: None } };
    let rows = table.rows().unwrap_or(0.0).max(1.0);
    let columns = columns_of(&expr, table);
    let mut stats = distribution(&expr, &columns, rows);
    let (width, align) = match fixed_width(&expr) {
        Some(width) => (width, width.min(8.0)),
        None => (stats.as_ref().map_or(DEFAULT_WIDTH, |s| f64::from(s.avg_width)), 1.0),
    };
    if let Some(stats) = &mut stats {
        stats.correlation = None;
    }
    Yield { width, align, stats }
}

/// The statistics of an existing index on the same expression.
fn analysed(sql: &str, table: &Table) -> Option<Yield> {
    let wanted = canonical_expr(sql)?;
    let keys = table.indexes.iter().filter(|i| i.predicate.is_none()).flat_map(|i| &i.keys);
    let same = |text: &str| canonical_expr(text).as_deref() == Some(wanted.as_str());
    let key = keys.filter(|k| k.stats.is_some()).find(|k| k.expression.as_deref().is_some_and(same))?;
    let stats = key.stats.clone()?;
    let length = key.ty.as_ref().map_or(-1, |t| t.length);
    let width = if length > 0 { f64::from(length) } else { f64::from(stats.avg_width) };
    let align = if matches!(length, 2 | 4 | 8) { width } else { 1.0 };
    Some(Yield { width, align, stats: Some(stats) })
}

fn columns_of<'a>(expr: &Expr, table: &'a Table) -> Vec<&'a Column> {
    fn walk<'a>(expr: &Expr, table: &'a Table, found: &mut Vec<&'a Column>) {
        if let Expr::Column(parts) = expr {
            let column = parts.last().and_then(|name| table.column_named(name));
            found.extend(column.filter(|c| !found.iter().any(|f| f.attnum == c.attnum)));
        }
        expr.for_each_child(&mut |child| walk(child, table, found));
    }
    let mut found = Vec::new();
    walk(expr, table, &mut found);
    found
}

/// Width by the type, where that is plain and of one length.
fn fixed_width(expr: &Expr) -> Option<f64> {
    let by_type = |name: &str| match name {
        "bool" => Some(1.0),
        "int2" => Some(2.0),
        "int4" | "date" | "float4" => Some(4.0),
        "int8" | "float8" | "timestamp" | "timestamptz" | "time" => Some(8.0),
        "uuid" => Some(16.0),
        _ => None,
    };
    match expr {
        Expr::Cast { to, .. } if !to.array => by_type(&to.name),
        Expr::Collate { expr, .. } => fixed_width(expr),
        Expr::Call(call) => match call.name.as_str() {
            "length" | "char_length" | "octet_length" | "jsonb_array_length" | "cardinality" | "date" => Some(4.0),
            "date_trunc" | "date_part" | "timezone" | "to_timestamp" => Some(8.0),
            _ => None,
        },
        Expr::IsNull { .. } | Expr::Not(_) | Expr::And(_) | Expr::Or(_) | Expr::BooleanTest { .. } => Some(1.0),
        _ => None,
    }
}

/// The statistics that ANALYZE would find, as far as they follow from the columns'.
fn distribution(expr: &Expr, columns: &[&Column], rows: f64) -> Option<ColumnStats> {
    match expr {
        Expr::Collate { expr, .. } => return distribution(expr, columns, rows),
        Expr::Cast { expr: inner, to } => {
            if to.name == "date" {
                return periods(columns, "day", rows);
            }
            return distribution(inner, columns, rows);
        }
        Expr::Call(call) => {
            if let Some(unit) = unit(call) {
                return periods(columns, &unit, rows);
            }
        }
        Expr::Operator { op, left: Some(left), right } if op == "->>" || op == "->" => {
            if let (Expr::Column(_), Expr::Literal(Literal::String(key)), [column]) = (&**left, uncast(right), columns)
            {
                return field(column, key, rows).or_else(|| combined(columns, rows));
            }
        }
        _ => {}
    }
    let mut stats = combined(columns, rows)?;
    if let Expr::Call(call) = expr {
        match call.name.as_str() {
            "md5" | "sha256" => stats.avg_width = 33,
            "to_char" => stats.avg_width = 11,
            _ => {}
        }
    }
    if let Some(most) = most_values(expr) {
        stats.n_distinct = stats.n_distinct.min(most);
        stats.mcv_freqs = Vec::new();
    }
    Some(stats)
}

/// How many values an expression of a narrow range has at most, roughly.
fn most_values(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Call(call) => match call.name.as_str() {
            "length" | "char_length" | "octet_length" | "cardinality" | "jsonb_array_length" => Some(20.0),
            "date_part" | "extract" => Some(31.0),
            "left" | "substr" | "substring" => Some(200.0),
            _ => None,
        },
        Expr::IsNull { .. } | Expr::Not(_) | Expr::And(_) | Expr::Or(_) | Expr::BooleanTest { .. } => Some(2.0),
        _ => None,
    }
}

fn uncast(expr: &Expr) -> &Expr {
    if let Expr::Cast { expr, .. } = expr { uncast(expr) } else { expr }
}

/// The unit that a call cuts a time to.
fn unit(call: &Call) -> Option<String> {
    match (call.name.as_str(), call.args.first().map(uncast)) {
        ("date", _) => Some("day".to_owned()),
        ("date_trunc", Some(Expr::Literal(Literal::String(unit)))) => Some(unit.clone()),
        _ => None,
    }
}

/// A function of one column has its values' frequencies; one of several, combinations at most.
fn combined(columns: &[&Column], rows: f64) -> Option<ColumnStats> {
    let first = columns.first()?.statistics()?;
    let mut stats = ColumnStats {
        null_frac: first.null_frac,
        avg_width: first.avg_width,
        n_distinct: first.distinct(rows)?,
        mcv_freqs: if columns.len() == 1 { first.mcv_freqs.clone() } else { Vec::new() },
        ..ColumnStats::default()
    };
    for column in columns.iter().skip(1) {
        let more = column.statistics()?;
        stats.n_distinct = (stats.n_distinct * more.distinct(rows)?).min(rows);
        stats.avg_width += more.avg_width;
        stats.null_frac = stats.null_frac.max(more.null_frac);
    }
    Some(stats)
}

/// Times cut to a unit: as many values as units lie between the histogram's ends.
fn periods(columns: &[&Column], unit: &str, rows: f64) -> Option<ColumnStats> {
    let mut stats = combined(columns, rows)?;
    stats.avg_width = 8;
    stats.mcv_freqs = Vec::new();
    let hours = match unit {
        "hour" => 1.0,
        "day" => 24.0,
        "week" => 168.0,
        "month" => 730.0,
        "quarter" => 2190.0,
        "year" => 8760.0,
        _ => return Some(stats),
    };
    let bounds = columns.first()?.statistics()?.histogram_bounds.as_ref()?;
    let day = |text: &String| text.get(..10)?.parse::<jiff::civil::Date>().ok();
    let (first, last) = (day(bounds.first()?)?, day(bounds.last()?)?);
    let days = f64::from((last - first).get_days()) + 1.0;
    stats.n_distinct = stats.n_distinct.min((days * 24.0 / hours).ceil()).max(1.0);
    Some(stats)
}

/// A field of jsonb documents, from those that the statistics hold. Distinct values by ANALYZE's own estimator
/// (`compute_scalar_stats`: Haas and Stokes).
fn field(column: &Column, key: &str, rows: f64) -> Option<ColumnStats> {
    let stats = column.statistics()?;
    let documents = stats.histogram_bounds.iter().chain(&stats.mcv_values).flatten();
    let mut seen: BTreeMap<String, f64> = BTreeMap::new();
    let (mut total, mut missing, mut bytes) = (0.0, 0.0, 0.0);
    for document in documents {
        total += 1.0;
        let value = serde_json::from_str::<serde_json::Value>(document).ok()?;
        match value.get(key) {
            None | Some(serde_json::Value::Null) => missing += 1.0,
            Some(value) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                bytes += text.len() as f64 + 1.0;
                *seen.entry(text).or_default() += 1.0;
            }
        }
    }
    let n = total - missing;
    if n < 20.0 {
        return None;
    }
    let once = seen.values().filter(|times| **times <= 1.0).count() as f64;
    let distinct = n * seen.len() as f64 / (n - once + once * n / rows).max(1e-9);
    let width: f64 = (bytes / n).round();
    Some(ColumnStats {
        null_frac: missing / total,
        avg_width: i32::try_from(super::to_bytes(width)).unwrap_or(i32::MAX),
        n_distinct: distinct.min(stats.distinct(rows).unwrap_or(rows)).max(1.0),
        ..ColumnStats::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whatif::fixture::{column, stats, table};

    #[test]
    fn a_function_of_a_column_has_its_distinct_values() {
        let mut email = column(1, "email", "text", -1);
        email.stats = Some(stats(-1.0, 21, 0.0));
        let mut t = table(1, "s", "t", vec![email]);
        t.reltuples = 1000.0;
        t.relpages = 10;
        let upper = of("upper(email)", &t);
        assert_eq!((upper.width, upper.stats.map(|s| s.n_distinct)), (21.0, Some(1000.0)));
        assert_eq!(of("length(email)", &t).width, 4.0);
    }
}
