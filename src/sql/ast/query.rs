//! Queries: SELECT, VALUES, set operations, FROM.

use super::{Expr, Statement, WindowShape};

/// A query expression: a body with what may surround it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// WITH.
    pub with: Vec<Cte>,
    /// What is queried.
    pub body: Body,
    /// ORDER BY.
    pub order_by: Vec<SortBy>,
    /// LIMIT or FETCH FIRST; `LIMIT ALL` is none.
    pub limit: Option<Expr>,
    /// OFFSET.
    pub offset: Option<Expr>,
    /// FETCH FIRST … WITH TIES.
    pub with_ties: bool,
    /// FOR UPDATE and its like: the tables named, or none for all of them. One entry a clause.
    pub locking: Vec<Vec<String>>,
}

/// The body of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// SELECT.
    Select(Box<Select>),
    /// VALUES.
    Values(Vec<Vec<Expr>>),
    /// UNION, INTERSECT, EXCEPT.
    SetOperation {
        /// Which.
        op: SetOperator,
        /// ALL.
        all: bool,
        /// Left branch.
        left: Box<Query>,
        /// Right branch.
        right: Box<Query>,
    },
}

impl Default for Body {
    fn default() -> Self {
        Self::Values(Vec::new())
    }
}

/// The set operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    /// UNION.
    Union,
    /// INTERSECT.
    Intersect,
    /// EXCEPT.
    Except,
}

/// A WITH query.
#[derive(Debug, Clone, PartialEq)]
pub struct Cte {
    /// Its name.
    pub name: String,
    /// Column names given after it.
    pub columns: Vec<String>,
    /// MATERIALIZED (`true`) or NOT MATERIALIZED (`false`), where said.
    pub materialized: Option<bool>,
    /// WITH RECURSIVE (on the whole list).
    pub recursive: bool,
    /// What it holds.
    pub statement: Statement,
}

/// One SELECT.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Select {
    /// DISTINCT.
    pub distinct: Distinct,
    /// The target list.
    pub targets: Vec<Target>,
    /// FROM.
    pub from: Vec<FromItem>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// GROUP BY; the members of grouping sets one after another.
    pub group_by: Vec<Expr>,
    /// Whether GROUP BY holds GROUPING SETS, ROLLUP or CUBE.
    pub grouping_sets: bool,
    /// HAVING.
    pub having: Option<Expr>,
    /// Expressions of the WINDOW clause.
    pub windows: Vec<Expr>,
    /// The windows of the WINDOW clause, whose expressions stand in `windows` one after another.
    pub window_shapes: Vec<WindowShape>,
    /// How the members of `group_by` make up grouping sets; empty without them.
    pub group_items: Vec<GroupItem>,
}

/// An item of GROUP BY with grouping sets. Expressions are given by their positions in [`Select::group_by`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupItem {
    /// An expression (a row for several).
    Expr(usize),
    /// `()`.
    Empty,
    /// ROLLUP.
    Rollup(Vec<GroupItem>),
    /// CUBE.
    Cube(Vec<GroupItem>),
    /// GROUPING SETS.
    Sets(Vec<GroupItem>),
}

/// DISTINCT.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Distinct {
    /// Not said.
    #[default]
    No,
    /// DISTINCT.
    All,
    /// DISTINCT ON.
    On(Vec<Expr>),
}

/// One entry of a target list or RETURNING.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What.
    pub expr: Expr,
    /// AS.
    pub alias: Option<String>,
}

/// One entry of FROM.
#[derive(Debug, Clone, PartialEq)]
pub enum FromItem {
    /// A table, view or WITH query by name.
    Table {
        /// The name.
        name: TableName,
        /// AS.
        alias: Option<Alias>,
    },
    /// A subquery.
    Subquery {
        /// The query.
        query: Box<Query>,
        /// AS.
        alias: Option<Alias>,
        /// LATERAL.
        lateral: bool,
    },
    /// A function or another row source (XMLTABLE, JSON_TABLE).
    Function {
        /// Its calls and arguments.
        exprs: Vec<Expr>,
        /// AS, with the columns of a column definition list.
        alias: Option<Alias>,
        /// WITH ORDINALITY.
        ordinality: bool,
    },
    /// A join.
    Join(Box<Join>),
}

/// A table's name as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    /// The schema, if given.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

/// An alias with optional column names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alias {
    /// The alias.
    pub name: String,
    /// The column names.
    pub columns: Vec<String>,
}

/// A join.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// Which kind.
    pub kind: JoinKind,
    /// Left side.
    pub left: FromItem,
    /// Right side.
    pub right: FromItem,
    /// NATURAL.
    pub natural: bool,
    /// USING.
    pub using: Vec<String>,
    /// ON.
    pub on: Option<Expr>,
    /// An alias on the join as a whole.
    pub alias: Option<Alias>,
}

/// The kinds of join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// INNER and CROSS.
    Inner,
    /// LEFT.
    Left,
    /// RIGHT.
    Right,
    /// FULL.
    Full,
}

/// One ORDER BY key.
#[derive(Debug, Clone, PartialEq)]
pub struct SortBy {
    /// By what.
    pub expr: Expr,
    /// DESC (or USING an operator that begins with `>`).
    pub descending: bool,
    /// NULLS FIRST (`true`) or NULLS LAST (`false`), where said.
    pub nulls_first: Option<bool>,
}
