//! The syntax tree that the rest of the crate sees: SELECT and the data-modifying statements, without positions, with
//! the grammar's many spellings of one thing reduced to one.
//!
//! Every expression that the tree has no name for becomes [`Expr::Other`] and keeps its children, so that no walker
//! loses a column.

use super::text::StatementClass;

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// SELECT, VALUES, TABLE.
    Query(Box<Query>),
    /// INSERT.
    Insert(Box<Insert>),
    /// UPDATE.
    Update(Box<Update>),
    /// DELETE.
    Delete(Box<Delete>),
    /// MERGE.
    Merge(Box<Merge>),
    /// Anything else, by its first words (`CREATE INDEX`, `SET`).
    Utility(String),
}

impl Statement {
    /// The statement's kind.
    pub fn class(&self) -> StatementClass {
        match self {
            Self::Query(_) => StatementClass::Select,
            Self::Insert(_) => StatementClass::Insert,
            Self::Update(_) => StatementClass::Update,
            Self::Delete(_) => StatementClass::Delete,
            Self::Merge(_) => StatementClass::Merge,
            Self::Utility(words) => StatementClass::Utility(words.clone()),
        }
    }
}

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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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

/// INSERT.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// WITH.
    pub with: Vec<Cte>,
    /// The table.
    pub table: TableName,
    /// Its alias.
    pub alias: Option<Alias>,
    /// Columns named.
    pub columns: Vec<String>,
    /// What is inserted; none for DEFAULT VALUES.
    pub source: Option<Query>,
    /// ON CONFLICT.
    pub on_conflict: Option<OnConflict>,
    /// RETURNING.
    pub returning: Vec<Target>,
}

/// ON CONFLICT.
#[derive(Debug, Clone, PartialEq)]
pub struct OnConflict {
    /// The conflict target's columns and expressions.
    pub target: Vec<Expr>,
    /// The conflict target's predicate.
    pub target_filter: Option<Expr>,
    /// DO UPDATE's assignments; none for DO NOTHING.
    pub update: Option<Vec<Assignment>>,
    /// DO UPDATE's WHERE.
    pub filter: Option<Expr>,
}

/// `column = expression`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The column.
    pub column: String,
    /// The value. For a multiple assignment, the whole row, once with each column.
    pub value: Expr,
}

/// UPDATE.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// WITH.
    pub with: Vec<Cte>,
    /// The table.
    pub table: TableName,
    /// Its alias.
    pub alias: Option<Alias>,
    /// SET.
    pub assignments: Vec<Assignment>,
    /// FROM.
    pub from: Vec<FromItem>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// RETURNING.
    pub returning: Vec<Target>,
}

/// DELETE.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// WITH.
    pub with: Vec<Cte>,
    /// The table.
    pub table: TableName,
    /// Its alias.
    pub alias: Option<Alias>,
    /// USING.
    pub using: Vec<FromItem>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// RETURNING.
    pub returning: Vec<Target>,
}

/// MERGE.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// WITH.
    pub with: Vec<Cte>,
    /// The table.
    pub table: TableName,
    /// Its alias.
    pub alias: Option<Alias>,
    /// USING.
    pub source: FromItem,
    /// ON.
    pub on: Expr,
    /// WHEN.
    pub actions: Vec<MergeAction>,
    /// RETURNING.
    pub returning: Vec<Target>,
}

/// One WHEN clause of MERGE.
#[derive(Debug, Clone, PartialEq)]
pub struct MergeAction {
    /// AND.
    pub condition: Option<Expr>,
    /// THEN.
    pub kind: MergeActionKind,
}

