//! Which function or operator a call means (`func_match_argtypes`, `func_select_candidate`, `oper`).

use crate::planner::expr::types;
use crate::planner::facts::{Facts, FunctionFact, poly};
use crate::snapshot::Oid;

use super::coerce::{Context, can_coerce};

/// One candidate: its oid and the declared types of as many arguments as the call has.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) oid: Oid,
    pub(super) args: Vec<Oid>,
    /// How many of a VARIADIC function's arguments were expanded; 0 for none.
    pub(super) expanded: usize,
}

/// The binary (or, with a left type of 0, prefix) operator of a name for operands of these types.
pub(super) fn operator(facts: &Facts, name: &str, left: Oid, right: Oid) -> Option<Oid> {
    let prefix = left == 0;
    // An unknown literal takes the other operand's type where an operator on that type alone exists.
    let (exact_left, exact_right) = match (left, right) {
        (types::UNKNOWN, known) | (known, types::UNKNOWN) if known != types::UNKNOWN && !prefix => (known, known),
        both => both,
    };
    if let Some(found) = facts.operator_exact(name, exact_left, exact_right) {
        return Some(found.oid);
    }
    if left == types::UNKNOWN || right == types::UNKNOWN {
        // A domain counts as its base type here.
        let base = facts.base_type(exact_left);
        if base != exact_left
            && let Some(found) = facts.operator_exact(name, base, base)
        {
            return Some(found.oid);
        }
    }
    let all = facts.operators_named(name).iter().filter_map(|oid| facts.operator(*oid));
    let candidates: Vec<Candidate> = all
        .filter(|o| (o.left == 0) == prefix)
        .map(|o| Candidate {
            oid: o.oid,
            args: if prefix { vec![o.right] } else { vec![o.left, o.right] },
            expanded: 0,
        })
        .collect();
    let inputs = if prefix { vec![right] } else { vec![left, right] };
    select(facts, &inputs, candidates).map(|c| c.oid)
}

/// The function of a name (and schema, where one is given) for arguments of these types; `named` are the names of the
/// last arguments, if any.
pub(super) fn function(
    facts: &Facts,
    schema: Option<&str>,
    name: &str,
    inputs: &[Oid],
    named: &[String],
    variadic: bool,
) -> Option<Candidate> {
    let all = facts.functions_named(name).iter().filter_map(|oid| facts.function(*oid));
    let visible = all.filter(|f| schema.is_none_or(|s| facts.schema_of(f.oid) == s));
    let mut candidates: Vec<Candidate> = visible.filter_map(|f| arguments(f, inputs.len(), named, variadic)).collect();
    hide_later(facts, &mut candidates);
    // An expanded VARIADIC loses against the same types without expansion.
    let plain: Vec<Vec<Oid>> = candidates.iter().filter(|c| c.expanded == 0).map(|c| c.args.clone()).collect();
    candidates.retain(|c| c.expanded == 0 || !plain.contains(&c.args));
    if let Some(exact) = candidates.iter().find(|c| c.args == inputs) {
        return Some(exact.clone());
    }
    select(facts, inputs, candidates)
}

/// Of functions that take the same, the first along the search path hides the others. Built-in ones differ as they are.
fn hide_later(facts: &Facts, candidates: &mut Vec<Candidate>) {
    if candidates.iter().all(|c| facts.schema_of(c.oid) == "pg_catalog") {
        return;
    }
    let mut seen: Vec<Vec<Oid>> = Vec::with_capacity(candidates.len());
    candidates.retain(|c| {
        let first = !seen.contains(&c.args);
        if first {
            seen.push(c.args.clone());
        }
        first
    });
}

