//! SELECT's clauses.

use std::collections::BTreeMap;

use crate::sql::ast::{
    Body, Cte, Distinct, Expr, Literal, Query, Select, SetOperator, SortBy, Statement, TableName, Target,
};
use crate::sql::walk;
use crate::workload::query::{BlockRole, Limit, Operand, SortKey};

use super::condition::Context;
use super::scope::{Scope, Source};
use super::{Binder, CteDefinition, Output, facts};

/// Calls its argument with every table name of a statement.
pub(super) type Tables<'t> = dyn Fn(&mut dyn FnMut(&TableName)) + 't;

impl<'a> Binder<'a> {
    /// Binds a query as a block of its own; gives the block and its output columns. `needed`: its target list is
    /// computed.
    pub(super) fn query(
        &mut self,
        query: &'a Query,
        parent: Option<&Scope<'_, 'a>>,
        role: BlockRole,
        needed: bool,
    ) -> (usize, Vec<Output>) {
        let block = self.new_block(role);
        self.notes[block].semi_join_of = self.pending_semi_join.take();
        let depth = self.open_ctes(&query.with, &|visit| walk::for_each_table_in_query(query, visit), parent);
        let mut outputs = match &query.body {
            Body::Select(select) => self.select(query, select, block, parent, needed),
            Body::Values(rows) => self.values(rows, block, parent),
            Body::SetOperation { .. } => self.set_operation(&query.body, parent),
        };
        let scope = Scope::new(block, parent);
        self.blocks[block].limit = query.limit.as_ref().map(|limit| match limit {
            Expr::Literal(Literal::Integer(n)) => u64::try_from(*n).map_or(Limit::Unknown, Limit::Rows),
            Expr::Literal(Literal::Number(n)) => n.parse().map_or(Limit::Unknown, Limit::Rows),
            _ => Limit::Unknown,
        });
        self.blocks[block].offset = query.offset.as_ref().is_some_and(|o| *o != Expr::Literal(Literal::Integer(0)));
        for expr in query.limit.iter().chain(&query.offset) {
            let bound = self.resolve(expr, &scope);
            self.mark(&bound);
        }
        self.ctes.truncate(depth);
        if query.limit.is_some() || query.offset.is_some() || !query.locking.is_empty() {
            for output in &mut outputs {
                output.pushable = false;
            }
        }
        (block, outputs)
    }

    /// Puts WITH queries into scope; gives the depth to cut back to. `tables` goes through the whole statement that
    /// they belong to.
    pub(super) fn open_ctes(&mut self, with: &'a [Cte], tables: &Tables<'_>, parent: Option<&Scope<'_, 'a>>) -> usize {
        let depth = self.ctes.len();
        if with.is_empty() {
            return depth;
        }
        let mut references: BTreeMap<&str, usize> = with.iter().map(|cte| (cte.name.as_str(), 0)).collect();
        tables(&mut |table: &TableName| {
            if table.schema.is_none()
                && let Some(count) = references.get_mut(table.name.as_str())
            {
                *count += 1;
            }
        });
        for cte in with {
            let count = references.get(cte.name.as_str()).copied().unwrap_or(0);
            self.cte(cte, count, parent);
        }
        depth
    }

    fn cte(&mut self, cte: &'a Cte, references: usize, parent: Option<&Scope<'_, 'a>>) {
        let Statement::Query(query) = &cte.statement else {
            let (_, outputs) = self.dml(&cte.statement, parent, BlockRole::Cte);
            let outputs = renamed(outputs, &cte.columns);
            self.ctes.push(CteDefinition::Bound { name: cte.name.clone(), outputs });
            return;
        };
        let recursive = cte.recursive && {
            let mut found = false;
            walk::for_each_table_in_query(query, &mut |t| found |= t.schema.is_none() && t.name == cte.name);
            found
        };
        // One that is never read is never run.
        let inline = !recursive && cte.materialized != Some(true) && query.locking.is_empty();
        if inline && (references <= 1 || cte.materialized == Some(false)) {
            self.ctes.push(CteDefinition::Inline(cte));
            return;
        }
        let depth = self.ctes.len();
        if recursive {
            let columns = if cte.columns.is_empty() { first_names(query) } else { cte.columns.clone() };
            self.ctes.push(CteDefinition::Open { name: cte.name.clone(), columns });
        }
        let (_, outputs) = self.query(query, parent, BlockRole::Cte, true);
        self.ctes.truncate(depth);
        let outputs = renamed(outputs, &cte.columns);
        self.ctes.push(CteDefinition::Bound { name: cte.name.clone(), outputs });
    }

