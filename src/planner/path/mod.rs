//! Paths: ways to compute a relation, and the contest between them (`pathnode.c`).
//!
//! `contest` decides which paths of a relation are kept, `order` compares orders and costs.

mod contest;
mod order;

pub use contest::RelPaths;
pub use order::{
    KeysOrder, cheapest_for_pathkeys, compare_fractional, compare_pathkeys, compare_startup, compare_total,
    pathkeys_common, pathkeys_contained_in,
};

use std::sync::{Arc, LazyLock};

use crate::planner::env::IndexInfo;
use crate::planner::query::JoinType;
use crate::planner::rel::{PathKey, PathTarget, Restrict};
use crate::planner::relids::{RelId, Relids};

/// A way to compute a relation.
#[derive(Debug, Clone)]
pub struct Path {
    /// What it does.
    pub kind: PathKind,
    /// What it computes.
    pub relids: Relids,
    /// What it emits.
    pub target: Arc<PathTarget>,
    /// Rows (per worker, for a partial path; per outer row, for a parameterised one).
    pub rows: f64,
    /// Cost before the first row.
    pub startup_cost: f64,
    /// Cost to the end.
    pub total_cost: f64,
    /// Nodes of disabled kinds (18+; always 0 before, where [`DISABLE_COST`] is added instead).
    pub disabled_nodes: u32,
    /// Order of the rows.
    pub pathkeys: Arc<[PathKey]>,
    /// Set for a parameterised path.
    pub param: Option<Arc<ParamInfo>>,
    /// Workers share the work.
    pub parallel_aware: bool,
    /// May run in a worker.
    pub parallel_safe: bool,
    /// Workers planned for.
    pub workers: u32,
}

/// `disable_cost` of costsize.c, before 18.
pub const DISABLE_COST: f64 = 1.0e10;

/// What a parameterised path needs (`ParamPathInfo`).
#[derive(Debug, Clone)]
pub struct ParamInfo {
    /// Relations that must supply values.
    pub required_outer: Relids,
    /// Rows per outer row.
    pub rows: f64,
    /// Join clauses that the path applies.
    pub clauses: Vec<Arc<Restrict>>,
}

/// One condition that an index scan uses: which key column, and the conditions (with commuted or derived forms).
#[derive(Debug, Clone)]
pub struct IndexClause {
    /// The original.
    pub restrict: Arc<Restrict>,
    /// As the index applies them (`indexquals`).
    pub quals: Vec<Arc<Restrict>>,
    /// Must be rechecked.
    pub lossy: bool,
    /// Key column, from 0.
    pub column: usize,
}

/// An index scan's particulars (`IndexPath`).
#[derive(Debug, Clone)]
pub struct IndexScan {
    /// The index.
    pub index: Arc<IndexInfo>,
    /// Range-table entry scanned.
    pub rel: RelId,
    /// Conditions that the index applies.
    pub clauses: Vec<IndexClause>,
    /// Backward.
    pub backward: bool,
    /// The index part's cost and selectivity, for bitmap scans (`indextotalcost`, `indexselectivity`).
    pub index_cost: f64,
    /// See `index_cost`.
    pub selectivity: f64,
    /// Rows of the scan, what is put into a bitmap.
    pub rows: f64,
    /// The partial predicate, over the relation's own columns.
    pub predicate: Arc<[Arc<Restrict>]>,
}

/// A tree of bitmaps.
#[derive(Debug, Clone)]
pub enum Bitmap {
    /// One index.
    Index(Arc<IndexScan>),
    /// BitmapAnd.
    And(BitmapSet),
    /// BitmapOr.
    Or(BitmapSet),
}

/// Bitmaps combined.
#[derive(Debug, Clone)]
pub struct BitmapSet {
    /// What is combined.
    pub inputs: Vec<Bitmap>,
    /// Cost of making the bitmap.
    pub cost: f64,
    /// Its selectivity.
    pub selectivity: f64,
}

/// How an aggregate works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `AggStrategy`")]
pub enum AggStrategy {
    Plain,
    Sorted,
    Hashed,
    Mixed,
}

/// Which part of a split aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `AggSplit`")]
pub enum AggSplit {
    Simple,
    Partial,
    Finalize,
}

