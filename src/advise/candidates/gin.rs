//! GIN candidates: jsonb, arrays, full text, trigrams.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{IndexMethod, IndexSpec, KeySpec, KeyTarget, Oid};
use crate::sql::quote;
use crate::workload::{Comparison, Predicate, Unsargable};

use super::super::facts::Facts;
use super::access::{key_target, plain_key};
use super::{Access, Family, Pool, Proposal};

/// The extension whose operator class serves LIKE with a leading wildcard, ILIKE and regular expressions.
pub(in super::super) const TRIGRAM_EXTENSION: &str = "pg_trgm";
const TRIGRAM_OPCLASS: &str = "gin_trgm_ops";
const PATH_OPCLASS: &str = "jsonb_path_ops";

/// GIN indexes for one access, one for each condition that only GIN serves.
pub(super) fn proposals(facts: &Facts<'_>, access: &Access<'_>) -> Vec<Proposal> {
    let mut out: Vec<Proposal> = Vec::new();
    for predicate in &access.predicates {
        let Some(target) = key_target(&predicate.operand.target) else { continue };
        let Some(class) = class(facts, access.table, predicate, &target) else { continue };
        let opclass = match class {
            Class::Default => None,
            Class::Named(name) => Some(name),
        };
        let key = KeySpec { opclass, ..plain_key(target) };
        let spec = IndexSpec {
            table: access.table,
            method: IndexMethod::Gin,
            keys: vec![key],
            include: vec![],
            predicate: None,
            unique: false,
            pages_per_range: None,
        };
        if !out.iter().any(|p| p.spec == spec) {
            out.push(Proposal { spec, family: Family::Gin, equality_keys: 0, fraction: 1.0, parents: vec![] });
        }
    }
    out
}

/// An operator class.
enum Class {
    /// The type's default.
    Default,
    /// Another, by its name as SQL.
    Named(String),
}

/// The operator class that serves the condition; `None` if GIN does not serve it.
fn class(facts: &Facts<'_>, table: Oid, predicate: &Predicate, target: &KeyTarget) -> Option<Class> {
    if matches!(
        predicate.unsargable,
        Some(Unsargable::Negation | Unsargable::OrAcrossColumns | Unsargable::VolatileValue | Unsargable::SameRelation)
    ) {
        return None;
    }
    let column = match target {
        KeyTarget::Column(attnum) => facts.table(table).and_then(|t| t.column(*attnum)),
        KeyTarget::Expression(_) => None,
    };
    let base = column.map(|c| c.ty.base.as_str());
    match &predicate.comparison {
        Comparison::JsonContains | Comparison::JsonPath if base != Some("json") => {
            Some(Class::Named(PATH_OPCLASS.to_owned()))
        }
        Comparison::JsonExists if base != Some("json") => Some(Class::Default),
        // `value = ANY (column)` names no operator of GIN's: the query would have to say `column @> ARRAY[value]`.
        Comparison::ArrayOverlap | Comparison::TextSearch => Some(Class::Default),
        Comparison::LikeInfix { .. } | Comparison::Similar => {
            Some(Class::Named(extension_opclass(facts, TRIGRAM_EXTENSION, TRIGRAM_OPCLASS)))
        }
        _ => None,
    }
}

/// An extension's operator class, qualified where its schema is not on the search path.
pub(super) fn extension_opclass(facts: &Facts<'_>, extension: &str, opclass: &str) -> String {
    let server = &facts.snapshot.server;
    let schema = server.extensions.iter().find(|e| e.name == extension).and_then(|e| e.schema.as_deref());
    match schema {
        Some(schema) if !server.search_path.iter().any(|s| s == schema) => quote::qualified(schema, opclass),
        _ => quote::ident(opclass),
    }
}

/// A jsonb column that some statement asks `?` of needs the larger default class, which serves `@>` as well: the
/// statements that only ask `@>` of it then share that index.
pub(super) fn settle_jsonb_opclasses(pool: &mut Pool) {
    let mut needs_default: BTreeMap<(Oid, KeyTarget), BTreeSet<usize>> = BTreeMap::new();
    for (_, candidate) in pool.iter() {
        let spec = &candidate.spec;
        if spec.method == IndexMethod::Gin && spec.keys[0].opclass.as_deref() == Some(PATH_OPCLASS) {
            needs_default
                .entry((spec.table, spec.keys[0].target.clone()))
                .or_default()
                .extend(candidate.asked_by.iter().copied());
        }
    }
    for candidate in pool.iter_mut() {
        let spec = &candidate.spec;
        if spec.method == IndexMethod::Gin
            && spec.keys[0].opclass.is_none()
            && let Some(askers) = needs_default.get(&(spec.table, spec.keys[0].target.clone()))
        {
            candidate.asked_by.extend(askers.iter().copied());
        }
    }
}
