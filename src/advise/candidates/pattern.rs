//! LIKE prefixes: a B-tree serves them only if it compares as C does (`match_pattern_prefix`).

use crate::snapshot::{KeySpec, KeyTarget, Oid};
use crate::workload::{Comparison, Value};

use super::super::facts::Facts;
use super::access::{key_target, plain_key, servable};
use super::{Access, Family, Proposal, btree_spec};

/// The key that serves a LIKE prefix on this target: plain where the collation is C's, else with the type's pattern
/// operator class.
pub(super) fn prefix_key(facts: &Facts<'_>, table: Oid, target: KeyTarget) -> KeySpec {
    let column = match &target {
        KeyTarget::Column(attnum) => facts.table(table).and_then(|t| t.column(*attnum)),
        KeyTarget::Expression(_) => None,
    };
    let opclass = match column {
        Some(column) if column.collation_is_c => None,
        Some(column) if column.ty.base == "bpchar" => Some("bpchar_pattern_ops"),
        Some(column) if column.ty.base == "varchar" => Some("varchar_pattern_ops"),
        // An expression over text may have any collation; the pattern class is right under every one.
        _ => Some("text_pattern_ops"),
    };
    KeySpec { opclass: opclass.map(str::to_owned), ..plain_key(target) }
}

/// Indexes for `LIKE $1`. The server cannot plan a prefix search without knowing the pattern, so no generic plan
/// shows a gain; with the pattern at hand, as in every custom plan, the prefix search is there. Judged by rule.
pub(super) fn proposals(facts: &Facts<'_>, access: &Access<'_>) -> Vec<Proposal> {
    access
        .predicates
        .iter()
        .filter(|p| p.comparison == Comparison::LikePrefix && matches!(p.value, Value::Parameter(_)))
        .filter(|p| p.or_group.is_none() && servable(p))
        .filter_map(|p| key_target(&p.operand.target))
        .map(|target| Proposal {
            spec: btree_spec(access.table, vec![prefix_key(facts, access.table, target)]),
            family: Family::PatternUnknown,
            equality_keys: 0,
            fraction: 1.0,
            parents: vec![],
        })
        .collect()
}
