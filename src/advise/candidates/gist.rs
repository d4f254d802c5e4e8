//! GiST candidates: ranges, geometry, and nearest neighbours.

use crate::snapshot::{IndexMethod, IndexSpec, KeyTarget, Oid};
use crate::workload::Comparison;

use super::super::facts::Facts;
use super::access::{key_target, plain_key, servable};
use super::{Access, Family, Proposal};

/// GiST indexes for one access: overlap and containment of ranges or shapes, and ORDER BY distance.
pub(super) fn proposals(facts: &Facts<'_>, access: &Access<'_>) -> Vec<Proposal> {
    let conditions = access
        .predicates
        .iter()
        .filter(|p| p.comparison == Comparison::Range && p.or_group.is_none() && servable(p))
        .map(|p| &p.operand.target);
    let distances = access.distance.iter().map(|k| &k.operand.target);
    let mut out: Vec<Proposal> = Vec::new();
    for target in conditions.chain(distances).filter_map(key_target) {
        if !has_default_opclass(facts, access.table, &target) {
            continue;
        }
        let spec = IndexSpec {
            table: access.table,
            method: IndexMethod::Gist,
            keys: vec![plain_key(target)],
            include: vec![],
            predicate: None,
            unique: false,
        };
        if !out.iter().any(|p| p.spec == spec) {
            out.push(Proposal { spec, family: Family::Gist, equality_keys: 0, fraction: 1.0 });
        }
    }
    out
}

fn has_default_opclass(facts: &Facts<'_>, table: Oid, target: &KeyTarget) -> bool {
    match target {
        KeyTarget::Column(attnum) => facts
            .table(table)
            .and_then(|t| t.column(*attnum))
            .is_some_and(|c| c.ty.default_opclasses.iter().any(|m| m == "gist")),
        // The type of an expression is not known here.
        KeyTarget::Expression(_) => false,
    }
}
