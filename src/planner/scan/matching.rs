//! Matching conditions to index keys (`match_clause_to_indexcol` and the functions under it).

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use super::pattern;
use crate::planner::env::{IndexInfo, IndexKeyInfo};
use crate::planner::expr::{Const, Expr, OpExpr, OpKind, RowCompare, types};
use crate::planner::exprs::contains_volatile;
use crate::planner::path::IndexClause;
use crate::planner::rel::Restrict;
use crate::planner::relids::RelId;
use crate::planner::root::Root;
use crate::planner::value::Datum;
use crate::snapshot::{IndexMethod, Oid};
use crate::sql::ast::BooleanTest;

/// `BooleanEqualOperator`.
const BOOL_EQUAL: Oid = 91;
/// `BOOL_BTREE_FAM_OID`, `BOOL_HASH_FAM_OID`.
const BOOL_FAMILIES: [Oid; 2] = [424, 2222];

/// What an access method can do (`IndexAmRoutine`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Abilities {
    /// Gives rows one by one (`amgettuple`).
    pub(super) plain: bool,
    /// Makes bitmaps (`amgetbitmap`).
    pub(super) bitmap: bool,
    /// Can be read without a condition on the first key (`amoptionalkey`).
    pub(super) optional_key: bool,
    /// Takes ANY conditions itself (`amsearcharray`).
    pub(super) arrays: bool,
    /// Takes IS NULL (`amsearchnulls`).
    pub(super) nulls: bool,
    /// Orders by distance (`amcanorderbyop`).
    pub(super) distance: bool,
    /// Workers can share a scan (`amcanparallel`).
    pub(super) parallel: bool,
}

impl Abilities {
    pub(super) fn of(method: IndexMethod) -> Self {
        let none = Self {
            plain: false,
            bitmap: true,
            optional_key: true,
            arrays: false,
            nulls: false,
            distance: false,
            parallel: false,
        };
        match method {
            IndexMethod::Btree => Self { plain: true, arrays: true, nulls: true, parallel: true, ..none },
            IndexMethod::Hash => Self { plain: true, optional_key: false, ..none },
            IndexMethod::Gist | IndexMethod::Spgist => Self { plain: true, nulls: true, distance: true, ..none },
            IndexMethod::Gin => none,
            IndexMethod::Brin => Self { nulls: true, ..none },
            IndexMethod::Other => Self { bitmap: false, optional_key: false, ..none },
        }
    }
}

/// Conditions by key column (`IndexClauseSet`).
#[derive(Debug, Clone, Default)]
pub(super) struct ClauseSet {
    pub(super) columns: Vec<Vec<IndexClause>>,
}

impl ClauseSet {
    pub(super) fn new(keys: usize) -> Self {
        Self { columns: vec![Vec::new(); keys] }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns.iter().all(Vec::is_empty)
    }
}

/// Matches conditions to one index's keys.
pub(super) struct Matcher<'m, 'a> {
    pub(super) root: &'m Root<'a>,
    pub(super) rel: RelId,
    pub(super) index: &'m IndexInfo,
    /// The keys over the relation's own columns.
    pub(super) keys: &'m [Expr],
    pub(super) abilities: Abilities,
}

