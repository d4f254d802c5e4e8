//! ORDER BY and DISTINCT (`parse_clause.c`).

use crate::planner::expr::{Expr, types};
use crate::planner::query::{SortGroup, TargetEntry};
use crate::snapshot::Oid;
use crate::sql::ast::{self, Literal};

use super::coerce::Context;
use super::{Analyzer, Result, refuse};

impl Analyzer<'_> {
    pub(super) fn order_by(&mut self, list: &[ast::SortBy]) -> Result<()> {
        for item in list {
            let at = self.target_named(&item.expr, true)?;
            let Some(entry) = self.sort_item(at, item.descending, item.nulls_first)? else { continue };
            let level = self.level();
            if level.query.sort.iter().all(|s| s.sortgroupref != entry.sortgroupref) {
                level.query.sort.push(entry);
            }
        }
        Ok(())
    }

    /// A sort item on a target (`addTargetToSortList`).
    pub(super) fn sort_item(
        &mut self,
        at: usize,
        descending: bool,
        nulls_first: Option<bool>,
    ) -> Result<Option<SortGroup>> {
        let Some(sortgroupref) = self.reference(at)? else { return Ok(None) };
        let ty = self.level().query.targets.get(at).map_or(types::UNKNOWN, |t| t.expr.ty());
        let operators = self.facts.sort_operators(ty);
        Ok(Some(SortGroup {
            sortgroupref,
            eq_op: operators.eq,
            sort_op: if descending { operators.gt } else { operators.lt },
            nulls_first: nulls_first.unwrap_or(descending),
            hashable: operators.hashable,
        }))
    }

    /// A target's reference number, given now if it has none; an unknown literal becomes text.
    fn reference(&mut self, at: usize) -> Result<Option<u32>> {
        let Some(expr) = self.level().query.targets.get(at).map(|t| t.expr.clone()) else { return Ok(None) };
        if expr.ty() == types::UNKNOWN {
            let text = self.coerce(expr, types::TEXT, -1, Context::Implicit)?;
            self.level().query.targets[at].expr = text;
        }
        let targets = &mut self.level().query.targets;
        let next = targets.iter().map(|t| t.sortgroupref).max().unwrap_or(0) + 1;
        let target = &mut targets[at];
        if target.sortgroupref == 0 {
            target.sortgroupref = next;
        }
        Ok(Some(target.sortgroupref))
    }

    /// The target that an item of ORDER BY, GROUP BY or DISTINCT ON means: by output name, by position, else by the
    /// expression, which is added if no target equals it (`findTargetlistEntrySQL92`). GROUP BY prefers columns of FROM
    /// to output names.
    pub(super) fn target_named(&mut self, expr: &ast::Expr, output_first: bool) -> Result<usize> {
        match expr {
            ast::Expr::Column(parts) if parts.len() == 1 => {
                let as_input = if output_first { None } else { self.column(parts).ok().filter(is_local) };
                if as_input.is_none() {
                    let targets = &self.level().query.targets;
                    if let Some(at) = targets.iter().position(|t| !t.junk && t.name == parts[0]) {
                        return Ok(at);
                    }
                }
            }
            ast::Expr::Literal(Literal::Integer(n)) => {
                let at = usize::try_from(*n).unwrap_or(0).wrapping_sub(1);
                let visible = self.level().query.targets.iter().filter(|t| !t.junk).count();
                return if at < visible { Ok(at) } else { refuse(format!("position {n} is not in select list")) };
            }
            _ => {}
        }
        let expr = self.expr(expr)?;
        Ok(self.target_of(expr))
    }

    /// The target that equals an expression, added without being shown if there is none.
    pub(super) fn target_of(&mut self, expr: Expr) -> usize {
        let targets = &mut self.level().query.targets;
        if let Some(at) = targets.iter().position(|t| t.expr == expr) {
            return at;
        }
        targets.push(TargetEntry { expr, name: "?column?".to_owned(), sortgroupref: 0, junk: true });
        targets.len() - 1
    }

    /// DISTINCT: the sort items first, then the other targets (`transformDistinctClause`).
    pub(super) fn distinct(&mut self) {
        let sort = self.level().query.sort.clone();
        let visible: Vec<usize> =
            self.level().query.targets.iter().enumerate().filter(|(_, t)| !t.junk).map(|(i, _)| i).collect();
        let mut list = sort;
        for at in visible {
            if let Ok(Some(item)) = self.sort_item(at, false, None)
                && list.iter().all(|s| s.sortgroupref != item.sortgroupref)
            {
                list.push(item);
            }
        }
        self.level().query.distinct = list;
    }

    pub(super) fn distinct_on(&mut self, exprs: &[ast::Expr]) -> Result<()> {
        let mut wanted: Vec<SortGroup> = Vec::new();
        for expr in exprs {
            let at = self.target_named(expr, true)?;
            if let Some(item) = self.sort_item(at, false, None)?
                && wanted.iter().all(|w| w.sortgroupref != item.sortgroupref)
            {
                wanted.push(item);
            }
        }
        // In ORDER BY's order as far as that goes.
        let is_wanted = |s: &&SortGroup| wanted.iter().any(|w| w.sortgroupref == s.sortgroupref);
        let mut list: Vec<SortGroup> = self.level().query.sort.iter().take_while(is_wanted).copied().collect();
        let known: Vec<u32> = list.iter().map(|s| s.sortgroupref).collect();
        list.extend(wanted.into_iter().filter(|w| !known.contains(&w.sortgroupref)));
        let level = self.level();
        level.query.distinct = list;
        level.query.distinct_on = true;
        Ok(())
    }

    /// How equal rows of a column of this type are found.
    pub(super) fn group_of(&self, ty: Oid, sortgroupref: u32) -> SortGroup {
        let o = self.facts.sort_operators(ty);
        SortGroup { sortgroupref, eq_op: o.eq, sort_op: o.lt, nulls_first: false, hashable: o.hashable }
    }
}

fn is_local(expr: &Expr) -> bool {
    !expr.any(&mut |e| matches!(e, Expr::Var(v) if v.levels_up > 0))
}
