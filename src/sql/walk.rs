//! Going through a tree: an expression's children, a statement's tables.

use super::ast::{
    Assignment, Body, Call, Cte, Distinct, Expr, FromItem, MergeActionKind, Query, Select, Statement, Step, Sublink,
    TableName, Target,
};

impl Expr {
    /// Calls `visit` on each direct child. Of a subquery, that is only the expression tested.
    pub fn for_each_child<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match self {
            Self::Column(_)
            | Self::Slot(_)
            | Self::Star(_)
            | Self::Parameter(_)
            | Self::Literal(_)
            | Self::ValueFunction(_)
            | Self::Default => {}
            Self::Call(call) => {
                let rest = call.order_by.iter().chain(&call.filter).chain(call.over.iter().flatten());
                call.args.iter().chain(rest).for_each(visit);
            }
            Self::Operator { left, right, .. } => {
                left.iter().map(Box::as_ref).chain([right.as_ref()]).for_each(visit);
            }
            Self::And(list) | Self::Or(list) | Self::Array(list) | Self::Row(list) => list.iter().for_each(visit),
            Self::Builtin { args, .. } => args.iter().for_each(visit),
            Self::Other { children, .. } => children.iter().for_each(visit),
            Self::Not(expr)
            | Self::IsNull { expr, .. }
            | Self::BooleanTest { expr, .. }
            | Self::Cast { expr, .. }
            | Self::Collate { expr, .. } => visit(expr),
            Self::InList { expr, list, .. } => {
                visit(expr);
                list.iter().for_each(visit);
            }
            Self::Quantified { left, right, .. } | Self::IsDistinct { left, right, .. } => {
                visit(left);
                visit(right);
            }
            Self::Like { expr, pattern, escape, .. } => {
                visit(expr);
                visit(pattern);
                if let Some(e) = escape {
                    visit(e);
                }
            }
            Self::Between { expr, low, high, .. } => {
                visit(expr);
                visit(low);
                visit(high);
            }
            Self::Case { operand, whens, otherwise } => {
                if let Some(e) = operand {
                    visit(e);
                }
                for (when, then) in whens {
                    visit(when);
                    visit(then);
                }
                if let Some(e) = otherwise {
                    visit(e);
                }
            }
            Self::Sublink(link) => link.test.iter().for_each(visit),
            Self::Indirection { expr, path } => {
                visit(expr);
                for step in path {
                    match step {
                        Step::Field(_) | Step::Star => {}
                        Step::Index(e) => visit(e),
                        Step::Slice(a, b) => a.iter().chain(b).for_each(&mut *visit),
                    }
                }
            }
        }
    }

    /// A copy of the expression with each direct child replaced by what `map` makes of it.
    #[must_use]
    pub fn map_children<'a>(&'a self, map: &mut dyn FnMut(&'a Expr) -> Expr) -> Self {
        match self {
            Self::Column(_)
            | Self::Slot(_)
            | Self::Star(_)
            | Self::Parameter(_)
            | Self::Literal(_)
            | Self::ValueFunction(_)
            | Self::Default => self.clone(),
            Self::And(exprs) => Self::And(list(exprs, map)),
            Self::Or(exprs) => Self::Or(list(exprs, map)),
            Self::Array(exprs) => Self::Array(list(exprs, map)),
            Self::Row(exprs) => Self::Row(list(exprs, map)),
            Self::Builtin { name, args } => Self::Builtin { name, args: list(args, map) },
            Self::Other { what, children } => Self::Other { what, children: list(children, map) },
            Self::Call(call) => Self::Call(Box::new(map_call(call, map))),
            Self::Operator { op, left, right } => {
                Self::Operator { op: op.clone(), left: optional(left.as_deref(), map), right: boxed(right, map) }
            }
            Self::Not(expr) => Self::Not(boxed(expr, map)),
            Self::IsNull { expr, negated } => Self::IsNull { expr: boxed(expr, map), negated: *negated },
            Self::BooleanTest { expr, test } => Self::BooleanTest { expr: boxed(expr, map), test: *test },
            Self::Cast { expr, to } => Self::Cast { expr: boxed(expr, map), to: to.clone() },
            Self::Collate { expr, collation } => Self::Collate { expr: boxed(expr, map), collation: collation.clone() },
            Self::InList { expr, list: items, negated } => {
                Self::InList { expr: boxed(expr, map), list: list(items, map), negated: *negated }
            }
            Self::Quantified { left, op, all, right } => {
                Self::Quantified { left: boxed(left, map), op: op.clone(), all: *all, right: boxed(right, map) }
            }
            Self::IsDistinct { left, right, negated } => {
                Self::IsDistinct { left: boxed(left, map), right: boxed(right, map), negated: *negated }
            }
            Self::Like { kind, negated, expr, pattern, escape } => Self::Like {
                kind: *kind,
                negated: *negated,
                expr: boxed(expr, map),
                pattern: boxed(pattern, map),
                escape: optional(escape.as_deref(), map),
            },
            Self::Between { expr, low, high, negated, symmetric } => Self::Between {
                expr: boxed(expr, map),
                low: boxed(low, map),
                high: boxed(high, map),
                negated: *negated,
                symmetric: *symmetric,
            },
            Self::Case { operand, whens, otherwise } => Self::Case {
                operand: optional(operand.as_deref(), map),
                whens: whens.iter().map(|(when, then)| (map(when), map(then))).collect(),
                otherwise: optional(otherwise.as_deref(), map),
            },
            Self::Sublink(link) => {
                let test = link.test.as_ref().map(map);
                Self::Sublink(Box::new(Sublink { test, ..link.as_ref().clone() }))
            }
            Self::Indirection { expr, path } => {
                let expr = boxed(expr, map);
                let step = |step: &'a Step| match step {
                    Step::Field(_) | Step::Star => step.clone(),
                    Step::Index(e) => Step::Index(map(e)),
                    Step::Slice(a, b) => Step::Slice(a.as_ref().map(&mut *map), b.as_ref().map(&mut *map)),
                };
                Self::Indirection { expr, path: path.iter().map(step).collect() }
            }
        }
    }
}

