//! Paths of joins in all the orders worth trying (`make_rel_from_joinlist`, `make_join_rel`).
//!
//! From the join of all downwards: a join whose members have the paths that they had before is remembered, and what it
//! was made of is not looked at.

use std::sync::Arc;

use super::order::{JoinOrder, join_order};
use crate::planner::join::{legal, paths};
use crate::planner::known::Made;
use crate::planner::path::RelPaths;
use crate::planner::query::JoinType;
use crate::planner::rel::{Restrict, SpecialJoin};
use crate::planner::relids::Relids;
use crate::planner::root::{JoinListItem, Planning};
use crate::planner::scan::{self, gather};

/// Joins the members of a join list (`make_rel_from_joinlist`).
pub(super) fn from_list(planning: &Planning<'_, '_>, items: &[JoinListItem]) -> Option<Arc<RelPaths>> {
    let mut initial = Vec::with_capacity(items.len());
    for item in items {
        initial.push(match item {
            JoinListItem::Rel(rel) => planning.base.get(*rel)?.clone()?,
            JoinListItem::List(list) => from_list(planning, list)?,
        });
    }
    if initial.len() == 1 {
        return initial.pop();
    }
    let root = planning.root;
    let members: Vec<Relids> = initial.iter().map(|r| r.rel.relids).collect();
    let found = root.memo.join_orders.borrow().get(&members).map(Arc::clone);
    let order = if let Some(order) = found {
        order
    } else {
        let order = Arc::new(join_order(root, initial.iter().map(|r| Arc::clone(&r.rel)).collect())?);
        root.memo.join_orders.borrow_mut().insert(members, Arc::clone(&order));
        order
    };
    let mut sets: Vec<Option<Arc<RelPaths>>> = initial.into_iter().map(Some).collect();
    sets.resize(order.rels.len(), None);
    Search { planning, order: &order, sets }.paths(order.last)
}

struct Search<'p, 'r, 'a> {
    planning: &'p Planning<'r, 'a>,
    order: &'p JoinOrder,
    /// The paths of every relation met so far, by its position.
    sets: Vec<Option<Arc<RelPaths>>>,
}

impl Search<'_, '_, '_> {
    /// The paths of a relation, those of what it joins first.
    fn paths(&mut self, position: usize) -> Option<Arc<RelPaths>> {
        if let Some(set) = self.sets.get(position)? {
            return Some(Arc::clone(set));
        }
        let order = self.order;
        let rel = order.rels.get(position)?;
        let known = &self.planning.root.memo.known;
        let mut made = Made::join(rel.relids, self.planning.below);
        for member in self.sets.iter().take(order.initial).flatten() {
            if member.rel.relids.is_subset(rel.relids) {
                made.add(member.number);
            }
        }
        let set = match known.find(&made) {
            Some(set) => set,
            None => known.keep(made, self.make(position)?),
        };
        if let Some(slot) = self.sets.get_mut(position) {
            *slot = Some(Arc::clone(&set));
        }
        Some(set)
    }

    fn make(&mut self, position: usize) -> Option<RelPaths> {
        let order = self.order;
        let mut joined = RelPaths::new(Arc::clone(order.rels.get(position)?));
        if joined.rel.dummy {
            joined.add(scan::dummy(&joined.rel));
        } else {
            for pair in order.pairs.get(position)? {
                let (left, right) = (self.paths(pair.left)?, self.paths(pair.right)?);
                self.populate(&mut joined, &left, &right, &pair.special, &pair.restrict);
            }
        }
        // The topmost relation's are gathered once its target list is known.
        if joined.rel.relids != self.planning.root.all_baserels {
            gather::add_useful_gather_paths(self.planning.root, &mut joined, false);
        }
        joined.set_cheapest();
        Some(joined)
    }

    /// Makes the paths of one pair (`populate_joinrel_with_paths`).
    fn populate(
        &self,
        joined: &mut RelPaths,
        left: &RelPaths,
        right: &RelPaths,
        special: &SpecialJoin,
        restrict: &[Arc<Restrict>],
    ) {
        let major = self.planning.root.env.settings.major;
        let mut add = |outer: &RelPaths, inner: &RelPaths, kind: JoinType| {
            paths::add_paths(self.planning, joined, outer, inner, kind, special, restrict);
        };
        match special.kind {
            JoinType::Left => {
                add(left, right, JoinType::Left);
                add(right, left, JoinType::Right);
            }
            JoinType::Full => {
                add(left, right, JoinType::Full);
                add(right, left, JoinType::Full);
            }
            JoinType::Semi => {
                if special.min_left.is_subset(left.rel.relids) && special.min_right.is_subset(right.rel.relids) {
                    add(left, right, JoinType::Semi);
                    if major >= 18 {
                        add(right, left, JoinType::RightSemi);
                    }
                }
                if right.rel.relids == special.syn_right && legal::can_be_unique(special) {
                    add(left, right, JoinType::UniqueInner);
                    add(right, left, JoinType::UniqueOuter);
                }
            }
            JoinType::Anti => {
                add(left, right, JoinType::Anti);
                if major >= 16 {
                    add(right, left, JoinType::RightAnti);
                }
            }
            _ => {
                add(left, right, JoinType::Inner);
                add(right, left, JoinType::Inner);
            }
        }
    }
}
