//! Which columns are in scope, and what a column's name stands for (`parse_relation.c`).

use crate::planner::expr::{Expr, Var, types};
use crate::planner::query::{Query, Rte, RteKind};
use crate::planner::relids::RelId;
use crate::snapshot::Oid;
use crate::sql::ast;

use super::{Analyzer, Result, refuse};

/// One query level while it is analysed.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) query: Query,
    /// What FROM brings into scope.
    pub(super) items: Vec<Item>,
    /// While FROM is analysed: whether what is analysed now is LATERAL, and so sees what stands to its left.
    pub(super) lateral: bool,
    /// Columns of the WITH queries in [`Query::ctes`].
    pub(super) cte_columns: Vec<Vec<Column>>,
    /// The WITH query that is being analysed and may refer to itself.
    pub(super) self_reference: Option<usize>,
    /// Window definitions: the named ones, then those of OVER, with their expressions.
    pub(super) windows: Vec<(ast::WindowShape, Vec<ast::Expr>)>,
    /// Whether unknown literals in the target list stay so (INSERT … SELECT, set operations).
    pub(super) keep_unknown: bool,
}

/// An output column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) ty: Oid,
    pub(super) typmod: i32,
    pub(super) collation: Oid,
}

impl Column {
    /// A column without modifier.
    pub(super) fn of(name: &str, ty: Oid, collation: Oid) -> Self {
        Self { name: name.to_owned(), ty, typmod: -1, collation }
    }
}

/// A name in scope (`ParseNamespaceItem`).
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) schema: Option<String>,
    pub(super) rel: Option<RelId>,
    /// Columns with what they stand for.
    pub(super) columns: Vec<(String, Expr)>,
    /// Whether `name.column` finds it.
    pub(super) by_name: bool,
    /// Whether a bare column name finds it.
    pub(super) bare: bool,
    /// To the left of what FROM is analysing now: seen through LATERAL only.
    pub(super) pending: bool,
}

/// System columns with numbers and types.
const SYSTEM: [(&str, i16, Oid); 6] =
    [("ctid", -1, 27), ("xmin", -2, 28), ("cmin", -3, 29), ("xmax", -4, 28), ("cmax", -5, 29), ("tableoid", -6, 26)];

impl Analyzer<'_> {
    /// Adds a range-table entry.
    pub(super) fn add_rte(&mut self, rte: Rte) -> RelId {
        let rtable = &mut self.level().query.rtable;
        rtable.push(rte);
        rtable.len() - 1
    }

    /// What a column reference stands for.
    pub(super) fn column(&mut self, parts: &[String]) -> Result<Expr> {
        for up in 0..self.levels.len() {
            let at = self.levels.len() - 1 - up;
            if let Some(mut expr) = self.column_at(at, parts)? {
                if up > 0 {
                    expr.raise_levels(i32::try_from(up).unwrap_or(0), 0);
                }
                return Ok(expr);
            }
        }
        refuse(format!("column {} does not exist", parts.join(".")))
    }

    fn column_at(&mut self, at: usize, parts: &[String]) -> Result<Option<Expr>> {
        let level = &mut self.levels[at];
        let lateral = level.lateral;
        let visible = |i: &&Item| !i.pending || lateral;
        let Some((name, qualifiers)) = parts.split_last() else { return Ok(None) };
        if let Some((table, schema)) = qualifiers.split_last() {
            let fits = |i: &&Item| {
                i.by_name && i.name == *table && schema.last().is_none_or(|s| i.schema.as_ref().is_none_or(|t| t == s))
            };
            let Some(item) = level.items.iter().filter(visible).find(fits) else { return Ok(None) };
            if let Some((_, expr)) = item.columns.iter().find(|(n, _)| n == name) {
                return Ok(Some(expr.clone()));
            }
            let Some(rel) = item.rel else { return refuse(format!("column {} does not exist", parts.join("."))) };
            return match system_column(rel, name).or_else(|| guessed(&mut level.query, rel, name)) {
                Some(expr) => Ok(Some(expr)),
                None => refuse(format!("column {} does not exist", parts.join("."))),
            };
        }
        let mut found: Option<&Expr> = None;
        for item in level.items.iter().filter(visible).filter(|i| i.bare) {
            for (_, expr) in item.columns.iter().filter(|(n, _)| n == name) {
                if found.is_some() {
                    return refuse(format!("column reference {name} is ambiguous"));
                }
                found = Some(expr);
            }
        }
        if let Some(expr) = found {
            return Ok(Some(expr.clone()));
        }
        let rels: Vec<RelId> = level.items.iter().filter(visible).filter_map(|i| i.rel).collect();
        if let Some(rel) = rels.first()
            && let Some(expr) = system_column(*rel, name)
        {
            return Ok(Some(expr));
        }
        // A table's name alone is its whole row; a function's is its only column.
        if let Some(item) = level.items.iter().filter(visible).find(|i| i.by_name && i.name == *name) {
            let whole =
                Var { rel: item.rel.unwrap_or(0), attno: 0, levels_up: 0, ty: types::RECORD, typmod: -1, collation: 0 };
            let function = item
                .rel
                .and_then(|r| level.query.rtable.get(r))
                .is_some_and(|r| matches!(r.kind, RteKind::Function { .. }));
            return Ok(Some(match item.columns.as_slice() {
                [(_, only)] if function => only.clone(),
                _ => Expr::Var(whole),
            }));
        }
        Ok(rels.into_iter().find_map(|rel| guessed(&mut level.query, rel, name)))
    }

    /// Everything that `*` or `name.*` stands for.
    pub(super) fn star(&mut self, qualifiers: &[String]) -> Result<Vec<(String, Expr)>> {
        for up in 0..self.levels.len() {
            let level = &self.levels[self.levels.len() - 1 - up];
            let columns: Vec<(String, Expr)> = match qualifiers.last() {
                None => level.items.iter().filter(|i| i.bare).flat_map(|i| i.columns.clone()).collect(),
                Some(table) => match level.items.iter().find(|i| i.by_name && i.name == *table) {
                    Some(item) => item.columns.clone(),
                    None => continue,
                },
            };
            let raised = columns.into_iter().map(|(name, mut expr)| {
                expr.raise_levels(i32::try_from(up).unwrap_or(0), 0);
                (name, expr)
            });
            return Ok(raised.collect());
        }
        refuse(format!("missing FROM entry for {}", qualifiers.join(".")))
    }
}

fn system_column(rel: RelId, name: &str) -> Option<Expr> {
    let (_, attno, ty) = SYSTEM.iter().find(|(n, ..)| *n == name)?;
    Some(Expr::Var(Var { rel, attno: *attno, levels_up: 0, ty: *ty, typmod: -1, collation: 0 }))
}

/// A column of a table whose columns are not known: taken to exist, as text.
fn guessed(query: &mut Query, rel: RelId, name: &str) -> Option<Expr> {
    let rte = query.rtable.get_mut(rel)?;
    if !matches!(rte.kind, RteKind::Unknown { .. }) {
        return None;
    }
    let at = rte.columns.iter().position(|c| c == name).unwrap_or_else(|| {
        rte.columns.push(name.to_owned());
        rte.columns.len() - 1
    });
    let attno = i16::try_from(at + 1).ok()?;
    Some(Expr::Var(Var { rel, attno, levels_up: 0, ty: types::TEXT, typmod: -1, collation: 100 }))
}
