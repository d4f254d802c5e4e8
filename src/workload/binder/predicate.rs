//! Conditions on one relation: the operand, the comparison as an index sees it, the value, what stands in the way.

use std::collections::BTreeSet;

use crate::snapshot::{AttrNumber, Volatility};
use crate::sql::ast::{Expr, Literal, TypeName};
use crate::sql::deparse::literal_text;
use crate::sql::{deparse_expr, quote};
use crate::workload::query::{Comparison, Operand, Predicate, Target, Unsargable, Value};
use crate::workload::types;

use super::condition::Context;
use super::{Binder, ColumnKey, Slot, pattern};

impl Binder<'_> {
    /// The expression as an index would hold it, with what keeps an index on its bare column from serving it; `None` if
    /// it is not over exactly one base table of the block.
    pub(super) fn operand(&self, block: usize, expr: &Expr) -> Option<(Operand, Option<Unsargable>)> {
        let expr = self.without_relabelling(expr);
        let facts = self.facts(block, &expr);
        let mut relations = facts.relations.iter();
        let (Some(relation), None) = (relations.next(), relations.next()) else { return None };
        let relation = *relation;
        self.table(block, relation)?;
        if let Expr::Slot(n) = &expr {
            let Some(Slot::Column { column: ColumnKey::Base(attnum), .. }) = self.slot(*n) else { return None };
            return Some((Operand { relation, target: Target::Column(*attnum) }, None));
        }
        if facts.subqueries || facts.aggregates || facts.outer {
            return None;
        }
        let sql = deparse_expr(&expr, &|slot| self.column_text(block, slot))?;
        let mut columns = BTreeSet::new();
        self.base_columns(block, &expr, &mut columns);
        let immutable = !facts.parameters && self.volatility(&expr) == Volatility::Immutable;
        let reason = match &expr {
            Expr::Call(call) => Unsargable::FunctionOnColumn { function: call.name.clone() },
            Expr::Builtin { name, .. } => Unsargable::FunctionOnColumn { function: name.to_lowercase() },
            Expr::Cast { to, .. } => Unsargable::CastOnColumn { to: types::typname(to) },
            _ => Unsargable::ExpressionOnColumn,
        };
        Some((Operand { relation, target: Target::Expression { sql, columns, immutable } }, Some(reason)))
    }

    /// [`Binder::operand`] compared with a value of a type that may make the server cast the column.
    pub(super) fn operand_against(
        &self,
        block: usize,
        expr: &Expr,
        other: Option<&str>,
    ) -> Option<(Operand, Option<Unsargable>)> {
        let own = self.type_of(expr);
        let cast = own.as_deref().zip(other).and_then(|(own, other)| types::cast_on_column(own, other));
        match cast {
            Some(to) => self.operand(block, &Expr::Cast { expr: Box::new(expr.clone()), to: TypeName::builtin(to) }),
            None => self.operand(block, expr),
        }
    }

    /// Casts that change nothing but the label, removed wherever they stand.
    fn without_relabelling(&self, expr: &Expr) -> Expr {
        match expr {
            Expr::Cast { expr: inner, to } if matches!(inner.as_ref(), Expr::Slot(_)) => match self.type_of(inner) {
                Some(from) if types::binary_coercible(&from, to) => inner.as_ref().clone(),
                _ => expr.clone(),
            },
            _ => expr.map_children(&mut |child| self.without_relabelling(child)),
        }
    }

    /// The unqualified, quoted name of a base column of the block.
    fn column_text(&self, of: usize, slot: &Expr) -> Option<String> {
        let Expr::Slot(n) = slot else { return None };
        let Some(Slot::Column { block, relation, column: ColumnKey::Base(attnum) }) = self.slot(*n) else {
            return None;
        };
        let column = self.table(*block, *relation).filter(|_| *block == of)?.column(*attnum)?;
        Some(quote::ident(&column.name))
    }

    fn base_columns(&self, of: usize, expr: &Expr, into: &mut BTreeSet<AttrNumber>) {
        if let Expr::Slot(n) = expr
            && let Some(Slot::Column { block, column: ColumnKey::Base(attnum), .. }) = self.slot(*n)
            && *block == of
        {
            into.insert(*attnum);
        }
        expr.for_each_child(&mut |child| self.base_columns(of, child, into));
    }

    /// What a condition compares with.
    pub(super) fn value(&self, expr: &Expr) -> Value {
        match expr {
            Expr::Parameter(n) => Value::Parameter(*n),
            Expr::Literal(literal) => Value::Literal(literal_text(literal)),
            Expr::Cast { expr: inner, .. } => match (inner.as_ref(), self.value(inner)) {
                (Expr::Literal(_), _) => deparse_expr(expr, &|_| None).map_or(Value::Stable, Value::Literal),
                (_, Value::Parameter(n)) => Value::Parameter(n),
                (_, Value::List) => Value::List,
                _ => Value::Stable,
            },
            Expr::Array(list) if list.iter().all(is_constant) => Value::List,
            Expr::Slot(n) if matches!(self.slot(*n), Some(Slot::Subquery(_))) => Value::Subquery,
            _ => Value::Stable,
        }
    }

    /// `tested op value`, where the value does not read the tested relation (unless `reason` says so).
    #[allow(clippy::too_many_arguments, reason = "a comparison's parts and its surroundings")]
    pub(super) fn compared(
        &mut self,
        block: usize,
        op: &str,
        tested: &Expr,
        value: &Expr,
        context: &Context,
        whole: Option<&Expr>,
        reason: Option<Unsargable>,
    ) {
        let value_type = self.type_of(value);
        let tested_type = self.type_of(tested);
        let volatile = self.volatility(value) == Volatility::Volatile && !self.facts(block, value).subqueries;
        let boolean = match value {
            Expr::Literal(Literal::Boolean(b)) => Some(*b),
            _ => None,
        };
        let comparison = match (op, boolean) {
            ("=", Some(true)) | ("<>", Some(false)) => Comparison::IsTrue,
            ("=", Some(false)) | ("<>", Some(true)) => Comparison::IsFalse,
            _ => comparison(op, tested_type.as_deref(), value_type.as_deref(), value),
        };
        let negated = comparison == Comparison::NotEq || op.starts_with('!');
        let reason =
            reason.or(volatile.then_some(Unsargable::VolatileValue)).or(negated.then_some(Unsargable::Negation));
        let bound = if boolean.is_some() && matches!(comparison, Comparison::IsTrue | Comparison::IsFalse) {
            Value::None
        } else {
            self.value(value)
        };
        let ordered = matches!(comparison, Comparison::Eq | Comparison::Less | Comparison::Greater);
        let against = if ordered { value_type } else { None };
        let Some((operand, own)) = self.operand_against(block, tested, against.as_deref()) else { return };
        self.add(block, operand, comparison, bound, reason.or(own), whole, context);
    }

    /// A condition on one operand whose comparison is known. `whole` is the condition itself, where it is the statement's
    /// own and not only implied by a subquery or a row: then it may become a partial index's predicate.
    #[allow(clippy::too_many_arguments, reason = "a condition's parts and its surroundings")]
    pub(super) fn single(
        &mut self,
        block: usize,
        whole: Option<&Expr>,
        tested: &Expr,
        comparison: Comparison,
        value: Value,
        reason: Option<Unsargable>,
        context: &Context,
    ) {
        let Some((operand, own)) = self.operand(block, tested) else { return };
        self.add(block, operand, comparison, value, reason.or(own), whole, context);
    }

    /// A base relation looked up by what another row source gives.
    pub(super) fn fed(
        &mut self,
        block: usize,
        op: &str,
        operand: Operand,
        reason: Option<Unsargable>,
        context: &Context,
    ) {
        let comparison = comparison(op, None, None, &Expr::Default);
        self.add(block, operand, comparison, Value::Stable, reason, None, context);
    }

    #[allow(clippy::too_many_arguments, reason = "a predicate's parts and its surroundings")]
    fn add(
        &mut self,
        block: usize,
        operand: Operand,
        comparison: Comparison,
        value: Value,
        unsargable: Option<Unsargable>,
        whole: Option<&Expr>,
        context: &Context,
    ) {
        if context.only_relations.as_ref().is_some_and(|only| !only.contains(&operand.relation)) {
            return;
        }
        // Above an outer join, a test for NULL asks for rows without a partner: no scan can apply it.
        let nullable = self.blocks[block].relations[operand.relation].nullable;
        if nullable && context.only_relations.is_none() && comparison == Comparison::IsNull {
            return;
        }
        let as_index_predicate = whole.and_then(|whole| self.index_predicate(block, whole));
        let (or_group, or_branch) = context.or.map_or((None, 0), |(group, branch)| (Some(group), branch));
        let predicate = Predicate { operand, comparison, value, unsargable, or_group, or_branch, as_index_predicate };
        if !self.blocks[block].predicates.contains(&predicate) {
            self.blocks[block].predicates.push(predicate);
        }
    }

    /// The condition as a partial index's predicate, if it is made of one table's columns and of literals only.
    fn index_predicate(&self, block: usize, whole: &Expr) -> Option<String> {
        let whole = self.without_relabelling(whole);
        let facts = self.facts(block, &whole);
        let local = facts.relations.len() == 1 && !facts.parameters && !facts.subqueries && !facts.outer;
        if !local || facts.aggregates || self.volatility(&whole) != Volatility::Immutable {
            return None;
        }
        deparse_expr(&whole, &|slot| self.column_text(block, slot))
    }

    /// `x IN (list)`.
    pub(super) fn in_list(
        &mut self,
        block: usize,
        whole: &Expr,
        tested: &Expr,
        list: &[Expr],
        negated: bool,
        context: &Context,
    ) {
        if let Expr::Row(columns) = tested {
            // A list of rows bounds each column by a list.
            if !negated {
                for column in columns {
                    self.single(block, None, column, Comparison::In(Some(list.len())), Value::List, None, context);
                }
            }
            return;
        }
        if let ([only], false) = (list, self.squashed_lists) {
            let op = if negated { "<>" } else { "=" };
            return self.comparison(block, op, tested, only, context, Some(whole));
        }
        let constant = list.iter().all(|e| self.facts(block, e).relations.is_empty());
        if !constant || self.facts(block, tested).relations.len() != 1 {
            // `$1 IN (a, b)` is an OR of equalities.
            if !negated {
                let equal = |e: &Expr| Expr::Operator {
                    op: "=".to_owned(),
                    left: Some(Box::new(e.clone())),
                    right: Box::new(tested.clone()),
                };
                self.condition(block, &Expr::Or(list.iter().map(equal).collect()), context);
            }
            return;
        }
        let count = (!self.squashed_lists).then_some(list.len());
        let reason = negated.then_some(Unsargable::Negation);
        let types: Vec<Option<String>> = list.iter().map(|e| self.type_of(e)).collect();
        let tested_type = self.type_of(tested);
        let cast = types.iter().flatten().find_map(|t| types::cast_on_column(tested_type.as_deref()?, t));
        match cast {
            Some(to) => {
                let cast = Expr::Cast { expr: Box::new(tested.clone()), to: TypeName::builtin(to) };
                self.single(block, Some(whole), &cast, Comparison::In(count), Value::List, reason, context);
            }
            None => self.single(block, Some(whole), tested, Comparison::In(count), Value::List, reason, context),
        }
    }

    /// `x op ANY (array)` and ALL.
    #[allow(clippy::too_many_arguments, reason = "the expression's parts and its surroundings")]
    pub(super) fn quantified(
        &mut self,
        block: usize,
        whole: &Expr,
        left: &Expr,
        op: &str,
        all: bool,
        right: &Expr,
        context: &Context,
    ) {
        let negation = |negated: bool| negated.then_some(Unsargable::Negation);
        if self.facts(block, left).relations.is_empty() {
            // `$1 = ANY (column)`.
            if op == "=" && !all && self.facts(block, right).relations.len() == 1 {
                let value = self.value(left);
                self.single(block, Some(whole), right, Comparison::ArrayAny, value, None, context);
            }
            return;
        }
        let count = match right {
            Expr::Array(list) => Some(list.len()),
            Expr::Cast { expr, .. } => match expr.as_ref() {
                Expr::Array(list) => Some(list.len()),
                _ => None,
            },
            _ => None,
        };
        let value = self.value(right);
        let (comparison, reason) = match (op, all) {
            ("=", false) => (Comparison::In(count), None),
            ("<>", true) => (Comparison::In(count), negation(true)),
            _ => (Comparison::Other(format!("{op} {}", if all { "ALL" } else { "ANY" })), negation(all)),
        };
        if self.facts(block, right).relations.is_empty() {
            self.single(block, Some(whole), left, comparison, value, reason, context);
        }
    }
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(_) | Expr::Parameter(_) => true,
        Expr::Cast { expr, .. } => is_constant(expr),
        _ => false,
    }
}