/// What a path does, with its inputs.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are EXPLAIN's, the fields say what they hold")]
pub enum PathKind {
    SeqScan {
        rel: RelId,
    },
    IndexScan(IndexScan),
    IndexOnlyScan(IndexScan),
    BitmapHeapScan {
        rel: RelId,
        bitmap: Bitmap,
    },
    SubqueryScan {
        rel: RelId,
        input: Arc<Path>,
    },
    FunctionScan {
        rel: RelId,
    },
    ValuesScan {
        rel: RelId,
    },
    CteScan {
        rel: RelId,
        name: String,
    },
    WorkTableScan {
        rel: RelId,
    },
    Result {
        input: Option<Arc<Path>>,
    },
    /// A Result over subqueries that each give an extreme.
    MinMax {
        inputs: Vec<Arc<Path>>,
    },
    ProjectSet {
        input: Arc<Path>,
    },
    Append {
        inputs: Vec<Arc<Path>>,
    },
    NestLoop(JoinPath),
    MergeJoin {
        join: JoinPath,
        sort_outer: Vec<PathKey>,
        sort_inner: Vec<PathKey>,
        materialize_inner: bool,
    },
    HashJoin {
        join: JoinPath,
        batches: u32,
    },
    Material {
        input: Arc<Path>,
    },
    /// With what reading it again costs, start and in total (`cost_memoize_rescan`).
    Memoize {
        input: Arc<Path>,
        rescan: (f64, f64),
    },
    Sort {
        input: Arc<Path>,
    },
    IncrementalSort {
        input: Arc<Path>,
    },
    Unique {
        input: Arc<Path>,
    },
    Gather {
        input: Arc<Path>,
    },
    GatherMerge {
        input: Arc<Path>,
    },
    Agg {
        input: Arc<Path>,
        strategy: AggStrategy,
        split: AggSplit,
    },
    Group {
        input: Arc<Path>,
    },
    WindowAgg {
        input: Arc<Path>,
    },
    SetOp {
        inputs: Vec<Arc<Path>>,
        hashed: bool,
    },
    RecursiveUnion {
        left: Arc<Path>,
        right: Arc<Path>,
    },
    LockRows {
        input: Arc<Path>,
    },
    Limit {
        input: Arc<Path>,
    },
    ModifyTable {
        operation: &'static str,
        input: Arc<Path>,
    },
}

/// A join's inputs.
#[derive(Debug, Clone)]
pub struct JoinPath {
    /// Which join.
    pub kind: JoinType,
    /// Outer input.
    pub outer: Arc<Path>,
    /// Inner input.
    pub inner: Arc<Path>,
}

impl Path {
    /// Relations that must supply parameters (`PATH_REQ_OUTER`).
    pub fn required_outer(&self) -> Relids {
        self.param.as_ref().map_or(Relids::EMPTY, |p| p.required_outer)
    }

    /// Whether it keeps its rows, so that they are read again for next to nothing (`ExecMaterializesOutput`).
    pub fn keeps_rows(&self) -> bool {
        matches!(
            self.kind,
            PathKind::Material { .. }
                | PathKind::FunctionScan { .. }
                | PathKind::CteScan { .. }
                | PathKind::WorkTableScan { .. }
                | PathKind::Sort { .. }
        )
    }

    /// The order that counts in a contest: a parameterised path's never does.
    fn contest_pathkeys(&self) -> &[PathKey] {
        if self.param.is_some() { &[] } else { &self.pathkeys }
    }
}

/// No order.
pub fn no_keys() -> Arc<[PathKey]> {
    static NONE: LazyLock<Arc<[PathKey]>> = LazyLock::new(|| Arc::from([]));
    Arc::clone(&NONE)
}

/// The plan of a level below another.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Which level.
    pub level: LevelRef,
    /// Its plan, where no node of the level above has it as an input.
    pub path: Option<Arc<Path>>,
    /// Plans of the levels below it.
    pub below: Vec<Attached>,
}

/// A level below another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LevelRef {
    /// A WITH query, by its position in [`crate::planner::Root::ctes`].
    Cte(usize),
    /// A subquery in an expression, by its position in [`crate::planner::Root::subplans`]; evaluated once (`InitPlan`) or not.
    SubPlan(usize, bool),
    /// A subquery in FROM.
    Subquery(RelId),
    /// One of the levels that give an extreme.
    MinMax(usize),
}

/// `clamp_row_est`: a whole number of at least one row.
pub fn clamp_rows(rows: f64) -> f64 {
    if rows > 1e100 || rows.is_nan() {
        1e100
    } else if rows <= 1.0 {
        1.0
    } else {
        rows.round_ties_even()
    }
}
