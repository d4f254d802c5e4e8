//! SELECT and VALUES (`transformSelectStmt`, `transformValuesClause`).

use crate::planner::expr::{Expr, types};
use crate::planner::query::{JoinTree, Rte, RteKind, TargetEntry};
use crate::snapshot::Oid;
use crate::sql::ast::{self, Body, Distinct, Select, Step, Target};

use super::coerce::{Context, common_type};
use super::scope::Column;
use super::{Analyzer, Result, refuse};

impl Analyzer<'_> {
    /// A query into the innermost level.
    pub(super) fn query(&mut self, query: &ast::Query) -> Result<()> {
        self.with(&query.with)?;
        match &query.body {
            Body::Select(select) => self.select(select, query),
            Body::Values(rows) => {
                self.values(rows)?;
                self.tail(query)
            }
            Body::SetOperation { op, all, left, right } => {
                self.set_operation(*op, *all, left, right)?;
                self.tail(query)
            }
        }
    }

    fn select(&mut self, select: &Select, query: &ast::Query) -> Result<()> {
        self.from(&select.from)?;
        self.named_windows(select);
        let targets = self.targets(&select.targets)?;
        self.level().query.targets = targets;
        if let Some(filter) = &select.filter {
            let quals = self.condition(filter)?;
            self.level().query.jointree.quals = quals;
        }
        if let Some(having) = &select.having {
            let having = self.condition(having)?;
            self.level().query.having = having;
        }
        self.order_by(&query.order_by)?;
        self.group_by(select)?;
        match &select.distinct {
            Distinct::No => {}
            Distinct::All => self.distinct(),
            Distinct::On(exprs) => self.distinct_on(exprs)?,
        }
        self.limit(query)?;
        self.windows()?;
        self.settle_targets()?;
        self.lock(query);
        let has_srf = |t: &TargetEntry| t.expr.any(&mut |e| matches!(e, Expr::Func(f) if f.retset));
        let found = self.level().query.targets.iter().any(has_srf);
        self.level().query.has_target_srfs = found;
        Ok(())
    }

    /// What follows the body of VALUES and set operations.
    fn tail(&mut self, query: &ast::Query) -> Result<()> {
        self.order_by(&query.order_by)?;
        self.limit(query)?;
        self.lock(query);
        Ok(())
    }

    fn limit(&mut self, query: &ast::Query) -> Result<()> {
        let mut count = |expr: &Option<ast::Expr>| -> Result<Option<Expr>> {
            let Some(expr) = expr else { return Ok(None) };
            let expr = self.expr(expr)?;
            Ok(Some(self.coerce(expr, types::INT8, -1, Context::Assignment)?))
        };
        let (limit, offset) = (count(&query.limit)?, count(&query.offset)?);
        let level = self.level();
        level.query.limit = limit;
        level.query.offset = offset;
        level.query.limit_with_ties = query.with_ties;
        Ok(())
    }

    /// FOR UPDATE and its like: the tables named, or all.
    fn lock(&mut self, query: &ast::Query) {
        let level = self.level();
        for names in &query.locking {
            for (rel, rte) in level.query.rtable.iter().enumerate() {
                let wanted = names.is_empty() || names.contains(&rte.alias);
                let lockable = matches!(rte.kind, RteKind::Table(_) | RteKind::Subquery(_));
                if wanted && lockable && !level.query.row_marks.contains(&rel) {
                    level.query.row_marks.push(rel);
                }
            }
        }
    }

    /// A target list, stars expanded.
    pub(super) fn targets(&mut self, list: &[Target]) -> Result<Vec<TargetEntry>> {
        let mut targets = Vec::with_capacity(list.len());
        let entry = |expr, name| TargetEntry { expr, name, sortgroupref: 0, junk: false };
        for target in list {
            match &target.expr {
                ast::Expr::Star(qualifiers) => {
                    targets.extend(self.star(qualifiers)?.into_iter().map(|(name, expr)| entry(expr, name)));
                }
                ast::Expr::Indirection { expr, path } if matches!(path.as_slice(), [Step::Star]) => {
                    if let ast::Expr::Column(parts) = expr.as_ref() {
                        targets.extend(self.star(parts)?.into_iter().map(|(name, expr)| entry(expr, name)));
                    } else {
                        let expr = self.expr(expr)?;
                        targets.push(entry(expr, "row".to_owned()));
                    }
                }
                other => {
                    let expr = self.expr(other)?;
                    targets.push(entry(expr, target.alias.clone().unwrap_or_else(|| figure_name(other))));
                }
            }
        }
        Ok(targets)
    }

    /// Unknown literals that are left in the target list are text (`resolveTargetListUnknowns`).
    pub(super) fn settle_targets(&mut self) -> Result<()> {
        if self.level().keep_unknown {
            return Ok(());
        }
        let mut targets = std::mem::take(&mut self.level().query.targets);
        for target in &mut targets {
            if target.expr.ty() == types::UNKNOWN {
                let expr = std::mem::replace(&mut target.expr, Expr::Row(Vec::new()));
                target.expr = self.coerce(expr, types::TEXT, -1, Context::Implicit)?;
            }
        }
        self.level().query.targets = targets;
        Ok(())
    }

    /// VALUES as a query: of one row a SELECT without FROM, of more an entry of their own.
    fn values(&mut self, rows: &[Vec<ast::Expr>]) -> Result<()> {
        let mut rows: Vec<Vec<Expr>> = rows.iter().map(|row| self.exprs(row)).collect::<Result<_>>()?;
        let width = rows.first().map_or(0, Vec::len);
        let keep = self.level().keep_unknown;
        let mut columns = Vec::with_capacity(width);
        for i in 0..width {
            let all: Vec<Oid> = rows.iter().filter_map(|row| row.get(i)).map(Expr::ty).collect();
            let Some(ty) = common_type(self.facts, &all) else { return refuse("VALUES types cannot be matched") };
            let unknown = keep && all.iter().all(|t| *t == types::UNKNOWN);
            if !unknown {
                for cell in rows.iter_mut().filter_map(|row| row.get_mut(i)) {
                    let expr = std::mem::replace(cell, Expr::Row(Vec::new()));
                    *cell = self.coerce(expr, ty, -1, Context::Implicit)?;
                }
            }
            let ty = if unknown { types::UNKNOWN } else { ty };
            let collation = self.facts.ty(ty).map_or(0, |t| t.collation);
            columns.push(Column::of(&format!("column{}", i + 1), ty, collation));
        }
        let entry = |(name, expr)| TargetEntry { expr, name, sortgroupref: 0, junk: false };
        if rows.len() == 1 {
            let row = rows.pop().unwrap_or_default();
            let names = columns.into_iter().map(|c| c.name);
            self.level().query.targets = names.zip(row).map(entry).collect();
            return Ok(());
        }
        let rel = self.add_rte(Rte {
            kind: RteKind::Values { rows, types: columns.iter().map(|c| c.ty).collect() },
            alias: "*VALUES*".to_owned(),
            columns: columns.iter().map(|c| c.name.clone()).collect(),
            lateral: false,
            inherit: false,
        });
        let item = self.item_with(rel, &columns);
        let level = self.level();
        level.query.jointree.items.push(JoinTree::Rel(rel));
        level.query.targets = item.columns.iter().cloned().map(entry).collect();
        level.items.push(item);
        Ok(())
    }
}