    fn select(
        &mut self,
        query: &'a Query,
        select: &'a Select,
        block: usize,
        parent: Option<&Scope<'_, 'a>>,
        needed: bool,
    ) -> Vec<Output> {
        let mut scope = Scope::new(block, parent);
        for item in &select.from {
            self.add_from_item(item, &mut scope, false);
        }
        self.lock_rows(&query.locking, &scope);
        if let Some(filter) = &select.filter {
            self.where_clause(filter, &scope, &Context::default());
        }
        let targets = self.targets(&select.targets, &scope);
        if needed {
            self.mark_targets(&select.targets, &targets);
        }
        let group_by: Vec<Expr> =
            select.group_by.iter().map(|e| self.group_key(e, &targets, &select.targets, &scope)).collect();
        for key in &group_by {
            self.mark(key);
        }
        let windows = select.windows.iter().map(|e| self.resolve(e, &scope)).collect::<Vec<_>>();
        for window in &windows {
            self.mark(window);
        }
        if let Some(having) = &select.having {
            self.where_clause(having, &scope, &Context::default());
        }
        let has = |test: fn(&crate::sql::ast::Call) -> bool| {
            targets.iter().map(|(_, e)| e).any(|e| any_call(e, &test))
                || query.order_by.iter().any(|s| any_call(&s.expr, &test))
                || select.having.as_ref().is_some_and(|h| any_call(h, &test))
        };
        let aggregates = !select.group_by.is_empty() || select.having.is_some() || has(facts::is_aggregate);
        let windowed = !select.windows.is_empty() || has(|call| call.over.is_some());
        self.blocks[block].aggregates = aggregates;
        self.blocks[block].group_by = group_by.iter().filter_map(|e| self.operand(block, e).map(|(o, _)| o)).collect();
        let distinct: Vec<Expr> = match &select.distinct {
            Distinct::No => Vec::new(),
            Distinct::All => targets.iter().map(|(_, e)| e.clone()).collect(),
            Distinct::On(keys) => keys.iter().map(|e| self.sort_expr(e, &targets, &scope)).collect(),
        };
        for key in &distinct {
            self.mark(key);
        }
        self.blocks[block].distinct = distinct.iter().filter_map(|e| self.operand(block, e).map(|(o, _)| o)).collect();
        self.order_by(&query.order_by, &targets, &scope);
        let distinct_on = matches!(select.distinct, Distinct::On(_));
        let pushable = |expr: &Expr| {
            !windowed
                && !select.grouping_sets
                && (!aggregates || group_by.contains(expr))
                && (!distinct_on || distinct.contains(expr))
        };
        let output = |(name, expr): (String, Expr)| {
            let pushable = pushable(&expr) && !self.facts(block, &expr).aggregates && !any_set(&expr);
            Output { name, pushable, sources: vec![(block, expr)] }
        };
        targets.into_iter().map(output).collect()
    }

    fn values(&mut self, rows: &'a [Vec<Expr>], block: usize, parent: Option<&Scope<'_, 'a>>) -> Vec<Output> {
        let scope = Scope::new(block, parent);
        for expr in rows.iter().flatten() {
            let bound = self.resolve(expr, &scope);
            self.mark(&bound);
        }
        let width = rows.first().map_or(0, Vec::len);
        let output = |i| Output { name: format!("column{}", i + 1), sources: Vec::new(), pushable: false };
        (0..width).map(output).collect()
    }

