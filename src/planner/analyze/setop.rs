//! Set operations (`transformSetOperationStmt`).

use crate::planner::expr::{Expr, types};
use crate::planner::query::{Rte, RteKind, SetOperation, SetOperator, TargetEntry};
use crate::planner::relids::RelId;
use crate::snapshot::Oid;
use crate::sql::ast::{self, Body};

use super::coerce::{Context, common_type};
use super::from::output_columns;
use super::scope::Column;
use super::{Analyzer, Result, refuse};

impl Analyzer<'_> {
    /// A set operation into the innermost level: its leaves become subquery entries, its columns those of the leftmost.
    pub(super) fn set_operation(
        &mut self,
        op: SetOperator,
        all: bool,
        left: &ast::Query,
        right: &ast::Query,
    ) -> Result<()> {
        let (tree, columns) = self.node(op, all, left, right)?;
        let leftmost = leftmost(&tree);
        let level = self.level();
        level.query.set_operations = Some(tree);
        let item = self.item_with(leftmost, &columns);
        let entry = |(name, expr): (String, Expr)| TargetEntry { expr, name, sortgroupref: 0, junk: false };
        let level = self.level();
        level.query.targets = item.columns.iter().cloned().map(entry).collect();
        level.items.push(item);
        Ok(())
    }

    fn node(
        &mut self,
        op: SetOperator,
        all: bool,
        left: &ast::Query,
        right: &ast::Query,
    ) -> Result<(SetOperation, Vec<Column>)> {
        let (left, left_columns) = self.branch(left)?;
        let (right, right_columns) = self.branch(right)?;
        if left_columns.len() != right_columns.len() {
            return refuse("each set operation must have the same number of columns");
        }
        let mut columns = Vec::with_capacity(left_columns.len());
        for (i, (l, r)) in left_columns.into_iter().zip(right_columns).enumerate() {
            let Some(ty) = common_type(self.facts, &[l.ty, r.ty]) else {
                return refuse("set operation types cannot be matched");
            };
            for side in [&left, &right] {
                self.settle_leaf(side, i, ty)?;
            }
            let default = self.facts.ty(ty).map_or(0, |t| t.collation);
            let collation = if default == 0 {
                0
            } else {
                [l.collation, r.collation, default].into_iter().find(|c| *c != 0).unwrap_or(0)
            };
            let typmod = if l.ty == r.ty && l.typmod == r.typmod { l.typmod } else { -1 };
            columns.push(Column { name: l.name, ty, typmod, collation });
        }
        let types: Vec<Oid> = columns.iter().map(|c| c.ty).collect();
        let keeps_all = all && op == SetOperator::Union;
        let group = if keeps_all {
            Vec::new()
        } else {
            let item = |(i, ty): (usize, &Oid)| self.group_of(*ty, u32::try_from(i + 1).unwrap_or(0));
            types.iter().enumerate().map(item).collect()
        };
        let node = SetOperation::Node { op, all, left: Box::new(left), right: Box::new(right), types, group };
        Ok((node, columns))
    }

    fn branch(&mut self, query: &ast::Query) -> Result<(SetOperation, Vec<Column>)> {
        let plain = query.with.is_empty()
            && query.order_by.is_empty()
            && query.limit.is_none()
            && query.offset.is_none()
            && query.locking.is_empty();
        if let (true, Body::SetOperation { op, all, left, right }) = (plain, &query.body) {
            return self.node(*op, *all, left, right);
        }
        let analysed = self.subquery_with(query, true)?;
        let columns = output_columns(&analysed);
        let number = self.level().query.rtable.len() + 1;
        let rel = self.add_rte(Rte {
            kind: RteKind::Subquery(Box::new(analysed)),
            alias: format!("*SELECT* {number}"),
            columns: columns.iter().map(|c| c.name.clone()).collect(),
            lateral: false,
            inherit: false,
        });
        Ok((SetOperation::Leaf(rel), columns))
    }

    /// Gives an unknown literal of a leaf the column's type.
    fn settle_leaf(&mut self, side: &SetOperation, column: usize, ty: Oid) -> Result<()> {
        let SetOperation::Leaf(rel) = side else { return Ok(()) };
        let Some(expr) = self.leaf_target(*rel, column).filter(|e| e.ty() == types::UNKNOWN).cloned() else {
            return Ok(());
        };
        let cast = self.coerce(expr, ty, -1, Context::Implicit)?;
        if let Some(slot) = self.leaf_target(*rel, column) {
            *slot = cast;
        }
        Ok(())
    }

    fn leaf_target(&mut self, rel: RelId, column: usize) -> Option<&mut Expr> {
        match &mut self.level().query.rtable.get_mut(rel)?.kind {
            RteKind::Subquery(query) => query.targets.iter_mut().filter(|t| !t.junk).nth(column).map(|t| &mut t.expr),
            _ => None,
        }
    }
}

fn leftmost(tree: &SetOperation) -> RelId {
    match tree {
        SetOperation::Leaf(rel) => *rel,
        SetOperation::Node { left, .. } => leftmost(left),
    }
}
