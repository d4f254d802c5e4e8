//! EXISTS and IN as semi joins, NOT EXISTS as anti joins (`pull_up_sublinks`, `convert_ANY_sublink_to_join`,
//! `convert_EXISTS_sublink_to_join`).

use super::{from, merge};
use crate::planner::env::Env;
use crate::planner::expr::{Expr, OpExpr, OpKind, SubLink, Var, types};
use crate::planner::exprs::{contains_volatile, returns_set};
use crate::planner::query::{Command, FromExpr, JoinExpr, JoinTree, JoinType, Query, Rte, RteKind};
use crate::planner::relids::Relids;
use crate::planner::value::Datum;
use crate::sql::ast::SublinkKind;

/// Pulls up every sublink of a level's conditions that a join can stand for.
pub(super) fn pull_up(env: &Env<'_>, query: &mut Query) {
    if !query.has_sublinks {
        return;
    }
    let tree = std::mem::take(&mut query.jointree);
    let mut links = Links { env, query };
    let (tree, _) = links.in_from(tree);
    query.jointree = match tree {
        JoinTree::From(from) => *from,
        other => FromExpr { items: vec![other], quals: Vec::new() },
    };
}

struct Links<'q, 'e, 'a> {
    env: &'e Env<'a>,
    query: &'q mut Query,
}

impl Links<'_, '_, '_> {
    fn in_tree(&mut self, tree: JoinTree) -> (JoinTree, Relids) {
        match tree {
            JoinTree::Rel(rel) => (JoinTree::Rel(rel), Relids::single(rel)),
            JoinTree::From(from) => self.in_from(*from),
            JoinTree::Join(join) => self.in_join(*join),
        }
    }

    fn in_from(&mut self, tree: FromExpr) -> (JoinTree, Relids) {
        let mut relids = Relids::EMPTY;
        let mut items = Vec::with_capacity(tree.items.len());
        for item in tree.items {
            let (item, own) = self.in_tree(item);
            relids = relids | own;
            items.push(item);
        }
        if items.is_empty() {
            return (from(items, tree.quals), relids);
        }
        let mut joined = Vec::new();
        let quals = self.in_quals(tree.quals, relids, &mut joined);
        // The conditions apply to what is joined; each semi join stands above the one before.
        let base = from(items, quals);
        (wrap(base, joined), relids)
    }

    fn in_join(&mut self, mut join: JoinExpr) -> (JoinTree, Relids) {
        let (left, left_relids) = self.in_tree(join.left);
        let (right, right_relids) = self.in_tree(join.right);
        (join.left, join.right) = (left, right);
        let mut joined = Vec::new();
        let both = left_relids | right_relids;
        match join.kind {
            JoinType::Inner => {
                join.quals = self.in_quals(std::mem::take(&mut join.quals), both, &mut joined);
                return (wrap(JoinTree::Join(Box::new(join)), joined), both);
            }
            // Only what reads nothing but the nullable side can be joined to it beforehand.
            JoinType::Left => {
                join.quals = self.in_quals(std::mem::take(&mut join.quals), right_relids, &mut joined);
                join.right = wrap(join.right, joined);
            }
            JoinType::Right => {
                join.quals = self.in_quals(std::mem::take(&mut join.quals), left_relids, &mut joined);
                join.left = wrap(join.left, joined);
            }
            _ => {}
        }
        (JoinTree::Join(Box::new(join)), both)
    }

    /// Takes the sublinks out of an implicit AND; what they become goes to `joined`.
    fn in_quals(&mut self, quals: Vec<Expr>, available: Relids, joined: &mut Vec<JoinExpr>) -> Vec<Expr> {
        let mut kept = Vec::with_capacity(quals.len());
        for qual in quals {
            match qual {
                Expr::And(args) => kept.extend(self.in_quals(args, available, joined)),
                Expr::SubLink(link) => match self.convert(*link, false, available) {
                    Ok(join) => joined.push(join),
                    Err(link) => kept.push(Expr::SubLink(link)),
                },
                Expr::Not(inner) => match *inner {
                    Expr::SubLink(link) if link.kind == SublinkKind::Exists => {
                        match self.convert(*link, true, available) {
                            Ok(join) => joined.push(join),
                            Err(link) => kept.push(Expr::Not(Box::new(Expr::SubLink(link)))),
                        }
                    }
                    other => kept.push(Expr::Not(Box::new(other))),
                },
                other => kept.push(other),
            }
        }
        kept
    }

    fn convert(&mut self, link: SubLink, negated: bool, available: Relids) -> Result<JoinExpr, Box<SubLink>> {
        match link.kind {
            SublinkKind::Exists => self.exists(link, negated, available),
            SublinkKind::Any if !negated => self.any(link, available),
            _ => Err(Box::new(link)),
        }
    }

    /// `x IN (SELECT …)`, which must not be correlated before 17.
    fn any(&mut self, link: SubLink, available: Relids) -> Result<JoinExpr, Box<SubLink>> {
        let lateral = link.query.has_outer_vars();
        let outer = link.query.outer_relids(1);
        let tested = link.tests.iter().fold(Relids::EMPTY, |set, (e, _)| set | e.relids());
        let volatile = link.tests.iter().any(|(e, _)| contains_volatile(&self.env.facts, e));
        let may_be_lateral = self.env.settings.major >= 17 && outer.is_subset(available);
        if (lateral && !may_be_lateral) || tested.is_empty() || !tested.is_subset(available) || volatile {
            return Err(Box::new(link));
        }
        let rel = self.query.rtable.len();
        let mut quals = Vec::with_capacity(link.tests.len());
        for (position, (left, op)) in link.tests.iter().enumerate() {
            let Some(target) = link.query.targets.iter().filter(|t| !t.junk).nth(position) else {
                return Err(Box::new(link));
            };
            let attno = i16::try_from(position + 1).unwrap_or(i16::MAX);
            let right = column(rel, attno, &target.expr);
            quals.push(self.comparison(*op, left.clone(), right));
        }
        let columns = link.query.targets.iter().filter(|t| !t.junk).map(|t| t.name.clone()).collect();
        self.query.rtable.push(Rte {
            kind: RteKind::Subquery(Box::new(link.query)),
            alias: "ANY_subquery".to_owned(),
            columns,
            lateral,
            inherit: false,
        });
        Ok(JoinExpr { kind: JoinType::Semi, left: from(Vec::new(), Vec::new()), right: JoinTree::Rel(rel), quals })
    }

    /// `left op column`, with the casts that the operator needs: binary-coercible ones only, which analysis has made
    /// explicit on the left.
    fn comparison(&self, op: u32, left: Expr, right: Expr) -> Expr {
        let wanted = self.env.facts.operator(op).map_or(0, |o| o.right);
        let right = if wanted != 0 && right.ty() != wanted && self.env.facts.binary_coercible(right.ty(), wanted) {
            let collation = right.collation();
            Expr::Relabel(Box::new(crate::planner::expr::Cast { arg: right, ty: wanted, typmod: -1, collation }))
        } else {
            right
        };
        let collation = if left.collation() != 0 { left.collation() } else { right.collation() };
        Expr::Op(Box::new(OpExpr { op, args: vec![left, right], ty: types::BOOL, collation, kind: OpKind::Plain }))
    }

    fn exists(&mut self, link: SubLink, negated: bool, available: Relids) -> Result<JoinExpr, Box<SubLink>> {
        let Some(mut sub) = simple_exists(&link.query) else { return Err(Box::new(link)) };
        let quals = std::mem::take(&mut sub.jointree.quals);
        // Only the WHERE clause may look out, and it has to.
        if sub.has_outer_vars() || sub.jointree.items.is_empty() {
            return Err(Box::new(link));
        }
        sub.jointree.quals = quals;
        if sub.jointree.quals.iter().any(|q| contains_volatile(&self.env.facts, q)) {
            return Err(Box::new(link));
        }
        let offset = self.query.rtable.len();
        merge::renumber(&mut sub, offset);
        let quals = std::mem::take(&mut sub.jointree.quals);
        let outer: Relids =
            quals.iter().fold(Relids::EMPTY, |set, q| set | q.relids()).iter().filter(|r| *r < offset).collect();
        // A condition of a level further up alone does not make a join.
        if outer.is_empty() || !outer.is_subset(available) {
            return Err(Box::new(link));
        }
        self.query.rtable.append(&mut sub.rtable);
        let tree = std::mem::take(&mut sub.jointree);
        let (right, relids) = self.in_from(tree);
        let kind = if negated { JoinType::Anti } else { JoinType::Semi };
        // Sublinks within may be joined to the inner side.
        let mut joined = Vec::new();
        let quals = self.in_quals(quals, relids, &mut joined);
        let right = wrap(right, joined);
        Ok(JoinExpr { kind, left: from(Vec::new(), Vec::new()), right, quals })
    }
}