    /// The branches of nested set operations, each a block; columns by position.
    fn set_operation(&mut self, body: &'a Body, parent: Option<&Scope<'_, 'a>>) -> Vec<Output> {
        let Body::SetOperation { op, left, right, .. } = body else { return Vec::new() };
        let mut outputs = self.set_branch(left, parent);
        let right = self.set_branch(right, parent);
        for (i, output) in outputs.iter_mut().enumerate() {
            let other = right.get(i);
            output.pushable = output.pushable && other.is_some_and(|o| o.pushable) && *op != SetOperator::Except;
            output.sources.extend(other.map(|o| o.sources.clone()).unwrap_or_default());
        }
        outputs
    }

    fn set_branch(&mut self, query: &'a Query, parent: Option<&Scope<'_, 'a>>) -> Vec<Output> {
        let bare =
            query.with.is_empty() && query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none();
        if bare && matches!(query.body, Body::SetOperation { .. }) {
            return self.set_operation(&query.body, parent);
        }
        self.query(query, parent, BlockRole::SetOperation, true).1
    }

    /// The target list resolved, stars expanded, each column with the name that it goes by outside.
    pub(super) fn targets(&mut self, targets: &'a [Target], scope: &Scope<'_, 'a>) -> Vec<(String, Expr)> {
        let mut all = Vec::with_capacity(targets.len());
        for target in targets {
            match &target.expr {
                Expr::Star(qualifier) => all.extend(self.expand_star(qualifier, scope)),
                expr => {
                    let bound = self.resolve(expr, scope);
                    let name = target.alias.clone().unwrap_or_else(|| column_name(expr));
                    all.push((name, bound));
                }
            }
        }
        all
    }

    fn mark_targets(&mut self, targets: &[Target], bound: &[(String, Expr)]) {
        for (_, expr) in bound {
            self.mark(expr);
        }
        if targets.iter().any(|t| matches!(t.expr, Expr::Star(_))) {
            for (_, expr) in bound {
                if self.is_whole(expr) {
                    self.mark_whole_row(expr);
                }
            }
        }
    }

    /// Whether every column of the relation that a column belongs to has been read.
    fn is_whole(&self, expr: &Expr) -> bool {
        let Expr::Slot(n) = expr else { return false };
        let Some(super::Slot::Column { block, relation, .. }) = self.slot(*n) else { return false };
        self.table(*block, *relation)
            .is_some_and(|t| t.columns.len() == self.blocks[*block].relations[*relation].columns.len())
    }

    /// GROUP BY names input columns first, then output ones; a number counts targets.
    fn group_key(
        &mut self,
        expr: &'a Expr,
        targets: &[(String, Expr)],
        written: &[Target],
        scope: &Scope<'_, 'a>,
    ) -> Expr {
        if let Some(target) = ordinal(expr, targets) {
            return target;
        }
        if let Expr::Column(parts) = expr
            && let [name] = parts.as_slice()
            && !self.is_input_column(name, scope)
            && written.iter().any(|t| t.alias.as_ref() == Some(name))
            && let Some((_, target)) = targets.iter().find(|(n, _)| n == name)
        {
            return target.clone();
        }
        self.resolve(expr, scope)
    }

    fn is_input_column(&mut self, name: &str, scope: &Scope<'_, 'a>) -> bool {
        let entries = scope.entries.clone();
        scope.merged.iter().any(|(n, _)| n == name)
            || entries.iter().any(|e| {
                !matches!(e.source, Source::Opaque { .. })
                    && self.entry_columns(e, scope.block).iter().any(|(n, _)| n == name)
            })
    }

    /// ORDER BY and DISTINCT ON name output columns first; a number counts targets.
    fn sort_expr(&mut self, expr: &'a Expr, targets: &[(String, Expr)], scope: &Scope<'_, 'a>) -> Expr {
        if let Some(target) = ordinal(expr, targets) {
            return target;
        }
        if let Expr::Column(parts) = expr
            && let [name] = parts.as_slice()
            && let Some((_, target)) = targets.iter().find(|(n, _)| n == name)
        {
            return target.clone();
        }
        self.resolve(expr, scope)
    }