/// What a WHEN clause does.
#[derive(Debug, Clone, PartialEq)]
pub enum MergeActionKind {
    /// INSERT, with the values.
    Insert(Vec<Expr>),
    /// UPDATE.
    Update(Vec<Assignment>),
    /// DELETE.
    Delete,
    /// DO NOTHING.
    Nothing,
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

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A column as written: name, or qualifiers and name.
    Column(Vec<String>),
    /// A column or subquery that a binder has replaced by a number of its own. The parser makes none.
    Slot(u32),
    /// `*`, or qualifiers before it.
    Star(Vec<String>),
    /// `$n`.
    Parameter(u32),
    /// A literal.
    Literal(Literal),
    /// A function call.
    Call(Box<Call>),
    /// A binary (or, without `left`, prefix) operator.
    Operator {
        /// The operator, qualified only where written so and not in pg_catalog.
        op: String,
        /// Left operand.
        left: Option<Box<Expr>>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// AND, two or more.
    And(Vec<Expr>),
    /// OR, two or more.
    Or(Vec<Expr>),
    /// NOT.
    Not(Box<Expr>),
    /// `IN (list)`.
    InList {
        /// What.
        expr: Box<Expr>,
        /// Among these.
        list: Vec<Expr>,
        /// NOT IN.
        negated: bool,
    },
    /// `left op ANY (right)`, or ALL, over an array.
    Quantified {
        /// Left operand.
        left: Box<Expr>,
        /// The operator.
        op: String,
        /// ALL.
        all: bool,
        /// The array.
        right: Box<Expr>,
    },
    /// LIKE, ILIKE, SIMILAR TO (also as `~~` and `~~*`).
    Like {
        /// Which.
        kind: LikeKind,
        /// NOT LIKE.
        negated: bool,
        /// What.
        expr: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// ESCAPE.
        escape: Option<Box<Expr>>,
    },
    /// BETWEEN.
    Between {
        /// What.
        expr: Box<Expr>,
        /// Lower bound.
        low: Box<Expr>,
        /// Upper bound.
        high: Box<Expr>,
        /// NOT BETWEEN.
        negated: bool,
        /// BETWEEN SYMMETRIC.
        symmetric: bool,
    },
    /// IS DISTINCT FROM.
    IsDistinct {
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
        /// IS NOT DISTINCT FROM.
        negated: bool,
    },
    /// IS NULL.
    IsNull {
        /// What.
        expr: Box<Expr>,
        /// IS NOT NULL.
        negated: bool,
    },
    /// IS TRUE and its like.
    BooleanTest {
        /// What.
        expr: Box<Expr>,
        /// Which.
        test: BooleanTest,
    },
    /// A cast.
    Cast {
        /// What.
        expr: Box<Expr>,
        /// To what.
        to: TypeName,
    },
    /// CASE.
    Case {
        /// CASE operand.
        operand: Option<Box<Expr>>,
        /// WHEN and THEN.
        whens: Vec<(Expr, Expr)>,
        /// ELSE.
        otherwise: Option<Box<Expr>>,
    },
    /// COALESCE, GREATEST, LEAST, NULLIF: by upper-case name.
    Builtin {
        /// The name.
        name: &'static str,
        /// Its arguments.
        args: Vec<Expr>,
    },
    /// A subquery.
    Sublink(Box<Sublink>),
    /// `ARRAY[…]`.
    Array(Vec<Expr>),
    /// A row: `(a, b)` or `ROW(…)`.
    Row(Vec<Expr>),
    /// Field selection and subscripts.
    Indirection {
        /// Of what.
        expr: Box<Expr>,
        /// The steps.
        path: Vec<Step>,
    },
    /// COLLATE.
    Collate {
        /// What.
        expr: Box<Expr>,
        /// The collation's name, in parts.
        collation: Vec<String>,
    },
    /// `CURRENT_DATE` and its like, upper case, precision left out.
    ValueFunction(&'static str),
    /// DEFAULT in an assignment or a VALUES list.
    Default,
    /// Anything else.
    Other {
        /// The parser's name for it.
        what: &'static str,
        /// The expressions within.
        children: Vec<Expr>,
    },
}

/// A literal. Numbers keep their digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// NULL.
    Null,
    /// TRUE, FALSE.
    Boolean(bool),
    /// A number that fits an `int4`.
    Integer(i32),
    /// Any other number, as written.
    Number(String),
    /// A string.
    String(String),
    /// A bit string, as written (`b101`, `x1f`).
    Bits(String),
}

/// A function call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Call {
    /// The schema, where given and not pg_catalog.
    pub schema: Option<String>,
    /// The name, as the parser folds it.
    pub name: String,
    /// Arguments in order; named ones lose their names.
    pub args: Vec<Expr>,
    /// `count(*)`.
    pub star: bool,
    /// DISTINCT.
    pub distinct: bool,
    /// VARIADIC on the last argument, or an argument passed by name: not written back by the deparser.
    pub special_arguments: bool,
    /// ORDER BY within the call, or WITHIN GROUP.
    pub order_by: Vec<Expr>,
    /// WITHIN GROUP.
    pub within_group: bool,
    /// FILTER.
    pub filter: Option<Expr>,
    /// OVER: the window's expressions (none for a window by name).
    pub over: Option<Vec<Expr>>,
}

/// A subquery in an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Sublink {
    /// Which kind.
    pub kind: SublinkKind,
    /// The left side of IN, ANY and ALL (a row for several columns).
    pub test: Option<Expr>,
    /// The operator of ANY and ALL (`=` for IN).
    pub op: String,
    /// The query.
    pub query: Query,
}

/// The kinds of subquery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SublinkKind {
    /// EXISTS.
    Exists,
    /// IN and ANY.
    Any,
    /// ALL.
    All,
    /// A scalar (or a row).
    Scalar,
    /// ARRAY.
    Array,
}

/// LIKE's kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LikeKind {
    /// LIKE.
    Like,
    /// ILIKE.
    Ilike,
    /// SIMILAR TO.
    Similar,
}

/// The boolean tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BooleanTest {
    /// IS TRUE.
    True,
    /// IS NOT TRUE.
    NotTrue,
    /// IS FALSE.
    False,
    /// IS NOT FALSE.
    NotFalse,
    /// IS UNKNOWN.
    Unknown,
    /// IS NOT UNKNOWN.
    NotUnknown,
}

/// One step of an [`Expr::Indirection`].
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `.name`.
    Field(String),
    /// `.*`.
    Star,
    /// `[i]`.
    Index(Expr),
    /// `[a:b]`.
    Slice(Option<Expr>, Option<Expr>),
}

/// A type's name.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeName {
    /// The schema, where given and not pg_catalog.
    pub schema: Option<String>,
    /// `pg_type.typname` of the element: `int4`, `text`, `timestamptz`.
    pub name: String,
    /// Type modifiers (`numeric(12,2)`).
    pub modifiers: Vec<Expr>,
    /// An array of it.
    pub array: bool,
}

impl TypeName {
    /// A type of pg_catalog without modifiers.
    pub fn builtin(name: &str) -> Self {
        Self { schema: None, name: name.to_owned(), modifiers: Vec::new(), array: false }
    }
}