/// A column of a subquery.
fn column(rel: usize, attno: i16, expr: &Expr) -> Expr {
    Expr::Var(Var { rel, attno, levels_up: 0, ty: expr.ty(), typmod: expr.typmod(), collation: expr.collation() })
}

/// Joins made of sublinks, one above another.
fn wrap(base: JoinTree, joined: Vec<JoinExpr>) -> JoinTree {
    joined.into_iter().fold(base, |left, join| JoinTree::Join(Box::new(JoinExpr { left, ..join })))
}

/// What EXISTS asks, without what cannot matter to it (`simplify_EXISTS_query`).
pub(in crate::planner::prep) fn simple_exists(query: &Query) -> Option<Query> {
    let plain = query.command == Command::Select
        && query.set_operations.is_none()
        && !query.has_aggs
        && query.grouping_sets.is_none()
        && !query.has_window_funcs
        && !query.targets.iter().any(|t| returns_set(&t.expr))
        && query.having.is_empty()
        && query.offset.is_none()
        && query.row_marks.is_empty()
        && query.ctes.is_empty();
    let limit_keeps_a_row = match &query.limit {
        None => true,
        Some(Expr::Const(c)) => !matches!(c.value.as_deref(), Some(Datum::Int(n)) if *n <= 0),
        Some(_) => false,
    };
    if !plain || !limit_keeps_a_row {
        return None;
    }
    let mut sub = query.clone();
    sub.targets.clear();
    sub.group.clear();
    sub.distinct.clear();
    sub.sort.clear();
    sub.windows.clear();
    sub.limit = None;
    Some(sub)
}
