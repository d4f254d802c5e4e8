//! Shares of rows, as far as statistics tell without a planner: enough to order keys and to spot useless ones.

use crate::snapshot::{ColumnStats, KeyTarget, Oid};
use crate::workload::{Comparison, Predicate, Target, Value};

use super::super::facts::Facts;
use super::access::key_target;
use super::{Access, Family, Proposal, TurnedBy};

/// Share assumed for an equality without statistics (`DEFAULT_EQ_SEL`).
pub(super) const DEFAULT_EQ: f64 = 0.005;
/// Share of the rows above which an index on equality keys alone is useless: reading that many scattered rows costs
/// more than reading the table.
const USELESS_SHARE: f64 = 0.1;
/// Elements assumed for an IN list of unknown length (`estimate_array_length` assumes 10; drivers mostly send fewer).
const IN_ELEMENTS: f64 = 10.0;

/// The share of the table's rows that a condition leaves; `None` where statistics do not tell.
pub(super) fn of_predicate(facts: &Facts<'_>, table: Oid, predicate: &Predicate) -> Option<f64> {
    let Target::Column(attnum) = predicate.operand.target else { return None };
    let stats = facts.stats(table, attnum)?;
    let rows = facts.rows(table)?;
    match &predicate.comparison {
        Comparison::Eq => equality(stats, rows, &predicate.value),
        Comparison::In(length) => {
            let elements = length.map_or(IN_ELEMENTS, |n| n as f64);
            Some((elements * equality(stats, rows, &Value::List)?).min(1.0 - stats.null_frac))
        }
        Comparison::IsNull => Some(stats.null_frac),
        Comparison::IsNotNull => Some(1.0 - stats.null_frac),
        Comparison::IsTrue => frequency(stats, "t"),
        Comparison::IsFalse => frequency(stats, "f"),
        Comparison::NotEq => Some(1.0 - stats.null_frac - equality(stats, rows, &predicate.value)?),
        _ => None,
    }
}

/// `var_eq_const` where the literal is among the most common values and known, `var_eq_non_const` otherwise.
fn equality(stats: &ColumnStats, rows: f64, value: &Value) -> Option<f64> {
    if let Value::Literal(literal) = value
        && let Some(frequency) = frequency(stats, unquoted(literal))
    {
        return Some(frequency);
    }
    let distinct = stats.distinct(rows)?;
    Some((1.0 - stats.null_frac) / distinct.max(1.0))
}

/// The frequency of a value among the most common ones.
fn frequency(stats: &ColumnStats, value: &str) -> Option<f64> {
    let values = stats.mcv_values.as_ref()?;
    match values.iter().position(|v| v == value) {
        Some(at) => stats.mcv_freqs.get(at).copied(),
        // ANALYZE saw every value and this one was not among them.
        None if stats.histogram_len == 0 && !values.is_empty() => Some(0.0),
        None => None,
    }
}

/// The text of a simple literal: without quotes and without a cast.
fn unquoted(literal: &str) -> &str {
    let text = literal.split("::").next().unwrap_or(literal).trim();
    match text {
        "true" => "t",
        "false" => "f",
        _ => text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).unwrap_or(text),
    }
}

/// Whether a plain B-tree is useless because its keys, all of them compared by equality, tell too few rows apart.
pub(super) fn low_cardinality(facts: &Facts<'_>, access: &Access<'_>, proposal: &Proposal) -> Option<TurnedBy> {
    let keys = &proposal.spec.keys;
    if proposal.family != Family::Btree || proposal.equality_keys < keys.len() {
        return None;
    }
    let mut selectivity = 1.0;
    let mut distinct = Some(1.0);
    for key in keys {
        // A join's key is compared with many values in turn.
        let equal = access.equal.iter().find(|e| e.target == key.target)?;
        selectivity *= equal.selectivity;
        let own = match key.target {
            KeyTarget::Column(attnum) => facts.distinct(access.table, attnum),
            KeyTarget::Expression(_) => None,
        };
        distinct = distinct.zip(own).map(|(a, b)| a * b);
    }
    let null_test = keys.iter().all(|k| {
        access
            .predicates
            .iter()
            .any(|p| p.comparison == Comparison::IsNull && key_target(&p.operand.target).as_ref() == Some(&k.target))
    });
    (selectivity > USELESS_SHARE).then_some(TurnedBy::LowCardinality { distinct, selectivity, null_test })
}
