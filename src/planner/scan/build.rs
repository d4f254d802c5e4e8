//! Making the scans of one index: which conditions it takes, in which order it gives rows, with which other relations'
//! values (`build_index_paths`, `consider_index_join_clauses`).

use std::sync::Arc;

use super::matching::{Abilities, ClauseSet, Matcher};
use super::offer::{BitmapPath, Found, Offer};
use super::repeats::loop_count;
use super::{base_param_info, scan_path};
use crate::planner::cost::index::{HeapPart, IndexUse, MethodCost, index_scan, method_cost};
use crate::planner::cost::quals_cost;
use crate::planner::expr::Expr;
use crate::planner::exprs::contains_volatile;
use crate::planner::path::{Bitmap, IndexClause, IndexScan, ParamInfo, Path, PathKind, no_keys};
use crate::planner::prep::derive::implied_for_column;
use crate::planner::prep::pathkeys::{build_index_pathkeys, truncate_useless_pathkeys};
use crate::planner::rel::{BaseRel, EcId, EcMember, PathKey, Rel, Restrict};
use crate::planner::relids::Relids;
use crate::planner::root::{Root, SubPlanCost};
use crate::snapshot::IndexMethod;

/// Which scans are wanted (`ScanTypeControl`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Any,
    Bitmap,
}

/// What [`Maker::build`] leaves out on request, and whether it met any.
#[derive(Default)]
pub(super) struct Skips {
    /// ANY conditions, for methods that do not take them themselves.
    nonnative_arrays: Option<bool>,
    /// ANY conditions on keys after the first, up to 16: they spoil the order.
    lower_arrays: Option<bool>,
}

/// One path made.
pub(super) enum Built {
    Plain(Path, IndexScan),
    Partial(Path),
    Bitmap(BitmapPath),
}

/// A way through the index.
struct Way {
    pathkeys: Arc<[PathKey]>,
    backward: bool,
    order_bys: usize,
}

/// Makes the paths of one index.
pub(super) struct Maker<'m, 'a> {
    root: &'m Root<'a>,
    subplans: &'m [SubPlanCost],
    rel: &'m Arc<Rel>,
    base: &'m BaseRel,
    offer: &'m Offer,
    pub(super) abilities: Abilities,
}

impl<'m, 'a> Maker<'m, 'a> {
    pub(super) fn new(
        root: &'m Root<'a>,
        subplans: &'m [SubPlanCost],
        rel: &'m Arc<Rel>,
        base: &'m BaseRel,
        offer: &'m Offer,
    ) -> Self {
        Self { root, subplans, rel, base, offer, abilities: Abilities::of(offer.index.method) }
    }

    pub(super) fn matcher(&self) -> Matcher<'_, 'a> {
        Matcher {
            root: self.root,
            rel: self.base.rel,
            index: &self.offer.index,
            keys: &self.offer.keys,
            abilities: self.abilities,
        }
    }

    /// Join clauses that equivalence classes give, by key (`match_eclass_clauses_to_index`).
    pub(super) fn class_clauses(&self) -> ClauseSet {
        let mut set = ClauseSet::new(self.offer.index.keys.len());
        if !self.rel.has_eclass_joins {
            return set;
        }
        let matcher = self.matcher();
        for column in 0..self.offer.index.keys.len() {
            let fits = |member: &EcMember| matcher.is_key(&member.expr, column);
            // A class of another family gives operators that will not match.
            let clauses = implied_for_column(self.root, self.rel, &fits, self.rel.lateral_referencers);
            matcher.add_all(&clauses, &mut set);
        }
        set
    }

