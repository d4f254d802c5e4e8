//! The integration tests: one binary, one module a topic.

mod advise;
mod cli_errors;
mod cli_reference;
mod collect;
mod connect;
mod demo;
mod doctor;
mod end_to_end;
mod failure_modes;
mod harness;
mod layering;
mod model_memory;
mod offline;
mod planner;
mod psql;
mod report;
mod rule_pages;
mod throwaway_server;
mod twin;
mod twin_places;
mod whatif;
mod workload;
