//! The plan that the model chose, in EXPLAIN's words.

use super::env::IndexInfo;
use super::path::{AggSplit, AggStrategy, Attached, Bitmap, IndexScan, LevelRef, Path, PathKind};
use super::query::JoinType;
use super::relids::RelId;
use super::root::Root;

/// One statement's plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The topmost node.
    pub root: PlanTree,
    /// What was not modelled as the server does it, in sentence fragments.
    pub notes: Vec<String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanTree {
    /// EXPLAIN's name, as its text format prints it: `Index Only Scan`, `Hash Left Join`, `Parallel Seq Scan`.
    pub node: String,
    /// The alias of what is scanned, or the WITH query's name.
    pub relation: Option<String>,
    /// The index used, by name.
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

/// Draws a level's chosen path, with the plans of the levels below it.
pub fn draw(root: &Root<'_>, path: &Path, attached: &[Attached]) -> PlanTree {
    let mut tree = node(root, path, attached);
    for level in attached {
        let (Some(path), Some(below), name) =
            (&level.path, level_root(root, level.level), level_name(root, level.level))
        else {
            continue;
        };
        let mut child = draw(below, path, &level.below);
        child.node = format!("{name}: {}", child.node);
        tree.children.push(child);
    }
    tree
}

/// The level that a reference names.
pub fn level_root<'r, 'a>(root: &'r Root<'a>, level: LevelRef) -> Option<&'r Root<'a>> {
    match level {
        LevelRef::Cte(i) => root.ctes.get(i).map(|c| &*c.root),
        LevelRef::SubPlan(i, _) => root.subplans.get(i).map(|s| &*s.root),
        LevelRef::Subquery(rel) => root.subqueries.get(&rel).map(|r| &**r),
        LevelRef::MinMax(i) => root.memo.minmax.get()?.as_ref()?.get(i),
    }
}

fn level_name(root: &Root<'_>, level: LevelRef) -> String {
    match level {
        LevelRef::Cte(i) => format!("CTE {}", root.ctes.get(i).map_or("", |c| &c.name)),
        LevelRef::SubPlan(i, true) | LevelRef::MinMax(i) => format!("InitPlan {}", i + 1),
        LevelRef::SubPlan(i, false) => format!("SubPlan {}", i + 1),
        LevelRef::Subquery(_) => "Subquery".to_owned(),
    }
}

fn node(root: &Root<'_>, path: &Path, attached: &[Attached]) -> PlanTree {
    let mut tree = PlanTree {
        node: title(path),
        relation: scanned(&path.kind).map(|rel| alias(root, rel)),
        index: None,
        startup_cost: path.startup_cost,
        total_cost: path.total_cost,
        rows: path.rows,
        width: path.target.width,
        children: Vec::new(),
    };
    match &path.kind {
        PathKind::IndexScan(scan) | PathKind::IndexOnlyScan(scan) => tree.index = Some(scan.index.name.clone()),
        PathKind::BitmapHeapScan { bitmap, .. } => tree.children.push(bitmap_node(bitmap)),
        PathKind::SubqueryScan { rel, input, .. } => {
            let below = attached.iter().find(|a| a.level == LevelRef::Subquery(*rel)).map_or(&[][..], |a| &a.below);
            if let Some(sub) = root.subqueries.get(rel) {
                tree.children.push(draw(sub, input, below));
            }
        }
        PathKind::MinMax { inputs } => {
            for (i, input) in inputs.iter().enumerate() {
                if let Some(sub) = level_root(root, LevelRef::MinMax(i)) {
                    tree.children.push(draw(sub, input, &[]));
                }
            }
        }
        PathKind::CteScan { name, .. } => tree.relation = Some(name.clone()),
        PathKind::MergeJoin { join, sort_outer, sort_inner, materialize_inner } => {
            let mut outer = node(root, &join.outer, attached);
            if !sort_outer.is_empty() {
                outer = wrapped("Sort", outer);
            }
            let mut inner = node(root, &join.inner, attached);
            if !sort_inner.is_empty() {
                inner = wrapped("Sort", inner);
            }
            if *materialize_inner {
                inner = wrapped("Materialize", inner);
            }
            tree.children = vec![outer, inner];
        }
        PathKind::HashJoin { join, .. } => {
            let mut hash = wrapped("Hash", node(root, &join.inner, attached));
            hash.startup_cost = hash.total_cost;
            tree.children = vec![node(root, &join.outer, attached), hash];
        }
        kind => tree.children = inputs(kind).into_iter().map(|input| node(root, input, attached)).collect(),
    }
    tree
}

/// A node that the path of a join implies; its costs are its input's, since paths do not keep them.
fn wrapped(name: &str, input: PlanTree) -> PlanTree {
    PlanTree {
        node: name.to_owned(),
        relation: None,
        index: None,
        startup_cost: input.startup_cost,
        total_cost: input.total_cost,
        rows: input.rows,
        width: input.width,
        children: vec![input],
    }
}

fn bitmap_node(bitmap: &Bitmap) -> PlanTree {
    let (name, index, cost, children) = match bitmap {
        Bitmap::Index(scan) => ("Bitmap Index Scan", Some(scan.index.name.clone()), scan.index_cost, Vec::new()),
        Bitmap::And(set) => ("BitmapAnd", None, set.cost, set.inputs.iter().map(bitmap_node).collect()),
        Bitmap::Or(set) => ("BitmapOr", None, set.cost, set.inputs.iter().map(bitmap_node).collect()),
    };
    PlanTree {
        node: name.to_owned(),
        relation: None,
        index,
        startup_cost: 0.0,
        total_cost: cost,
        rows: 0.0,
        width: 0,
        children,
    }
}

fn alias(root: &Root<'_>, rel: RelId) -> String {
    root.query.rtable.get(rel).map_or_else(String::new, |rte| rte.alias.clone())
}

/// The range-table entry that a scan reads.
pub fn scanned(kind: &PathKind) -> Option<RelId> {
    match kind {
        PathKind::SeqScan { rel }
        | PathKind::BitmapHeapScan { rel, .. }
        | PathKind::SubqueryScan { rel, .. }
        | PathKind::FunctionScan { rel }
        | PathKind::ValuesScan { rel }
        | PathKind::CteScan { rel, .. }
        | PathKind::WorkTableScan { rel } => Some(*rel),
        PathKind::IndexScan(scan) | PathKind::IndexOnlyScan(scan) => Some(scan.rel),
        _ => None,
    }
}

/// A path's inputs; a subquery's plan included.
pub fn inputs(kind: &PathKind) -> Vec<&Path> {
    match kind {
        PathKind::SubqueryScan { input, .. }
        | PathKind::ProjectSet { input }
        | PathKind::Material { input }
        | PathKind::Memoize { input, .. }
        | PathKind::Sort { input }
        | PathKind::IncrementalSort { input, .. }
        | PathKind::Unique { input }
        | PathKind::Gather { input }
        | PathKind::GatherMerge { input }
        | PathKind::Agg { input, .. }
        | PathKind::Group { input }
        | PathKind::WindowAgg { input }
        | PathKind::LockRows { input }
        | PathKind::Limit { input }
        | PathKind::ModifyTable { input, .. } => vec![input],
        PathKind::Result { input } => input.iter().map(|i| &**i).collect(),
        PathKind::MinMax { inputs } | PathKind::Append { inputs, .. } | PathKind::SetOp { inputs, .. } => {
            inputs.iter().map(|i| &**i).collect()
        }
        PathKind::NestLoop(join) | PathKind::MergeJoin { join, .. } | PathKind::HashJoin { join, .. } => {
            vec![&join.outer, &join.inner]
        }
        PathKind::RecursiveUnion { left, right } => vec![left, right],
        PathKind::SeqScan { .. }
        | PathKind::IndexScan(_)
        | PathKind::IndexOnlyScan(_)
        | PathKind::BitmapHeapScan { .. }
        | PathKind::FunctionScan { .. }
        | PathKind::ValuesScan { .. }
        | PathKind::CteScan { .. }
        | PathKind::WorkTableScan { .. } => Vec::new(),
    }
}

/// Every index that a path uses, in the order of EXPLAIN.
pub fn indexes<'p>(path: &'p Path, found: &mut dyn FnMut(&'p IndexInfo)) {
    match &path.kind {
        PathKind::IndexScan(scan) | PathKind::IndexOnlyScan(scan) => found(&scan.index),
        PathKind::BitmapHeapScan { bitmap, .. } => bitmap_indexes(bitmap, found),
        kind => {
            for input in inputs(kind) {
                indexes(input, found);
            }
        }
    }
}

/// Every index that the plans of a level and of those below it use.
pub fn all_indexes<'p>(path: &'p Path, attached: &'p [Attached], found: &mut dyn FnMut(&'p IndexInfo)) {
    indexes(path, found);
    all_attached(attached, found);
}

