//! The planner model against PostgreSQL's planner.

mod join;
