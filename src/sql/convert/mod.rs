//! pg_query's tree to ours.
//!
//! In: the protobuf form of PostgreSQL 18's raw parse tree. Out: [`crate::sql::Statement`]s. The only files that name
//! pg_query's node types. Total: a node that has no place in our tree becomes `Other` with the expressions below it.

mod alter;
mod ddl;
mod expr;
mod index;
mod names;
mod query;

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, ParseResult};

pub(super) use index::shape;

use super::ast::Statement;
use super::ast::ddl::Command;
use super::text::utility_words;

/// Every statement of a parsed text.
pub(super) fn statements(sql: &str, parsed: ParseResult) -> Vec<Statement> {
    let convert = |raw: pg_query::protobuf::RawStmt| {
        let start = usize::try_from(raw.stmt_location).unwrap_or(0);
        let length = usize::try_from(raw.stmt_len).unwrap_or(0);
        let end = if length == 0 { sql.len() } else { start + length };
        let text = sql.get(start..end).unwrap_or("");
        statement(raw.stmt, text)
    };
    parsed.stmts.into_iter().map(convert).collect()
}

/// The commands of a parsed text.
pub(super) fn commands(sql: &str, parsed: ParseResult) -> Vec<Command> {
    let convert = |raw: pg_query::protobuf::RawStmt| ddl::command(*raw.stmt.unwrap_or_default(), || utility_words(sql));
    parsed.stmts.into_iter().map(convert).collect()
}

fn statement(node: Option<Box<Node>>, text: &str) -> Statement {
    let words = || {
        let first = super::split(text).first().map_or(text, |piece| piece.text);
        Statement::Utility(utility_words(first))
    };
    match node.and_then(|n| n.node) {
        Some(NodeEnum::SelectStmt(select)) if has_into(&select) => Statement::Utility("SELECT INTO".to_owned()),
        Some(node) => query::dml(node).unwrap_or_else(words),
        None => words(),
    }
}

fn has_into(select: &pg_query::protobuf::SelectStmt) -> bool {
    let mut leftmost = select;
    while let Some(left) = &leftmost.larg {
        leftmost = left;
    }
    leftmost.into_clause.is_some()
}
