//! Paths of a join of two relations (`add_paths_to_joinrel`).
//!
//! In: the two sides with their paths, the kind of join, its conditions. Out: nested loops, merge joins and hash joins,
//! put to the contest in the joined relation. What the methods share is worked out once, in [`Pair`].

use std::cell::OnceCell;
use std::sync::Arc;

use super::merge::select_merge_clauses;
use super::param::joins_sides;
use super::{hash, merge, nestloop, unique};
use crate::planner::cost::costs::Costs;
use crate::planner::cost::nestloop::FirstMatch;
use crate::planner::cost::quals_cost;
use crate::planner::cost::scan::parallel_divisor;
use crate::planner::path::{JoinPath, ParamInfo, Path, PathKind, RelPaths, clamp_rows, no_keys};
use crate::planner::query::JoinType;
use crate::planner::rel::{PathKey, QualCost, Rel, Restrict, SpecialJoin};
use crate::planner::relids::Relids;
use crate::planner::root::{Planning, Root};
use crate::planner::settings::Settings;
use crate::planner::stats;

/// Two relations to be joined in this order, with what all methods share (`JoinPathExtraData`).
pub(super) struct Pair<'j, 'r, 'a> {
    pub(super) planning: &'j Planning<'r, 'a>,
    pub(super) root: &'r Root<'a>,
    pub(super) settings: &'r Settings,
    /// The join, without paths.
    pub(super) rel: Arc<Rel>,
    pub(super) outer: &'j RelPaths,
    pub(super) inner: &'j RelPaths,
    /// The join as asked for; the two unique kinds are inner joins of a side made unique.
    pub(super) asked: JoinType,
    /// The join as done.
    pub(super) kind: JoinType,
    pub(super) special: &'j SpecialJoin,
    pub(super) restrict: &'j [Arc<Restrict>],
    pub(super) restrict_cost: QualCost,
    /// Each outer row meets at most one inner row.
    pub(super) inner_unique: bool,
    /// Set where a search may end at the first match.
    pub(super) first_match: Option<FirstMatch>,
    /// Relations that may supply parameters to the join (`param_source_rels`).
    pub(super) param_sources: Relids,
    pub(super) merge_clauses: Vec<Arc<Restrict>>,
    unique: OnceCell<Option<Arc<Path>>>,
}

/// Makes every path of a join of two relations in this order that may be worth having, and puts it to the contest in
/// `joinrel`. `restrict` are the conditions of this join, `special` its limits (made up, for an inner join).
pub fn add_paths(
    planning: &Planning<'_, '_>,
    joinrel: &mut RelPaths,
    outer: &RelPaths,
    inner: &RelPaths,
    kind: JoinType,
    special: &SpecialJoin,
    restrict: &[Arc<Restrict>],
) {
    if outer.cheapest_total.is_none() || inner.cheapest_total.is_none() {
        return;
    }
    let root = planning.root;
    let enable = &root.env.settings.enable;
    let done = match kind {
        JoinType::UniqueOuter | JoinType::UniqueInner => JoinType::Inner,
        other => other,
    };
    let mut pair = Pair {
        planning,
        root,
        settings: &root.env.settings,
        rel: Arc::clone(&joinrel.rel),
        outer,
        inner,
        asked: kind,
        kind: done,
        special,
        restrict,
        restrict_cost: quals_cost(root.env, &planning.subplan_costs, restrict),
        inner_unique: false,
        first_match: None,
        param_sources: param_sources(root, &joinrel.rel),
        merge_clauses: Vec::new(),
        unique: OnceCell::new(),
    };
    pair.inner_unique = unique::is_inner_unique(&pair);
    pair.first_match = pair.first_match();
    let mut merge_allowed = true;
    if enable.mergejoin || kind == JoinType::Full {
        (pair.merge_clauses, merge_allowed) = select_merge_clauses(&pair);
    }
    if merge_allowed {
        merge::sort_inner_and_outer(&pair, joinrel);
        nestloop::match_unsorted_outer(&pair, joinrel);
    }
    if enable.hashjoin || kind == JoinType::Full {
        hash::hash_inner_and_outer(&pair, joinrel);
    }
}

/// Joins that some limit keeps below may take parameters from anywhere but the other side of the limit.
fn param_sources(root: &Root<'_>, rel: &Rel) -> Relids {
    let join = rel.relids;
    let mut sources = rel.lateral;
    for special in &root.special_joins {
        if join.overlaps(special.min_right) && !join.overlaps(special.min_left) {
            sources = sources | (root.all_baserels - special.min_right);
        }
        if special.kind == JoinType::Full && join.overlaps(special.min_left) && !join.overlaps(special.min_right) {
            sources = sources | (root.all_baserels - special.min_left);
        }
    }
    sources
}

/// Whether the rows of one side that match nothing are kept, by kind (`IS_OUTER_JOIN`).
pub(super) fn is_outer_join(kind: JoinType) -> bool {
    matches!(kind, JoinType::Left | JoinType::Full | JoinType::Right | JoinType::Anti | JoinType::RightAnti)
}

/// Whether a path takes parameters from a relation (`PATH_PARAM_BY_REL`).
pub(super) fn takes_from(path: &Path, rel: &RelPaths) -> bool {
    path.required_outer().overlaps(rel.rel.relids)
}

/// The cheapest path that takes no parameters and may run in a worker (`get_cheapest_parallel_safe_total_inner`).
pub(super) fn cheapest_safe(paths: &RelPaths) -> Option<&Arc<Path>> {
    paths.paths.iter().find(|p| p.parallel_safe && p.param.is_none())
}