impl Matcher<'_, '_> {
    /// Adds each condition to the first key that it fits (`match_clauses_to_index`).
    pub(super) fn add_all<'c>(&self, clauses: impl IntoIterator<Item = &'c Arc<Restrict>>, set: &mut ClauseSet) {
        for clause in clauses {
            self.add(clause, set);
        }
    }

    pub(super) fn add(&self, restrict: &Arc<Restrict>, set: &mut ClauseSet) {
        if restrict.pseudoconstant {
            return;
        }
        for (column, have) in set.columns.iter_mut().enumerate() {
            if have.iter().any(|c| Arc::ptr_eq(&c.restrict, restrict)) {
                return;
            }
            if let Some(clause) = self.match_clause(restrict, column) {
                have.push(clause);
                return;
            }
        }
    }

    /// `match_clause_to_indexcol`.
    pub(super) fn match_clause(&self, restrict: &Arc<Restrict>, column: usize) -> Option<IndexClause> {
        let key = self.index.keys.get(column)?;
        if BOOL_FAMILIES.contains(&key.family)
            && let Some(clause) = self.boolean(&restrict.clause, column)
        {
            return Some(self.with_quals(restrict, column, vec![clause], false));
        }
        match &restrict.clause {
            Expr::Op(op) if op.kind == OpKind::Plain => self.operator(restrict, op, key, column),
            Expr::Func(call) => {
                let first = call.args.first()?;
                if !self.is_key(first, column) {
                    return None;
                }
                self.by_support(restrict, call.func, &call.args, call.collation, column)
            }
            Expr::ScalarArrayOp(saop) => {
                let fits = saop.any
                    && self.is_key(&saop.left, column)
                    && self.is_outside(&saop.right)
                    && collation_fits(key, saop.collation)
                    && self.root.env.facts.strategy(saop.op, key.family).is_some();
                fits.then(|| whole(restrict, column))
            }
            Expr::RowCompare(compare) => self.row(restrict, compare, column),
            Expr::NullTest(arg, _) => {
                (self.abilities.nulls && self.is_key(arg, column)).then(|| whole(restrict, column))
            }
            _ => None,
        }
    }

    /// Whether an operand is the key (`match_index_to_operand`).
    pub(super) fn is_key(&self, operand: &Expr, column: usize) -> bool {
        let Some(key) = self.index.keys.get(column) else { return false };
        let operand = operand.strip_relabel();
        if key.attno != 0 {
            return matches!(operand, Expr::Var(v) if v.rel == self.rel && v.attno == key.attno && v.levels_up == 0);
        }
        self.keys.get(column).is_some_and(|k| k.strip_relabel() == operand)
    }

    /// Whether an operand is known before the scan begins: of other relations only, and not volatile.
    fn is_outside(&self, operand: &Expr) -> bool {
        let own = operand.any(&mut |e| matches!(e, Expr::Var(v) if v.rel == self.rel && v.levels_up == 0));
        !own && !contains_volatile(&self.root.env.facts, operand)
    }

    /// `match_opclause_to_indexcol`.
    fn operator(
        &self,
        restrict: &Arc<Restrict>,
        op: &OpExpr,
        key: &IndexKeyInfo,
        column: usize,
    ) -> Option<IndexClause> {
        let [left, right] = op.args.as_slice() else { return None };
        let facts = &self.root.env.facts;
        if self.is_key(left, column) && self.is_outside(right) {
            if collation_fits(key, op.collation) && facts.strategy(op.op, key.family).is_some() {
                return Some(whole(restrict, column));
            }
            let function = facts.operator(op.op)?.function;
            return self.by_support(restrict, function, &op.args, op.collation, column);
        }
        if self.is_key(right, column) && self.is_outside(left) && collation_fits(key, op.collation) {
            let commutator = facts.operator(op.op)?.commutator;
            if commutator != 0 && facts.strategy(commutator, key.family).is_some() {
                let swapped = OpExpr { op: commutator, args: vec![right.clone(), left.clone()], ..op.clone() };
                return Some(self.with_quals(restrict, column, vec![Expr::Op(Box::new(swapped))], false));
            }
        }
        None
    }

    /// `get_index_clause_from_support`.
    fn by_support(
        &self,
        restrict: &Arc<Restrict>,
        function: Oid,
        args: &[Expr],
        collation: Oid,
        column: usize,
    ) -> Option<IndexClause> {
        let key = self.index.keys.get(column)?;
        let quals = pattern::derive(&self.root.env.facts, function, args, collation, key);
        (!quals.is_empty()).then(|| self.with_quals(restrict, column, quals, true))
    }

    /// `match_boolean_index_clause`: a boolean key's own value as a condition.
    fn boolean(&self, clause: &Expr, column: usize) -> Option<Expr> {
        let (key, value) = match clause {
            Expr::Not(arg) | Expr::BooleanTest(arg, BooleanTest::False) if self.is_key(arg, column) => {
                (arg.as_ref(), false)
            }
            Expr::BooleanTest(arg, BooleanTest::True) if self.is_key(arg, column) => (arg.as_ref(), true),
            _ if self.is_key(clause, column) => (clause, true),
            _ => return None,
        };
        let value = Const { ty: types::BOOL, value: Some(Arc::new(Datum::Bool(value))), collation: 0 };
        Some(Expr::Op(Box::new(OpExpr {
            op: BOOL_EQUAL,
            args: vec![key.clone(), Expr::Const(value)],
            ty: types::BOOL,
            collation: 0,
            kind: OpKind::Plain,
        })))
    }

    /// `match_rowcompare_to_indexcol`, `expand_indexqual_rowcompare`.
    fn row(&self, restrict: &Arc<Restrict>, compare: &RowCompare, column: usize) -> Option<IndexClause> {
        if self.index.method != IndexMethod::Btree {
            return None;
        }
        let facts = &self.root.env.facts;
        let swapped = match (compare.left.first(), compare.right.first()) {
            (Some(left), Some(right)) if self.is_key(left, column) && self.is_outside(right) => false,
            (Some(left), Some(right)) if self.is_key(right, column) && self.is_outside(left) => true,
            _ => return None,
        };
        let op_at = |i: usize| {
            let op = *compare.ops.get(i)?;
            if swapped { facts.operator(op).map(|o| o.commutator).filter(|c| *c != 0) } else { Some(op) }
        };
        let first = op_at(0)?;
        let strategy = facts.strategy(first, self.index.keys.get(column)?.family)?;
        if strategy == 3 {
            return None;
        }
        let (own, other) = if swapped { (&compare.right, &compare.left) } else { (&compare.left, &compare.right) };
        let mut ops = vec![first];
        let mut columns = vec![column];
        while ops.len() < own.len() {
            let i = ops.len();
            let (Some(key), Some(value), Some(op)) = (own.get(i), other.get(i), op_at(i)) else { break };
            let fitting = (0..self.index.keys.len()).find(|c| {
                !columns.contains(c)
                    && self.is_key(key, *c)
                    && self.index.keys.get(*c).is_some_and(|k| facts.strategy(op, k.family) == Some(strategy))
            });
            let Some(found) = fitting.filter(|_| self.is_outside(value)) else { break };
            ops.push(op);
            columns.push(found);
        }
        let n = ops.len();
        if n == own.len() && !swapped {
            return Some(whole(restrict, column));
        }
        let lossy = n < own.len();
        if lossy {
            // Of the columns that are left, equality must pass.
            let relaxed = match strategy {
                1 => 2,
                5 => 4,
                s => s,
            };
            for (op, column) in ops.iter_mut().zip(&columns) {
                let fact = facts.operator(*op)?;
                let family = self.index.keys.get(*column)?.family;
                *op = facts.member(family, fact.left, fact.right, relaxed)?;
            }
        }
        let left = own.get(..n)?.to_vec();
        let right = other.get(..n)?.to_vec();
        let clause = if let ([op], [l], [r]) = (ops.as_slice(), left.as_slice(), right.as_slice()) {
            Expr::Op(Box::new(OpExpr {
                op: *op,
                args: vec![l.clone(), r.clone()],
                ty: types::BOOL,
                collation: self.index.keys.get(column)?.collation,
                kind: OpKind::Plain,
            }))
        } else {
            Expr::RowCompare(Box::new(RowCompare { ops, left, right }))
        };
        Some(self.with_quals(restrict, column, vec![clause], lossy))
    }

    fn with_quals(&self, restrict: &Arc<Restrict>, column: usize, quals: Vec<Expr>, lossy: bool) -> IndexClause {
        let quals = quals.into_iter().map(|q| derived(self.root, restrict, q)).collect();
        IndexClause { restrict: Arc::clone(restrict), quals, lossy, column }
    }
}

