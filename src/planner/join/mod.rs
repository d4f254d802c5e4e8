//! Join order search and join paths (`joinrels.c`, `joinpath.c`, `allpaths.c`'s `make_one_rel`).

mod hash;
mod memoize;
mod merge;
mod nestloop;
mod param;
pub mod paths;
mod unique;

use super::path::RelPaths;
use super::root::Planning;

/// Searches join orders over the base relations, whose paths are there, and gives the relation that joins them all
/// (`make_rel_from_joinlist`). `None` where there is none.
pub fn search(_planning: &mut Planning<'_, '_>) -> Option<RelPaths> {
    None
}
