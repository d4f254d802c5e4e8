//! What names mean at one place of a statement.

use crate::snapshot::Table;
use crate::sql::ast::Expr;

/// The FROM entries visible at one query level, and the level around it.
pub(super) struct Scope<'s, 'a> {
    /// The block that conditions at this level belong to.
    pub(super) block: usize,
    pub(super) entries: Vec<Entry<'a>>,
    /// Columns merged by USING and NATURAL: an unqualified name means these first.
    pub(super) merged: Vec<(String, Expr)>,
    pub(super) parent: Option<&'s Scope<'s, 'a>>,
}

impl<'s, 'a> Scope<'s, 'a> {
    pub(super) fn new(block: usize, parent: Option<&'s Scope<'s, 'a>>) -> Self {
        Self { block, entries: Vec::new(), merged: Vec::new(), parent }
    }
}

/// One FROM entry.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    /// The name it goes by; empty for one that cannot be named.
    pub(super) alias: String,
    pub(super) source: Source<'a>,
}

/// Where an entry's columns come from.
#[derive(Debug, Clone)]
pub(super) enum Source<'a> {
    /// A base table, with the column names an alias gave (from the first on).
    Base { relation: usize, table: &'a Table, renamed: Vec<String> },
    /// Known columns.
    Columns(Vec<(String, Expr)>),
    /// A row source whose columns are not known, but for those named.
    Opaque { relation: usize, named: Vec<String> },
}
