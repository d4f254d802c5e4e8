//! The query tree after parse analysis: PostgreSQL's `Query`, as far as planning reads it.
//!
//! Join aliases are resolved already: a Var names a base entry, and the merged column of USING is the left column (the
//! right one for RIGHT, a COALESCE for FULL).

use super::expr::Expr;
use super::relids::RelId;
use crate::snapshot::{AttrNumber, Oid};
pub use crate::sql::ast::{JoinKind, SetOperator};

/// One query level.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// The verb.
    pub command: Command,
    /// The range table.
    pub rtable: Vec<Rte>,
    /// FROM and WHERE.
    pub jointree: FromExpr,
    /// The target list; for INSERT and UPDATE the values written, with the columns in [`Modify::columns`].
    pub targets: Vec<TargetEntry>,
    /// GROUP BY.
    pub group: Vec<SortGroup>,
    /// GROUPING SETS: positions in `group` per set.
    pub grouping_sets: Option<Vec<Vec<usize>>>,
    /// HAVING, as an implicit AND.
    pub having: Vec<Expr>,
    /// WINDOW clauses in use, by [`super::expr::WindowFunc::window`].
    pub windows: Vec<WindowClause>,
    /// DISTINCT, or DISTINCT ON.
    pub distinct: Vec<SortGroup>,
    /// Whether `distinct` is DISTINCT ON.
    pub distinct_on: bool,
    /// ORDER BY.
    pub sort: Vec<SortGroup>,
    /// LIMIT.
    pub limit: Option<Expr>,
    /// WITH TIES.
    pub limit_with_ties: bool,
    /// OFFSET.
    pub offset: Option<Expr>,
    /// Entries locked by FOR UPDATE and its like.
    pub row_marks: Vec<RelId>,
    /// The tree of set operations, whose leaves are subquery entries.
    pub set_operations: Option<SetOperation>,
    /// WITH queries that this level defines.
    pub ctes: Vec<Cte>,
    /// What is written.
    pub modify: Option<Modify>,
    /// Whether there is an aggregate at this level.
    pub has_aggs: bool,
    /// Whether there is a window function at this level.
    pub has_window_funcs: bool,
    /// Whether there is a SubLink anywhere in this level.
    pub has_sublinks: bool,
    /// Whether the target list holds set-returning functions.
    pub has_target_srfs: bool,
}

/// The verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Command {
    /// SELECT and VALUES.
    #[default]
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
}

/// What a statement writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Modify {
    /// The table written, as an entry of the range table.
    pub rel: RelId,
    /// Columns set (UPDATE) or given (INSERT), parallel to the first targets.
    pub columns: Vec<AttrNumber>,
    /// ON CONFLICT.
    pub on_conflict: bool,
    /// RETURNING.
    pub returning: Vec<TargetEntry>,
}

/// A range-table entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Rte {
    /// What it is.
    pub kind: RteKind,
    /// The name it goes by.
    pub alias: String,
    /// Output column names, by attno - 1. Dropped columns have an empty name.
    pub columns: Vec<String>,
    /// LATERAL.
    pub lateral: bool,
    /// Whether its inheritance children are read too (no ONLY).
    pub inherit: bool,
}

/// The kinds of range-table entry.
#[derive(Debug, Clone, PartialEq)]
pub enum RteKind {
    /// A table, materialised view or partition.
    Table(Oid),
    /// A subquery, or a view expanded.
    Subquery(Box<Query>),
    /// Functions in FROM, with their output columns' types.
    Function {
        /// The calls.
        calls: Vec<Expr>,
        /// Output column types.
        types: Vec<Oid>,
        /// WITH ORDINALITY.
        ordinality: bool,
    },
    /// VALUES of more than one row.
    Values {
        /// Rows of expressions.
        rows: Vec<Vec<Expr>>,
        /// Column types.
        types: Vec<Oid>,
    },
    /// A reference to a WITH query.
    Cte {
        /// Its name.
        name: String,
        /// Query levels up to where it is defined.
        levels_up: u32,
        /// Whether the reference is the recursive one.
        self_reference: bool,
        /// Column types.
        types: Vec<Oid>,
    },
    /// A FROM that is empty, or was removed (`RTE_RESULT`).
    Result,
    /// A table that the snapshot does not hold (a system catalog): planned with default guesses.
    Unknown {
        /// Its name as written.
        name: String,
    },
}

/// FROM and WHERE (`FromExpr`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FromExpr {
    /// What is joined.
    pub items: Vec<JoinTree>,
    /// Conditions, as an implicit AND.
    pub quals: Vec<Expr>,
}

/// A node of the join tree.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinTree {
    /// An entry (`RangeTblRef`).
    Rel(RelId),
    /// A join.
    Join(Box<JoinExpr>),
    /// A nested FROM, which pulling up a subquery leaves.
    From(Box<FromExpr>),
}

/// A join (`JoinExpr`).
#[derive(Debug, Clone, PartialEq)]
pub struct JoinExpr {
    /// Inner, left, semi, …
    pub kind: JoinType,
    /// Left input.
    pub left: JoinTree,
    /// Right input.
    pub right: JoinTree,
    /// ON, as an implicit AND.
    pub quals: Vec<Expr>,
}

/// `JoinType` of nodes.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JoinType {
    /// Inner.
    Inner,
    /// Left outer.
    Left,
    /// Full outer.
    Full,
    /// Right outer.
    Right,
    /// Semi.
    Semi,
    /// Anti.
    Anti,
    /// Right anti (16+).
    RightAnti,
    /// Right semi (18+).
    RightSemi,
    /// Inner, with the outer side made unique first (internal to path making).
    UniqueOuter,
    /// Inner, with the inner side made unique first.
    UniqueInner,
}

/// A target.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetEntry {
    /// The expression.
    pub expr: Expr,
    /// Output name.
    pub name: String,
    /// Number by which ORDER BY, GROUP BY and DISTINCT refer to it; 0 for none.
    pub sortgroupref: u32,
    /// Not part of the output.
    pub junk: bool,
}

/// A sort or grouping item (`SortGroupClause`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortGroup {
    /// Which target.
    pub sortgroupref: u32,
    /// Equality operator, 0 for none.
    pub eq_op: Oid,
    /// Ordering operator (`<` or `>`), 0 if the type has none.
    pub sort_op: Oid,
    /// NULLS FIRST.
    pub nulls_first: bool,
    /// Whether `eq_op` can be hashed.
    pub hashable: bool,
}

/// A window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WindowClause {
    /// PARTITION BY.
    pub partition: Vec<SortGroup>,
    /// ORDER BY.
    pub order: Vec<SortGroup>,
}

/// A node of the set-operation tree.
#[derive(Debug, Clone, PartialEq)]
pub enum SetOperation {
    /// A subquery entry.
    Leaf(RelId),
    /// An operation.
    Node {
        /// Which.
        op: SetOperator,
        /// ALL.
        all: bool,
        /// Left branch.
        left: Box<SetOperation>,
        /// Right branch.
        right: Box<SetOperation>,
        /// Column types.
        types: Vec<Oid>,
        /// Per column, how equal rows are found (empty for UNION ALL); `sortgroupref` counts columns from 1.
        group: Vec<SortGroup>,
    },
}

/// A WITH query.
#[derive(Debug, Clone, PartialEq)]
pub struct Cte {
    /// Name.
    pub name: String,
    /// MATERIALIZED or NOT MATERIALIZED.
    pub materialized: Option<bool>,
    /// Refers to itself.
    pub recursive: bool,
    /// References from outside itself.
    pub references: usize,
    /// Its query.
    pub query: Query,
}
