//! Windows (`transformWindowDefinitions`).

use crate::planner::query::{SortGroup, WindowClause};
use crate::sql::ast::{self, Select, WindowShape};

use super::{Analyzer, Result};

impl Analyzer<'_> {
    /// The WINDOW clause's definitions, in order.
    pub(super) fn named_windows(&mut self, select: &Select) {
        let mut rest = select.windows.as_slice();
        for shape in &select.window_shapes {
            let (own, tail) = rest.split_at(size(shape).min(rest.len()));
            rest = tail;
            self.level().windows.push((shape.clone(), own.to_vec()));
        }
    }

    /// The window of an OVER clause, by its position.
    pub(super) fn window(&mut self, shape: &WindowShape, exprs: &[ast::Expr]) -> usize {
        let windows = &mut self.level().windows;
        let bare = size(shape) == 0 && !shape.base.is_empty();
        let known = windows
            .iter()
            .position(|(s, e)| if bare { s.name == shape.base } else { s.name.is_empty() && s == shape && e == exprs });
        known.unwrap_or_else(|| {
            windows.push((shape.clone(), exprs.to_vec()));
            windows.len() - 1
        })
    }

    /// Every window's partition and order, as targets.
    pub(super) fn windows(&mut self) -> Result<()> {
        let definitions = std::mem::take(&mut self.level().windows);
        let mut clauses: Vec<WindowClause> = Vec::with_capacity(definitions.len());
        for (i, (shape, exprs)) in definitions.iter().enumerate() {
            let earlier = definitions[..i].iter().position(|(s, _)| !s.name.is_empty() && s.name == shape.base);
            let mut clause = earlier.and_then(|at| clauses.get(at)).cloned().unwrap_or_default();
            let (partition, rest) = exprs.split_at(shape.partition.min(exprs.len()));
            for expr in partition {
                let item = self.window_item(expr, false, None)?;
                add(&mut clause.partition, item);
            }
            for (expr, (descending, nulls_first)) in rest.iter().zip(&shape.order) {
                let item = self.window_item(expr, *descending, *nulls_first)?;
                add(&mut clause.order, item);
            }
            clauses.push(clause);
        }
        self.level().query.windows = clauses;
        Ok(())
    }

    /// Windows take expressions as written, never output names (`findTargetlistEntrySQL99`).
    fn window_item(
        &mut self,
        expr: &ast::Expr,
        descending: bool,
        nulls_first: Option<bool>,
    ) -> Result<Option<SortGroup>> {
        let expr = self.expr(expr)?;
        let at = self.target_of(expr);
        self.sort_item(at, descending, nulls_first)
    }
}

fn add(list: &mut Vec<SortGroup>, item: Option<SortGroup>) {
    if let Some(item) = item
        && list.iter().all(|s| s.sortgroupref != item.sortgroupref)
    {
        list.push(item);
    }
}

fn size(shape: &WindowShape) -> usize {
    shape.partition + shape.order.len() + shape.offsets
}
