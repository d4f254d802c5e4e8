//! Expressions.

use super::Query;

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
    /// Directions of `order_by`: DESC, and NULLS FIRST where said.
    pub order_directions: Vec<(bool, Option<bool>)>,
    /// Names of the arguments passed by name: the last ones.
    pub argument_names: Vec<String>,
    /// VARIADIC on the last argument.
    pub variadic: bool,
    /// What the expressions in `over` are.
    pub window: Option<WindowShape>,
}

/// How the expressions of a window definition, kept in one list, divide: PARTITION BY, ORDER BY, frame offsets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WindowShape {
    /// The name that a WINDOW clause gives it; empty elsewhere.
    pub name: String,
    /// The window that it refers to or copies; empty for none.
    pub base: String,
    /// How many expressions partition.
    pub partition: usize,
    /// Directions of the expressions that order: DESC, and NULLS FIRST where said.
    pub order: Vec<(bool, Option<bool>)>,
    /// How many frame offsets follow.
    pub offsets: usize,
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
