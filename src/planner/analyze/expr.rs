//! Expressions (`parse_expr.c`).

use std::sync::Arc;

use crate::planner::expr::{Case, Cast, Const, Expr, OpKind, Param, ParamSource, SubLink, Variadic, types};
use crate::planner::value::{Datum, numeric};
use crate::snapshot::Oid;
use crate::sql::ast::{self, LikeKind, Literal, Step};

use super::coerce::{Context, common_type};
use super::operator::all;
use super::{Analyzer, Result, refuse};

impl Analyzer<'_> {
    /// A list of expressions.
    pub(super) fn exprs(&mut self, list: &[ast::Expr]) -> Result<Vec<Expr>> {
        list.iter().map(|e| self.expr(e)).collect()
    }

    /// A condition, as an implicit AND.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Result<Vec<Expr>> {
        let expr = self.boolean(expr)?;
        Ok(super::operator::conjuncts(expr))
    }

    fn boolean(&mut self, expr: &ast::Expr) -> Result<Expr> {
        let expr = self.expr(expr)?;
        self.coerce(expr, types::BOOL, -1, Context::Assignment)
    }

    /// An expression.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Result<Expr> {
        use ast::Expr as E;
        match expr {
            E::Column(parts) => self.column(parts),
            E::Parameter(n) => Ok(self.parameter(*n)),
            E::Literal(literal) => Ok(constant(literal)),
            E::Call(call) => self.call(call),
            E::Operator { op, left, right } => self.operator_expr(op, left.as_deref(), right),
            E::And(list) | E::Or(list) => {
                let list: Vec<Expr> = list.iter().map(|e| self.boolean(e)).collect::<Result<_>>()?;
                Ok(if matches!(expr, E::And(_)) { all(list) } else { any_of(list) })
            }
            E::Not(inner) => Ok(Expr::Not(Box::new(self.boolean(inner)?))),
            E::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            E::Quantified { left, op, all, right } => {
                let (left, right) = (self.expr(left)?, self.expr(right)?);
                self.over_array(op, !all, left, right)
            }
            E::Like { kind, negated, expr, pattern, escape } => {
                self.like(*kind, *negated, expr, pattern, escape.as_deref())
            }
            E::Between { expr, low, high, negated, symmetric } => self.between(expr, low, high, *negated, *symmetric),
            E::IsDistinct { left, right, negated } => self.distinct_from(left, right, *negated),
            E::IsNull { expr, negated } => Ok(Expr::NullTest(Box::new(self.expr(expr)?), !negated)),
            E::BooleanTest { expr, test } => Ok(Expr::BooleanTest(Box::new(self.boolean(expr)?), *test)),
            E::Cast { expr, to } => self.cast(expr, to),
            E::Case { operand, whens, otherwise } => self.case(operand.as_deref(), whens, otherwise.as_deref()),
            E::Builtin { name, args } => self.builtin(name, args),
            E::Sublink(link) => self.sublink(link),
            E::Array(list) => self.array(list, None),
            E::Row(list) => Ok(Expr::Row(self.exprs(list)?)),
            E::Indirection { expr, path } => self.indirection(expr, path),
            E::Collate { expr, collation } => {
                let arg = self.expr(expr)?;
                let arg = if arg.ty() == types::UNKNOWN {
                    self.coerce(arg, types::TEXT, -1, Context::Implicit)?
                } else {
                    arg
                };
                let collation = super::name::collation(self.env, &collation.join("."));
                let (ty, typmod) = (arg.ty(), arg.typmod());
                Ok(Expr::Relabel(Box::new(Cast { arg, ty, typmod, collation })))
            }
            E::ValueFunction(name) => Ok(Expr::Other(name, Vec::new(), value_function_type(name))),
            E::Default => Ok(Expr::Other("DEFAULT", Vec::new(), types::UNKNOWN)),
            E::Star(_) => refuse("* is not allowed here"),
            E::Slot(_) => refuse("a column that a binder replaced"),
            E::Other { what, children } => {
                let ty = match *what {
                    "GROUPING" => types::INT4,
                    "is_json" => types::BOOL,
                    "json_object" | "json_array" | "json" | "json_scalar" => types::JSON,
                    _ => types::TEXT,
                };
                Ok(Expr::Other(what, self.exprs(children)?, ty))
            }
        }
    }

    /// `$n`, of the type that the context has given it so far.
    fn parameter(&mut self, n: u32) -> Expr {
        let at = usize::try_from(n).unwrap_or(1).saturating_sub(1);
        let ty = self.parameter_types.get(at).copied().unwrap_or(types::UNKNOWN);
        let collation = self.facts.ty(ty).map_or(0, |t| t.collation);
        Expr::Param(Param { source: ParamSource::External(n), ty, collation })
    }

    fn operator_expr(&mut self, op: &str, left: Option<&ast::Expr>, right: &ast::Expr) -> Result<Expr> {
        if let (Some(ast::Expr::Row(left)), ast::Expr::Row(right)) = (left, right) {
            let (left, right) = (self.exprs(left)?, self.exprs(right)?);
            return self.compare_rows(op, left, right);
        }
        if let (Some(ast::Expr::Row(left)), ast::Expr::Sublink(link)) = (left, right) {
            let left = self.exprs(left)?;
            return self.row_against_query(op, left, link);
        }
        let left = left.map(|e| self.expr(e)).transpose()?;
        let right = self.expr(right)?;
        self.operate(op, left, right)
    }

    /// IN: one array comparison over the members without columns where there are two or more of one type, an equality
    /// for each of the others (`transformAExprIn`).
    fn in_list(&mut self, test: &ast::Expr, list: &[ast::Expr], negated: bool) -> Result<Expr> {
        let name = if negated { "<>" } else { "=" };
        if let ast::Expr::Row(row) = test {
            let mut tests = Vec::with_capacity(list.len());
            for member in list {
                let left = self.exprs(row)?;
                let right = match member {
                    ast::Expr::Row(row) => self.exprs(row)?,
                    other => vec![self.expr(other)?],
                };
                tests.push(self.compare_rows(name, left, right)?);
            }
            return Ok(if negated { all(tests) } else { any_of(tests) });
        }
        let left = self.expr(test)?;
        let (plain, varying): (Vec<Expr>, Vec<Expr>) =
            self.exprs(list)?.into_iter().partition(|e| !e.any(&mut |n| matches!(n, Expr::Var(_) | Expr::SubLink(_))));
        let mut tests = Vec::new();
        let mut singles = varying;
        if plain.len() > 1 {
            let all_types: Vec<Oid> = std::iter::once(left.ty()).chain(plain.iter().map(Expr::ty)).collect();
            let common = common_type(self.facts, &all_types).filter(|ty| self.facts.array_of(*ty) != 0);
            match common.filter(|ty| *ty != types::RECORD) {
                Some(common) => {
                    let mut elements = Vec::with_capacity(plain.len());
                    for element in plain {
                        elements.push(self.coerce(element, common, -1, Context::Implicit)?);
                    }
                    let array = Expr::Array(elements, self.facts.array_of(common));
                    tests.push(self.over_array(name, !negated, left.clone(), array)?);
                }
                None => singles.splice(0..0, plain).for_each(drop),
            }
        } else {
            singles.splice(0..0, plain).for_each(drop);
        }
        for single in singles {
            tests.push(self.operate(name, Some(left.clone()), single)?);
        }
        Ok(if negated { all(tests) } else { any_of(tests) })
    }

    fn like(
        &mut self,
        kind: LikeKind,
        negated: bool,
        expr: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::Expr>,
    ) -> Result<Expr> {
        let left = self.expr(expr)?;
        let mut right = self.expr(pattern)?;
        let escape = escape.map(|e| self.expr(e)).transpose()?;
        if kind == LikeKind::Similar || escape.is_some() {
            let name = if kind == LikeKind::Similar { "similar_to_escape" } else { "like_escape" };
            let args = std::iter::once(right).chain(escape).collect();
            right = self.call_function(name, args)?;
        }
        let name = match (kind, negated) {
            (LikeKind::Like, false) => "~~",
            (LikeKind::Like, true) => "!~~",
            (LikeKind::Ilike, false) => "~~*",
            (LikeKind::Ilike, true) => "!~~*",
            (LikeKind::Similar, false) => "~",
            (LikeKind::Similar, true) => "!~",
        };
        self.operate(name, Some(left), right)
    }

    /// BETWEEN: two comparisons; four for SYMMETRIC.
    fn between(
        &mut self,
        expr: &ast::Expr,
        low: &ast::Expr,
        high: &ast::Expr,
        negated: bool,
        symmetric: bool,
    ) -> Result<Expr> {
        let (left, low, high) = (self.expr(expr)?, self.expr(low)?, self.expr(high)?);
        let mut pair = |low: &Expr, high: &Expr| -> Result<Expr> {
            let (first, second) = if negated { ("<", ">") } else { (">=", "<=") };
            let tests = vec![
                self.operate(first, Some(left.clone()), low.clone())?,
                self.operate(second, Some(left.clone()), high.clone())?,
            ];
            Ok(if negated { any_of(tests) } else { all(tests) })
        };
        let forward = pair(&low, &high)?;
        if !symmetric {
            return Ok(forward);
        }
        let backward = pair(&high, &low)?;
        Ok(if negated { all(vec![forward, backward]) } else { any_of(vec![forward, backward]) })
    }

    fn distinct_from(&mut self, left: &ast::Expr, right: &ast::Expr, negated: bool) -> Result<Expr> {
        let is_null = |e: &ast::Expr| matches!(e, ast::Expr::Literal(Literal::Null));
        if is_null(right) {
            return Ok(Expr::NullTest(Box::new(self.expr(left)?), negated));
        }
        if is_null(left) {
            return Ok(Expr::NullTest(Box::new(self.expr(right)?), negated));
        }
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        let op = self.find_operator("=", left.ty(), right.ty())?;
        let test = self.apply(op, Some(left), right, OpKind::Distinct)?;
        Ok(if negated { Expr::Not(Box::new(test)) } else { test })
    }

    fn cast(&mut self, expr: &ast::Expr, to: &ast::TypeName) -> Result<Expr> {
        let (ty, typmod) = self.type_name(to)?;
        if let ast::Expr::Array(list) = expr {
            let element = self.facts.element_of(ty);
            if element != 0 {
                let array = self.array(list, Some((element, self.facts.base_type(ty))))?;
                return self.coerce(array, ty, typmod, Context::Explicit);
            }
        }
        let inner = self.expr(expr)?;
        self.coerce(inner, ty, typmod, Context::Explicit)
    }

    /// An array; of the type of its elements where none is given.
    fn array(&mut self, list: &[ast::Expr], of: Option<(Oid, Oid)>) -> Result<Expr> {
        let mut elements = Vec::with_capacity(list.len());
        for element in list {
            elements.push(match (element, of) {
                (ast::Expr::Array(inner), Some(_)) => self.array(inner, of)?,
                _ => self.expr(element)?,
            });
        }
        let nested = elements.iter().any(|e| self.facts.element_of(e.ty()) != 0);
        let (element, array) = if let Some((element, array)) = of {
            (if nested { array } else { element }, array)
        } else {
            let all: Vec<Oid> = elements.iter().map(Expr::ty).collect();
            let Some(common) = common_type(self.facts, &all) else {
                return refuse("cannot determine the type of an array");
            };
            (common, if nested { common } else { self.facts.array_of(common) })
        };
        let context = if of.is_some() { Context::Explicit } else { Context::Implicit };
        let elements = elements.into_iter().map(|e| self.coerce(e, element, -1, context)).collect::<Result<_>>()?;
        Ok(Expr::Array(elements, array))
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        whens: &[(ast::Expr, ast::Expr)],
        otherwise: Option<&ast::Expr>,
    ) -> Result<Expr> {
        let operand = match operand {
            Some(e) => {
                let e = self.expr(e)?;
                Some(if e.ty() == types::UNKNOWN { self.coerce(e, types::TEXT, -1, Context::Implicit)? } else { e })
            }
            None => None,
        };
        let mut tests = Vec::with_capacity(whens.len());
        let mut results = Vec::with_capacity(whens.len() + 1);
        for (when, then) in whens {
            tests.push(match &operand {
                Some(operand) => {
                    let when = self.expr(when)?;
                    self.operate("=", Some(operand.clone()), when)?
                }
                None => self.boolean(when)?,
            });
            results.push(self.expr(then)?);
        }
        // ELSE comes first among equals when the type is chosen.
        let otherwise = otherwise.map(|e| self.expr(e)).transpose()?;
        let all: Vec<Oid> = otherwise.iter().chain(&results).map(Expr::ty).collect();
        let Some(ty) = common_type(self.facts, &all) else { return refuse("CASE types cannot be matched") };
        let otherwise = otherwise.map(|e| self.coerce(e, ty, -1, Context::Implicit)).transpose()?;
        let results: Vec<Expr> =
            results.into_iter().map(|e| self.coerce(e, ty, -1, Context::Implicit)).collect::<Result<_>>()?;
        Ok(Expr::Case(Box::new(Case { whens: tests.into_iter().zip(results).collect(), otherwise, ty })))
    }

    fn builtin(&mut self, name: &str, args: &[ast::Expr]) -> Result<Expr> {
        let mut args = self.exprs(args)?;
        if name == "NULLIF" {
            let (Some(right), Some(left)) = (args.pop(), args.pop()) else { return refuse("NULLIF takes two") };
            let op = self.find_operator("=", left.ty(), right.ty())?;
            return self.apply(op, Some(left), right, OpKind::NullIf);
        }
        let kind = match name {
            "GREATEST" => Variadic::Greatest,
            "LEAST" => Variadic::Least,
            _ => Variadic::Coalesce,
        };
        let all: Vec<Oid> = args.iter().map(Expr::ty).collect();
        let Some(ty) = common_type(self.facts, &all) else { return refuse(format!("{name} types cannot be matched")) };
        let args = args.into_iter().map(|e| self.coerce(e, ty, -1, Context::Implicit)).collect::<Result<_>>()?;
        Ok(Expr::Variadic(kind, args, ty))
    }

    fn indirection(&mut self, expr: &ast::Expr, path: &[Step]) -> Result<Expr> {
        if let (ast::Expr::Column(parts), [Step::Field(name), rest @ ..]) = (expr, path) {
            // (alias).column
            let mut whole = parts.clone();
            whole.push(name.clone());
            if let Ok(column) = self.column(&whole) {
                return self.steps(column, rest);
            }
        }
        let base = self.expr(expr)?;
        self.steps(base, path)
    }

    fn steps(&mut self, mut base: Expr, path: &[Step]) -> Result<Expr> {
        let mut i = 0;
        while let Some(step) = path.get(i) {
            match step {
                Step::Field(name) => {
                    let ty = self.field_type(&base, name);
                    base = Expr::Other("field", vec![base], ty);
                    i += 1;
                }
                Step::Star => return refuse("row expansion is not supported here"),
                Step::Index(_) | Step::Slice(..) => {
                    // Consecutive subscripts are one step into a nested array.
                    let subscripts: Vec<&Step> =
                        path[i..].iter().take_while(|s| matches!(s, Step::Index(_) | Step::Slice(..))).collect();
                    i += subscripts.len();
                    base = self.subscript(base, &subscripts)?;
                }
            }
        }
        Ok(base)
    }

    fn subscript(&mut self, base: Expr, subscripts: &[&Step]) -> Result<Expr> {
        let container = base.ty();
        let element = self.facts.element_of(container);
        let slice = subscripts.iter().any(|s| matches!(s, Step::Slice(..)));
        let mut args = vec![base];
        let index = if element == 0 { types::TEXT } else { types::INT4 };
        for step in subscripts {
            let bounds: Vec<&ast::Expr> = match step {
                Step::Index(e) => vec![e],
                Step::Slice(a, b) => a.iter().chain(b).collect(),
                Step::Field(_) | Step::Star => Vec::new(),
            };
            for bound in bounds {
                let bound = self.expr(bound)?;
                args.push(self.coerce(bound, index, -1, Context::Explicit)?);
            }
        }
        let ty = if element == 0 || slice { container } else { element };
        Ok(Expr::Other("subscript", args, ty))
    }

    /// The type of a row's field, where the row is a function's with known columns; text otherwise.
    fn field_type(&self, base: &Expr, name: &str) -> Oid {
        let columns = match base {
            Expr::Func(call) => self.facts.function(call.func).map(|f| f.out_columns.as_slice()),
            _ => None,
        };
        columns.unwrap_or_default().iter().find(|(n, _)| n == name).map_or(types::TEXT, |(_, ty)| *ty)
    }

    /// `(a, b) op (SELECT x, y …)`.
    fn row_against_query(&mut self, op: &str, left: Vec<Expr>, link: &ast::Sublink) -> Result<Expr> {
        let query = self.subquery(&link.query)?;
        let columns: Vec<Oid> = query.targets.iter().filter(|t| !t.junk).map(|t| t.expr.ty()).collect();
        let right = columns.into_iter().map(|ty| {
            let kind = link.kind;
            Expr::SubLink(Box::new(SubLink { kind, tests: Vec::new(), query: query.clone(), ty }))
        });
        let right = right.collect();
        self.compare_rows(op, left, right)
    }
}

