//! The planner model against PostgreSQL's planner.

mod command;
mod extension;
mod hostile;
mod join;
