//! INCLUDE columns, where they turn an index scan into an index-only scan and stay narrow.

use std::collections::BTreeSet;

use crate::snapshot::{AttrNumber, KeyTarget};

use super::super::facts::{Facts, mentions};
use super::{Access, Family, Proposal};

/// Most columns worth carrying along.
const MOST_COLUMNS: usize = 4;
/// Most bytes worth carrying along per row.
const MOST_BYTES: f64 = 48.0;
/// Of an access's plain proposals, so many get a covering variant: the rest are fallbacks of the same idea.
const MOST_VARIANTS: usize = 8;

/// Covering variants of the proposals, where the access needs no more than a few narrow columns.
///
/// An index-only scan needs visible pages; the planner weighs `relallvisible` when it costs the variant. Columns that
/// are updated are left to the write cost, which counts INCLUDE columns like keys: both end HOT updates.
pub(super) fn proposals(facts: &Facts<'_>, access: &Access<'_>, plain: &[Proposal]) -> Vec<Proposal> {
    let Some(needed) = &access.covering else { return vec![] };
    let mut out = Vec::new();
    for proposal in plain.iter().take(MOST_VARIANTS) {
        let keys: BTreeSet<AttrNumber> = proposal
            .spec
            .keys
            .iter()
            .filter_map(|k| match k.target {
                KeyTarget::Column(attnum) => Some(attnum),
                KeyTarget::Expression(_) => None,
            })
            .collect();
        // check_index_only does not see through expressions: their columns must be there as such.
        let include: Vec<AttrNumber> =
            needed.iter().filter(|c| !keys.contains(c) && !implied(facts, access, proposal, **c)).copied().collect();
        if include.is_empty() || include.len() > MOST_COLUMNS {
            continue;
        }
        let bytes: f64 = include.iter().map(|c| facts.width(access.table, &KeyTarget::Column(*c))).sum();
        if bytes > MOST_BYTES {
            continue;
        }
        let mut spec = proposal.spec.clone();
        spec.include = include;
        out.push(Proposal { spec, family: Family::Include, ..proposal.clone() });
    }
    out
}

/// Whether the access needs the column for nothing but the condition that the index's predicate already implies
/// (`check_index_only` ignores such clauses). Only safe where nothing else mentions the column.
fn implied(facts: &Facts<'_>, access: &Access<'_>, proposal: &Proposal, column: AttrNumber) -> bool {
    let Some(predicate) = &proposal.spec.predicate else { return false };
    let Some(name) = facts.table(access.table).and_then(|t| t.column(column)).map(|c| &c.name) else { return false };
    let conditions = access.predicates.iter().filter(|p| p.operand.columns().contains(&column));
    let elsewhere =
        access.order.iter().map(|k| &k.target).chain(&access.groups).any(|t| *t == KeyTarget::Column(column));
    // The binder does not say whether the target list has it too, so this is a guess that the planner corrects.
    mentions(predicate, name) && conditions.count() == 1 && !elsewhere
}
