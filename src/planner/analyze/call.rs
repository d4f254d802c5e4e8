//! Function calls, aggregates and window functions (`parse_func.c`, `parse_agg.c`).

use crate::planner::expr::{Aggref, Expr, FuncExpr, WindowFunc, types};
use crate::planner::facts::FunctionFact;
use crate::snapshot::Oid;
use crate::sql::ast::{self, TypeName};

use super::candidates::{self, Candidate};
use super::coerce::Context;
use super::{Analyzer, Result, refuse};

impl Analyzer<'_> {
    /// A call.
    pub(super) fn call(&mut self, call: &ast::Call) -> Result<Expr> {
        let mut args = self.exprs(&call.args)?;
        let mut order = Vec::with_capacity(call.order_by.len());
        for (i, expr) in call.order_by.iter().enumerate() {
            let expr = self.expr(expr)?;
            let expr =
                if expr.ty() == types::UNKNOWN { self.coerce(expr, types::TEXT, -1, Context::Implicit)? } else { expr };
            let (descending, nulls_first) = call.order_directions.get(i).copied().unwrap_or((false, None));
            order.push((expr, descending, nulls_first.unwrap_or(descending)));
        }
        let direct = args.len();
        if call.within_group {
            args.extend(order.iter().map(|(e, ..)| e.clone()));
        }
        let inputs: Vec<Oid> = args.iter().map(Expr::ty).collect();
        let schema = call.schema.as_deref();
        let found = candidates::function(self.facts, schema, &call.name, &inputs, &call.argument_names, call.variadic);
        let Some(found) = found else { return self.cast_call(&call.name, args) };
        let Some(fact) = self.facts.function(found.oid).cloned() else { return refuse("unknown function") };
        let (args, ty) = self.arguments(&fact, &found, args, &call.argument_names)?;
        let filter = match &call.filter {
            Some(filter) => {
                let filter = self.expr(filter)?;
                Some(self.coerce(filter, types::BOOL, -1, Context::Assignment)?)
            }
            None => None,
        };
        if let Some(shape) = &call.window {
            let window = self.window(shape, call.over.as_deref().unwrap_or_default());
            self.level().query.has_window_funcs = true;
            return Ok(Expr::WindowFunc(Box::new(WindowFunc { func: fact.oid, args, filter, window, ty })));
        }
        if fact.kind == 'a' {
            self.level().query.has_aggs = true;
            if call.within_group {
                for ((expr, ..), arg) in order.iter_mut().zip(args.iter().skip(direct)) {
                    expr.clone_from(arg);
                }
            }
            return Ok(Expr::Aggref(Box::new(Aggref {
                func: fact.oid,
                args,
                star: call.star,
                distinct: call.distinct,
                order_by: order,
                ordered_set: call.within_group,
                filter,
                ty,
            })));
        }
        Ok(self.function_expr(&fact, args, ty))
    }

    /// A call of a built-in function that the grammar makes of something else.
    pub(super) fn call_function(&mut self, name: &str, args: Vec<Expr>) -> Result<Expr> {
        let inputs: Vec<Oid> = args.iter().map(Expr::ty).collect();
        let found = candidates::function(self.facts, None, name, &inputs, &[], false);
        let Some(found) = found else { return refuse(format!("function {name} does not exist")) };
        let Some(fact) = self.facts.function(found.oid).cloned() else { return refuse("unknown function") };
        let (args, ty) = self.arguments(&fact, &found, args, &[])?;
        Ok(self.function_expr(&fact, args, ty))
    }

    fn function_expr(&mut self, fact: &FunctionFact, args: Vec<Expr>, ty: Oid) -> Expr {
        let default = self.facts.ty(ty).map_or(0, |t| t.collation);
        let own = args.iter().map(Expr::collation).find(|c| *c != 0);
        let collation = if default == 0 { 0 } else { own.unwrap_or(default) };
        Expr::Func(Box::new(FuncExpr { func: fact.oid, args, ty, retset: fact.retset, collation, is_cast: false }))
    }

    /// Arguments cast to what the function takes, names put in order, defaults filled in, a VARIADIC tail made an
    /// array; with the result's type.
    fn arguments(
        &mut self,
        fact: &FunctionFact,
        found: &Candidate,
        args: Vec<Expr>,
        names: &[String],
    ) -> Result<(Vec<Expr>, Oid)> {
        let inputs: Vec<Oid> = args.iter().map(Expr::ty).collect();
        let (wanted, result) = candidates::resolve(self.facts, &inputs, &found.args, fact.result);
        let mut cast = Vec::with_capacity(args.len());
        for (arg, ty) in args.into_iter().zip(wanted) {
            cast.push(self.coerced(arg, ty, -1, Context::Implicit));
        }
        if found.expanded > 0 && fact.variadic != crate::planner::facts::poly::ANY {
            let tail = cast.split_off(cast.len().saturating_sub(found.expanded));
            let element = tail.first().map_or(types::TEXT, Expr::ty);
            cast.push(Expr::Array(tail, self.facts.array_of(element)));
            return Ok((cast, result));
        }
        if fact.defaults.is_empty() {
            return Ok((cast, result));
        }
        let positional = cast.len() - names.len().min(cast.len());
        let mut slots: Vec<Option<Expr>> = vec![None; fact.args.len()];
        for (i, arg) in cast.into_iter().enumerate() {
            let at = match names.get(i.wrapping_sub(positional)) {
                Some(name) if i >= positional => fact.arg_names.iter().position(|n| n == name).unwrap_or(i),
                _ => i,
            };
            if let Some(slot) = slots.get_mut(at) {
                *slot = Some(arg);
            }
        }
        let without = fact.args.len() - fact.defaults.len().min(fact.args.len());
        let mut all = Vec::with_capacity(slots.len());
        for (i, slot) in slots.into_iter().enumerate() {
            all.push(match (slot, fact.defaults.get(i.wrapping_sub(without))) {
                (Some(arg), _) => arg,
                (None, Some(sql)) => {
                    let parsed = crate::sql::parse_expr(sql);
                    let default = parsed.map_or_else(|| refuse("a default that does not parse"), |e| self.expr(&e))?;
                    self.coerced(default, fact.args[i], -1, Context::Implicit)
                }
                (None, None) => return refuse(format!("too few arguments for {}", fact.name)),
            });
        }
        Ok((all, result))
    }

    /// A call that is a cast in disguise: `text(x)`.
    fn cast_call(&mut self, name: &str, mut args: Vec<Expr>) -> Result<Expr> {
        if args.len() == 1
            && let Ok((ty, _)) = self.type_name(&TypeName::builtin(name))
            && let Some(arg) = args.pop()
        {
            return self.coerce(arg, ty, -1, Context::Explicit);
        }
        let known: Vec<String> =
            args.iter().map(|a| self.facts.ty(a.ty()).map_or_else(String::new, |t| t.name.clone())).collect();
        refuse(format!("function {name}({}) does not exist", known.join(", ")))
    }
}
