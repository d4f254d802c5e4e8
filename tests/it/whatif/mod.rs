//! What-if questions against a real server.

mod hypopg;
mod size;
mod snapshot;
