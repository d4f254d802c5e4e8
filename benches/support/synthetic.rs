//! A snapshot of thousands of tables: copies of the shop, of different sizes, with more indexes than anybody needs and
//! statements of every shape.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pgwise::snapshot::{Index, IndexKey, Oid, Snapshot, Table};

use super::statements::{JOINS, SINGLE_TABLE};
use super::{Random, shop, statement};

/// How large.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Tables.
    pub(crate) tables: usize,
    /// Indexes.
    pub(crate) indexes: usize,
    /// Statements.
    pub(crate) statements: usize,
}

/// Oids of a copy's objects lie so far from those of the copy before.
const STRIDE: Oid = 1_000;
/// Oids of indexes that the shop does not have.
const MORE_INDEXES: Oid = 100_000_000;

/// The snapshot.
pub(crate) fn synthetic(scale: Scale) -> Snapshot {
    let mut random = Random::new(42);
    let mut snapshot = shop();
    let model = std::mem::take(&mut snapshot.catalog.tables);
    let texts = std::mem::take(&mut snapshot.statements.items);
    let own: Vec<&str> = texts.iter().map(|s| s.query.as_str()).collect();
    let names: Vec<String> = model.iter().map(|t| t.name.clone()).collect();
    let copies = scale.tables.div_ceil(model.len());
    let mut tables: Vec<Table> = Vec::with_capacity(copies * model.len());
    for copy in 0..copies {
        // From a hundredth of the shop to ten times its size.
        let factor = 10_f64.powf(random.below(300) as f64 / 100.0 - 2.0);
        tables.extend(model.iter().map(|table| copied(table, copy, factor, &names)));
    }
    tables.sort_by_key(|t| t.oid);
    tables.truncate(scale.tables);
    more_indexes(&mut tables, scale.indexes, &mut random);
    for table in &mut tables {
        table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
        table.indexes_bytes = Some(table.indexes.iter().filter_map(|i| i.bytes).sum());
    }
    let bytes: u64 = tables.iter().map(|t| t.heap_bytes.unwrap_or(0) + t.indexes_bytes.unwrap_or(0)).sum();
    snapshot.server.database_bytes = Some(bytes);
    let mut items = Vec::with_capacity(scale.statements);
    let whole = tables.len() / model.len();
    while items.len() < scale.statements {
        let copy = random.below(whole);
        let text = match random.below(10) {
            0..=3 => renamed(any(&own, &mut random), copy, &names),
            4 => renamed(any(JOINS, &mut random), copy, &names),
            5 => renamed(any(SINGLE_TABLE, &mut random), copy, &names),
            6 | 7 => along_foreign_keys(&tables, &model, copy, &mut random),
            _ => of_one_table(&tables[copy * model.len() + random.below(model.len())], &mut random),
        };
        let calls = 10_u64.pow(1 + u32::try_from(random.below(5)).unwrap());
        let mean_ms = 10_f64.powf(random.below(400) as f64 / 100.0 - 2.0);
        items.push(statement(items.len() + 1, &text, calls, mean_ms));
    }
    items.sort_by(|a, b| b.total_ms.total_cmp(&a.total_ms));
    snapshot.statements.total_calls = items.iter().map(|s| s.calls).sum();
    snapshot.statements.total_time_ms = items.iter().map(|s| s.total_ms).sum();
    snapshot.statements.items = items;
    snapshot.catalog.tables = tables;
    snapshot.schema = None;
    snapshot
}

fn any<'t>(texts: &[&'t str], random: &mut Random) -> &'t str {
    random.pick::<&str>(texts)
}

/// A text about another copy's tables.
fn renamed(text: &str, copy: usize, names: &[String]) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        out.push_str(&word);
        if names.contains(&word) {
            let _ = write!(out, "_{copy}");
        }
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

fn oid(of: Oid, copy: usize) -> Oid {
    of + STRIDE * u32::try_from(copy).unwrap()
}

fn pages(of: u32, factor: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some pages")]
    let scaled = (f64::from(of) * factor).ceil() as u32;
    scaled.max(1)
}

fn copied(table: &Table, copy: usize, factor: f64, names: &[String]) -> Table {
    let mut table = table.clone();
    table.oid = oid(table.oid, copy);
    table.name = format!("{}_{copy}", table.name);
    table.reltuples = (table.reltuples * factor).ceil();
    table.relpages = pages(table.relpages, factor);
    table.relallvisible = table.relallvisible.min(table.relpages);
    table.actual_pages = Some(table.relpages);
    table.heap_bytes = Some(u64::from(table.relpages) * 8192);
    for key in &mut table.foreign_keys {
        key.references = oid(key.references, copy);
        key.name = format!("{}_{copy}", key.name);
    }
    for index in &mut table.indexes {
        index.oid = oid(index.oid, copy);
        index.name = format!("{}_{copy}", index.name);
        index.definition = index.definition.as_ref().map(|d| renamed(d, copy, names));
        index.constraint = index.constraint.as_ref().map(|c| format!("{c}_{copy}"));
        for key in &mut index.referenced_by_foreign_keys {
            *key = format!("{key}_{copy}");
        }
        index.relpages = pages(index.relpages, factor);
        index.reltuples = (index.reltuples * factor).ceil();
        index.bytes = Some(u64::from(index.relpages) * 8192);
    }
    table
}

