//! Preprocessing: a typed query in, a [`Root`] out (`subquery_planner`'s first half, `query_planner` up to
//! `make_one_rel`): subqueries and sublinks pulled up, outer joins reduced, quals distributed, equivalence classes
//! formed, base relations sized.

pub mod derive;
pub mod eclass;
pub mod exprs;
pub mod jointree;
pub mod pathkeys;
pub mod pull;
pub mod restrict;

use super::env::Env;
use super::root::Root;
use super::{PlannerError, Query};

/// Prepares a query for planning under any configuration.
pub fn prepare<'a>(_env: &'a Env<'a>, _query: Query) -> Result<Root<'a>, PlannerError> {
    Err(PlannerError::Unsupported("this statement".to_owned()))
}
