//! What evaluating an expression costs (`cost_qual_eval_walker`).

use std::sync::Arc;

use crate::planner::env::Env;
use crate::planner::expr::{Cast, Const, Expr, ScalarArrayOp, SubPlanExpr, Variadic};
use crate::planner::rel::{QualCost, Restrict};
use crate::planner::root::SubPlanCost;
use crate::planner::value::Datum;
use crate::snapshot::Oid;

/// Elements from which a constant array of an ANY is searched through a hash table
/// (`MIN_ARRAY_SIZE_FOR_HASHED_SAOP`, 14+).
const HASHED_ARRAY: f64 = 9.0;
/// How deep an expression is followed; below that it costs nothing.
const DEPTH_LIMIT: u32 = 2000;

/// What evaluating an expression costs (`cost_qual_eval_node`).
pub fn expr_cost(env: &Env<'_>, subplans: &[SubPlanCost], expr: &Expr) -> QualCost {
    let mut walk = Walk { env, subplans, total: QualCost::default(), found_subplan: false };
    walk.add(expr, 0);
    walk.total
}

/// What evaluating a condition costs; remembered in it, unless it holds a SubPlan, whose cost depends on the
/// configuration.
pub fn restrict_cost(env: &Env<'_>, subplans: &[SubPlanCost], restrict: &Restrict) -> QualCost {
    if let Some(cost) = restrict.eval_cost.get() {
        return *cost;
    }
    let mut walk = Walk { env, subplans, total: QualCost::default(), found_subplan: false };
    walk.add(&restrict.clause, 0);
    let mut cost = walk.total;
    if restrict.pseudoconstant {
        // Evaluated once, in a Result above.
        cost = QualCost { startup: cost.startup + cost.per_tuple, per_tuple: 0.0 };
    }
    if walk.found_subplan { cost } else { *restrict.eval_cost.get_or_init(|| cost) }
}

/// What evaluating a list of conditions costs (`cost_qual_eval`).
pub fn quals_cost(env: &Env<'_>, subplans: &[SubPlanCost], quals: &[Arc<Restrict>]) -> QualCost {
    quals.iter().fold(QualCost::default(), |sum, qual| sum + restrict_cost(env, subplans, qual))
}

/// Elements of an array as costs count them (`estimate_array_length` without statistics).
fn array_length(array: &Expr) -> f64 {
    match array {
        Expr::Const(Const { value: Some(value), .. }) => match value.as_ref() {
            Datum::Array(elements) => elements.len() as f64,
            _ => 10.0,
        },
        Expr::Array(elements, _) => elements.len() as f64,
        Expr::Relabel(cast) | Expr::Coerce(cast) => array_length(&cast.arg),
        _ => 10.0,
    }
}

struct Walk<'e> {
    env: &'e Env<'e>,
    subplans: &'e [SubPlanCost],
    total: QualCost,
    found_subplan: bool,
}

