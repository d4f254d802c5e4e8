//! One query level in planning: [`Root`] (`PlannerInfo`, as far as no configuration touches it) and [`Planning`] (what
//! one configuration adds).

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::env::{Env, IndexInfo, IndexRef};
use super::expr::Expr;
use super::join::JoinOrder;
use super::known::Known;
use super::path::{ParamInfo, Path, RelPaths};
use super::query::{JoinType, Query, SortGroup};
use super::rel::{EcId, EquivalenceClass, PathKey, Rel, Restrict, SpecialJoin};
use super::relids::{RelId, Relids};
use super::scan::Offer;
use super::upper::Targets;
use crate::snapshot::{AttrNumber, Oid, Table};

/// One query level, prepared: everything that does not depend on the configuration.
#[derive(Debug)]
pub struct Root<'a> {
    /// What all statements share.
    pub env: &'a Env<'a>,
    /// The query after preprocessing: subqueries pulled up, quals in place. Inheritance children are appended to its
    /// range table, beyond the entries of the join tree.
    pub query: Query,
    /// For each range-table entry, its topmost parent (itself for all but inheritance children).
    pub top_parent: Vec<RelId>,
    /// Base relations by range-table position; `None` for entries that are not in the join tree, and for children
    /// (they are in their parent's [`super::rel::BaseRel::children`]).
    pub rels: Vec<Option<Arc<Rel>>>,
    /// Every base relation in the join tree.
    pub all_baserels: Relids,
    /// Equivalence classes.
    pub ecs: Vec<EquivalenceClass>,
    /// Limits on join order.
    pub special_joins: Vec<SpecialJoin>,
    /// What is joined in which groups (`joinlist` of `deconstruct_jointree`).
    pub join_list: Vec<JoinListItem>,
    /// Clauses of full joins and the like that are neither restrictions nor in a class are in the relations; this is
    /// every one ever made, by [`Restrict::id`].
    pub restricts: Vec<Arc<Restrict>>,
    /// Where each column is needed, as relations that must be joined to use it; with [`TOP`] among them if above all
    /// joins (`attr_needed`).
    pub attr_needed: FxHashMap<(RelId, AttrNumber), Relids>,
    /// For each range-table entry that is an inheritance child: its columns' numbers in its topmost parent, by
    /// attno - 1.
    pub parent_columns: Vec<Option<Arc<[AttrNumber]>>>,
    /// Orders that matter above the joins.
    pub wanted: WantedOrders,
    /// The share of the rows that will be fetched: 0 for all, below 1 a fraction, else a number of rows
    /// (`tuple_fraction`).
    pub tuple_fraction: f64,
    /// LIMIT plus OFFSET where both are known, else -1 (`limit_tuples`).
    pub limit_tuples: f64,
    /// Blocks of all base tables (`total_table_pages`).
    pub total_table_pages: f64,
    /// Values that come from enclosing levels or siblings, by [`super::expr::ParamSource::Exec`] number.
    pub exec_params: Vec<ExecParam>,
    /// Subqueries in expressions.
    pub subplans: Vec<SubPlan<'a>>,
    /// Subqueries in FROM that were not pulled up, by range-table position.
    pub subqueries: FxHashMap<RelId, Box<Root<'a>>>,
    /// WITH queries that are materialised here.
    pub ctes: Vec<CteRoot<'a>>,
    /// Whether workers may be used at all (`parallelModeOK`).
    pub parallel_ok: bool,
    /// What was not modelled, in sentence fragments.
    pub notes: RefCell<Vec<String>>,
    /// Remembered answers that do not depend on the configuration.
    pub memo: Memo<'a>,
}

/// Orders that matter above the joins.
#[derive(Debug, Clone, Default)]
pub struct WantedOrders {
    /// What the scans and joins should deliver if they can (`query_pathkeys`).
    pub query: Vec<PathKey>,
    /// GROUP BY.
    pub group: Vec<PathKey>,
    /// The first window's.
    pub window: Vec<PathKey>,
    /// DISTINCT.
    pub distinct: Vec<PathKey>,
    /// ORDER BY.
    pub sort: Vec<PathKey>,
    /// Set operations' (17+).
    pub setop: Vec<PathKey>,
    /// GROUP BY items with redundant ones removed (`processed_groupClause`).
    pub processed_group: Vec<SortGroup>,
    /// DISTINCT items with redundant ones removed.
    pub processed_distinct: Vec<SortGroup>,
}

