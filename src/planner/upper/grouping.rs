//! GROUP BY and aggregates (`create_ordinary_grouping_paths`, `add_paths_to_grouping_rel`).

use std::sync::Arc;

use super::agg_cost::{self, AggCosts, AggInput, Having, cost_agg};
use super::{build, partial_grouping, upper_rel};
use crate::planner::cost;
use crate::planner::cost::costs::Costs;
use crate::planner::expr::{Aggref, Expr};
use crate::planner::path::{AggSplit, AggStrategy, Path, PathKind, RelPaths, clamp_rows, no_keys, pathkeys_common};
use crate::planner::query::JoinType;
use crate::planner::rel::{PathKey, PathTarget};
use crate::planner::root::Planning;
use crate::planner::stats;

/// What grouping is to be done, and how it may be.
pub(super) struct Grouping<'p> {
    pub(super) aggs: Vec<&'p Aggref>,
    /// Costs of a whole aggregation.
    pub(super) costs: AggCosts,
    pub(super) having: Having,
    /// GROUP BY expressions.
    pub(super) exprs: Vec<Expr>,
    pub(super) can_sort: bool,
    pub(super) can_hash: bool,
    pub(super) target: Arc<PathTarget>,
}

/// The grouped relation. `minmax` is a plan that reads extremes off indexes instead.
pub(super) fn rel(
    planning: &Planning<'_, '_>,
    input: &RelPaths,
    target: &Arc<PathTarget>,
    minmax: Option<Path>,
) -> RelPaths {
    let query = &planning.root.query;
    let mut grouped = upper_rel(planning, target, input.rel.consider_parallel);
    if let Some(path) = minmax {
        grouped.add(path);
    }
    let grouping = Grouping::of(planning, target);
    let Some(cheapest) = input.cheapest_total.as_ref() else { return grouped };
    let groups = grouping.groups(planning, cheapest.rows);
    let partial = partial_grouping::rel(planning, input, &grouping);
    if let Some(sets) = &query.grouping_sets {
        for path in grouping_sets(planning, &grouping, sets, cheapest) {
            grouped.add(path);
        }
        grouped.set_cheapest();
        return grouped;
    }
    if grouping.can_sort {
        for path in ordered(planning, input, &planning.root.wanted.group, -1.0) {
            grouped.add(grouping.sorted(planning, &path, groups, AggSplit::Simple, &grouping.costs));
        }
        if let Some(partial) = &partial {
            let costs = agg_cost::clause_costs(planning, &grouping.aggs, AggSplit::Finalize);
            for path in ordered(planning, partial, &planning.root.wanted.group, -1.0) {
                grouped.add(grouping.sorted(planning, &path, groups, AggSplit::Finalize, &costs));
            }
        }
    }
    if grouping.can_hash {
        grouped.add(grouping.hashed(planning, cheapest, groups, AggSplit::Simple, &grouping.costs));
        if let Some(path) = partial.as_ref().and_then(|p| p.cheapest_total.as_ref()) {
            let costs = agg_cost::clause_costs(planning, &grouping.aggs, AggSplit::Finalize);
            grouped.add(grouping.hashed(planning, path, groups, AggSplit::Finalize, &costs));
        }
    }
    grouped.set_cheapest();
    grouped
}

impl<'p> Grouping<'p> {
    fn of(planning: &'p Planning<'_, '_>, target: &Arc<PathTarget>) -> Self {
        let root = planning.root;
        let query = &root.query;
        let aggs = agg_cost::aggregates(query.targets.iter().map(|t| &t.expr).chain(&query.having));
        let ordered = aggs.iter().any(|a| a.distinct || !a.order_by.is_empty() || a.ordered_set);
        let clauses = &root.wanted.processed_group;
        let exprs = clauses
            .iter()
            .filter_map(|g| query.targets.iter().find(|t| t.sortgroupref == g.sortgroupref))
            .map(|t| t.expr.clone())
            .collect();
        let mut having = Having::default();
        if !query.having.is_empty() {
            let mut selectivity = 1.0;
            for qual in &query.having {
                having.cost = having.cost + cost::expr_cost(root.env, &planning.subplan_costs, qual);
                selectivity *= stats::clause_selectivity(root, qual, None, JoinType::Inner, None);
            }
            having.selectivity = Some(selectivity);
        }
        Self {
            costs: agg_cost::clause_costs(planning, &aggs, AggSplit::Simple),
            aggs,
            having,
            exprs,
            can_sort: clauses.iter().all(|g| g.sort_op != 0),
            can_hash: !query.group.is_empty() && !ordered && clauses.iter().all(|g| g.hashable),
            target: Arc::clone(target),
        }
    }

