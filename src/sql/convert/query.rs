//! Statements, FROM lists and WITH queries.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    CmdType, CteMaterialize, GroupingSetKind, JoinType, LimitOption, Node, OnConflictAction, SelectStmt, SetOperation,
    SortByDir, SortByNulls, WithClause,
};

use crate::sql::ast::{
    Alias, Assignment, Body, Cte, Delete, Distinct, Expr, FromItem, GroupItem, Insert, Join, JoinKind, Literal, Merge,
    MergeAction, MergeActionKind, OnConflict, Query, Select, SetOperator, SortBy, Statement, TableName, Target, Update,
    WindowShape,
};

use super::expr::{boxed, expr, exprs, optional};
use super::names;

/// A query or data-modifying statement; `None` for anything else.
pub(super) fn dml(node: NodeEnum) -> Option<Statement> {
    Some(match node {
        NodeEnum::SelectStmt(select) => Statement::Query(Box::new(query(*select))),
        NodeEnum::InsertStmt(insert) => {
            let relation = insert.relation.unwrap_or_default();
            Statement::Insert(Box::new(Insert {
                with: with(insert.with_clause),
                table: names::table(&relation),
                alias: names::alias(relation.alias),
                columns: target_names(&insert.cols),
                source: insert.select_stmt.and_then(|s| node_query(*s)),
                on_conflict: insert.on_conflict_clause.map(|c| on_conflict(*c)),
                returning: returning(insert.returning_clause),
            }))
        }
        NodeEnum::UpdateStmt(update) => {
            let relation = update.relation.unwrap_or_default();
            Statement::Update(Box::new(Update {
                with: with(update.with_clause),
                table: names::table(&relation),
                alias: names::alias(relation.alias),
                assignments: assignments(update.target_list),
                from: from_items(update.from_clause),
                filter: optional(update.where_clause),
                returning: returning(update.returning_clause),
            }))
        }
        NodeEnum::DeleteStmt(delete) => {
            let relation = delete.relation.unwrap_or_default();
            Statement::Delete(Box::new(Delete {
                with: with(delete.with_clause),
                table: names::table(&relation),
                alias: names::alias(relation.alias),
                using: from_items(delete.using_clause),
                filter: optional(delete.where_clause),
                returning: returning(delete.returning_clause),
            }))
        }
        NodeEnum::MergeStmt(merge) => {
            let relation = merge.relation.unwrap_or_default();
            let source = merge.source_relation.and_then(|s| s.node).and_then(from_item);
            Statement::Merge(Box::new(Merge {
                with: with(merge.with_clause),
                table: names::table(&relation),
                alias: names::alias(relation.alias),
                source: source.unwrap_or_else(nothing),
                on: boxed(merge.join_condition),
                actions: merge.merge_when_clauses.into_iter().filter_map(merge_action).collect(),
                returning: returning(merge.returning_clause),
            }))
        }
        _ => return None,
    })
}

/// A row source without columns, for a tree that lacks one.
fn nothing() -> FromItem {
    FromItem::Function { exprs: Vec::new(), alias: None, ordinality: false }
}

pub(super) fn node_query(node: Node) -> Option<Query> {
    match node.node {
        Some(NodeEnum::SelectStmt(select)) => Some(query(*select)),
        _ => None,
    }
}

pub(super) fn query(mut select: SelectStmt) -> Query {
    let with = with(select.with_clause.take());
    let order_by = sort_list(std::mem::take(&mut select.sort_clause));
    // LIMIT ALL is a null constant.
    let limit = optional(select.limit_count.take()).filter(|e| *e != Expr::Literal(Literal::Null));
    let offset = optional(select.limit_offset.take());
    let with_ties = select.limit_option() == LimitOption::WithTies;
    let locking = std::mem::take(&mut select.locking_clause).into_iter().filter_map(locking).collect();
    Query { with, body: body(select), order_by, limit, offset, with_ties, locking }
}

