//! The integration tests: one binary, one module a topic.

mod collect;
mod harness;
mod throwaway_server;
mod whatif;
