//! The planner model against PostgreSQL's planner.

mod command;
mod join;
