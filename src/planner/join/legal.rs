//! Which joins may and should be tried (joinrels.c, joininfo.c).

use super::order::Search;
use crate::planner::prep::derive;
use crate::planner::query::JoinType;
use crate::planner::rel::{Rel, SpecialJoin};
use crate::planner::relids::Relids;
use crate::planner::root::Root;

/// A join that may be done.
pub(super) struct Legal {
    /// The special join that it is, by position; none for a plain inner join.
    pub(super) special: Option<usize>,
    /// Whether the second relation is the left side of that.
    pub(super) reversed: bool,
}

/// Whether the right side of a semi join can be made unique (`create_unique_path`'s conditions).
pub(super) fn can_be_unique(special: &SpecialJoin) -> bool {
    special.semi_can_btree || special.semi_can_hash
}

/// Whether two relations may be joined, and as what (`join_is_legal`).
pub(super) fn join_is_legal(root: &Root<'_>, one: &Rel, two: &Rel) -> Option<Legal> {
    let joined = one.relids | two.relids;
    let mut found: Option<usize> = None;
    let (mut reversed, mut made_unique, mut must_be_left) = (false, false, false);
    for (position, special) in root.special_joins.iter().enumerate() {
        let (min_left, min_right) = (special.min_left, special.min_right);
        let inside = |rel: &Rel| min_left.is_subset(rel.relids) && min_right.is_subset(rel.relids);
        if !min_right.overlaps(joined) || joined.is_subset(min_right) || inside(one) || inside(two) {
            continue;
        }
        let semi = special.kind == JoinType::Semi;
        // The right side has been made unique already, within one of the two.
        let swallowed = |rel: &Rel| special.syn_right.is_subset(rel.relids) && special.syn_right != rel.relids;
        if semi && (swallowed(one) || swallowed(two)) {
            continue;
        }
        let forward = min_left.is_subset(one.relids) && min_right.is_subset(two.relids);
        let backward = min_left.is_subset(two.relids) && min_right.is_subset(one.relids);
        let unique = semi && can_be_unique(special);
        if forward || backward {
            if found.is_some() {
                return None;
            }
            (found, reversed) = (Some(position), !forward);
        } else if unique && (special.syn_right == two.relids || special.syn_right == one.relids) {
            if found.is_some() {
                return None;
            }
            (found, reversed, made_unique) = (Some(position), special.syn_right != two.relids, true);
        } else {
            // Both have parts of the right side: the join is within it.
            if one.relids.overlaps(min_right) && two.relids.overlaps(min_right) {
                continue;
            }
            if special.kind != JoinType::Left || joined.overlaps(min_left) {
                return None;
            }
            must_be_left = true;
        }
    }
    let matched = found.and_then(|i| root.special_joins.get(i));
    if must_be_left && !matched.is_some_and(|s| s.kind == JoinType::Left && s.lhs_strict) {
        return None;
    }
    let full = matched.is_some_and(|s| s.kind == JoinType::Full);
    lateral_is_legal(root, one, two, matched.is_some(), reversed, made_unique || full)
        .then_some(Legal { special: found, reversed })
}

/// Whether lateral references let the join be done.
fn lateral_is_legal(
    root: &Root<'_>,
    one: &Rel,
    two: &Rel,
    special: bool,
    reversed: bool,
    symmetric_only: bool,
) -> bool {
    if one.lateral.is_empty() && two.lateral.is_empty() {
        return true;
    }
    let (forward, backward) = (one.relids.overlaps(two.lateral), two.relids.overlaps(one.lateral));
    if forward && backward {
        return false;
    }
    if (forward && special && (reversed || symmetric_only)) || (backward && special && (!reversed || symmetric_only)) {
        return false;
    }
    // What the join still refers to must not be in the right sides that it takes part in.
    let joined = one.relids | two.relids;
    let needed = (one.lateral | two.lateral) - joined;
    if needed.is_empty() {
        return true;
    }
    let mut closure = joined;
    loop {
        let grown = root.special_joins.iter().fold(closure, |set, s| {
            let grows = s.kind != JoinType::Full && s.min_left.overlaps(set) && !s.min_right.is_subset(set);
            if grows || (s.kind == JoinType::Full && (s.min_left | s.min_right).overlaps(set)) {
                set | s.min_right | if s.kind == JoinType::Full { s.min_left } else { Relids::EMPTY }
            } else {
                set
            }
        });
        if grown == closure {
            return !closure.overlaps(needed);
        }
        closure = grown;
    }
}

/// Whether a relation takes part in a special join that is still to be done (`has_join_restriction`).
pub(super) fn has_join_restriction(root: &Root<'_>, rel: &Rel) -> bool {
    let done = |s: &SpecialJoin| s.min_left.is_subset(rel.relids) && s.min_right.is_subset(rel.relids);
    !rel.lateral.is_empty()
        || !rel.lateral_referencers.is_empty()
        || root.special_joins.iter().any(|s| {
            s.kind != JoinType::Full
                && !done(s)
                && (s.min_left.overlaps(rel.relids) || s.min_right.overlaps(rel.relids))
        })
}

/// Whether a special join or a lateral reference asks for this join although no clause does
/// (`have_join_order_restriction`).
pub(super) fn have_join_order_restriction(root: &Root<'_>, search: &Search<'_, '_>, one: &Rel, two: &Rel) -> bool {
    if one.relids.overlaps(two.lateral) || two.relids.overlaps(one.lateral) {
        return true;
    }
    let asks = |s: &SpecialJoin| {
        let between = |a: &Rel, b: &Rel| s.min_left.is_subset(a.relids) && s.min_right.is_subset(b.relids);
        let both = |side: Relids| side.overlaps(one.relids) && side.overlaps(two.relids);
        s.kind != JoinType::Full && (between(one, two) || between(two, one) || both(s.min_right) || both(s.min_left))
    };
    root.special_joins.iter().any(asks)
        && !has_legal_joinclause(root, search, one)
        && !has_legal_joinclause(root, search, two)
}

/// Whether a relation can be joined to some initial relation by a clause (`has_legal_joinclause`).
fn has_legal_joinclause(root: &Root<'_>, search: &Search<'_, '_>, rel: &Rel) -> bool {
    search.initial_rels().any(|other| {
        !other.relids.overlaps(rel.relids)
            && have_relevant_joinclause(root, rel, other)
            && join_is_legal(root, rel, other).is_some()
    })
}

/// Whether a clause links two relations (`have_relevant_joinclause`).
pub(super) fn have_relevant_joinclause(root: &Root<'_>, one: &Rel, two: &Rel) -> bool {
    let (fewer, other) = if one.join_info.len() <= two.join_info.len() { (one, two) } else { (two, one) };
    fewer.join_info.iter().any(|clause| clause.required.overlaps(other.relids))
        || (one.has_eclass_joins
            && two.has_eclass_joins
            && derive::have_relevant_eclass_joinclause(root, one.relids, two.relids))
}