/// The name of an output column without AS (`FigureColname`).
fn figure_name(expr: &ast::Expr) -> String {
    named(expr).unwrap_or_else(|| "?column?".to_owned())
}

fn named(expr: &ast::Expr) -> Option<String> {
    use ast::Expr as E;
    let fixed = |name: &str| Some(name.to_owned());
    match expr {
        E::Column(parts) => parts.last().cloned(),
        E::Call(call) => Some(call.name.clone()),
        E::Indirection { expr, path } => path
            .iter()
            .rev()
            .find_map(|step| match step {
                Step::Field(name) => Some(name.clone()),
                _ => None,
            })
            .or_else(|| named(expr)),
        E::Cast { expr, to } => named(expr).or_else(|| Some(to.name.clone())),
        E::Collate { expr, .. } => named(expr),
        E::Case { otherwise, .. } => {
            otherwise.as_deref().filter(|e| !matches!(e, E::Case { .. })).and_then(named).or_else(|| fixed("case"))
        }
        E::Builtin { name, .. } | E::ValueFunction(name) => Some(name.to_ascii_lowercase()),
        E::Array(_) => fixed("array"),
        E::Row(_) => fixed("row"),
        E::Sublink(link) => match link.kind {
            ast::SublinkKind::Exists => fixed("exists"),
            ast::SublinkKind::Array => fixed("array"),
            ast::SublinkKind::Scalar => match &link.query.body {
                Body::Select(select) => {
                    let first = select.targets.first()?;
                    first.alias.clone().or_else(|| named(&first.expr))
                }
                _ => None,
            },
            ast::SublinkKind::Any | ast::SublinkKind::All => None,
        },
        _ => None,
    }
}
