//! Expressions and predicates of indexes, over the table's own columns.

use crate::planner::env::{Env, INDEX_REL};
use crate::planner::expr::{Expr, types};
use crate::snapshot::{Column, Oid, Table};

use super::coerce::Context;
use super::scope::{Item, Level};
use super::{Analyzer, Result, refuse};

/// An index key's expression, from its text over unqualified columns. Its variables are of [`INDEX_REL`].
pub fn index_expression(env: &Env<'_>, table: &Table, sql: &str) -> Result<Expr> {
    let Some(parsed) = crate::sql::parse_expr(sql) else { return refuse(format!("cannot parse {sql}")) };
    let mut analyzer = over_table(env, table);
    let expr = analyzer.expr(&parsed)?;
    if expr.ty() == types::UNKNOWN { analyzer.coerce(expr, types::TEXT, -1, Context::Implicit) } else { Ok(expr) }
}

/// A column as an index key: the variable that a query over its table would have, of [`INDEX_REL`].
pub fn index_column(env: &Env<'_>, column: &Column) -> Expr {
    Expr::Var(Analyzer::new(env).table_column(INDEX_REL, column))
}

/// The collation that an index key names, numbered as queries' are.
pub fn index_collation(env: &Env<'_>, name: &str) -> Oid {
    super::name::collation(env, name)
}

fn over_table<'a>(env: &'a Env<'a>, table: &Table) -> Analyzer<'a> {
    let mut analyzer = Analyzer::new(env);
    let columns =
        table.columns.iter().map(|column| (column.name.clone(), Expr::Var(analyzer.table_column(INDEX_REL, column))));
    let columns = columns.collect();
    let (name, schema) = (table.name.clone(), Some(table.schema.clone()));
    let item = Item { name, schema, rel: None, columns, by_name: true, bare: true, pending: false };
    analyzer.levels.push(Level { items: vec![item], ..Level::default() });
    analyzer
}
