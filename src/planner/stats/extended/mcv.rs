//! Common combinations of values (`mcv.c`).

use std::sync::Arc;

use super::super::clauses::{self, Clause, Place};
use super::super::compare::{self, Test};
use super::super::restriction::clamp;
use super::Object;
use crate::planner::expr::{Const, Expr, OpKind};
use crate::planner::relids::RelId;
use crate::planner::root::Root;
use crate::planner::value::Datum;
use crate::snapshot::{AttrNumber, McvItem, Oid};

/// Columns that a statistics object may have at most, and one more.
const TOO_MANY: usize = 9;

/// Whether an object has common combinations whose values are in the snapshot: withheld ones judge no clause.
fn is_usable(object: &Object<'_>) -> bool {
    let known = |item: &McvItem| item.values.iter().zip(&item.nulls).all(|(value, null)| *null || value.is_some());
    !object.data.mcv.is_empty() && object.data.mcv.iter().all(known)
}

/// What each clause tests, or `None` for a clause that common combinations cannot judge
/// (`statext_is_compatible_clause`).
fn subjects_of<'c>(root: &Root<'_>, clause: Clause<'c>) -> Option<Vec<&'c Expr>> {
    if matches!(clause, Clause::Restrict(r) if r.pseudoconstant) {
        return None;
    }
    let mut subjects = Vec::new();
    is_compatible(root, clause.expr(), &mut subjects).then_some(())?;
    (!subjects.is_empty()).then_some(subjects)
}

fn is_compatible<'c>(root: &Root<'_>, expr: &'c Expr, subjects: &mut Vec<&'c Expr>) -> bool {
    let supported = |op: Oid| {
        root.env.facts.operator(op).is_some_and(|o| {
            matches!(
                o.restrict.as_str(),
                "eqsel" | "neqsel" | "scalarltsel" | "scalarlesel" | "scalargtsel" | "scalargesel"
            )
        })
    };
    let mut test = |expr: &'c Expr| {
        let subject = expr.strip_relabel();
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
        true
    };
    match expr {
        Expr::Op(op) if op.kind == OpKind::Plain => match op.args.as_slice() {
            [a, Expr::Const(_)] | [Expr::Const(_), a] => supported(op.op) && test(a),
            _ => false,
        },
        Expr::ScalarArrayOp(op) => supported(op.op) && matches!(op.right, Expr::Const(_)) && test(&op.left),
        Expr::And(items) | Expr::Or(items) => items.iter().all(|item| is_compatible(root, item, subjects)),
        Expr::Not(arg) => is_compatible(root, arg, subjects),
        Expr::NullTest(arg, _) => test(arg),
        other => test(other),
    }
}