/// A function's declared types for a call with so many arguments, if it takes so many.
fn arguments(f: &FunctionFact, count: usize, named: &[String], variadic: bool) -> Option<Candidate> {
    let oid = f.oid;
    if !named.is_empty() {
        let positional = count.checked_sub(named.len())?;
        let mut args: Vec<Oid> = f.args.get(..positional)?.to_vec();
        for name in named {
            let at = f.arg_names.iter().position(|n| n == name)?;
            args.push(*f.args.get(at)?);
        }
        return Some(Candidate { oid, args, expanded: 0 });
    }
    if f.variadic != 0 && !variadic && count >= f.args.len() && f.variadic != poly::ANY {
        let fixed = f.args.len() - 1;
        let mut args = f.args[..fixed].to_vec();
        args.resize(count, f.variadic);
        return Some(Candidate { oid, args, expanded: count - fixed });
    }
    if f.variadic == poly::ANY && !variadic && count >= f.args.len() {
        let mut args = f.args.clone();
        args.resize(count, poly::ANY);
        return Some(Candidate { oid, args, expanded: count - f.args.len() + 1 });
    }
    let least = f.args.len() - f.defaults.len().min(f.args.len());
    ((least..=f.args.len()).contains(&count)).then(|| Candidate { oid, args: f.args[..count].to_vec(), expanded: 0 })
}

/// Narrows candidates down to one.
fn select(facts: &Facts, inputs: &[Oid], candidates: Vec<Candidate>) -> Option<Candidate> {
    let fits = |c: &Candidate| {
        let each = inputs.iter().zip(&c.args).all(|(from, to)| can_coerce(facts, *from, *to, Context::Implicit));
        each && consistent(facts, inputs, &c.args)
    };
    let mut left: Vec<Candidate> = candidates.into_iter().filter(fits).collect();
    if left.len() <= 1 {
        return left.pop();
    }
    let bases: Vec<Oid> =
        inputs.iter().map(|t| if *t == types::UNKNOWN { types::UNKNOWN } else { facts.base_type(*t) }).collect();
    let unknowns = bases.iter().filter(|t| **t == types::UNKNOWN).count();
    let category = |ty: Oid| facts.ty(ty).map_or('X', |t| t.category);
    let is_preferred = |of: char, ty: Oid| facts.ty(ty).is_some_and(|t| t.preferred && t.category == of);
    let exact =
        |c: &Candidate| bases.iter().zip(&c.args).filter(|(from, to)| **from != types::UNKNOWN && from == to).count();
    left = keep_best(left, &exact);
    if left.len() == 1 {
        return left.pop();
    }
    let preferred = |c: &Candidate| {
        let good = |from: Oid, to: Oid| from != types::UNKNOWN && (from == to || is_preferred(category(from), to));
        bases.iter().zip(&c.args).filter(|(from, to)| good(**from, **to)).count()
    };
    left = keep_best(left, &preferred);
    if left.len() == 1 || unknowns == 0 {
        return if left.len() == 1 { left.pop() } else { None };
    }
    if let Some(found) = by_category(facts, &bases, &left) {
        left = found;
        if left.len() == 1 {
            return left.pop();
        }
    }
    // All known arguments of one type: the unknown ones are taken for that too.
    let mut known = bases.iter().filter(|t| **t != types::UNKNOWN);
    let first = *known.next()?;
    if known.any(|t| *t != first) {
        return None;
    }
    let mut fitting = left.into_iter().filter(|c| {
        let each = c.args.iter().all(|to| can_coerce(facts, first, *to, Context::Implicit));
        each && consistent(facts, &vec![first; c.args.len()], &c.args)
    });
    let one = fitting.next();
    if fitting.next().is_some() { None } else { one }
}

fn keep_best(candidates: Vec<Candidate>, score: &dyn Fn(&Candidate) -> usize) -> Vec<Candidate> {
    let best = candidates.iter().map(score).max().unwrap_or(0);
    candidates.into_iter().filter(|c| score(c) == best).collect()
}

/// Settles unknown arguments by the categories that the candidates accept there: strings where any does.
fn by_category(facts: &Facts, bases: &[Oid], candidates: &[Candidate]) -> Option<Vec<Candidate>> {
    let fact = |ty: Oid| facts.ty(ty).map_or(('X', false), |t| (t.category, t.preferred));
    let mut slots = Vec::new();
    for (i, _) in bases.iter().enumerate().filter(|(_, t)| **t == types::UNKNOWN) {
        let accepted: Vec<(char, bool)> = candidates.iter().filter_map(|c| c.args.get(i)).map(|t| fact(*t)).collect();
        let first = accepted.first()?.0;
        let category = if accepted.iter().all(|(c, _)| *c == first) {
            first
        } else if accepted.iter().any(|(c, _)| *c == 'S') {
            'S'
        } else {
            return None;
        };
        let has_preferred = accepted.iter().any(|(c, preferred)| *c == category && *preferred);
        slots.push((i, category, has_preferred));
    }
    let fits = |c: &&Candidate| {
        slots.iter().all(|(i, category, has_preferred)| {
            c.args
                .get(*i)
                .map(|t| fact(*t))
                .is_some_and(|(c, preferred)| c == *category && (preferred || !has_preferred))
        })
    };
    let kept: Vec<Candidate> = candidates.iter().filter(fits).cloned().collect();
    (!kept.is_empty()).then_some(kept)
}