fn body(select: SelectStmt) -> Body {
    let op = match select.op() {
        SetOperation::SetopUnion => Some(SetOperator::Union),
        SetOperation::SetopIntersect => Some(SetOperator::Intersect),
        SetOperation::SetopExcept => Some(SetOperator::Except),
        SetOperation::SetopNone | SetOperation::Undefined => None,
    };
    if let (Some(op), Some(left), Some(right)) = (op, select.larg, select.rarg) {
        let (left, right) = (Box::new(query(*left)), Box::new(query(*right)));
        return Body::SetOperation { op, all: select.all, left, right };
    }
    if !select.values_lists.is_empty() {
        return Body::Values(select.values_lists.into_iter().map(list).collect());
    }
    let mut group_by = Vec::new();
    let grouping_sets = select.group_clause.iter().any(|n| matches!(n.node, Some(NodeEnum::GroupingSet(_))));
    let mut group_items: Vec<GroupItem> =
        select.group_clause.into_iter().filter_map(|node| group_item(node, &mut group_by)).collect();
    if !grouping_sets {
        group_items.clear();
    }
    let shapes = |n: &Node| match &n.node {
        Some(NodeEnum::WindowDef(window)) => Some(WindowShape { name: window.name.clone(), ..window_shape(window) }),
        _ => None,
    };
    let window_shapes = select.window_clause.iter().filter_map(shapes).collect();
    Body::Select(Box::new(Select {
        distinct: distinct(select.distinct_clause),
        targets: select.target_list.into_iter().filter_map(target).collect(),
        from: from_items(select.from_clause),
        filter: optional(select.where_clause),
        group_by,
        grouping_sets,
        having: optional(select.having_clause),
        windows: select.window_clause.into_iter().flat_map(window).collect(),
        window_shapes,
        group_items,
    }))
}

fn list(node: Node) -> Vec<Expr> {
    match node.node {
        Some(NodeEnum::List(list)) => exprs(list.items),
        _ => Vec::new(),
    }
}

fn group_item(node: Node, into: &mut Vec<Expr>) -> Option<GroupItem> {
    match node.node? {
        NodeEnum::GroupingSet(set) => {
            let kind = set.kind();
            let members = set.content.into_iter().filter_map(|member| group_item(member, into)).collect();
            Some(match kind {
                GroupingSetKind::GroupingSetRollup => GroupItem::Rollup(members),
                GroupingSetKind::GroupingSetCube => GroupItem::Cube(members),
                GroupingSetKind::GroupingSetEmpty => GroupItem::Empty,
                _ => GroupItem::Sets(members),
            })
        }
        other => {
            into.push(expr(other));
            Some(GroupItem::Expr(into.len() - 1))
        }
    }
}

fn distinct(nodes: Vec<Node>) -> Distinct {
    if nodes.is_empty() {
        return Distinct::No;
    }
    // DISTINCT without ON is a list that holds one empty node.
    let on: Vec<Expr> = nodes.into_iter().filter_map(|n| n.node).map(expr).collect();
    if on.is_empty() { Distinct::All } else { Distinct::On(on) }
}

fn target(node: Node) -> Option<Target> {
    match node.node {
        Some(NodeEnum::ResTarget(t)) => {
            Some(Target { expr: boxed(t.val), alias: (!t.name.is_empty()).then_some(t.name) })
        }
        _ => None,
    }
}

fn returning(clause: Option<pg_query::protobuf::ReturningClause>) -> Vec<Target> {
    clause.map(|c| c.exprs.into_iter().filter_map(target).collect()).unwrap_or_default()
}

fn target_names(nodes: &[Node]) -> Vec<String> {
    let name = |n: &Node| match &n.node {
        Some(NodeEnum::ResTarget(t)) => Some(t.name.clone()),
        _ => None,
    };
    nodes.iter().filter_map(name).collect()
}

