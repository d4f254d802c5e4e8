//! EXPLAIN output as a model, for every server version from 13 to 18.
//!
//! In: the JSON that `EXPLAIN (FORMAT JSON)` prints, from a snapshot, a what-if session or auto_explain's log, with or
//! without ANALYZE, BUFFERS, VERBOSE and SETTINGS. Out: an [`Explain`]: its nodes in the order in which EXPLAIN prints
//! them, with what they scan, what they cost, and what of that is their own. Nothing here judges a plan, and nothing
//! recurses: a deep plan costs memory, never the stack.

mod describe;
mod exclusive;
mod node;
mod parse;
mod partition;

pub use exclusive::Exclusive;
pub use node::{Actual, Buffers, Conditions, NodeId, ParentRelationship, PlanNode, Relation, RowsRemoved, SpaceUsed};

use std::collections::{BTreeMap, BTreeSet};

/// One statement's plan with what EXPLAIN prints around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Explain {
    /// Every node, parents before children: the order of EXPLAIN's own text. The first is the root.
    nodes: Vec<PlanNode>,
    /// Time spent planning (`Planning Time`), where it was measured.
    pub planning_time_ms: Option<f64>,
    /// Time spent executing, triggers included (`Execution Time`), under ANALYZE.
    pub execution_time_ms: Option<f64>,
    /// Blocks touched while planning, under BUFFERS.
    pub planning_buffers: Option<Buffers>,
    /// Settings that differ from their built-in defaults, under SETTINGS.
    pub settings: BTreeMap<String, String>,
    /// Triggers that fired, under ANALYZE, in firing order as printed.
    pub triggers: Vec<Trigger>,
    /// The statement's text, where auto_explain logged it with the plan.
    pub query_text: Option<String>,
    /// The query identifier, under VERBOSE with `compute_query_id` (14+).
    pub query_id: Option<String>,
    /// Time spent in just-in-time compilation, under ANALYZE and where there was any.
    pub jit_time_ms: Option<f64>,
}

/// A trigger that fired during EXPLAIN ANALYZE.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// The constraint it enforces: a foreign key's name, for the triggers that check one.
    pub constraint: Option<String>,
    /// The table that it fires for.
    pub relation: Option<String>,
    /// Time spent in it, where timing was on.
    pub time_ms: Option<f64>,
    /// How often it fired.
    pub calls: f64,
}

/// Why a JSON value is not a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Neither an object with the key `Plan` nor an array of one.
    #[error("this is not the output of EXPLAIN (FORMAT JSON): no object with the key \"Plan\"")]
    NoPlan,
    /// A utility statement, which has no plan.
    #[error("a utility statement has no plan")]
    Utility,
    /// A node lacks what every node has.
    #[error("plan node {position} has no usable \"{field}\"")]
    Field {
        /// The node's position in printing order, from 0.
        position: usize,
        /// The missing or mistyped key.
        field: &'static str,
    },
}

