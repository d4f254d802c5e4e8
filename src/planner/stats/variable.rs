//! What is known of an expression's values (`examine_variable`) and how many of them are distinct.

use std::sync::Arc;

use super::parsed::Parsed;
use super::walk::{Members, members, top_parent};
use crate::planner::expr::{Expr, Var, types};
use crate::planner::query::{Query, RteKind, SortGroup};
use crate::planner::rel::{BaseRel, Rel, RelKind};
use crate::planner::relids::{RelId, Relids};
use crate::planner::root::Root;
use crate::snapshot::{AttrNumber, ColumnStats, Oid, Table, TableKind};

/// `DEFAULT_NUM_DISTINCT`.
pub(super) const DEFAULT_DISTINCT: f64 = 200.0;
/// System columns that the estimates know.
const CTID: AttrNumber = -1;
/// See [`CTID`].
const TABLEOID: AttrNumber = -6;

/// What is known of an expression (`VariableStatData`).
#[derive(Debug, Clone)]
pub(super) struct Variable<'e> {
    /// The expression, without changes of label where it is over relations.
    pub(super) expr: &'e Expr,
    /// The relation that it belongs to; none for what is constant here.
    pub(super) rel: Option<RelSize>,
    /// Its statistics.
    pub(super) stats: Option<Arc<Parsed>>,
    /// Type as used, above changes of label.
    pub(super) ty: Oid,
    /// No value appears twice.
    pub(super) unique: bool,
}

/// A relation's size.
#[derive(Debug, Clone, Copy)]
pub(super) struct RelSize {
    /// The relation.
    pub(super) relids: Relids,
    /// The entry, for a base relation.
    pub(super) base: Option<RelId>,
    /// Rows before restriction; 0 for a join.
    pub(super) tuples: f64,
    /// Rows after restriction.
    pub(super) rows: f64,
    /// Blocks; 0 for a join.
    pub(super) pages: f64,
}

impl RelSize {
    fn of(rel: &Rel) -> Self {
        let base = rel.base();
        Self {
            relids: rel.relids,
            base: base.map(|b| b.rel),
            tuples: base.map_or(0.0, |b| b.tuples),
            rows: rel.rows,
            pages: base.map_or(0.0, |b| b.pages),
        }
    }
}

impl Variable<'_> {
    /// Share of NULLs.
    pub(super) fn null_frac(&self) -> f64 {
        self.stats.as_ref().map_or(0.0, |s| s.null_frac)
    }

    /// Rows of its relation where that is known to be one or more.
    pub(super) fn tuples(&self) -> Option<f64> {
        self.rel.map(|r| r.tuples).filter(|t| *t >= 1.0)
    }
}

/// A base relation or inheritance child (`find_base_rel`).
pub(super) fn base_rel<'r>(root: &'r Root<'_>, rel: RelId) -> Option<&'r Rel> {
    fn below(parent: &Rel, rel: RelId) -> Option<&Rel> {
        let base = parent.base()?;
        if base.rel == rel {
            return Some(parent);
        }
        base.children.iter().find_map(|child| below(child, rel))
    }
    if let Some(found) = root.rel(rel) {
        return Some(found);
    }
    below(root.rel(top_parent(root, rel))?, rel)
}

fn size_of(root: &Root<'_>, rel: RelId) -> Option<RelSize> {
    base_rel(root, rel).map(RelSize::of)
}

/// What is known of an expression (`examine_variable`). With `var_relid`, other relations' columns count as constants.
pub(super) fn examine<'e>(root: &Root<'_>, expr: &'e Expr, var_relid: Option<RelId>) -> Variable<'e> {
    let base = expr.strip_relabel();
    let mut found = Variable { expr, rel: None, stats: None, ty: expr.ty(), unique: false };
    if let Expr::Var(var) = base
        && var.levels_up == 0
        && var_relid.is_none_or(|rel| rel == var.rel)
    {
        found.expr = base;
        found.rel = size_of(root, var.rel);
        examine_var(root, var, &mut found, 0);
        return found;
    }
    let read = members(root, base);
    let one = match single_of(root, read, var_relid) {
        Reads::Nothing => return found,
        Reads::Join => {
            found.expr = base;
            found.rel = root.memo.joins.borrow().get(&read.relids).map(|rel| RelSize::of(rel));
            found.rel =
                found.rel.or(Some(RelSize { relids: read.relids, base: None, tuples: 0.0, rows: 0.0, pages: 0.0 }));
            return found;
        }
        Reads::One { rel, alone } => {
            found.expr = base;
            found.rel = size_of(root, rel);
            if !alone {
                return found;
            }
            rel
        }
    };
    super::expression::examine(root, one, base, &mut found);
    found
}

