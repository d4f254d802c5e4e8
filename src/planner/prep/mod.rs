//! Preprocessing: a typed query in, a [`Root`] out (`subquery_planner`'s first half, `query_planner` up to
//! `make_one_rel`): subqueries and sublinks pulled up, outer joins reduced, quals distributed, equivalence classes
//! formed, base relations sized.

mod base;
mod children;
pub mod derive;
pub mod eclass;
mod grouped;
pub mod jointree;
mod links;
mod orders;
mod ors;
mod partition;
pub mod pathkeys;
mod prepare;
pub mod pull;
mod push;
pub mod restrict;
mod semi;

pub use orders::limit_and_offset;

use super::env::Env;
use super::expr::Expr;
use super::query::RteKind;
use super::root::Root;
use super::{PlannerError, Query, fold};

/// Prepares a query for planning under any configuration.
pub fn prepare<'a>(env: &'a Env<'a>, mut query: Query) -> Result<Root<'a>, PlannerError> {
    fold_all(env, &mut query);
    prepare::level(env, query, &prepare::Scope::default(), 0.0)
}

/// Folds the constants of every level.
fn fold_all(env: &Env<'_>, query: &mut Query) {
    query.for_each_expr_mut(&mut |e| {
        let own = std::mem::replace(e, Expr::Row(Vec::new()));
        *e = fold::fold(env, own);
        // `visit_mut` goes into deeper levels by itself: they are left to the recursion.
        e.visit_mut(0, &mut |node, depth| {
            if let Expr::SubLink(link) = node
                && depth == 0
            {
                fold_all(env, &mut link.query);
            }
        });
    });
    for rte in &mut query.rtable {
        if let RteKind::Subquery(sub) = &mut rte.kind {
            fold_all(env, sub);
        }
    }
    for cte in &mut query.ctes {
        fold_all(env, &mut cte.query);
    }
}
