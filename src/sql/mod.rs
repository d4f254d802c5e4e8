//! SQL text in and out: the only user of pg_query and sqlparser.
//!
//! In: SQL text, of statements, of files, of expressions as the catalog prints them. Out: our own small syntax tree,
//! and text again: quoted, pretty-printed, canonical. Pure and total: arbitrary text never panics and never overflows a
//! stack.

pub mod ast;
pub mod canonical;
mod convert;
pub mod deparse;
mod limit;
mod parse;
mod placeholders;
pub mod quote;
mod stack;
mod text;
pub mod walk;

pub use canonical::{canonical_conjuncts, canonical_expr, parse_expr};
pub use deparse::deparse_expr;
pub use limit::assume_limit;
pub use parse::{MAX_TEXT_BYTES, ParseError, index_shape, parse, parse_command};
pub use stack::on_large_stack;
pub use text::{Piece, StatementClass, classify, fingerprint, pretty, split};
