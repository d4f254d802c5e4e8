//! The syntax tree that the rest of the crate sees: SELECT and the data-modifying statements, without positions, with
//! the grammar's many spellings of one thing reduced to one.
//!
//! Every expression that the tree has no name for becomes [`Expr::Other`] and keeps its children, so that no walker
//! loses a column.

pub mod ddl;
mod expr;
mod index;
mod query;
mod statement;

pub use expr::{BooleanTest, Call, Expr, LikeKind, Literal, Step, Sublink, SublinkKind, TypeName, WindowShape};
pub use index::{IndexShape, ShapeKey};
pub use query::{
    Alias, Body, Cte, Distinct, FromItem, GroupItem, Join, JoinKind, Query, Select, SetOperator, SortBy, TableName,
    Target,
};
pub use statement::{Assignment, Delete, Insert, Merge, MergeAction, MergeActionKind, OnConflict, Statement, Update};
