//! The share of rows that a condition keeps, from statistics alone (selfuncs.c, clausesel.c).

use crate::snapshot::{ColumnStats, Table};
use crate::workload::{Comparison, Predicate, Target, Value};

/// `DEFAULT_EQ_SEL`.
const EQUALITY: f64 = 0.005;
/// `DEFAULT_INEQ_SEL`.
const INEQUALITY: f64 = 1.0 / 3.0;
/// `DEFAULT_RANGE_INEQ_SEL`: both ends of a range, neither known.
const RANGE: f64 = 0.005;
/// `DEFAULT_UNK_SEL`: IS NULL without statistics.
const UNKNOWN: f64 = 0.005;
/// `DEFAULT_MATCH_SEL`: a pattern that is not known; also `DEFAULT_CONTAIN_SEL` and `DEFAULT_TS_MATCH_SEL`.
const MATCH: f64 = 0.005;
/// `DEFAULT_MATCHING_SEL`: containment and similarity operators; also `DEFAULT_OVERLAP_SEL`.
const MATCHING: f64 = 0.01;
/// What `boolvarsel` and `restriction_selectivity` assume of a condition about which nothing is known.
const HALF: f64 = 0.5;
/// Elements that `estimate_array_length` assumes of an array it cannot see.
const ARRAY_ELEMENTS: f64 = 10.0;

/// A share of rows, with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The share, 0 to 1.
    pub share: f64,
    /// Whether statistics told it; otherwise it is one of PostgreSQL's defaults.
    pub known: bool,
}

impl Estimate {
    fn known(share: f64) -> Self {
        Self { share: share.clamp(0.0, 1.0), known: true }
    }

    fn default(share: f64) -> Self {
        Self { share, known: false }
    }

    /// Both conditions, taken as independent.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { share: self.share * other.share, known: self.known && other.known }
    }
}

/// The share of the table's rows that a condition keeps.
pub fn selectivity(predicate: &Predicate, table: &Table) -> Estimate {
    let stats = statistics(predicate, table);
    let nulls = stats.map_or(0.0, |s| s.null_frac);
    match &predicate.comparison {
        Comparison::Eq => equality(stats, table, &predicate.value),
        Comparison::NotEq => {
            let equal = equality(stats, table, &predicate.value);
            Estimate { share: (1.0 - nulls - equal.share).clamp(0.0, 1.0), known: equal.known }
        }
        Comparison::In(length) => {
            let one = equality(stats, table, &Value::List);
            let elements = length.map_or(ARRAY_ELEMENTS, |n| n as f64);
            Estimate { share: (elements * one.share).min(1.0 - nulls), known: one.known && length.is_some() }
        }
        Comparison::Less => inequality(stats, &predicate.value, true),
        Comparison::Greater => inequality(stats, &predicate.value, false),
        Comparison::Between => Estimate::default(RANGE),
        Comparison::IsNull => stats.map_or(Estimate::default(UNKNOWN), |s| Estimate::known(s.null_frac)),
        Comparison::IsNotNull => stats.map_or(Estimate::default(1.0 - UNKNOWN), |s| Estimate::known(1.0 - s.null_frac)),
        Comparison::IsTrue => boolean(stats, "t"),
        Comparison::IsFalse => boolean(stats, "f"),
        Comparison::LikePrefix | Comparison::LikeInfix { .. } | Comparison::TextSearch | Comparison::ArrayAny => {
            Estimate::default(MATCH)
        }
        Comparison::JsonContains
        | Comparison::JsonExists
        | Comparison::JsonPath
        | Comparison::ArrayOverlap
        | Comparison::Range
        | Comparison::Similar => Estimate::default(MATCHING),
        Comparison::Other(_) => Estimate::default(HALF),
    }
}

