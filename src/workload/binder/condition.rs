//! Conditions, split by AND and OR into what concerns one relation, two relations, or an enclosing query.

use std::ops::Range;

use crate::sql::ast::{BooleanTest, Expr, SublinkKind};
use crate::sql::canonical::commuted;
use crate::workload::query::{Comparison, JoinClause, Unsargable, Value};

use super::scope::Scope;
use super::{Binder, ColumnKey, Slot};

/// Where a condition stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    /// The OR group and branch.
    pub(super) or: Option<(u32, u32)>,
    /// The only relations that it filters, for an outer join's ON.
    pub(super) only_relations: Option<Range<usize>>,
}

impl<'a> Binder<'a> {
    /// Resolves a WHERE, ON or HAVING clause and takes it apart.
    pub(super) fn where_clause(&mut self, filter: &'a Expr, scope: &Scope<'_, 'a>, context: &Context) {
        if let Expr::And(list) = filter {
            for conjunct in list {
                self.where_clause(conjunct, scope, context);
            }
            return;
        }
        if let Expr::Sublink(link) = filter
            && link.kind == SublinkKind::Exists
            && context.only_relations.is_none()
        {
            self.pending_semi_join = Some(scope.block);
        }
        let bound = self.resolve(filter, scope);
        self.pending_semi_join = None;
        self.mark(&bound);
        self.condition(scope.block, &bound, context);
    }

    /// Takes a resolved condition apart.
    pub(super) fn condition(&mut self, block: usize, expr: &Expr, context: &Context) {
        let facts = self.facts(block, expr);
        if facts.aggregates || self.pushed_down(block, expr, context) {
            return;
        }
        match expr {
            Expr::And(list) => {
                for conjunct in list {
                    self.condition(block, conjunct, context);
                }
            }
            Expr::Or(list) => self.disjunction(block, expr, list, context),
            Expr::Not(inner) => self.negation(block, inner, context),
            Expr::Operator { op, left: Some(left), right } => match (left.as_ref(), right.as_ref()) {
                (Expr::Row(l), Expr::Row(r)) if l.len() == r.len() => self.rows(block, op, l, r, context),
                _ => self.comparison(block, op, left, right, context, Some(expr)),
            },
            Expr::InList { expr: tested, list, negated } => self.in_list(block, expr, tested, list, *negated, context),
            Expr::Slot(n) => match self.slot(*n).cloned() {
                Some(Slot::Subquery(subquery)) => self.subquery_condition(block, &subquery, context),
                _ => self.single(block, Some(expr), expr, Comparison::IsTrue, Value::None, None, context),
            },
            _ => self.simple_condition(block, expr, context),
        }
    }

    /// Conditions that compare one operand with constants.
    fn simple_condition(&mut self, block: usize, whole: &Expr, context: &Context) {
        match whole {
            Expr::Quantified { left, op, all, right } => self.quantified(block, whole, left, op, *all, right, context),
            Expr::Like { kind, negated, expr, pattern, escape } => {
                let (comparison, unsargable) = super::pattern::like(*kind, *negated, pattern, escape.as_deref());
                let value = self.value(pattern);
                self.single(block, Some(whole), expr, comparison, value, unsargable, context);
            }
            Expr::Between { expr, low, high, negated, .. } => {
                let (low, high) = (self.value(low), self.value(high));
                let value = if low == Value::Stable || high == Value::Stable { Value::Stable } else { Value::List };
                let unsargable = negated.then_some(Unsargable::Negation);
                self.single(block, Some(whole), expr, Comparison::Between, value, unsargable, context);
            }
            Expr::IsNull { expr, negated } => {
                let comparison = if *negated { Comparison::IsNotNull } else { Comparison::IsNull };
                self.single(block, Some(whole), expr, comparison, Value::None, None, context);
            }
            Expr::IsDistinct { left, right, negated } => {
                let (tested, other) =
                    if self.facts(block, left).relations.is_empty() { (right, left) } else { (left, right) };
                let (comparison, unsargable) = if *negated {
                    (Comparison::Other("IS NOT DISTINCT FROM".to_owned()), Some(Unsargable::ExpressionOnColumn))
                } else {
                    (Comparison::NotEq, Some(Unsargable::Negation))
                };
                let value = self.value(other);
                self.single(block, Some(whole), tested, comparison, value, unsargable, context);
            }
            Expr::BooleanTest { expr, test } => {
                let (comparison, unsargable) = match test {
                    BooleanTest::True => (Comparison::IsTrue, None),
                    BooleanTest::False => (Comparison::IsFalse, None),
                    BooleanTest::Unknown => (Comparison::IsNull, None),
                    BooleanTest::NotTrue => (Comparison::Other("IS NOT TRUE".to_owned()), Some(Unsargable::Negation)),
                    BooleanTest::NotFalse => (Comparison::Other("IS NOT FALSE".to_owned()), Some(Unsargable::Negation)),
                    BooleanTest::NotUnknown => (Comparison::IsNotNull, None),
                };
                if matches!(expr.as_ref(), Expr::Slot(_) | Expr::Call(_)) {
                    self.single(block, Some(whole), expr, comparison, Value::None, unsargable, context);
                } else if *test == BooleanTest::True {
                    self.condition(block, expr, context);
                }
            }
            Expr::Call(call) if call.name == "starts_with" && call.args.len() == 2 => {
                let value = self.value(&call.args[1]);
                self.single(block, Some(whole), &call.args[0], Comparison::LikePrefix, value, None, context);
            }
            Expr::Call(_) | Expr::Cast { .. } | Expr::Builtin { .. } | Expr::Case { .. } | Expr::Indirection { .. } => {
                self.single(block, Some(whole), whole, Comparison::IsTrue, Value::None, None, context);
            }
            _ => {}
        }
    }