/// Whether the polymorphic arguments can be one type (`check_generic_type_consistency`).
pub(super) fn consistent(facts: &Facts, inputs: &[Oid], declared: &[Oid]) -> bool {
    let mut element = None;
    let mut compatible = Vec::new();
    for (from, to) in inputs.iter().zip(declared) {
        if *from == types::UNKNOWN {
            continue;
        }
        let from = facts.base_type(*from);
        let is = match *to {
            poly::ANYELEMENT | poly::ANYNONARRAY | poly::ANYENUM => from,
            poly::ANYARRAY => match facts.element_of(from) {
                0 => return false,
                element => element,
            },
            poly::ANYRANGE => match facts.ty(from) {
                Some(t) if t.kind == 'r' => t.subtype,
                _ => return false,
            },
            poly::ANYMULTIRANGE => match facts.ty(from) {
                Some(t) if t.kind == 'm' => t.subtype,
                _ => return false,
            },
            poly::ANYCOMPATIBLE | poly::ANYCOMPATIBLENONARRAY => {
                compatible.push(from);
                continue;
            }
            poly::ANYCOMPATIBLEARRAY => match facts.element_of(from) {
                0 => return false,
                element => {
                    compatible.push(element);
                    continue;
                }
            },
            poly::ANYCOMPATIBLERANGE if facts.ty(from).is_none_or(|t| t.kind != 'r') => return false,
            _ => continue,
        };
        if element.is_some_and(|known| known != is) {
            return false;
        }
        element = Some(is);
    }
    compatible.is_empty() || super::coerce::common_type(facts, &compatible).is_some()
}

/// The types that the polymorphic arguments and result stand for (`enforce_generic_type_consistency`): the declared
/// types with the pseudo-types replaced, and the result's.
pub(super) fn resolve(facts: &Facts, inputs: &[Oid], declared: &[Oid], result: Oid) -> (Vec<Oid>, Oid) {
    let (mut element, mut range, mut multirange, mut compatible) = (0, 0, 0, Vec::new());
    for (from, to) in inputs.iter().zip(declared) {
        if *from == types::UNKNOWN {
            continue;
        }
        let base = facts.base_type(*from);
        match *to {
            poly::ANYELEMENT | poly::ANYNONARRAY | poly::ANYENUM => element = *from,
            poly::ANYARRAY => element = facts.element_of(base),
            poly::ANYRANGE => {
                range = base;
                element = facts.ty(base).map_or(0, |t| t.subtype);
            }
            poly::ANYMULTIRANGE => {
                multirange = base;
                element = facts.ty(base).map_or(0, |t| t.subtype);
            }
            poly::ANYCOMPATIBLE | poly::ANYCOMPATIBLENONARRAY => compatible.push(*from),
            poly::ANYCOMPATIBLEARRAY => compatible.push(facts.element_of(base)),
            poly::ANYCOMPATIBLERANGE => compatible.push(facts.ty(base).map_or(0, |t| t.subtype)),
            _ => {}
        }
    }
    if element == 0 {
        element = types::TEXT;
    }
    let common = super::coerce::common_type(facts, &compatible).unwrap_or(types::TEXT);
    let stands_for = |ty: Oid| match ty {
        poly::ANYELEMENT | poly::ANYNONARRAY | poly::ANYENUM => element,
        poly::ANYARRAY => facts.array_of(element),
        poly::ANYRANGE => range,
        poly::ANYMULTIRANGE => multirange,
        poly::ANYCOMPATIBLE | poly::ANYCOMPATIBLENONARRAY => common,
        poly::ANYCOMPATIBLEARRAY => facts.array_of(common),
        other => other,
    };
    (declared.iter().map(|t| stands_for(*t)).collect(), stands_for(result))
}
