//! The shape of an index as CREATE INDEX spells it, names not yet resolved.

use super::TableName;

/// What CREATE INDEX says that decides what the index can serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexShape {
    /// The table.
    pub table: TableName,
    /// The access method; `btree` unless given.
    pub method: String,
    /// The keys in order.
    pub keys: Vec<ShapeKey>,
    /// INCLUDE columns in order.
    pub include: Vec<String>,
    /// The partial predicate as SQL over unqualified columns.
    pub predicate: Option<String>,
    /// UNIQUE.
    pub unique: bool,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeKey {
    /// The column; `None` for an expression.
    pub column: Option<String>,
    /// The expression as SQL over unqualified columns; `None` for a column.
    pub expression: Option<String>,
    /// The operator class, quoted.
    pub opclass: Option<String>,
    /// The collation, quoted.
    pub collation: Option<String>,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST, also where it is the default.
    pub nulls_first: bool,
}
