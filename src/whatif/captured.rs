//! What the monitored server itself said of statements as they stand: the plans that a snapshot carries.

use crate::plan::Explain;
use crate::snapshot::{CapturedPlan, PlanKind, Snapshot};

/// The first version that plans for unknown parameters without a stand-in (`EXPLAIN (GENERIC_PLAN)`).
const GENERIC_PLAN_SINCE: u32 = 160_000;

/// The total cost by the server's own EXPLAIN; `None` where there is no plan, or one that says nothing of the text with
/// its parameters unknown.
pub(super) fn total_cost(snapshot: &Snapshot, statement: usize) -> Option<f64> {
    let item = snapshot.statements.items.get(statement)?;
    let plan = item.plan.captured()?;
    // Values were drawn for the parameters.
    if plan.kind == PlanKind::Analyzed && item.query.contains('$') {
        return None;
    }
    let explain = Explain::from_json(&plan.json).ok()?;
    (!unpruned(snapshot, plan, &explain)).then(|| explain.total_cost())
}

/// Whether partitions may have been kept that the planner would have pruned: before 16 NULLs stand in for parameters, so
/// that pruning had to be turned off.
fn unpruned(snapshot: &Snapshot, plan: &CapturedPlan, explain: &Explain) -> bool {
    let is_partition = |name: &str| {
        let mut named = snapshot.catalog.tables.iter().filter(|t| t.name == name);
        named.any(|t| t.partition_of.is_some())
    };
    plan.kind == PlanKind::Generic
        && snapshot.server.version_num < GENERIC_PLAN_SINCE
        && explain.scans().filter_map(|node| node.relation.as_ref()).any(|relation| is_partition(&relation.name))
}
