//! INSERT, UPDATE, DELETE, MERGE.

use std::collections::BTreeSet;

use crate::snapshot::{AttrNumber, Table};
use crate::sql::ast::{
    Alias, Assignment, Delete, Expr, Insert, Merge, MergeActionKind, Statement, TableName, Target, Update,
};
use crate::sql::walk;
use crate::workload::query::{BlockRole, QueryKind, Relation, Write, WriteKind};
use crate::workload::resolver::Lookup;

use super::condition::Context;
use super::scope::{Entry, Scope, Source};
use super::{Binder, Output};

impl From<WriteKind> for QueryKind {
    fn from(kind: WriteKind) -> Self {
        match kind {
            WriteKind::Insert => Self::Insert,
            WriteKind::Update => Self::Update,
            WriteKind::Delete => Self::Delete,
        }
    }
}

impl<'a> Binder<'a> {
    /// Binds a data-modifying statement; gives its verb and what RETURNING gives.
    pub(super) fn dml(
        &mut self,
        statement: &'a Statement,
        parent: Option<&Scope<'_, 'a>>,
        role: BlockRole,
    ) -> (QueryKind, Vec<Output>) {
        let block = self.new_block(role);
        let with = match statement {
            Statement::Insert(insert) => insert.with.as_slice(),
            Statement::Update(update) => update.with.as_slice(),
            Statement::Delete(delete) => delete.with.as_slice(),
            Statement::Merge(merge) => merge.with.as_slice(),
            Statement::Query(_) | Statement::Utility(_) => &[],
        };
        let depth = self.open_ctes(with, &|visit| walk::for_each_table(statement, visit), parent);
        let mut scope = Scope::new(block, parent);
        let (kind, returning) = match statement {
            Statement::Insert(insert) => (QueryKind::Insert, self.insert(insert, &mut scope)),
            Statement::Update(update) => (QueryKind::Update, self.update(update, &mut scope)),
            Statement::Delete(delete) => (QueryKind::Delete, self.delete(delete, &mut scope)),
            Statement::Merge(merge) => (QueryKind::Merge, self.merge(merge, &mut scope)),
            Statement::Query(_) | Statement::Utility(_) => (QueryKind::Select, &[][..]),
        };
        let targets = self.targets(returning, &scope);
        for (_, expr) in &targets {
            self.mark(expr);
        }
        self.ctes.truncate(depth);
        let output = |(name, expr)| Output { name, sources: vec![(block, expr)], pushable: false };
        (kind, targets.into_iter().map(output).collect())
    }

