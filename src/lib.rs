//! pgwise: a PostgreSQL query and index advisor.
//!
//! The crate is a pipeline. `collect` turns a live database into a [`snapshot::Snapshot`]; [`workload`] turns the
//! snapshot's statements into bound queries; [`whatif`] answers what a statement would cost under other indexes;
//! `advise` searches configurations and turns the best into a [`report::Report`], which [`report`] renders.
//! ARCHITECTURE.md at the repository's root draws it and states the invariants; `tests/it/layering.rs` asserts the
//! direction of imports.

pub mod advise;
pub mod check;
pub mod cli;
pub mod collect;
pub mod config;
pub mod connect;
pub mod demo;
pub mod doctor;
pub mod plan;
pub mod planner;
pub mod progress;
pub mod report;
pub mod rules;
pub mod snapshot;
pub mod sql;
pub mod throwaway;
pub mod whatif;
pub mod workload;