    /// NOT, pushed to the leaves.
    fn negation(&mut self, block: usize, inner: &Expr, context: &Context) {
        match inner {
            Expr::Not(twice) => self.condition(block, twice, context),
            Expr::And(list) => {
                let list: Vec<Expr> = list.iter().map(|e| Expr::Not(Box::new(e.clone()))).collect();
                self.condition(block, &Expr::Or(list), context);
            }
            Expr::Or(list) => {
                for expr in list {
                    self.condition(block, &Expr::Not(Box::new(expr.clone())), context);
                }
            }
            Expr::IsNull { expr, negated } => {
                self.condition(block, &Expr::IsNull { expr: expr.clone(), negated: !negated }, context);
            }
            Expr::InList { expr, list, negated } => {
                let turned = Expr::InList { expr: expr.clone(), list: list.clone(), negated: !negated };
                self.condition(block, &turned, context);
            }
            Expr::Like { kind, negated, expr, pattern, escape } => {
                let turned = Expr::Like {
                    kind: *kind,
                    negated: !negated,
                    expr: expr.clone(),
                    pattern: pattern.clone(),
                    escape: escape.clone(),
                };
                self.condition(block, &turned, context);
            }
            Expr::Operator { op, left: Some(left), right } => {
                let turned = match op.as_str() {
                    "=" => "<>",
                    "<>" => "=",
                    "<" => ">=",
                    "<=" => ">",
                    ">" => "<=",
                    ">=" => "<",
                    _ => {
                        let whole = Expr::Not(Box::new(inner.clone()));
                        let value = self.value(right);
                        let comparison = Comparison::Other(format!("NOT {op}"));
                        self.single(block, Some(&whole), left, comparison, value, Some(Unsargable::Negation), context);
                        return;
                    }
                };
                let turned = Expr::Operator { op: turned.to_owned(), left: Some(left.clone()), right: right.clone() };
                self.condition(block, &turned, context);
            }
            Expr::Slot(n) => {
                let whole = Expr::Not(Box::new(inner.clone()));
                let Some(Slot::Subquery(subquery)) = self.slot(*n).cloned() else {
                    return self.single(block, Some(&whole), inner, Comparison::IsFalse, Value::None, None, context);
                };
                if let Some(test) = &subquery.test {
                    let negation = Some(Unsargable::Negation);
                    self.single(block, None, test, Comparison::In(None), Value::Subquery, negation, context);
                }
            }
            Expr::Between { expr, low, high, negated, symmetric } => {
                let turned = Expr::Between {
                    expr: expr.clone(),
                    low: low.clone(),
                    high: high.clone(),
                    negated: !negated,
                    symmetric: *symmetric,
                };
                self.condition(block, &turned, context);
            }
            Expr::Call(_) => {
                let whole = Expr::Not(Box::new(inner.clone()));
                self.single(block, Some(&whole), inner, Comparison::IsFalse, Value::None, None, context);
            }
            _ => {}
        }
    }