fn boxed<'a>(expr: &'a Expr, map: &mut dyn FnMut(&'a Expr) -> Expr) -> Box<Expr> {
    Box::new(map(expr))
}

fn optional<'a>(expr: Option<&'a Expr>, map: &mut dyn FnMut(&'a Expr) -> Expr) -> Option<Box<Expr>> {
    expr.map(|e| Box::new(map(e)))
}

fn list<'a>(exprs: &'a [Expr], map: &mut dyn FnMut(&'a Expr) -> Expr) -> Vec<Expr> {
    exprs.iter().map(map).collect()
}

fn map_call<'a>(call: &'a Call, map: &mut dyn FnMut(&'a Expr) -> Expr) -> Call {
    Call {
        schema: call.schema.clone(),
        name: call.name.clone(),
        args: list(&call.args, map),
        star: call.star,
        distinct: call.distinct,
        special_arguments: call.special_arguments,
        order_by: list(&call.order_by, map),
        within_group: call.within_group,
        filter: call.filter.as_ref().map(&mut *map),
        over: call.over.as_ref().map(|exprs| list(exprs, map)),
        order_directions: call.order_directions.clone(),
        argument_names: call.argument_names.clone(),
        variadic: call.variadic,
        window: call.window.clone(),
    }
}

/// Calls `visit` on every table name that a statement mentions in FROM or as its target, at any depth.
pub fn for_each_table(statement: &Statement, visit: &mut dyn FnMut(&TableName)) {
    match statement {
        Statement::Query(query) => for_each_table_in_query(query, visit),
        Statement::Insert(insert) => {
            tables_of_ctes(&insert.with, visit);
            visit(&insert.table);
            insert.source.iter().for_each(|q| for_each_table_in_query(q, visit));
            if let Some(conflict) = &insert.on_conflict {
                tables_of_assignments(conflict.update.iter().flatten(), visit);
                conflict.filter.iter().for_each(|e| tables_of_expr(e, visit));
            }
            tables_of_targets(&insert.returning, visit);
        }
        Statement::Update(update) => {
            tables_of_ctes(&update.with, visit);
            visit(&update.table);
            tables_of_assignments(update.assignments.iter(), visit);
            update.from.iter().for_each(|f| tables_of_from(f, visit));
            update.filter.iter().for_each(|e| tables_of_expr(e, visit));
            tables_of_targets(&update.returning, visit);
        }
        Statement::Delete(delete) => {
            tables_of_ctes(&delete.with, visit);
            visit(&delete.table);
            delete.using.iter().for_each(|f| tables_of_from(f, visit));
            delete.filter.iter().for_each(|e| tables_of_expr(e, visit));
            tables_of_targets(&delete.returning, visit);
        }
        Statement::Merge(merge) => {
            tables_of_ctes(&merge.with, visit);
            visit(&merge.table);
            tables_of_from(&merge.source, visit);
            tables_of_expr(&merge.on, visit);
            for action in &merge.actions {
                action.condition.iter().for_each(|e| tables_of_expr(e, visit));
                match &action.kind {
                    MergeActionKind::Insert(values) => values.iter().for_each(|e| tables_of_expr(e, visit)),
                    MergeActionKind::Update(assignments) => tables_of_assignments(assignments.iter(), visit),
                    MergeActionKind::Delete | MergeActionKind::Nothing => {}
                }
            }
        }
        Statement::Utility(_) => {}
    }
}

