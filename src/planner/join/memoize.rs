//! Remembering the inner rows of a nested loop by the outer values that they depend on (`get_memoize_path`, 14+).

use std::sync::Arc;

use super::paths::{Inputs, Pair};
use crate::planner::cost::memoize;
use crate::planner::expr::Expr;
use crate::planner::exprs::contains_volatile;
use crate::planner::facts::Facts;
use crate::planner::path::{ParamInfo, Path, PathKind};
use crate::planner::query::{JoinType, RteKind};
use crate::planner::{Restrict, stats};
use crate::snapshot::{IndexMethod, Oid};

/// A Memoize over the inner path, if one is possible and may pay.
pub(super) fn memoize_path(pair: &Pair<'_, '_, '_>, inputs: Inputs<'_>) -> Option<Arc<Path>> {
    let Inputs { outer, inner } = inputs;
    let settings = pair.settings;
    let param = inner.param.as_ref()?;
    if !settings.enable.memoize || settings.major < 14 || pair.outer.rel.rows < 2.0 {
        return None;
    }
    if param.clauses.is_empty() && pair.inner.rel.direct_lateral.is_empty() {
        return None;
    }
    // A search that ends at the first match does not see all the rows of a key, unless the key is the whole condition
    // and the match is the only one.
    let ends_early = matches!(pair.kind, JoinType::Semi | JoinType::Anti) && !pair.inner_unique;
    if ends_early || (pair.inner_unique && param.clauses.len() < pair.restrict.len()) {
        return None;
    }
    let facts = &pair.root.env.facts;
    if has_volatile(pair, facts, param) {
        return None;
    }
    let keys = cache_keys(pair, facts, param)?;
    let (distinct, width) = remembered(pair, param, outer.rows, || distinct_keys(pair, &keys, outer.rows));
    let rescan = memoize::rescan(settings, inner, outer.rows, distinct, width);
    Some(Arc::new(Path {
        kind: PathKind::Memoize { input: Arc::clone(inner), rescan },
        startup_cost: inner.startup_cost + settings.cpu_tuple_cost,
        total_cost: inner.total_cost + settings.cpu_tuple_cost,
        parallel_aware: false,
        parallel_safe: pair.inner.rel.consider_parallel && inner.parallel_safe,
        ..Path::clone(inner)
    }))
}

fn has_volatile(pair: &Pair<'_, '_, '_>, facts: &Facts, param: &ParamInfo) -> bool {
    let volatile = |r: &Arc<Restrict>| contains_volatile(facts, &r.clause);
    pair.inner.rel.restrict.iter().any(volatile)
        || param.clauses.iter().any(volatile)
        || pair.inner.rel.target.exprs.iter().any(|e| contains_volatile(facts, e))
}

/// The outer side's operands of the conditions that parameterise the path (`paraminfo_get_equal_hashops`).
fn cache_keys<'k>(pair: &'k Pair<'_, '_, '_>, facts: &Facts, param: &'k ParamInfo) -> Option<Vec<&'k Expr>> {
    let mut keys: Vec<&Expr> = Vec::new();
    for restrict in &param.clauses {
        let (left, right) = restrict.operands()?;
        if !pair.joins_sides(restrict) {
            return None;
        }
        let key = if restrict.left.is_subset(pair.outer.rel.relids) { left } else { right };
        if !is_hashable(facts, key.ty()) {
            return None;
        }
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    for var in lateral_vars(pair) {
        if !is_hashable(facts, var.ty()) {
            return None;
        }
        if !keys.contains(&var) {
            keys.push(var);
        }
    }
    (!keys.is_empty()).then_some(keys)
}

/// Columns that a subquery or function on the inner side takes from relations beside it (`lateral_vars`).
fn lateral_vars<'k>(pair: &'k Pair<'_, '_, '_>) -> Vec<&'k Expr> {
    let mut found = Vec::new();
    let Some(base) = pair.inner.rel.base().filter(|_| !pair.inner.rel.direct_lateral.is_empty()) else { return found };
    if let Some(level) = pair.root.subqueries.get(&base.rel) {
        found.extend(level.exec_params.iter().filter(|p| p.levels_up == 0).map(|p| &p.expr));
    } else if let Some(RteKind::Function { calls, .. }) = pair.root.query.rtable.get(base.rel).map(|e| &e.kind) {
        for call in calls {
            call.collect_vars(false, &mut found);
        }
    }
    found
}

/// Whether values of a type can be hashed (`TYPECACHE_HASH_PROC` and `TYPECACHE_EQ_OPR`).
fn is_hashable(facts: &Facts, ty: Oid) -> bool {
    let Some(fact) = facts.ty(ty) else { return false };
    if fact.element != 0 && fact.len == -1 {
        return is_hashable(facts, fact.element);
    }
    match fact.kind {
        'd' => is_hashable(facts, fact.base),
        'e' | 'r' | 'm' => true,
        _ => facts.default_opclass(IndexMethod::Hash, ty).is_some() || fact.category == 'S',
    }
}

/// What `find` gives, from memory if it was asked before.
fn remembered(pair: &Pair<'_, '_, '_>, param: &ParamInfo, calls: f64, find: impl FnOnce() -> (f64, f64)) -> (f64, f64) {
    let clauses = if pair.inner.rel.direct_lateral.is_empty() { param.clauses.as_slice() } else { &[] };
    let ids = match clauses {
        [one] => [one.id, one.id],
        [one, two] => [one.id, two.id],
        _ => return find(),
    };
    let name = (ids, pair.outer.rel.relids, calls.to_bits());
    let memo = &pair.root.memo.cache_keys;
    let known = memo.borrow().get(&name).copied();
    known.unwrap_or_else(|| {
        let found = find();
        memo.borrow_mut().insert(name, found);
        found
    })
}

/// How many different keys so many outer rows ask for, and the bytes of a key. Where that is a guess, each asks for
/// its own.
fn distinct_keys(pair: &Pair<'_, '_, '_>, keys: &[&Expr], calls: f64) -> (f64, f64) {
    let width = keys.iter().map(|k| f64::from(stats::expr_width(pair.root, k))).sum();
    if keys.iter().any(|k| stats::distinct_values(pair.root, k).1) {
        return (calls, width);
    }
    let exprs: Vec<Expr> = keys.iter().copied().cloned().collect();
    (stats::num_groups(pair.root, &exprs, calls), width)
}
