//! Which conditions of a query an index serves.

use std::collections::BTreeSet;

use crate::snapshot::{IndexMethod, IndexSpec, KeySpec, KeyTarget, Table};
use crate::workload::{Comparison, Limit, Predicate, QueryBlock, Target, Unsargable};

/// What an index does for one relation of a query.
#[derive(Debug)]
pub(super) struct Service<'q> {
    /// Conditions with which the index is searched.
    pub(super) index: Vec<&'q Predicate>,
    /// Conditions that a partial index's predicate answers.
    pub(super) implied: Vec<&'q Predicate>,
    /// The others, checked on each row.
    pub(super) filters: Vec<&'q Predicate>,
    /// Rows after which the query stops, where the index delivers them in its order.
    pub(super) stops_after: Option<f64>,
}

/// What the index does for a relation of a block, if anything.
pub(super) fn service<'q>(
    spec: &IndexSpec,
    table: &Table,
    block: &'q QueryBlock,
    relation: usize,
) -> Option<Service<'q>> {
    // A branch of an OR serves only together with its siblings: that is left to a real planner.
    let own: Vec<&Predicate> =
        block.predicates.iter().filter(|p| p.operand.relation == relation && p.or_group.is_none()).collect();
    let implied = implied(spec, &own)?;
    let free: Vec<&Predicate> = own.iter().copied().filter(|p| !is_one_of(&implied, p)).collect();
    let (index, next_key) = match spec.method {
        IndexMethod::Btree => btree(spec, table, &free),
        _ => (free.iter().copied().filter(|p| other_method(spec, p)).collect(), 0),
    };
    let stops_after = order(spec, block, relation, next_key);
    if index.is_empty() && stops_after.is_none() && implied.is_empty() {
        return None;
    }
    let filters = free.into_iter().filter(|p| !is_one_of(&index, p)).collect();
    Some(Service { index, implied, filters, stops_after })
}

fn is_one_of(list: &[&Predicate], one: &Predicate) -> bool {
    list.iter().any(|p| std::ptr::eq(*p, one))
}

/// The query's conditions that imply a partial index's predicate: the same text, each part of a conjunction apart.
/// `None` if they do not imply it.
fn implied<'q>(spec: &IndexSpec, own: &[&'q Predicate]) -> Option<Vec<&'q Predicate>> {
    let Some(wanted) = spec.predicate.as_deref() else { return Some(vec![]) };
    let same = |text: &str| own.iter().copied().find(|p| p.as_index_predicate.as_deref() == Some(text));
    if let Some(whole) = same(wanted) {
        return Some(vec![whole]);
    }
    wanted
        .split(" AND ")
        .map(|part| same(part.trim_start_matches('(').trim_end_matches(')')).or_else(|| same(part)))
        .collect()
}

/// Equality on leading keys, then one range (`match_clauses_to_index`, `btcostestimate`). Also gives the first key
/// that equality does not fix.
fn btree<'q>(spec: &IndexSpec, table: &Table, own: &[&'q Predicate]) -> (Vec<&'q Predicate>, usize) {
    let mut found = Vec::new();
    for (position, key) in spec.keys.iter().enumerate() {
        let on_key = || own.iter().copied().filter(|p| same_target(key, &p.operand.target) && usable(p));
        if let Some(equal) = on_key().find(|p| is_equality(&p.comparison)) {
            found.push(equal);
            continue;
        }
        found.extend(on_key().filter(|p| match p.comparison {
            Comparison::Less | Comparison::Greater | Comparison::Between | Comparison::IsNotNull => true,
            Comparison::LikePrefix => sorts_by_bytes(key, table),
            _ => false,
        }));
        return (found, position);
    }
    (found, spec.keys.len())
}

fn is_equality(comparison: &Comparison) -> bool {
    matches!(
        comparison,
        Comparison::Eq | Comparison::In(_) | Comparison::IsNull | Comparison::IsTrue | Comparison::IsFalse
    )
}

/// Whether the condition can be handed to an index as it is written.
fn usable(predicate: &Predicate) -> bool {
    match &predicate.unsargable {
        None => true,
        // An index may hold the very expression.
        Some(
            Unsargable::FunctionOnColumn { .. } | Unsargable::CastOnColumn { .. } | Unsargable::ExpressionOnColumn,
        ) => matches!(predicate.operand.target, Target::Expression { .. }),
        Some(_) => false,
    }
}

