//! Merging: one index that serves what several statements asked for, and existing indexes made wider.
//!
//! Two shapes merge in two ways. Where the one's equality keys are all among the other's, putting them first lets one
//! index serve both: the order of equality keys does not matter to who asked for them, that of what follows does. And
//! where the one's keys lead the other's, INCLUDE columns of both in the wider one let either be answered from the
//! index alone. An existing index that begins with a covering candidate's keys is replaced by itself with the INCLUDE
//! columns added. The search weighs a merged index against its parents, so it is tried only where those are worth it.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{AttrNumber, IndexMethod, IndexSpec, KeySpec, KeyTarget, Oid};
use crate::whatif::CandidateId;

use super::super::facts::Facts;
use super::{Candidate, Family, Pool, Proposal};

/// Shapes of one table that take part, those asked for by most statements first.
const MOST_SHAPES: usize = 32;
/// What one statement asked for on one table and takes part: the first is its ideal.
const MOST_WISHES: usize = 4;
/// Merged shapes of one table.
const MOST_MERGED: usize = 64;
/// Most INCLUDE columns, and their bytes a row, of a merged index.
const MOST_COLUMNS: usize = 6;
const MOST_BYTES: f64 = 64.0;

/// Merged shapes, with the statements that ask for them.
pub(super) fn proposals(facts: &Facts<'_>, pool: &Pool) -> Vec<(BTreeSet<usize>, Proposal)> {
    let mut asked: BTreeMap<Oid, BTreeSet<CandidateId>> = BTreeMap::new();
    for ((_, table), wishes) in pool.wishes() {
        let shapes = wishes.iter().copied().filter(|id| mergeable(pool.get(*id)));
        asked.entry(*table).or_default().extend(shapes.take(MOST_WISHES));
    }
    let mut out = Vec::new();
    for (table, ids) in asked {
        let mut ids: Vec<CandidateId> = ids.into_iter().collect();
        ids.sort_by_key(|id| (std::cmp::Reverse(pool.get(*id).asked_by.len()), *id));
        ids.truncate(MOST_SHAPES);
        let mut merged: BTreeMap<IndexSpec, (BTreeSet<usize>, Proposal)> = BTreeMap::new();
        for wide in &ids {
            for narrow in &ids {
                let (a, b) = (pool.get(*wide), pool.get(*narrow));
                if wide == narrow || merged.len() >= MOST_MERGED {
                    continue;
                }
                for (spec, equality_keys) in [sharing(facts, a, b), covering(facts, a, b)].into_iter().flatten() {
                    if pool.id_of(&spec).is_none() {
                        let parents = vec![*wide, *narrow];
                        let statements = a.asked_by.union(&b.asked_by).copied().collect();
                        let proposal = Proposal {
                            spec: spec.clone(),
                            family: Family::Merged,
                            equality_keys,
                            fraction: 1.0,
                            parents,
                        };
                        merged.entry(spec).or_insert((statements, proposal));
                    }
                }
            }
        }
        out.extend(merged.into_values());
        out.extend(ids.iter().flat_map(|id| widened(facts, pool, *id)).filter(|(_, p)| p.spec.table == table));
    }
    out
}

fn mergeable(candidate: &Candidate) -> bool {
    let spec = &candidate.spec;
    spec.method == IndexMethod::Btree
        && spec.predicate.is_none()
        && matches!(candidate.family, Family::Btree | Family::Include)
}

/// The wide one's keys with the narrow one's equality keys first.
fn sharing(facts: &Facts<'_>, wide: &Candidate, narrow: &Candidate) -> Option<(IndexSpec, usize)> {
    let (own, rest) = wide.spec.keys.split_at_checked(wide.equality_keys)?;
    let (first, _) = narrow.spec.keys.split_at_checked(narrow.equality_keys)?;
    let among = |keys: &[KeySpec], key: &KeySpec| keys.contains(key);
    if first.is_empty() || first.len() >= own.len() || !first.iter().all(|k| among(own, k)) {
        return None;
    }
    let mut keys: Vec<KeySpec> = first.to_vec();
    keys.extend(own.iter().filter(|k| !among(first, k)).cloned());
    keys.extend_from_slice(rest);
    let spec = IndexSpec { keys, ..wide.spec.clone() };
    (spec.keys != wide.spec.keys && spec.keys.len() <= facts.options.max_columns).then_some((spec, wide.equality_keys))
}

/// The wide one with what the narrow one includes as well.
fn covering(facts: &Facts<'_>, wide: &Candidate, narrow: &Candidate) -> Option<(IndexSpec, usize)> {
    let (first, leading) = (&narrow.spec.keys, wide.spec.keys.get(..narrow.spec.keys.len())?);
    let serves = first == leading
        || (narrow.equality_keys == first.len() && first.iter().all(|k| leading.contains(k)) && {
            wide.equality_keys >= first.len()
        });
    if !serves || narrow.spec.include.is_empty() {
        return None;
    }
    let include = include(facts, &wide.spec, &narrow.spec.include)?;
    Some((IndexSpec { include, ..wide.spec.clone() }, wide.equality_keys))
}

/// The spec's INCLUDE columns with more of them, if they stay few and narrow.
fn include(facts: &Facts<'_>, spec: &IndexSpec, more: &[AttrNumber]) -> Option<Vec<AttrNumber>> {
    let is_key = |c: &AttrNumber| spec.keys.iter().any(|k| k.target == KeyTarget::Column(*c));
    let all: BTreeSet<AttrNumber> = spec.include.iter().chain(more).copied().filter(|c| !is_key(c)).collect();
    let bytes: f64 = all.iter().map(|c| facts.width(spec.table, &KeyTarget::Column(*c))).sum();
    let grows = all.len() > spec.include.len();
    (grows && all.len() <= MOST_COLUMNS && bytes <= MOST_BYTES).then(|| all.into_iter().collect())
}

/// Existing indexes that begin with a covering candidate's keys, with its INCLUDE columns added.
fn widened(facts: &Facts<'_>, pool: &Pool, id: CandidateId) -> Vec<(BTreeSet<usize>, Proposal)> {
    let candidate = pool.get(id);
    let spec = &candidate.spec;
    let Some(table) = facts.table(spec.table).filter(|_| !spec.include.is_empty()) else { return vec![] };
    let mut out = Vec::new();
    for index in table.indexes.iter().filter(|i| i.valid && !i.unique && i.constraint.is_none()) {
        let own = index.spec(table.oid);
        let fits = own.method == IndexMethod::Btree
            && own.predicate.is_none()
            && own.keys.len() > spec.keys.len()
            && own.keys.starts_with(&spec.keys);
        let Some(include) = include(facts, &own, &spec.include).filter(|_| fits) else { continue };
        let wider = IndexSpec { include, ..own };
        if pool.id_of(&wider).is_none() {
            let equality_keys = candidate.equality_keys;
            let parents = vec![id];
            let proposal = Proposal { spec: wider, family: Family::Merged, equality_keys, fraction: 1.0, parents };
            out.push((candidate.asked_by.clone(), proposal));
        }
    }
    out
}
