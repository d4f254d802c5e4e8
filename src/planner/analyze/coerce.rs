//! Casts, written and implied (`parse_coerce.c`).

use std::sync::Arc;

use crate::planner::PlannerError;
use crate::planner::expr::{Cast, Const, Expr, FuncExpr, ParamSource, types};
use crate::planner::facts::{Facts, poly};
use crate::planner::value::{self, Datum};
use crate::snapshot::Oid;

use super::Analyzer;

/// How much a cast may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Context {
    /// Nobody asked.
    Implicit,
    /// A value is stored.
    Assignment,
    /// CAST.
    Explicit,
}

/// How one type becomes another (`find_coercion_pathway`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pathway {
    Relabel,
    Function(Oid),
    Array,
    Text,
}

pub(super) fn pathway(facts: &Facts, source: Oid, target: Oid, context: Context) -> Option<Pathway> {
    let (source, target) = (facts.base_type(source), facts.base_type(target));
    if source == target {
        return Some(Pathway::Relabel);
    }
    if let Some(cast) = facts.cast(source, target) {
        let needs = match cast.context {
            'i' => Context::Implicit,
            'a' => Context::Assignment,
            _ => Context::Explicit,
        };
        return (context >= needs).then_some(match cast.method {
            'f' => Pathway::Function(cast.function),
            'i' => Pathway::Text,
            _ => Pathway::Relabel,
        });
    }
    let (from, to) = (facts.element_of(source), facts.element_of(target));
    // int2vector and oidvector are arrays that no array is cast to.
    if from != 0 && to != 0 && !matches!(target, 22 | 30) {
        return pathway(facts, from, to, context).map(|p| if p == Pathway::Relabel { p } else { Pathway::Array });
    }
    let is_string = |ty: Oid| facts.ty(ty).is_some_and(|t| t.category == 'S');
    let through_text =
        context >= Context::Assignment && is_string(target) || context >= Context::Explicit && is_string(source);
    through_text.then_some(Pathway::Text)
}

/// Whether a value can be cast (`can_coerce_type`, for one type).
pub(super) fn can_coerce(facts: &Facts, source: Oid, target: Oid, context: Context) -> bool {
    let kind = |ty: Oid| facts.ty(facts.base_type(ty)).map_or('b', |t| t.kind);
    match target {
        _ if source == target => true,
        poly::ANY | poly::ANYELEMENT | poly::ANYCOMPATIBLE => true,
        _ if source == types::UNKNOWN => true,
        poly::ANYNONARRAY | poly::ANYCOMPATIBLENONARRAY => facts.element_of(source) == 0,
        poly::ANYARRAY | poly::ANYCOMPATIBLEARRAY => facts.element_of(source) != 0,
        poly::ANYENUM => kind(source) == 'e',
        poly::ANYRANGE | poly::ANYCOMPATIBLERANGE => kind(source) == 'r',
        poly::ANYMULTIRANGE | poly::ANYCOMPATIBLEMULTIRANGE => kind(source) == 'm',
        types::RECORD => kind(source) == 'c',
        _ if source == types::RECORD => kind(target) == 'c',
        _ => pathway(facts, source, target, context).is_some(),
    }
}

/// The type that all can take (`select_common_type`); `None` for an empty list or types that have none.
pub(super) fn common_type(facts: &Facts, all: &[Oid]) -> Option<Oid> {
    let (first, rest) = all.split_first()?;
    if *first != types::UNKNOWN && rest.iter().all(|t| t == first) {
        return Some(*first);
    }
    let fact = |ty: Oid| facts.ty(ty).map_or(('X', false), |t| (t.category, t.preferred));
    let mut best = facts.base_type(*first);
    for ty in rest.iter().map(|t| facts.base_type(*t)) {
        if ty == types::UNKNOWN || ty == best {
            continue;
        }
        if best == types::UNKNOWN {
            best = ty;
            continue;
        }
        let ((category, preferred), (other, _)) = (fact(best), fact(ty));
        if category != other {
            return None;
        }
        if !preferred
            && can_coerce(facts, best, ty, Context::Implicit)
            && !can_coerce(facts, ty, best, Context::Implicit)
        {
            best = ty;
        }
    }
    Some(if best == types::UNKNOWN { types::TEXT } else { best })
}