/// An entry of a join list.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinListItem {
    /// A relation.
    Rel(RelId),
    /// A group to be joined first.
    List(Vec<JoinListItem>),
}

/// A value from outside the level.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecParam {
    /// What it stands for, at the level that supplies it.
    pub expr: Expr,
    /// How many levels up that is; 0 for a lateral reference within this level's parent FROM.
    pub levels_up: u32,
}

/// A subquery in an expression.
#[derive(Debug)]
pub struct SubPlan<'a> {
    /// Its level.
    pub root: Box<Root<'a>>,
    /// How it is used.
    pub kind: SubPlanKind,
    /// Evaluated once (an initplan), rather than for each row.
    pub uncorrelated: bool,
    /// For ANY: the comparison can be done by a hash table (`testexpr_is_hashable`).
    pub hashable: bool,
}

/// How a subquery in an expression is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `SubLinkType`")]
pub enum SubPlanKind {
    Exists,
    Any,
    All,
    Expr,
    Array,
}

/// A WITH query that is computed once.
#[derive(Debug)]
pub struct CteRoot<'a> {
    /// Its name.
    pub name: String,
    /// Its level. For a recursive one, the level whose set operation has the recursive reference.
    pub root: Box<Root<'a>>,
    /// Refers to itself.
    pub recursive: bool,
}

/// Stands in [`Root::attr_needed`] for everything above the joins (relation 0 in `attr_needed`).
pub const TOP: RelId = Relids::CAPACITY - 1;

/// Which clause was derived from a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DerivedKey {
    /// The class.
    pub ec: EcId,
    /// Member on the left.
    pub left: usize,
    /// Member on the right.
    pub right: usize,
    /// The inheritance child whose columns stand for its parent's.
    pub child: Option<RelId>,
    /// Whether any other clause of the class serves as well (`parent_ec` is set).
    pub redundant: bool,
}

/// A shared list of conditions.
pub type Restricts = Arc<Vec<Arc<Restrict>>>;

/// The sides of a join, and its kind.
pub type JoinedSides = (Relids, Relids, JoinType);

/// A merge condition, by number, with the order of the merge: family, descending, nulls first.
pub type MergeOrder = (usize, Oid, bool, bool);

/// Conditions by number that parameterise a path, relations that ask, and the bits of how often they do.
pub type CacheKeys = ([usize; 2], Relids, u64);

/// Remembered answers that do not depend on the configuration. One thread uses a [`Root`] at a time.
#[derive(Debug, Default)]
pub struct Memo<'a> {
    /// Join relations by members.
    pub joins: RefCell<FxHashMap<Relids, Arc<Rel>>>,
    /// Join clauses by the two sides.
    pub join_clauses: RefCell<FxHashMap<(Relids, Relids), Restricts>>,
    /// Clauses derived from equivalence classes.
    pub derived: RefCell<FxHashMap<DerivedKey, Arc<Restrict>>>,
    /// What parameterised scans need, by relation and supplying relations.
    pub param_infos: RefCell<FxHashMap<(RelId, Relids), Arc<ParamInfo>>>,
    /// Foreign keys along which the query joins.
    pub foreign_keys: std::cell::OnceCell<Vec<super::stats::Link>>,
    /// Matched share and matches of joins that may end at the first match, by sides and kind.
    pub semi_factors: RefCell<FxHashMap<JoinedSides, (f64, f64)>>,
    /// `stats::merge_scan_selectivity` by condition, family, direction and place of nulls.
    pub merge_scans: RefCell<FxHashMap<MergeOrder, (f64, f64, f64, f64)>>,
    /// Distinct keys that so many calls of a Memoize ask for and the bytes of a key, by the conditions (two at most) with
    /// the side that asks, and the bits of the number of calls.
    pub cache_keys: RefCell<FxHashMap<CacheKeys, (f64, f64)>>,
    /// Rows of a semi join's right side once made unique.
    pub unique_rows: RefCell<FxHashMap<Relids, f64>>,
    /// What an index offers a relation, given the costs of the subqueries in expressions ([`Planning::below`]).
    pub offers: RefCell<FxHashMap<(RelId, IndexRef, u64), Arc<Offer>>>,
    /// Path sets.
    pub known: Known,
    /// In which order relations are joined, by the relations to be joined.
    pub join_orders: RefCell<FxHashMap<Vec<Relids>, Arc<JoinOrder>>>,
    /// What each stage computes.
    pub targets: OnceCell<Arc<Targets>>,
    /// The next [`Restrict::id`].
    pub next_restrict: std::cell::Cell<usize>,
    /// Levels that read one extreme each, where the level's aggregates are extremes only.
    pub minmax: OnceCell<Option<Vec<Root<'a>>>>,
}

