//! INSERT, UPDATE, DELETE, MERGE (`transformInsertStmt` and so on).

use crate::planner::expr::{Expr, types};
use crate::planner::query::{Command, JoinExpr, JoinTree, JoinType, Modify, RteKind, TargetEntry};
use crate::planner::relids::RelId;
use crate::snapshot::{AttrNumber, Column, Table};
use crate::sql::ast::{self, Alias, Assignment, Body, Delete, Insert, Merge, MergeActionKind, TableName, Update};

use super::coerce::Context;
use super::name::Relation;
use super::{Analyzer, Result, refuse};

impl<'a> Analyzer<'a> {
    /// The table written, as the first entry of the range table; in scope under its name.
    fn written(&mut self, name: &TableName, alias: Option<&Alias>) -> Result<(&'a Table, RelId)> {
        let table = match self.relation(name)? {
            Relation::Table(table) => table,
            Relation::View(view) => return self.written_through(view, alias),
            Relation::System => return refuse("a system catalog is written"),
        };
        let rel = self.table_rte(table, alias);
        let item = self.item_of(rel, Some(table.schema.clone()));
        self.level().items.push(item);
        Ok((table, rel))
    }

    /// A view that is written stands for the one table under it, if it is that simple.
    fn written_through(&mut self, view: &crate::snapshot::View, alias: Option<&Alias>) -> Result<(&'a Table, RelId)> {
        let mut names = Vec::new();
        for statement in crate::sql::parse(&view.definition).unwrap_or_default() {
            crate::sql::walk::for_each_table(&statement, &mut |t| names.push(t.clone()));
        }
        match names.as_slice() {
            [one] => self
                .written(&one.clone(), Some(alias.unwrap_or(&Alias { name: view.name.clone(), columns: Vec::new() }))),
            _ => refuse(format!("view {} is written", view.name)),
        }
    }

    /// A value cast to a column's type.
    fn assigned(&mut self, expr: Expr, column: &Column) -> Result<Expr> {
        let ty = self.facts.column_type(&column.ty);
        if let Expr::Other("DEFAULT", ..) = expr {
            return Ok(Expr::Other("DEFAULT", Vec::new(), ty));
        }
        self.coerce(expr, ty, column.ty.modifier, Context::Assignment)
    }

    pub(super) fn update(&mut self, update: &Update) -> Result<()> {
        self.with(&update.with)?;
        let (table, rel) = self.written(&update.table, update.alias.as_ref())?;
        self.level().query.command = Command::Update;
        self.level().query.jointree.items.push(JoinTree::Rel(rel));
        self.from(&update.from)?;
        let (targets, columns) = self.assignments(table, &update.assignments)?;
        self.level().query.targets = targets;
        self.finish(rel, columns, false, update.filter.as_ref(), &update.returning)
    }

    pub(super) fn delete(&mut self, delete: &Delete) -> Result<()> {
        self.with(&delete.with)?;
        let (_, rel) = self.written(&delete.table, delete.alias.as_ref())?;
        self.level().query.command = Command::Delete;
        self.level().query.jointree.items.push(JoinTree::Rel(rel));
        self.from(&delete.using)?;
        self.finish(rel, Vec::new(), false, delete.filter.as_ref(), &delete.returning)
    }

    /// WHERE and RETURNING.
    fn finish(
        &mut self,
        rel: RelId,
        columns: Vec<AttrNumber>,
        on_conflict: bool,
        filter: Option<&ast::Expr>,
        returning: &[ast::Target],
    ) -> Result<()> {
        if let Some(filter) = filter {
            let quals = self.condition(filter)?;
            self.level().query.jointree.quals.extend(quals);
        }
        let returning = self.targets(returning)?;
        self.level().query.modify = Some(Modify { rel, columns, on_conflict, returning });
        Ok(())
    }

    /// SET. A multiple assignment comes as one entry a column, each with the whole row.
    fn assignments(&mut self, table: &Table, list: &[Assignment]) -> Result<(Vec<TargetEntry>, Vec<AttrNumber>)> {
        let (mut targets, mut columns) = (Vec::new(), Vec::new());
        let mut i = 0;
        while i < list.len() {
            let same = list[i..].iter().take_while(|a| a.value == list[i].value).count();
            let many = match &list[i].value {
                ast::Expr::Row(row) if row.len() > 1 => row.len().min(same),
                ast::Expr::Sublink(link) => match &link.query.body {
                    Body::Select(select) if select.targets.len() > 1 => select.targets.len().min(same),
                    _ => 1,
                },
                _ => 1,
            };
            let values =
                if many == 1 { vec![self.expr(&list[i].value)?] } else { self.row_values(&list[i].value, many)? };
            for (assignment, value) in list[i..].iter().zip(values) {
                let Some(column) = table.column_named(&assignment.column) else {
                    return refuse(format!("column {} does not exist", assignment.column));
                };
                let expr = self.assigned(value, column)?;
                targets.push(TargetEntry { expr, name: column.name.clone(), sortgroupref: 0, junk: false });
                columns.push(column.attnum);
            }
            i += many;
        }
        Ok((targets, columns))
    }

