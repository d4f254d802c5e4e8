//! Subqueries in expressions (`transformSubLink`).

use crate::planner::expr::{Expr, SubLink, types};
use crate::planner::query::Query;
use crate::snapshot::Oid;
use crate::sql::ast::{self, SublinkKind};

use super::coerce::Context;
use super::scope::Level;
use super::{Analyzer, Result, refuse};

impl Analyzer<'_> {
    /// A query one level down.
    pub(super) fn subquery(&mut self, query: &ast::Query) -> Result<Query> {
        self.subquery_with(query, false)
    }

    /// A query one level down, whose unknown literals may be left so.
    pub(super) fn subquery_with(&mut self, query: &ast::Query, keep_unknown: bool) -> Result<Query> {
        self.levels.push(Level { keep_unknown, ..Level::default() });
        let done = self.query(query);
        let level = self.levels.pop();
        done?;
        Ok(level.map(|l| l.query).unwrap_or_default())
    }

    /// A subquery in an expression.
    pub(super) fn sublink(&mut self, link: &ast::Sublink) -> Result<Expr> {
        let mut query = self.subquery(&link.query)?;
        self.level().query.has_sublinks = true;
        let columns: Vec<(usize, Oid)> =
            query.targets.iter().enumerate().filter(|(_, t)| !t.junk).map(|(i, t)| (i, t.expr.ty())).collect();
        let first = columns.first().map_or(types::UNKNOWN, |(_, ty)| *ty);
        let mut tests = Vec::new();
        let ty = match link.kind {
            SublinkKind::Exists => types::BOOL,
            SublinkKind::Scalar => first,
            SublinkKind::Array => match self.facts.element_of(first) {
                0 => self.facts.array_of(first),
                _ => first,
            },
            SublinkKind::Any | SublinkKind::All => {
                let left = match &link.test {
                    Some(ast::Expr::Row(list)) => self.exprs(list)?,
                    Some(other) => vec![self.expr(other)?],
                    None => Vec::new(),
                };
                if left.len() != columns.len() {
                    return refuse("subquery has too many or too few columns");
                }
                for (left, (at, column)) in left.into_iter().zip(columns) {
                    tests.push(self.quantified_test(&link.op, left, &mut query, at, column)?);
                }
                types::BOOL
            }
        };
        Ok(Expr::SubLink(Box::new(SubLink { kind: link.kind, tests, query, ty })))
    }

    /// One column's comparison: the operator, the left side cast to what it takes, the query's column too where it can.
    fn quantified_test(
        &mut self,
        name: &str,
        left: Expr,
        query: &mut Query,
        at: usize,
        column: Oid,
    ) -> Result<(Expr, Oid)> {
        let op = self.find_operator(name, left.ty(), column)?;
        let Some(fact) = self.facts.operator(op) else { return refuse("unknown operator") };
        let inputs = [if left.ty() == types::UNKNOWN { column } else { left.ty() }, column];
        let (wanted, _) = super::candidates::resolve(self.facts, &inputs, &[fact.left, fact.right], fact.result);
        let left = self.coerced(left, wanted.first().copied().unwrap_or(column), -1, Context::Implicit);
        let right = wanted.get(1).copied().unwrap_or(column);
        if right != column
            && query.set_operations.is_none()
            && let Some(target) = query.targets.get_mut(at)
            && target.sortgroupref == 0
        {
            let expr = std::mem::replace(&mut target.expr, Expr::Row(Vec::new()));
            target.expr = self.coerced(expr, right, -1, Context::Implicit);
        }
        Ok((left, op))
    }
}
