//! B-trees (`btcostestimate`).

use std::sync::Arc;

use super::{Given, IndexUse, MethodCost, PAGE_CPU, generic};
use crate::planner::expr::Expr;
use crate::planner::path::IndexClause;
use crate::planner::rel::Restrict;
use crate::planner::stats;

/// `BTEqualStrategyNumber`.
const EQUAL: i16 = 3;
/// `DEFAULT_RANGE_INEQ_SEL`.
const RANGE_SELECTIVITY: f64 = 0.005;

pub(super) fn cost(usage: &IndexUse<'_, '_>) -> MethodCost {
    let settings = &usage.root.env.settings;
    let index = usage.index;
    let bounds = if settings.major >= 18 { skipping_bounds(usage) } else { leading_bounds(usage) };
    let all_equal = bounds.last_column + 1 == index.keys.len() && bounds.equal;
    let mut array_scans = bounds.array_scans;
    let tuples = if index.unique && all_equal && !bounds.array && !bounds.null {
        1.0
    } else {
        if settings.major >= 17 {
            // One descent a leaf page is the most there can be; a third is assumed.
            array_scans = array_scans.min((index.pages * 0.333_333_3).ceil()).max(1.0);
        }
        let selectivity = usage.selectivity(bounds.quals.iter().copied());
        (selectivity * usage.base.tuples / array_scans).round_ties_even()
    };
    // Before 17 the arrays are counted again over all conditions.
    let given_scans = if settings.major >= 17 { array_scans } else { 0.0 };
    let mut costs = generic(usage, Given { tuples, array_scans: given_scans });
    let unit = settings.cpu_operator_cost;
    if index.tuples > 1.0 {
        let descent = index.tuples.log2().ceil() * unit;
        costs.startup += descent;
        costs.total += costs.array_scans * descent;
    }
    let pages = (f64::from(index.tree_height) + 1.0) * PAGE_CPU * unit;
    costs.startup += pages;
    costs.total += costs.array_scans * pages;
    costs.correlation = correlation(usage);
    costs.cost()
}

/// The first key's correlation, less where others follow (`btcost_correlation`).
fn correlation(usage: &IndexUse<'_, '_>) -> f64 {
    let Some(key) = usage.index.keys.first() else { return 0.0 };
    // Statistics are of the type's default order: another operator class's says nothing.
    let ty = usage.keys.first().map_or(0, Expr::ty);
    let facts = &usage.root.env.facts;
    let default = facts.default_opclass(usage.index.method, ty);
    if default.is_some_and(|d| d.family != key.family) {
        return 0.0;
    }
    let Some(found) = usage.key_stats(0).and_then(|s| s.correlation).filter(|c| c.abs() <= 1.0) else { return 0.0 };
    let signed = if key.descending { -found } else { found };
    if usage.index.keys.len() > 1 { signed * 0.75 } else { signed }
}

/// The conditions that bound the part of the index that is read.
#[derive(Default)]
struct Bounds<'i> {
    quals: Vec<&'i Arc<Restrict>>,
    /// The last column looked at.
    last_column: usize,
    /// Whether that column is fixed to a value.
    equal: bool,
    array: bool,
    null: bool,
    row: bool,
    array_scans: f64,
    /// Conditions of the column that do not fix it.
    inequalities: Vec<&'i Arc<Restrict>>,
}

impl<'i> Bounds<'i> {
    fn add(&mut self, usage: &IndexUse<'i, '_>, clause: &'i IndexClause) {
        let family = usage.index.keys.get(clause.column).map_or(0, |k| k.family);
        for qual in &clause.quals {
            let op = match &qual.clause {
                Expr::Op(op) => Some(op.op),
                Expr::RowCompare(compare) => {
                    self.row = true;
                    compare.ops.first().copied()
                }
                Expr::ScalarArrayOp(saop) => {
                    self.array = true;
                    self.array_scans *= stats::array_length(usage.root, &saop.right).max(1.0);
                    Some(saop.op)
                }
                Expr::NullTest(_, true) => {
                    self.null = true;
                    self.equal = true;
                    None
                }
                _ => None,
            };
            let strategy = op.and_then(|op| usage.root.env.facts.strategy(op, family));
            if strategy == Some(EQUAL) {
                self.equal = true;
            } else if !matches!(&qual.clause, Expr::NullTest(_, true)) {
                self.inequalities.push(qual);
            }
            self.quals.push(qual);
        }
    }
}

/// Up to 17: equalities on leading columns, and the conditions on the column after them.
fn leading_bounds<'i>(usage: &IndexUse<'i, '_>) -> Bounds<'i> {
    let mut bounds = Bounds { array_scans: 1.0, ..Bounds::default() };
    for clause in usage.clauses {
        if clause.column != bounds.last_column {
            if !bounds.equal {
                break;
            }
            bounds.equal = false;
            bounds.last_column += 1;
            if clause.column != bounds.last_column {
                break;
            }
        }
        bounds.add(usage, clause);
    }
    bounds
}

/// From 18: a column without an equality may be skipped over, one descent for each of its values.
fn skipping_bounds<'i>(usage: &IndexUse<'i, '_>) -> Bounds<'i> {
    let mut bounds = Bounds { array_scans: 1.0, ..Bounds::default() };
    for clause in usage.clauses {
        if bounds.last_column < clause.column {
            if bounds.row {
                break;
            }
            if bounds.equal {
                bounds.last_column += 1;
                bounds.inequalities.clear();
            }
            bounds.equal = false;
            if !skip_to(usage, &mut bounds, clause.column) {
                break;
            }
        }
        bounds.add(usage, clause);
    }
    bounds
}

/// Skips columns up to `column`; `false` where that does not pay.
fn skip_to(usage: &IndexUse<'_, '_>, bounds: &mut Bounds<'_>, column: usize) -> bool {
    let before = bounds.array_scans;
    while bounds.last_column < column {
        bounds.array = true;
        let Some(key) = usage.keys.get(bounds.last_column) else { return false };
        let (mut distinct, guessed) = stats::distinct_values(usage.root, key);
        if guessed {
            bounds.array_scans = before;
            return false;
        }
        if bounds.inequalities.is_empty() {
            // The first probe finds where the values begin.
            distinct += 1.0;
        } else {
            let share = usage.selectivity(bounds.inequalities.iter().copied());
            if share < RANGE_SELECTIVITY {
                bounds.array_scans = before;
                return false;
            }
            distinct = (distinct * share).round_ties_even().max(1.0);
        }
        bounds.array_scans *= distinct;
        if usage.index.pages < bounds.array_scans {
            bounds.array_scans = before;
            return false;
        }
        bounds.last_column += 1;
        bounds.inequalities.clear();
    }
    true
}
