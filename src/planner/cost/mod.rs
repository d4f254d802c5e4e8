//! Cost formulas (`costsize.c`, and the index methods' own in `selfuncs.c`).
//!
//! In: settings, row counts, selectivities, evaluation costs. Out: startup and total costs. Nothing here looks at
//! alternatives; path making does.

pub mod costs;
mod expr;
pub mod hashjoin;
pub mod index;
#[cfg(test)]
mod join_tests;
pub mod memoize;
pub mod mergejoin;
pub mod nestloop;
pub mod scan;
pub mod sort;

pub use expr::{expr_cost, quals_cost, restrict_cost};
