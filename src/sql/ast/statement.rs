//! Statements: the verbs, and what each writes.

use super::{Alias, Cte, Expr, FromItem, Query, TableName, Target};
use crate::sql::text::StatementClass;

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
