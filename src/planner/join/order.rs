//! In which order joins are tried (`standard_join_search`, `join_search_one_level`). No configuration has a say in it, so
//! that it is found once a statement.
//!
//! Relations are tried in PostgreSQL's own order, so that ties between equally cheap plans fall the same way.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::legal;
use super::rel::{self, Sides};
use crate::planner::rel::{Rel, SpecialJoin};
use crate::planner::relids::Relids;
use crate::planner::root::{Restricts, Root};

/// Join relations above which the exhaustive search gives way to the greedy one: memory is bounded so.
const MAX_JOIN_RELS: usize = 20_000;

/// The joins to try. Relations are named by their positions.
#[derive(Debug)]
pub struct JoinOrder {
    /// How many relations there are to be joined; they come first.
    pub(super) initial: usize,
    /// Every relation: those to be joined, then their joins.
    pub(super) rels: Vec<Arc<Rel>>,
    /// The pairs that make each relation, in order.
    pub(super) pairs: Vec<Vec<JoinPair>>,
    /// The relation that joins all.
    pub(super) last: usize,
}

/// Two relations to be joined.
#[derive(Debug)]
pub(super) struct JoinPair {
    pub(super) left: usize,
    pub(super) right: usize,
    /// The special join that it is; one made up for an inner join.
    pub(super) special: SpecialJoin,
    pub(super) restrict: Restricts,
}

/// Finds the joins to try of these relations. `None` where no legal order joins them all.
pub(super) fn join_order(root: &Root<'_>, initial: Vec<Arc<Rel>>) -> Option<JoinOrder> {
    let settings = &root.env.settings;
    let search = Search::new(root, initial);
    if settings.geqo && search.initial >= settings.geqo_threshold {
        root.note("so many joined relations are ordered greedily, not by PostgreSQL's genetic search");
        return search.greedy();
    }
    search.exhaustive()
}

pub(super) struct Search<'r, 'a> {
    root: &'r Root<'a>,
    rels: Vec<Arc<Rel>>,
    pairs: Vec<Vec<JoinPair>>,
    by_relids: FxHashMap<Relids, usize>,
    initial: usize,
}

impl<'r, 'a> Search<'r, 'a> {
    fn new(root: &'r Root<'a>, initial: Vec<Arc<Rel>>) -> Self {
        let by_relids = initial.iter().enumerate().map(|(i, r)| (r.relids, i)).collect();
        let pairs = initial.iter().map(|_| Vec::new()).collect();
        Self { root, initial: initial.len(), rels: initial, pairs, by_relids }
    }

    fn rel(&self, i: usize) -> Option<&Rel> {
        self.rels.get(i).map(|r| &**r)
    }

    /// The initial relations, for [`legal`].
    pub(super) fn initial_rels(&self) -> impl Iterator<Item = &Rel> {
        self.rels.iter().take(self.initial).map(|r| &**r)
    }

    fn found(self, last: usize) -> JoinOrder {
        JoinOrder { initial: self.initial, rels: self.rels, pairs: self.pairs, last }
    }

    fn exhaustive(mut self) -> Option<JoinOrder> {
        let mut levels: Vec<Vec<usize>> = vec![Vec::new(), (0..self.initial).collect()];
        for level in 2..=self.initial {
            levels.push(Vec::new());
            self.one_level(&mut levels, level);
            if self.rels.len() > MAX_JOIN_RELS {
                self.root.note("so many joined relations are ordered greedily");
                self.rels.truncate(self.initial);
                return Self::new(self.root, self.rels).greedy();
            }
        }
        let last = *levels.last()?.first()?;
        Some(self.found(last))
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
            !rel.join_info.is_empty() || rel.has_eclass_joins || legal::has_join_restriction(self.root, rel)
        })
    }

    fn worth_joining(&self, a: usize, b: usize) -> bool {
        let (Some(a), Some(b)) = (self.rel(a), self.rel(b)) else { return false };
        !a.relids.overlaps(b.relids)
            && (legal::have_relevant_joinclause(self.root, a, b)
                || legal::have_join_order_restriction(self.root, self, a, b))
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
        let root = self.root;
        let (one, two) = (self.rel(a)?, self.rel(b)?);
        let legal = legal::join_is_legal(root, one, two)?;
        let (left, right) = if legal.reversed { (b, a) } else { (a, b) };
        let (outer, inner) = (self.rel(left)?, self.rel(right)?);
        let known = legal.special.and_then(|i| root.special_joins.get(i));
        let special = known.cloned().unwrap_or_else(|| SpecialJoin::inner(outer.relids, inner.relids));
        let sides = Sides { outer, inner, special: &special };
        let restrict = rel::restrict_list(root, &sides);
        let relids = outer.relids | inner.relids;
        let position = if let Some(position) = self.by_relids.get(&relids) {
            *position
        } else {
            let built = rel::build(root, &sides, &restrict);
            self.rels.push(built);
            self.pairs.push(Vec::new());
            self.by_relids.insert(relids, self.rels.len() - 1);
            self.rels.len() - 1
        };
        self.pairs.get_mut(position)?.push(JoinPair { left, right, special, restrict });
        Some(position)
    }

    /// Joins, again and again, the pair whose result has the fewest rows; the first such pair of equals. Each pair is
    /// estimated once, and only the pair chosen is made.
    fn greedy(mut self) -> Option<JoinOrder> {
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
            open.retain(|i| *i != a && *i != b);
            open.push(made);
        }
        let last = *open.first()?;
        Some(self.found(last))
    }

    /// What a join would have, if there may be one.
    fn size(&self, a: usize, b: usize) -> Option<Size> {
        let root = self.root;
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
