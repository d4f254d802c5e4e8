//! Operators: plain, over arrays, of rows (`parse_oper.c`, `make_row_comparison_op`).

use crate::planner::expr::{Expr, OpExpr, OpKind, RowCompare, ScalarArrayOp, types};
use crate::planner::facts::poly;
use crate::snapshot::Oid;

use super::coerce::Context;
use super::{Analyzer, Result, candidates, refuse};

impl Analyzer<'_> {
    /// `left op right`, or with no left `op right` (`make_op`).
    pub(super) fn operate(&mut self, name: &str, left: Option<Expr>, right: Expr) -> Result<Expr> {
        let op = self.find_operator(name, left.as_ref().map_or(0, Expr::ty), right.ty())?;
        self.apply(op, left, right, OpKind::Plain)
    }

    /// The operator for operands of these types.
    pub(super) fn find_operator(&self, name: &str, left: Oid, right: Oid) -> Result<Oid> {
        let bare = name.rsplit_once('.').map_or(name, |(_, bare)| bare);
        let named = |ty: Oid| self.facts.ty(ty).map_or_else(String::new, |t| t.name.clone());
        candidates::operator(self.facts, bare, left, right)
            .map_or_else(|| refuse(format!("operator {} {bare} {} does not exist", named(left), named(right))), Ok)
    }

    /// Applies an operator, its operands cast to what it takes.
    pub(super) fn apply(&mut self, op: Oid, left: Option<Expr>, right: Expr, kind: OpKind) -> Result<Expr> {
        let Some(fact) = self.facts.operator(op) else { return refuse("unknown operator") };
        let declared = if left.is_some() { vec![fact.left, fact.right] } else { vec![fact.right] };
        let operands: Vec<Expr> = left.into_iter().chain([right]).collect();
        let mut inputs: Vec<Oid> = operands.iter().map(Expr::ty).collect();
        // An unknown literal beside an array of a polymorphic operator is of the other's type.
        if let [a, b] = inputs[..] {
            inputs = vec![if a == types::UNKNOWN { b } else { a }, if b == types::UNKNOWN { a } else { b }];
        }
        let (wanted, result) = candidates::resolve(self.facts, &inputs, &declared, fact.result);
        let mut args = Vec::with_capacity(operands.len());
        for (operand, ty) in operands.into_iter().zip(wanted) {
            args.push(self.coerced(operand, ty, -1, Context::Implicit));
        }
        let collation = args.iter().map(Expr::collation).find(|c| *c != 0).unwrap_or(0);
        let ty = if kind == OpKind::NullIf { args.first().map_or(result, Expr::ty) } else { result };
        Ok(Expr::Op(Box::new(OpExpr { op, args, ty, collation, kind })))
    }

    /// `left op ANY/ALL (array)` (`make_scalar_array_op`).
    pub(super) fn over_array(&mut self, name: &str, any: bool, left: Expr, right: Expr) -> Result<Expr> {
        let array = right.ty();
        let element = if array == types::UNKNOWN { types::UNKNOWN } else { self.facts.element_of(array) };
        if element == 0 {
            return refuse("op ANY/ALL requires an array");
        }
        let op = self.find_operator(name, left.ty(), element)?;
        let Some(fact) = self.facts.operator(op) else { return refuse("unknown operator") };
        let inputs = [left.ty(), element];
        let (wanted, _) = candidates::resolve(self.facts, &inputs, &[fact.left, fact.right], fact.result);
        let (left_type, element) = (wanted.first().copied().unwrap_or(0), wanted.get(1).copied().unwrap_or(0));
        let array = if element == poly::ANYARRAY { array } else { self.facts.array_of(element) };
        let left = self.coerced(left, left_type, -1, Context::Implicit);
        let right = self.coerced(right, array, -1, Context::Implicit);
        let collation = [&left, &right].into_iter().map(Expr::collation).find(|c| *c != 0).unwrap_or(0);
        Ok(Expr::ScalarArrayOp(Box::new(ScalarArrayOp { op, any, left, right, collation })))
    }

    /// A comparison of rows.
    pub(super) fn compare_rows(&mut self, name: &str, left: Vec<Expr>, right: Vec<Expr>) -> Result<Expr> {
        if left.len() != right.len() || left.is_empty() {
            return refuse("unequal number of entries in row expressions");
        }
        let mut pairs = Vec::with_capacity(left.len());
        for (left, right) in left.into_iter().zip(right) {
            pairs.push(self.operate(name, Some(left), right)?);
        }
        if pairs.len() == 1 || name == "=" {
            return Ok(all(pairs));
        }
        if name == "<>" {
            return Ok(Expr::Or(pairs));
        }
        let mut compare = RowCompare { ops: Vec::new(), left: Vec::new(), right: Vec::new() };
        for pair in pairs {
            if let Expr::Op(op) = pair {
                compare.ops.push(op.op);
                let mut args = op.args.into_iter();
                compare.left.extend(args.next());
                compare.right.extend(args.next());
            }
        }
        Ok(Expr::RowCompare(Box::new(compare)))
    }
}

/// AND of all, nested ANDs taken apart.
pub(super) fn all(list: Vec<Expr>) -> Expr {
    let mut flat = Vec::with_capacity(list.len());
    for expr in list {
        match expr {
            Expr::And(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.len() == 1 { flat.remove(0) } else { Expr::And(flat) }
}

/// The conjuncts of a condition.
pub(super) fn conjuncts(expr: Expr) -> Vec<Expr> {
    match expr {
        Expr::And(list) => list.into_iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}