fn same_target(key: &KeySpec, target: &Target) -> bool {
    match (&key.target, target) {
        (KeyTarget::Column(a), Target::Column(b)) => a == b,
        (KeyTarget::Expression(a), Target::Expression { sql, .. }) => a == sql,
        _ => false,
    }
}

/// Whether a key sorts byte by byte, so that a prefix is a range (`pattern_ops`, or the C collation).
fn sorts_by_bytes(key: &KeySpec, table: &Table) -> bool {
    let by_opclass = key.opclass.as_deref().is_some_and(|o| o.contains("pattern_ops"));
    let by_collation = key.collation.as_deref().is_some_and(|c| c.ends_with("\"C\"") || c.ends_with("\"POSIX\""));
    let by_column = match &key.target {
        KeyTarget::Column(attnum) => table.column(*attnum).is_some_and(|c| c.collation_is_c),
        KeyTarget::Expression(_) => false,
    };
    by_opclass || by_collation || (key.opclass.is_none() && key.collation.is_none() && by_column)
}

/// Whether an index that is not a B-tree serves a condition on one of its keys.
fn other_method(spec: &IndexSpec, predicate: &Predicate) -> bool {
    let trigrams = |key: &KeySpec| key.opclass.as_deref().is_some_and(|o| o.contains("trgm"));
    let paths_only = |key: &KeySpec| key.opclass.as_deref().is_some_and(|o| o.contains("jsonb_path_ops"));
    let pattern =
        matches!(predicate.comparison, Comparison::LikeInfix { .. } | Comparison::LikePrefix | Comparison::Similar);
    let readable = usable(predicate) || pattern && predicate.unsargable == Some(Unsargable::LeadingWildcard);
    readable
        && spec.keys.iter().filter(|key| same_target(key, &predicate.operand.target)).any(|key| {
            match (spec.method, &predicate.comparison) {
                (IndexMethod::Hash, comparison) => matches!(comparison, Comparison::Eq | Comparison::In(_)),
                (IndexMethod::Brin, comparison) => {
                    matches!(comparison, Comparison::Eq | Comparison::Less | Comparison::Greater | Comparison::Between)
                }
                (IndexMethod::Gin | IndexMethod::Gist, _) if pattern => trigrams(key),
                (IndexMethod::Gin, Comparison::JsonExists) => !paths_only(key),
                (IndexMethod::Gin, comparison) => matches!(
                    comparison,
                    Comparison::JsonContains | Comparison::JsonPath | Comparison::ArrayOverlap | Comparison::TextSearch
                ),
                (IndexMethod::Gist, comparison) => matches!(comparison, Comparison::Range | Comparison::TextSearch),
                (IndexMethod::Spgist, comparison) => {
                    matches!(comparison, Comparison::Range | Comparison::LikePrefix)
                }
                _ => false,
            }
        })
}

/// The rows after which the query stops, if the index delivers them in the order asked for: the block reads this
/// relation alone, orders by the keys after those that equality fixes, and has a LIMIT.
fn order(spec: &IndexSpec, block: &QueryBlock, relation: usize, next_key: usize) -> Option<f64> {
    let limit = match block.limit? {
        Limit::Rows(rows) => rows as f64,
        Limit::Unknown => return None,
    };
    let alone = block.relations.len() == 1 && relation == 0;
    let shrinks = block.aggregates || !block.distinct.is_empty() || !block.group_by.is_empty() || block.offset;
    if !alone || shrinks || block.order_by.is_empty() {
        return None;
    }
    if let [sort] = block.order_by.as_slice()
        && sort.distance.is_some()
    {
        let nearest = spec.method == IndexMethod::Gist
            && spec.keys.first().is_some_and(|key| same_target(key, &sort.operand.target));
        return nearest.then_some(limit);
    }
    if spec.method != IndexMethod::Btree {
        return None;
    }
    let keys = spec.keys.get(next_key..)?;
    if keys.len() < block.order_by.len() {
        return None;
    }
    // Read forward, or backward with every direction turned.
    let turns: BTreeSet<Option<bool>> = block
        .order_by
        .iter()
        .zip(keys)
        .map(|(sort, key)| {
            let same = sort.descending == key.descending && sort.nulls_first == key.nulls_first;
            let turned = sort.descending != key.descending && sort.nulls_first != key.nulls_first;
            let fits = sort.distance.is_none() && same_target(key, &sort.operand.target) && (same || turned);
            fits.then_some(turned)
        })
        .collect();
    (turns.len() == 1 && !turns.contains(&None)).then_some(limit)
}