enum Reads {
    Nothing,
    One { rel: RelId, alone: bool },
    Join,
}

fn single_of(root: &Root<'_>, read: Members, var_relid: Option<RelId>) -> Reads {
    match (read.single, var_relid) {
        (Some(rel), None) => Reads::One { rel, alone: true },
        (Some(rel), Some(wanted)) if rel == wanted => Reads::One { rel, alone: true },
        (None, None) if read.is_many() => Reads::Join,
        (None, Some(wanted)) if read.is_many() && read.reads(root, wanted) => Reads::One { rel: wanted, alone: false },
        _ => Reads::Nothing,
    }
}

/// Subqueries within subqueries that are followed down.
const MAX_DEPTH: u32 = 50;

/// Statistics and uniqueness of a plain column (`examine_simple_variable`).
fn examine_var(root: &Root<'_>, var: &Var, found: &mut Variable<'_>, depth: u32) {
    let Some(entry) = root.query.rtable.get(var.rel) else { return };
    match &entry.kind {
        RteKind::Table(oid) => {
            let Some(table) = root.env.snapshot.catalog.table(*oid) else { return };
            found.stats = column_stats(table, var.attno, is_parent(root, var.rel))
                .map(|raw| root.env.parsed.get(&root.env.facts, var.ty, raw));
            found.unique = has_unique_index(root, var.rel, table, var.attno, entry.inherit);
        }
        RteKind::Subquery(_) | RteKind::Cte { .. } if depth < MAX_DEPTH => examine_output(root, var, found, depth),
        _ => {}
    }
}

fn column_stats(table: &Table, attno: AttrNumber, inherit: bool) -> Option<&ColumnStats> {
    let column = table.column(attno)?;
    if inherit { column.stats_inherited.as_ref() } else { column.stats.as_ref() }
}

/// A column that a subquery or WITH query computes.
fn examine_output(root: &Root<'_>, var: &Var, found: &mut Variable<'_>, depth: u32) {
    let major = root.env.settings.major;
    let Some(sub) = subroot(root, var.rel) else { return };
    let query = &sub.query;
    let groups = !query.group.is_empty();
    // From 18 on a single GROUP BY column is known to be unique, as one of DISTINCT always was.
    if query.set_operations.is_some() || query.grouping_sets.is_some() || (groups && major < 18) {
        return;
    }
    let Some((expr, sortgroupref)) = output(query, var.attno) else { return };
    for clause in [&query.distinct, &query.group] {
        if !clause.is_empty() {
            found.unique |= is_only(clause, sortgroupref);
            return;
        }
    }
    if let Expr::Var(inner) = expr
        && inner.levels_up == 0
    {
        examine_var(sub, inner, found, depth + 1);
    }
}

fn is_only(clause: &[SortGroup], sortgroupref: u32) -> bool {
    matches!(clause, [only] if sortgroupref != 0 && only.sortgroupref == sortgroupref)
}

fn output(query: &Query, attno: AttrNumber) -> Option<(&Expr, u32)> {
    let position = usize::try_from(attno).ok()?.checked_sub(1)?;
    let target = query.targets.iter().filter(|t| !t.junk).nth(position)?;
    Some((&target.expr, target.sortgroupref))
}