    fn row_values(&mut self, value: &ast::Expr, count: usize) -> Result<Vec<Expr>> {
        match value {
            ast::Expr::Row(row) => self.exprs(row),
            other => {
                // The query is evaluated once: the first column carries it, the others read its result.
                let first = self.expr(other)?;
                let Expr::SubLink(link) = &first else { return Ok(vec![first]) };
                let types: Vec<_> = link.query.targets.iter().filter(|t| !t.junk).map(|t| t.expr.ty()).collect();
                let rest = types.into_iter().take(count).skip(1).map(|ty| Expr::Other("multiexpr", Vec::new(), ty));
                let rest: Vec<Expr> = rest.collect();
                Ok(std::iter::once(first).chain(rest).collect())
            }
        }
    }

    pub(super) fn insert(&mut self, insert: &Insert) -> Result<()> {
        self.with(&insert.with)?;
        let (table, rel) = self.written(&insert.table, insert.alias.as_ref())?;
        self.level().query.command = Command::Insert;
        let target = self.level().items.pop();
        let columns: Vec<&Column> = if insert.columns.is_empty() {
            table.columns.iter().collect()
        } else {
            let find = |name: &String| {
                table.column_named(name).map_or_else(|| refuse(format!("column {name} does not exist")), Ok)
            };
            insert.columns.iter().map(find).collect::<Result<_>>()?
        };
        let mut values: Vec<Expr> = Vec::new();
        if let Some(source) = &insert.source {
            let mut query = self.subquery_with(source, true)?;
            let single = query.rtable.is_empty() && matches!(&source.body, Body::Values(_)) && query.ctes.is_empty();
            if single {
                values = query.targets.into_iter().map(|t| t.expr).collect();
                for value in &mut values {
                    value.raise_levels(-1, 1);
                }
                let sublinks = values.iter().any(|v| v.any(&mut |e| matches!(e, Expr::SubLink(_))));
                self.level().query.has_sublinks |= sublinks;
            } else {
                self.settle_source(&mut query, &columns)?;
                let (tree, items) = self.subquery_item(query, "*SELECT*", None, false);
                self.level().query.jointree.items.push(tree);
                values = items.into_iter().flat_map(|i| i.columns).map(|(_, e)| e).collect();
            }
        }
        let mut targets = Vec::new();
        let mut numbers = Vec::new();
        for (value, column) in values.into_iter().zip(columns) {
            let expr = self.assigned(value, column)?;
            targets.push(TargetEntry { expr, name: column.name.clone(), sortgroupref: 0, junk: false });
            numbers.push(column.attnum);
        }
        self.level().query.targets = targets;
        self.level().items.extend(target);
        self.finish(rel, numbers, insert.on_conflict.is_some(), None, &insert.returning)
    }

    /// Unknown literals of INSERT … SELECT and of VALUES take the columns' types.
    fn settle_source(&mut self, query: &mut crate::planner::Query, columns: &[&Column]) -> Result<()> {
        let targets = query.targets.iter_mut().filter(|t| !t.junk);
        for (i, (target, column)) in targets.zip(columns).enumerate() {
            if target.expr.ty() != types::UNKNOWN {
                continue;
            }
            let ty = self.facts.column_type(&column.ty);
            if let Expr::Var(var) = &mut target.expr
                && let Some(rte) = query.rtable.get_mut(var.rel)
                && let RteKind::Values { rows, types } = &mut rte.kind
            {
                for cell in rows.iter_mut().filter_map(|row| row.get_mut(i)) {
                    let expr = std::mem::replace(cell, Expr::Row(Vec::new()));
                    *cell = self.assigned(expr, column)?;
                }
                var.ty = ty;
                if let Some(slot) = types.get_mut(i) {
                    *slot = ty;
                }
                continue;
            }
            let expr = std::mem::replace(&mut target.expr, Expr::Row(Vec::new()));
            target.expr = self.assigned(expr, column)?;
        }
        Ok(())
    }

    /// MERGE is a join of the target and its source: inner, or one that keeps every source row where some action
    /// inserts (`transform_MERGE_to_join`).
    pub(super) fn merge(&mut self, merge: &Merge) -> Result<()> {
        self.with(&merge.with)?;
        let (table, rel) = self.written(&merge.table, merge.alias.as_ref())?;
        self.level().query.command = Command::Merge;
        self.from(std::slice::from_ref(&merge.source))?;
        let quals = self.condition(&merge.on)?;
        let mut columns = Vec::new();
        for action in &merge.actions {
            if let Some(condition) = &action.condition {
                self.condition(condition)?;
            }
            match &action.kind {
                MergeActionKind::Update(list) => columns.extend(self.assignments(table, list)?.1),
                MergeActionKind::Insert(values) => {
                    self.exprs(values)?;
                }
                MergeActionKind::Delete | MergeActionKind::Nothing => {}
            }
        }
        let inserts = merge.actions.iter().any(|a| matches!(a.kind, MergeActionKind::Insert(_)));
        let kind = if inserts { JoinType::Right } else { JoinType::Inner };
        let level = self.level();
        if let Some(right) = level.query.jointree.items.pop() {
            let join = JoinExpr { kind, left: JoinTree::Rel(rel), right, quals };
            level.query.jointree.items.push(JoinTree::Join(Box::new(join)));
        }
        self.finish(rel, columns, false, None, &merge.returning)
    }
}