impl Analyzer<'_> {
    /// Casts, or says that it cannot be done (`coerce_to_target_type`).
    pub(super) fn coerce(
        &mut self,
        expr: Expr,
        target: Oid,
        typmod: i32,
        context: Context,
    ) -> Result<Expr, PlannerError> {
        let source = expr.ty();
        if source == target && typmod < 0 {
            return Ok(expr);
        }
        if !can_coerce(self.facts, source, target, context) {
            let name = |ty: Oid| self.facts.ty(ty).map_or_else(|| ty.to_string(), |t| t.name.clone());
            return Err(PlannerError::Analyze(format!("cannot cast {} to {}", name(source), name(target))));
        }
        let expr = self.coerced(expr, target, typmod, context);
        Ok(self.with_typmod(expr, target, typmod, context))
    }

    /// Casts where the types are known to allow it (`coerce_type`).
    pub(super) fn coerced(&mut self, expr: Expr, target: Oid, typmod: i32, context: Context) -> Expr {
        let source = expr.ty();
        if source == target || is_polymorphic(target) {
            return expr;
        }
        let collation = self.collation_of_type(target, &expr);
        if source == types::UNKNOWN {
            match expr {
                Expr::Const(c) => return self.literal(c, target, collation),
                Expr::Param(mut p) => {
                    if let ParamSource::External(n) = p.source {
                        p.ty = self.parameter_type(n, target);
                        p.collation = collation;
                        let expr = Expr::Param(p);
                        return if p.ty == target { expr } else { self.coerced(expr, target, typmod, context) };
                    }
                    return Expr::Param(p);
                }
                other => {
                    return Expr::Coerce(Box::new(Cast { arg: other, ty: target, typmod, collation }));
                }
            }
        }
        let cast = |arg| Box::new(Cast { arg, ty: target, typmod: -1, collation });
        match pathway(self.facts, source, target, context) {
            Some(Pathway::Function(func)) => {
                let takes = self.facts.function(func).map_or(1, |f| f.args.len());
                let result = self.facts.function(func).map_or(target, |f| f.result);
                let mut args = vec![expr];
                if takes >= 2 {
                    args.push(integer(i64::from(typmod), types::INT4));
                }
                if takes >= 3 {
                    args.push(boolean(context == Context::Explicit));
                }
                let call = FuncExpr { func, args, ty: result, retset: false, collation, is_cast: true };
                let call = Expr::Func(Box::new(call));
                if result == target { call } else { Expr::Relabel(cast(call)) }
            }
            Some(Pathway::Array | Pathway::Text) => Expr::Coerce(cast(expr)),
            Some(Pathway::Relabel) | None => match expr {
                Expr::Const(c) => Expr::Const(Const { ty: target, collation, ..c }),
                other => Expr::Relabel(cast(other)),
            },
        }
    }

    /// Applies a length or precision (`coerce_type_typmod`).
    fn with_typmod(&mut self, expr: Expr, target: Oid, typmod: i32, context: Context) -> Expr {
        let base = self.facts.base_type(target);
        if typmod < 0 || expr.typmod() == typmod {
            return expr;
        }
        if let Expr::Func(call) = &expr
            && call.is_cast
            && call.args.len() >= 2
        {
            return expr;
        }
        let Some(cast) = self.facts.cast(base, base) else { return expr };
        let (func, collation) = (cast.function, expr.collation());
        let takes = self.facts.function(func).map_or(2, |f| f.args.len());
        let mut args = vec![expr, integer(i64::from(typmod), types::INT4)];
        if takes >= 3 {
            args.push(boolean(context == Context::Explicit));
        }
        Expr::Func(Box::new(FuncExpr { func, args, ty: target, retset: false, collation, is_cast: true }))
    }

    /// An unknown literal read as a type.
    fn literal(&mut self, c: Const, target: Oid, collation: Oid) -> Expr {
        let value = c.value.map(|v| match v.as_ref() {
            Datum::Text(text) => {
                let parsed = value::parse(self.facts, target, text);
                Arc::new(parsed.unwrap_or_else(|| Datum::Opaque(text.clone())))
            }
            _ => v,
        });
        Expr::Const(Const { ty: self.facts.base_type(target), value, collation })
    }

    /// The type of `$n`, settled now if it was not.
    fn parameter_type(&mut self, n: u32, target: Oid) -> Oid {
        let at = usize::try_from(n).unwrap_or(1).saturating_sub(1);
        if self.parameter_types.len() <= at {
            self.parameter_types.resize(at + 1, types::UNKNOWN);
        }
        let slot = &mut self.parameter_types[at];
        if *slot == types::UNKNOWN {
            *slot = self.facts.base_type(target);
        }
        *slot
    }

    /// The collation of a value cast to a type.
    pub(super) fn collation_of_type(&self, ty: Oid, from: &Expr) -> Oid {
        let default = self.facts.ty(self.facts.base_type(ty)).map_or(0, |t| t.collation);
        match (default, from.collation()) {
            (0, _) => 0,
            (default, 0) => default,
            (_, own) => own,
        }
    }
}

fn is_polymorphic(ty: Oid) -> bool {
    use poly as p;
    matches!(
        ty,
        p::ANY
            | p::ANYELEMENT
            | p::ANYARRAY
            | p::ANYNONARRAY
            | p::ANYENUM
            | p::ANYRANGE
            | p::ANYMULTIRANGE
            | p::ANYCOMPATIBLE
            | p::ANYCOMPATIBLEARRAY
            | p::ANYCOMPATIBLENONARRAY
            | p::ANYCOMPATIBLERANGE
            | p::ANYCOMPATIBLEMULTIRANGE
    )
}

/// An integer constant.
pub(super) fn integer(value: i64, ty: Oid) -> Expr {
    Expr::Const(Const { ty, value: Some(Arc::new(Datum::Int(value))), collation: 0 })
}

/// A boolean constant.
pub(super) fn boolean(value: bool) -> Expr {
    Expr::Const(Const { ty: types::BOOL, value: Some(Arc::new(Datum::Bool(value))), collation: 0 })
}
