//! Join-order search by dynamic programming (`standard_join_search`, `join_search_one_level`).
//!
//! Relations are tried in PostgreSQL's own order, so that ties between equally cheap plans fall the same way.

use rustc_hash::FxHashMap;

use super::legal;
use super::rel::{self, Sides};
use crate::planner::join::paths;
use crate::planner::path::RelPaths;
use crate::planner::query::JoinType;
use crate::planner::rel::{Rel, SpecialJoin};
use crate::planner::relids::Relids;
use crate::planner::root::{JoinListItem, Planning};
use crate::planner::scan::{self, gather};

/// Join relations above which the exhaustive search gives way to the greedy one: memory is bounded so.
const MAX_JOIN_RELS: usize = 20_000;

/// Joins the members of a join list (`make_rel_from_joinlist`).
pub(super) fn from_list(planning: &mut Planning<'_, '_>, items: &[JoinListItem]) -> Option<RelPaths> {
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
    let settings = &planning.root.env.settings;
    let search = Search::new(planning, initial);
    if settings.geqo && search.initial >= settings.geqo_threshold {
        planning.root.note("so many joined relations are ordered greedily, not by PostgreSQL's genetic search");
        return search.greedy();
    }
    search.exhaustive()
}

pub(super) struct Search<'p, 'r, 'a> {
    planning: &'p Planning<'r, 'a>,
    /// Every relation met, the initial ones first. One is out while paths are added to it.
    rels: Vec<Option<RelPaths>>,
    by_relids: FxHashMap<Relids, usize>,
    initial: usize,
    all: Relids,
}

impl<'p, 'r, 'a> Search<'p, 'r, 'a> {
    fn new(planning: &'p Planning<'r, 'a>, initial: Vec<RelPaths>) -> Self {
        let by_relids = initial.iter().enumerate().map(|(i, r)| (r.rel.relids, i)).collect();
        let all = initial.iter().fold(Relids::EMPTY, |set, r| set | r.rel.relids);
        let count = initial.len();
        Self { planning, rels: initial.into_iter().map(Some).collect(), by_relids, initial: count, all }
    }

    fn rel(&self, i: usize) -> Option<&Rel> {
        self.rels.get(i)?.as_ref().map(|r| &*r.rel)
    }

    /// The initial relations, for [`legal`].
    pub(super) fn initial_rels(&self) -> impl Iterator<Item = &Rel> {
        self.rels.iter().take(self.initial).flatten().map(|r| &*r.rel)
    }

    fn exhaustive(mut self) -> Option<RelPaths> {
        let mut levels: Vec<Vec<usize>> = vec![Vec::new(), (0..self.initial).collect()];
        for level in 2..=self.initial {
            levels.push(Vec::new());
            self.one_level(&mut levels, level);
            if self.rels.len() > MAX_JOIN_RELS {
                self.planning.root.note("so many joined relations are ordered greedily");
                return self.greedy();
            }
            let made = levels.get(level).cloned().unwrap_or_default();
            for i in made {
                self.complete(i);
            }
        }
        let last = *levels.last()?.first()?;
        self.rels.get_mut(last)?.take()
    }

    /// All paths of a join are there: gathers those of workers and finds the cheapest.
    fn complete(&mut self, i: usize) {
        let Some(rel) = self.rels.get_mut(i).and_then(Option::as_mut) else { return };
        // The topmost relation's are gathered once its target list is known.
        if rel.rel.relids != self.planning.root.all_baserels {
            gather::add_useful_gather_paths(self.planning.root, rel, false);
        }
        rel.set_cheapest();
    }

    fn one_level(&mut self, levels: &mut [Vec<usize>], level: usize) {
        let initial: Vec<usize> = (0..self.initial).collect();
        let before = levels.get(level - 1).cloned().unwrap_or_default();
        // One more relation on each side: left- and right-deep trees.
        for (position, old) in before.iter().enumerate() {
            if self.wants_clauses(*old) {
                let from = if level == 2 { position + 1 } else { 0 };
                for other in initial.iter().skip(from) {
                    if self.worth_joining(*old, *other) {
                        self.join(*old, *other, levels, level);
                    }
                }
            } else {
                self.without_clauses(*old, &initial, levels, level);
            }
        }
        // Bushy trees.
        for small in 2..=level / 2 {
            let large = level - small;
            let (olds, news) =
                (levels.get(small).cloned().unwrap_or_default(), levels.get(large).cloned().unwrap_or_default());
            for (position, old) in olds.iter().enumerate() {
                if !self.wants_clauses(*old) {
                    continue;
                }
                let from = if small == large { position + 1 } else { 0 };
                for new in news.iter().skip(from) {
                    if self.worth_joining(*old, *new) {
                        self.join(*old, *new, levels, level);
                    }
                }
            }
        }
        // Nothing is linked: products, as a last resort.
        if levels.get(level).is_none_or(Vec::is_empty) {
            for old in before {
                self.without_clauses(old, &initial, levels, level);
            }
        }
    }

    fn without_clauses(&mut self, old: usize, initial: &[usize], levels: &mut [Vec<usize>], level: usize) {
        for other in initial {
            let apart = matches!((self.rel(old), self.rel(*other)), (Some(a), Some(b)) if !a.relids.overlaps(b.relids));
            if apart {
                self.join(old, *other, levels, level);
            }
        }
    }

