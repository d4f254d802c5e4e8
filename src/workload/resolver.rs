//! Names of tables, views and functions to what the snapshot's catalog holds.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::snapshot::{Catalog, Snapshot, Table, View, Volatility};
use crate::sql::ast::{Query, Statement, TableName};
use crate::sql::{self};

/// Looks names up as the server would: in the schema given, else along the search path; a table found nowhere on the
/// path but in exactly one other schema is taken from there, because the statement ran under a path of its own.
#[derive(Debug)]
pub struct Resolver<'a> {
    catalog: &'a Catalog,
    search_path: Vec<String>,
    relations: FxHashMap<&'a str, Vec<Named<'a>>>,
    functions: FxHashMap<&'a str, Vec<(&'a str, Volatility)>>,
    definitions: Vec<OnceLock<Option<Query>>>,
}

/// A table or view of one name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named<'a> {
    Table(&'a Table),
    View(&'a View, usize),
}

impl Named<'_> {
    fn schema(&self) -> &str {
        match self {
            Self::Table(table) => &table.schema,
            Self::View(view, _) => &view.schema,
        }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lookup<'a> {
    /// A table.
    Table(&'a Table),
    /// A view, with its position for [`Resolver::definition`].
    View(&'a View, usize),
    /// One of PostgreSQL's own.
    System,
    /// Nothing that the catalog holds.
    Unknown,
}

impl<'a> Resolver<'a> {
    /// A resolver for a snapshot, with the search path in force when it was taken.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self::with_catalog(&snapshot.catalog, &snapshot.server.search_path)
    }

    /// A resolver for a catalog and a search path.
    pub fn with_catalog(catalog: &'a Catalog, search_path: &[String]) -> Self {
        let mut relations: FxHashMap<&str, Vec<Named<'_>>> = FxHashMap::default();
        for table in &catalog.tables {
            relations.entry(&table.name).or_default().push(Named::Table(table));
        }
        for (i, view) in catalog.views.iter().enumerate().filter(|(_, view)| !view.materialized) {
            relations.entry(&view.name).or_default().push(Named::View(view, i));
        }
        let mut functions: FxHashMap<&str, Vec<(&str, Volatility)>> = FxHashMap::default();
        for function in &catalog.functions {
            functions.entry(&function.name).or_default().push((&function.schema, function.volatility));
        }
        Self {
            catalog,
            search_path: search_path.to_vec(),
            relations,
            functions,
            definitions: catalog.views.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    pub(super) fn catalog(&self) -> &'a Catalog {
        self.catalog
    }

    pub(super) fn relation(&self, name: &TableName) -> Lookup<'a> {
        let all = self.relations.get(name.name.as_str()).map_or(&[][..], Vec::as_slice);
        let found = match &name.schema {
            Some(schema) => all.iter().find(|n| n.schema() == schema),
            None => self
                .search_path
                .iter()
                .find_map(|schema| all.iter().find(|n| n.schema() == schema))
                .or_else(|| if all.len() == 1 { all.first() } else { None }),
        };
        match found {
            Some(Named::Table(table)) => Lookup::Table(self.topmost(table)),
            Some(Named::View(view, i)) => Lookup::View(view, *i),
            None if is_system(name) => Lookup::System,
            None => Lookup::Unknown,
        }
    }

    /// The partitioned table that a partition belongs to; itself for any other.
    fn topmost(&self, table: &'a Table) -> &'a Table {
        table.partition_of.as_ref().and_then(|p| self.catalog.table(p.root)).unwrap_or(table)
    }

    /// A view's query, parsed on first use.
    pub(super) fn definition(&'a self, position: usize) -> Option<&'a Query> {
        let cell = self.definitions.get(position)?;
        let parse = || match sql::parse(&self.catalog.views.get(position)?.definition).ok()?.pop()? {
            Statement::Query(query) => Some(*query),
            _ => None,
        };
        cell.get_or_init(parse).as_ref()
    }

    /// The worst volatility among the user's functions of this name (and schema, if given); `None` if there is none.
    pub(super) fn user_function(&self, schema: Option<&str>, name: &str) -> Option<Volatility> {
        let all = self.functions.get(name)?.iter();
        all.filter(|(s, _)| schema.is_none_or(|given| given == *s)).map(|(_, volatility)| *volatility).max()
    }
}

fn is_system(name: &TableName) -> bool {
    match &name.schema {
        Some(schema) => schema == "pg_catalog" || schema == "information_schema" || schema.starts_with("pg_toast"),
        None => name.name.starts_with("pg_"),
    }
}