/// How an operator compares, by its name and the types of its operands.
fn comparison(op: &str, tested: Option<&str>, value: Option<&str>, right: &Expr) -> Comparison {
    let bare = op.rsplit('.').next().unwrap_or(op);
    let ty = tested.or(value).unwrap_or("");
    let is_array = ty.starts_with('_');
    let is_json = ty == "jsonb" || ty == "json";
    match bare {
        "=" => Comparison::Eq,
        "<" | "<=" => Comparison::Less,
        ">" | ">=" => Comparison::Greater,
        "<>" => Comparison::NotEq,
        "~" if is_geometric(ty) => Comparison::Range,
        "~" => pattern::regex(right, false),
        "~*" => pattern::regex(right, true),
        "!~" => Comparison::LikeInfix { case_insensitive: false, regex: true },
        "!~*" => Comparison::LikeInfix { case_insensitive: true, regex: true },
        "^@" => Comparison::LikePrefix,
        "@>" if is_json => Comparison::JsonContains,
        "@>" | "<@" | "&&" if is_array => Comparison::ArrayOverlap,
        "?" | "?|" | "?&" if is_json || tested.is_none() => Comparison::JsonExists,
        "@?" => Comparison::JsonPath,
        "@@" if is_json => Comparison::JsonPath,
        "@@" | "@@@" => Comparison::TextSearch,
        "&&" | "@>" | "<@" | "-|-" | "<<" | ">>" | "&<" | "&>" | "~=" | "<<|" | "|>>" | "&<|" | "|&>" => {
            Comparison::Range
        }
        "%" if matches!(ty, "text" | "varchar" | "citext" | "") => Comparison::Similar,
        "<%" | "%>" | "<<%" | "%>>" => Comparison::Similar,
        _ => Comparison::Other(op.to_owned()),
    }
}

fn is_geometric(ty: &str) -> bool {
    matches!(ty, "point" | "box" | "polygon" | "circle" | "geometry" | "geography")
}
