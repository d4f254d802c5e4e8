//! Expressions.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    self, AExprKind, BoolExprType, BoolTestType, JsonValueExpr, MinMaxOp, Node, NullTestType, SqlValueFunctionOp,
    SubLinkType, a_const,
};

use crate::sql::ast::{BooleanTest, Call, Expr, LikeKind, Literal, Query, Step, Sublink, SublinkKind};

use super::{names, query};

pub(super) fn exprs(nodes: Vec<Node>) -> Vec<Expr> {
    nodes.into_iter().filter_map(|n| n.node).map(expr).collect()
}

pub(super) fn optional(node: Option<Box<Node>>) -> Option<Expr> {
    node.and_then(|n| n.node).map(expr)
}

/// An expression that the grammar promises.
pub(super) fn boxed(node: Option<Box<Node>>) -> Expr {
    optional(node).unwrap_or(Expr::Other { what: "missing", children: Vec::new() })
}

fn boxed_box(node: Option<Box<Node>>) -> Box<Expr> {
    Box::new(boxed(node))
}

fn other(what: &'static str, children: Vec<Expr>) -> Expr {
    Expr::Other { what, children }
}

pub(super) fn expr(node: NodeEnum) -> Expr {
    match node {
        NodeEnum::ColumnRef(column) => column_ref(&column),
        NodeEnum::ParamRef(param) => Expr::Parameter(u32::try_from(param.number).unwrap_or(0)),
        NodeEnum::AConst(constant) => literal(constant),
        NodeEnum::FuncCall(call) => call_expr(*call),
        NodeEnum::AExpr(a) => a_expr(*a),
        NodeEnum::BoolExpr(e) => match e.boolop() {
            BoolExprType::OrExpr => Expr::Or(exprs(e.args)),
            BoolExprType::NotExpr => Expr::Not(Box::new(exprs(e.args).pop().unwrap_or(other("missing", Vec::new())))),
            BoolExprType::AndExpr | BoolExprType::Undefined => Expr::And(exprs(e.args)),
        },
        NodeEnum::NullTest(test) => {
            let negated = test.nulltesttype() == NullTestType::IsNotNull;
            Expr::IsNull { expr: boxed_box(test.arg), negated }
        }
        NodeEnum::BooleanTest(test) => {
            let kind = match test.booltesttype() {
                BoolTestType::IsNotTrue => BooleanTest::NotTrue,
                BoolTestType::IsFalse => BooleanTest::False,
                BoolTestType::IsNotFalse => BooleanTest::NotFalse,
                BoolTestType::IsUnknown => BooleanTest::Unknown,
                BoolTestType::IsNotUnknown => BooleanTest::NotUnknown,
                BoolTestType::IsTrue | BoolTestType::Undefined => BooleanTest::True,
            };
            Expr::BooleanTest { expr: boxed_box(test.arg), test: kind }
        }
        NodeEnum::TypeCast(cast) => {
            let to = cast.type_name.unwrap_or_default();
            let mut expr = boxed_box(cast.arg);
            // `interval '3' month`: a bare number counts the last field of the range, which the type does not keep.
            if let (Expr::Literal(Literal::String(text)), Some(unit)) = (&mut *expr, names::interval_unit(&to))
                && text.trim().parse::<f64>().is_ok()
            {
                text.push(' ');
                text.push_str(unit);
            }
            Expr::Cast { expr, to: names::type_name(to) }
        }
        NodeEnum::CaseExpr(case) => Expr::Case {
            operand: optional(case.arg).map(Box::new),
            whens: case.args.into_iter().filter_map(when).collect(),
            otherwise: optional(case.defresult).map(Box::new),
        },
        NodeEnum::CoalesceExpr(e) => Expr::Builtin { name: "COALESCE", args: exprs(e.args) },
        NodeEnum::MinMaxExpr(e) => {
            let name = if e.op() == MinMaxOp::IsLeast { "LEAST" } else { "GREATEST" };
            Expr::Builtin { name, args: exprs(e.args) }
        }
        NodeEnum::SubLink(link) => sublink(*link),
        NodeEnum::AArrayExpr(array) => Expr::Array(exprs(array.elements)),
        NodeEnum::RowExpr(row) => Expr::Row(exprs(row.args)),
        NodeEnum::List(list) => Expr::Row(exprs(list.items)),
        NodeEnum::AIndirection(indirection) => Expr::Indirection {
            expr: boxed_box(indirection.arg),
            path: indirection.indirection.into_iter().filter_map(step).collect(),
        },
        NodeEnum::CollateClause(collate) => {
            Expr::Collate { expr: boxed_box(collate.arg), collation: names::strings(&collate.collname) }
        }
        NodeEnum::SqlvalueFunction(function) => Expr::ValueFunction(value_function(function.op())),
        NodeEnum::SetToDefault(_) => Expr::Default,
        NodeEnum::NamedArgExpr(argument) => boxed(argument.arg),
        NodeEnum::GroupingFunc(grouping) => other("GROUPING", exprs(grouping.args)),
        NodeEnum::MultiAssignRef(multi) => boxed(multi.source),
        NodeEnum::MergeSupportFunc(_) => other("merge_action", Vec::new()),
        NodeEnum::SelectStmt(select) => scalar(query::query(*select)),
        rest => xml_or_json(rest),
    }
}