fn all_attached<'p>(attached: &'p [Attached], found: &mut dyn FnMut(&'p IndexInfo)) {
    for level in attached {
        if let Some(path) = &level.path {
            indexes(path, found);
        }
        all_attached(&level.below, found);
    }
}

fn bitmap_indexes<'p>(bitmap: &'p Bitmap, found: &mut dyn FnMut(&'p IndexInfo)) {
    match bitmap {
        Bitmap::Index(scan) => found(&scan.index),
        Bitmap::And(set) | Bitmap::Or(set) => set.inputs.iter().for_each(|input| bitmap_indexes(input, found)),
    }
}

/// The name that EXPLAIN's text format gives a node (`ExplainNode`).
pub fn title(path: &Path) -> String {
    let parallel = if path.parallel_aware { "Parallel " } else { "" };
    let plain = match &path.kind {
        PathKind::SeqScan { .. } => "Seq Scan",
        PathKind::IndexScan(scan) => return directed(parallel, "Index Scan", scan),
        PathKind::IndexOnlyScan(scan) => return directed(parallel, "Index Only Scan", scan),
        PathKind::BitmapHeapScan { .. } => "Bitmap Heap Scan",
        PathKind::SubqueryScan { .. } => "Subquery Scan",
        PathKind::FunctionScan { .. } => "Function Scan",
        PathKind::ValuesScan { .. } => "Values Scan",
        PathKind::CteScan { .. } => "CTE Scan",
        PathKind::WorkTableScan { .. } => "WorkTable Scan",
        PathKind::Result { .. } | PathKind::MinMax { .. } => "Result",
        PathKind::ProjectSet { .. } => "ProjectSet",
        PathKind::Append { .. } => "Append",
        PathKind::NestLoop(join) => return join_title(parallel, "Nested Loop", join.kind),
        PathKind::MergeJoin { join, .. } => return join_title(parallel, "Merge", join.kind),
        PathKind::HashJoin { join, .. } => return join_title(parallel, "Hash", join.kind),
        PathKind::Material { .. } => "Materialize",
        PathKind::Memoize { .. } => "Memoize",
        PathKind::Sort { .. } => "Sort",
        PathKind::IncrementalSort { .. } => "Incremental Sort",
        PathKind::Unique { .. } => "Unique",
        PathKind::Gather { .. } => "Gather",
        PathKind::GatherMerge { .. } => "Gather Merge",
        PathKind::Agg { strategy, split, .. } => return agg_title(*strategy, *split),
        PathKind::Group { .. } => "Group",
        PathKind::WindowAgg { .. } => "WindowAgg",
        PathKind::SetOp { hashed: true, .. } => "HashSetOp",
        PathKind::SetOp { .. } => "SetOp",
        PathKind::RecursiveUnion { .. } => "Recursive Union",
        PathKind::LockRows { .. } => "LockRows",
        PathKind::Limit { .. } => "Limit",
        PathKind::ModifyTable { operation, .. } => operation,
    };
    format!("{parallel}{plain}")
}