    fn order_by(&mut self, order_by: &'a [SortBy], targets: &[(String, Expr)], scope: &Scope<'_, 'a>) {
        let block = scope.block;
        let mut keys = Vec::with_capacity(order_by.len());
        let mut complete = true;
        for sort in order_by {
            let expr = self.sort_expr(&sort.expr, targets, scope);
            self.mark(&expr);
            if matches!(expr, Expr::Literal(_) | Expr::Parameter(_)) {
                continue;
            }
            let key = self.sort_key(block, &expr).map(|(operand, distance)| SortKey {
                operand,
                descending: sort.descending,
                nulls_first: sort.nulls_first.unwrap_or(sort.descending),
                distance,
            });
            match key {
                Some(key) => keys.push(key),
                None => complete = false,
            }
        }
        if complete {
            self.blocks[block].order_by = keys;
        }
    }

    /// What a sort key sorts by, with the operator if that is a distance to a constant.
    fn sort_key(&self, block: usize, expr: &Expr) -> Option<(Operand, Option<String>)> {
        if let Expr::Operator { op, left: Some(left), right } = expr
            && op.rsplit('.').next().is_some_and(|bare| bare.starts_with('<') && bare.ends_with('>') && bare.len() == 3)
        {
            let column = if self.facts(block, right).relations.is_empty() { left } else { right };
            return self.operand(block, column).map(|(operand, _)| (operand, Some(op.clone())));
        }
        self.operand(block, expr).map(|(operand, _)| (operand, None))
    }

    fn lock_rows(&mut self, locking: &[Vec<String>], scope: &Scope<'_, 'a>) {
        for names in locking {
            self.locks_rows = true;
            for relation in &mut self.blocks[scope.block].relations {
                if names.is_empty() || names.contains(&relation.alias) {
                    relation.needs_heap = true;
                }
            }
        }
    }
}

fn renamed(mut outputs: Vec<Output>, names: &[String]) -> Vec<Output> {
    for (output, name) in outputs.iter_mut().zip(names) {
        output.name.clone_from(name);
    }
    outputs
}

fn ordinal(expr: &Expr, targets: &[(String, Expr)]) -> Option<Expr> {
    let Expr::Literal(Literal::Integer(n)) = expr else { return None };
    targets.get(usize::try_from(*n).ok()?.checked_sub(1)?).map(|(_, e)| e.clone())
}

/// The name that a target without an alias goes by (`FigureColname`).
fn column_name(expr: &Expr) -> String {
    match expr {
        Expr::Column(parts) => parts.last().cloned().unwrap_or_default(),
        Expr::Call(call) => call.name.clone(),
        Expr::Cast { expr, to } => match column_name(expr).as_str() {
            "?column?" => to.name.clone(),
            name => name.to_owned(),
        },
        Expr::Builtin { name, .. } | Expr::ValueFunction(name) => name.to_lowercase(),
        Expr::Case { .. } => "case".to_owned(),
        Expr::Collate { expr, .. } => column_name(expr),
        Expr::Array(_) => "array".to_owned(),
        Expr::Sublink(link) => match (&link.kind, &link.query.body) {
            (crate::sql::ast::SublinkKind::Exists, _) => "exists".to_owned(),
            (_, Body::Select(select)) => match select.targets.first() {
                Some(target) => target.alias.clone().unwrap_or_else(|| column_name(&target.expr)),
                None => "?column?".to_owned(),
            },
            _ => "?column?".to_owned(),
        },
        _ => "?column?".to_owned(),
    }
}

fn first_names(query: &Query) -> Vec<String> {
    match &query.body {
        Body::Select(select) => {
            select.targets.iter().map(|t| t.alias.clone().unwrap_or_else(|| column_name(&t.expr))).collect()
        }
        Body::Values(rows) => (1..=rows.first().map_or(0, Vec::len)).map(|i| format!("column{i}")).collect(),
        Body::SetOperation { left, .. } => first_names(left),
    }
}

fn any_call(expr: &Expr, test: &impl Fn(&crate::sql::ast::Call) -> bool) -> bool {
    let mut found = matches!(expr, Expr::Call(call) if test(call));
    expr.for_each_child(&mut |child| found = found || any_call(child, test));
    found
}

fn any_set(expr: &Expr) -> bool {
    any_call(expr, &|call| crate::workload::volatility::is_set_returning(&call.name))
}