    /// `get_index_paths`.
    pub(super) fn scans(&self, set: &ClauseSet, found: &mut Found, join: bool) {
        let Found { plain, partial, bitmaps, join_bitmaps } = found;
        let bitmaps = if join { join_bitmaps } else { bitmaps };
        let abilities = self.abilities;
        let mut keep = |built: Built| match built {
            Built::Plain(path, scan) => {
                if abilities.bitmap && (path.pathkeys.is_empty() || scan.selectivity < 1.0) {
                    let required_outer = path.required_outer();
                    bitmaps.push(BitmapPath { bitmap: Bitmap::Index(Arc::new(scan)), required_outer });
                }
                if abilities.plain {
                    plain.push(Arc::new(path));
                }
            }
            Built::Partial(path) => partial.push(Arc::new(path)),
            Built::Bitmap(path) => bitmaps.push(path),
        };
        let predicate_useful = !self.offer.predicate.is_empty() && self.offer.predicate_holds;
        let skip_lower = self.root.env.settings.major < 17;
        let mut skips = Skips { nonnative_arrays: Some(false), lower_arrays: skip_lower.then_some(false) };
        self.build(set, predicate_useful, Wanted::Any, &mut skips, &mut keep);
        if skips.lower_arrays == Some(true) {
            let mut again = Skips { nonnative_arrays: skips.nonnative_arrays, lower_arrays: None };
            self.build(set, predicate_useful, Wanted::Any, &mut again, &mut keep);
            skips.nonnative_arrays = again.nonnative_arrays;
        }
        if skips.nonnative_arrays == Some(true) {
            self.build(set, false, Wanted::Bitmap, &mut Skips::default(), &mut keep);
        }
    }

    /// `build_index_paths`.
    pub(super) fn build(
        &self,
        set: &ClauseSet,
        useful_predicate: bool,
        wanted: Wanted,
        skips: &mut Skips,
        keep: &mut dyn FnMut(Built),
    ) {
        match wanted {
            Wanted::Bitmap if !self.abilities.bitmap => return,
            _ => {}
        }
        let mut clauses: Vec<IndexClause> = Vec::new();
        let mut outer = self.rel.lateral;
        let mut lower_array = false;
        for (column, matched) in set.columns.iter().enumerate() {
            for clause in matched {
                if matches!(clause.restrict.clause, Expr::ScalarArrayOp(_)) {
                    if self.abilities.arrays {
                        if column > 0 && self.root.env.settings.major < 17 {
                            if let Some(met) = &mut skips.lower_arrays {
                                *met = true;
                                continue;
                            }
                            lower_array = true;
                        }
                    } else if let Some(met) = &mut skips.nonnative_arrays {
                        *met = true;
                        continue;
                    }
                }
                outer = outer | clause.restrict.clause_relids;
                clauses.push(clause.clone());
            }
            if clauses.is_empty() && !self.abilities.optional_key {
                return;
            }
        }
        let outer = outer - self.rel.relids;
        let loop_count = loop_count(self.root, self.base.rel, outer);
        let ordered = self.offer.index.method == IndexMethod::Btree;
        let may_order = wanted == Wanted::Any && !lower_array;
        let forward = self.forward_way(ordered, may_order);
        let index_only = wanted == Wanted::Any && self.offer.index_only;
        let Ok(param) = self.param(outer) else { return };
        if !clauses.is_empty() || !forward.pathkeys.is_empty() || useful_predicate || index_only {
            self.both(&clauses, &forward, index_only, wanted, (loop_count, param.as_ref()), keep);
        }
        if ordered && may_order {
            let backward = self.ordered_way(true);
            if !backward.pathkeys.is_empty() {
                self.both(&clauses, &backward, index_only, wanted, (loop_count, param.as_ref()), keep);
            }
        }
    }

    fn param(&self, outer: Relids) -> Result<Option<Arc<ParamInfo>>, ()> {
        if outer.is_empty() {
            return Ok(None);
        }
        base_param_info(self.root, self.rel, outer).map(Some).ok_or(())
    }

    fn ordered_way(&self, backward: bool) -> Way {
        let keys = build_index_pathkeys(self.root, self.rel, &self.offer.index, backward);
        let useful = truncate_useless_pathkeys(self.root, self.rel, &keys);
        Way { pathkeys: Arc::from(useful), backward, order_bys: 0 }
    }

    fn forward_way(&self, ordered: bool, may_order: bool) -> Way {
        if may_order && ordered {
            return self.ordered_way(false);
        }
        if may_order && self.abilities.distance {
            let keys = self.distance_keys();
            return Way { order_bys: keys.len(), pathkeys: Arc::from(keys), backward: false };
        }
        Way { pathkeys: no_keys(), backward: false, order_bys: 0 }
    }