fn whole(restrict: &Arc<Restrict>, column: usize) -> IndexClause {
    IndexClause { restrict: Arc::clone(restrict), quals: vec![Arc::clone(restrict)], lossy: false, column }
}

/// `IndexCollMatchesExprColl`.
pub(super) fn collation_fits(key: &IndexKeyInfo, collation: Oid) -> bool {
    key.collation == 0 || key.collation == collation
}

/// A condition of its own with a restriction's circumstances.
pub(super) fn derived(root: &Root<'_>, from: &Restrict, clause: Expr) -> Arc<Restrict> {
    let (left, right) = match &clause {
        Expr::Op(op) => match op.args.as_slice() {
            [left, right] => (left.relids(), right.relids()),
            _ => (from.left, from.right),
        },
        _ => (from.left, from.right),
    };
    Arc::new(Restrict {
        id: next_id(&root.memo.next_restrict),
        clause,
        is_pushed_down: from.is_pushed_down,
        pseudoconstant: false,
        outerjoin_delayed: from.outerjoin_delayed,
        clause_relids: from.clause_relids,
        required: from.required,
        outer_relids: from.outer_relids,
        nullable: from.nullable,
        left,
        right,
        can_join: from.can_join,
        merge_families: Vec::new(),
        hash_op: 0,
        or_branches: None,
        left_ec: from.left_ec,
        right_ec: from.right_ec,
        parent_ec: from.parent_ec,
        norm_selectivity: OnceLock::new(),
        outer_selectivity: OnceLock::new(),
        eval_cost: OnceLock::new(),
        left_bucket: OnceLock::new(),
        right_bucket: OnceLock::new(),
    })
}

fn next_id(counter: &Cell<usize>) -> usize {
    let id = counter.get();
    counter.set(id + 1);
    id
}
