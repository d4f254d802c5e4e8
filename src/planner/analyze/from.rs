//! FROM (`parse_clause.c`, `addRangeTableEntry…`).

use crate::planner::expr::{Expr, Var, Variadic, types};
use crate::planner::query::{JoinExpr, JoinKind, JoinTree, JoinType, Query, Rte, RteKind};
use crate::planner::relids::RelId;
use crate::snapshot::{Oid, Table, View};
use crate::sql::ast::{self, Alias, FromItem, Statement, TableName};

use super::coerce::{Context, common_type};
use super::name::Relation;
use super::operator::conjuncts;
use super::scope::{Column, Item};
use super::{Analyzer, MAX_VIEW_DEPTH, Result, refuse};

/// What an item of FROM brings: its place in the join tree, the names in scope, and all its columns.
type Source = (JoinTree, Vec<Item>);

impl Analyzer<'_> {
    /// FROM's items, each seeing those to its left through LATERAL.
    pub(super) fn from(&mut self, items: &[FromItem]) -> Result<()> {
        for item in items {
            let (tree, names) = self.source(item)?;
            let level = self.level();
            level.query.jointree.items.push(tree);
            level.items.extend(names.into_iter().map(|i| Item { pending: true, ..i }));
        }
        for item in &mut self.level().items {
            item.pending = false;
        }
        Ok(())
    }

    fn source(&mut self, item: &FromItem) -> Result<Source> {
        match item {
            FromItem::Table { name, alias } => self.table_item(name, alias.as_ref()),
            FromItem::Subquery { query, alias, lateral } => {
                let before = std::mem::replace(&mut self.level().lateral, *lateral);
                let query = self.subquery(query);
                self.level().lateral = before;
                let name = alias.as_ref().map_or("unnamed_subquery", |a| &a.name);
                Ok(self.subquery_item(query?, name, alias.as_ref(), *lateral))
            }
            FromItem::Function { exprs, alias, ordinality } => self.function_item(exprs, alias.as_ref(), *ordinality),
            FromItem::Join(join) => self.join_item(join),
        }
    }

    fn table_item(&mut self, name: &TableName, alias: Option<&Alias>) -> Result<Source> {
        if name.schema.is_none()
            && let Some(source) = self.cte_item(&name.name, alias)
        {
            return Ok(source);
        }
        match self.relation(name)? {
            Relation::Table(table) => {
                let rel = self.table_rte(table, alias);
                Ok((JoinTree::Rel(rel), vec![self.item_of(rel, Some(table.schema.clone()))]))
            }
            Relation::View(view) => {
                let query = self.view(view)?;
                Ok(self.subquery_item(query, &view.name, alias, false))
            }
            Relation::System => {
                let rte = Rte {
                    kind: RteKind::Unknown { name: name.name.clone() },
                    alias: alias.map_or_else(|| name.name.clone(), |a| a.name.clone()),
                    columns: alias.map(|a| a.columns.clone()).unwrap_or_default(),
                    lateral: false,
                    inherit: false,
                };
                let rel = self.add_rte(rte);
                Ok((JoinTree::Rel(rel), vec![self.item_of(rel, None)]))
            }
        }
    }

    /// A table as a range-table entry.
    pub(super) fn table_rte(&mut self, table: &Table, alias: Option<&Alias>) -> RelId {
        let last = table.columns.last().map_or(0, |c| usize::try_from(c.attnum).unwrap_or(0));
        let mut columns = vec![String::new(); last];
        let mut given = alias.into_iter().flat_map(|a| a.columns.iter());
        for column in &table.columns {
            if let Some(slot) = usize::try_from(column.attnum).ok().and_then(|n| columns.get_mut(n.wrapping_sub(1))) {
                slot.clone_from(given.next().unwrap_or(&column.name));
            }
        }
        self.add_rte(Rte {
            kind: RteKind::Table(table.oid),
            alias: alias.map_or_else(|| table.name.clone(), |a| a.name.clone()),
            columns,
            lateral: false,
            inherit: true,
        })
    }

    /// A view's query, one level down.
    fn view(&mut self, view: &View) -> Result<Query> {
        if self.views >= MAX_VIEW_DEPTH {
            return refuse("views within views, without end");
        }
        let parsed = crate::sql::parse(&view.definition).ok().and_then(|mut all| all.pop());
        let Some(Statement::Query(query)) = parsed else { return refuse(format!("view {} cannot be read", view.name)) };
        // A view sees nothing of the query that reads it.
        let outer = std::mem::take(&mut self.levels);
        self.views += 1;
        let analysed = self.statement(&Statement::Query(query));
        self.views -= 1;
        self.levels = outer;
        let mut analysed = analysed?;
        let visible = analysed.targets.iter_mut().filter(|t| !t.junk);
        for (target, name) in visible.zip(&view.columns) {
            target.name.clone_from(name);
        }
        Ok(analysed)
    }

    /// A subquery as an entry.
    pub(super) fn subquery_item(&mut self, query: Query, name: &str, alias: Option<&Alias>, lateral: bool) -> Source {
        let columns = output_columns(&query);
        let rel = self.add_rte(Rte {
            kind: RteKind::Subquery(Box::new(query)),
            alias: alias.map_or(name, |a| &a.name).to_owned(),
            columns: renamed(columns.iter().map(|c| c.name.clone()).collect(), alias),
            lateral,
            inherit: false,
        });
        let item = self.item_with(rel, &columns);
        (JoinTree::Rel(rel), vec![item])
    }

    /// The item of a table's entry.
    pub(super) fn item_of(&mut self, rel: RelId, schema: Option<String>) -> Item {
        let Some(rte) = self.level().query.rtable.get(rel).cloned() else { return empty_item(rel) };
        let mut columns = Vec::new();
        if let RteKind::Table(oid) = rte.kind
            && let Some(table) = self.env.snapshot.catalog.table(oid)
        {
            for column in &table.columns {
                let at = usize::try_from(column.attnum).unwrap_or(0).wrapping_sub(1);
                let name = rte.columns.get(at).cloned().unwrap_or_default();
                columns.push((name, Expr::Var(self.table_column(rel, column))));
            }
        }
        Item { name: rte.alias, schema, rel: Some(rel), columns, by_name: true, bare: true, pending: false }
    }

    /// A table's column as a variable.
    pub(super) fn table_column(&self, rel: RelId, column: &crate::snapshot::Column) -> Var {
        Var {
            rel,
            attno: column.attnum,
            levels_up: 0,
            ty: self.facts.column_type(&column.ty),
            typmod: column.ty.modifier,
            collation: self.column_collation(column),
        }
    }

    /// The item of an entry with these columns, under the names that the entry gives them.
    pub(super) fn item_with(&mut self, rel: RelId, columns: &[Column]) -> Item {
        let Some(rte) = self.level().query.rtable.get(rel) else { return empty_item(rel) };
        let name_at = |i: usize, own: &str| rte.columns.get(i).cloned().unwrap_or_else(|| own.to_owned());
        let var = |(i, c): (usize, &Column)| {
            let attno = i16::try_from(i + 1).unwrap_or(i16::MAX);
            let var = Var { rel, attno, levels_up: 0, ty: c.ty, typmod: c.typmod, collation: c.collation };
            (name_at(i, &c.name), Expr::Var(var))
        };
        let columns = columns.iter().enumerate().map(var).collect();
        Item {
            name: rte.alias.clone(),
            schema: None,
            rel: Some(rel),
            columns,
            by_name: true,
            bare: true,
            pending: false,
        }
    }

    fn function_item(&mut self, exprs: &[ast::Expr], alias: Option<&Alias>, ordinality: bool) -> Result<Source> {
        let before = std::mem::replace(&mut self.level().lateral, true);
        let calls = self.exprs(exprs);
        self.level().lateral = before;
        let calls = calls?;
        let name = match exprs.first() {
            Some(ast::Expr::Call(call)) => call.name.clone(),
            _ => "function".to_owned(),
        };
        let shown = alias.map_or_else(|| name.clone(), |a| a.name.clone());
        let mut columns = Vec::new();
        for call in &calls {
            columns.extend(self.function_columns(call, &shown));
        }
        if columns.is_empty() || calls.iter().any(|c| c.ty() == types::RECORD) && columns.len() == 1 {
            // A column definition list, of which the tree keeps the names.
            let given = alias.map(|a| a.columns.as_slice()).unwrap_or_default();
            if !given.is_empty() {
                columns = given.iter().map(|c| Column::of(c, types::TEXT, 100)).collect();
            }
        }
        if ordinality {
            columns.push(Column::of("ordinality", types::INT8, 0));
        }
        let lateral = calls.iter().any(Expr::has_vars);
        let rel = self.add_rte(Rte {
            kind: RteKind::Function { calls, types: columns.iter().map(|c| c.ty).collect(), ordinality },
            alias: shown,
            columns: renamed(columns.iter().map(|c| c.name.clone()).collect(), alias),
            lateral,
            inherit: false,
        });
        let item = self.item_with(rel, &columns);
        Ok((JoinTree::Rel(rel), vec![item]))
    }

    /// The columns that a function in FROM gives.
    fn function_columns(&self, call: &Expr, name: &str) -> Vec<Column> {
        let collation = |ty: Oid| self.facts.ty(ty).map_or(0, |t| t.collation);
        if let Expr::Func(f) = call
            && let Some(fact) = self.facts.function(f.func)
            && !fact.out_columns.is_empty()
        {
            // One column of its own goes by the alias, unless the function names it.
            return fact.out_columns.iter().map(|(n, ty)| Column::of(n, *ty, collation(*ty))).collect();
        }
        if let Some(row) = self.facts.ty(self.facts.base_type(call.ty())).filter(|t| !t.fields.is_empty()) {
            return row.fields.iter().map(|(n, ty)| Column::of(n, *ty, collation(*ty))).collect();
        }
        vec![Column::of(name, call.ty(), collation(call.ty()))]
    }

    fn join_item(&mut self, join: &ast::Join) -> Result<Source> {
        let (left_tree, left) = self.source(&join.left)?;
        // The right side sees the left through LATERAL.
        let mark = self.level().items.len();
        self.level().items.extend(left.iter().cloned().map(|i| Item { pending: true, ..i }));
        let right = self.source(&join.right);
        self.level().items.truncate(mark);
        let (right_tree, right) = right?;
        let (left_columns, right_columns) = (columns_of(&left), columns_of(&right));
        let using: Vec<String> = if join.natural {
            let shared = |n: &&String| right_columns.iter().any(|(r, _)| r == *n);
            left_columns.iter().map(|(n, _)| n).filter(shared).cloned().collect()
        } else {
            join.using.clone()
        };
        let mut names: Vec<Item> = left.into_iter().chain(right).collect();
        let mut quals = Vec::new();
        let mut merged = Vec::new();
        for name in &using {
            let find = |list: &[(String, Expr)]| list.iter().find(|(n, _)| n == name).map(|(_, e)| e.clone());
            let (Some(l), Some(r)) = (find(&left_columns), find(&right_columns)) else {
                return refuse(format!("column {name} in USING does not exist on both sides"));
            };
            quals.push(self.operate("=", Some(l.clone()), r.clone())?);
            merged.push((name.clone(), self.merged(join.kind, l, r)?));
        }
        if let Some(on) = &join.on {
            let before = std::mem::replace(&mut self.level().items, names.clone());
            let analysed = self.condition(on);
            // ON may also see what stands to the left of the whole join, but only through LATERAL.
            self.level().items = before;
            quals.extend(analysed?);
        }
        let rest = |list: Vec<(String, Expr)>| list.into_iter().filter(|(n, _)| !using.contains(n)).collect::<Vec<_>>();
        let mut columns = merged;
        columns.extend(rest(left_columns));
        columns.extend(rest(right_columns));
        if let Some(alias) = &join.alias
            && !alias.name.is_empty()
        {
            let renamed = renamed(columns.iter().map(|(n, _)| n.clone()).collect(), Some(alias));
            let columns = renamed.into_iter().zip(columns).map(|(name, (_, expr))| (name, expr)).collect();
            let item = Item {
                name: alias.name.clone(),
                schema: None,
                rel: None,
                columns,
                by_name: true,
                bare: true,
                pending: false,
            };
            if join.using.is_empty() {
                names = vec![item];
            } else {
                // The alias may be that of USING, which hides nothing.
                hide(&mut names);
                names.push(item);
            }
        } else if !using.is_empty() {
            hide(&mut names);
            names.push(Item {
                name: String::new(),
                schema: None,
                rel: None,
                columns,
                by_name: false,
                bare: true,
                pending: false,
            });
        }
        let kind = match join.kind {
            JoinKind::Inner => JoinType::Inner,
            JoinKind::Left => JoinType::Left,
            JoinKind::Right => JoinType::Right,
            JoinKind::Full => JoinType::Full,
        };
        let quals = quals.into_iter().flat_map(conjuncts).collect();
        Ok((JoinTree::Join(Box::new(JoinExpr { kind, left: left_tree, right: right_tree, quals })), names))
    }

    /// The column that USING makes of two (`buildMergedJoinVar`).
    fn merged(&mut self, kind: JoinKind, left: Expr, right: Expr) -> Result<Expr> {
        let Some(ty) = common_type(self.facts, &[left.ty(), right.ty()]) else {
            return refuse("types of a USING column cannot be matched");
        };
        let left = self.coerce(left, ty, -1, Context::Implicit)?;
        let right = self.coerce(right, ty, -1, Context::Implicit)?;
        Ok(match kind {
            JoinKind::Full => Expr::Variadic(Variadic::Coalesce, vec![left, right], ty),
            JoinKind::Right => right,
            JoinKind::Inner | JoinKind::Left => left,
        })
    }
}