/// [`for_each_table`] for a query.
pub fn for_each_table_in_query(query: &Query, visit: &mut dyn FnMut(&TableName)) {
    tables_of_ctes(&query.with, visit);
    match &query.body {
        Body::Select(select) => tables_of_select(select, visit),
        Body::Values(rows) => rows.iter().flatten().for_each(|e| tables_of_expr(e, visit)),
        Body::SetOperation { left, right, .. } => {
            for_each_table_in_query(left, visit);
            for_each_table_in_query(right, visit);
        }
    }
    query.order_by.iter().for_each(|s| tables_of_expr(&s.expr, visit));
    query.limit.iter().chain(&query.offset).for_each(|e| tables_of_expr(e, visit));
}

fn tables_of_select(select: &Select, visit: &mut dyn FnMut(&TableName)) {
    select.from.iter().for_each(|f| tables_of_from(f, visit));
    tables_of_targets(&select.targets, visit);
    let distinct = match &select.distinct {
        Distinct::On(exprs) => exprs.as_slice(),
        Distinct::No | Distinct::All => &[],
    };
    let clauses = select.filter.iter().chain(&select.group_by).chain(&select.having).chain(&select.windows);
    clauses.chain(distinct).for_each(|e| tables_of_expr(e, visit));
}

fn tables_of_from(item: &FromItem, visit: &mut dyn FnMut(&TableName)) {
    match item {
        FromItem::Table { name, .. } => visit(name),
        FromItem::Subquery { query, .. } => for_each_table_in_query(query, visit),
        FromItem::Function { exprs, .. } => exprs.iter().for_each(|e| tables_of_expr(e, visit)),
        FromItem::Join(join) => {
            tables_of_from(&join.left, visit);
            tables_of_from(&join.right, visit);
            join.on.iter().for_each(|e| tables_of_expr(e, visit));
        }
    }
}

fn tables_of_ctes(ctes: &[Cte], visit: &mut dyn FnMut(&TableName)) {
    for cte in ctes {
        for_each_table(&cte.statement, visit);
    }
}

fn tables_of_targets(targets: &[Target], visit: &mut dyn FnMut(&TableName)) {
    for target in targets {
        tables_of_expr(&target.expr, visit);
    }
}

fn tables_of_assignments<'a>(assignments: impl Iterator<Item = &'a Assignment>, visit: &mut dyn FnMut(&TableName)) {
    assignments.for_each(|a| tables_of_expr(&a.value, visit));
}

fn tables_of_expr(expr: &Expr, visit: &mut dyn FnMut(&TableName)) {
    if let Expr::Sublink(link) = expr {
        for_each_table_in_query(&link.query, visit);
    }
    expr.for_each_child(&mut |child| tables_of_expr(child, visit));
}
