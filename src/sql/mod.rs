//! SQL text in and out: the only user of pg_query and sqlparser.
//!
//! In: SQL text, of statements, of files, of expressions as the catalog prints them. Out: our own small AST, and text
//! again: quoted, pretty-printed, canonical. Pure and total: arbitrary text never panics and never overflows a stack.

pub mod quote;