fn assignments(nodes: Vec<Node>) -> Vec<Assignment> {
    nodes
        .into_iter()
        .filter_map(target)
        .filter_map(|t| t.alias.map(|column| Assignment { column, value: t.expr }))
        .collect()
}

fn on_conflict(clause: pg_query::protobuf::OnConflictClause) -> OnConflict {
    let updates = clause.action() == OnConflictAction::OnconflictUpdate;
    let (elements, target_filter) = match clause.infer {
        Some(infer) => (infer.index_elems, optional(infer.where_clause)),
        None => (Vec::new(), None),
    };
    let element = |n: Node| match n.node {
        Some(NodeEnum::IndexElem(e)) if !e.name.is_empty() => Some(Expr::Column(vec![e.name])),
        Some(NodeEnum::IndexElem(e)) => optional(e.expr),
        _ => None,
    };
    OnConflict {
        target: elements.into_iter().filter_map(element).collect(),
        target_filter,
        update: updates.then(|| assignments(clause.target_list)),
        filter: optional(clause.where_clause),
    }
}

fn merge_action(node: Node) -> Option<MergeAction> {
    let Some(NodeEnum::MergeWhenClause(when)) = node.node else { return None };
    let kind = match when.command_type() {
        CmdType::CmdInsert => MergeActionKind::Insert(exprs(when.values)),
        CmdType::CmdUpdate => MergeActionKind::Update(assignments(when.target_list)),
        CmdType::CmdDelete => MergeActionKind::Delete,
        _ => MergeActionKind::Nothing,
    };
    Some(MergeAction { condition: optional(when.condition), kind })
}

fn with(clause: Option<WithClause>) -> Vec<Cte> {
    let Some(clause) = clause else { return Vec::new() };
    let recursive = clause.recursive;
    let cte = |node: Node| {
        let Some(NodeEnum::CommonTableExpr(cte)) = node.node else { return None };
        let materialized = match cte.ctematerialized() {
            CteMaterialize::Always => Some(true),
            CteMaterialize::Never => Some(false),
            CteMaterialize::Default | CteMaterialize::CtematerializeUndefined => None,
        };
        let statement = cte.ctequery.and_then(|q| q.node).and_then(dml)?;
        Some(Cte { name: cte.ctename, columns: names::strings(&cte.aliascolnames), materialized, recursive, statement })
    };
    clause.ctes.into_iter().filter_map(cte).collect()
}

pub(super) fn sort_list(nodes: Vec<Node>) -> Vec<SortBy> {
    nodes.into_iter().filter_map(sort_by).collect()
}

fn sort_by(node: Node) -> Option<SortBy> {
    let Some(NodeEnum::SortBy(sort)) = node.node else { return None };
    let descending = match sort.sortby_dir() {
        SortByDir::SortbyDesc => true,
        SortByDir::SortbyUsing => names::operator(&sort.use_op).starts_with('>'),
        SortByDir::SortbyAsc | SortByDir::SortbyDefault | SortByDir::Undefined => false,
    };
    let nulls_first = match sort.sortby_nulls() {
        SortByNulls::SortbyNullsFirst => Some(true),
        SortByNulls::SortbyNullsLast => Some(false),
        SortByNulls::SortbyNullsDefault | SortByNulls::Undefined => None,
    };
    Some(SortBy { expr: boxed(sort.node), descending, nulls_first })
}

fn locking(node: Node) -> Option<Vec<String>> {
    let Some(NodeEnum::LockingClause(clause)) = node.node else { return None };
    let name = |n: Node| match n.node {
        Some(NodeEnum::RangeVar(range)) => Some(range.relname),
        _ => None,
    };
    Some(clause.locked_rels.into_iter().filter_map(name).collect())
}

/// How the expressions of a window definition divide.
pub(super) fn window_shape(window: &pg_query::protobuf::WindowDef) -> WindowShape {
    let offsets = [&window.start_offset, &window.end_offset];
    WindowShape {
        name: String::new(),
        base: if window.refname.is_empty() { String::new() } else { window.refname.clone() },
        partition: window.partition_clause.len(),
        order: sort_list(window.order_clause.clone()).into_iter().map(|s| (s.descending, s.nulls_first)).collect(),
        offsets: offsets.iter().filter(|o| o.is_some()).count(),
    }
}