fn scalar(query: Query) -> Expr {
    Expr::Sublink(Box::new(Sublink { kind: SublinkKind::Scalar, test: None, op: String::new(), query }))
}

/// The SQL/XML and SQL/JSON expressions: only what they read matters here.
fn xml_or_json(node: NodeEnum) -> Expr {
    match node {
        NodeEnum::XmlExpr(xml) => {
            let mut children: Vec<Expr> = xml.named_args.into_iter().filter_map(res_target).collect();
            children.extend(exprs(xml.args));
            other("xml", children)
        }
        NodeEnum::XmlSerialize(xml) => other("xmlserialize", vec![boxed(xml.expr)]),
        NodeEnum::JsonValueExpr(value) => json_value(Some(value)),
        NodeEnum::JsonObjectConstructor(json) => other("json_object", exprs(json.exprs)),
        NodeEnum::JsonArrayConstructor(json) => other("json_array", exprs(json.exprs)),
        NodeEnum::JsonArrayQueryConstructor(json) => {
            other("json_array", json.query.and_then(|q| query::node_query(*q)).map(scalar).into_iter().collect())
        }
        NodeEnum::JsonKeyValue(pair) => other("json_pair", vec![boxed(pair.key), json_value(pair.value)]),
        NodeEnum::JsonObjectAgg(agg) => {
            let pair = agg.arg.map(|a| vec![boxed(a.key), json_value(a.value)]).unwrap_or_default();
            json_aggregate("json_objectagg", pair, agg.constructor)
        }
        NodeEnum::JsonArrayAgg(agg) => json_aggregate("json_arrayagg", vec![json_value(agg.arg)], agg.constructor),
        NodeEnum::JsonParseExpr(json) => other("json", vec![json_value(json.expr)]),
        NodeEnum::JsonScalarExpr(json) => other("json_scalar", vec![boxed(json.expr)]),
        NodeEnum::JsonSerializeExpr(json) => other("json_serialize", vec![json_value(json.expr)]),
        NodeEnum::JsonIsPredicate(json) => other("is_json", vec![boxed(json.expr)]),
        NodeEnum::JsonFuncExpr(json) => {
            let mut children = vec![json_value(json.context_item)];
            children.extend(optional(json.pathspec));
            children.extend(exprs(json.passing));
            other("json_function", children)
        }
        NodeEnum::JsonArgument(argument) => json_value(argument.val),
        _ => other("unknown", Vec::new()),
    }
}

fn json_value(value: Option<Box<JsonValueExpr>>) -> Expr {
    boxed(value.and_then(|v| v.raw_expr))
}

fn json_aggregate(name: &'static str, args: Vec<Expr>, constructor: Option<Box<protobuf::JsonAggConstructor>>) -> Expr {
    let mut call = Call { name: name.to_owned(), args, special_arguments: true, ..Call::default() };
    if let Some(constructor) = constructor {
        call.filter = optional(constructor.agg_filter);
        call.order_by = query::sort_list(constructor.agg_order).into_iter().map(|s| s.expr).collect();
        call.over = constructor.over.map(|w| query::window_definition(*w));
    }
    Expr::Call(Box::new(call))
}

fn res_target(node: Node) -> Option<Expr> {
    match node.node {
        Some(NodeEnum::ResTarget(target)) => optional(target.val),
        _ => None,
    }
}

fn column_ref(column: &protobuf::ColumnRef) -> Expr {
    let parts = names::strings(&column.fields);
    let star = column.fields.last().is_some_and(|f| matches!(f.node, Some(NodeEnum::AStar(_))));
    if star { Expr::Star(parts) } else { Expr::Column(parts) }
}