impl Explain {
    /// Reads EXPLAIN's JSON: its array, the array's one element, or auto_explain's object. Keys that this version of
    /// pgwise does not know are ignored; a statement that rules rewrote into several gives its first plan.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, PlanError> {
        parse::explain(json)
    }

    /// The topmost node.
    pub fn root(&self) -> &PlanNode {
        // The parser never hands out an Explain without a node.
        &self.nodes[0]
    }

    /// Every node, depth first, parents before children, as EXPLAIN prints them.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = &PlanNode> + ExactSizeIterator {
        self.nodes.iter()
    }

    /// The node with this id. Ids come from this plan's own nodes.
    pub fn node(&self, id: NodeId) -> Option<&PlanNode> {
        self.nodes.get(id)
    }

    /// A node's children, in printing order.
    pub fn children<'a>(&'a self, node: &'a PlanNode) -> impl DoubleEndedIterator<Item = &'a PlanNode> {
        node.children.iter().filter_map(|id| self.nodes.get(*id))
    }

    /// A node's parent; `None` for the root.
    pub fn parent(&self, node: &PlanNode) -> Option<&PlanNode> {
        self.nodes.get(node.parent?)
    }

    /// A node's ancestors, the nearest first.
    pub fn ancestors<'a>(&'a self, node: &'a PlanNode) -> impl Iterator<Item = &'a PlanNode> {
        std::iter::successors(self.parent(node), |n| self.parent(n))
    }

    /// A node and everything below it, in printing order. They are contiguous: depths greater than the node's follow.
    pub fn subtree<'a>(&'a self, node: &'a PlanNode) -> impl Iterator<Item = &'a PlanNode> {
        let depth = node.depth;
        self.nodes.iter().skip(node.id).enumerate().take_while(move |(i, n)| *i == 0 || n.depth > depth).map(|(_, n)| n)
    }

    /// The planner's total cost of the statement.
    pub fn total_cost(&self) -> f64 {
        self.root().total_cost
    }

    /// Names of the indexes that the plan reads, without their schema (EXPLAIN does not print it).
    pub fn indexes_used(&self) -> BTreeSet<&str> {
        self.nodes.iter().filter_map(|n| n.index_name.as_deref()).collect()
    }

    /// The nodes that read a table: sequential, index, bitmap heap, TID and foreign scans.
    pub fn scans(&self) -> impl Iterator<Item = &PlanNode> {
        self.nodes.iter().filter(|n| n.is_table_scan())
    }

    /// Own cost, time and blocks of every node, parallel to [`Explain::nodes`].
    pub fn exclusive(&self) -> Vec<Exclusive> {
        exclusive::of(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    pub(super) fn fixture(text: &str) -> Explain {
        Explain::from_json(&serde_json::from_str(text).unwrap()).unwrap()
    }

    fn leaf(extra: &[(&str, Value)]) -> Value {
        let mut node =
            json!({"Node Type": "Seq Scan", "Startup Cost": 0.0, "Total Cost": 2.5, "Plan Rows": 10, "Plan Width": 4});
        for (key, value) in extra {
            node[*key] = value.clone();
        }
        node
    }

    #[test]
    fn nodes_come_in_printing_order_with_their_relations() {
        let explain = fixture(include_str!("../../fixtures/plans/bitmap-or-15.json"));
        let titles: Vec<String> = explain.nodes().map(|n| explain.describe(n)).collect();
        assert_eq!(
            titles,
            [
                "Bitmap Heap Scan on customers (customers_pkey, customers_name_idx)",
                "BitmapOr",
                "Bitmap Index Scan on customers_pkey",
                "Bitmap Index Scan on customers_name_idx",
            ]
        );
        assert_eq!(explain.indexes_used().into_iter().collect::<Vec<_>>(), ["customers_name_idx", "customers_pkey"]);
        assert_eq!(explain.scans().count(), 1);
        let last = explain.nodes().next_back().unwrap();
        assert_eq!(explain.ancestors(last).map(|n| n.id).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(explain.subtree(explain.node(1).unwrap()).map(|n| n.id).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn triggers_settings_and_parallel_titles_are_read() {
        let insert = fixture(include_str!("../../fixtures/plans/insert-trigger-15.json"));
        assert_eq!(insert.root().title(), "Insert");
        assert_eq!(insert.triggers.first().and_then(|t| t.constraint.as_deref()), Some("li_o_fkey"));
        assert!(insert.root().wal_bytes.is_some_and(|b| b > 0));
        let parallel = fixture(include_str!("../../fixtures/plans/parallel-15.json"));
        assert_eq!(parallel.settings.get("parallel_setup_cost").map(String::as_str), Some("0"));
        let titles: Vec<String> = parallel.nodes().map(PlanNode::title).collect();
        assert!(titles.contains(&"Finalize Aggregate".to_owned()), "{titles:?}");
        assert!(titles.contains(&"Parallel Seq Scan".to_owned()), "{titles:?}");
    }

    #[test]
    fn figures_of_18_with_fractions_and_disabled_nodes_are_read() {
        let node = leaf(&[
            ("Relation Name", json!("t")),
            ("Disabled", json!(true)),
            ("Actual Rows", json!(0.33)),
            ("Actual Loops", json!(3)),
            ("Index Searches", json!(7)),
        ]);
        let explain = Explain::from_json(&json!([{"Plan": node, "Query Identifier": -12}])).unwrap();
        assert!(explain.root().disabled);
        assert_eq!(explain.root().actual.unwrap().total_rows(), 0.99);
        assert_eq!(explain.root().actual.unwrap().total_ms, None);
        assert_eq!(explain.query_id.as_deref(), Some("-12"));
    }

    #[test]
    fn names_are_replaced_where_asked_and_outer_joins_read_as_in_text() {
        let index = leaf(&[
            ("Node Type", json!("Index Scan")),
            ("Index Name", json!("<13>btree_t_a")),
            ("Relation Name", json!("t")),
            ("Scan Direction", json!("Backward")),
        ]);
        let join = leaf(&[("Node Type", json!("Hash Join")), ("Join Type", json!("Left")), ("Plans", json!([index]))]);
        let explain = Explain::from_json(&json!({"Plan": join})).unwrap();
        assert_eq!(explain.root().title(), "Hash Left Join");
        let renamed = explain.describe_with(explain.node(1).unwrap(), &|_| "t_a_idx".into());
        assert_eq!(renamed, "Index Scan Backward using t_a_idx on t");
    }

    #[test]
    fn what_is_no_plan_is_refused_and_says_which_node() {
        assert_eq!(Explain::from_json(&json!([])), Err(PlanError::NoPlan));
        assert_eq!(Explain::from_json(&json!({"Plan": []})), Err(PlanError::NoPlan));
        assert_eq!(Explain::from_json(&json!(["Utility Statement"])), Err(PlanError::Utility));
        let broken = leaf(&[("Plans", json!([{"Node Type": "Sort", "Startup Cost": "much"}]))]);
        assert_eq!(
            Explain::from_json(&json!([{"Plan": broken}])),
            Err(PlanError::Field { position: 1, field: "Startup Cost" })
        );
    }

    #[test]
    fn depth_costs_no_stack() {
        let depth = 3000;
        let deep = (0..depth).fold(leaf(&[]), |below, _| {
            let mut node = leaf(&[]);
            node["Plans"] = Value::Array(vec![below]);
            node
        });
        let mut top = serde_json::Map::new();
        top.insert("Plan".to_owned(), deep);
        let top = Value::Object(top);
        let explain = Explain::from_json(&top).unwrap();
        // serde_json's own drop recurses: not what is tested here.
        std::mem::forget(top);
        assert_eq!(explain.nodes().len(), depth + 1);
        assert_eq!(explain.subtree(explain.root()).count(), depth + 1);
        assert_eq!(explain.exclusive().len(), depth + 1);
    }
}
