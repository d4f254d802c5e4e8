//! FROM: the range table.

use crate::snapshot::View;
use crate::sql::ast::{Alias, Body, Distinct, Expr, FromItem, Join, JoinKind, Query, Select, Statement, TableName};
use crate::sql::walk;
use crate::workload::query::{BlockRole, Relation};
use crate::workload::resolver::Lookup;
use crate::workload::volatility;

use super::condition::Context;
use super::scope::{Entry, Scope, Source};
use super::{Binder, ColumnKey, CteDefinition, Output, facts};

impl<'a> Binder<'a> {
    /// Adds a FROM item to the scope. `nullable`: it stands on the nullable side of an outer join.
    pub(super) fn add_from_item(&mut self, item: &'a FromItem, scope: &mut Scope<'_, 'a>, nullable: bool) {
        match item {
            FromItem::Table { name, alias } => self.named(name, alias.as_ref(), scope, nullable),
            FromItem::Subquery { query, alias, lateral } => {
                self.subquery(query, alias.as_ref(), scope, nullable, *lateral, BlockRole::From);
            }
            FromItem::Function { exprs, alias, ordinality } => {
                for expr in exprs {
                    let bound = self.resolve(expr, scope);
                    self.mark(&bound);
                }
                let name = match (alias, exprs.first()) {
                    (Some(alias), _) if !alias.name.is_empty() => alias.name.clone(),
                    (_, Some(Expr::Call(call))) => call.name.clone(),
                    _ => String::new(),
                };
                let mut named = alias.as_ref().map(|a| a.columns.clone()).unwrap_or_default();
                if *ordinality && alias.as_ref().is_none_or(|a| a.columns.len() < 2) {
                    named.extend([name.clone(), "ordinality".to_owned()]);
                }
                self.opaque_entry(scope, name, named, nullable);
            }
            FromItem::Join(join) => self.join(join, scope, nullable),
        }
    }

    fn opaque_entry(&mut self, scope: &mut Scope<'_, 'a>, alias: String, named: Vec<String>, nullable: bool) {
        let relation = Relation { alias: alias.clone(), nullable, ..Relation::default() };
        let relation = self.new_relation(scope.block, relation, Vec::new());
        scope.entries.push(Entry { alias, source: Source::Opaque { relation, named } });
    }

    fn named(&mut self, name: &'a TableName, alias: Option<&'a Alias>, scope: &mut Scope<'_, 'a>, nullable: bool) {
        if name.schema.is_none()
            && let Some(i) = self.ctes.iter().rposition(|c| c.name() == name.name)
        {
            return self.cte_reference(i, alias, scope, nullable);
        }
        let called = alias.map_or(&name.name, |a| &a.name).clone();
        let renamed = alias.map(|a| a.columns.clone()).unwrap_or_default();
        match self.resolver.relation(name) {
            Lookup::Table(table) => {
                self.tables_met += 1;
                let relation =
                    Relation { table: Some(table.oid), alias: called.clone(), nullable, ..Relation::default() };
                let relation = self.new_relation(scope.block, relation, Vec::new());
                scope.entries.push(Entry { alias: called, source: Source::Base { relation, table, renamed } });
            }
            Lookup::View(view, position) => self.view(view, position, called, &renamed, scope, nullable),
            Lookup::System => {
                self.system_met += 1;
                self.opaque_entry(scope, called, renamed, nullable);
            }
            Lookup::Unknown => {
                self.unknown_met += 1;
                let shown = name.schema.as_ref().map_or_else(|| name.name.clone(), |s| format!("{s}.{}", name.name));
                self.note_unresolved(format!("table {shown} is not in the catalog"));
                self.opaque_entry(scope, called, renamed, nullable);
            }
        }
    }

    fn view(
        &mut self,
        view: &'a View,
        position: usize,
        called: String,
        renamed: &[String],
        scope: &mut Scope<'_, 'a>,
        nullable: bool,
    ) {
        let resolver = self.resolver;
        let cyclic = self.views.contains(&view.oid) || !self.may_expand();
        let query = if cyclic { None } else { resolver.definition(position) };
        let Some(query) = query else {
            self.note_unresolved(format!("view {}.{} could not be expanded", view.schema, view.name));
            return self.opaque_entry(scope, called, view.columns.clone(), nullable);
        };
        self.views.push(view.oid);
        // A view sees neither the statement's WITH queries nor its tables.
        let ctes = std::mem::take(&mut self.ctes);
        let names: Vec<String> =
            view.columns.iter().enumerate().map(|(i, c)| renamed.get(i).unwrap_or(c).clone()).collect();
        self.derived(query, &called, &names, scope, nullable, None, BlockRole::From);
        self.ctes = ctes;
        self.views.pop();
    }

