//! What a plan under an assumed configuration says.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{CandidateId, CostSourceKind, Costed};
use crate::plan::{Explain, PlanNode};

/// Reads EXPLAIN's answer. `candidate` says which candidate an index's name in the plan stands for, `name` gives a
/// candidate's own name, `by` says whose plan it is.
pub(super) fn read<'n>(
    json: &Value,
    candidate: &impl Fn(&str) -> Option<CandidateId>,
    name: &impl Fn(CandidateId) -> &'n str,
    by: CostSourceKind,
) -> Result<Costed, String> {
    let explain = Explain::from_json(json).map_err(|error| error.to_string())?;
    let mut used = BTreeSet::new();
    let mut used_existing = BTreeSet::new();
    for index in explain.indexes_used() {
        match candidate(index) {
            Some(id) => {
                used.insert(id);
            }
            None => {
                used_existing.insert(index.to_owned());
            }
        }
    }
    let rename = |index| match candidate(index) {
        Some(id) => Cow::Owned(name(id).to_owned()),
        None => Cow::Borrowed(index),
    };
    let mut scans: BTreeMap<String, String> = BTreeMap::new();
    for node in explain.scans() {
        if let Some(relation) = &node.relation {
            let key = relation.alias.as_ref().unwrap_or(&relation.name);
            // The same alias in two query levels: the first printed is kept.
            scans.entry(key.clone()).or_insert_with(|| explain.describe_with(node, &rename));
        }
    }
    let node = explain.describe_with(dearest_scan(&explain), &rename);
    Ok(Costed {
        total_cost: explain.total_cost(),
        rows: explain.root().plan_rows,
        used,
        used_existing,
        scans,
        node,
        by,
    })
}

/// The table scan with the greatest cost, the first of equals; the root where no table is scanned.
fn dearest_scan(explain: &Explain) -> &PlanNode {
    explain
        .scans()
        .fold(None, |best: Option<&PlanNode>, node| match best {
            Some(best) if best.total_cost >= node.total_cost => Some(best),
            _ => Some(node),
        })
        .unwrap_or_else(|| explain.root())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hypothetical_names_become_candidates() {
        let plan = json!([{"Plan": {
            "Node Type": "Bitmap Heap Scan", "Relation Name": "orders", "Alias": "o",
            "Startup Cost": 1.0, "Total Cost": 9.5, "Plan Rows": 3, "Plan Width": 8,
            "Plans": [
                {"Node Type": "Bitmap Index Scan", "Parent Relationship": "Outer", "Index Name": "<13556>btree_orders_a",
                 "Startup Cost": 0.0, "Total Cost": 1.0, "Plan Rows": 3, "Plan Width": 0}
            ]
        }}]);
        let hypothetical = |index: &str| (index == "<13556>btree_orders_a").then_some(7);
        let costed = read(&plan, &hypothetical, &|_| "orders_a_idx", CostSourceKind::Hypopg).unwrap();
        assert_eq!(costed.used, BTreeSet::from([7]));
        assert!(costed.used_existing.is_empty());
        assert_eq!(costed.scans["o"], "Bitmap Heap Scan on orders (orders_a_idx)");
        assert_eq!((costed.total_cost, costed.rows), (9.5, 3.0));
    }
}
