//! The binder: a statement's tree and the catalog in, a [`BoundQuery`] out.
//!
//! Every column is replaced by a *slot* ([`Expr::Slot`]): a number that stands for a column of one relation of one
//! block, or for a subquery. Simple subqueries, views and WITH queries are merged into the block that reads them, as
//! the planner does (`pull_up_subqueries`, `inline_cte`); others get a block of their own, into which conditions on
//! their output columns are pushed where the planner would (`subquery_push_qual`).
//!
//! `from` builds range tables, `query` goes through SELECT's clauses, `dml` through the other statements, `expr`
//! resolves names, `condition` splits conditions and `predicate` classifies them, `facts` says what an expression
//! reads and how long its value lasts.

mod condition;
mod dml;
mod expr;
mod facts;
mod from;
mod pattern;
mod predicate;
mod query;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::snapshot::{AttrNumber, Oid, Table};
use crate::sql::ast::{Cte, Expr, Statement, SublinkKind};

use super::query::{BlockRole, BoundQuery, QueryBlock, QueryKind, Relation, Write};
use super::resolver::Resolver;

/// What a slot stands for.
#[derive(Debug, Clone)]
enum Slot {
    /// A column of a relation.
    Column { block: usize, relation: usize, column: ColumnKey },
    /// A subquery in an expression.
    Subquery(Subquery),
}

/// Which column of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ColumnKey {
    /// A base table's.
    Base(AttrNumber),
    /// A derived relation's, by position.
    Output(usize),
    /// One that the catalog does not know: a function's, a system column.
    Unknown(String),
}

/// A subquery in an expression, bound.
#[derive(Debug, Clone)]
struct Subquery {
    kind: SublinkKind,
    op: String,
    test: Option<Box<Expr>>,
    outputs: Vec<Output>,
    /// Slots of enclosing blocks that it reads.
    outer: BTreeSet<u32>,
}

/// An output column of a block.
#[derive(Debug, Clone)]
struct Output {
    name: String,
    /// Where it comes from: block and expression, one for each branch of a set operation.
    sources: Vec<(usize, Expr)>,
    /// Whether a condition on it may be applied to the sources instead.
    pushable: bool,
}

/// A WITH query in scope.
#[derive(Debug, Clone)]
enum CteDefinition<'a> {
    /// Bound where it is referred to, as the planner does with one that is referred to once.
    Inline(&'a Cte),
    /// Bound once.
    Bound { name: String, outputs: Vec<Output> },
    /// Being bound: a recursive reference.
    Open { name: String, columns: Vec<String> },
}

impl CteDefinition<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Inline(cte) => &cte.name,
            Self::Bound { name, .. } | Self::Open { name, .. } => name,
        }
    }
}

/// What the binder remembers of a block beyond the [`QueryBlock`].
#[derive(Debug, Default)]
struct BlockNotes {
    /// For each relation, its output columns if it is derived.
    derived: Vec<Vec<Output>>,
    /// The enclosing block, if this one is what a plain EXISTS tests: a semi-join's inner side.
    semi_join_of: Option<usize>,
}

pub(super) struct Binder<'a> {
    resolver: &'a Resolver<'a>,
    blocks: Vec<QueryBlock>,
    notes: Vec<BlockNotes>,
    slots: Vec<Slot>,
    columns: FxHashMap<(usize, usize, ColumnKey), u32>,
    ctes: Vec<CteDefinition<'a>>,
    /// Views being expanded, against cycles.
    views: Vec<Oid>,
    /// Views and WITH queries expanded so far, against definitions that double at each step.
    expansions: usize,
    /// For each subquery being bound, its first block and the slots of earlier blocks met within.
    outer: Vec<(usize, BTreeSet<u32>)>,
    /// Set when the next subquery is what a plain EXISTS of this block tests.
    pending_semi_join: Option<usize>,
    writes: Vec<Write>,
    functions: BTreeSet<String>,
    parameters: u32,
    or_groups: u32,
    locks_rows: bool,
    unresolved: Vec<String>,
    /// Lists in the text stand for lists of any length (`$1 /*, ... */`).
    squashed_lists: bool,
    pub(super) tables_met: usize,
    pub(super) system_met: usize,
    pub(super) unknown_met: usize,
}