    fn cte_reference(&mut self, position: usize, alias: Option<&'a Alias>, scope: &mut Scope<'_, 'a>, nullable: bool) {
        let definition = self.ctes[position].clone();
        let called = alias.map_or(definition.name(), |a| &a.name).to_owned();
        let renamed = alias.map(|a| a.columns.as_slice()).unwrap_or_default();
        match definition {
            CteDefinition::Inline(cte) if !self.may_expand() => {
                self.note_unresolved(format!("WITH query {} is expanded too often", cte.name));
                self.opaque_entry(scope, called, renamed.to_vec(), nullable);
            }
            CteDefinition::Inline(cte) => {
                // It sees only what was defined before it.
                let later = self.ctes.split_off(position);
                let names: Vec<String> = if renamed.is_empty() { cte.columns.clone() } else { renamed.to_vec() };
                if let Statement::Query(query) = &cte.statement {
                    self.derived(query, &called, &names, scope, nullable, None, BlockRole::Cte);
                }
                self.ctes.truncate(position);
                self.ctes.extend(later);
            }
            CteDefinition::Bound { outputs, .. } => {
                let outputs: Vec<Output> = outputs.into_iter().map(|o| Output { pushable: false, ..o }).collect();
                self.derived_entry(outputs, &called, renamed, scope, nullable);
            }
            CteDefinition::Open { columns, .. } => {
                let named = if renamed.is_empty() { columns } else { renamed.to_vec() };
                self.opaque_entry(scope, called, named, nullable);
            }
        }
    }

    fn subquery(
        &mut self,
        query: &'a Query,
        alias: Option<&'a Alias>,
        scope: &mut Scope<'_, 'a>,
        nullable: bool,
        lateral: bool,
        role: BlockRole,
    ) {
        let called = alias.map(|a| a.name.clone()).unwrap_or_default();
        let names = alias.map(|a| a.columns.as_slice()).unwrap_or_default();
        let siblings = lateral.then(|| scope.entries.clone());
        self.derived(query, &called, names, scope, nullable, siblings, role);
    }

    /// A subquery as a row source: merged into the block if it is simple, else a block of its own. `siblings` are the
    /// entries that a LATERAL one may refer to.
    #[allow(clippy::too_many_arguments, reason = "the row source's own description and its surroundings")]
    fn derived(
        &mut self,
        query: &'a Query,
        called: &str,
        names: &[String],
        scope: &mut Scope<'_, 'a>,
        nullable: bool,
        siblings: Option<Vec<Entry<'a>>>,
        role: BlockRole,
    ) {
        let around = Scope {
            block: scope.block,
            entries: siblings.unwrap_or_default(),
            merged: Vec::new(),
            parent: scope.parent,
        };
        if let Some(select) = simple(query) {
            let depth =
                self.open_ctes(&query.with, &|visit| walk::for_each_table_in_query(query, visit), Some(&around));
            let mut inner = Scope::new(scope.block, Some(&around));
            for item in &select.from {
                self.add_from_item(item, &mut inner, nullable);
            }
            if let Some(filter) = &select.filter {
                self.where_clause(filter, &inner, &Context::default());
            }
            let columns = self.targets(&select.targets, &inner);
            self.ctes.truncate(depth);
            let name = |i: usize, own: String| names.get(i).cloned().unwrap_or(own);
            let columns = columns.into_iter().enumerate().map(|(i, (own, expr))| (name(i, own), expr)).collect();
            scope.entries.push(Entry { alias: called.to_owned(), source: Source::Columns(columns) });
            return;
        }
        let (_, outputs) = self.query(query, Some(&around), role, true);
        self.derived_entry(outputs, called, names, scope, nullable);
    }

    fn derived_entry(
        &mut self,
        outputs: Vec<Output>,
        called: &str,
        names: &[String],
        scope: &mut Scope<'_, 'a>,
        nullable: bool,
    ) {
        let block = scope.block;
        let columns: Vec<String> =
            outputs.iter().enumerate().map(|(i, o)| names.get(i).unwrap_or(&o.name).clone()).collect();
        let relation = Relation { alias: called.to_owned(), nullable, ..Relation::default() };
        let relation = self.new_relation(block, relation, outputs);
        let slot = |(i, name)| (name, Expr::Slot(self.column_slot(block, relation, ColumnKey::Output(i))));
        let columns = columns.into_iter().enumerate().map(slot).collect();
        scope.entries.push(Entry { alias: called.to_owned(), source: Source::Columns(columns) });
    }

