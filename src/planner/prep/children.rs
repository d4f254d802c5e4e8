//! Partitions and inheritance children (`expand_inherited_rtentry`, `set_append_rel_size`).

use std::sync::Arc;

use super::restrict::make_restrict;
use super::{base, derive, eclass, partition};
use crate::planner::expr::{Expr, Var};
use crate::planner::path::clamp_rows;
use crate::planner::query::{Rte, RteKind};
use crate::planner::rel::{BaseRel, Rel, RelKind, Restrict};
use crate::planner::relids::RelId;
use crate::planner::root::Root;
use crate::planner::stats;
use crate::snapshot::{AttrNumber, Table, TableKind};

/// Partitions that one relation may have; more are taken to be pruned by what is not modelled.
const MOST_CHILDREN: usize = 4096;

/// Gives a parent its children that no condition excludes; the parent's rows are theirs together.
pub(super) fn expand(root: &mut Root<'_>, rel: RelId) {
    let Some(parent) = root.rel(rel).cloned() else { return };
    let Some(entry) = root.query.rtable.get(rel).cloned() else { return };
    let Some(table) = root.table(rel).filter(|_| entry.inherit) else { return };
    let catalog = &root.env.snapshot.catalog;
    let mut leaves: Vec<&Table> = Vec::new();
    if table.kind == TableKind::Partitioned {
        partitions(root, table, &parent.restrict, &mut leaves);
    } else {
        let heirs: Vec<&Table> = catalog.tables.iter().filter(|t| t.inherits.contains(&table.oid)).collect();
        if heirs.is_empty() {
            return;
        }
        leaves.push(table);
        leaves.extend(heirs);
    }
    leaves.truncate(MOST_CHILDREN);
    let mut children = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        children.push(Arc::new(child(root, rel, &parent, &entry, table, leaf)));
    }
    let mut whole = (*parent).clone();
    let dummy = children.is_empty();
    whole.rows = clamp_rows(children.iter().map(|c| c.rows).sum());
    if let RelKind::Base(b) = &mut whole.kind {
        b.tuples = children.iter().filter_map(|c| c.base()).map(|c| c.tuples).sum();
        b.pages = 0.0;
        b.children = children;
    }
    whole.dummy |= dummy;
    if let Some(slot) = root.rels.get_mut(rel) {
        *slot = Some(Arc::new(whole));
    }
}

/// The leaves under a partitioned table that its conditions do not exclude, in the order of their bounds.
fn partitions<'a>(root: &Root<'a>, table: &'a Table, restrict: &[Arc<Restrict>], leaves: &mut Vec<&'a Table>) {
    let all: Vec<&Table> = root.env.snapshot.catalog.partitions_of(table.oid).collect();
    for part in partition::live(root.env, table, all, restrict) {
        if part.kind == TableKind::Partitioned {
            partitions(root, part, &[], leaves);
        } else {
            leaves.push(part);
        }
    }
}

/// A child as a relation of its own: the parent's conditions and targets over its columns.
fn child(root: &mut Root<'_>, rel: RelId, parent: &Rel, entry: &Rte, table: &Table, leaf: &Table) -> Rel {
    let number = root.query.rtable.len();
    root.query.rtable.push(Rte {
        kind: RteKind::Table(leaf.oid),
        alias: entry.alias.clone(),
        columns: columns(leaf),
        lateral: false,
        inherit: false,
    });
    root.top_parent.push(rel);
    root.rels.push(None);
    root.parent_columns.push(Some(parent_columns(table, leaf)));
    let vars: Vec<Var> = parent
        .target
        .exprs
        .iter()
        .filter_map(|e| match derive::to_child(root, number, e) {
            Expr::Var(var) => Some(var),
            _ => None,
        })
        .collect();
    let target = base::target(root, &vars);
    let restrict: Vec<Arc<Restrict>> = parent
        .restrict
        .iter()
        .map(|r| {
            let clause = derive::to_child(root, number, &r.clause);
            Arc::new(make_restrict(root, clause, eclass::place_of(r)))
        })
        .collect();
    let (pages, tuples, all_visible) = stats::relation_size(root.env, leaf);
    let workers = leaf.options.iter().find_map(|o| o.strip_prefix("parallel_workers=")?.parse().ok());
    let mut made = Rel {
        kind: RelKind::Base(BaseRel {
            rel: number,
            table: Some(leaf.oid),
            pages,
            tuples,
            all_visible,
            children: Vec::new(),
            parent: Some(rel),
            parallel_workers: workers,
        }),
        target,
        restrict,
        ..parent.clone()
    };
    made.rows = base::restricted_rows(root, &made);
    made
}

/// A table's column names by number; dropped ones empty.
fn columns(table: &Table) -> Vec<String> {
    let last = table.columns.last().map_or(0, |c| usize::try_from(c.attnum).unwrap_or(0));
    let mut names = vec![String::new(); last];
    for column in &table.columns {
        let position = usize::try_from(column.attnum).ok().and_then(|n| n.checked_sub(1));
        if let Some(slot) = position.and_then(|p| names.get_mut(p)) {
            slot.clone_from(&column.name);
        }
    }
    names
}

/// For each of the child's columns, the parent's of that name; 0 where the parent has none.
fn parent_columns(parent: &Table, child: &Table) -> Arc<[AttrNumber]> {
    let number = |name: &String| parent.column_named(name).map_or(0, |c| c.attnum);
    columns(child).iter().map(number).collect()
}
