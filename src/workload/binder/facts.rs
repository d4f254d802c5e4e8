//! What an expression reads, and how long its value lasts.

use std::collections::BTreeSet;

use crate::snapshot::Volatility;
use crate::sql::ast::{Call, Expr};
use crate::workload::{types, volatility};

use super::{Binder, ColumnKey, Slot};

/// What an expression reads, seen from one block.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Relations of the block.
    pub(super) relations: BTreeSet<usize>,
    /// Columns of other blocks.
    pub(super) outer: bool,
    /// Parameters.
    pub(super) parameters: bool,
    /// Subqueries.
    pub(super) subqueries: bool,
    /// Aggregates or window functions.
    pub(super) aggregates: bool,
}

impl Binder<'_> {
    pub(super) fn facts(&self, block: usize, expr: &Expr) -> Facts {
        let mut facts = Facts::default();
        self.gather(block, expr, &mut facts);
        facts
    }

    fn gather(&self, block: usize, expr: &Expr, facts: &mut Facts) {
        match expr {
            Expr::Slot(n) => match self.slot(*n) {
                Some(Slot::Column { block: of, relation, .. }) if *of == block => {
                    facts.relations.insert(*relation);
                }
                Some(Slot::Column { .. }) => facts.outer = true,
                Some(Slot::Subquery(subquery)) => {
                    facts.subqueries = true;
                    for slot in &subquery.outer {
                        self.gather(block, &Expr::Slot(*slot), facts);
                    }
                    if let Some(test) = &subquery.test {
                        self.gather(block, test, facts);
                    }
                }
                None => {}
            },
            Expr::Parameter(_) => facts.parameters = true,
            Expr::Call(call) if is_aggregate_or_window(call) => facts.aggregates = true,
            _ => {}
        }
        expr.for_each_child(&mut |child| self.gather(block, child, facts));
    }

    /// The type of an expression whose names are resolved.
    pub(super) fn type_of(&self, expr: &Expr) -> Option<String> {
        types::type_of(expr, &|slot| self.slot_type(slot))
    }

    fn slot_type(&self, slot: u32) -> Option<String> {
        match self.slot(slot)? {
            Slot::Column { block, relation, column } => match column {
                ColumnKey::Base(attnum) => {
                    let column = self.table(*block, *relation)?.column(*attnum)?;
                    Some(column.ty.base.clone())
                }
                ColumnKey::Output(i) => {
                    let output = self.notes.get(*block)?.derived.get(*relation)?.get(*i)?;
                    self.type_of(&output.sources.first()?.1)
                }
                ColumnKey::Unknown(_) => None,
            },
            Slot::Subquery(subquery) => self.type_of(&subquery.outputs.first()?.sources.first()?.1),
        }
    }

    /// The worst volatility of anything within an expression.
    pub(super) fn volatility(&self, expr: &Expr) -> Volatility {
        let mut worst = match expr {
            Expr::Call(call) => self.call_volatility(call),
            Expr::ValueFunction(_) => Volatility::Stable,
            Expr::Cast { expr, to } => match expr.as_ref() {
                // The parser turns these into constants of the type.
                Expr::Literal(_) => Volatility::Immutable,
                inner => volatility::cast(self.type_of(inner).as_deref(), &types::typname(to)),
            },
            Expr::Operator { op, left, right } => {
                let left = left.as_deref().and_then(|l| self.type_of(l));
                operator_volatility(op, left.as_deref(), self.type_of(right).as_deref())
            }
            Expr::Other { .. } | Expr::Sublink(_) => Volatility::Volatile,
            _ => Volatility::Immutable,
        };
        expr.for_each_child(&mut |child| worst = worst.max(self.volatility(child)));
        worst
    }

    fn call_volatility(&self, call: &Call) -> Volatility {
        let user = self.resolver.user_function(call.schema.as_deref(), &call.name);
        if call.schema.is_some() {
            return user.unwrap_or(Volatility::Volatile);
        }
        let args: Vec<Option<String>> = call.args.iter().map(|a| self.type_of(a)).collect();
        match (volatility::builtin(&call.name, &args), user) {
            (Some(builtin), Some(user)) => builtin.max(user),
            (Some(known), None) | (None, Some(known)) => known,
            (None, None) if volatility::is_aggregate(&call.name) => Volatility::Immutable,
            (None, None) => Volatility::Volatile,
        }
    }
}

pub(super) fn is_aggregate_or_window(call: &Call) -> bool {
    call.over.is_some() || is_aggregate(call)
}

pub(super) fn is_aggregate(call: &Call) -> bool {
    let plain = call.over.is_none() && (call.schema.is_none() || call.star);
    plain && (call.star || call.within_group || call.filter.is_some() || volatility::is_aggregate(&call.name))
}

/// The volatility of the function behind an operator: stable where the time zone or a type's output decides.
fn operator_volatility(op: &str, left: Option<&str>, right: Option<&str>) -> Volatility {
    let zoned = |ty: Option<&str>| matches!(ty, Some("timestamptz"));
    let unzoned = |ty: Option<&str>| matches!(ty, Some("date" | "timestamp"));
    let stable = match op {
        "+" | "-" => (zoned(left) && right != Some("timestamptz")) || (zoned(right) && left == Some("interval")),
        "=" | "<>" | "<" | "<=" | ">" | ">=" => (zoned(left) && unzoned(right)) || (unzoned(left) && zoned(right)),
        // `text || anynonarray` is inlined to a cast to text.
        "||" if ![left, right].iter().any(|t| t.is_some_and(|t| t.starts_with('_'))) => {
            [left, right].into_iter().flatten().any(|t| {
                !matches!(t, "unknown" | "jsonb" | "bytea")
                    && volatility::cast(Some(t), "text") != Volatility::Immutable
            })
        }
        _ => false,
    };
    if stable { Volatility::Stable } else { Volatility::Immutable }
}
