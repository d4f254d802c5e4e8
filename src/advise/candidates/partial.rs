//! Partial indexes: where a condition made of literals alone leaves a small part of the table.

use crate::snapshot::{KeySpec, KeyTarget};
use crate::workload::{Comparison, Predicate, Target};

use super::super::facts::Facts;
use super::access::{key_target, plain_key};
use super::{Access, Family, Proposal, btree_spec, selectivity};

/// Largest share of the table that a partial index may cover: beyond it, the smaller size is not worth an index that
/// serves only the queries that repeat its condition.
const LARGEST_SHARE: f64 = 0.3;

/// Partial variants: for the access's most selective literal condition, every plain proposal without that column, and
/// an index on the order (or the primary key) alone.
///
/// Only conditions that stand in the text as literals qualify: a parameter implies no predicate, neither for a generic
/// plan nor in `predicate_implied_by`.
pub(super) fn proposals(facts: &Facts<'_>, access: &Access<'_>, plain: &[Proposal]) -> Vec<Proposal> {
    let Some((condition, predicate, fraction)) = best_condition(facts, access) else { return vec![] };
    let own = key_target(&condition.operand.target);
    let mut out: Vec<Proposal> = Vec::new();
    let mut push = |keys: Vec<KeySpec>, equality_keys: usize| {
        if keys.is_empty() {
            return;
        }
        let mut spec = btree_spec(access.table, keys);
        spec.predicate = Some(predicate.clone());
        let equality_keys = equality_keys.min(spec.keys.len());
        if !out.iter().any(|p| p.spec == spec) {
            out.push(Proposal { spec, family: Family::Partial, equality_keys, fraction });
        }
    };
    if !access.order.is_empty() && access.order_alone_is_safe(own.as_ref()) {
        push(access.order.iter().take(facts.options.max_columns).cloned().collect(), 0);
    }
    for proposal in plain {
        let mut equality_keys = 0;
        let mut keys = Vec::new();
        for (position, key) in proposal.spec.keys.iter().enumerate() {
            if Some(&key.target) == own.as_ref() && fixes_value(&condition.comparison) {
                continue;
            }
            equality_keys += usize::from(position < proposal.equality_keys);
            keys.push(key.clone());
        }
        push(keys, equality_keys);
    }
    if out.is_empty() {
        let key = primary_key(facts, access).or(own).map(plain_key);
        let mut spec = btree_spec(access.table, key.into_iter().collect());
        spec.predicate = Some(predicate);
        if !spec.keys.is_empty() {
            out.push(Proposal { spec, family: Family::Partial, equality_keys: 0, fraction });
        }
    }
    out
}

/// The literal condition that leaves the fewest rows, as a predicate, with the share it leaves.
fn best_condition<'a>(facts: &Facts<'_>, access: &Access<'a>) -> Option<(&'a Predicate, String, f64)> {
    access
        .predicates
        .iter()
        .filter(|p| p.or_group.is_none() && matches!(p.operand.target, Target::Column(_)))
        .filter_map(|p| {
            let share = selectivity::of_predicate(facts, access.table, p)?;
            let sql = p.as_index_predicate.clone()?;
            (share <= LARGEST_SHARE).then_some((*p, sql, share))
        })
        .min_by(|a, b| a.2.total_cmp(&b.2).then_with(|| a.1.cmp(&b.1)))
}

/// Whether the condition leaves one value, so that its column as a key would tell nothing apart.
fn fixes_value(comparison: &Comparison) -> bool {
    matches!(comparison, Comparison::Eq | Comparison::IsNull | Comparison::IsTrue | Comparison::IsFalse)
}

fn primary_key(facts: &Facts<'_>, access: &Access<'_>) -> Option<KeyTarget> {
    let primary = facts.table(access.table)?.indexes.iter().find(|i| i.primary)?;
    primary.keys.first()?.column.map(KeyTarget::Column)
}
