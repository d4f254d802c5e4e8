//! Hash indexes: equality on values so wide that four bytes of hash are much smaller, or that no B-tree takes.

use crate::snapshot::{IndexMethod, IndexSpec, KeyTarget, Oid};
use crate::workload::Comparison;

use super::super::facts::Facts;
use super::access::{ADDS_NOTHING, key_target, plain_key, servable};
use super::{Access, Family, Proposal, selectivity};

/// Average width in bytes from which a hash index is the smaller one by far: below, a B-tree serves orders, ranges and
/// uniqueness as well for no more than twice the room. Twice what is assumed where nothing is known of a value.
const NARROWEST: f64 = 64.0;

/// One hash index for each wide key that the access compares by equality.
pub(super) fn proposals(facts: &Facts<'_>, access: &Access<'_>) -> Vec<Proposal> {
    let mut out: Vec<Proposal> = Vec::new();
    for predicate in &access.predicates {
        if predicate.comparison != Comparison::Eq || predicate.or_group.is_some() || !servable(predicate) {
            continue;
        }
        let Some(target) = key_target(&predicate.operand.target) else { continue };
        let share = selectivity::of_predicate(facts, access.table, predicate).unwrap_or(selectivity::DEFAULT_EQ);
        let wide = facts.width(access.table, &target) >= NARROWEST && hashable(facts, access.table, &target);
        if !wide || share >= ADDS_NOTHING {
            continue;
        }
        let spec = IndexSpec {
            table: access.table,
            method: IndexMethod::Hash,
            keys: vec![plain_key(target)],
            include: vec![],
            predicate: None,
            unique: false,
            pages_per_range: None,
        };
        if !out.iter().any(|p| p.spec == spec) {
            out.push(Proposal { spec, family: Family::Hash, equality_keys: 1, fraction: 1.0, parents: vec![] });
        }
    }
    out
}

/// Whether the type has a hash: of an expression it is for the server to say.
fn hashable(facts: &Facts<'_>, table: Oid, target: &KeyTarget) -> bool {
    let KeyTarget::Column(attnum) = target else { return true };
    let column = facts.table(table).and_then(|t| t.column(*attnum));
    column.is_some_and(|c| c.ty.default_opclasses.iter().any(|m| m == "hash"))
}