/// Inputs chosen for a join.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'p> {
    pub(super) outer: &'p Arc<Path>,
    pub(super) inner: &'p Arc<Path>,
}

impl Pair<'_, '_, '_> {
    fn first_match(&self) -> Option<FirstMatch> {
        if !matches!(self.asked, JoinType::Semi | JoinType::Anti) && !self.inner_unique {
            return None;
        }
        let key = (self.outer.rel.relids, self.inner.rel.relids, self.asked);
        let known = self.root.memo.semi_factors.borrow().get(&key).copied();
        let (matched, matches) = known.unwrap_or_else(|| {
            let factors = stats::semi_join_factors(
                self.root,
                &self.outer.rel,
                &self.inner.rel,
                self.asked,
                self.special,
                self.restrict,
            );
            self.root.memo.semi_factors.borrow_mut().insert(key, factors);
            factors
        });
        Some(FirstMatch { matched, matches })
    }

    /// Whether a condition decides which rows match, rather than filtering what an outer join made.
    pub(super) fn is_own(&self, restrict: &Restrict) -> bool {
        !is_outer_join(self.asked) || !restrict.is_filter_at(self.rel.relids)
    }

    /// Whether a condition compares one side with the other (`clause_sides_match_join`).
    pub(super) fn joins_sides(&self, restrict: &Restrict) -> bool {
        restrict.can_join && joins_sides(restrict, self.outer.rel.relids, self.inner.rel.relids)
    }

    /// The side that is to be unique, made so from its cheapest path.
    pub(super) fn unique_path(&self) -> Option<&Arc<Path>> {
        let side = if self.asked == JoinType::UniqueOuter { self.outer } else { self.inner };
        self.unique.get_or_init(|| unique::unique_path(self, side).map(Arc::new)).as_ref()
    }

    /// The order of a join whose outer input is in such an order (`build_join_pathkeys`).
    pub(super) fn join_keys(&self, outer: &[PathKey]) -> Arc<[PathKey]> {
        if outer.is_empty()
            || matches!(self.kind, JoinType::Full | JoinType::Right | JoinType::RightAnti | JoinType::RightSemi)
        {
            return no_keys();
        }
        let useful = crate::planner::prep::pathkeys::useful_pathkeys(self.root, &self.rel, outer);
        outer.get(..useful).map_or_else(no_keys, Arc::from)
    }

    /// Whether partial paths of the outer side can be joined by each worker on its own.
    pub(super) fn can_be_partial(&self) -> bool {
        self.rel.consider_parallel
            && self.asked != JoinType::UniqueOuter
            && !self.outer.partial.is_empty()
            && self.rel.lateral.is_empty()
    }

    /// Whether rows of the inner side without a match are wanted, which a worker alone cannot tell.
    pub(super) fn wants_inner_matches(&self) -> bool {
        matches!(self.asked, JoinType::Full | JoinType::Right | JoinType::RightAnti | JoinType::RightSemi)
    }

    /// What conditions cost.
    pub(super) fn quals_cost(&self, quals: &[Arc<Restrict>]) -> QualCost {
        quals_cost(self.root.env, &self.planning.subplan_costs, quals)
    }

    /// Pairs of rows that satisfy conditions, as if the join were an inner one (`approx_tuple_count`).
    pub(super) fn pairs(&self, inputs: Inputs<'_>, quals: &[Arc<Restrict>]) -> f64 {
        let selectivity: f64 = quals.iter().map(|q| self.inner_selectivity(q)).product();
        clamp_rows(selectivity * inputs.outer.rows * inputs.inner.rows)
    }

    fn inner_selectivity(&self, restrict: &Arc<Restrict>) -> f64 {
        if let Some(known) = restrict.norm_selectivity.get() {
            return *known;
        }
        let inner = SpecialJoin::inner(self.outer.rel.relids, self.inner.rel.relids);
        let one = std::slice::from_ref(restrict);
        let selectivity = stats::clauselist_selectivity(self.root, one, None, JoinType::Inner, Some(&inner));
        *restrict.norm_selectivity.get_or_init(|| selectivity)
    }

    /// Rows of a join path: per worker for a partial one.
    pub(super) fn rows(&self, param: Option<&Arc<ParamInfo>>, workers: u32) -> f64 {
        let all = param.map_or(self.rel.rows, |p| p.rows);
        if workers > 0 { clamp_rows(all / parallel_divisor(self.settings, workers)) } else { all }
    }

    /// A join's path.
    pub(super) fn path(&self, inputs: Inputs<'_>, made: Made, kind: impl FnOnce(JoinPath) -> PathKind) -> Path {
        let join = JoinPath { kind: self.kind, outer: Arc::clone(inputs.outer), inner: Arc::clone(inputs.inner) };
        Path {
            kind: kind(join),
            relids: self.rel.relids,
            target: Arc::clone(&self.rel.target),
            rows: made.rows,
            startup_cost: made.costs.startup,
            total_cost: made.costs.total,
            disabled_nodes: made.costs.disabled_nodes,
            pathkeys: made.pathkeys,
            param: made.param,
            parallel_aware: made.parallel_aware,
            parallel_safe: self.rel.consider_parallel && inputs.outer.parallel_safe && inputs.inner.parallel_safe,
            workers: inputs.outer.workers,
        }
    }
}

/// What a method works out for a path.
pub(super) struct Made {
    pub(super) rows: f64,
    pub(super) costs: Costs,
    pub(super) pathkeys: Arc<[PathKey]>,
    pub(super) param: Option<Arc<ParamInfo>>,
    pub(super) parallel_aware: bool,
}
