//! Shares of rows, as far as statistics tell without a planner: enough to order keys and to spot useless ones.

use crate::snapshot::{KeyTarget, Oid};
use crate::whatif::rule;
use crate::workload::{Comparison, Predicate};

use super::super::facts::Facts;
use super::access::key_target;
use super::{Access, Family, Proposal, TurnedBy};

/// Share assumed for an equality without statistics (`DEFAULT_EQ_SEL`).
pub(super) const DEFAULT_EQ: f64 = 0.005;
/// Share of the rows above which an index on equality keys alone is useless: reading that many scattered rows costs
/// more than reading the table.
const USELESS_SHARE: f64 = 0.1;

/// The share of the table's rows that a condition leaves; `None` where statistics do not tell.
pub(super) fn of_predicate(facts: &Facts<'_>, table: Oid, predicate: &Predicate) -> Option<f64> {
    let estimate = rule::selectivity(predicate, facts.table(table)?);
    // A list of unknown length is estimated from what is known of one value.
    let list = predicate.comparison == Comparison::In(None)
        && key_target(&predicate.operand.target).is_some_and(|t| facts.key_stats(table, &t).is_some());
    (estimate.known || list).then_some(estimate.share)
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
