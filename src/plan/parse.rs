//! From EXPLAIN's JSON to the model. What a version does not print stays `None`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{
    Actual, Buffers, Conditions, NodeId, ParentRelationship, PlanNode, Relation, RowsRemoved, SpaceUsed,
};
use super::{Explain, PlanError, Trigger};

type Object = Map<String, Value>;

/// EXPLAIN prints memory and disk in kilobytes.
const KILOBYTE: u64 = 1024;

pub(super) fn explain(json: &Value) -> Result<Explain, PlanError> {
    let top = top_object(json)?;
    let root = top.get("Plan").and_then(Value::as_object).ok_or(PlanError::NoPlan)?;
    Ok(Explain {
        nodes: nodes(root)?,
        planning_time_ms: number(top, "Planning Time"),
        execution_time_ms: number(top, "Execution Time"),
        planning_buffers: top.get("Planning").and_then(Value::as_object).and_then(buffers),
        settings: settings(top),
        triggers: triggers(top),
        query_text: text(top, "Query Text"),
        query_id: top.get("Query Identifier").map(scalar_text),
        jit_time_ms: jit_time(top),
    })
}

fn top_object(json: &Value) -> Result<&Object, PlanError> {
    let candidates = match json {
        Value::Array(elements) => elements.as_slice(),
        other => std::slice::from_ref(other),
    };
    if let Some(found) = candidates.iter().filter_map(Value::as_object).find(|o| o.contains_key("Plan")) {
        return Ok(found);
    }
    // ExplainOneUtility prints the bare text for what it cannot plan.
    if candidates.iter().any(|c| c.as_str().is_some_and(|s| s.starts_with("Utility"))) {
        return Err(PlanError::Utility);
    }
    Err(PlanError::NoPlan)
}