/// Indexes of one to three columns, some of them the beginnings or doubles of others.
fn more_indexes(tables: &mut [Table], wanted: usize, random: &mut Random) {
    let mut there: usize = tables.iter().map(|t| t.indexes.len()).sum();
    let mut next = MORE_INDEXES;
    while there < wanted {
        let table = random.below(tables.len());
        let table = &mut tables[table];
        let usable: Vec<i16> = table
            .columns
            .iter()
            .filter(|c| c.ty.default_opclasses.iter().any(|o| o == "btree") && c.ty.element.is_none())
            .map(|c| c.attnum)
            .collect();
        let mut columns: Vec<i16> = Vec::new();
        for _ in 0..=random.below(3) {
            let column = *random.pick(&usable);
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        let Some(model) = table.indexes.iter().find(|i| i.primary).cloned() else { continue };
        let index = index(table, &model, next, &columns);
        table.indexes.push(index);
        next += 1;
        there += 1;
    }
}

fn index(table: &Table, model: &Index, oid: Oid, columns: &[i16]) -> Index {
    let name = format!("{}_extra_{oid}", table.name);
    let keys: Vec<IndexKey> = columns
        .iter()
        .map(|attnum| {
            let column = table.column(*attnum).unwrap();
            IndexKey {
                column: Some(*attnum),
                expression: None,
                ty: Some(column.ty.clone()),
                opclass: format!("{}_ops", column.ty.base),
                collation: column.collation.clone(),
                ..model.keys[0].clone()
            }
        })
        .collect();
    let listed: Vec<&str> = columns.iter().map(|c| table.column(*c).unwrap().name.as_str()).collect();
    Index {
        oid,
        definition: Some(format!(
            "CREATE INDEX {name} ON {}.{} USING btree ({})",
            table.schema,
            table.name,
            listed.join(", ")
        )),
        name,
        keys,
        unique: false,
        primary: false,
        constraint: None,
        referenced_by_foreign_keys: Vec::new(),
        ..model.clone()
    }
}

/// Conditions on one or two columns, with an order and a limit as often as not.
fn of_one_table(table: &Table, random: &mut Random) -> String {
    let sortable: Vec<&str> = table
        .columns
        .iter()
        .filter(|c| c.ty.default_opclasses.iter().any(|o| o == "btree") && c.ty.element.is_none())
        .map(|c| c.name.as_str())
        .collect();
    let mut text = format!("select {}, {} from {}", random.pick(&sortable), random.pick(&sortable), table.name);
    for n in 1..=1 + random.below(2) {
        let joint = if n == 1 { "where" } else { "and" };
        let operator = random.pick(&["=", "=", "=", "<", ">="]);
        let _ = write!(text, " {joint} {} {operator} ${n}", random.pick(&sortable));
    }
    if random.below(2) == 0 {
        let _ = write!(text, " order by {} limit 20", random.pick(&sortable));
    }
    text
}

/// A join of two to five tables that refer to each other.
fn along_foreign_keys(tables: &[Table], model: &[Table], copy: usize, random: &mut Random) -> String {
    let own = &tables[copy * model.len()..(copy + 1) * model.len()];
    let by_oid: BTreeMap<Oid, &Table> = own.iter().map(|t| (t.oid, t)).collect();
    let first = loop {
        let table = random.pick(own);
        if !table.foreign_keys.is_empty() {
            break table;
        }
    };
    let mut joined: Vec<&Table> = vec![first];
    let mut from = format!("{} t0", first.name);
    for _ in 0..=random.below(4) {
        let from_table = random.below(joined.len());
        let Some(key) =
            joined[from_table].foreign_keys.first().filter(|_| joined[from_table].foreign_keys.len() == 1).or_else(
                || (!joined[from_table].foreign_keys.is_empty()).then(|| random.pick(&joined[from_table].foreign_keys)),
            )
        else {
            continue;
        };
        let Some(other) = by_oid.get(&key.references) else { continue };
        let alias = joined.len();
        let column = &joined[from_table].column(key.columns[0]).unwrap().name;
        let referenced = &other.column(key.referenced_columns[0]).unwrap().name;
        let _ = write!(from, " join {} t{alias} on t{alias}.{referenced} = t{from_table}.{column}", other.name);
        joined.push(other);
    }
    let (n, last) = (joined.len() - 1, joined[joined.len() - 1]);
    let usable: Vec<&str> = last
        .columns
        .iter()
        .filter(|c| c.ty.default_opclasses.iter().any(|o| o == "btree") && c.ty.element.is_none())
        .map(|c| c.name.as_str())
        .collect();
    let (condition, order) = (random.pick(&usable), random.pick(&usable));
    format!("select t0.*, t{n}.{order} from {from} where t{n}.{condition} = $1 order by t{n}.{order} limit 50")
}
