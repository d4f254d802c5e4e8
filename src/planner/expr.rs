//! Typed expressions: what parse analysis makes of the syntax tree.
//!
//! Types, operators and functions are named by their oids. Those of built-in objects are the same in every
//! PostgreSQL; the others are given by [`super::facts::Facts`].

use std::sync::Arc;

use super::query::Query;
use super::relids::RelId;
use super::value::Datum;
use crate::snapshot::{AttrNumber, Oid};

/// A typed expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A column.
    Var(Var),
    /// A constant.
    Const(Const),
    /// A parameter.
    Param(Param),
    /// An operator with one or two arguments (`OpExpr`, and with `distinct` IS DISTINCT FROM, with `nullif` NULLIF).
    Op(Box<OpExpr>),
    /// `left op ANY/ALL (array)`.
    ScalarArrayOp(Box<ScalarArrayOp>),
    /// A function call, casts by function included.
    Func(Box<FuncExpr>),
    /// AND of two or more.
    And(Vec<Expr>),
    /// OR of two or more.
    Or(Vec<Expr>),
    /// NOT.
    Not(Box<Expr>),
    /// IS NULL, IS NOT NULL (`true`: IS NULL).
    NullTest(Box<Expr>, bool),
    /// IS TRUE and its like.
    BooleanTest(Box<Expr>, crate::sql::ast::BooleanTest),
    /// A change of the type's label only (`RelabelType`), also COLLATE (`CollateExpr`).
    Relabel(Box<Cast>),
    /// A cast through text (`CoerceViaIO`), an array element by element (`ArrayCoerceExpr`), to a domain: not free.
    Coerce(Box<Cast>),
    /// CASE.
    Case(Box<Case>),
    /// COALESCE, GREATEST and LEAST, by name, with the result type.
    Variadic(Variadic, Vec<Expr>, Oid),
    /// `ARRAY[…]` of the array type.
    Array(Vec<Expr>, Oid),
    /// A row.
    Row(Vec<Expr>),
    /// Row comparison `(a, b) < (c, d)`: operators per column, with the strategy's operator first.
    RowCompare(Box<RowCompare>),
    /// An aggregate.
    Aggref(Box<Aggref>),
    /// A window function.
    WindowFunc(Box<WindowFunc>),
    /// A subquery before planning.
    SubLink(Box<SubLink>),
    /// A subquery after planning.
    SubPlan(Box<SubPlanExpr>),
    /// Field selection, subscripts, GROUPING, XML and whatever else: its kind, children, and type.
    Other(&'static str, Vec<Expr>, Oid),
}

/// A column of a range-table entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Var {
    /// The entry.
    pub rel: RelId,
    /// The column: from 1; 0 the whole row; negative a system column (`ctid` -1, `tableoid` -6).
    pub attno: AttrNumber,
    /// Query levels up (0: this one).
    pub levels_up: u32,
    /// Type (the declared one followed down from domains).
    pub ty: Oid,
    /// Type modifier, -1 for none.
    pub typmod: i32,
    /// Collation, 0 for none.
    pub collation: Oid,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Const {
    /// Type; `unknown` (705) only before coercion.
    pub ty: Oid,
    /// The value; `None` is NULL.
    pub value: Option<Arc<Datum>>,
    /// Collation, 0 for none.
    pub collation: Oid,
}

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Param {
    /// Where it comes from.
    pub source: ParamSource,
    /// Type.
    pub ty: Oid,
    /// Collation, 0 for none.
    pub collation: Oid,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParamSource {
    /// `$n` (`PARAM_EXTERN`), of unknown value.
    External(u32),
    /// A column of an enclosing query or an initplan's result (`PARAM_EXEC`), by number.
    Exec(usize),
}

/// An operator applied.
#[derive(Debug, Clone, PartialEq)]
pub struct OpExpr {
    /// `pg_operator.oid`.
    pub op: Oid,
    /// One or two arguments.
    pub args: Vec<Expr>,
    /// Result type.
    pub ty: Oid,
    /// Input collation, 0 for none.
    pub collation: Oid,
    /// Which node it is.
    pub kind: OpKind,
}

/// The nodes that share [`OpExpr`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpKind {
    /// `OpExpr`.
    Plain,
    /// `DistinctExpr`: `a IS DISTINCT FROM b`, with the equality operator.
    Distinct,
    /// `NullIfExpr`.
    NullIf,
}

/// `left op ANY (right)`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarArrayOp {
    /// The operator.
    pub op: Oid,
    /// ANY (`true`) or ALL.
    pub any: bool,
    /// Left operand.
    pub left: Expr,
    /// The array.
    pub right: Expr,
    /// Input collation.
    pub collation: Oid,
}

