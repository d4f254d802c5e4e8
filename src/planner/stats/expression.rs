//! Statistics of expressions: those of expression indexes and of extended statistics.

use std::sync::Arc;

use super::parsed::Parsed;
use super::variable::{Variable, is_parent};
use crate::planner::analyze;
use crate::planner::env::{Env, INDEX_REL};
use crate::planner::expr::{Expr, Var};
use crate::planner::fold;
use crate::planner::relids::RelId;
use crate::planner::root::Root;
use crate::snapshot::{ExtendedData, ExtendedStatistics, Table};

/// An expression over a table's columns of which something is known. Its columns are of [`INDEX_REL`].
#[derive(Debug)]
pub(crate) struct Known {
    expr: Expr,
    /// A unique index has it as its only key.
    unique: bool,
    /// Statistics of the table's own rows.
    own: Option<Arc<Parsed>>,
    /// Statistics with the children's rows.
    inherited: Option<Arc<Parsed>>,
}

/// An expression over a table's columns, folded and without changes of label.
fn read(env: &Env<'_>, table: &Table, sql: &str) -> Option<Expr> {
    let expr = fold::fold(env, analyze::index_expression(env, table, sql).ok()?);
    Some(expr.strip_relabel().clone())
}

/// The expressions of a statistics object; `None` for one that is not understood.
pub(super) fn of_object(env: &Env<'_>, table: &Table, object: &ExtendedStatistics) -> Vec<Option<Expr>> {
    if env.settings.major < 14 {
        return Vec::new();
    }
    object.expressions.iter().map(|sql| read(env, table, sql)).collect()
}

/// Everything known of a table's expressions: by indexes first, then by extended statistics (14+).
pub(super) fn known(env: &Env<'_>, table: &Table) -> Vec<Known> {
    let read = |sql: &str| read(env, table, sql);
    let mut found = Vec::new();
    for index in table.indexes.iter().filter(|i| i.valid) {
        for key in &index.keys {
            let Some(expr) = key.expression.as_deref().and_then(read) else { continue };
            found.push(Known {
                unique: index.unique && index.keys.len() == 1 && index.predicate.is_none(),
                own: key.stats.as_ref().map(|raw| env.parsed.get(&env.facts, expr.ty(), raw)),
                inherited: None,
                expr,
            });
        }
    }
    let objects = env.snapshot.catalog.extended_statistics.iter().filter(|s| s.table == table.oid);
    for object in objects {
        let exprs = env.parsed.object_expressions(env, table, object);
        for (at, expr) in exprs.iter().enumerate() {
            let Some(expr) = expr.clone() else { continue };
            let stats = |data: &Option<ExtendedData>| {
                let raw = data.as_ref()?.expressions.get(at)?.as_ref()?;
                Some(env.parsed.get(&env.facts, expr.ty(), raw))
            };
            let (own, inherited) = (stats(&object.data), stats(&object.data_inherited));
            found.push(Known { unique: false, own, inherited, expr });
        }
    }
    found
}

/// Statistics of an expression over one relation (`examine_variable`'s second half): an index on it supplies them and,
/// when it is unique, uniqueness; else extended statistics on the expression do.
pub(super) fn examine(root: &Root<'_>, rel: RelId, expr: &Expr, found: &mut Variable<'_>) {
    let Some(table) = root.table(rel) else { return };
    let known = root.env.parsed.expressions(root.env, table);
    let parent = is_parent(root, rel);
    for item in known.iter().filter(|k| same(expr, &k.expr, rel)) {
        // The planner sees no indexes of a parent; their statistics are its own rows' anyway.
        found.unique |= item.unique && !parent;
        if found.stats.is_none() {
            found.stats.clone_from(if parent { &item.inherited } else { &item.own });
        }
    }
}

/// Whether an expression over `rel` is the one over [`INDEX_REL`].
pub(super) fn same(expr: &Expr, known: &Expr, rel: RelId) -> bool {
    if std::mem::discriminant(expr) != std::mem::discriminant(known) {
        return false;
    }
    let mut moved = known.clone();
    moved.replace_vars(&mut |var| (var.rel == INDEX_REL).then_some(Expr::Var(Var { rel, ..*var })));
    moved == *expr
}
