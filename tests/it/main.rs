//! The integration tests: one binary, one module a topic.

mod demo;
mod harness;
mod throwaway_server;
