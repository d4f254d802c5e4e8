//! Index expressions: width and distinct values of what they yield, from the columns that they are made of.
//!
//! An expression has statistics once an index on it was analysed; before, what ANALYZE would find is guessed.

use std::collections::BTreeMap;

use super::jsonb;
use super::stored::{self, DEFAULT_WIDTH, Width};
use crate::snapshot::{Column, ColumnStats, Table};
use crate::sql::ast::{Call, Expr, Literal};
use crate::sql::canonical::{canonical_expr, parse_expr};

/// Bytes of a value, its alignment, and what statistics of it would be.
pub(super) struct Yield {
    /// Mean bytes.
    pub(super) width: f64,
    /// Whether every value takes as many.
    pub(super) fixed: bool,
    /// Bytes of the values, where more than their mean is known.
    pub(super) lengths: Option<Vec<Width>>,
    /// Alignment in bytes.
    pub(super) align: u32,
    pub(super) stats: Option<ColumnStats>,
}

/// What an expression yields.
pub(super) fn of(sql: &str, table: &Table) -> Yield {
    if let Some(known) = analysed(sql, table) {
        return known;
    }
    let unknown = Yield { width: DEFAULT_WIDTH, fixed: false, lengths: None, align: 1, stats: None };
    let Some(expr) = parse_expr(sql) else { return unknown };
    let rows = table.rows().unwrap_or(0.0).max(1.0);
    let columns = columns_of(&expr, table);
    let (mut stats, lengths) = distribution(&expr, &columns, rows);
    if let Some(stats) = &mut stats {
        stats.correlation = None;
    }
    if let Some((width, _)) = range(&expr) {
        return Yield { width, fixed: true, stats, ..unknown };
    }
    if let Some(width) = fixed_width(&expr) {
        return Yield { width, fixed: true, align: alignment(width), stats, lengths: None };
    }
    let width = stats.as_ref().map_or(DEFAULT_WIDTH, |s| f64::from(s.avg_width));
    Yield { width, lengths, stats, ..unknown }
}

fn alignment(width: f64) -> u32 {
    [8_u32, 4, 2].into_iter().find(|align| (f64::from(*align) - width).abs() < 0.5).unwrap_or(1)
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
    let align = if length > 0 { alignment(width) } else { 1 };
    let lengths = key.ty.as_ref().and_then(|ty| stored::lengths_of(&ty.base, &stats));
    Some(Yield { width, fixed: length > 0, align, lengths, stats: Some(stats) })
}

/// Bytes of the ranges that a constructor makes, and whether they are of times; `None` where it is none.
pub(super) fn fixed_range_bytes(sql: &str) -> Option<(f64, bool)> {
    range(&parse_expr(sql)?)
}

/// See [`fixed_range_bytes`]. A short header, the type's oid, two bounds, flags (`range_serialize`).
fn range(expr: &Expr) -> Option<(f64, bool)> {
    let Expr::Call(call) = expr else { return None };
    match call.name.as_str() {
        "tstzrange" | "tsrange" => Some((22.0, true)),
        "daterange" => Some((14.0, true)),
        "int4range" => Some((14.0, false)),
        "int8range" => Some((22.0, false)),
        _ => None,
    }
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

/// The statistics that ANALYZE would find, as far as they follow from the columns', and the lengths of the values.
fn distribution(expr: &Expr, columns: &[&Column], rows: f64) -> (Option<ColumnStats>, Option<Vec<Width>>) {
    match expr {
        Expr::Collate { expr, .. } => return distribution(expr, columns, rows),
        Expr::Cast { expr: inner, to } => {
            if to.name == "date" {
                return (periods(columns, "day", rows), None);
            }
            return distribution(inner, columns, rows);
        }
        Expr::Call(call) => {
            if let Some(unit) = unit(call) {
                return (periods(columns, &unit, rows), None);
            }
        }
        Expr::Operator { op, left: Some(left), right } if op == "->>" || op == "->" => {
            if let (Expr::Column(_), Expr::Literal(Literal::String(key)), [column]) = (&**left, uncast(right), columns)
                && let Some((stats, lengths)) = field(column, key, rows)
            {
                return (Some(stats), Some(lengths));
            }
        }
        _ => {}
    }
    let Some(mut stats) = combined(columns, rows) else { return (None, None) };
    let mut lengths = None;
    if let Expr::Call(call) = expr {
        match call.name.as_str() {
            "md5" | "sha256" => (stats.avg_width, lengths) = (33, Some(stored::fixed(33.0))),
            "to_char" => stats.avg_width = 11,
            // As long as what they are given.
            "lower" | "upper" | "initcap" | "reverse" | "translate" => {
                if let [column] = columns
                    && let Some(known) = column.statistics()
                {
                    lengths = stored::lengths_of(&column.ty.base, known);
                }
            }
            _ => {}
        }
    }
    if let Some(most) = most_values(expr) {
        stats.n_distinct = stats.n_distinct.min(most);
        stats.mcv_freqs = Vec::new();
    }
    (Some(stats), lengths)
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

/// A field of jsonb documents, from those that the statistics hold.
fn field(column: &Column, key: &str, rows: f64) -> Option<(ColumnStats, Vec<Width>)> {
    const FEWEST: f64 = 20.0;
    let stats = column.statistics()?;
    let documents = jsonb::documents(stats)?;
    let (mut total, mut present) = (0.0, 0.0);
    let mut seen = jsonb::Class::default();
    let mut widths: BTreeMap<u32, f64> = BTreeMap::new();
    for (document, share) in &documents {
        total += share;
        let Some(value) = document.get(key).filter(|value| !value.is_null()) else { continue };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        present += share;
        *widths.entry(stored::varlena(text.len())).or_default() += share;
        seen.add(text, *share, value.as_i64());
    }
    if documents.len() as f64 * present / total < FEWEST {
        return None;
    }
    let sorted_by = jsonb::leading_path(documents.iter().map(|(document, _)| document));
    let leads = sorted_by.is_some_and(|path| path == format!("/{key}"));
    let items = rows * (1.0 - stats.null_frac) * present / total;
    let distinct = seen.distinct(items, leads);
    let widths: Vec<Width> = widths.into_iter().map(|(bytes, share)| Width { bytes, share: share / present }).collect();
    let found = ColumnStats {
        null_frac: 1.0 - items / rows,
        avg_width: i32::try_from(super::to_bytes(stored::mean(&widths))).unwrap_or(i32::MAX),
        n_distinct: distinct.min(stats.distinct(rows).unwrap_or(rows)).max(1.0),
        ..ColumnStats::default()
    };
    Some((found, widths))
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
