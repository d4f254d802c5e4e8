//! CREATE INDEX to an [`IndexShape`].

use pg_query::NodeEnum;
use pg_query::protobuf::{IndexElem, Node, ParseResult, SortByDir, SortByNulls};

use super::{expr, names};
use crate::sql::ast::{IndexShape, ShapeKey};
use crate::sql::deparse::{deparse_expr, unqualified};
use crate::sql::quote;

/// The shape that the only statement of a parsed text creates; `None` if it is not one CREATE INDEX, or holds an
/// expression that cannot stand in an index.
pub(in crate::sql) fn shape(parsed: ParseResult) -> Option<IndexShape> {
    let mut statements = parsed.stmts.into_iter();
    let (Some(only), None) = (statements.next(), statements.next()) else { return None };
    let Some(NodeEnum::IndexStmt(index)) = only.stmt?.node else { return None };
    let table = names::table(&index.relation?);
    let keys = index.index_params.into_iter().map(key).collect::<Option<Vec<_>>>()?;
    let include = index.index_including_params.into_iter().map(|node| key(node)?.column).collect::<Option<Vec<_>>>()?;
    let predicate = match expr::optional(index.where_clause) {
        Some(predicate) => Some(deparse_expr(&predicate, &unqualified)?),
        None => None,
    };
    Some(IndexShape { table, method: index.access_method, keys, include, predicate, unique: index.unique })
}

fn key(node: Node) -> Option<ShapeKey> {
    let Some(NodeEnum::IndexElem(elem)) = node.node else { return None };
    let IndexElem { name, expr: expression, collation, opclass, ordering, nulls_ordering, .. } = *elem;
    let descending = ordering == SortByDir::SortbyDesc as i32;
    let nulls_first = match nulls_ordering {
        n if n == SortByNulls::SortbyNullsFirst as i32 => true,
        n if n == SortByNulls::SortbyNullsLast as i32 => false,
        _ => descending,
    };
    let expression = match expr::optional(expression) {
        Some(expression) => Some(deparse_expr(&expression, &unqualified)?),
        None => None,
    };
    let column = Some(name).filter(|name| !name.is_empty());
    let word = |parts: &[Node]| {
        let parts: Vec<String> = names::strings(parts).iter().map(|part| quote::ident(part)).collect();
        (!parts.is_empty()).then(|| parts.join("."))
    };
    Some(ShapeKey { column, expression, opclass: word(&opclass), collation: word(&collation), descending, nulls_first })
}
