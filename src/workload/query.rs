//! The bound query: a statement whose names have been resolved against the snapshot's catalog.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::snapshot::{AttrNumber, Oid};

/// A statement of the workload, ready for analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundQuery {
    /// What it does at the top.
    pub kind: QueryKind,
    /// Every query level: the statement itself first, then CTEs, subqueries, set-operation branches and expanded views
    /// in order of appearance.
    pub blocks: Vec<QueryBlock>,
    /// What it writes.
    pub writes: Vec<Write>,
    /// Whether it locks rows (`FOR UPDATE` and weaker).
    pub locks_rows: bool,
    /// Functions called, lower-cased, qualified as in the text, sorted.
    pub functions: BTreeSet<String>,
    /// The greatest parameter number (0 for none).
    pub parameters: u32,
    /// What could not be resolved, in sentence fragments; the rest of the query is still usable.
    pub unresolved: Vec<String>,
}

impl BoundQuery {
    /// Every table read or written, partitions attributed to their topmost parent, sorted.
    pub fn tables(&self) -> BTreeSet<Oid> {
        let read = self.blocks.iter().flat_map(|b| b.relations.iter().filter_map(|r| r.table));
        read.chain(self.writes.iter().map(|w| w.table)).collect()
    }

    /// A key that statements share if they ask the same of the same tables, whatever their aliases, constants, spelling
    /// of names and lengths of lists. Sixteen hexadecimal digits; the same for every run over one catalog.
    pub fn shape_key(&self) -> String {
        let mut blocks = self.blocks.clone();
        for block in &mut blocks {
            for relation in &mut block.relations {
                relation.alias.clear();
            }
            for predicate in &mut block.predicates {
                predicate.as_index_predicate = None;
                if matches!(predicate.value, Value::Parameter(_) | Value::Literal(_) | Value::List) {
                    predicate.value = Value::None;
                }
                if matches!(predicate.comparison, Comparison::In(_)) {
                    predicate.comparison = Comparison::In(None);
                }
            }
        }
        let shape = format!("{:?} {:?} {blocks:?} {:?}", self.kind, self.writes, self.functions);
        let digest = Sha256::digest(shape.as_bytes());
        digest.iter().take(8).fold(String::with_capacity(16), |mut key, byte| {
            // Writing to a String cannot fail.
            let _ = write!(key, "{byte:02x}");
            key
        })
    }
}

/// The statement's verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueryKind {
    /// SELECT, VALUES or TABLE without a data-modifying CTE.
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

/// One table written by a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The table (the topmost parent of a partition).
    pub table: Oid,
    /// How.
    pub kind: WriteKind,
    /// The columns set by UPDATE (and ON CONFLICT DO UPDATE, MERGE); every column for INSERT and DELETE.
    pub columns: BTreeSet<AttrNumber>,
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteKind {
    /// New rows.
    Insert,
    /// New row versions.
    Update,
    /// Rows removed.
    Delete,
}

/// One query level: a FROM list with what is asked of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryBlock {
    /// The range table: base tables and derived ones.
    pub relations: Vec<Relation>,
    /// Conditions on one relation, from WHERE and from inner-join ON clauses (and from an outer join's ON for its
    /// nullable side).
    pub predicates: Vec<Predicate>,
    /// Conditions between two relations.
    pub joins: Vec<JoinClause>,
    /// ORDER BY, as long as every key belongs to a single relation's column or expression; empty otherwise.
    pub order_by: Vec<SortKey>,
    /// GROUP BY keys that are columns or expressions of one relation.
    pub group_by: Vec<Operand>,
    /// DISTINCT (or DISTINCT ON) keys that are columns or expressions of one relation.
    pub distinct: Vec<Operand>,
    /// Whether there is any aggregate or GROUP BY.
    pub aggregates: bool,
    /// LIMIT (or FETCH FIRST).
    pub limit: Option<Limit>,
    /// OFFSET is present and not zero.
    pub offset: bool,
    /// What encloses this block.
    pub role: BlockRole,
}

/// Where a block stands in its statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BlockRole {
    /// The statement itself.
    #[default]
    Top,
    /// A WITH query.
    Cte,
    /// A subquery in FROM (or an expanded view).
    From,
    /// A subquery in an expression: EXISTS, IN, a scalar.
    Expression,
    /// A branch of UNION, INTERSECT or EXCEPT.
    SetOperation,
}

/// One entry of a block's range table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Relation {
    /// The base table (the topmost parent of a partition); `None` for a subquery, CTE reference or function.
    pub table: Option<Oid>,
    /// The name it goes by in the query.
    pub alias: String,
    /// Columns of the table that the block uses in any way (target list, conditions, ordering), sorted.
    pub columns: BTreeSet<AttrNumber>,
    /// Whether the whole row is fetched (`*`, whole-row reference): then `columns` holds all of them.
    pub whole_row: bool,
    /// Whether the relation is written or row-locked by the statement: no index-only scan then.
    pub needs_heap: bool,
    /// Whether it stands on the nullable side of an outer join.
    pub nullable: bool,
}

/// A column or expression over the columns of exactly one relation of a block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operand {
    /// Position in [`QueryBlock::relations`].
    pub relation: usize,
    /// What it is.
    pub target: Target,
}