/// The expressions of one window definition.
pub(super) fn window(node: Node) -> Vec<Expr> {
    match node.node {
        Some(NodeEnum::WindowDef(window)) => window_definition(*window),
        _ => Vec::new(),
    }
}

pub(super) fn window_definition(window: pg_query::protobuf::WindowDef) -> Vec<Expr> {
    let mut all = exprs(window.partition_clause);
    all.extend(sort_list(window.order_clause).into_iter().map(|s| s.expr));
    all.extend(optional(window.start_offset));
    all.extend(optional(window.end_offset));
    all
}

fn from_items(nodes: Vec<Node>) -> Vec<FromItem> {
    nodes.into_iter().filter_map(|n| n.node).filter_map(from_item).collect()
}

fn from_item(node: NodeEnum) -> Option<FromItem> {
    Some(match node {
        NodeEnum::RangeVar(range) => FromItem::Table { name: table_name(&range), alias: names::alias(range.alias) },
        NodeEnum::RangeSubselect(sub) => FromItem::Subquery {
            lateral: sub.lateral,
            alias: names::alias(sub.alias),
            query: Box::new(sub.subquery.and_then(|q| node_query(*q)).unwrap_or_default()),
        },
        NodeEnum::RangeFunction(function) => range_function(function),
        NodeEnum::RangeTableSample(sample) => return sample.relation.and_then(|r| r.node).and_then(from_item),
        NodeEnum::RangeTableFunc(xml) => FromItem::Function {
            exprs: optional(xml.docexpr).into_iter().chain(optional(xml.rowexpr)).collect(),
            alias: names::alias(xml.alias),
            ordinality: false,
        },
        NodeEnum::JsonTable(json) => FromItem::Function {
            exprs: json.context_item.map(|item| vec![expr(NodeEnum::JsonValueExpr(item))]).unwrap_or_default(),
            alias: names::alias(json.alias),
            ordinality: false,
        },
        NodeEnum::JoinExpr(join) => {
            let kind = match join.jointype() {
                JoinType::JoinLeft => JoinKind::Left,
                JoinType::JoinRight => JoinKind::Right,
                JoinType::JoinFull => JoinKind::Full,
                _ => JoinKind::Inner,
            };
            let side = |n: Option<Box<Node>>| n.and_then(|n| n.node).and_then(from_item).unwrap_or_else(nothing);
            FromItem::Join(Box::new(Join {
                kind,
                left: side(join.larg),
                right: side(join.rarg),
                natural: join.is_natural,
                using: names::strings(&join.using_clause),
                on: optional(join.quals),
                alias: names::alias(join.alias.or(join.join_using_alias)),
            }))
        }
        _ => return None,
    })
}

fn table_name(range: &pg_query::protobuf::RangeVar) -> TableName {
    names::table(range)
}

fn range_function(function: pg_query::protobuf::RangeFunction) -> FromItem {
    // Each entry is a list of the call and its column definitions.
    let call = |n: Node| match n.node {
        Some(NodeEnum::List(list)) => list.items.into_iter().next().and_then(|n| n.node).map(expr),
        Some(other) => Some(expr(other)),
        None => None,
    };
    let exprs = function.functions.into_iter().filter_map(call).collect();
    let defined = function.coldeflist.iter().filter_map(|n| match &n.node {
        Some(NodeEnum::ColumnDef(column)) => Some(column.colname.clone()),
        _ => None,
    });
    let mut alias = names::alias(function.alias);
    let defined: Vec<String> = defined.collect();
    if !defined.is_empty() {
        alias.get_or_insert_with(Alias::default).columns = defined;
    }
    FromItem::Function { exprs, alias, ordinality: function.ordinality }
}
