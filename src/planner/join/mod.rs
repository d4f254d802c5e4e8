//! Join order search and join paths (`joinrels.c`, `joinpath.c`, `allpaths.c`'s `make_one_rel`).
//!
//! In: the base relations' paths under one configuration. Out: the relation that joins them all, with its paths.
//! `search` tries the orders, `legal` says which joins may be, `rel` makes the join relations (once a statement),
//! `paths` the ways to compute one.

mod hash;
mod legal;
mod memoize;
mod merge;
mod nestloop;
mod param;
pub mod paths;
mod rel;
mod search;
pub(in crate::planner) mod unique;

use super::path::RelPaths;
use super::root::Planning;

/// Searches join orders over the base relations, whose paths are there, and gives the relation that joins them all
/// (`make_rel_from_joinlist`). `None` where there is none.
pub fn search(planning: &mut Planning<'_, '_>) -> Option<RelPaths> {
    search::from_list(planning, &planning.root.join_list)
}