/// What an [`Operand`] is, seen by an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A plain column (binary-coercible casts, such as varchar to text, removed).
    Column(AttrNumber),
    /// An expression.
    Expression {
        /// SQL over unqualified, quoted columns, as it would stand in an index definition.
        sql: String,
        /// The columns it reads.
        columns: BTreeSet<AttrNumber>,
        /// Whether it may be indexed: immutable, and made of columns and literals only. A parameter within
        /// (`date_trunc($1, created_at)`, as pg_stat_statements normalises it) hides which expression it is.
        immutable: bool,
    },
}

impl Operand {
    /// The columns it reads.
    pub fn columns(&self) -> BTreeSet<AttrNumber> {
        match &self.target {
            Target::Column(attnum) => BTreeSet::from([*attnum]),
            Target::Expression { columns, .. } => columns.clone(),
        }
    }
}

/// A condition on one relation.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// The indexable side.
    pub operand: Operand,
    /// The comparison, as an index sees it.
    pub comparison: Comparison,
    /// What it is compared with.
    pub value: Value,
    /// `None` if an index of some kind can serve it; else what prevents that.
    pub unsargable: Option<Unsargable>,
    /// Set where the condition stands under an OR: conditions with the same number are branches of one OR, and serve
    /// an index only if every branch does.
    pub or_group: Option<u32>,
    /// Which branch of that OR it belongs to, from 0: conditions of one branch hold together. 0 outside any OR.
    pub or_branch: u32,
    /// The condition as SQL over unqualified columns with its literals, if it is made of literals only: what a partial
    /// index's predicate could be.
    pub as_index_predicate: Option<String>,
}

/// How a condition compares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `=`.
    Eq,
    /// `<`, `<=`.
    Less,
    /// `>`, `>=`.
    Greater,
    /// BETWEEN: both bounds at once.
    Between,
    /// `IN (…)` or `= ANY (array)`, with the number of elements where the text shows it.
    In(Option<usize>),
    /// `<>`.
    NotEq,
    /// IS NULL.
    IsNull,
    /// IS NOT NULL.
    IsNotNull,
    /// A boolean column (or `= true`, IS TRUE).
    IsTrue,
    /// NOT of a boolean column (or `= false`, IS FALSE).
    IsFalse,
    /// LIKE with a fixed prefix, or `^@` / starts_with; also a parameter as pattern, with the prefix unknown.
    LikePrefix,
    /// LIKE with a leading wildcard, ILIKE, and regular expressions: trigrams serve them.
    LikeInfix {
        /// ILIKE or `~*`.
        case_insensitive: bool,
        /// A regular expression.
        regex: bool,
    },
    /// jsonb `@>`.
    JsonContains,
    /// jsonb `?`, `?|`, `?&`.
    JsonExists,
    /// jsonb `@?`, `@@`.
    JsonPath,
    /// Array `@>`, `<@`, `&&`.
    ArrayOverlap,
    /// `value = ANY (column)`: as `column @> ARRAY[value]` a GIN index could serve it.
    ArrayAny,
    /// tsvector `@@`.
    TextSearch,
    /// Range `&&`, `@>`, `<@`, `-|-` and the like; geometric operators.
    Range,
    /// pg_trgm's `%`, `<%`.
    Similar,
    /// Another operator, by name.
    Other(String),
}

/// What a column is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// `$n`, also under a cast (`$1::date`).
    Parameter(u32),
    /// A literal, as SQL.
    Literal(String),
    /// A list or array of literals and parameters.
    List,
    /// An expression that is constant during the scan: `now() - interval '1 day'`, a column
    /// of an enclosing query or of another relation that is not a base table.
    Stable,
    /// The result of an uncorrelated subquery.
    Subquery,
    /// Nothing to compare with (IS NULL, boolean).
    None,
}

/// What keeps an index from serving a condition as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsargable {
    /// The column is wrapped in a function; an expression index would serve if immutable.
    FunctionOnColumn {
        /// The function's name.
        function: String,
    },
    /// The column is cast to another type.
    CastOnColumn {
        /// Type cast to.
        to: String,
    },
    /// Arithmetic or another operator on the column.
    ExpressionOnColumn,
    /// A pattern that begins with a wildcard: no B-tree serves it.
    LeadingWildcard,
    /// `<>`, NOT IN, NOT LIKE and other negations.
    Negation,
    /// One branch of an OR reads other relations or columns.
    OrAcrossColumns,
    /// The other side changes row by row (a volatile function, the same relation).
    VolatileValue,
    /// Both sides are of the same relation.
    SameRelation,
}

/// A condition between two relations of a block (or between a block and the one that encloses it: then only the inner
/// side is given, as a [`Predicate`] with [`Value::Stable`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinClause {
    /// One side.
    pub left: Operand,
    /// The other side.
    pub right: Operand,
    /// Whether the operator is `=`.
    pub equality: bool,
    /// The operator's name.
    pub operator: String,
}

/// One ORDER BY key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// What is sorted by.
    pub operand: Operand,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST, after the defaults have been applied.
    pub nulls_first: bool,
    /// Ordering by a distance operator (`<->`): KNN. Holds the operator.
    pub distance: Option<String>,
}

/// LIMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// A number in the text.
    Rows(u64),
    /// A parameter or expression.
    Unknown,
}