    /// Groups among so many rows (`get_number_of_groups`).
    pub(super) fn groups(&self, planning: &Planning<'_, '_>, rows: f64) -> f64 {
        let query = &planning.root.query;
        match &query.grouping_sets {
            Some(sets) => sets.iter().map(|set| self.set_groups(planning, set, rows)).sum(),
            None if query.group.is_empty() => 1.0,
            None => stats::num_groups(planning.root, &self.exprs, rows),
        }
    }

    fn set_groups(&self, planning: &Planning<'_, '_>, set: &[usize], rows: f64) -> f64 {
        let exprs: Vec<Expr> = set.iter().filter_map(|i| self.exprs.get(*i).cloned()).collect();
        if exprs.is_empty() { 1.0 } else { stats::num_groups(planning.root, &exprs, rows) }
    }

    /// Aggregation (or grouping) of sorted rows; of all rows at once without GROUP BY.
    pub(super) fn sorted(
        &self,
        planning: &Planning<'_, '_>,
        input: &Arc<Path>,
        groups: f64,
        split: AggSplit,
        costs: &AggCosts,
    ) -> Path {
        let query = &planning.root.query;
        if self.aggs.is_empty() && !query.has_aggs && !query.group.is_empty() {
            return self.group(planning, input, groups, split);
        }
        let strategy = if query.group.is_empty() { AggStrategy::Plain } else { AggStrategy::Sorted };
        self.aggregate(planning, input, strategy, groups, split, costs)
    }

    /// Aggregation by a hash table.
    pub(super) fn hashed(
        &self,
        planning: &Planning<'_, '_>,
        input: &Arc<Path>,
        groups: f64,
        split: AggSplit,
        costs: &AggCosts,
    ) -> Path {
        self.aggregate(planning, input, AggStrategy::Hashed, groups, split, costs)
    }

    /// `create_agg_path`.
    fn aggregate(
        &self,
        planning: &Planning<'_, '_>,
        input: &Arc<Path>,
        strategy: AggStrategy,
        groups: f64,
        split: AggSplit,
        costs: &AggCosts,
    ) -> Path {
        let settings = &planning.root.env.settings;
        // HAVING is checked once the groups are whole.
        let having = if split == AggSplit::Partial { Having::default() } else { self.having };
        let estimate = cost_agg(settings, strategy, costs, self.exprs.len(), groups, AggInput::from(&**input), having);
        let mut path = build::node(input, PathKind::Agg { input: Arc::clone(input), strategy, split });
        path.rows = estimate.rows;
        path.startup_cost = estimate.startup;
        path.total_cost = estimate.total;
        if estimate.disabled {
            path.disabled_nodes += 1;
        }
        if strategy != AggStrategy::Sorted {
            path.pathkeys = no_keys();
        }
        self.emit(&mut path, split);
        path
    }

    /// `create_group_path`.
    fn group(&self, planning: &Planning<'_, '_>, input: &Arc<Path>, groups: f64, split: AggSplit) -> Path {
        let settings = &planning.root.env.settings;
        let mut path = build::node(input, PathKind::Group { input: Arc::clone(input) });
        path.total_cost += settings.cpu_operator_cost * input.rows * self.exprs.len() as f64;
        path.rows = groups;
        if let (Some(selectivity), false) = (self.having.selectivity, split == AggSplit::Partial) {
            path.startup_cost += self.having.cost.startup;
            path.total_cost += self.having.cost.startup + groups * self.having.cost.per_tuple;
            path.rows = clamp_rows(groups * selectivity);
        }
        self.emit(&mut path, split);
        path
    }