    /// The written table as a relation of the block.
    fn target(
        &mut self,
        name: &'a TableName,
        alias: Option<&'a Alias>,
        scope: &mut Scope<'_, 'a>,
    ) -> Option<&'a Table> {
        let called = alias.map_or(&name.name, |a| &a.name).clone();
        let table = match self.resolver.relation(name) {
            Lookup::Table(table) => table,
            other => {
                match other {
                    Lookup::View(view, _) => {
                        self.unknown_met += 1;
                        self.note_unresolved(format!("writes through view {}.{}", view.schema, view.name));
                    }
                    Lookup::System => self.system_met += 1,
                    _ => {
                        self.unknown_met += 1;
                        self.note_unresolved(format!("table {} is not in the catalog", name.name));
                    }
                }
                let relation = Relation { alias: called.clone(), needs_heap: true, ..Relation::default() };
                let relation = self.new_relation(scope.block, relation, Vec::new());
                scope.entries.push(Entry { alias: called, source: Source::Opaque { relation, named: Vec::new() } });
                return None;
            }
        };
        self.tables_met += 1;
        let relation =
            Relation { table: Some(table.oid), alias: called.clone(), needs_heap: true, ..Relation::default() };
        let relation = self.new_relation(scope.block, relation, Vec::new());
        scope.entries.push(Entry { alias: called, source: Source::Base { relation, table, renamed: Vec::new() } });
        Some(table)
    }

    fn insert(&mut self, insert: &'a Insert, scope: &mut Scope<'_, 'a>) -> &'a [Target] {
        if let Some(source) = &insert.source {
            match &source.body {
                // Rows of constants need no block.
                crate::sql::ast::Body::Values(rows) if source.with.is_empty() => {
                    for expr in rows.iter().flatten() {
                        let bound = self.resolve(expr, scope);
                        self.mark(&bound);
                    }
                }
                _ => {
                    self.query(source, scope.parent, BlockRole::From, true);
                }
            }
        }
        // INSERT reads its table only to resolve a conflict, which the conflict target's own index does.
        let mut known = Scope::new(scope.block, scope.parent);
        let table = self.target(&insert.table, insert.alias.as_ref(), &mut known);
        if let Some(table) = table {
            self.write(Write { table: table.oid, kind: WriteKind::Insert, columns: all_columns(table) });
        }
        if let Some(conflict) = &insert.on_conflict {
            if let (Some(assignments), Some(table)) = (&conflict.update, table) {
                let excluded = Source::Opaque {
                    relation: self.new_relation(
                        scope.block,
                        Relation { alias: "excluded".to_owned(), ..Relation::default() },
                        Vec::new(),
                    ),
                    named: table.columns.iter().map(|c| c.name.clone()).collect(),
                };
                known.entries.push(Entry { alias: "excluded".to_owned(), source: excluded });
                self.assign(assignments, Some(table), &known);
            }
            if let Some(filter) = &conflict.filter {
                // It is checked against the one row in conflict: no index could serve it.
                let bound = self.resolve(filter, &known);
                self.mark(&bound);
            }
        }
        scope.entries = known.entries;
        &insert.returning
    }

    fn update(&mut self, update: &'a Update, scope: &mut Scope<'_, 'a>) -> &'a [Target] {
        let table = self.target(&update.table, update.alias.as_ref(), scope);
        for item in &update.from {
            self.add_from_item(item, scope, false);
        }
        if let Some(filter) = &update.filter {
            self.where_clause(filter, scope, &Context::default());
        }
        self.assign(&update.assignments, table, scope);
        &update.returning
    }

    fn delete(&mut self, delete: &'a Delete, scope: &mut Scope<'_, 'a>) -> &'a [Target] {
        let table = self.target(&delete.table, delete.alias.as_ref(), scope);
        for item in &delete.using {
            self.add_from_item(item, scope, false);
        }
        if let Some(filter) = &delete.filter {
            self.where_clause(filter, scope, &Context::default());
        }
        if let Some(table) = table {
            self.write(Write { table: table.oid, kind: WriteKind::Delete, columns: all_columns(table) });
        }
        &delete.returning
    }

    fn merge(&mut self, merge: &'a Merge, scope: &mut Scope<'_, 'a>) -> &'a [Target] {
        let table = self.target(&merge.table, merge.alias.as_ref(), scope);
        self.add_from_item(&merge.source, scope, false);
        self.where_clause(&merge.on, scope, &Context::default());
        for action in &merge.actions {
            if let Some(condition) = &action.condition {
                let bound = self.resolve(condition, scope);
                self.mark(&bound);
            }
            match &action.kind {
                MergeActionKind::Insert(values) => {
                    for value in values {
                        let bound = self.resolve(value, scope);
                        self.mark(&bound);
                    }
                    if let Some(table) = table {
                        self.write(Write { table: table.oid, kind: WriteKind::Insert, columns: all_columns(table) });
                    }
                }
                MergeActionKind::Update(assignments) => self.assign(assignments, table, scope),
                MergeActionKind::Delete => {
                    if let Some(table) = table {
                        self.write(Write { table: table.oid, kind: WriteKind::Delete, columns: all_columns(table) });
                    }
                }
                MergeActionKind::Nothing => {}
            }
        }
        &merge.returning
    }

    fn assign(&mut self, assignments: &'a [Assignment], table: Option<&'a Table>, scope: &Scope<'_, 'a>) {
        let mut columns = BTreeSet::new();
        let mut last: Option<&Expr> = None;
        for assignment in assignments {
            // The columns of one multiple assignment share its value.
            if last != Some(&assignment.value) {
                let bound = self.resolve(&assignment.value, scope);
                self.mark(&bound);
                last = Some(&assignment.value);
            }
            match table.and_then(|t| t.column_named(&assignment.column)) {
                Some(column) => {
                    columns.insert(column.attnum);
                }
                None if table.is_some() => {
                    self.note_unresolved(format!("column {} is not in the catalog", assignment.column));
                }
                None => {}
            }
        }
        if let Some(table) = table {
            self.write(Write { table: table.oid, kind: WriteKind::Update, columns });
        }
    }
}

fn all_columns(table: &Table) -> BTreeSet<AttrNumber> {
    table.columns.iter().map(|c| c.attnum).collect()
}
