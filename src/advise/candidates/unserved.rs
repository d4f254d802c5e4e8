//! Conditions on columns whose type no index that pgwise knows serves: declined with the reason, not passed over.

use std::collections::BTreeSet;

use crate::snapshot::{AttrNumber, ColumnType, TypeKind};
use crate::workload::{Comparison, Target};

use super::super::facts::Facts;
use super::Access;

const VECTOR: &str = "nearest neighbours of vectors need an approximate index (hnsw, ivfflat), whose gain is a choice between speed and recall";
const JSON: &str = "json has no operator class: store the column as jsonb, or index an expression over it";
const NO_CLASS: &str = "its type has no operator class for this comparison";

/// Columns of the access that get no index, each with the reason.
pub(super) fn of(facts: &Facts<'_>, access: &Access<'_>) -> BTreeSet<(AttrNumber, &'static str)> {
    let Some(table) = facts.table(access.table) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    let column = |target: &Target| match target {
        Target::Column(attnum) => table.column(*attnum),
        Target::Expression { .. } => None,
    };
    for key in &access.distance {
        let known = column(&key.operand.target);
        found.extend(known.filter(|c| is_vector(&c.ty)).map(|c| (c.attnum, VECTOR)));
    }
    for predicate in access.predicates.iter().filter(|p| p.unsargable.is_none()) {
        let Some(column) = column(&predicate.operand.target) else { continue };
        let equal = matches!(predicate.comparison, Comparison::Eq | Comparison::In(_));
        let has = |method: &str| column.ty.default_opclasses.iter().any(|m| m == method);
        if is_vector(&column.ty) {
            found.insert((column.attnum, VECTOR));
        } else if column.ty.base == "json"
            && !matches!(predicate.comparison, Comparison::IsNull | Comparison::IsNotNull)
        {
            found.insert((column.attnum, JSON));
        } else if equal && !has("btree") && !has("hash") && column.ty.kind != TypeKind::Domain {
            found.insert((column.attnum, NO_CLASS));
        }
    }
    found
}

/// pgvector's types.
fn is_vector(ty: &ColumnType) -> bool {
    ty.schema != "pg_catalog" && matches!(ty.base.as_str(), "vector" | "halfvec" | "sparsevec")
}
