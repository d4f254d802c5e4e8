//! How many groups a GROUP BY or DISTINCT makes (`estimate_num_groups`).

use super::extended;
use super::variable::{self, RelSize, Variable, clamp_rows};
use crate::planner::expr::{Expr, types};
use crate::planner::exprs::contains_volatile;
use crate::planner::prep::eclass::exprs_known_equal;
use crate::planner::root::Root;

/// An expression to group by (`GroupVarInfo`).
#[derive(Debug, Clone)]
pub(super) struct GroupVar<'e> {
    /// The expression.
    pub(super) expr: &'e Expr,
    /// Its relation.
    pub(super) rel: RelSize,
    /// Distinct values.
    pub(super) distinct: f64,
}

/// Groups among so many rows. Columns of one relation are multiplied, and kept below a tenth of its rows where there
/// are several; what restrictions leave of them is then estimated; relations are independent.
pub(super) fn estimate(root: &Root<'_>, exprs: &[Expr], input_rows: f64) -> f64 {
    let input_rows = clamp_rows(input_rows);
    if exprs.is_empty() {
        return 1.0;
    }
    let mut groups = 1.0;
    let mut set_rows: f64 = 1.0;
    let mut vars: Vec<GroupVar<'_>> = Vec::new();
    for expr in exprs {
        set_rows = set_rows.max(rows_returned(root, expr));
        if expr.ty() == types::BOOL {
            groups *= 2.0;
            continue;
        }
        let var = variable::examine(root, expr, None);
        if var.stats.is_some() || var.unique {
            add(root, &mut vars, expr, &var);
            continue;
        }
        let mut columns = Vec::new();
        expr.collect_vars(true, &mut columns);
        if columns.is_empty() {
            if contains_volatile(&root.env.facts, expr) {
                return input_rows;
            }
            continue;
        }
        for column in columns {
            let var = variable::examine(root, column, None);
            add(root, &mut vars, column, &var);
        }
    }
    while let Some(first) = vars.first() {
        let rel = first.rel;
        let (same, others): (Vec<_>, Vec<_>) = vars.into_iter().partition(|v| v.rel.relids == rel.relids);
        if let Some(count) = of_relation(root, rel, same) {
            groups *= count;
        }
        vars = others;
    }
    (groups * set_rows).ceil().min(input_rows).max(1.0)
}

/// Groups that the columns of one relation make of its restricted rows. `None` for an empty relation.
fn of_relation(root: &Root<'_>, rel: RelSize, mut vars: Vec<GroupVar<'_>>) -> Option<f64> {
    let (mut product, mut greatest, mut factors) = (1.0_f64, 1.0_f64, 0_u32);
    while let Some(count) = extended::take_distinct(root, rel, &mut vars) {
        product *= count;
        greatest = greatest.max(count);
        factors += 1;
    }
    for var in &vars {
        product *= var.distinct;
        greatest = greatest.max(var.distinct);
        factors += 1;
    }
    if rel.tuples <= 0.0 {
        return None;
    }
    let limit = if factors > 1 { (rel.tuples * 0.1).max(greatest).min(rel.tuples) } else { rel.tuples };
    let mut count = product.min(limit);
    if count > 0.0 && rel.rows < rel.tuples {
        // Drawing `rows` of `tuples` rows leaves out a value of `tuples / count` rows with this chance.
        let left_out = ((rel.tuples - rel.rows) / rel.tuples).powf(rel.tuples / count);
        count *= 1.0 - left_out;
    }
    Some(clamp_rows(count))
}

/// `add_unique_group_var`: repeats are dropped, and of columns known to be equal all but the least distinct.
fn add<'e>(root: &Root<'_>, vars: &mut Vec<GroupVar<'e>>, expr: &'e Expr, var: &Variable<'_>) {
    let Some(rel) = var.rel else { return };
    let distinct = variable::distinct(root, var).0;
    if vars.iter().any(|v| v.expr == expr) {
        return;
    }
    let equal = |v: &GroupVar<'_>| v.rel.relids != rel.relids && exprs_known_equal(root, v.expr, expr);
    if vars.iter().any(|v| equal(v) && v.distinct <= distinct) {
        return;
    }
    vars.retain(|v| !equal(v));
    vars.push(GroupVar { expr, rel, distinct });
}

/// Rows that set-returning functions in an expression return (`expression_returns_set_rows`).
pub(super) fn rows_returned(root: &Root<'_>, expr: &Expr) -> f64 {
    let Expr::Func(func) = expr else { return 1.0 };
    if !func.retset {
        return 1.0;
    }
    clamp_rows(root.env.facts.function(func.func).map_or(1000.0, |f| f.rows))
}

/// Frequency of a hash key's commonest value, and the share of rows in an average bucket
/// (`estimate_hash_bucket_stats`).
pub(super) fn hash_bucket(root: &Root<'_>, key: &Expr, buckets: f64) -> (f64, f64) {
    let var = variable::examine(root, key, None);
    let mut commonest = var.stats.as_ref().and_then(|s| s.mcv_freqs.first().copied()).unwrap_or(0.0);
    if root.env.settings.major >= 18
        && commonest == 0.0
        && var.stats.as_ref().is_some_and(|s| s.histogram_len > 0)
        && let Some(size) = var.rel.filter(|r| r.rows > 0.0)
    {
        // A histogram without common values: each value was seen once.
        commonest = 1.0 / size.rows;
    }
    let (distinct, guessed) = variable::distinct(root, &var);
    if guessed {
        return (commonest, commonest.max(0.1));
    }
    let average = (1.0 - var.null_frac()) / distinct;
    let kept = match var.rel {
        Some(size) if size.tuples > 0.0 => clamp_rows(distinct * size.rows / size.tuples),
        _ => distinct,
    };
    let mut share = 1.0 / kept.min(buckets);
    if average > 0.0 && commonest > average {
        share *= commonest / average;
    }
    (commonest, share.clamp(1.0e-6, 1.0))
}
