//! GiST and SP-GiST candidates: ranges, geometry, addresses, and nearest neighbours.

use std::collections::BTreeSet;

use crate::snapshot::{IndexMethod, IndexSpec, KeySpec, KeyTarget, Oid};
use crate::workload::Comparison;

use super::super::facts::Facts;
use super::access::{key_target, plain_key, servable};
use super::gin::{TRIGRAM_EXTENSION, extension_opclass};
use super::{Access, Family, Proposal};

/// The operator class that orders text by similarity.
const TRIGRAM_OPCLASS: &str = "gist_trgm_ops";
/// The class for addresses: no default, because the B-tree's was there first.
const ADDRESS_OPCLASS: &str = "inet_ops";

/// Indexes for one access: overlap and containment of ranges, shapes and addresses, and ORDER BY distance.
pub(super) fn proposals(facts: &Facts<'_>, access: &Access<'_>) -> Vec<Proposal> {
    let conditions = access
        .predicates
        .iter()
        .filter(|p| searches(&p.comparison) && p.or_group.is_none() && servable(p))
        .map(|p| (&p.operand.target, false));
    let distances = access.distance.iter().map(|k| (&k.operand.target, true));
    let mut seen: BTreeSet<IndexSpec> = BTreeSet::new();
    let mut out: Vec<Proposal> = Vec::new();
    for (target, distance) in conditions.chain(distances) {
        let Some(target) = key_target(target) else { continue };
        for (method, opclass) in classes(facts, access.table, &target, distance) {
            let spec = IndexSpec {
                table: access.table,
                method,
                keys: vec![KeySpec { opclass, ..plain_key(target.clone()) }],
                include: vec![],
                predicate: None,
                unique: false,
                pages_per_range: None,
            };
            if seen.insert(spec.clone()) {
                out.push(Proposal { spec, family: Family::Gist, equality_keys: 0, fraction: 1.0, parents: vec![] });
            }
        }
    }
    out
}

/// Whether such a tree may serve the comparison. `<<=` and `>>=` are containment of addresses, `~` of label trees.
fn searches(comparison: &Comparison) -> bool {
    match comparison {
        Comparison::Range => true,
        Comparison::Other(op) => matches!(op.as_str(), "<<=" | ">>=" | "@" | "?"),
        _ => false,
    }
}

/// The methods, with the operator class where it is not the default, that may serve the column. The planner says which
/// of them it would take.
fn classes(facts: &Facts<'_>, table: Oid, target: &KeyTarget, distance: bool) -> Vec<(IndexMethod, Option<String>)> {
    // The type of an expression is not known here.
    let KeyTarget::Column(attnum) = target else { return vec![] };
    let Some(column) = facts.table(table).and_then(|t| t.column(*attnum)) else { return vec![] };
    let default = |method: &str| column.ty.default_opclasses.iter().any(|m| m == method);
    let mut classes = Vec::new();
    if default("gist") {
        classes.push((IndexMethod::Gist, None));
    }
    match column.ty.base.as_str() {
        "text" | "varchar" | "bpchar" if distance => {
            classes.push((IndexMethod::Gist, Some(extension_opclass(facts, TRIGRAM_EXTENSION, TRIGRAM_OPCLASS))));
        }
        "text" | "varchar" | "bpchar" => {}
        "inet" | "cidr" if !distance => {
            classes.push((IndexMethod::Gist, Some(ADDRESS_OPCLASS.to_owned())));
            classes.push((IndexMethod::Spgist, None));
        }
        _ if default("spgist") => classes.push((IndexMethod::Spgist, None)),
        _ => {}
    }
    classes
}
