//! Names of tables, types and collations.

use crate::planner::env::Env;
use crate::planner::expr::types;
use crate::snapshot::{Column as TableColumn, Oid, Table, View};
use crate::sql::ast::{Expr, Literal, TableName, TypeName};

use super::{Analyzer, Result, refuse};

/// What a table's name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Relation<'a> {
    Table(&'a Table),
    View(&'a View),
    /// One of the server's own, which the snapshot does not hold.
    System,
}

impl<'a> Analyzer<'a> {
    /// Looks a table up as the server would: in the schema given, else along the search path, else in the only schema
    /// that has it.
    pub(super) fn relation(&self, name: &TableName) -> Result<Relation<'a>> {
        let catalog = &self.env.snapshot.catalog;
        let tables = catalog.tables.iter().filter(|t| t.name == name.name).map(|t| (&t.schema, Relation::Table(t)));
        let views = catalog.views.iter().filter(|v| v.name == name.name && !v.materialized);
        let all: Vec<_> = tables.chain(views.map(|v| (&v.schema, Relation::View(v)))).collect();
        let found = if let Some(schema) = &name.schema {
            all.iter().find(|(s, _)| *s == schema)
        } else {
            let path = &self.env.snapshot.server.search_path;
            let on_path = path.iter().find_map(|schema| all.iter().find(|(s, _)| *s == schema));
            on_path.or(if all.len() == 1 { all.first() } else { None })
        };
        let system = match &name.schema {
            Some(schema) => schema == "pg_catalog" || schema == "information_schema" || schema.starts_with("pg_toast"),
            None => name.name.starts_with("pg_"),
        };
        match found {
            Some((_, relation)) => Ok(*relation),
            None if system => Ok(Relation::System),
            None => refuse(format!("relation {} does not exist", name.name)),
        }
    }

    /// A type with its modifier.
    pub(super) fn type_name(&self, name: &TypeName) -> Result<(Oid, i32)> {
        let Some(oid) = self.facts.type_named(name.schema.as_deref(), &name.name) else {
            return refuse(format!("type {} does not exist", name.name));
        };
        let numbers: Vec<i32> = name
            .modifiers
            .iter()
            .filter_map(|m| match m {
                Expr::Literal(Literal::Integer(i)) => Some(*i),
                _ => None,
            })
            .collect();
        let typmod = typmod(oid, &numbers);
        if name.array {
            return match self.facts.array_of(oid) {
                0 => refuse(format!("type {} has no array", name.name)),
                array => Ok((array, typmod)),
            };
        }
        Ok((oid, typmod))
    }

    /// The collation of a column.
    pub(super) fn column_collation(&self, column: &TableColumn) -> Oid {
        column.collation.as_deref().map_or(0, |name| collation(self.env, name))
    }
}

/// A type's modifier from the numbers in brackets (`typmodin`).
fn typmod(ty: Oid, numbers: &[i32]) -> i32 {
    match (ty, numbers) {
        (types::VARCHAR | types::BPCHAR, [length]) => length + 4,
        (types::NUMERIC, [precision]) => (precision << 16) + 4,
        (types::NUMERIC, [precision, scale]) => ((precision << 16) | (scale & 0x7ff)) + 4,
        (types::TIME | types::TIMESTAMP | types::TIMESTAMPTZ | 1266 | 1560 | 1562, [precision]) => *precision,
        _ => -1,
    }
}

/// A collation's oid from its name, qualified and quoted or not. Those that are no part of every server get numbers of
/// pgwise's own, the same for the same name.
pub(super) fn collation(_env: &Env<'_>, name: &str) -> Oid {
    match name.rsplit('.').next().unwrap_or(name).trim_matches('"') {
        "default" => 100,
        "C" => 950,
        "POSIX" => 951,
        "ucs_basic" => 962,
        other => {
            let hash = other.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
            0xE000_0000 | (hash & 0x00FF_FFFF)
        }
    }
}
