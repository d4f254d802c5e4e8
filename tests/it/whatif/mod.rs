//! What-if questions against a real server.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests, which print their figures")]

mod hypopg;
mod rule;
mod size;
pub(crate) mod snapshot;