impl Walk<'_> {
    fn add(&mut self, expr: &Expr, depth: u32) {
        if depth > DEPTH_LIMIT {
            return;
        }
        let deeper = depth + 1;
        match expr {
            // Aggregates and window functions are charged where they are computed.
            Expr::Var(_)
            | Expr::Const(_)
            | Expr::Param(_)
            | Expr::SubLink(_)
            | Expr::Aggref(_)
            | Expr::WindowFunc(_) => {}
            Expr::Op(op) => {
                self.total.per_tuple += self.operator(op.op);
                self.all(&op.args, deeper);
            }
            Expr::ScalarArrayOp(saop) => {
                self.array_op(saop);
                self.add(&saop.left, deeper);
                self.add(&saop.right, deeper);
            }
            Expr::Func(call) => {
                self.total.per_tuple += self.function(call.func);
                self.all(&call.args, deeper);
            }
            Expr::And(args) | Expr::Or(args) | Expr::Array(args, _) | Expr::Row(args) | Expr::Other(_, args, _) => {
                self.all(args, deeper);
            }
            Expr::Not(arg) | Expr::NullTest(arg, _) | Expr::BooleanTest(arg, _) => self.add(arg, deeper),
            Expr::Relabel(cast) => self.add(&cast.arg, deeper),
            Expr::Coerce(cast) => {
                self.total.per_tuple += self.coercion(cast);
                self.add(&cast.arg, deeper);
            }
            Expr::Case(case) => {
                for (when, then) in &case.whens {
                    self.add(when, deeper);
                    self.add(then, deeper);
                }
                if let Some(otherwise) = &case.otherwise {
                    self.add(otherwise, deeper);
                }
            }
            Expr::Variadic(kind, args, _) => {
                if *kind != Variadic::Coalesce {
                    self.total.per_tuple += self.env.settings.cpu_operator_cost;
                }
                self.all(args, deeper);
            }
            Expr::RowCompare(compare) => {
                self.total.per_tuple += compare.ops.iter().map(|op| self.operator(*op)).sum::<f64>();
                self.all(&compare.left, deeper);
                self.all(&compare.right, deeper);
            }
            Expr::SubPlan(subplan) => self.subplan(subplan, depth),
        }
    }

    fn all(&mut self, args: &[Expr], depth: u32) {
        for arg in args {
            self.add(arg, depth);
        }
    }

    /// `add_function_cost`.
    fn function(&self, func: Oid) -> f64 {
        self.env.facts.function(func).map_or(1.0, |f| f.cost) * self.env.settings.cpu_operator_cost
    }

    fn operator(&self, op: Oid) -> f64 {
        match self.env.facts.operator(op) {
            Some(fact) => self.function(fact.function),
            None => self.env.settings.cpu_operator_cost,
        }
    }

    fn array_op(&mut self, saop: &ScalarArrayOp) {
        let compare = self.operator(saop.op);
        let elements = array_length(&saop.right);
        if self.is_hashed(saop, elements) {
            // The built-in hash functions cost one operator each: once an element, once a row.
            let hash = self.env.settings.cpu_operator_cost;
            self.total.startup += elements * hash;
            self.total.per_tuple += hash + compare;
        } else {
            // On average half of the elements are looked at.
            self.total.per_tuple += compare * elements * 0.5;
        }
    }

    /// Whether the executor will look the value up in a hash table (`convert_saop_to_hashed_saop_walker`).
    fn is_hashed(&self, saop: &ScalarArrayOp, elements: f64) -> bool {
        let major = self.env.settings.major;
        if major < 14 || elements < HASHED_ARRAY || !matches!(&saop.right, Expr::Const(c) if c.value.is_some()) {
            return false;
        }
        let Some(operator) = self.env.facts.operator(saop.op) else { return false };
        let equality = if saop.any {
            Some(operator)
        } else if major >= 15 {
            self.env.facts.operator(operator.negator)
        } else {
            None
        };
        // Operators across types have two hash functions, which the executor does not use.
        equality.is_some_and(|eq| eq.can_hash && eq.left == eq.right)
    }

    fn coercion(&self, cast: &Cast) -> f64 {
        let unit = self.env.settings.cpu_operator_cost;
        let facts = &self.env.facts;
        let Some(target) = facts.ty(cast.ty) else { return 2.0 * unit };
        if target.kind == 'd' {
            return unit;
        }
        let source = facts.ty(cast.arg.ty()).filter(|t| t.element != 0);
        let (Some(source), true) = (source, target.element != 0 && target.len == -1) else {
            // An output and an input function.
            return 2.0 * unit;
        };
        let per_element = match facts.cast(source.element, target.element) {
            Some(found) if found.function != 0 => self.function(found.function),
            Some(found) if found.method == 'b' => 0.0,
            _ if source.element == target.element => 0.0,
            _ => 2.0 * unit,
        };
        per_element * array_length(&cast.arg)
    }

    fn subplan(&mut self, subplan: &SubPlanExpr, depth: u32) {
        self.found_subplan = true;
        if let Some(cost) = self.subplans.get(subplan.id) {
            self.total.startup += cost.startup;
            self.total.per_tuple += cost.per_call;
            self.all(&subplan.tests, depth + 1);
        }
    }
}