fn literal(constant: protobuf::AConst) -> Expr {
    Expr::Literal(match constant.val {
        _ if constant.isnull => Literal::Null,
        Some(a_const::Val::Ival(i)) => Literal::Integer(i.ival),
        Some(a_const::Val::Fval(f)) => Literal::Number(f.fval),
        Some(a_const::Val::Boolval(b)) => Literal::Boolean(b.boolval),
        Some(a_const::Val::Sval(s)) => Literal::String(s.sval),
        Some(a_const::Val::Bsval(b)) => Literal::Bits(b.bsval),
        None => Literal::Null,
    })
}

fn when(node: Node) -> Option<(Expr, Expr)> {
    match node.node {
        Some(NodeEnum::CaseWhen(when)) => Some((boxed(when.expr), boxed(when.result))),
        _ => None,
    }
}

fn step(node: Node) -> Option<Step> {
    Some(match node.node? {
        NodeEnum::String(s) => Step::Field(s.sval),
        NodeEnum::AStar(_) => Step::Star,
        NodeEnum::AIndices(i) if i.is_slice => Step::Slice(optional(i.lidx), optional(i.uidx)),
        NodeEnum::AIndices(i) => Step::Index(boxed(i.uidx)),
        _ => return None,
    })
}

fn call_expr(call: protobuf::FuncCall) -> Expr {
    let (schema, name) = names::schema_and_name(&call.funcname);
    let named = call.args.iter().any(|a| matches!(a.node, Some(NodeEnum::NamedArgExpr(_))));
    let argument_names = call.args.iter().filter_map(|a| match &a.node {
        Some(NodeEnum::NamedArgExpr(argument)) => Some(argument.name.clone()),
        _ => None,
    });
    let argument_names = argument_names.collect();
    let order = query::sort_list(call.agg_order);
    let order_directions = order.iter().map(|s| (s.descending, s.nulls_first)).collect();
    Expr::Call(Box::new(Call {
        schema,
        name,
        args: exprs(call.args),
        star: call.agg_star,
        distinct: call.agg_distinct,
        special_arguments: call.func_variadic || named,
        order_by: order.into_iter().map(|s| s.expr).collect(),
        within_group: call.agg_within_group,
        filter: optional(call.agg_filter),
        window: call.over.as_deref().map(|w| {
            let mut shape = query::window_shape(w);
            // OVER name, without brackets, comes as the definition's name.
            if shape.base.is_empty() {
                shape.base.clone_from(&w.name);
            }
            shape
        }),
        over: call.over.map(|w| query::window_definition(*w)),
        order_directions,
        argument_names,
        variadic: call.func_variadic,
    }))
}

fn sublink(link: protobuf::SubLink) -> Expr {
    let kind = match link.sub_link_type() {
        SubLinkType::ExistsSublink => SublinkKind::Exists,
        SubLinkType::AnySublink => SublinkKind::Any,
        SubLinkType::AllSublink => SublinkKind::All,
        SubLinkType::ArraySublink => SublinkKind::Array,
        _ => SublinkKind::Scalar,
    };
    // IN has no operator name.
    let op = if link.oper_name.is_empty() { "=".to_owned() } else { names::operator(&link.oper_name) };
    let query = link.subselect.and_then(|q| query::node_query(*q)).unwrap_or_default();
    Expr::Sublink(Box::new(Sublink { kind, test: optional(link.testexpr), op, query }))
}

fn list_items(node: Option<Box<Node>>) -> Vec<Expr> {
    match node.and_then(|n| n.node) {
        Some(NodeEnum::List(list)) => exprs(list.items),
        Some(other) => vec![expr(other)],
        None => Vec::new(),
    }
}

