//! Partial indexes: where a condition made of literals alone leaves a small part of the table.

use crate::snapshot::{KeySpec, KeyTarget};
use crate::workload::{Comparison, Predicate, Target};

use super::super::facts::Facts;
use super::access::{key_target, plain_key};
use super::{Access, Family, Proposal, btree_spec, selectivity};

/// Largest share of the table that a partial index may cover: beyond it, the smaller size is not worth an index that
/// serves only the queries that repeat its condition.
const LARGEST_SHARE: f64 = 0.5;
/// Conditions of one access that are tried by themselves, the most selective first.
const MOST_CONDITIONS: usize = 2;
/// A conjunction must leave this share of what its most selective part leaves.
const NARROWS: f64 = 0.5;
/// Plain proposals of one access that get a partial variant: the rest are fallbacks of the same idea.
const MOST_VARIANTS: usize = 6;

/// What a partial index covers.
struct Condition<'a> {
    /// The predicates that it answers.
    parts: Vec<&'a Predicate>,
    sql: String,
    share: f64,
}

impl Condition<'_> {
    /// Whether the condition leaves one value of the key, so that its column as a key would tell nothing apart.
    fn fixes(&self, target: &KeyTarget) -> bool {
        self.parts.iter().any(|p| fixes_value(&p.comparison) && key_target(&p.operand.target).as_ref() == Some(target))
    }

    fn names(&self, target: &KeyTarget) -> bool {
        self.parts.iter().any(|p| key_target(&p.operand.target).as_ref() == Some(target))
    }
}

/// Partial variants: for the access's most selective literal conditions, and their conjunction, every plain proposal
/// without their columns, and an index on the order (or the primary key) alone.
///
/// Only conditions that stand in the text as literals qualify: a parameter implies no predicate, neither for a generic
/// plan nor in `predicate_implied_by`. How much they leave is read from the most common values, the share of NULLs and
/// the histogram.
pub(super) fn proposals(facts: &Facts<'_>, access: &Access<'_>, plain: &[Proposal]) -> Vec<Proposal> {
    let mut out: Vec<Proposal> = Vec::new();
    for condition in conditions(facts, access) {
        of_condition(facts, access, plain, &condition, &mut out);
    }
    out
}

fn of_condition(
    facts: &Facts<'_>,
    access: &Access<'_>,
    plain: &[Proposal],
    condition: &Condition<'_>,
    out: &mut Vec<Proposal>,
) {
    let before = out.len();
    let mut push = |keys: Vec<KeySpec>, equality_keys: usize| {
        if keys.is_empty() {
            return;
        }
        let mut spec = btree_spec(access.table, keys);
        spec.predicate = Some(condition.sql.clone());
        let equality_keys = equality_keys.min(spec.keys.len());
        if !out.iter().any(|p| p.spec == spec) {
            let fraction = condition.share;
            out.push(Proposal { spec, family: Family::Partial, equality_keys, fraction, parents: vec![] });
        }
    };
    if !access.order.is_empty() && access.order_alone_is_safe(|target| condition.names(target)) {
        push(access.order.iter().take(facts.options.max_columns).cloned().collect(), 0);
    }
    for proposal in plain.iter().take(MOST_VARIANTS) {
        let mut equality_keys = 0;
        let mut keys = Vec::new();
        for (position, key) in proposal.spec.keys.iter().enumerate() {
            if condition.fixes(&key.target) {
                continue;
            }
            equality_keys += usize::from(position < proposal.equality_keys);
            keys.push(key.clone());
        }
        push(keys, equality_keys);
    }
    if out.len() == before {
        let own = condition.parts.first().and_then(|p| key_target(&p.operand.target));
        let key = primary_key(facts, access).or(own).map(plain_key);
        let mut spec = btree_spec(access.table, key.into_iter().collect());
        spec.predicate = Some(condition.sql.clone());
        if !spec.keys.is_empty() && !out.iter().any(|p| p.spec == spec) {
            let fraction = condition.share;
            out.push(Proposal { spec, family: Family::Partial, equality_keys: 0, fraction, parents: vec![] });
        }
    }
}

/// The literal conditions that leave the fewest rows, each by itself, and all of them together where that leaves much
/// less.
fn conditions<'a>(facts: &Facts<'_>, access: &Access<'a>) -> Vec<Condition<'a>> {
    let mut single: Vec<Condition<'a>> = access
        .predicates
        .iter()
        .filter(|p| p.or_group.is_none() && matches!(p.operand.target, Target::Column(_)))
        .filter_map(|p| {
            let share = selectivity::of_predicate(facts, access.table, p)?;
            let sql = p.as_index_predicate.clone()?;
            (share <= LARGEST_SHARE).then(|| Condition { parts: vec![*p], sql, share })
        })
        .collect();
    single.sort_by(|a, b| a.share.total_cmp(&b.share).then_with(|| a.sql.cmp(&b.sql)));
    single.dedup_by(|a, b| a.sql == b.sql);
    // A span of time that a query names today is another one tomorrow: no predicate of an index.
    single.retain(|c| c.parts.iter().all(|p| !(bounds(&p.comparison) && is_time(facts, access, p))));
    single.truncate(MOST_CONDITIONS);
    if let [first, second] = single.as_slice() {
        let share = first.share * second.share;
        if share < NARROWS * first.share {
            let mut texts = [first.sql.as_str(), second.sql.as_str()];
            texts.sort_unstable();
            let sql = format!("({}) AND ({})", texts[0], texts[1]);
            let parts = first.parts.iter().chain(&second.parts).copied().collect();
            single.push(Condition { parts, sql, share });
        }
    }
    single
}

fn is_time(facts: &Facts<'_>, access: &Access<'_>, predicate: &Predicate) -> bool {
    let Target::Column(attnum) = predicate.operand.target else { return false };
    facts.table(access.table).and_then(|t| t.column(attnum)).is_some_and(|c| c.ty.category == "D")
}

fn bounds(comparison: &Comparison) -> bool {
    matches!(comparison, Comparison::Less | Comparison::Greater | Comparison::Between)
}

fn fixes_value(comparison: &Comparison) -> bool {
    matches!(comparison, Comparison::Eq | Comparison::IsNull | Comparison::IsTrue | Comparison::IsFalse)
}

fn primary_key(facts: &Facts<'_>, access: &Access<'_>) -> Option<KeyTarget> {
    let primary = facts.table(access.table)?.indexes.iter().find(|i| i.primary)?;
    primary.keys.first()?.column.map(KeyTarget::Column)
}
