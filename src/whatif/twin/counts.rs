//! Production's counts of a relation's pages and rows, for the twin's `pg_class`.

use super::restore;
use crate::snapshot::{Index, Oid, Table};

/// What `pg_class` says of a relation's size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counts {
    /// The twin's relation.
    pub(super) oid: Oid,
    /// `relpages`.
    pub(super) pages: i32,
    /// `reltuples`, as `real` has it.
    pub(super) tuples: f64,
    /// `relallvisible`.
    pub(super) all_visible: i32,
    /// `relallfrozen`, of 18 and later.
    all_frozen: i32,
}

impl Counts {
    pub(super) fn of_table(oid: Oid, table: &Table) -> Self {
        let [pages, all_visible, all_frozen] =
            [table.relpages, table.relallvisible, table.relallfrozen.unwrap_or(0)].map(int);
        Self { oid, pages, tuples: table.reltuples, all_visible, all_frozen }
    }

    pub(super) fn of_index(oid: Oid, index: &Index) -> Self {
        Self::new(oid, u64::from(index.relpages), index.reltuples)
    }

    /// An index of so many pages and rows.
    pub(super) fn new(oid: Oid, pages: u64, tuples: f64) -> Self {
        Self { oid, pages: i32::try_from(pages).unwrap_or(i32::MAX), tuples, all_visible: 0, all_frozen: 0 }
    }

    /// The statement that writes them on this major version.
    pub(super) fn sql(&self, major: u32) -> String {
        let Self { oid, pages, tuples, all_visible, all_frozen } = *self;
        if major >= restore::SINCE {
            return restore::relation(oid, pages, tuples, all_visible, all_frozen);
        }
        format!(
            "UPDATE pg_catalog.pg_class SET relpages = {pages}, reltuples = {tuples}, relallvisible = {all_visible} \
             WHERE oid = {oid}"
        )
    }
}

fn int(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
