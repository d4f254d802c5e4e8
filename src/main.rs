//! The pgwise binary.
fn main() {}
