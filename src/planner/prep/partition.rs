//! Which partitions conditions leave (`prune_append_rel_partitions`), for keys of one column: ranges and lists with
//! constants. Hash partitions and longer keys are kept.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::planner::env::Env;
use crate::planner::expr::Expr;
use crate::planner::fold;
use crate::planner::rel::Restrict;
use crate::planner::value::{Datum, compare, parse};
use crate::snapshot::{AttrNumber, Oid, Table};

/// What a partition holds.
enum Bound {
    /// From (included) to (excluded); absent is unbounded.
    Range(Option<Datum>, Option<Datum>),
    /// These values; `None` is NULL.
    List(Vec<Option<Datum>>),
    /// Whatever no other holds, or what is not understood.
    Any,
}

/// A condition on the key: how a value must stand to the constant.
struct Test {
    less: bool,
    equal: bool,
    greater: bool,
    constants: Vec<Datum>,
}

/// The partitions that may hold rows that pass, by their bounds.
pub(super) fn live<'a>(
    env: &Env<'_>,
    table: &Table,
    parts: Vec<&'a Table>,
    restrict: &[Arc<Restrict>],
) -> Vec<&'a Table> {
    let key = table.partition_key.as_deref().and_then(|key| key_column(table, key));
    let Some((attno, ty)) = key else { return parts };
    let tests: Vec<Test> = if env.settings.enable.partition_pruning {
        restrict.iter().filter_map(|r| test_of(env, &r.clause, attno)).collect()
    } else {
        Vec::new()
    };
    let mut kept: Vec<(Bound, &Table)> = parts
        .into_iter()
        .map(|part| (bound_of(env, &ty, part.partition_of.as_ref().map_or("", |p| &p.bound)), part))
        .filter(|(bound, _)| tests.iter().all(|test| may_hold(bound, test)))
        .collect();
    // The planner has them by their bounds, the default one last.
    kept.sort_by(|a, b| order(&a.0, &b.0).then(a.1.oid.cmp(&b.1.oid)));
    kept.into_iter().map(|(_, part)| part).collect()
}

fn order(a: &Bound, b: &Bound) -> Ordering {
    let first = |bound: &Bound| match bound {
        Bound::Range(from, _) => Some(from.clone()),
        Bound::List(values) => Some(values.iter().flatten().next().cloned()),
        Bound::Any => None,
    };
    match (first(a), first(b)) {
        (None, None) | (Some(None), Some(None)) => Ordering::Equal,
        (None, _) => Ordering::Greater,
        (_, None) | (Some(None), _) => Ordering::Less,
        (_, Some(None)) => Ordering::Greater,
        (Some(Some(x)), Some(Some(y))) => compare(&x, &y, true).unwrap_or(Ordering::Equal),
    }
}

/// The only key column of `RANGE (created_at)` or `LIST (region)`, with its type.
fn key_column(table: &Table, key: &str) -> Option<(AttrNumber, String)> {
    let (how, rest) = key.split_once('(')?;
    if !matches!(how.trim(), "RANGE" | "LIST") {
        return None;
    }
    let name = rest.strip_suffix(')')?.trim().trim_matches('"');
    table.column_named(name).map(|c| (c.attnum, c.ty.base.clone()))
}

fn bound_of(env: &Env<'_>, ty: &str, text: &str) -> Bound {
    let Some(oid) = env.facts.types_named(ty).first().copied() else { return Bound::Any };
    if let Some(rest) = text.strip_prefix("FOR VALUES FROM (")
        && let Some((from, to)) = rest.split_once(") TO (")
    {
        return Bound::Range(value(env, oid, from), value(env, oid, to.trim_end_matches(')')));
    }
    if let Some(rest) = text.strip_prefix("FOR VALUES IN (") {
        let items = split(rest.trim_end_matches(')'));
        return Bound::List(items.iter().map(|item| value(env, oid, item)).collect());
    }
    Bound::Any
}

/// A bound's value; none for MINVALUE, MAXVALUE and NULL.
fn value(env: &Env<'_>, ty: Oid, text: &str) -> Option<Datum> {
    let text = text.trim();
    if matches!(text, "MINVALUE" | "MAXVALUE" | "NULL") {
        return None;
    }
    let text = text.split("::").next().unwrap_or(text);
    parse(&env.facts, ty, &text.trim_matches('\'').replace("''", "'"))
}

/// Splits at commas outside quotes.
fn split(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        if c == '\'' {
            quoted = !quoted;
        }
        if c == ',' && !quoted {
            items.push(String::new());
        } else if let Some(item) = items.last_mut() {
            item.push(c);
        }
    }
    items
}

/// A comparison of the key with constants.
fn test_of(env: &Env<'_>, clause: &Expr, attno: AttrNumber) -> Option<Test> {
    let is_key = |e: &Expr| matches!(e.strip_relabel(), Expr::Var(v) if v.levels_up == 0 && v.attno == attno);
    let constant = |e: &Expr| match fold::fold(env, e.clone()).strip_relabel() {
        Expr::Const(c) => c.value.as_deref().cloned(),
        _ => None,
    };
    match clause {
        Expr::Op(op) => {
            let [a, b] = op.args.as_slice() else { return None };
            let fact = env.facts.operator(op.op)?;
            let (name, other) = if is_key(a) {
                (fact.name.as_str(), b)
            } else if is_key(b) {
                (env.facts.operator(fact.commutator)?.name.as_str(), a)
            } else {
                return None;
            };
            let (less, equal, greater) = match name {
                "=" => (false, true, false),
                "<" => (true, false, false),
                "<=" => (true, true, false),
                ">" => (false, false, true),
                ">=" => (false, true, true),
                _ => return None,
            };
            Some(Test { less, equal, greater, constants: vec![constant(other)?] })
        }
        Expr::ScalarArrayOp(s) if s.any && is_key(&s.left) => {
            let Datum::Array(items) = constant(&s.right)? else { return None };
            (env.facts.operator(s.op)?.name == "=").then(|| Test {
                less: false,
                equal: true,
                greater: false,
                constants: items.into_iter().flatten().collect(),
            })
        }
        _ => None,
    }
}

fn may_hold(bound: &Bound, test: &Test) -> bool {
    test.constants.iter().any(|c| match bound {
        Bound::Any => true,
        Bound::List(values) => values.iter().flatten().any(|v| match compare(v, c, true) {
            Some(Ordering::Less) => test.less,
            Some(Ordering::Equal) => test.equal,
            Some(Ordering::Greater) => test.greater,
            None => true,
        }),
        Bound::Range(from, to) => {
            let from = from.as_ref().map(|f| compare(f, c, true));
            let to = to.as_ref().map(|t| compare(t, c, true));
            // Values below, at and above the constant that the range can have; the upper bound is excluded.
            let below = !matches!(from, Some(Some(Ordering::Equal | Ordering::Greater)));
            let at = !matches!(from, Some(Some(Ordering::Greater)))
                && !matches!(to, Some(Some(Ordering::Less | Ordering::Equal)));
            let above = !matches!(to, Some(Some(Ordering::Less | Ordering::Equal)));
            (test.less && below) || (test.equal && at) || (test.greater && above)
        }
    })
}
