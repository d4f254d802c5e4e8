//! What one index offers a relation: its finished scans, plain and parameterised, and its bitmaps. Nothing of it depends
//! on the other indexes, so it is made once a level and index (`create_index_paths`' loop, `build_index_paths`).

use std::sync::Arc;

use super::build::{Built, Maker, Skips, Wanted};
use super::matching::{ClauseSet, derived};
use super::{movable_to, predicate};
use crate::planner::env::{INDEX_REL, IndexInfo};
use crate::planner::expr::{Expr, Var};
use crate::planner::exprs::contains_mutable;
use crate::planner::known::Made;
use crate::planner::path::{Bitmap, Path};
use crate::planner::prep::derive::generate_join_implied_equalities;
use crate::planner::rel::{BaseRel, Rel, Restrict};
use crate::planner::relids::Relids;
use crate::planner::root::{Planning, Root, SubPlanCost};

/// A bitmap of one index, or a tree of them, with the relations that must supply values.
#[derive(Debug, Clone)]
pub(super) struct BitmapPath {
    pub(super) bitmap: Bitmap,
    pub(super) required_outer: Relids,
}

/// What one index offers a relation.
#[derive(Debug)]
pub struct Offer {
    /// Its number, by which path sets made of it are remembered.
    pub(super) number: u64,
    /// The index as it was, to notice another under its number.
    pub(super) index: Arc<IndexInfo>,
    /// Keys over the relation's own columns.
    pub(super) keys: Vec<Expr>,
    /// The predicate over the relation's own columns.
    pub(super) predicate: Arc<[Arc<Restrict>]>,
    /// The query's conditions prove the predicate.
    pub(super) predicate_holds: bool,
    /// The relation's conditions less those that the predicate proves (`indrestrictinfo`).
    pub(super) restrict: Vec<Arc<Restrict>>,
    /// All columns that the query needs can be had from the index.
    pub(super) index_only: bool,
    /// Scans.
    pub(super) plain: Vec<Arc<Path>>,
    /// Shared scans.
    pub(super) partial: Vec<Arc<Path>>,
    /// Bitmaps from the relation's own conditions.
    pub(super) bitmaps: Vec<BitmapPath>,
    /// Bitmaps that need other relations' values.
    pub(super) join_bitmaps: Vec<BitmapPath>,
    /// Whether any plan can depend on whether the index is there.
    pub(super) matters: bool,
}

/// The offer of an index, remembered.
pub(super) fn offer(planning: &Planning<'_, '_>, rel: &Arc<Rel>, base: &BaseRel, index: &Arc<IndexInfo>) -> Arc<Offer> {
    let memo = &planning.root.memo.offers;
    let key = (base.rel, index.id, planning.below);
    if let Some(found) = memo.borrow().get(&key)
        && Arc::ptr_eq(&found.index, index)
    {
        return Arc::clone(found);
    }
    let made = Arc::new(make(planning.root, &planning.subplan_costs, rel, base, index));
    memo.borrow_mut().insert(key, Arc::clone(&made));
    made
}

/// The offers of a relation's indexes, those that offer nothing left out.
pub(super) fn offers(planning: &Planning<'_, '_>, rel: &Arc<Rel>, base: &BaseRel) -> Vec<Arc<Offer>> {
    let indexes = base.table.map_or(&[][..], |table| planning.indexes.of(table));
    indexes.iter().map(|index| offer(planning, rel, base, index)).filter(|offer| offer.matters).collect()
}

/// Adds the numbers of all offers that a relation's paths are made of, its children's too.
pub(super) fn number_all(planning: &Planning<'_, '_>, rel: &Arc<Rel>, made: &mut Made) {
    let Some(base) = rel.base().filter(|_| !rel.dummy) else { return };
    if base.children.is_empty() {
        for index in base.table.map_or(&[][..], |table| planning.indexes.of(table)) {
            let offer = offer(planning, rel, base, index);
            if offer.matters {
                made.add(offer.number);
            }
        }
    }
    for child in &base.children {
        number_all(planning, child, made);
    }
}

