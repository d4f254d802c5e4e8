//! One level from its subqueries to its final relation (`subquery_planner`, `grouping_planner`).

use std::cmp::Ordering;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{build, distinct, grouping, minmax, order, setops, subplan, targets, upper_rel, window};
use crate::planner::known::Made;
use crate::planner::path::{Attached, LevelRef, Path, PathKind, RelPaths, compare_fractional, no_keys};
use crate::planner::query::{Command, Query};
use crate::planner::rel::QualCost;
use crate::planner::root::{ActiveIndexes, Planning, Root};
use crate::planner::{cost, join, prep, scan};

/// Plans a level.
pub(super) fn plan<'r>(
    root: &'r Root<'_>,
    indexes: &'r ActiveIndexes,
    enclosing: Option<&Planning<'_, '_>>,
) -> Option<Arc<RelPaths>> {
    let mut planning = Planning {
        root,
        indexes,
        base: root.rels.iter().map(|_| None).collect(),
        subplan_costs: Vec::new(),
        below: 0,
        subquery_rels: FxHashMap::default(),
        cte_paths: enclosing.map_or_else(Vec::new, |e| e.cte_paths.clone()),
    };
    let mut attached: Vec<Attached> = Vec::new();
    let mut init_cost = 0.0;
    let mut made = Made::level();
    for (i, cte) in root.ctes.iter().enumerate() {
        let rel = plan(&cte.root, indexes, Some(&planning))?;
        let path = Arc::clone(rel.cheapest_total.as_ref()?);
        init_cost += path.total_cost;
        made.add(rel.number);
        attached.push(Attached { level: LevelRef::Cte(i), path: Some(Arc::clone(&path)), below: rel.attached.clone() });
        planning.cte_paths.push((cte.name.clone(), path));
    }
    let mut numbers = Vec::new();
    for (i, sub) in root.subplans.iter().enumerate() {
        let rel = plan(&sub.root, indexes, Some(&planning))?;
        let costed = subplan::cost(root, sub, &rel)?;
        let once = subplan::is_initplan(sub);
        if once {
            init_cost += costed.startup + costed.per_call;
        }
        let path = Some(Arc::clone(&costed.path));
        attached.push(Attached { level: LevelRef::SubPlan(i, once), path, below: rel.attached.clone() });
        planning.subplan_costs.push(costed);
        numbers.push(rel.number);
    }
    planning.below = root.memo.known.together(numbers);
    made.add(planning.below);
    let mut derived: Vec<_> = root.subqueries.keys().copied().collect();
    derived.sort_unstable();
    for rel in derived {
        if let Some(sub) = root.subqueries.get(&rel) {
            let paths = plan(sub, indexes, Some(&planning))?;
            made.add(paths.number);
            let below = paths.attached.clone();
            attached.push(Attached { level: LevelRef::Subquery(rel), path: None, below });
            planning.subquery_rels.insert(rel, paths);
        }
    }
    for rel in root.all_baserels.iter() {
        scan::base_paths(&mut planning, rel);
        made.add(planning.base.get(rel).and_then(Option::as_ref).map_or(0, |paths| paths.number));
    }
    let extremes = minmax::levels(&planning);
    for rel in extremes.iter().flatten() {
        made.add(rel.number);
    }
    if let Some(known) = root.memo.known.find(&made) {
        return Some(known);
    }
    let mut last = if root.query.set_operations.is_some() {
        let rel = setops::plan(&mut planning)?;
        finish(&planning, order_if_wanted(&planning, rel))
    } else {
        let joined = scan_and_join(&planning)?;
        above_joins(&planning, joined, extremes.as_deref())?
    };
    charge(&mut last, init_cost);
    last.attached = attached;
    last.set_cheapest();
    Some(root.memo.known.keep(made, last))
}

/// Joins of the base relations, whose paths are there (`query_planner`).
fn scan_and_join(planning: &Planning<'_, '_>) -> Option<RelPaths> {
    let root = planning.root;
    if root.all_baserels.is_empty() {
        // Nothing in FROM: one row, if the conditions hold.
        let target = build::target(planning, Vec::new(), Vec::new());
        let mut quals = QualCost::default();
        for qual in &root.query.jointree.quals {
            quals = quals + cost::expr_cost(root.env, &planning.subplan_costs, qual);
        }
        let mut rel = upper_rel(planning, &target, false);
        rel.add(build::result(&root.env.settings, &target, quals));
        rel.set_cheapest();
        return Some(rel);
    }
    join::search(planning).map(|paths| RelPaths::clone(&paths))
}

