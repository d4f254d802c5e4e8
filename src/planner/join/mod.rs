//! Join order search and join paths (`joinrels.c`, `joinpath.c`, `allpaths.c`'s `make_one_rel`).
//!
//! In: the base relations' paths under one configuration. Out: the relation that joins them all, with its paths.
//! `order` finds which joins to try, `legal` says which may be, `search` makes their paths, `rel` makes the join relations (once a statement),
//! `paths` the ways to compute one.

mod hash;
mod legal;
mod memoize;
mod merge;
mod nestloop;
mod order;
mod param;
pub mod paths;
mod rel;
mod search;
pub(in crate::planner) mod unique;

use std::sync::Arc;

use super::path::RelPaths;
use super::root::Planning;
pub use order::JoinOrder;

/// Searches join orders over the base relations, whose paths are there, and gives the relation that joins them all
/// (`make_rel_from_joinlist`). `None` where there is none.
pub fn search(planning: &Planning<'_, '_>) -> Option<Arc<RelPaths>> {
    search::from_list(planning, &planning.root.join_list)
}
