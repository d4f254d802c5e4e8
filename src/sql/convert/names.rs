//! Names: qualified ones, operators, types.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node};

use crate::sql::ast::{Alias, Expr, Literal, TableName, TypeName};

use super::expr;

/// The strings of a name's parts; other nodes are left out.
pub(super) fn strings(nodes: &[Node]) -> Vec<String> {
    nodes.iter().filter_map(|n| string(n).map(str::to_owned)).collect()
}

pub(super) fn string(node: &Node) -> Option<&str> {
    match &node.node {
        Some(NodeEnum::String(s)) => Some(&s.sval),
        _ => None,
    }
}

/// Schema and name of a function or type, pg_catalog left out.
pub(super) fn schema_and_name(parts: &[Node]) -> (Option<String>, String) {
    let mut parts = strings(parts);
    let name = parts.pop().unwrap_or_default();
    let schema = parts.pop().filter(|schema| schema != "pg_catalog");
    (schema, name)
}

/// An operator's name: bare, or as `schema.op` where a schema other than pg_catalog was given.
pub(super) fn operator(parts: &[Node]) -> String {
    match schema_and_name(parts) {
        (Some(schema), name) => format!("{schema}.{name}"),
        (None, name) => name,
    }
}

pub(super) fn table(range: &protobuf::RangeVar) -> TableName {
    TableName { schema: (!range.schemaname.is_empty()).then(|| range.schemaname.clone()), name: range.relname.clone() }
}

pub(super) fn alias(alias: Option<protobuf::Alias>) -> Option<Alias> {
    alias.map(|a| Alias { name: a.aliasname, columns: strings(&a.colnames) })
}

pub(super) fn type_name(ty: protobuf::TypeName) -> TypeName {
    let (schema, name) = schema_and_name(&ty.names);
    // An interval's modifiers are field masks: they say nothing to an index and have their own syntax.
    let modifiers = if name == "interval" { Vec::new() } else { expr::exprs(ty.typmods) };
    TypeName { schema, name, modifiers, array: !ty.array_bounds.is_empty() }
}

/// The smallest field of an interval type's range (`INTERVAL_MASK`).
pub(super) fn interval_unit(ty: &protobuf::TypeName) -> Option<&'static str> {
    if schema_and_name(&ty.names).1 != "interval" {
        return None;
    }
    let modifiers = expr::exprs(ty.typmods.clone());
    let Some(Expr::Literal(Literal::Integer(mask))) = modifiers.first() else { return None };
    let fields = [(12, "second"), (11, "minute"), (10, "hour"), (3, "day"), (1, "month"), (2, "year")];
    // No field at all, or every field: the text says it all.
    let named = fields.iter().filter(|(bit, _)| mask & (1 << bit) != 0).count();
    if named == fields.len() { None } else { fields.into_iter().find(|(bit, _)| mask & (1 << bit) != 0).map(|f| f.1) }
}
