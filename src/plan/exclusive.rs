//! What a node costs by itself, once what lies below it is taken away.
//!
//! EXPLAIN's figures include everything below a node, with three twists that a plain subtraction gets wrong: times and
//! rows are per loop; below a Gather the loops of all workers are added up although they ran side by side; and a CTE is
//! printed under the node that owns it but runs when its scans pull from it.

use std::collections::BTreeMap;

use super::{Buffers, Explain, NodeId, ParentRelationship, PlanNode};

/// A node's own share.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Exclusive {
    /// Own cost, in the planner's unit; never negative. A node under a LIMIT shows the cost of running to its end, so
    /// own costs can add up to more than the plan's.
    pub cost: f64,
    /// Own time over all loops, of the wall clock: below a Gather, the workers' mean. `None` without ANALYZE or with
    /// timing off.
    pub time_ms: Option<f64>,
    /// Own blocks, under BUFFERS.
    pub buffers: Option<Buffers>,
}

pub(super) fn of(explain: &Explain) -> Vec<Exclusive> {
    let processes = processes(explain);
    let inclusive: Vec<Option<f64>> = explain
        .nodes()
        .map(|n| n.actual.and_then(|a| Some(a.total_ms? * a.loops / processes.get(n.id).copied().unwrap_or(1.0))))
        .collect();
    let time_of = |id: NodeId| inclusive.get(id).copied().flatten();
    let ctes = Ctes::of(explain, &inclusive);
    explain
        .nodes()
        .map(|node| {
            let children = || explain.children(node);
            let child_time: f64 = children().filter(|c| cte_name(c).is_none()).filter_map(|c| time_of(c.id)).sum();
            let time_ms = time_of(node.id).map(|own| (own - child_time - ctes.share(node, own)).max(0.0));
            let cost = children().fold(node.total_cost, |left, c| left - c.total_cost).max(0.0);
            let below = children().filter(|c| cte_name(c).is_none()).chain(ctes.computed_by(explain, node));
            let buffers = node.buffers.map(|own| below.filter_map(|b| b.buffers).fold(own, |l, b| l.minus(&b)));
            Exclusive { cost, time_ms, buffers }
        })
        .collect()
}

/// How many processes ran each node side by side: the workers of the nearest Gather above it, and the leader.
fn processes(explain: &Explain) -> Vec<f64> {
    let mut processes: Vec<f64> = Vec::new();
    for node in explain.nodes() {
        let parent = explain.parent(node);
        let inherited = node.parent.and_then(|p| processes.get(p)).copied().unwrap_or(1.0);
        processes.push(match parent.and_then(|p| p.workers_launched) {
            // InitPlans of a Gather run in the leader alone.
            Some(workers) if node.parent_relationship != Some(ParentRelationship::InitPlan) => workers + 1.0,
            _ => inherited,
        });
    }
    processes
}

/// The name of the CTE that a node computes: it is printed as `CTE name`.
fn cte_name(node: &PlanNode) -> Option<&str> {
    node.subplan_name.as_deref()?.strip_prefix("CTE ")
}

/// CTEs and their times, to be taken from their scans: each scan in proportion to its own inclusive time, since the one that
/// pulls a row first pays for it.
struct Ctes<'a> {
    /// Per CTE: its inclusive time, and that of all its scans.
    by_name: BTreeMap<&'a str, (f64, f64)>,
    /// Per CTE: the node that computes it.
    nodes: BTreeMap<&'a str, NodeId>,
}

impl<'a> Ctes<'a> {
    fn of(explain: &'a Explain, inclusive: &[Option<f64>]) -> Self {
        let mut by_name: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        let mut nodes = BTreeMap::new();
        for (node, time) in explain.nodes().zip(inclusive) {
            let time = time.unwrap_or(0.0);
            if let Some(name) = cte_name(node) {
                by_name.entry(name).or_default().0 += time;
                nodes.insert(name, node.id);
            }
            if let Some(name) = node.cte_name.as_deref() {
                by_name.entry(name).or_default().1 += time;
            }
        }
        Self { by_name, nodes }
    }

    /// The node that fills what a CTE Scan reads. Its blocks are in the scan's; where several scans read the CTE, the
    /// later ones found it filled and have next to none to take away.
    fn computed_by<'e>(&self, explain: &'e Explain, scan: &PlanNode) -> Option<&'e PlanNode> {
        explain.node(*self.nodes.get(scan.cte_name.as_deref()?)?)
    }

    fn share(&self, node: &PlanNode, own: f64) -> f64 {
        let Some((cte, scans)) = node.cte_name.as_deref().and_then(|n| self.by_name.get(n)) else { return 0.0 };
        if *scans > 0.0 { cte * own / scans } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture;

    #[test]
    fn own_times_of_a_plan_with_a_cte_add_up_to_the_whole() {
        let explain = fixture(include_str!("../../fixtures/plans/cte-partitioned-15.json"));
        let own = explain.exclusive();
        let sum: f64 = own.iter().filter_map(|e| e.time_ms).sum();
        let whole = explain.root().actual.and_then(|a| a.total_ms).unwrap();
        // An InitPlan that runs while a scan waits for it is in both, and Gather means over its workers: hence the
        // margin. Counting the CTE at its scan too would give nearly twice the whole.
        assert!((sum - whole).abs() < whole * 0.1, "own times {sum} ms, whole {whole} ms");
        let blocks: u64 = own.iter().filter_map(|e| e.buffers).map(|b| b.shared()).sum();
        assert_eq!(blocks, explain.root().buffers.unwrap().shared());
    }

    #[test]
    fn below_a_gather_workers_count_side_by_side() {
        let explain = fixture(include_str!("../../fixtures/plans/parallel-15.json"));
        let whole = explain.root().actual.and_then(|a| a.total_ms).unwrap();
        for (node, own) in explain.nodes().zip(explain.exclusive()) {
            assert!(own.time_ms.unwrap() <= whole, "{} takes {own:?} of {whole} ms", node.title());
        }
    }
}