/// The level behind a subquery entry or, from 17 on, a reference to a WITH query of this level.
fn subroot<'r, 'a>(root: &'r Root<'a>, rel: RelId) -> Option<&'r Root<'a>> {
    match &root.query.rtable.get(rel)?.kind {
        RteKind::Subquery(_) => root.subqueries.get(&rel).map(AsRef::as_ref),
        RteKind::Cte { name, levels_up: 0, self_reference: false, .. } if root.env.settings.major >= 17 => {
            root.ctes.iter().find(|c| c.name == *name && !c.recursive).map(|c| c.root.as_ref())
        }
        _ => None,
    }
}

/// The expression behind a subquery's column, and its level (`set_subquery_size_estimates`).
pub(super) fn subquery_output<'r, 'a>(root: &'r Root<'a>, var: &Var) -> Option<(&'r Root<'a>, &'r Expr)> {
    let sub = match &root.query.rtable.get(var.rel)?.kind {
        RteKind::Subquery(_) => root.subqueries.get(&var.rel)?.as_ref(),
        RteKind::Cte { name, levels_up: 0, .. } => {
            root.ctes.iter().find(|c| c.name == *name).map(|c| c.root.as_ref())?
        }
        _ => return None,
    };
    output(&sub.query, var.attno).map(|(expr, _)| (sub, expr))
}

/// Whether a unique index proves that a column's values differ (`has_unique_index`). The planner sees no indexes of a
/// parent of inheritance children, and those of a partitioned table from 16 on.
fn has_unique_index(root: &Root<'_>, rel: RelId, table: &Table, attno: AttrNumber, inherit: bool) -> bool {
    if is_parent(root, rel) && inherit && (table.kind != TableKind::Partitioned || root.env.settings.major < 16) {
        return false;
    }
    table.indexes.iter().any(|index| {
        index.unique
            && index.valid
            && index.predicate.is_none()
            && matches!(index.keys.as_slice(), [key] if key.column == Some(attno))
    })
}

/// Whether an entry stands for its children, too.
pub(super) fn is_parent(root: &Root<'_>, rel: RelId) -> bool {
    root.query.rtable.get(rel).is_some_and(|entry| entry.inherit)
        && (root.table(rel).is_some_and(|t| t.kind == TableKind::Partitioned)
            || base_rel(root, rel).is_some_and(|r| !children(r).is_empty()))
}

fn children(rel: &Rel) -> &[Arc<Rel>] {
    match &rel.kind {
        RelKind::Base(BaseRel { children, .. }) => children,
        RelKind::Join => &[],
    }
}

/// Distinct values, and whether that is a guess (`get_variable_numdistinct`).
pub(super) fn distinct(root: &Root<'_>, var: &Variable<'_>) -> (f64, bool) {
    let mut count = match &var.stats {
        Some(stats) => stats.n_distinct,
        None if var.ty == types::BOOL => 2.0,
        None => unmeasured(root, var),
    };
    if var.unique {
        count = -(1.0 - var.null_frac());
    }
    if count > 0.0 {
        return (clamp_rows(count), false);
    }
    let tuples = var.rel.map_or(0.0, |r| r.tuples);
    if tuples <= 0.0 {
        return (DEFAULT_DISTINCT, true);
    }
    if count < 0.0 {
        return (clamp_rows(-count * tuples), false);
    }
    if tuples < DEFAULT_DISTINCT { (clamp_rows(tuples), false) } else { (DEFAULT_DISTINCT, true) }
}

fn unmeasured(root: &Root<'_>, var: &Variable<'_>) -> f64 {
    let is_values = var
        .rel
        .and_then(|r| r.base)
        .and_then(|rel| root.query.rtable.get(rel))
        .is_some_and(|entry| matches!(entry.kind, RteKind::Values { .. }));
    if is_values {
        return -1.0;
    }
    match var.expr {
        Expr::Var(Var { attno: CTID, .. }) => -1.0,
        Expr::Var(Var { attno: TABLEOID, .. }) => 1.0,
        _ => 0.0,
    }
}

/// A row count as the planner keeps it: whole, and at least 1 (`clamp_row_est`).
pub(super) fn clamp_rows(rows: f64) -> f64 {
    if rows > 1.0e100 || rows.is_nan() {
        1.0e100
    } else if rows <= 1.0 {
        1.0
    } else {
        rows.round_ties_even()
    }
}
