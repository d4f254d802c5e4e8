//! Combining bitmaps (`generate_bitmap_or_paths`, `choose_bitmap_and`) and the heap scans over them.

use std::sync::Arc;

use super::offer::{self, BitmapPath, Offer};
use super::plain::scanned;
use super::repeats::loop_count;
use super::{base_param_info, movable_to, predicate, scan_path};
use crate::planner::cost::index::{bitmap_and, bitmap_heap_scan, bitmap_or, bitmap_pages, node_cost};
use crate::planner::cost::scan::parallel_workers;
use crate::planner::expr::Expr;
use crate::planner::path::{Bitmap, Path, PathKind, RelPaths};
use crate::planner::rel::{BaseRel, Rel, Restrict};
use crate::planner::relids::Relids;
use crate::planner::root::Planning;

/// Conditions above which a path's are not compared with others' (`find_indexpath_quals`' limit).
const CLAUSE_LIMIT: usize = 100;
/// Nested ORs followed at most.
const DEPTH_LIMIT: u32 = 50;

/// Combines bitmaps of one relation.
pub(super) struct Combiner<'c, 'r, 'a> {
    pub(super) planning: &'c Planning<'r, 'a>,
    pub(super) rel: &'c Arc<Rel>,
    pub(super) base: &'c BaseRel,
    pub(super) offers: &'c [Arc<Offer>],
}

impl Combiner<'_, '_, '_> {
    /// The bitmap half of `create_index_paths`.
    pub(super) fn add_paths(&self, paths: &mut RelPaths) {
        let mut own: Vec<BitmapPath> = self.offers.iter().flat_map(|o| o.bitmaps.iter().cloned()).collect();
        let mut joined: Vec<BitmapPath> = self.offers.iter().flat_map(|o| o.join_bitmaps.iter().cloned()).collect();
        own.extend(self.or_paths(&self.rel.restrict, &[], 0));
        let join_ors: Vec<Arc<Restrict>> =
            self.rel.join_info.iter().filter(|r| r.or_branches.is_some() && movable_to(r, self.rel)).cloned().collect();
        if !join_ors.is_empty() {
            joined.extend(self.or_paths(&join_ors, &self.rel.restrict, 0));
        }
        if !own.is_empty() {
            let best = self.choose(&own);
            self.add_heap_scans(paths, &best);
        }
        let mut outers: Vec<Relids> = Vec::new();
        for path in &joined {
            if !outers.contains(&path.required_outer) {
                outers.push(path.required_outer);
            }
        }
        for outer in outers {
            let usable = joined.iter().filter(|p| p.required_outer.is_subset(outer)).chain(&own).cloned();
            let best = self.choose(&usable.collect::<Vec<_>>());
            let loops = loop_count(self.planning.root, self.base.rel, best.required_outer);
            if let Some(path) = self.heap_scan(&best.bitmap, best.required_outer, loops, 0) {
                paths.add(path);
            }
        }
    }

    fn add_heap_scans(&self, paths: &mut RelPaths, best: &BitmapPath) {
        if let Some(path) = self.heap_scan(&best.bitmap, self.rel.lateral, 1.0, 0) {
            paths.add(path);
        }
        if self.rel.consider_parallel && self.rel.lateral.is_empty() {
            let settings = &self.planning.root.env.settings;
            let (pages, _) = bitmap_pages(self.planning.root, self.base, &best.bitmap, 1.0);
            let workers = parallel_workers(
                settings,
                self.base.parallel_workers,
                self.base.parent.is_some(),
                Some(pages),
                None,
                settings.max_parallel_workers_per_gather,
            );
            if workers > 0
                && let Some(path) = self.heap_scan(&best.bitmap, Relids::EMPTY, 1.0, workers)
            {
                paths.add_partial(path);
            }
        }
    }

    /// `create_bitmap_heap_path`.
    fn heap_scan(&self, bitmap: &Bitmap, outer: Relids, loops: f64, workers: u32) -> Option<Path> {
        let root = self.planning.root;
        let param = base_param_info(root, self.rel, outer);
        if param.is_none() && !outer.is_empty() {
            return None;
        }
        let scanned = scanned(self.planning, self.rel, self.base, param.as_ref());
        let cost = bitmap_heap_scan(root, self.base, bitmap, &scanned, loops, workers);
        let kind = PathKind::BitmapHeapScan { rel: self.base.rel, bitmap: bitmap.clone() };
        Some(Path { param, parallel_aware: workers > 0, workers, ..scan_path(self.rel, kind, cost) })
    }

    /// `bitmap_scan_cost_est`.
    fn heap_cost(&self, bitmap: &Bitmap, outer: Relids) -> f64 {
        let root = self.planning.root;
        let param = base_param_info(root, self.rel, outer);
        let scanned = scanned(self.planning, self.rel, self.base, param.as_ref());
        let loops = loop_count(root, self.base.rel, outer);
        bitmap_heap_scan(root, self.base, bitmap, &scanned, loops, 0).total
    }

    /// `generate_bitmap_or_paths`.
    fn or_paths(&self, clauses: &[Arc<Restrict>], others: &[Arc<Restrict>], depth: u32) -> Vec<BitmapPath> {
        let mut found = Vec::new();
        if depth > DEPTH_LIMIT || !clauses.iter().any(|c| c.or_branches.is_some()) {
            return found;
        }
        let all: Vec<Arc<Restrict>> = clauses.iter().chain(others).cloned().collect();
        for branches in clauses.iter().filter_map(|c| c.or_branches.as_ref()) {
            let mut inputs: Vec<BitmapPath> = Vec::with_capacity(branches.len());
            for branch in branches {
                let mut ways: Vec<BitmapPath> = Vec::new();
                for offer in self.offers {
                    ways.extend(offer::branch_bitmaps(self.planning, self.rel, self.base, offer, branch, &all));
                }
                if branch.len() > 1 {
                    ways.extend(self.or_paths(branch, &all, depth + 1));
                }
                if ways.is_empty() {
                    inputs.clear();
                    break;
                }
                inputs.push(self.choose(&ways));
            }
            if !inputs.is_empty() {
                let required_outer = inputs.iter().fold(Relids::EMPTY, |all, i| all | i.required_outer);
                let inputs = inputs.into_iter().map(|i| i.bitmap).collect();
                found.push(BitmapPath { bitmap: Bitmap::Or(bitmap_or(self.planning.root, inputs)), required_outer });
            }
        }
        found
    }

    /// The cheapest combination of bitmaps (`choose_bitmap_and`): from each in turn, every further one is added that
    /// makes the scan cheaper and uses no condition twice.
    fn choose(&self, paths: &[BitmapPath]) -> BitmapPath {
        let root = self.planning.root;
        let mut known: Vec<Arc<Restrict>> = Vec::new();
        let mut candidates: Vec<Usage<'_>> = Vec::new();
        for path in paths {
            let usage = Usage::of(path, &mut known, node_cost(root, &path.bitmap));
            match candidates.iter_mut().find(|c| c.ids.is_some() && c.ids == usage.ids) {
                Some(same) => {
                    if usage.cost < same.cost {
                        *same = usage;
                    }
                }
                None => candidates.push(usage),
            }
        }
        candidates.sort_by(|a, b| a.cost.0.total_cmp(&b.cost.0).then(a.cost.1.total_cmp(&b.cost.1)));
        if let [only] = candidates.as_slice() {
            return only.path.clone();
        }
        let facts = &root.env.facts;
        let mut best: Option<(f64, Vec<usize>)> = None;
        for (first, start) in candidates.iter().enumerate() {
            let mut chosen = vec![first];
            let mut cost = self.heap_cost(&start.path.bitmap, start.path.required_outer);
            let mut ids = start.ids.unwrap_or(0);
            let mut quals = start.clauses();
            for (next, add) in candidates.iter().enumerate().skip(first + 1) {
                if add.ids.is_some_and(|a| a & ids != 0) {
                    continue;
                }
                let have: Vec<&Expr> = quals.iter().map(|q| &q.clause).collect();
                if add.predicates.iter().any(|p| predicate::implied_by(facts, &[&p.clause], &have)) {
                    continue;
                }
                chosen.push(next);
                let together = self.combine(&candidates, &chosen);
                let new = self.heap_cost(&together.bitmap, together.required_outer);
                if new < cost {
                    cost = new;
                    ids |= add.ids.unwrap_or(0);
                    quals.extend(add.clauses());
                } else {
                    chosen.pop();
                }
            }
            if best.as_ref().is_none_or(|(b, _)| cost < *b) {
                best = Some((cost, chosen));
            }
        }
        let chosen = best.map_or_else(|| vec![0], |(_, chosen)| chosen);
        self.combine(&candidates, &chosen)
    }

    fn combine(&self, candidates: &[Usage<'_>], chosen: &[usize]) -> BitmapPath {
        let paths: Vec<&BitmapPath> = chosen.iter().filter_map(|i| candidates.get(*i)).map(|u| u.path).collect();
        if let [only] = paths.as_slice() {
            return BitmapPath::clone(only);
        }
        let required_outer = paths.iter().fold(Relids::EMPTY, |all, p| all | p.required_outer);
        let inputs = paths.iter().map(|p| p.bitmap.clone()).collect();
        BitmapPath { bitmap: Bitmap::And(bitmap_and(self.planning.root, inputs)), required_outer }
    }
}