    /// The query's order, if ordering operators of the index give it (`match_pathkeys_to_index`).
    fn distance_keys(&self) -> Vec<PathKey> {
        let wanted = &self.root.wanted.query;
        let count = wanted.iter().take_while(|key| self.gives_distance(key)).count();
        if count < wanted.len() && self.root.env.settings.major < 16 {
            return Vec::new();
        }
        wanted.get(..count).unwrap_or_default().to_vec()
    }

    fn gives_distance(&self, key: &PathKey) -> bool {
        if key.descending || key.nulls_first {
            return false;
        }
        let Some(class) = self.root.ecs.get(key.ec).filter(|c| !c.has_volatile) else { return false };
        let facts = &self.root.env.facts;
        let matcher = self.matcher();
        class.members.iter().filter(|m| m.relids == self.rel.relids).any(|member| {
            let Expr::Op(op) = &member.expr else { return false };
            let [left, right] = op.args.as_slice() else { return false };
            self.offer.index.keys.iter().enumerate().any(|(column, info)| {
                let sorts = |op| facts.amops_of(op).any(|a| a.family == info.family && a.ordering);
                let constant = |e: &Expr| !e.relids().overlaps(self.rel.relids) && !contains_volatile(facts, e);
                (matcher.is_key(left, column) && constant(right) && sorts(op.op))
                    || (matcher.is_key(right, column)
                        && constant(left)
                        && facts.operator(op.op).is_some_and(|o| sorts(o.commutator)))
            })
        })
    }

    /// A scan, and its shared form.
    fn both(
        &self,
        clauses: &[IndexClause],
        way: &Way,
        index_only: bool,
        wanted: Wanted,
        (loop_count, param): (f64, Option<&Arc<ParamInfo>>),
        keep: &mut dyn FnMut(Built),
    ) {
        let usage = self.usage(clauses, way.order_bys, loop_count);
        let method = method_cost(&usage);
        if let Some((path, scan)) = self.path(&usage, method, way, index_only, param, false) {
            if wanted == Wanted::Bitmap {
                let required_outer = path.required_outer();
                keep(Built::Bitmap(BitmapPath { bitmap: Bitmap::Index(Arc::new(scan)), required_outer }));
                return;
            }
            keep(Built::Plain(path, scan));
        }
        if self.abilities.parallel
            && self.rel.consider_parallel
            && param.is_none()
            && wanted == Wanted::Any
            && let Some((path, _)) = self.path(&usage, method, way, index_only, None, true)
        {
            keep(Built::Partial(path));
        }
    }