fn make(root: &Root<'_>, subplans: &[SubPlanCost], rel: &Arc<Rel>, base: &BaseRel, index: &Arc<IndexInfo>) -> Offer {
    let here = |e: &Expr| {
        let mut e = e.clone();
        e.replace_vars(&mut |v| (v.rel == INDEX_REL).then_some(Expr::Var(Var { rel: base.rel, ..*v })));
        e
    };
    let keys: Vec<Expr> = index.keys.iter().map(|k| here(&k.expr)).collect();
    let predicate: Vec<Expr> = index.predicate.iter().map(here).collect();
    let predicate_holds = predicate_holds(root, rel, &predicate);
    let restrict = remaining_restrict(root, rel, base, &predicate);
    let predicate = predicate.into_iter().map(|p| as_restrict(root, rel, p)).collect();
    let mut offer = Offer {
        number: root.memo.known.number(),
        index: Arc::clone(index),
        keys,
        predicate,
        predicate_holds,
        index_only: root.env.settings.enable.indexonlyscan && covers(rel, base, &restrict, index),
        restrict,
        plain: Vec::new(),
        partial: Vec::new(),
        bitmaps: Vec::new(),
        join_bitmaps: Vec::new(),
        // Branches of an OR may have a use for it; a unique one may prove that a join matches once.
        matters: index.unique || rel.restrict.iter().chain(&rel.join_info).any(|r| r.or_branches.is_some()),
    };
    if offer.predicate.is_empty() || offer.predicate_holds {
        fill(root, subplans, rel, base, &mut offer);
    }
    offer.matters |= !offer.plain.is_empty()
        || !offer.partial.is_empty()
        || !offer.bitmaps.is_empty()
        || !offer.join_bitmaps.is_empty();
    offer
}

/// `create_index_paths`' part for one index.
fn fill(root: &Root<'_>, subplans: &[SubPlanCost], rel: &Arc<Rel>, base: &BaseRel, offer: &mut Offer) {
    let mut found = Found::default();
    {
        let maker = Maker::new(root, subplans, rel, base, offer);
        let columns = offer.index.keys.len();
        let mut own = ClauseSet::new(columns);
        maker.matcher().add_all(&offer.restrict, &mut own);
        maker.scans(&own, &mut found, false);
        let mut joins = ClauseSet::new(columns);
        let movable = rel.join_info.iter().filter(|r| movable_to(r, rel) && r.or_branches.is_none());
        maker.matcher().add_all(movable, &mut joins);
        let classes = maker.class_clauses();
        if !joins.is_empty() || !classes.is_empty() {
            maker.join_clauses(&own, &joins, &classes, &mut found);
        }
    }
    offer.plain = found.plain;
    offer.partial = found.partial;
    offer.bitmaps = found.bitmaps;
    offer.join_bitmaps = found.join_bitmaps;
}

/// Bitmaps of an index for one branch of an OR (`build_paths_for_OR`): `clauses` are the branch's, `others` hold
/// beside it.
pub(super) fn branch_bitmaps(
    planning: &Planning<'_, '_>,
    rel: &Arc<Rel>,
    base: &BaseRel,
    offer: &Offer,
    clauses: &[Arc<Restrict>],
    others: &[Arc<Restrict>],
) -> Vec<BitmapPath> {
    let maker = Maker::new(planning.root, &planning.subplan_costs, rel, base, offer);
    let facts = &planning.root.env.facts;
    if !maker.abilities.bitmap {
        return Vec::new();
    }
    let mut useful_predicate = false;
    if !offer.predicate.is_empty() && !offer.predicate_holds {
        let wanted: Vec<&Expr> = offer.predicate.iter().map(|p| &p.clause).collect();
        let other: Vec<&Expr> = others.iter().map(|r| &r.clause).collect();
        let all: Vec<&Expr> = clauses.iter().map(|r| &r.clause).chain(other.iter().copied()).collect();
        if !predicate::implied_by(facts, &wanted, &all) {
            return Vec::new();
        }
        useful_predicate = !predicate::implied_by(facts, &wanted, &other);
    }
    let mut set = ClauseSet::new(offer.index.keys.len());
    maker.matcher().add_all(clauses, &mut set);
    if set.is_empty() && !useful_predicate {
        return Vec::new();
    }
    maker.matcher().add_all(others, &mut set);
    let mut found = Vec::new();
    maker.build(&set, useful_predicate, Wanted::Bitmap, &mut Skips::default(), &mut |one| {
        if let Built::Bitmap(path) = one {
            found.push(path);
        }
    });
    found
}

