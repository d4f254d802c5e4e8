//! The integration tests: one binary, one module a topic.

mod harness;
mod throwaway_server;
mod whatif;
