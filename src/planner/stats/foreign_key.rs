//! Joins along foreign keys (`get_foreign_key_join_selectivity`): each referencing row has exactly one referenced row.

use std::sync::Arc;

use super::variable::{base_rel, is_parent};
use crate::planner::expr::{Expr, OpKind};
use crate::planner::query::{JoinType, RteKind};
use crate::planner::rel::{EcId, Rel, Restrict, SpecialJoin};
use crate::planner::relids::RelId;
use crate::planner::root::Root;
use crate::snapshot::{AttrNumber, ForeignKey};

/// A foreign key between two relations of the query, every column of which the query joins (`ForeignKeyOptInfo`).
#[derive(Debug)]
pub struct Link {
    /// The referencing relation.
    referencing: RelId,
    /// The referenced one.
    referenced: RelId,
    /// What joins each column.
    columns: Vec<Column>,
}

/// What joins one column of a foreign key.
#[derive(Debug)]
enum Column {
    /// A class that holds both columns, and whether it holds a constant, too.
    Class {
        ec: EcId,
        constant: bool,
        /// The referencing column.
        attno: AttrNumber,
    },
    /// Conditions that are in no class, by [`Restrict::id`].
    Loose(Vec<usize>),
}

/// The query's foreign keys (`match_foreign_keys_to_quals`).
pub(super) fn links(root: &Root<'_>) -> Vec<Link> {
    let tables: Vec<(RelId, u32)> = root
        .query
        .rtable
        .iter()
        .enumerate()
        .filter_map(|(rel, entry)| match entry.kind {
            RteKind::Table(oid) if root.rel(rel).is_some() && !is_parent(root, rel) => Some((rel, oid)),
            _ => None,
        })
        .collect();
    let mut links = Vec::new();
    for (referencing, oid) in &tables {
        let Some(table) = root.env.snapshot.catalog.table(*oid) else { continue };
        for key in &table.foreign_keys {
            let targets = tables.iter().filter(|(rel, oid)| *oid == key.references && rel != referencing);
            links.extend(targets.filter_map(|(referenced, _)| link(root, key, *referencing, *referenced)));
        }
    }
    links
}

fn link(root: &Root<'_>, key: &ForeignKey, referencing: RelId, referenced: RelId) -> Option<Link> {
    let pairs = key.columns.iter().zip(&key.referenced_columns);
    let columns: Option<Vec<Column>> =
        pairs.map(|(from, to)| column(root, (referencing, *from), (referenced, *to))).collect();
    columns.filter(|c| !c.is_empty()).map(|columns| Link { referencing, referenced, columns })
}

fn is_column(expr: &Expr, (rel, attno): (RelId, AttrNumber)) -> bool {
    matches!(expr.strip_relabel(), Expr::Var(v) if v.rel == rel && v.attno == attno && v.levels_up == 0)
}

fn column(root: &Root<'_>, from: (RelId, AttrNumber), to: (RelId, AttrNumber)) -> Option<Column> {
    let holds = |column| {
        move |ec: &crate::planner::rel::EquivalenceClass| ec.members.iter().any(|m| is_column(&m.expr, column))
    };
    let class =
        root.ecs.iter().position(|ec| ec.merged.is_none() && !ec.has_volatile && holds(from)(ec) && holds(to)(ec));
    if let Some(ec) = class {
        let constant = root.ecs.get(ec).is_some_and(|c| c.has_const);
        return Some(Column::Class { ec, constant, attno: from.1 });
    }
    let joins = |restrict: &Restrict| {
        if restrict.outerjoin_delayed && root.env.settings.major < 16 {
            return false;
        }
        let Expr::Op(op) = &restrict.clause else { return false };
        let is_equal = op.kind == OpKind::Plain && root.env.facts.operator(op.op).is_some_and(|o| o.name == "=");
        match op.args.as_slice() {
            [a, b] if is_equal => (is_column(a, from) && is_column(b, to)) || (is_column(a, to) && is_column(b, from)),
            _ => false,
        }
    };
    let loose: Vec<usize> = root.rel(from.0)?.join_info.iter().filter(|r| joins(r)).map(|r| r.id).collect();
    (!loose.is_empty()).then_some(Column::Loose(loose))
}

impl Link {
    fn covers(&self, restrict: &Restrict, root: &Root<'_>) -> bool {
        self.columns.iter().any(|column| match (column, restrict.parent_ec) {
            (Column::Class { ec, .. }, Some(parent)) => root.canonical_ec(parent) == *ec,
            (Column::Loose(ids), None) => ids.contains(&restrict.id),
            _ => false,
        })
    }

    /// How many conditions must be there for the key to count.
    fn expected(&self) -> usize {
        self.columns
            .iter()
            .map(|column| match column {
                Column::Class { constant, .. } => usize::from(!constant),
                Column::Loose(ids) => ids.len(),
            })
            .sum()
    }
}

/// Selectivity of the conditions that foreign keys cover, and the others.
pub(super) fn selectivity(
    root: &Root<'_>,
    outer: &Rel,
    inner: &Rel,
    special: &SpecialJoin,
    restrict: &[Arc<Restrict>],
) -> (f64, Vec<Arc<Restrict>>) {
    let kind = special.kind;
    let one_sided = matches!(kind, JoinType::Semi | JoinType::Anti);
    let mut rest = restrict.to_vec();
    let mut selectivity = 1.0;
    for link in root.memo.foreign_keys.get_or_init(|| links(root)) {
        let referenced_is_outer = if outer.relids.contains(link.referencing) && inner.relids.contains(link.referenced) {
            false
        } else if outer.relids.contains(link.referenced) && inner.relids.contains(link.referencing) {
            true
        } else {
            continue;
        };
        if one_sided && (referenced_is_outer || inner.relids.len() != 1) {
            continue;
        }
        let (covered, others): (Vec<_>, Vec<_>) = rest.iter().cloned().partition(|r| link.covers(r, root));
        if covered.is_empty() || covered.len() != link.expected() {
            continue;
        }
        rest = others;
        let Some(referenced) = base_rel(root, link.referenced) else { continue };
        let tuples = referenced.base().map_or(1.0, |b| b.tuples.max(1.0));
        selectivity *= if one_sided { referenced.rows / tuples } else { 1.0 / tuples };
        selectivity = without_constants(root, link, special, selectivity);
    }
    (super::restriction::clamp(selectivity), rest)
}

/// Takes out what restrictions of the referencing columns to constants count already.
fn without_constants(root: &Root<'_>, link: &Link, special: &SpecialJoin, mut selectivity: f64) -> f64 {
    for column in &link.columns {
        let Column::Class { ec, constant: true, attno } = column else { continue };
        let Some(rel) = root.rel(link.referencing) else { continue };
        let derived = rel.restrict.iter().find(|r| {
            let of_class =
                [r.parent_ec, r.left_ec, r.right_ec].into_iter().flatten().any(|e| root.canonical_ec(e) == *ec);
            let mut reads = false;
            r.clause.for_each_child(&mut |child| reads = reads || is_column(child, (link.referencing, *attno)));
            of_class && reads
        });
        if let Some(derived) = derived {
            let share =
                super::clauselist_selectivity(root, std::slice::from_ref(derived), None, special.kind, Some(special));
            if share > 0.0 {
                selectivity /= share;
            }
        }
    }
    selectivity
}