/// Whether the query's conditions prove an index's predicate (`predOK` of `check_index_predicates`).
fn predicate_holds(root: &Root<'_>, rel: &Rel, wanted: &[Expr]) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let mut clauses: Vec<Arc<Restrict>> = rel.restrict.clone();
    clauses.extend(rel.join_info.iter().filter(|r| movable_to(r, rel)).cloned());
    let others = root.all_baserels - rel.relids;
    if !others.is_empty() {
        clauses.extend(generate_join_implied_equalities(root, rel.relids | others, others, rel).iter().cloned());
    }
    let clauses: Vec<&Expr> = clauses.iter().map(|r| &r.clause).collect();
    let wanted: Vec<&Expr> = wanted.iter().collect();
    predicate::implied_by(&root.env.facts, &wanted, &clauses)
}

/// The conditions that the predicate does not prove already. A table that is written or locked keeps all: they are
/// needed when a row has changed meanwhile.
fn remaining_restrict(root: &Root<'_>, rel: &Rel, base: &BaseRel, predicate: &[Expr]) -> Vec<Arc<Restrict>> {
    let top = root.top_parent.get(base.rel).copied().unwrap_or(base.rel);
    let written = root.query.modify.as_ref().is_some_and(|m| m.rel == top) || root.query.row_marks.contains(&top);
    if predicate.is_empty() || written {
        return rel.restrict.clone();
    }
    let facts = &root.env.facts;
    let known: Vec<&Expr> = predicate.iter().collect();
    let needed =
        |r: &&Arc<Restrict>| contains_mutable(facts, &r.clause) || !predicate::implied_by(facts, &[&r.clause], &known);
    rel.restrict.iter().filter(needed).cloned().collect()
}

/// `check_index_only`.
fn covers(rel: &Rel, base: &BaseRel, restrict: &[Arc<Restrict>], index: &IndexInfo) -> bool {
    let returnable =
        |attno: i16| index.include.contains(&attno) || index.keys.iter().any(|k| k.attno == attno && k.returnable);
    let mut exprs = rel.target.exprs.iter().chain(restrict.iter().map(|r| &r.clause));
    !exprs.any(|e| e.any(&mut |e| matches!(e, Expr::Var(v) if v.rel == base.rel && v.levels_up == 0 && (v.attno <= 0 || !returnable(v.attno)))))
}

/// A condition on a relation alone that no query states.
fn as_restrict(root: &Root<'_>, rel: &Rel, clause: Expr) -> Arc<Restrict> {
    let bare = Restrict {
        id: 0,
        clause: Expr::And(Vec::new()),
        is_pushed_down: true,
        pseudoconstant: false,
        outerjoin_delayed: false,
        clause_relids: rel.relids,
        required: rel.relids,
        outer_relids: Relids::EMPTY,
        nullable: Relids::EMPTY,
        left: Relids::EMPTY,
        right: Relids::EMPTY,
        can_join: false,
        merge_families: Vec::new(),
        hash_op: 0,
        or_branches: None,
        left_ec: None,
        right_ec: None,
        parent_ec: None,
        norm_selectivity: std::sync::OnceLock::new(),
        outer_selectivity: std::sync::OnceLock::new(),
        eval_cost: std::sync::OnceLock::new(),
        left_bucket: std::sync::OnceLock::new(),
        right_bucket: std::sync::OnceLock::new(),
    };
    derived(root, &bare, clause)
}

/// Paths as they are found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) plain: Vec<Arc<Path>>,
    pub(super) partial: Vec<Arc<Path>>,
    pub(super) bitmaps: Vec<BitmapPath>,
    pub(super) join_bitmaps: Vec<BitmapPath>,
}
