//! What one query level asks of one relation, sorted by the use an index could make of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{AttrNumber, KeySpec, KeyTarget, Oid};
use crate::workload::{BlockRole, Comparison, Operand, Predicate, QueryBlock, SortKey, Target, Unsargable, Value};

use super::super::facts::Facts;
use super::{pattern, selectivity};

/// Average width in bytes above which a column is no B-tree key: a B-tree entry must fit a third of a page
/// (`BTMaxItemSize`), and long before that the index is as large as the table.
const WIDEST_KEY: f64 = 512.0;

/// What one query level asks of one relation.
#[derive(Debug, Clone)]
pub(crate) struct Access<'a> {
    /// Position in `snapshot.statements.items`.
    pub(in super::super) statement: usize,
    pub(in super::super) table: Oid,
    /// Every condition on the relation alone.
    pub(super) predicates: Vec<&'a Predicate>,
    /// Keys compared by equality with something constant during the scan.
    pub(super) equal: Vec<Equal>,
    /// Keys compared by equality with another relation, and which relation.
    pub(super) joins: Vec<(KeyTarget, usize)>,
    /// Keys compared by an inequality or a prefix.
    pub(super) ranges: Vec<KeySpec>,
    /// The leading ORDER BY keys that are this relation's, constants left out, in canonical direction.
    pub(super) order: Vec<KeySpec>,
    /// Ordering by distance to a value: the column and the operator.
    pub(super) distance: Vec<&'a SortKey>,
    /// GROUP BY or DISTINCT keys of this relation, constants left out.
    pub(super) groups: Vec<KeyTarget>,
    /// Keys of the branches of an OR whose every branch an index could serve.
    pub(super) branches: Vec<KeyTarget>,
    /// Columns an index would have to hold for an index-only scan; `None` where the row itself is needed.
    pub(super) covering: Option<BTreeSet<AttrNumber>>,
}

/// A key compared by equality.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Equal {
    pub(super) target: KeyTarget,
    /// Share of the table's rows that the comparison is expected to leave.
    pub(super) selectivity: f64,
    /// Whether it fixes the key to one value, so that an order by the following keys survives (IN does not).
    pub(super) single: bool,
}

impl Access<'_> {
    /// Whether an index may serve the order and leave the equality conditions to a filter. The planner likes to: it
    /// takes the matching rows to be spread evenly and LIMIT to stop early. Where they are rare, or lie at the other
    /// end, the scan reads the whole index; so an index that serves the order must begin with the equality keys. `but`
    /// is a key that a partial index's predicate takes care of.
    pub(super) fn order_alone_is_safe(&self, but: impl Fn(&KeyTarget) -> bool) -> bool {
        !self.equal.iter().any(|e| e.selectivity < ADDS_NOTHING && !but(&e.target))
    }

    /// Every target that an index could begin with and serve this access.
    pub(super) fn targets(&self) -> BTreeSet<KeyTarget> {
        let mut targets: BTreeSet<KeyTarget> = self.equal.iter().map(|e| e.target.clone()).collect();
        targets.extend(self.joins.iter().map(|(t, _)| t.clone()));
        targets.extend(self.ranges.iter().map(|k| k.target.clone()));
        if self.order_alone_is_safe(|_| false) {
            targets.extend(self.order.iter().map(|k| k.target.clone()));
        } else {
            targets.retain(|t| !self.order.iter().any(|k| k.target == *t));
        }
        targets.extend(self.groups.iter().chain(&self.branches).cloned());
        targets
    }
}

/// Share of the rows above which an equality key adds nothing to a composite.
pub(super) const ADDS_NOTHING: f64 = 0.5;

/// How many statements' executions compare a key by equality: what makes an index shared.
pub(super) type Popularity = BTreeMap<(Oid, KeyTarget), usize>;

/// Counts the accesses per equality key.
pub(super) fn popularity(accesses: &[Access<'_>]) -> Popularity {
    let mut popularity = Popularity::new();
    for access in accesses {
        let keys = access.equal.iter().map(|e| &e.target).chain(access.joins.iter().map(|(t, _)| t));
        for key in keys.collect::<BTreeSet<_>>() {
            *popularity.entry((access.table, key.clone())).or_default() += 1;
        }
    }
    popularity
}

/// Every access of the workload, in its order.
pub(super) fn accesses<'a>(facts: &Facts<'a>) -> Vec<Access<'a>> {
    let mut found = Vec::new();
    for query in &facts.workload.queries {
        for block in &query.bound.blocks {
            for (position, relation) in block.relations.iter().enumerate() {
                let Some(table) = relation.table else { continue };
                found.push(access(facts, query.statement, block, position, table));
                // An index on a parent by plain inheritance holds none of its children's rows.
                for child in heirs(facts, table) {
                    found.push(access(facts, query.statement, block, position, child));
                }
            }
        }
    }
    found
}