/// Takes away the bare names of what a join has merged.
fn hide(items: &mut [Item]) {
    for item in items {
        item.bare = false;
    }
}

fn empty_item(rel: RelId) -> Item {
    Item {
        name: String::new(),
        schema: None,
        rel: Some(rel),
        columns: Vec::new(),
        by_name: false,
        bare: false,
        pending: false,
    }
}

/// The columns that the items show without qualification.
fn columns_of(items: &[Item]) -> Vec<(String, Expr)> {
    items.iter().filter(|i| i.bare).flat_map(|i| i.columns.iter().cloned()).collect()
}

/// Column names with an alias's in their places.
pub(super) fn renamed(mut names: Vec<String>, alias: Option<&Alias>) -> Vec<String> {
    for (slot, given) in names.iter_mut().zip(alias.into_iter().flat_map(|a| &a.columns)) {
        slot.clone_from(given);
    }
    names
}

/// What a query gives: its targets, or what it returns of what it writes.
pub(super) fn output_columns(query: &Query) -> Vec<Column> {
    let targets = query.modify.as_ref().map_or(&query.targets, |m| &m.returning);
    let column = |t: &crate::planner::query::TargetEntry| Column {
        name: t.name.clone(),
        ty: t.expr.ty(),
        typmod: t.expr.typmod(),
        collation: t.expr.collation(),
    };
    targets.iter().filter(|t| !t.junk).map(column).collect()
}
