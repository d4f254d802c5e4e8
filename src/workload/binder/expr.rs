//! Names within expressions to slots.

use std::collections::BTreeSet;

use crate::sql::ast::{Expr, Step, Sublink, SublinkKind};
use crate::workload::query::BlockRole;

use super::scope::{Entry, Scope, Source};
use super::{Binder, ColumnKey, Slot, Subquery};

impl<'a> Binder<'a> {
    /// An expression with its columns and subqueries replaced by slots.
    pub(super) fn resolve(&mut self, expr: &'a Expr, scope: &Scope<'_, 'a>) -> Expr {
        match expr {
            Expr::Column(parts) => self.column(parts, scope),
            Expr::Star(parts) => Expr::Other { what: "row", children: self.star(parts, scope) },
            Expr::Sublink(link) => self.sublink(link, scope),
            Expr::Indirection { expr: inner, path } => self.indirection(expr, inner, path, scope),
            _ => {
                match expr {
                    Expr::Parameter(n) => self.parameters = self.parameters.max(*n),
                    Expr::Call(call) => {
                        let name = call.name.to_lowercase();
                        self.functions.insert(match &call.schema {
                            Some(schema) => format!("{}.{name}", schema.to_lowercase()),
                            None => name,
                        });
                    }
                    _ => {}
                }
                expr.map_children(&mut |child| self.resolve(child, scope))
            }
        }
    }

    /// `(t).column` is a column; other field selections and subscripts read what they are applied to.
    fn indirection(&mut self, whole: &'a Expr, inner: &'a Expr, path: &'a [Step], scope: &Scope<'_, 'a>) -> Expr {
        if let (Expr::Column(parts), [Step::Field(field)]) = (inner, path)
            && let [name] = parts.as_slice()
            && self.lookup(std::slice::from_ref(name), scope).is_none()
        {
            let qualified = [name.clone(), field.clone()];
            if let Some(found) = self.lookup(&qualified, scope) {
                return found;
            }
        }
        whole.map_children(&mut |child| self.resolve(child, scope))
    }

    pub(super) fn column(&mut self, parts: &[String], scope: &Scope<'_, 'a>) -> Expr {
        if let Some(found) = self.lookup(parts, scope) {
            return found;
        }
        // A whole row by its table's alias.
        if let [name] = parts
            && let Some(children) = self.whole_row(name, scope)
        {
            return Expr::Other { what: "row", children };
        }
        if let Some(found) = self.opaque(parts, scope) {
            return found;
        }
        self.note_unresolved(format!("column {} is not in the catalog", parts.join(".")));
        Expr::Other { what: "unknown column", children: Vec::new() }
    }

    /// A column by its name, from the innermost level outwards.
    fn lookup(&mut self, parts: &[String], scope: &Scope<'_, 'a>) -> Option<Expr> {
        let (name, qualifier) = parts.split_last()?;
        let mut level = Some(scope);
        while let Some(here) = level {
            let merged = here.merged.iter().find(|(n, _)| qualifier.is_empty() && n == name);
            if let Some((_, expr)) = merged {
                let expr = expr.clone();
                self.note_outer(&expr);
                return Some(expr);
            }
            for entry in here.entries.iter().filter(|e| qualifier.last().is_none_or(|q| *q == e.alias)) {
                if let Some(expr) = self.entry_column(entry, here.block, name) {
                    self.note_outer(&expr);
                    return Some(expr);
                }
            }
            level = here.parent;
        }
        None
    }

    fn entry_column(&mut self, entry: &Entry<'a>, block: usize, name: &str) -> Option<Expr> {
        match &entry.source {
            Source::Base { relation, table, renamed } => {
                let found = match renamed.iter().position(|n| n == name) {
                    Some(i) => table.columns.get(i),
                    None => table
                        .columns
                        .iter()
                        .enumerate()
                        .find(|(i, c)| *i >= renamed.len() && c.name == name)
                        .map(|(_, c)| c),
                };
                let column = match found {
                    Some(column) => ColumnKey::Base(column.attnum),
                    None if is_system_column(name) => ColumnKey::Unknown(name.to_owned()),
                    None => return None,
                };
                Some(Expr::Slot(self.column_slot(block, *relation, column)))
            }
            Source::Columns(columns) => columns.iter().find(|(n, _)| n == name).map(|(_, e)| e.clone()),
            Source::Opaque { relation, named } => {
                // A function's single column goes by the alias.
                let known = named.iter().any(|n| n == name) || (named.is_empty() && entry.alias == name);
                known.then(|| Expr::Slot(self.column_slot(block, *relation, ColumnKey::Unknown(name.to_owned()))))
            }
        }
    }

    /// A column of a row source whose columns are not known.
    fn opaque(&mut self, parts: &[String], scope: &Scope<'_, 'a>) -> Option<Expr> {
        let (name, qualifier) = parts.split_last()?;
        let mut level = Some(scope);
        while let Some(here) = level {
            for entry in here.entries.iter().filter(|e| qualifier.last().is_none_or(|q| *q == e.alias)) {
                if let Source::Opaque { relation, .. } = &entry.source {
                    let slot = self.column_slot(here.block, *relation, ColumnKey::Unknown(name.clone()));
                    self.note_outer(&Expr::Slot(slot));
                    return Some(Expr::Slot(slot));
                }
            }
            level = here.parent;
        }
        None
    }