/// The share that all conditions together keep, taken as independent, but for two ends of one range
/// (`clauselist_selectivity`).
pub fn selectivity_of_all<'p>(predicates: impl IntoIterator<Item = &'p Predicate>, table: &Table) -> Estimate {
    let mut total = Estimate::known(1.0);
    let mut ends: Vec<(&Predicate, Estimate)> = Vec::new();
    for predicate in predicates {
        let own = selectivity(predicate, table);
        if !matches!(predicate.comparison, Comparison::Less | Comparison::Greater) {
            total = total.and(own);
            continue;
        }
        let other = ends
            .iter()
            .position(|(p, _)| p.operand.target == predicate.operand.target && p.comparison != predicate.comparison);
        let Some(other) = other else {
            ends.push((predicate, own));
            continue;
        };
        let (_, first) = ends.remove(other);
        let nulls = statistics(predicate, table).map_or(0.0, |s| s.null_frac);
        let both = first.share + own.share + nulls - 1.0;
        // Defaults on both sides, or ends that contradict each other as far as statistics see.
        total = total.and(if first.known && own.known && both > 0.0 {
            Estimate::known(both)
        } else {
            Estimate::default(RANGE)
        });
    }
    ends.into_iter().fold(total, |total, (_, own)| total.and(own))
}

/// Statistics of the column, or of an index expression that is the condition's (`examine_variable`).
fn statistics<'t>(predicate: &Predicate, table: &'t Table) -> Option<&'t ColumnStats> {
    match &predicate.operand.target {
        Target::Column(attnum) => table.column(*attnum)?.statistics(),
        Target::Expression { sql, .. } => {
            let mut keys = table.indexes.iter().flat_map(|index| &index.keys);
            keys.find(|key| key.expression.as_deref() == Some(sql))?.stats.as_ref()
        }
    }
}

/// `var_eq_const` for a literal whose value the statistics show, else `var_eq_non_const`.
fn equality(stats: Option<&ColumnStats>, table: &Table, value: &Value) -> Estimate {
    let Some(stats) = stats else { return Estimate::default(EQUALITY) };
    let rows = table.rows().unwrap_or(0.0);
    let Some(distinct) = stats.distinct(rows).map(|d| d.max(1.0)) else { return Estimate::default(EQUALITY) };
    let most_common = stats.mcv_freqs.iter().copied().fold(0.0, f64::max);
    if let Value::Literal(literal) = value
        && let Some(frequency) = frequency(stats, unquoted(literal))
    {
        return Estimate::known(frequency);
    }
    // A withheld value that a statement spells out would be known if it were among the most common.
    if let (Value::Literal(_), Some(values)) = (value, &stats.mcv_values) {
        let rest = 1.0 - stats.null_frac - stats.mcv_freqs.iter().sum::<f64>();
        let others = distinct - values.len() as f64;
        let share = if others > 1.0 { rest / others } else { rest };
        let least_common = stats.mcv_freqs.iter().copied().fold(1.0, f64::min);
        return Estimate::known(share.min(least_common));
    }
    let share = (1.0 - stats.null_frac) / distinct;
    // No value is more frequent than the most common one.
    Estimate::known(if most_common > 0.0 { share.min(most_common) } else { share })
}

/// `scalarineqsel`: the most common values that satisfy the condition, and the part of the histogram that does.
fn inequality(stats: Option<&ColumnStats>, value: &Value, less: bool) -> Estimate {
    let known = || {
        let stats = stats?;
        let Value::Literal(literal) = value else { return None };
        let bounds = stats.histogram_bounds.as_ref()?;
        let literal = unquoted(literal);
        let below = |text: &str| order(text, literal).map(std::cmp::Ordering::is_lt);
        let mut common = 0.0;
        for (value, freq) in stats.mcv_values.iter().flatten().zip(&stats.mcv_freqs) {
            if below(value)? == less {
                common += freq;
            }
        }
        let mut smaller = 0_usize;
        for bound in bounds {
            smaller += usize::from(below(bound)?);
        }
        let buckets = bounds.len().checked_sub(1).filter(|b| *b > 0)? as f64;
        // Half of the bucket that the value falls into.
        let part = ((smaller as f64 - 0.5) / buckets).clamp(0.0, 1.0);
        let rest = (1.0 - stats.null_frac - stats.mcv_freqs.iter().sum::<f64>()).max(0.0);
        Some(common + rest * if less { part } else { 1.0 - part })
    };
    known().map_or(Estimate::default(INEQUALITY), Estimate::known)
}