impl<'a> Root<'a> {
    /// The table behind a range-table entry.
    pub fn table(&self, rel: RelId) -> Option<&'a Table> {
        match self.query.rtable.get(rel)?.kind {
            super::query::RteKind::Table(oid) => self.env.snapshot.catalog.table(oid),
            _ => None,
        }
    }

    /// A base relation.
    pub fn rel(&self, rel: RelId) -> Option<&Arc<Rel>> {
        self.rels.get(rel)?.as_ref()
    }

    /// Records that something was not modelled as the server does it.
    pub fn note(&self, reason: impl Into<String>) {
        let reason = reason.into();
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&reason) {
            notes.push(reason);
        }
    }

    /// The levels below.
    fn levels_below(&self) -> impl Iterator<Item = &Root<'a>> {
        let subplans = self.subplans.iter().map(|s| &*s.root);
        let ctes = self.ctes.iter().map(|c| &*c.root);
        let extremes = self.memo.minmax.get().and_then(Option::as_ref).into_iter().flatten();
        subplans.chain(ctes).chain(extremes).chain(self.subqueries.values().map(|r| &**r))
    }

    /// How many path sets it and the levels below it remember.
    pub fn known_sets(&self) -> usize {
        self.memo.known.len() + self.levels_below().map(Root::known_sets).sum::<usize>()
    }

    /// Forgets all path sets. Answers stay what they are.
    pub fn forget_sets(&self) {
        self.memo.known.forget();
        for level in self.levels_below() {
            level.forget_sets();
        }
    }

    /// A class after following merges.
    pub fn canonical_ec(&self, mut ec: EcId) -> EcId {
        while let Some(next) = self.ecs.get(ec).and_then(|e| e.merged) {
            ec = next;
        }
        ec
    }
}

/// Which indexes are assumed present: for each table, in the order in which the planner sees them (existing ones by
/// oid, then candidates by id; hidden ones left out).
#[derive(Debug, Default)]
pub struct ActiveIndexes {
    tables: FxHashMap<Oid, Vec<Arc<IndexInfo>>>,
}

impl ActiveIndexes {
    /// Sets a table's indexes.
    pub fn set(&mut self, table: Oid, indexes: Vec<Arc<IndexInfo>>) {
        self.tables.insert(table, indexes);
    }

    /// A table's indexes.
    pub fn of(&self, table: Oid) -> &[Arc<IndexInfo>] {
        self.tables.get(&table).map_or(&[], Vec::as_slice)
    }
}

/// One level's planning under one configuration.
#[derive(Debug)]
pub struct Planning<'r, 'a> {
    /// The level.
    pub root: &'r Root<'a>,
    /// The configuration.
    pub indexes: &'r ActiveIndexes,
    /// Base relations with their paths, by range-table position.
    pub base: Vec<Option<Arc<RelPaths>>>,
    /// What each subquery in an expression costs, by position in [`Root::subplans`].
    pub subplan_costs: Vec<SubPlanCost>,
    /// Stands for all of these costs: equal numbers, equal costs. 0 where there is no such subquery.
    pub below: u64,
    /// Subqueries in FROM: the final relation of each, by range-table position.
    pub subquery_rels: FxHashMap<RelId, Arc<RelPaths>>,
    /// Materialised WITH queries in scope, by name, this level's and the enclosing levels': their chosen paths.
    pub cte_paths: Vec<(String, Arc<Path>)>,
}

/// What a subquery in an expression costs (`cost_subplan`).
#[derive(Debug, Clone)]
pub struct SubPlanCost {
    /// Once.
    pub startup: f64,
    /// Per evaluation.
    pub per_call: f64,
    /// The plan.
    pub path: Arc<Path>,
}