fn directed(parallel: &str, name: &str, scan: &IndexScan) -> String {
    format!("{parallel}{name}{}", if scan.backward { " Backward" } else { "" })
}

fn agg_title(strategy: AggStrategy, split: AggSplit) -> String {
    let part = match split {
        AggSplit::Simple => "",
        AggSplit::Partial => "Partial ",
        AggSplit::Finalize => "Finalize ",
    };
    let how = match strategy {
        AggStrategy::Plain => "Aggregate",
        AggStrategy::Sorted => "GroupAggregate",
        AggStrategy::Hashed => "HashAggregate",
        AggStrategy::Mixed => "MixedAggregate",
    };
    format!("{part}{how}")
}

fn join_title(parallel: &str, method: &str, kind: JoinType) -> String {
    let kind = match kind {
        JoinType::Inner | JoinType::UniqueOuter | JoinType::UniqueInner => {
            return match method {
                "Nested Loop" => format!("{parallel}{method}"),
                _ => format!("{parallel}{method} Join"),
            };
        }
        JoinType::Left => "Left",
        JoinType::Full => "Full",
        JoinType::Right => "Right",
        JoinType::Semi => "Semi",
        JoinType::Anti => "Anti",
        JoinType::RightAnti => "Right Anti",
        JoinType::RightSemi => "Right Semi",
    };
    format!("{parallel}{method} {kind} Join")
}