fn a_expr(a: protobuf::AExpr) -> Expr {
    let kind = a.kind();
    let op = names::operator(&a.name);
    match kind {
        AExprKind::AexprOpAny | AExprKind::AexprOpAll => Expr::Quantified {
            left: boxed_box(a.lexpr),
            op,
            all: kind == AExprKind::AexprOpAll,
            right: boxed_box(a.rexpr),
        },
        AExprKind::AexprDistinct | AExprKind::AexprNotDistinct => Expr::IsDistinct {
            left: boxed_box(a.lexpr),
            right: boxed_box(a.rexpr),
            negated: kind == AExprKind::AexprNotDistinct,
        },
        AExprKind::AexprNullif => Expr::Builtin { name: "NULLIF", args: vec![boxed(a.lexpr), boxed(a.rexpr)] },
        AExprKind::AexprIn => Expr::InList { expr: boxed_box(a.lexpr), list: list_items(a.rexpr), negated: op == "<>" },
        AExprKind::AexprLike | AExprKind::AexprIlike | AExprKind::AexprSimilar => like(kind, &op, a.lexpr, a.rexpr),
        AExprKind::AexprBetween
        | AExprKind::AexprNotBetween
        | AExprKind::AexprBetweenSym
        | AExprKind::AexprNotBetweenSym => {
            let mut bounds = list_items(a.rexpr).into_iter();
            let mut bound = || Box::new(bounds.next().unwrap_or(other("missing", Vec::new())));
            let (low, high) = (bound(), bound());
            Expr::Between {
                expr: boxed_box(a.lexpr),
                low,
                high,
                negated: matches!(kind, AExprKind::AexprNotBetween | AExprKind::AexprNotBetweenSym),
                symmetric: matches!(kind, AExprKind::AexprBetweenSym | AExprKind::AexprNotBetweenSym),
            }
        }
        AExprKind::AexprOp | AExprKind::Undefined => operator(op, a.lexpr, a.rexpr),
    }
}

fn operator(op: String, left: Option<Box<Node>>, right: Option<Box<Node>>) -> Expr {
    let like = match op.as_str() {
        "~~" | "!~~" => Some(LikeKind::Like),
        "~~*" | "!~~*" => Some(LikeKind::Ilike),
        _ => None,
    };
    match like {
        Some(kind) if left.is_some() => Expr::Like {
            kind,
            negated: op.starts_with('!'),
            expr: boxed_box(left),
            pattern: boxed_box(right),
            escape: None,
        },
        _ => Expr::Operator { op, left: optional(left).map(Box::new), right: boxed_box(right) },
    }
}

/// LIKE and its like. An ESCAPE clause arrives as a call of `like_escape` (or `similar_to_escape`) around the pattern;
/// SIMILAR TO always has such a call.
fn like(kind: AExprKind, op: &str, left: Option<Box<Node>>, right: Option<Box<Node>>) -> Expr {
    let (pattern, escape) = match boxed(right) {
        Expr::Call(call) if matches!(call.name.as_str(), "like_escape" | "similar_to_escape") => {
            let mut args = call.args.into_iter();
            (args.next().unwrap_or(other("missing", Vec::new())), args.next())
        }
        pattern => (pattern, None),
    };
    Expr::Like {
        kind: match kind {
            AExprKind::AexprIlike => LikeKind::Ilike,
            AExprKind::AexprSimilar => LikeKind::Similar,
            _ => LikeKind::Like,
        },
        negated: op.starts_with('!'),
        expr: boxed_box(left),
        pattern: Box::new(pattern),
        escape: escape.map(Box::new),
    }
}

fn value_function(op: SqlValueFunctionOp) -> &'static str {
    match op {
        SqlValueFunctionOp::SvfopCurrentDate => "CURRENT_DATE",
        SqlValueFunctionOp::SvfopCurrentTime | SqlValueFunctionOp::SvfopCurrentTimeN => "CURRENT_TIME",
        SqlValueFunctionOp::SvfopLocaltime | SqlValueFunctionOp::SvfopLocaltimeN => "LOCALTIME",
        SqlValueFunctionOp::SvfopLocaltimestamp | SqlValueFunctionOp::SvfopLocaltimestampN => "LOCALTIMESTAMP",
        SqlValueFunctionOp::SvfopCurrentRole => "CURRENT_ROLE",
        SqlValueFunctionOp::SvfopCurrentUser => "CURRENT_USER",
        SqlValueFunctionOp::SvfopUser => "USER",
        SqlValueFunctionOp::SvfopSessionUser => "SESSION_USER",
        SqlValueFunctionOp::SvfopCurrentCatalog => "CURRENT_CATALOG",
        SqlValueFunctionOp::SvfopCurrentSchema => "CURRENT_SCHEMA",
        SqlValueFunctionOp::SvfopCurrentTimestamp
        | SqlValueFunctionOp::SvfopCurrentTimestampN
        | SqlValueFunctionOp::SqlvalueFunctionOpUndefined => "CURRENT_TIMESTAMP",
    }
}