    fn whole_row(&mut self, alias: &str, scope: &Scope<'_, 'a>) -> Option<Vec<Expr>> {
        let mut level = Some(scope);
        while let Some(here) = level {
            if let Some(entry) = here.entries.iter().find(|e| e.alias == alias) {
                let columns = self.entry_columns(entry, here.block);
                return Some(columns.into_iter().map(|(_, e)| e).collect());
            }
            level = here.parent;
        }
        None
    }

    fn star(&mut self, qualifier: &[String], scope: &Scope<'_, 'a>) -> Vec<Expr> {
        self.expand_star(qualifier, scope).into_iter().map(|(_, e)| e).collect()
    }

    /// The columns that `*` or `alias.*` stands for.
    pub(super) fn expand_star(&mut self, qualifier: &[String], scope: &Scope<'_, 'a>) -> Vec<(String, Expr)> {
        let mut all = Vec::new();
        let wanted = qualifier.last();
        for entry in scope.entries.iter().filter(|e| wanted.is_none_or(|q| *q == e.alias)) {
            all.extend(self.entry_columns(entry, scope.block));
        }
        all
    }

    /// Every column of an entry.
    pub(super) fn entry_columns(&mut self, entry: &Entry<'a>, block: usize) -> Vec<(String, Expr)> {
        match &entry.source {
            Source::Base { relation, table, renamed } => {
                let column = |(i, c): (usize, &crate::snapshot::Column)| {
                    let name = renamed.get(i).unwrap_or(&c.name).clone();
                    (name, Expr::Slot(self.column_slot(block, *relation, ColumnKey::Base(c.attnum))))
                };
                table.columns.iter().enumerate().map(column).collect()
            }
            Source::Columns(columns) => columns.clone(),
            Source::Opaque { relation, named } => named
                .iter()
                .map(|n| (n.clone(), Expr::Slot(self.column_slot(block, *relation, ColumnKey::Unknown(n.clone())))))
                .collect(),
        }
    }

    fn sublink(&mut self, link: &'a Sublink, scope: &Scope<'_, 'a>) -> Expr {
        let semi_join_of = self.pending_semi_join.take();
        let test = link.test.as_ref().map(|t| Box::new(self.resolve(t, scope)));
        let first = self.blocks.len();
        self.outer.push((first, BTreeSet::new()));
        self.pending_semi_join = semi_join_of;
        // What EXISTS selects is never computed.
        let needs_targets = link.kind != SublinkKind::Exists;
        let (_, outputs) = self.query(&link.query, Some(scope), BlockRole::Expression, needs_targets);
        self.pending_semi_join = None;
        let outer = self.outer.pop().map(|(_, slots)| slots).unwrap_or_default();
        let subquery = Subquery { kind: link.kind, op: link.op.clone(), test, outputs, outer };
        Expr::Slot(self.push_slot(Slot::Subquery(subquery)))
    }

    /// Tells the subqueries being bound which slots of enclosing blocks they read.
    fn note_outer(&mut self, expr: &Expr) {
        if self.outer.is_empty() {
            return;
        }
        if let Expr::Slot(n) = expr
            && let Some(Slot::Column { block, .. }) = self.slot(*n)
        {
            let block = *block;
            for (first, slots) in &mut self.outer {
                if block < *first {
                    slots.insert(*n);
                }
            }
        }
        expr.for_each_child(&mut |child| self.note_outer(child));
    }

    /// Notes that every column within is really read.
    pub(super) fn mark(&mut self, expr: &Expr) {
        match expr {
            Expr::Slot(n) => match self.slot(*n).cloned() {
                Some(Slot::Column { block, relation, column: ColumnKey::Base(attnum) }) => {
                    self.blocks[block].relations[relation].columns.insert(attnum);
                }
                Some(Slot::Subquery(subquery)) => {
                    for slot in subquery.outer {
                        self.mark(&Expr::Slot(slot));
                    }
                    if let Some(test) = &subquery.test {
                        self.mark(test);
                    }
                }
                _ => {}
            },
            Expr::Other { what: "row", children } => {
                for child in children {
                    self.mark_whole_row(child);
                }
            }
            _ => expr.for_each_child(&mut |child| self.mark(child)),
        }
    }

    /// [`Binder::mark`] for a column that is fetched as part of a whole row.
    pub(super) fn mark_whole_row(&mut self, expr: &Expr) {
        if let Expr::Slot(n) = expr
            && let Some(Slot::Column { block, relation, column: ColumnKey::Base(_) }) = self.slot(*n)
        {
            let (block, relation) = (*block, *relation);
            self.blocks[block].relations[relation].whole_row = true;
        }
        self.mark(expr);
    }
}

fn is_system_column(name: &str) -> bool {
    matches!(name, "ctid" | "tableoid" | "xmin" | "xmax" | "cmin" | "cmax")
}