/// Which conditions a bitmap uses (`PathClauseUsage`).
struct Usage<'p> {
    path: &'p BitmapPath,
    /// As numbers; `None` where there are too many.
    ids: Option<u128>,
    quals: Vec<Arc<Restrict>>,
    predicates: Vec<Arc<Restrict>>,
    cost: (f64, f64),
}

impl<'p> Usage<'p> {
    /// `classify_index_clause_usage`.
    fn of(path: &'p BitmapPath, known: &mut Vec<Arc<Restrict>>, cost: (f64, f64)) -> Self {
        let mut quals = Vec::new();
        let mut predicates = Vec::new();
        collect(&path.bitmap, &mut quals, &mut predicates);
        let mut ids = (quals.len() + predicates.len() <= CLAUSE_LIMIT).then_some(0_u128);
        for clause in quals.iter().chain(&predicates) {
            let same = |k: &Arc<Restrict>| Arc::ptr_eq(k, clause) || k.clause == clause.clause;
            let at = known.iter().position(same).unwrap_or_else(|| {
                known.push(Arc::clone(clause));
                known.len() - 1
            });
            let bit = u32::try_from(at).ok().and_then(|at| 1_u128.checked_shl(at));
            ids = ids.zip(bit).map(|(ids, bit)| ids | bit);
        }
        Self { path, ids, quals, predicates, cost }
    }

    fn clauses(&self) -> Vec<Arc<Restrict>> {
        self.quals.iter().chain(&self.predicates).cloned().collect()
    }
}

/// `find_indexpath_quals`.
fn collect(bitmap: &Bitmap, quals: &mut Vec<Arc<Restrict>>, predicates: &mut Vec<Arc<Restrict>>) {
    match bitmap {
        Bitmap::Index(scan) => {
            quals.extend(scan.clauses.iter().map(|c| Arc::clone(&c.restrict)));
            predicates.extend(scan.predicate.iter().cloned());
        }
        Bitmap::And(set) | Bitmap::Or(set) => {
            for input in &set.inputs {
                collect(input, quals, predicates);
            }
        }
    }
}
