//! A query rewritten into the one that is planned: fewer levels, fewer outer joins, simpler conditions.
//!
//! In: a query level as analysis leaves it. Out: the same level with WITH queries inlined, EXISTS and IN made semi
//! joins, simple subqueries merged, outer joins reduced, conditions in their canonical form (prepjointree.c,
//! prepqual.c, `inline_cte`, `remove_useless_joins`). Subqueries that stay are not looked into: they go through here
//! when their own level is prepared.

mod canonical;
mod cte;
mod merge;
mod outer;
pub(super) mod sublinks;
mod subqueries;
mod useless;

use crate::planner::env::Env;
use crate::planner::exprs::{contains_aggs, contains_subplans, contains_volatile};
use crate::planner::query::{FromExpr, JoinTree, Query};

/// Rewrites a level.
pub fn simplify(env: &Env<'_>, mut query: Query) -> Query {
    cte::inline(env, &mut query);
    merge_levels(env, &mut query);
    having_to_where(env, &mut query);
    let mut jointree = std::mem::take(&mut query.jointree);
    canonical::in_jointree(&mut jointree);
    query.jointree = jointree;
    query.having = canonical::quals(std::mem::take(&mut query.having));
    outer::reduce(env, &mut query);
    useless::remove(env, &mut query);
    query
}

/// Pulls up what can be, from the lowest level on.
fn merge_levels(env: &Env<'_>, query: &mut Query) {
    sublinks::pull_up(env, query);
    subqueries::pull_up(env, query);
}

/// HAVING conditions that need no groups are conditions on rows (`subquery_planner`).
fn having_to_where(env: &Env<'_>, query: &mut Query) {
    if query.having.is_empty() || query.grouping_sets.is_some() {
        return;
    }
    let mut kept = Vec::new();
    for qual in std::mem::take(&mut query.having) {
        let needs_groups = contains_aggs(&qual) || contains_volatile(&env.facts, &qual) || contains_subplans(&qual);
        if needs_groups {
            kept.push(qual);
        } else if query.group.is_empty() {
            // Without groups there is one row even if no row passes: check both times.
            query.jointree.quals.push(qual.clone());
            kept.push(qual);
        } else {
            query.jointree.quals.push(qual);
        }
    }
    query.having = kept;
}

/// A join tree's node of several as one.
fn from(items: Vec<JoinTree>, quals: Vec<crate::planner::Expr>) -> JoinTree {
    JoinTree::From(Box::new(FromExpr { items, quals }))
}
