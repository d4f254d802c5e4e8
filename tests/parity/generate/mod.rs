//! Statements composed at random: predicates of every kind, joins, grouping, order, limits, set operations, subqueries,
//! and writes, over the tables of a snapshot and with values that its tables really hold. The same seed and data give the
//! same statements.

mod predicate;
mod query;

use std::collections::BTreeMap;

use pgwise::snapshot::{Snapshot, TableKind};
use pgwise::sql::quote;

use crate::database::Source;
use crate::random::Random;

/// Values taken from each column.
const VALUES: usize = 40;

/// What a column's type lets one ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Time,
    Text,
    Bool,
    /// Equality is all there is.
    Opaque,
    Json,
    TextArray,
    Words,
}

#[derive(Debug)]
struct Column {
    name: String,
    kind: Kind,
    nullable: bool,
    /// Literals, ready to stand in SQL, in ascending order.
    values: Vec<String>,
}

#[derive(Debug)]
struct Table {
    name: String,
    columns: Vec<Column>,
    /// Foreign keys of one column: column, table referenced, column there.
    references: Vec<(String, usize, String)>,
}

impl Table {
    fn of_kind(&self, kinds: &[Kind]) -> Vec<&Column> {
        self.columns.iter().filter(|c| kinds.contains(&c.kind)).collect()
    }
}

/// A generator at work on one statement.
struct Generator<'a> {
    random: Random,
    tables: &'a [Table],
    /// Aliases given in this statement.
    aliases: usize,
    /// Parameters used in this statement; `None` where it has literals.
    parameters: Option<usize>,
}

impl Generator<'_> {
    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// A value: as it is, or a parameter in its place.
    fn value(&mut self, literal: &str) -> String {
        match &mut self.parameters {
            Some(used) => {
                *used += 1;
                // With the literal's type, so that the statement means one thing.
                literal.rsplit_once("::").map_or_else(|| format!("${used}"), |(_, ty)| format!("${used}::{ty}"))
            }
            None => literal.to_owned(),
        }
    }
}

/// Share of statements with parameters, in percent.
const PARAMETERISED: usize = 25;

/// So many different statements; some of them the server may not take.
pub(crate) async fn statements(source: &Source, snapshot: &Snapshot, count: usize, seed: u64) -> Vec<String> {
    let tables = read(source, snapshot, seed).await;
    let mut random = Random::new(seed);
    let mut statements = Vec::with_capacity(count);
    while statements.len() < count {
        let parameters = random.percent(PARAMETERISED).then_some(0);
        let mut generator = Generator { random, tables: &tables, aliases: 0, parameters };
        let text = generator.statement();
        random = generator.random;
        if !statements.contains(&text) {
            statements.push(text);
        }
    }
    statements
}

async fn read(source: &Source, snapshot: &Snapshot, seed: u64) -> Vec<Table> {
    let tables: Vec<_> = snapshot.catalog.tables.iter().filter(|t| t.kind == TableKind::Ordinary).collect();
    let position: BTreeMap<u32, usize> = tables.iter().enumerate().map(|(n, t)| (t.oid, n)).collect();
    let mut read = Vec::new();
    for table in &tables {
        let name = quote::ident(&table.name);
        let mut columns = Vec::new();
        for column in &table.columns {
            let (Some(kind), ident) = (kind(&column.ty.base), quote::ident(&column.name)) else { continue };
            // A column's values as literals with their type; the order is that of the values.
            let sql = format!(
                "select quote_literal(v) || '::{}' from (select distinct {ident} as v from (select {ident} from {name} \
                 where {ident} is not null order by md5(ctid::text || '{seed}') limit {VALUES}) s) d order by v",
                column.ty.name
            );
            let rows = source.texts(&sql).await;
            let values: Vec<String> = rows.into_iter().flatten().flatten().collect();
            if !values.is_empty() {
                columns.push(Column { name: ident, kind, nullable: !column.not_null, values });
            }
        }
        let references = table.foreign_keys.iter().filter_map(|key| {
            let ([own], [there]) = (&key.columns[..], &key.referenced_columns[..]) else { return None };
            let other = *position.get(&key.references)?;
            let there = tables[other].column(*there)?;
            Some((quote::ident(&table.column(*own)?.name), other, quote::ident(&there.name)))
        });
        read.push(Table { references: references.collect(), name, columns });
    }
    read
}

fn kind(base: &str) -> Option<Kind> {
    Some(match base {
        "int2" | "int4" | "int8" | "numeric" | "float8" => Kind::Number,
        "date" | "timestamp" | "timestamptz" => Kind::Time,
        "text" | "varchar" | "bpchar" => Kind::Text,
        "bool" => Kind::Bool,
        "uuid" => Kind::Opaque,
        "jsonb" => Kind::Json,
        "_text" => Kind::TextArray,
        "tsvector" => Kind::Words,
        _ => return None,
    })
}