    /// The node's target list.
    fn emit(&self, path: &mut Path, split: AggSplit) {
        if split == AggSplit::Partial {
            // Transition states go up; they cost nothing to hand on.
            return;
        }
        path.startup_cost += self.target.cost.startup;
        path.total_cost += self.target.cost.startup + self.target.cost.per_tuple * path.rows;
        path.target = Arc::clone(&self.target);
    }
}

/// The input's paths in an order: those that have it, the cheapest sorted, and those that have its beginning sorted
/// the rest of the way (`make_ordered_path` since 16).
pub(super) fn ordered(planning: &Planning<'_, '_>, input: &RelPaths, keys: &[PathKey], limit: f64) -> Vec<Arc<Path>> {
    let cheapest = input.cheapest_total.as_ref();
    let mut found = Vec::new();
    for path in input.paths.iter().filter(|p| p.param.is_none()) {
        let is_cheapest = cheapest.is_some_and(|c| Arc::ptr_eq(c, path));
        ordered_path(planning, path, is_cheapest, keys, limit, &mut found);
    }
    found
}

/// One path's ways into an order.
pub(super) fn ordered_path(
    planning: &Planning<'_, '_>,
    path: &Arc<Path>,
    is_cheapest: bool,
    keys: &[PathKey],
    limit: f64,
    found: &mut Vec<Arc<Path>>,
) {
    let settings = &planning.root.env.settings;
    let common = pathkeys_common(keys, &path.pathkeys);
    if common == keys.len() {
        found.push(Arc::clone(path));
        return;
    }
    let incremental = common > 0 && settings.enable.incremental_sort;
    // Before 16 the cheapest path was sorted in full as well.
    if is_cheapest && (!incremental || settings.major < 16) {
        found.push(Arc::new(build::sort(settings, path, keys, limit)));
    }
    if incremental {
        found.push(Arc::new(build::incremental_sort(planning, path, keys, common, limit)));
    }
}

/// GROUPING SETS: each set hashed by itself, and all sets from sorted input one rollup after another
/// (`consider_groupingsets_paths`, without its knapsack of what fits into memory).
fn grouping_sets(
    planning: &Planning<'_, '_>,
    grouping: &Grouping<'_>,
    sets: &[Vec<usize>],
    input: &Arc<Path>,
) -> Vec<Path> {
    planning.root.note("grouping sets are costed one by one, without sharing of sorts");
    let settings = &planning.root.env.settings;
    let mut paths = Vec::new();
    for strategy in [AggStrategy::Hashed, AggStrategy::Sorted] {
        if strategy == AggStrategy::Hashed && !grouping.can_hash {
            continue;
        }
        let mut whole: Option<Path> = None;
        for set in sets {
            let groups = grouping.set_groups(planning, set, input.rows);
            let kind = if set.is_empty() { AggStrategy::Plain } else { strategy };
            let mut source = AggInput::from(&**input);
            if whole.is_some() {
                // The rows are at hand already; a sorted set sorts them again.
                (source.startup, source.total) = (0.0, 0.0);
            }
            if kind == AggStrategy::Sorted {
                let read = Costs { disabled_nodes: 0, startup: source.startup, total: source.total };
                let sorted = cost::sort::cost_sort(settings, read, source.rows, input.target.width, 0.0, -1.0);
                (source.startup, source.total) = (sorted.startup, sorted.total);
            }
            let one = cost_agg(settings, kind, &grouping.costs, set.len(), groups, source, grouping.having);
            match &mut whole {
                None => {
                    let kind = PathKind::Agg { input: Arc::clone(input), strategy: kind, split: AggSplit::Simple };
                    let mut path = build::node(input, kind);
                    (path.startup_cost, path.total_cost, path.rows) = (one.startup, one.total, one.rows);
                    path.pathkeys = no_keys();
                    whole = Some(path);
                }
                Some(path) => {
                    path.total_cost += one.total;
                    path.rows += one.rows;
                }
            }
        }
        if let Some(mut path) = whole {
            grouping.emit(&mut path, AggSplit::Simple);
            paths.push(path);
        }
    }
    paths
}