/// How many views and WITH queries one statement may expand. PostgreSQL knows no limit; a text that needs more than this
/// nests definitions that each use another twice.
const MAX_EXPANSIONS: usize = 1_000;

impl<'a> Binder<'a> {
    pub(super) fn new(resolver: &'a Resolver<'a>, squashed_lists: bool) -> Self {
        Self {
            resolver,
            blocks: Vec::new(),
            notes: Vec::new(),
            slots: Vec::new(),
            columns: FxHashMap::default(),
            ctes: Vec::new(),
            views: Vec::new(),
            expansions: 0,
            outer: Vec::new(),
            pending_semi_join: None,
            writes: Vec::new(),
            functions: BTreeSet::new(),
            parameters: 0,
            or_groups: 0,
            locks_rows: false,
            unresolved: Vec::new(),
            squashed_lists,
            tables_met: 0,
            system_met: 0,
            unknown_met: 0,
        }
    }

    /// Binds a whole statement. Utility statements give an empty query; the caller has sorted them out.
    pub(super) fn statement(&mut self, statement: &'a Statement) -> QueryKind {
        match statement {
            Statement::Query(query) => {
                self.query(query, None, BlockRole::Top, true);
                self.writes.first().map_or(QueryKind::Select, |write| write.kind.into())
            }
            other => self.dml(other, None, BlockRole::Top).0,
        }
    }

    pub(super) fn finish(self, kind: QueryKind) -> BoundQuery {
        BoundQuery {
            kind,
            blocks: self.blocks,
            writes: self.writes,
            locks_rows: self.locks_rows,
            functions: self.functions,
            parameters: self.parameters,
            unresolved: self.unresolved,
        }
    }

    fn new_block(&mut self, role: BlockRole) -> usize {
        self.blocks.push(QueryBlock { role, ..QueryBlock::default() });
        self.notes.push(BlockNotes::default());
        self.blocks.len() - 1
    }

    fn new_relation(&mut self, block: usize, relation: Relation, outputs: Vec<Output>) -> usize {
        self.blocks[block].relations.push(relation);
        self.notes[block].derived.push(outputs);
        self.blocks[block].relations.len() - 1
    }

    /// Counts one more view or WITH query expanded; false where that was one too many.
    fn may_expand(&mut self) -> bool {
        self.expansions += 1;
        self.expansions <= MAX_EXPANSIONS
    }

    fn note_unresolved(&mut self, what: String) {
        if !self.unresolved.contains(&what) {
            self.unresolved.push(what);
        }
    }

    /// The slot of a column.
    fn column_slot(&mut self, block: usize, relation: usize, column: ColumnKey) -> u32 {
        let key = (block, relation, column);
        if let Some(slot) = self.columns.get(&key) {
            return *slot;
        }
        let (_, _, column) = key.clone();
        let slot = self.push_slot(Slot::Column { block, relation, column });
        self.columns.insert(key, slot);
        slot
    }

    fn push_slot(&mut self, slot: Slot) -> u32 {
        self.slots.push(slot);
        // A text of one megabyte cannot name four milliards of columns.
        u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
    }

    fn slot(&self, slot: u32) -> Option<&Slot> {
        self.slots.get(usize::try_from(slot).ok()?)
    }

    /// The base table of a relation.
    fn table(&self, block: usize, relation: usize) -> Option<&'a Table> {
        let oid = self.blocks.get(block)?.relations.get(relation)?.table?;
        self.resolver.catalog().table(oid)
    }

    fn write(&mut self, write: Write) {
        match self.writes.iter_mut().find(|w| w.table == write.table && w.kind == write.kind) {
            Some(known) => known.columns.extend(write.columns),
            None => self.writes.push(write),
        }
    }
}