/// A function call.
#[derive(Debug, Clone, PartialEq)]
pub struct FuncExpr {
    /// `pg_proc.oid`.
    pub func: Oid,
    /// Arguments, defaults filled in.
    pub args: Vec<Expr>,
    /// Result type.
    pub ty: Oid,
    /// Returns a set.
    pub retset: bool,
    /// Result collation.
    pub collation: Oid,
    /// An implicit or explicit cast.
    pub is_cast: bool,
}

/// A cast.
#[derive(Debug, Clone, PartialEq)]
pub struct Cast {
    /// What.
    pub arg: Expr,
    /// Result type.
    pub ty: Oid,
    /// Result type modifier.
    pub typmod: i32,
    /// Result collation.
    pub collation: Oid,
}

/// CASE.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// WHEN conditions (an operand compared already) with results.
    pub whens: Vec<(Expr, Expr)>,
    /// ELSE.
    pub otherwise: Option<Expr>,
    /// Result type.
    pub ty: Oid,
}

/// COALESCE and its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variadic {
    /// COALESCE.
    Coalesce,
    /// GREATEST.
    Greatest,
    /// LEAST.
    Least,
}

/// A comparison of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct RowCompare {
    /// Operator per column.
    pub ops: Vec<Oid>,
    /// Left columns.
    pub left: Vec<Expr>,
    /// Right columns.
    pub right: Vec<Expr>,
}

/// An aggregate call.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggref {
    /// `pg_proc.oid`.
    pub func: Oid,
    /// Arguments (direct ones of ordered-set aggregates included).
    pub args: Vec<Expr>,
    /// `count(*)`.
    pub star: bool,
    /// DISTINCT.
    pub distinct: bool,
    /// ORDER BY within, as (expression, descending, nulls first); also WITHIN GROUP.
    pub order_by: Vec<(Expr, bool, bool)>,
    /// WITHIN GROUP.
    pub ordered_set: bool,
    /// FILTER.
    pub filter: Option<Expr>,
    /// Result type.
    pub ty: Oid,
}

/// A window function call.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowFunc {
    /// `pg_proc.oid`.
    pub func: Oid,
    /// Arguments.
    pub args: Vec<Expr>,
    /// FILTER.
    pub filter: Option<Expr>,
    /// Position in [`Query::windows`].
    pub window: usize,
    /// Result type.
    pub ty: Oid,
}

/// A subquery in an expression, before planning.
#[derive(Debug, Clone, PartialEq)]
pub struct SubLink {
    /// Which kind.
    pub kind: crate::sql::ast::SublinkKind,
    /// For ANY and ALL: per output column, the left operand and the operator between it and the column.
    pub tests: Vec<(Expr, Oid)>,
    /// The query.
    pub query: Query,
    /// Result type: bool, the scalar's type, or the array's.
    pub ty: Oid,
}

/// A subquery in an expression, once it has a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct SubPlanExpr {
    /// Position in [`super::root::Root::subplans`].
    pub id: usize,
    /// For ANY and ALL: the comparisons, with the subquery's outputs as parameters.
    pub tests: Vec<Expr>,
    /// Values of this level that the subquery reads, in the order of its parameters.
    pub args: Vec<Expr>,
    /// Result type.
    pub ty: Oid,
}

/// Oids of the built-in types that planning names.
#[expect(missing_docs, reason = "each is the oid of the type of its name")]
pub mod types {
    use crate::snapshot::Oid;
    pub const BOOL: Oid = 16;
    pub const BYTEA: Oid = 17;
    pub const NAME: Oid = 19;
    pub const INT8: Oid = 20;
    pub const INT2: Oid = 21;
    pub const INT4: Oid = 23;
    pub const TEXT: Oid = 25;
    pub const OID: Oid = 26;
    pub const JSON: Oid = 114;
    pub const FLOAT4: Oid = 700;
    pub const FLOAT8: Oid = 701;
    pub const UNKNOWN: Oid = 705;
    pub const INET: Oid = 869;
    pub const BPCHAR: Oid = 1042;
    pub const VARCHAR: Oid = 1043;
    pub const DATE: Oid = 1082;
    pub const TIME: Oid = 1083;
    pub const TIMESTAMP: Oid = 1114;
    pub const TIMESTAMPTZ: Oid = 1184;
    pub const INTERVAL: Oid = 1186;
    pub const NUMERIC: Oid = 1700;
    pub const RECORD: Oid = 2249;
    pub const UUID: Oid = 2950;
    pub const TSQUERY: Oid = 3615;
    pub const JSONB: Oid = 3802;
}