/// What the clauses not yet estimated test.
fn readable<'c>(root: &Root<'_>, clauses: &[Clause<'c>], estimated: &[bool]) -> Vec<Option<Vec<&'c Expr>>> {
    let subjects = |(clause, done): (&Clause<'c>, &bool)| if *done { None } else { subjects_of(root, *clause) };
    clauses.iter().zip(estimated).map(subjects).collect()
}

/// The attributes under which an object knows what a clause tests, if it knows all of it.
fn attributes(object: &Object<'_>, rel: RelId, subjects: &[&Expr]) -> Option<Vec<AttrNumber>> {
    subjects.iter().map(|s| object.attribute(s, rel)).collect()
}

/// The object that covers most columns, of those the one with fewest (`choose_best_statistics`).
fn best<'o, 'a>(objects: &'o [Object<'a>], rel: RelId, wanted: &[Option<Vec<&Expr>>]) -> Option<&'o Object<'a>> {
    let mut best: Option<&Object<'a>> = None;
    let (mut most, mut fewest) = (2, TOO_MANY);
    for object in objects.iter().filter(|o| is_usable(o)) {
        let covered = wanted.iter().flatten().filter_map(|subjects| attributes(object, rel, subjects));
        let mut matched: Vec<AttrNumber> = covered.flatten().collect();
        matched.sort_unstable();
        matched.dedup();
        let width = object.definition.dimensions();
        if matched.len() > most || (matched.len() == most && width < fewest) {
            (best, most, fewest) = (Some(object), matched.len(), width);
        }
    }
    best
}

/// The clauses that an object covers, by position, and whether each tests one thing; they are taken out of `wanted`.
fn take(
    object: &Object<'_>,
    rel: RelId,
    wanted: &mut [Option<Vec<&Expr>>],
    estimated: &mut [bool],
) -> Vec<(usize, bool)> {
    let mut taken = Vec::new();
    for (at, (subjects, done)) in wanted.iter_mut().zip(estimated).enumerate() {
        if let Some(found) = subjects
            && attributes(object, rel, found).is_some()
        {
            taken.push((at, found.len() == 1));
            *subjects = None;
            *done = true;
        }
    }
    taken
}

/// Selectivity of the clauses that common combinations cover (`statext_mcv_clauselist_selectivity`).
pub(super) fn and_selectivity(
    root: &Root<'_>,
    rel: RelId,
    objects: &[Object<'_>],
    clauses: &[Clause<'_>],
    place: Place<'_>,
    estimated: &mut [bool],
) -> f64 {
    if !objects.iter().any(is_usable) {
        return 1.0;
    }
    let mut wanted = readable(root, clauses, estimated);
    let mut selectivity = 1.0;
    while let Some(object) = best(objects, rel, &wanted) {
        let taken = take(object, rel, &mut wanted, estimated);
        let covered: Vec<Clause<'_>> = taken.iter().filter_map(|(at, _)| clauses.get(*at).copied()).collect();
        let simple = clauses::all(root, &covered, Place { extended: false, ..place });
        let items = Items::new(root, rel, object);
        let mut sums = Sums::default();
        for item in 0..items.len() {
            let holds = covered.iter().all(|c| items.holds(root, item, c.expr()) == Some(true));
            sums.add(&items, item, holds);
        }
        selectivity *= combine(simple, sums);
    }
    selectivity
}

/// Selectivity of alternatives that common combinations cover, one by one: P(A or B) = P(A) + P(B) - P(A and B).
pub(super) fn or_selectivity(
    root: &Root<'_>,
    rel: RelId,
    objects: &[Object<'_>],
    clauses: &[Clause<'_>],
    place: Place<'_>,
    estimated: &mut [bool],
) -> f64 {
    if !objects.iter().any(is_usable) {
        return 0.0;
    }
    let mut wanted = readable(root, clauses, estimated);
    let mut selectivity = 0.0;
    while let Some(object) = best(objects, rel, &wanted) {
        let items = Items::new(root, rel, object);
        let mut before = vec![false; items.len()];
        let (mut simple_any, mut any) = (0.0, 0.0);
        for (at, is_simple) in take(object, rel, &mut wanted, estimated) {
            let Some(clause) = clauses.get(at) else { continue };
            let simple = clauses::one(root, *clause, Place { extended: false, ..place });
            let simple_both = simple_any * simple;
            simple_any = clamp(simple_any + simple - simple_both);
            let (mut own, mut both) = (Sums::default(), Sums::default());
            for (item, seen) in before.iter_mut().enumerate() {
                let holds = items.holds(root, item, clause.expr()) == Some(true);
                own.add(&items, item, holds);
                both.add(&items, item, holds && *seen);
                *seen |= holds;
            }
            let share = if is_simple { simple } else { combine(simple, own) };
            any = clamp(any + share - combine(simple_both, both));
        }
        selectivity = selectivity + any - selectivity * any;
    }
    selectivity
}

/// Sums over common combinations.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    matched: f64,
    matched_base: f64,
    total: f64,
}

impl Sums {
    fn add(&mut self, items: &Items<'_>, item: usize, holds: bool) {
        let Some(found) = items.object.data.mcv.get(item) else { return };
        self.total += found.frequency;
        if holds {
            self.matched += found.frequency;
            self.matched_base += found.base_frequency;
        }
    }
}

/// What common combinations tell, and for the others what independence leaves (`mcv_combine_selectivities`).
fn combine(simple: f64, sums: Sums) -> f64 {
    let others = clamp(simple - sums.matched_base).min(1.0 - sums.total);
    clamp(sums.matched + others)
}

/// Common combinations with their values parsed.
struct Items<'o> {
    object: &'o Object<'o>,
    rel: RelId,
    values: Vec<Vec<Option<Datum>>>,
}

impl<'o> Items<'o> {
    fn new(root: &Root<'_>, rel: RelId, object: &'o Object<'o>) -> Self {
        let column = |c: &AttrNumber| root.table(rel).and_then(|t| t.column(*c));
        let columns =
            object.definition.columns.iter().map(|c| column(c).map_or(0, |c| compare::column_type(root.env, c)));
        let types: Vec<Oid> = columns.chain(object.exprs.iter().map(|e| e.as_ref().map_or(0, Expr::ty))).collect();
        let parse = |(at, text): (usize, &Option<String>)| {
            text.as_ref().and_then(|t| compare::parse(&root.env.facts, types.get(at).copied().unwrap_or(0), t))
        };
        let values = object.data.mcv.iter().map(|item| item.values.iter().enumerate().map(parse).collect()).collect();
        Self { object, rel, values }
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn place(&self, expr: &Expr) -> Option<usize> {
        let attribute = self.object.attribute(expr, self.rel)?;
        let columns = &self.object.definition.columns;
        match usize::try_from(-1 - attribute) {
            Ok(expression) => Some(columns.len() + expression),
            Err(_) => columns.iter().position(|c| *c == attribute),
        }
    }

    fn value(&self, item: usize, expr: &Expr) -> Option<&Datum> {
        self.values.get(item)?.get(self.place(expr)?)?.as_ref()
    }

    /// Whether a combination satisfies a condition; `None` where it gives NULL or cannot be computed.
    fn holds(&self, root: &Root<'_>, item: usize, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::Op(op) => {
                let test = Test::of(&root.env.facts, op.op);
                let holds = |a: &Datum, b: &Datum| test.holds(root.env, op.collation, a, b);
                match op.args.as_slice() {
                    [a, Expr::Const(Const { value, .. })] => holds(self.value(item, a)?, value.as_deref()?),
                    [Expr::Const(Const { value, .. }), a] => holds(value.as_deref()?, self.value(item, a)?),
                    _ => None,
                }
            }
            Expr::ScalarArrayOp(op) => {
                let Expr::Const(Const { value: Some(array), .. }) = &op.right else { return None };
                let Datum::Array(elements) = Arc::as_ref(array) else { return None };
                let value = self.value(item, &op.left)?;
                let test = Test::of(&root.env.facts, op.op);
                let each = |e: &Option<Datum>| {
                    e.as_ref().and_then(|e| test.holds(root.env, op.collation, value, e)).unwrap_or(false)
                };
                Some(if op.any { elements.iter().any(each) } else { elements.iter().all(each) })
            }
            Expr::And(items) => Some(items.iter().all(|e| self.holds(root, item, e) == Some(true))),
            Expr::Or(items) => Some(items.iter().any(|e| self.holds(root, item, e) == Some(true))),
            // As the server does: a NULL counts as false below.
            Expr::Not(arg) => Some(self.holds(root, item, arg) != Some(true)),
            Expr::NullTest(arg, is_null) => {
                let null = self.object.data.mcv.get(item)?.nulls.get(self.place(arg)?).copied()?;
                Some(null == *is_null)
            }
            other => Some(self.value(item, other)? == &Datum::Bool(true)),
        }
    }
}
