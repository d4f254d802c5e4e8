//! GROUP BY and grouping sets (`transformGroupClause`, `expand_grouping_sets`).

use crate::sql::ast::{self, GroupItem, Select};

use super::{Analyzer, Result, refuse};

/// As many sets as the server allows.
const MAX_SETS: usize = 4096;

impl Analyzer<'_> {
    pub(super) fn group_by(&mut self, select: &Select) -> Result<()> {
        // Positions in the group list of each expression (of each member, for a row).
        let mut positions: Vec<Vec<usize>> = Vec::with_capacity(select.group_by.len());
        for expr in &select.group_by {
            let members: Vec<&ast::Expr> = match expr {
                ast::Expr::Row(list) => list.iter().collect(),
                other => vec![other],
            };
            let mut at = Vec::with_capacity(members.len());
            for member in members {
                at.extend(self.group_item(member)?);
            }
            positions.push(at);
        }
        if select.group_items.is_empty() {
            return Ok(());
        }
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for item in &select.group_items {
            let alternatives = expand(item, &positions);
            if sets.len().saturating_mul(alternatives.len()) > MAX_SETS {
                return refuse("too many grouping sets");
            }
            let cross = |set: &Vec<usize>| {
                let with = |more: &Vec<usize>| {
                    let mut all = set.clone();
                    all.extend(more.iter().filter(|m| !set.contains(m)));
                    all
                };
                alternatives.iter().map(with).collect::<Vec<_>>()
            };
            sets = sets.iter().flat_map(cross).collect();
        }
        self.level().query.grouping_sets = Some(sets);
        Ok(())
    }

    /// One expression's position in the group list.
    fn group_item(&mut self, expr: &ast::Expr) -> Result<Option<usize>> {
        let at = self.target_named(expr, false)?;
        let Some(mut item) = self.sort_item(at, false, None)? else { return Ok(None) };
        let level = self.level();
        if let Some(known) = level.query.group.iter().position(|g| g.sortgroupref == item.sortgroupref) {
            return Ok(Some(known));
        }
        // ORDER BY's direction serves both.
        if let Some(sorted) = level.query.sort.iter().find(|s| s.sortgroupref == item.sortgroupref) {
            item = *sorted;
        }
        level.query.group.push(item);
        Ok(Some(level.query.group.len() - 1))
    }
}

/// The sets that one item stands for.
fn expand(item: &GroupItem, positions: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let one = |member: &GroupItem| expand(member, positions).into_iter().next().unwrap_or_default();
    match item {
        GroupItem::Expr(at) => vec![positions.get(*at).cloned().unwrap_or_default()],
        GroupItem::Empty => vec![Vec::new()],
        GroupItem::Sets(members) => members.iter().flat_map(|m| expand(m, positions)).collect(),
        GroupItem::Rollup(members) => {
            (0..=members.len()).rev().map(|n| members[..n].iter().flat_map(one).collect()).collect()
        }
        GroupItem::Cube(members) => {
            let members = &members[..members.len().min(12)];
            let subsets = 1_usize << members.len();
            let subset = |bits: usize| {
                let chosen = members.iter().enumerate().filter(|(i, _)| bits & (1 << i) != 0);
                chosen.flat_map(|(_, m)| one(m)).collect()
            };
            (0..subsets).rev().map(subset).collect()
        }
    }
}