    /// OR: equalities on one operand are an IN; else a group, useful only if every branch is.
    fn disjunction(&mut self, block: usize, whole: &Expr, list: &[Expr], context: &Context) {
        if let Some((tested, count)) = self.same_operand(block, list) {
            let comparison = Comparison::In(count);
            return self.single(block, Some(whole), &tested, comparison, Value::List, None, context);
        }
        // An OR within a branch of another says too little to be told apart.
        if context.or.is_some() {
            return;
        }
        self.or_groups += 1;
        let group = self.or_groups;
        let first = self.blocks[block].predicates.len();
        let mut every_branch_useful = true;
        for (branch, expr) in (0..).zip(list) {
            let before = self.blocks[block].predicates.len();
            let inner = Context { or: Some((group, branch)), ..context.clone() };
            self.condition(block, expr, &inner);
            every_branch_useful &= self.blocks[block].predicates.len() > before;
        }
        let members = &mut self.blocks[block].predicates[first..];
        let one_relation = members.windows(2).all(|pair| pair[0].operand.relation == pair[1].operand.relation);
        if !every_branch_useful || !one_relation {
            for member in members {
                member.unsargable.get_or_insert(Unsargable::OrAcrossColumns);
            }
        }
    }

    /// The operand that every branch of an OR compares by equality with constants, and how many those are.
    fn same_operand(&self, block: usize, list: &[Expr]) -> Option<(Expr, Option<usize>)> {
        let mut tested: Option<&Expr> = None;
        let mut total = Some(0_usize);
        for branch in list {
            let (operand, values, count): (&Expr, Vec<&Expr>, Option<usize>) = match branch {
                Expr::Operator { op, left: Some(left), right } if op == "=" => {
                    if self.facts(block, right).relations.is_empty() {
                        (left, vec![right], Some(1))
                    } else {
                        (right, vec![left], Some(1))
                    }
                }
                Expr::InList { expr, list, negated: false } => (expr, list.iter().collect(), Some(list.len())),
                Expr::Quantified { left, op, all: false, right } if op == "=" => (left, vec![right], None),
                _ => return None,
            };
            let constant = |e: &&Expr| {
                let facts = self.facts(block, e);
                facts.relations.is_empty() && !facts.subqueries
            };
            if tested.is_some_and(|t| t != operand) || !values.iter().all(constant) || matches!(operand, Expr::Row(_)) {
                return None;
            }
            tested = Some(operand);
            total = total.zip(count).map(|(a, b)| a + b);
        }
        let operand = tested?;
        (self.facts(block, operand).relations.len() == 1).then(|| (operand.clone(), total))
    }

    /// A comparison of rows: each column for `=`; for an order, the first column bounds the scan.
    fn rows(&mut self, block: usize, op: &str, left: &[Expr], right: &[Expr], context: &Context) {
        match op {
            "=" => {
                for (l, r) in left.iter().zip(right) {
                    self.comparison(block, "=", l, r, context, None);
                }
            }
            "<" | "<=" | ">" | ">=" => {
                if let (Some(l), Some(r)) = (left.first(), right.first()) {
                    let loose = if op.starts_with('<') { "<=" } else { ">=" };
                    self.comparison(block, loose, l, r, context, None);
                }
            }
            _ => {}
        }
    }

    /// `left op right`, whichever side the columns are on.
    pub(super) fn comparison(
        &mut self,
        block: usize,
        op: &str,
        left: &Expr,
        right: &Expr,
        context: &Context,
        whole: Option<&Expr>,
    ) {
        let l = self.facts(block, left);
        let r = self.facts(block, right);
        match (l.relations.len(), r.relations.len()) {
            (0, 0) => {}
            (1, 0) => self.one_sided(block, op, left, right, context, whole),
            (0, 1) => match commuted(op) {
                Some(op) => self.one_sided(block, op, right, left, context, whole),
                None => self.one_sided(block, &format!("commuted {op}"), right, left, context, whole),
            },
            (1, 1) if l.relations == r.relations => {
                self.compared(block, op, left, right, context, whole, Some(Unsargable::SameRelation));
            }
            (1, 1) if context.or.is_none() => self.join_clause(block, op, left, right, context),
            _ if context.or.is_some() => {}
            (a, b) => {
                // One side can be looked up once the others are known.
                let apart = l.relations.is_disjoint(&r.relations);
                if apart && a == 1 {
                    self.one_sided(block, op, left, right, context, None);
                }
                if let (true, Some(op)) = (apart && b == 1, commuted(op)) {
                    self.one_sided(block, op, right, left, context, None);
                }
            }
        }
    }