/// OR of all, nested ORs taken apart.
pub(super) fn any_of(list: Vec<Expr>) -> Expr {
    let mut flat = Vec::with_capacity(list.len());
    for expr in list {
        match expr {
            Expr::Or(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.len() == 1 { flat.remove(0) } else { Expr::Or(flat) }
}

/// A literal (`make_const`).
fn constant(literal: &Literal) -> Expr {
    let (ty, value) = match literal {
        Literal::Null => (types::UNKNOWN, None),
        Literal::Boolean(b) => (types::BOOL, Some(Datum::Bool(*b))),
        Literal::Integer(i) => (types::INT4, Some(Datum::Int(i64::from(*i)))),
        Literal::Number(digits) => match digits.parse::<i64>() {
            Ok(i) => (types::INT8, Some(Datum::Int(i))),
            Err(_) => (types::NUMERIC, numeric(digits).or_else(|| Some(Datum::Opaque(digits.clone())))),
        },
        Literal::String(s) => (types::UNKNOWN, Some(Datum::Text(s.clone()))),
        Literal::Bits(b) => (1560, Some(Datum::Opaque(b.clone()))),
    };
    Expr::Const(Const { ty, value: value.map(Arc::new), collation: 0 })
}

fn value_function_type(name: &str) -> Oid {
    match name {
        "CURRENT_DATE" => types::DATE,
        "CURRENT_TIME" => 1266,
        "CURRENT_TIMESTAMP" => types::TIMESTAMPTZ,
        "LOCALTIME" => types::TIME,
        "LOCALTIMESTAMP" => types::TIMESTAMP,
        _ => types::NAME,
    }
}