    fn usage<'u>(&'u self, clauses: &'u [IndexClause], order_bys: usize, loop_count: f64) -> IndexUse<'u, 'a> {
        IndexUse {
            root: self.root,
            subplans: self.subplans,
            base: self.base,
            index: &self.offer.index,
            keys: &self.offer.keys,
            predicate: &self.offer.predicate,
            clauses,
            order_bys,
            loop_count,
        }
    }

    /// `create_index_path`.
    fn path(
        &self,
        usage: &IndexUse<'_, '_>,
        method: MethodCost,
        way: &Way,
        index_only: bool,
        param: Option<&Arc<ParamInfo>>,
        partial: bool,
    ) -> Option<(Path, IndexScan)> {
        let mut rest: Vec<Arc<Restrict>> = not_applied(&self.offer.restrict, usage.clauses);
        if let Some(param) = param {
            rest.extend(not_applied(&param.clauses, usage.clauses));
        }
        let part = HeapPart {
            rows: param.map_or(self.rel.rows, |p| p.rows),
            quals: quals_cost(self.root.env, self.subplans, &rest),
            target: &self.rel.target,
            index_only,
            partial,
        };
        let (cost, workers) = index_scan(usage, method, &part)?;
        let scan = IndexScan {
            index: Arc::clone(&self.offer.index),
            rel: self.base.rel,
            clauses: usage.clauses.to_vec(),
            backward: way.backward,
            index_cost: method.total,
            selectivity: method.selectivity,
            rows: cost.rows,
            predicate: Arc::clone(&self.offer.predicate),
        };
        let kind = if index_only { PathKind::IndexOnlyScan(scan.clone()) } else { PathKind::IndexScan(scan.clone()) };
        let path = Path {
            pathkeys: Arc::clone(&way.pathkeys),
            param: param.cloned(),
            parallel_aware: partial,
            workers,
            ..scan_path(self.rel, kind, cost)
        };
        Some((path, scan))
    }

    /// `consider_index_join_clauses`: the useful sets of relations that could supply values.
    pub(super) fn join_clauses(&self, own: &ClauseSet, joins: &ClauseSet, classes: &ClauseSet, found: &mut Found) {
        let mut considered: Vec<Relids> = Vec::new();
        let mut clause_count = 0;
        let all_of = |set: &ClauseSet, column: usize| set.columns.get(column).map_or(0, Vec::len);
        for column in 0..self.offer.index.keys.len() {
            clause_count += all_of(joins, column) + all_of(classes, column);
            for set in [joins, classes] {
                let Some(here) = set.columns.get(column) else { continue };
                for clause in here {
                    outer_rels(clause, here, clause_count, &mut considered, &mut |relids| {
                        self.join_scans(relids, own, joins, classes, found);
                    });
                }
            }
        }
    }

    /// `get_join_index_paths`.
    fn join_scans(&self, relids: Relids, own: &ClauseSet, joins: &ClauseSet, classes: &ClauseSet, found: &mut Found) {
        let columns = self.offer.index.keys.len();
        let mut set = ClauseSet::new(columns);
        for (column, slot) in set.columns.iter_mut().enumerate() {
            let usable = |c: &&IndexClause| c.restrict.clause_relids.is_subset(relids);
            let of = |set: &'_ ClauseSet| set.columns.get(column).cloned().unwrap_or_default();
            slot.extend(of(joins).iter().filter(usable).cloned());
            // Those of one class say the same.
            slot.extend(of(classes).iter().find(usable).cloned());
            slot.extend(of(own));
        }
        if !set.is_empty() {
            self.scans(&set, found, true);
        }
    }
}

/// `consider_index_join_outer_rels`, for one clause.
fn outer_rels(
    clause: &IndexClause,
    column: &[IndexClause],
    clause_count: usize,
    considered: &mut Vec<Relids>,
    make: &mut dyn FnMut(Relids),
) {
    let relids = clause.restrict.clause_relids;
    if considered.contains(&relids) {
        return;
    }
    let mut consider = |relids: Relids, considered: &mut Vec<Relids>| {
        if !considered.contains(&relids) {
            considered.push(relids);
            make(relids);
        }
    };
    for old in considered.clone() {
        if relids.is_subset(old) || old.is_subset(relids) {
            continue;
        }
        if clause.restrict.parent_ec.is_some_and(|ec| class_used(ec, old, column)) {
            continue;
        }
        // A bound on the work: ten sets a clause.
        if considered.len() >= 10 * clause_count {
            break;
        }
        consider(relids | old, considered);
    }
    consider(relids, considered);
}

/// `eclass_already_used`.
fn class_used(ec: EcId, relids: Relids, column: &[IndexClause]) -> bool {
    column.iter().any(|c| c.restrict.parent_ec == Some(ec) && c.restrict.clause_relids.is_subset(relids))
}

/// Conditions that the scan must check itself (`extract_nonindex_conditions`).
fn not_applied(quals: &[Arc<Restrict>], clauses: &[IndexClause]) -> Vec<Arc<Restrict>> {
    let applied = |qual: &Arc<Restrict>| {
        clauses.iter().filter(|c| !c.lossy).any(|c| {
            Arc::ptr_eq(&c.restrict, qual) || (qual.parent_ec.is_some() && qual.parent_ec == c.restrict.parent_ec)
        })
    };
    quals.iter().filter(|q| !q.pseudoconstant && !applied(q)).cloned().collect()
}