/// `boolvarsel`: from the frequency of either value, the other is what is neither that nor NULL.
fn boolean(stats: Option<&ColumnStats>, value: &str) -> Estimate {
    let Some(stats) = stats else { return Estimate::default(HALF) };
    let other = if value == "t" { "f" } else { "t" };
    let own = frequency(stats, value);
    let rest = || frequency(stats, other).map(|f| 1.0 - stats.null_frac - f);
    own.or_else(rest).map_or(Estimate::default(HALF), Estimate::known)
}

/// The frequency of a value among the most common ones, as far as the snapshot shows them: also of withheld ones whose
/// text a statement spells out.
fn frequency(stats: &ColumnStats, value: &str) -> Option<f64> {
    let shown = stats.mcv_values.as_ref().and_then(|values| values.iter().position(|v| v == value));
    let known = || stats.withheld.as_ref()?.known.iter().find(|k| k.value == value).map(|k| k.position);
    stats.mcv_freqs.get(shown.or_else(known)?).copied()
}

/// Compares two values as text shows them: numbers as numbers, dates and timestamps (ISO) as text; `None` for others,
/// whose order is the collation's.
fn order(a: &str, b: &str) -> Option<std::cmp::Ordering> {
    if let (Ok(a), Ok(b)) = (a.parse::<f64>(), b.parse::<f64>()) {
        return a.partial_cmp(&b);
    }
    let is_date = |text: &str| {
        let bytes = text.as_bytes();
        bytes.len() >= 10 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-' && bytes[7] == b'-'
    };
    (is_date(a) && is_date(b)).then(|| a.cmp(b))
}

/// The text of a literal: without its quotes and cast.
fn unquoted(literal: &str) -> &str {
    let text = literal.split("::").next().unwrap_or(literal).trim();
    match text {
        "true" => "t",
        "false" => "f",
        _ => text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).unwrap_or(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whatif::fixture::{column, predicate, stats, table};

    fn people() -> Table {
        let mut age = column(1, "age", "int4", 4);
        let mut own = stats(100.0, 4, 0.1);
        own.mcv_freqs = vec![0.2, 0.1];
        own.mcv_values = Some(vec!["30".to_owned(), "40".to_owned()]);
        own.histogram_bounds = Some(vec!["0".into(), "10".into(), "20".into(), "35".into(), "90".into()]);
        own.histogram_len = 5;
        age.stats = Some(own);
        let mut t = table(1, "s", "people", vec![age, column(2, "name", "text", -1)]);
        t.reltuples = 10_000.0;
        t
    }

    fn share(comparison: Comparison, value: Value) -> f64 {
        selectivity(&predicate(1, comparison, value), &people()).share
    }

    #[test]
    fn literals_find_their_frequency_and_parameters_an_average() {
        assert_eq!(share(Comparison::Eq, Value::Literal("30".into())), 0.2);
        assert!((share(Comparison::Eq, Value::Parameter(1)) - 0.009).abs() < 1e-12);
        assert!((share(Comparison::Eq, Value::Literal("7".into())) - 0.6 / 98.0).abs() < 1e-12);
        assert_eq!(share(Comparison::IsNull, Value::None), 0.1);
    }

    #[test]
    fn ranges_read_the_histogram_where_there_are_values() {
        assert!((share(Comparison::Less, Value::Literal("15".into())) - 0.6 * 0.375).abs() < 1e-12);
        assert_eq!(share(Comparison::Less, Value::Parameter(1)), INEQUALITY);
        let t = people();
        let ends = [
            predicate(1, Comparison::Less, Value::Parameter(1)),
            predicate(1, Comparison::Greater, Value::Parameter(2)),
        ];
        assert_eq!(selectivity_of_all(&ends, &t), Estimate::default(RANGE));
    }

    #[test]
    fn a_column_without_statistics_gets_the_defaults() {
        let t = people();
        let estimate = selectivity(&predicate(2, Comparison::Eq, Value::Parameter(1)), &t);
        assert_eq!(estimate, Estimate::default(EQUALITY));
    }
}