/// Tables below a parent by plain inheritance, whose columns have the parent's numbers: a child that was made by INHERITS
/// has them first.
fn heirs(facts: &Facts<'_>, parent: Oid) -> Vec<Oid> {
    let mut found = Vec::new();
    let mut pending = vec![parent];
    while let Some(of) = pending.pop() {
        for child in facts.snapshot.catalog.tables.iter().filter(|t| t.inherits.contains(&of)) {
            let columns = facts.table(parent).map(|t| t.columns.as_slice()).unwrap_or_default();
            let same = |c: &crate::snapshot::Column| child.column(c.attnum).is_some_and(|own| own.name == c.name);
            if columns.iter().all(same) && !found.contains(&child.oid) {
                found.push(child.oid);
                pending.push(child.oid);
            }
        }
    }
    found
}

/// The indexable form of an operand, if it has one.
pub(super) fn key_target(target: &Target) -> Option<KeyTarget> {
    match target {
        Target::Column(attnum) => Some(KeyTarget::Column(*attnum)),
        Target::Expression { sql, immutable: true, .. } => Some(KeyTarget::Expression(sql.clone())),
        Target::Expression { immutable: false, .. } => None,
    }
}

/// Whether an index on the operand as it is written (an expression index for an expression) could serve the
/// condition.
pub(super) fn servable(predicate: &Predicate) -> bool {
    match &predicate.unsargable {
        None => true,
        Some(
            Unsargable::FunctionOnColumn { .. } | Unsargable::CastOnColumn { .. } | Unsargable::ExpressionOnColumn,
        ) => matches!(predicate.operand.target, Target::Expression { immutable: true, .. }),
        Some(
            Unsargable::LeadingWildcard
            | Unsargable::Negation
            | Unsargable::OrAcrossColumns
            | Unsargable::VolatileValue
            | Unsargable::SameRelation,
        ) => false,
    }
}

fn access<'a>(facts: &Facts<'a>, statement: usize, block: &'a QueryBlock, position: usize, table: Oid) -> Access<'a> {
    let relation = &block.relations[position];
    let predicates: Vec<&Predicate> = block.predicates.iter().filter(|p| p.operand.relation == position).collect();
    let mut access = Access {
        statement,
        table,
        predicates: predicates.clone(),
        equal: vec![],
        joins: vec![],
        ranges: vec![],
        order: vec![],
        distance: vec![],
        groups: vec![],
        branches: vec![],
        covering: (!relation.needs_heap && !relation.whole_row).then(|| relation.columns.clone()),
    };
    for predicate in &predicates {
        let Some(target) = key_target(&predicate.operand.target).filter(|t| btree_key(facts, table, t)) else {
            continue;
        };
        if !servable(predicate) || predicate.or_group.is_some() {
            continue;
        }
        sort_predicate(facts, &mut access, predicate, target);
    }
    // Most selective first, so that what is cut off by the column limit matters least.
    access.equal.sort_by(|a, b| a.selectivity.total_cmp(&b.selectivity).then_with(|| a.target.cmp(&b.target)));
    access.branches = branches(facts, &predicates, block, table);
    for join in block.joins.iter().filter(|j| j.equality) {
        for (own, other) in [(&join.left, &join.right), (&join.right, &join.left)] {
            if own.relation != position || other.relation == position {
                continue;
            }
            let Some(target) = key_target(&own.target).filter(|t| btree_key(facts, table, t)) else { continue };
            let known = access.joins.iter().any(|(t, r)| *t == target && *r == other.relation);
            if !known {
                access.joins.push((target, other.relation));
            }
        }
    }
    order(facts, &mut access, block, position);
    let grouping = if block.group_by.is_empty() { &block.distinct } else { &block.group_by };
    access.groups = groups(facts, &access, grouping, position);
    access
}

fn sort_predicate(facts: &Facts<'_>, access: &mut Access<'_>, predicate: &Predicate, target: KeyTarget) {
    let table = access.table;
    match &predicate.comparison {
        Comparison::Eq | Comparison::In(_) | Comparison::IsNull | Comparison::IsTrue | Comparison::IsFalse => {
            let selectivity = selectivity::of_predicate(facts, table, predicate).unwrap_or(selectivity::DEFAULT_EQ);
            let single = !matches!(predicate.comparison, Comparison::In(_));
            if !access.equal.iter().any(|e| e.target == target) {
                access.equal.push(Equal { target, selectivity, single });
            }
        }
        Comparison::Less | Comparison::Greater | Comparison::Between => {
            add_range(access, plain_key(target));
        }
        Comparison::LikePrefix if !matches!(predicate.value, Value::Parameter(_)) => {
            add_range(access, pattern::prefix_key(facts, table, target));
        }
        _ => {}
    }
}