/// Everything above the joins.
fn above_joins(planning: &Planning<'_, '_>, mut rel: RelPaths, extremes: Option<&[Arc<RelPaths>]>) -> Option<RelPaths> {
    let query = &planning.root.query;
    let targets = targets::Targets::of(planning);
    targets::apply_scan_join(planning, &mut rel, &targets.scan_join);
    rel.cheapest_total.as_ref()?;
    if targets.grouping_needed {
        let minmax = extremes.and_then(|levels| minmax::path(planning, levels, &targets.grouping));
        rel = grouping::rel(planning, &rel, &targets.grouping, minmax);
        targets::split_sets(planning, &mut rel, &targets.grouping);
    }
    if !query.windows.is_empty() && query.has_window_funcs {
        rel = window::rel(planning, &rel, &targets.sort_input);
        targets::split_sets(planning, &mut rel, &targets.sort_input);
    }
    if !query.distinct.is_empty() {
        rel = distinct::rel(planning, &rel);
    }
    if !query.sort.is_empty() {
        rel = order::rel(planning, &rel, &targets.last);
        targets::split_sets(planning, &mut rel, &targets.last);
    }
    Some(finish(planning, rel))
}

fn order_if_wanted(planning: &Planning<'_, '_>, rel: RelPaths) -> RelPaths {
    if planning.root.query.sort.is_empty() {
        return rel;
    }
    let target = Arc::clone(&rel.rel.target);
    order::rel(planning, &rel, &target)
}

/// Row locks, LIMIT and the write.
fn finish(planning: &Planning<'_, '_>, rel: RelPaths) -> RelPaths {
    let root = planning.root;
    let query = &root.query;
    let (count, offset) = prep::limit_and_offset(query);
    let mut last = upper_rel(planning, &rel.rel.target, rel.rel.consider_parallel);
    for path in &rel.paths {
        let mut path = Arc::clone(path);
        if !query.row_marks.is_empty() {
            path = Arc::new(build::lock_rows(&root.env.settings, &path));
        }
        if offset != 0.0 || count != 0.0 {
            path = Arc::new(build::limit(&path, offset, count));
        }
        if let Some(modify) = &query.modify {
            let operation = match query.command {
                Command::Update => "Update",
                Command::Delete => "Delete",
                Command::Merge => "Merge",
                Command::Insert | Command::Select => "Insert",
            };
            let kind = PathKind::ModifyTable { operation, input: Arc::clone(&path) };
            let mut write = build::node(&path, kind);
            if modify.returning.is_empty() {
                write.rows = 0.0;
            }
            write.parallel_safe = false;
            write.pathkeys = no_keys();
            path = Arc::new(write);
        }
        last.add_shared(&path);
    }
    // A level below another may hand on its partial paths: a set operation appends them.
    if last.rel.consider_parallel && query.modify.is_none() && offset == 0.0 && count == 0.0 {
        last.partial = rel.partial;
    }
    last
}

/// LIMIT plus OFFSET, where both are known: how many rows a sort on top has to give; -1 otherwise.
pub(super) fn wanted_rows(query: &Query) -> f64 {
    let (count, offset) = prep::limit_and_offset(query);
    if count > 0.0 && offset >= 0.0 { count + offset } else { -1.0 }
}

/// Adds what the initplans cost to every path (`SS_charge_for_initplans`).
fn charge(rel: &mut RelPaths, cost: f64) {
    if cost <= 0.0 {
        return;
    }
    for path in &mut rel.paths {
        let path = Arc::make_mut(path);
        path.startup_cost += cost;
        path.total_cost += cost;
        path.parallel_safe = false;
    }
    rel.partial.clear();
}

/// The path that is cheapest for the share of rows wanted (`get_cheapest_fractional_path`): a number of rows where
/// `fraction` is 1 or more, all of them where it is 0.
pub fn best_path(rel: &RelPaths, fraction: f64) -> Option<&Arc<Path>> {
    let mut best = rel.cheapest_total.as_ref()?;
    if fraction <= 0.0 {
        return Some(best);
    }
    let fraction = if fraction >= 1.0 && best.rows > 0.0 { fraction / best.rows } else { fraction };
    for path in rel.paths.iter().filter(|p| p.param.is_none()) {
        if compare_fractional(best, path, fraction) == Ordering::Greater {
            best = path;
        }
    }
    Some(best)
}