    fn wants_clauses(&self, i: usize) -> bool {
        self.rel(i).is_some_and(|rel| {
            !rel.join_info.is_empty() || rel.has_eclass_joins || legal::has_join_restriction(self.planning.root, rel)
        })
    }

    fn worth_joining(&self, a: usize, b: usize) -> bool {
        let (Some(a), Some(b)) = (self.rel(a), self.rel(b)) else { return false };
        !a.relids.overlaps(b.relids)
            && (legal::have_relevant_joinclause(self.planning.root, a, b)
                || legal::have_join_order_restriction(self.planning.root, self, a, b))
    }

    /// Makes the join of two relations, if there may be one (`make_join_rel`), and notes it on its level.
    fn join(&mut self, a: usize, b: usize, levels: &mut [Vec<usize>], level: usize) {
        if let Some(made) = self.make(a, b)
            && let Some(list) = levels.get_mut(level)
            && !list.contains(&made)
        {
            list.push(made);
        }
    }

    fn make(&mut self, a: usize, b: usize) -> Option<usize> {
        let root = self.planning.root;
        let (one, two) = (self.rel(a)?, self.rel(b)?);
        let legal = legal::join_is_legal(root, one, two)?;
        let (left, right) = if legal.reversed { (b, a) } else { (a, b) };
        let (outer, inner) = (self.rel(left)?, self.rel(right)?);
        let inner_join = SpecialJoin::inner(outer.relids, inner.relids);
        let special = legal.special.and_then(|i| root.special_joins.get(i)).unwrap_or(&inner_join);
        let sides = Sides { outer, inner, special };
        let restrict = rel::restrict_list(root, &sides);
        let relids = outer.relids | inner.relids;
        let position = if let Some(position) = self.by_relids.get(&relids) {
            *position
        } else {
            let built = rel::build(root, &sides, &restrict);
            self.rels.push(Some(RelPaths::new(built)));
            self.by_relids.insert(relids, self.rels.len() - 1);
            self.rels.len() - 1
        };
        let mut joined = self.rels.get_mut(position)?.take()?;
        if !joined.rel.dummy {
            self.populate(&mut joined, left, right, special, &restrict);
        } else if joined.paths.is_empty() {
            joined.add(scan::dummy(&joined.rel));
        }
        if let Some(slot) = self.rels.get_mut(position) {
            *slot = Some(joined);
        }
        Some(position)
    }

    /// Makes the paths of one pair (`populate_joinrel_with_paths`).
    fn populate(
        &self,
        joined: &mut RelPaths,
        left: usize,
        right: usize,
        special: &SpecialJoin,
        restrict: &[std::sync::Arc<crate::planner::rel::Restrict>],
    ) {
        let sides = (self.rels.get(left).and_then(Option::as_ref), self.rels.get(right).and_then(Option::as_ref));
        let (Some(left), Some(right)) = sides else { return };
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

    /// Joins, again and again, the pair whose result has the fewest rows; the first such pair of equals. Each pair is
    /// estimated once, and only the pair chosen gets paths.
    fn greedy(mut self) -> Option<RelPaths> {
        let mut open: Vec<usize> = (0..self.initial).collect();
        let mut sizes: FxHashMap<(usize, usize), Option<Size>> = FxHashMap::default();
        while open.len() > 1 {
            let mut best: Option<(bool, f64, usize, usize)> = None;
            for (i, a) in open.iter().enumerate() {
                for b in open.iter().skip(i + 1) {
                    let Some(size) = *sizes.entry((*a, *b)).or_insert_with(|| self.size(*a, *b)) else { continue };
                    let better = best.is_none_or(|(linked, rows, ..)| {
                        (size.linked && !linked) || (size.linked == linked && size.rows < rows)
                    });
                    if better {
                        best = Some((size.linked, size.rows, *a, *b));
                    }
                }
            }
            let (_, _, a, b) = best?;
            let made = self.make(a, b)?;
            self.complete(made);
            open.retain(|i| *i != a && *i != b);
            open.push(made);
        }
        let last = *open.first()?;
        let whole = self.rels.get_mut(last)?.take()?;
        (whole.rel.relids == self.all).then_some(whole)
    }

    /// What a join would have, if there may be one.
    fn size(&self, a: usize, b: usize) -> Option<Size> {
        let root = self.planning.root;
        let (one, two) = (self.rel(a)?, self.rel(b)?);
        let legal = legal::join_is_legal(root, one, two)?;
        let (outer, inner) = if legal.reversed { (two, one) } else { (one, two) };
        let inner_join = SpecialJoin::inner(outer.relids, inner.relids);
        let special = legal.special.and_then(|i| root.special_joins.get(i)).unwrap_or(&inner_join);
        let sides = Sides { outer, inner, special };
        let rows = rel::build(root, &sides, &rel::restrict_list(root, &sides)).rows;
        Some(Size { linked: self.worth_joining(a, b), rows })
    }
}

/// What the greedy search looks at.
#[derive(Clone, Copy)]
struct Size {
    /// Some condition links the two.
    linked: bool,
    rows: f64,
}