    fn one_sided(
        &mut self,
        block: usize,
        op: &str,
        tested: &Expr,
        value: &Expr,
        context: &Context,
        whole: Option<&Expr>,
    ) {
        self.compared(block, op, tested, value, context, whole, None);
        self.semi_join(block, op, value, context);
    }

    /// The outer side of a condition within EXISTS: the planner may look the outer rows up instead.
    fn semi_join(&mut self, block: usize, op: &str, value: &Expr, context: &Context) {
        let Some(parent) = self.notes[block].semi_join_of.filter(|_| op == "=" && context.or.is_none()) else { return };
        if self.facts(parent, value).relations.len() == 1 && self.facts(block, value).relations.is_empty() {
            self.single(parent, None, value, Comparison::Eq, Value::Subquery, None, &Context::default());
        }
    }

    fn join_clause(&mut self, block: usize, op: &str, left: &Expr, right: &Expr, context: &Context) {
        let (left_type, right_type) = (self.type_of(left), self.type_of(right));
        let left = self.operand_against(block, left, right_type.as_deref());
        let right = self.operand_against(block, right, left_type.as_deref());
        match (left, right) {
            (Some((l, _)), Some((r, _))) => self.blocks[block].joins.push(JoinClause {
                left: l,
                right: r,
                equality: op == "=",
                operator: op.to_owned(),
            }),
            // The other side is a derived relation: it feeds this one's look-up.
            (Some((l, reason)), None) => self.fed(block, op, l, reason, context),
            (None, Some((r, reason))) => {
                if let Some(op) = commuted(op) {
                    self.fed(block, op, r, reason, context);
                }
            }
            (None, None) => {}
        }
    }

    /// A condition on a subquery's result.
    fn subquery_condition(&mut self, block: usize, subquery: &super::Subquery, context: &Context) {
        let Some(test) = subquery.test.as_deref().filter(|_| subquery.kind == SublinkKind::Any && subquery.op == "=")
        else {
            return;
        };
        let tests = match test {
            Expr::Row(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let correlated = subquery.outer.iter().any(|s| !self.facts(block, &Expr::Slot(*s)).relations.is_empty());
        for (test, output) in tests.iter().zip(&subquery.outputs) {
            if !correlated {
                self.single(block, None, test, Comparison::In(None), Value::Subquery, None, context);
            }
            if output.pushable && context.or.is_none() {
                for (inner, source) in &output.sources {
                    self.compared(*inner, "=", source, test, &Context::default(), None, None);
                }
            }
        }
    }

    /// A condition on nothing but a derived relation's output columns, applied to where they come from. Whether it was.
    fn pushed_down(&mut self, block: usize, expr: &Expr, context: &Context) -> bool {
        let facts = self.facts(block, expr);
        let mut relations = facts.relations.iter();
        let (Some(relation), None) = (relations.next(), relations.next()) else { return false };
        let outputs = match self.notes[block].derived.get(*relation) {
            Some(outputs) if !outputs.is_empty() && !facts.subqueries => outputs.clone(),
            _ => return false,
        };
        if context.only_relations.as_ref().is_some_and(|only| !only.contains(relation)) {
            return true;
        }
        let branches = outputs.iter().map(|o| o.sources.len()).max().unwrap_or(0);
        for branch in 0..branches {
            let mut inner_block = None;
            let substituted = self.substitute(expr, (block, *relation), &mut |i| {
                let output = outputs.get(i).filter(|o| o.pushable)?;
                let (of, source) = output.sources.get(branch)?;
                inner_block = Some(*of);
                Some(source.clone())
            });
            if let (Some(inner), Some(of)) = (substituted, inner_block) {
                self.condition(of, &inner, &Context::default());
            }
        }
        true
    }

    /// The expression with one relation's output columns replaced; `None` if one of them cannot be.
    fn substitute(
        &self,
        expr: &Expr,
        of: (usize, usize),
        replace: &mut dyn FnMut(usize) -> Option<Expr>,
    ) -> Option<Expr> {
        if let Expr::Slot(n) = expr
            && let Some(Slot::Column { block, relation, column }) = self.slot(*n)
            && (*block, *relation) == of
        {
            return match column {
                ColumnKey::Output(i) => replace(*i),
                _ => None,
            };
        }
        let mut complete = true;
        let copy = expr.map_children(&mut |child| {
            self.substitute(child, of, replace).unwrap_or_else(|| {
                complete = false;
                Expr::Default
            })
        });
        complete.then_some(copy)
    }
}
