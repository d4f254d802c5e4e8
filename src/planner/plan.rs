//! The plan that the model chose, in EXPLAIN's words.

use std::collections::BTreeSet;

use super::env::IndexRef;

/// One statement's plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The topmost node.
    pub root: PlanTree,
    /// Indexes that it uses.
    pub used: BTreeSet<IndexRef>,
    /// What was not modelled as the server does it, in sentence fragments.
    pub notes: Vec<String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanTree {
    /// EXPLAIN's name, as its text format prints it: `Index Only Scan`, `Hash Left Join`, `Parallel Seq Scan`.
    pub node: String,
    /// The table or alias scanned, the CTE's name, …
    pub relation: Option<String>,
    /// The index used.
    pub index: Option<String>,
    /// Cost before the first row.
    pub startup_cost: f64,
    /// Cost to the end.
    pub total_cost: f64,
    /// Rows (per worker or loop, as EXPLAIN prints).
    pub rows: f64,
    /// Bytes a row.
    pub width: i32,
    /// Inputs; initplans and subplans after them.
    pub children: Vec<PlanTree>,
}
