//! WITH (`parse_cte.c`).

use crate::planner::query::{Cte, JoinTree, Rte, RteKind};
use crate::sql::ast::{self, Alias, Body, Statement};

use super::from::{output_columns, renamed};
use super::scope::{Column, Item};
use super::{Analyzer, Result};

impl Analyzer<'_> {
    /// The WITH queries of the innermost level, in order.
    pub(super) fn with(&mut self, ctes: &[ast::Cte]) -> Result<()> {
        for cte in ctes {
            let recursive = cte.recursive && refers_to(&cte.statement, &cte.name);
            if recursive {
                self.recursive(cte)?;
            } else {
                let query = self.statement(&cte.statement)?;
                let columns = named(output_columns(&query), &cte.columns);
                self.define(cte, false, query, columns);
            }
        }
        Ok(())
    }

    fn define(&mut self, cte: &ast::Cte, recursive: bool, query: crate::planner::Query, columns: Vec<Column>) {
        let level = self.level();
        let (name, materialized) = (cte.name.clone(), cte.materialized);
        level.query.ctes.push(Cte { name, materialized, recursive, references: 0, query });
        level.cte_columns.push(columns);
    }

    /// A recursive one: its columns are those of the first branch, which is analysed once for them.
    fn recursive(&mut self, cte: &ast::Cte) -> Result<()> {
        let first = match &cte.statement {
            Statement::Query(query) => match &query.body {
                Body::SetOperation { left, .. } => Some(left),
                _ => None,
            },
            _ => None,
        };
        let columns = match first {
            Some(left) => named(output_columns(&self.subquery(left)?), &cte.columns),
            None => Vec::new(),
        };
        self.define(cte, true, crate::planner::Query::default(), columns);
        let at = self.level().query.ctes.len() - 1;
        self.level().self_reference = Some(at);
        let query = self.statement(&cte.statement);
        let level = self.level();
        level.self_reference = None;
        level.query.ctes[at].query = query?;
        Ok(())
    }

    /// A reference to a WITH query in scope.
    pub(super) fn cte_item(&mut self, name: &str, alias: Option<&Alias>) -> Option<(JoinTree, Vec<Item>)> {
        let depth = self.levels.len();
        let (up, at) = (0..depth).find_map(|up| {
            let level = &self.levels[depth - 1 - up];
            level.query.ctes.iter().rposition(|c| c.name == name).map(|at| (up, at))
        })?;
        let level = &mut self.levels[depth - 1 - up];
        let self_reference = level.self_reference == Some(at);
        if !self_reference {
            level.query.ctes[at].references += 1;
        }
        let columns = level.cte_columns.get(at).cloned().unwrap_or_default();
        let rel = self.add_rte(Rte {
            kind: RteKind::Cte {
                name: name.to_owned(),
                levels_up: u32::try_from(up).unwrap_or(0),
                self_reference,
                types: columns.iter().map(|c| c.ty).collect(),
            },
            alias: alias.map_or(name, |a| &a.name).to_owned(),
            columns: renamed(columns.iter().map(|c| c.name.clone()).collect(), alias),
            lateral: false,
            inherit: false,
        });
        let item = self.item_with(rel, &columns);
        Some((JoinTree::Rel(rel), vec![item]))
    }
}

fn named(mut columns: Vec<Column>, names: &[String]) -> Vec<Column> {
    for (column, name) in columns.iter_mut().zip(names) {
        column.name.clone_from(name);
    }
    columns
}

fn refers_to(statement: &Statement, name: &str) -> bool {
    let mut found = false;
    crate::sql::walk::for_each_table(statement, &mut |t| found |= t.schema.is_none() && t.name == name);
    found
}