fn add_range(access: &mut Access<'_>, key: KeySpec) {
    if !access.ranges.contains(&key) {
        access.ranges.push(key);
    }
}

/// The keys of OR groups whose every branch is of this relation and could use an index.
fn branches(facts: &Facts<'_>, predicates: &[&Predicate], block: &QueryBlock, table: Oid) -> Vec<KeyTarget> {
    let groups: BTreeSet<u32> = predicates.iter().filter_map(|p| p.or_group).collect();
    let mut keys = Vec::new();
    for group in groups {
        let whole = block.predicates.iter().filter(|p| p.or_group == Some(group)).count();
        let own: Vec<&&Predicate> = predicates.iter().filter(|p| p.or_group == Some(group)).collect();
        let usable: Vec<KeyTarget> = own
            .iter()
            .filter(|p| servable(p) || p.unsargable == Some(Unsargable::OrAcrossColumns))
            .filter(|p| btree_comparison(&p.comparison))
            .filter_map(|p| key_target(&p.operand.target))
            .filter(|t| btree_key(facts, table, t))
            .collect();
        if usable.len() == whole {
            for key in usable {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
    }
    keys
}

fn btree_comparison(comparison: &Comparison) -> bool {
    matches!(
        comparison,
        Comparison::Eq
            | Comparison::In(_)
            | Comparison::Less
            | Comparison::Greater
            | Comparison::Between
            | Comparison::IsNull
            | Comparison::IsTrue
            | Comparison::IsFalse
    )
}

fn order<'a>(facts: &Facts<'_>, access: &mut Access<'a>, block: &'a QueryBlock, position: usize) {
    // A subquery's ORDER BY without LIMIT orders nothing that anybody sees, but the planner honours it all the same.
    let mut keys = Vec::new();
    for key in &block.order_by {
        if key.operand.relation != position {
            break;
        }
        if key.distance.is_some() {
            if keys.is_empty() {
                access.distance.push(key);
            }
            break;
        }
        let Some(target) = key_target(&key.operand.target).filter(|t| btree_key(facts, access.table, t)) else { break };
        let constant = access.equal.iter().any(|e| e.single && e.target == target);
        let repeated = keys.iter().any(|k: &KeySpec| k.target == target);
        if !constant && !repeated {
            keys.push(KeySpec { descending: key.descending, nulls_first: key.nulls_first, ..plain_key(target) });
        }
    }
    // Worth an index where rows are limited, or where the block is the statement's own.
    if block.limit.is_some() || matches!(block.role, BlockRole::Top | BlockRole::From | BlockRole::SetOperation) {
        access.order = canonical_direction(keys);
    }
}

/// The same order read forwards by an index whose first key ascends: a B-tree is read backwards as well.
pub(in super::super) fn canonical_direction(mut keys: Vec<KeySpec>) -> Vec<KeySpec> {
    if keys.first().is_some_and(|k| k.descending) {
        for key in &mut keys {
            key.descending = !key.descending;
            key.nulls_first = !key.nulls_first;
        }
    }
    keys
}

fn groups(facts: &Facts<'_>, access: &Access<'_>, keys: &[Operand], position: usize) -> Vec<KeyTarget> {
    let mut groups = Vec::new();
    for key in keys {
        if key.relation != position {
            return vec![];
        }
        let Some(target) = key_target(&key.target).filter(|t| btree_key(facts, access.table, t)) else { return vec![] };
        let constant = access.equal.iter().any(|e| e.single && e.target == target);
        if !constant && !groups.contains(&target) {
            groups.push(target);
        }
    }
    groups
}

/// An ascending key with every default.
pub(super) fn plain_key(target: KeyTarget) -> KeySpec {
    KeySpec { target, opclass: None, collation: None, descending: false, nulls_first: false }
}

/// Whether a B-tree may have it as a key: the type has an order worth indexing and the values are not too wide.
fn btree_key(facts: &Facts<'_>, table: Oid, target: &KeyTarget) -> bool {
    match target {
        KeyTarget::Column(attnum) => {
            let Some(column) = facts.table(table).and_then(|t| t.column(*attnum)) else { return false };
            let ordered = column.ty.default_opclasses.iter().any(|m| m == "btree");
            // These have an order that no query means.
            let odd =
                matches!(column.ty.base.as_str(), "jsonb" | "tsvector" | "tsquery") || column.ty.element.is_some();
            ordered && !odd && facts.width(table, target) <= WIDEST_KEY
        }
        KeyTarget::Expression(_) => true,
    }
}