    fn join(&mut self, join: &'a Join, scope: &mut Scope<'_, 'a>, nullable: bool) {
        let first_entry = scope.entries.len();
        let first_relation = self.blocks[scope.block].relations.len();
        let (left_nullable, right_nullable) = match join.kind {
            JoinKind::Inner => (nullable, nullable),
            JoinKind::Left => (nullable, true),
            JoinKind::Right => (true, nullable),
            JoinKind::Full => (true, true),
        };
        self.add_from_item(&join.left, scope, left_nullable);
        let middle_entry = scope.entries.len();
        let middle_relation = self.blocks[scope.block].relations.len();
        self.add_from_item(&join.right, scope, right_nullable);
        let last_relation = self.blocks[scope.block].relations.len();
        let context = Context {
            // An outer join's condition filters only the side that it can make null.
            only_relations: match join.kind {
                JoinKind::Inner => None,
                JoinKind::Left => Some(middle_relation..last_relation),
                JoinKind::Right => Some(first_relation..middle_relation),
                JoinKind::Full => Some(0..0),
            },
            ..Context::default()
        };
        for name in self.merged_names(join, scope, first_entry, middle_entry) {
            let left = self.side_column(&name, scope, first_entry..middle_entry);
            let right = self.side_column(&name, scope, middle_entry..scope.entries.len());
            let (Some(left), Some(right)) = (left, right) else { continue };
            self.mark(&left);
            self.mark(&right);
            self.comparison(scope.block, "=", &left, &right, &context, None);
            let merged = match join.kind {
                JoinKind::Inner | JoinKind::Left => left,
                JoinKind::Right => right,
                JoinKind::Full => Expr::Builtin { name: "COALESCE", args: vec![left, right] },
            };
            scope.merged.retain(|(n, _)| *n != name);
            scope.merged.push((name, merged));
        }
        if let Some(on) = &join.on {
            if first_entry == 0 {
                self.where_clause(on, scope, &context);
            } else {
                let here = Scope {
                    block: scope.block,
                    entries: scope.entries[first_entry..].to_vec(),
                    merged: Vec::new(),
                    parent: scope.parent,
                };
                self.where_clause(on, &here, &context);
            }
        }
        if let Some(alias) = join.alias.as_ref().filter(|_| join.using.is_empty()) {
            let hidden: Vec<Entry<'a>> = scope.entries.drain(first_entry..).collect();
            let columns: Vec<(String, Expr)> = hidden.iter().flat_map(|e| self.entry_columns(e, scope.block)).collect();
            let name = |i: usize, own: String| alias.columns.get(i).cloned().unwrap_or(own);
            let columns = columns.into_iter().enumerate().map(|(i, (own, expr))| (name(i, own), expr)).collect();
            scope.entries.push(Entry { alias: alias.name.clone(), source: Source::Columns(columns) });
        }
    }

    /// The columns that USING names or NATURAL finds.
    fn merged_names(&mut self, join: &'a Join, scope: &Scope<'_, 'a>, first: usize, middle: usize) -> Vec<String> {
        if !join.natural {
            return join.using.clone();
        }
        let mut names = |entries: &[Entry<'a>]| -> Vec<String> {
            entries.iter().flat_map(|e| self.entry_columns(e, scope.block)).map(|(name, _)| name).collect()
        };
        let left = names(&scope.entries[first..middle]);
        let right = names(&scope.entries[middle..]);
        left.into_iter().filter(|name| right.contains(name)).collect()
    }

    fn side_column(&mut self, name: &str, scope: &Scope<'_, 'a>, side: std::ops::Range<usize>) -> Option<Expr> {
        let here =
            Scope { block: scope.block, entries: scope.entries[side].to_vec(), merged: Vec::new(), parent: None };
        match self.column(&[name.to_owned()], &here) {
            Expr::Other { .. } => None,
            found => Some(found),
        }
    }
}

/// Whether the planner would merge the subquery into its parent (`is_simple_subquery`).
fn simple(query: &Query) -> Option<&Select> {
    let Body::Select(select) = &query.body else { return None };
    let plain = query.order_by.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && query.locking.is_empty()
        && query.with.iter().all(|cte| matches!(cte.statement, Statement::Query(_)))
        && !select.from.is_empty()
        && select.distinct == Distinct::No
        && select.group_by.is_empty()
        && !select.grouping_sets
        && select.having.is_none();
    (plain && !select.targets.iter().any(|t| forbids_merging(&t.expr))).then_some(select)
}

/// Whether a target keeps a subquery from being merged: an aggregate, a window or set-returning function, a function
/// that must run once a row.
fn forbids_merging(expr: &Expr) -> bool {
    let mut found = match expr {
        Expr::Call(call) => {
            facts::is_aggregate_or_window(call)
                || volatility::is_set_returning(&call.name)
                || volatility::builtin(&call.name, &[]) == Some(crate::snapshot::Volatility::Volatile)
        }
        _ => false,
    };
    expr.for_each_child(&mut |child| found = found || forbids_merging(child));
    found
}