/// Walks the tree with a stack of its own; nodes come out in printing order.
fn nodes(root: &Object) -> Result<Vec<PlanNode>, PlanError> {
    let mut nodes: Vec<PlanNode> = Vec::new();
    let mut pending: Vec<(&Object, Option<NodeId>, usize)> = vec![(root, None, 0)];
    while let Some((object, parent, depth)) = pending.pop() {
        let id = nodes.len();
        nodes.push(node(object, id, parent, depth)?);
        if let Some(parent) = parent.and_then(|p| nodes.get_mut(p)) {
            parent.children.push(id);
        }
        let children = object.get("Plans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        pending.extend(children.iter().rev().filter_map(Value::as_object).map(|c| (c, Some(id), depth + 1)));
    }
    Ok(nodes)
}

fn node(o: &Object, id: NodeId, parent: Option<NodeId>, depth: usize) -> Result<PlanNode, PlanError> {
    let required = |field: &'static str| number(o, field).ok_or(PlanError::Field { position: id, field });
    Ok(PlanNode {
        id,
        parent,
        children: Vec::new(),
        depth,
        node_type: text(o, "Node Type").ok_or(PlanError::Field { position: id, field: "Node Type" })?,
        parent_relationship: text(o, "Parent Relationship").map(parent_relationship),
        subplan_name: text(o, "Subplan Name"),
        relation: text(o, "Relation Name").map(|name| Relation {
            schema: text(o, "Schema"),
            name,
            alias: text(o, "Alias"),
        }),
        index_name: text(o, "Index Name"),
        scan_direction: text(o, "Scan Direction"),
        join_type: text(o, "Join Type"),
        strategy: text(o, "Strategy"),
        partial_mode: text(o, "Partial Mode"),
        operation: text(o, "Operation"),
        cte_name: text(o, "CTE Name"),
        function_name: text(o, "Function Name"),
        inner_unique: flag(o, "Inner Unique"),
        parallel_aware: flag(o, "Parallel Aware"),
        disabled: flag(o, "Disabled"),
        startup_cost: required("Startup Cost")?,
        total_cost: required("Total Cost")?,
        plan_rows: required("Plan Rows")?,
        plan_width: required("Plan Width")?,
        actual: actual(o),
        conditions: conditions(o),
        sort_key: texts(o, "Sort Key"),
        presorted_key: texts(o, "Presorted Key"),
        group_key: texts(o, "Group Key"),
        output: texts(o, "Output"),
        rows_removed: RowsRemoved {
            filter: number(o, "Rows Removed by Filter"),
            index_recheck: number(o, "Rows Removed by Index Recheck"),
            join_filter: number(o, "Rows Removed by Join Filter"),
        },
        heap_fetches: number(o, "Heap Fetches"),
        exact_heap_blocks: number(o, "Exact Heap Blocks"),
        lossy_heap_blocks: number(o, "Lossy Heap Blocks"),
        index_searches: number(o, "Index Searches"),
        sort_method: text(o, "Sort Method"),
        sort_space: sort_space(o),
        hash_batches: number(o, "Hash Batches").or_else(|| number(o, "HashAgg Batches")),
        disk_usage_bytes: integer(o, "Disk Usage").map(|kb| kb.saturating_mul(KILOBYTE)),
        workers_planned: number(o, "Workers Planned"),
        workers_launched: number(o, "Workers Launched"),
        subplans_removed: number(o, "Subplans Removed"),
        buffers: buffers(o),
        wal_bytes: integer(o, "WAL Bytes"),
    })
}

fn parent_relationship(printed: String) -> ParentRelationship {
    match printed.as_str() {
        "Outer" => ParentRelationship::Outer,
        "Inner" => ParentRelationship::Inner,
        "Member" => ParentRelationship::Member,
        "Subquery" => ParentRelationship::Subquery,
        "InitPlan" => ParentRelationship::InitPlan,
        "SubPlan" => ParentRelationship::SubPlan,
        _ => ParentRelationship::Other(printed),
    }
}

fn actual(o: &Object) -> Option<Actual> {
    Some(Actual {
        startup_ms: number(o, "Actual Startup Time"),
        total_ms: number(o, "Actual Total Time"),
        rows: number(o, "Actual Rows")?,
        loops: number(o, "Actual Loops")?,
    })
}

fn conditions(o: &Object) -> Conditions {
    Conditions {
        filter: text(o, "Filter"),
        index_cond: text(o, "Index Cond"),
        recheck_cond: text(o, "Recheck Cond"),
        hash_cond: text(o, "Hash Cond"),
        merge_cond: text(o, "Merge Cond"),
        join_filter: text(o, "Join Filter"),
        one_time_filter: text(o, "One-Time Filter"),
        tid_cond: text(o, "TID Cond"),
        order_by: text(o, "Order By"),
        cache_key: text(o, "Cache Key"),
    }
}

fn sort_space(o: &Object) -> Option<SpaceUsed> {
    Some(SpaceUsed {
        bytes: integer(o, "Sort Space Used")?.saturating_mul(KILOBYTE),
        on_disk: o.get("Sort Space Type").and_then(Value::as_str) == Some("Disk"),
    })
}

/// `show_buffer_usage`: in JSON all counters are printed, zeros too, or none.
fn buffers(o: &Object) -> Option<Buffers> {
    let count = |field| integer(o, field).unwrap_or(0);
    Some(Buffers {
        shared_hit: integer(o, "Shared Hit Blocks")?,
        shared_read: count("Shared Read Blocks"),
        shared_dirtied: count("Shared Dirtied Blocks"),
        shared_written: count("Shared Written Blocks"),
        local_hit: count("Local Hit Blocks"),
        local_read: count("Local Read Blocks"),
        temp_read: count("Temp Read Blocks"),
        temp_written: count("Temp Written Blocks"),
        // 17 split the one timing into shared and local.
        read_ms: number(o, "Shared I/O Read Time").or_else(|| number(o, "I/O Read Time")),
        write_ms: number(o, "Shared I/O Write Time").or_else(|| number(o, "I/O Write Time")),
    })
}

fn settings(top: &Object) -> BTreeMap<String, String> {
    let printed = top.get("Settings").and_then(Value::as_object);
    printed.into_iter().flatten().map(|(name, value)| (name.clone(), scalar_text(value))).collect()
}

fn triggers(top: &Object) -> Vec<Trigger> {
    let printed = top.get("Triggers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    printed
        .iter()
        .filter_map(Value::as_object)
        .filter_map(|t| {
            Some(Trigger {
                name: text(t, "Trigger Name").or_else(|| text(t, "Constraint Name"))?,
                constraint: text(t, "Constraint Name"),
                relation: text(t, "Relation"),
                time_ms: number(t, "Time"),
                calls: number(t, "Calls").unwrap_or(0.0),
            })
        })
        .collect()
}

fn jit_time(top: &Object) -> Option<f64> {
    number(top.get("JIT")?.get("Timing")?.as_object()?, "Total")
}

fn text(o: &Object, field: &str) -> Option<String> {
    o.get(field)?.as_str().map(str::to_owned)
}

fn texts(o: &Object, field: &str) -> Vec<String> {
    let items = o.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn number(o: &Object, field: &str) -> Option<f64> {
    o.get(field)?.as_f64()
}

fn integer(o: &Object, field: &str) -> Option<u64> {
    o.get(field)?.as_u64()
}

fn flag(o: &Object, field: &str) -> bool {
    o.get(field).and_then(Value::as_bool).unwrap_or(false)
}

fn scalar_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
