//! An [`IndexSpec`] as SQL: CREATE, DROP, names, and the partition-safe script.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::snapshot::{AttrNumber, Catalog, IndexMethod, IndexSpec, KeySpec, KeyTarget, Oid, Table, TableKind};
use crate::sql::quote;

/// Longest name PostgreSQL keeps, in bytes (`NAMEDATALEN - 1`); it cuts longer ones silently.
const NAME_BYTES: usize = 63;
/// What ends every name that pgwise chooses, as PostgreSQL's own (`ChooseIndexName`).
const NAME_SUFFIX: &str = "_idx";
/// Stands for an expression in a name, as in `ChooseIndexColumnNames`.
const EXPRESSION_NAME: &str = "expr";
/// Hexadecimal digits of the spec's hash that tell two names apart.
const HASH_DIGITS: usize = 8;

/// How an index is built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Build {
    /// Plain CREATE INDEX: blocks writes while it runs.
    #[default]
    Plain,
    /// CONCURRENTLY: blocks nobody; not for partitioned tables, nor inside a transaction block.
    Concurrently,
    /// ON ONLY a partitioned table: makes the parent's entry without touching the partitions.
    OnlyParent,
}

/// One complete CREATE INDEX statement, quoted and qualified, without a semicolon. Without a name the server chooses.
///
/// A column number that the table lacks appears as a name no table has, so that the server refuses the statement.
pub fn create_index(spec: &IndexSpec, table: &Table, name: Option<&str>, build: Build) -> String {
    let mut sql = String::from(if spec.unique { "CREATE UNIQUE INDEX" } else { "CREATE INDEX" });
    if build == Build::Concurrently {
        sql.push_str(" CONCURRENTLY");
    }
    if let Some(name) = name {
        sql.push(' ');
        sql.push_str(&quote::ident(name));
    }
    sql.push_str(if build == Build::OnlyParent { " ON ONLY " } else { " ON " });
    sql.push_str(&quote::qualified(&table.schema, &table.name));
    // B-tree is the default method. Writing to a String cannot fail.
    if spec.method != IndexMethod::Btree {
        let _ = write!(sql, " USING {}", spec.method);
    }
    let _ = write!(sql, " ({})", key_columns(spec, table).join(", "));
    if !spec.include.is_empty() {
        let _ = write!(sql, " INCLUDE ({})", include_columns(spec, table).join(", "));
    }
    if let Some(pages) = spec.pages_per_range {
        let _ = write!(sql, " WITH (pages_per_range = {pages})");
    }
    if let Some(predicate) = &spec.predicate {
        let _ = write!(sql, " WHERE {predicate}");
    }
    sql
}

/// DROP INDEX for an index of this schema, without a semicolon. CONCURRENTLY is not for partitioned indexes, nor for
/// those that back a constraint.
pub fn drop_index(schema: &str, name: &str, concurrently: bool) -> String {
    let how = if concurrently { "DROP INDEX CONCURRENTLY" } else { "DROP INDEX" };
    format!("{how} {}", quote::qualified(schema, name))
}

/// The keys as they stand in the DDL: quoted, expressions in parentheses, with what is not default.
pub fn key_columns(spec: &IndexSpec, table: &Table) -> Vec<String> {
    spec.keys.iter().map(|key| key_column(key, table, spec.method)).collect()
}

/// The INCLUDE columns as they stand in the DDL.
pub fn include_columns(spec: &IndexSpec, table: &Table) -> Vec<String> {
    spec.include.iter().map(|attnum| column_name(table, *attnum)).collect()
}

/// The index in one phrase for messages and reports: `orders (customer_id, created_at DESC) WHERE …`.
pub fn describe(spec: &IndexSpec, table: &Table) -> String {
    let method = if spec.method == IndexMethod::Btree { String::new() } else { format!(" USING {}", spec.method) };
    let mut text =
        format!("{}{method} ({})", quote::qualified(&table.schema, &table.name), key_columns(spec, table).join(", "));
    if !spec.include.is_empty() {
        let _ = write!(text, " INCLUDE ({})", include_columns(spec, table).join(", "));
    }
    if let Some(predicate) = &spec.predicate {
        let _ = write!(text, " WHERE {predicate}");
    }
    text
}

fn key_column(key: &KeySpec, table: &Table, method: IndexMethod) -> String {
    let mut sql = match &key.target {
        KeyTarget::Column(attnum) => column_name(table, *attnum),
        KeyTarget::Expression(expression) => format!("({expression})"),
    };
    if let Some(collation) = &key.collation {
        let _ = write!(sql, " COLLATE {collation}");
    }
    if let Some(opclass) = &key.opclass {
        let _ = write!(sql, " {opclass}");
    }
    // Only a B-tree has an order; the others refuse the words.
    if method == IndexMethod::Btree {
        sql.push_str(match (key.descending, key.nulls_first) {
            (false, false) => "",
            (false, true) => " NULLS FIRST",
            (true, true) => " DESC",
            (true, false) => " DESC NULLS LAST",
        });
    }
    sql
}

fn column_name(table: &Table, attnum: AttrNumber) -> String {
    match table.column(attnum) {
        Some(column) => quote::ident(&column.name),
        None => quote::ident(&format!("no column {attnum}")),
    }
}

/// Chooses names for new indexes: readable, at most 63 bytes, free in the table's schema, and the same in every run.
///
/// A second index on the same columns gets a hash of its shape instead of PostgreSQL's running number, so that a
/// recommendation's name does not depend on what else is recommended.
#[derive(Debug, Clone, Default)]
pub struct Names {
    taken: BTreeMap<String, BTreeSet<String>>,
}

impl Names {
    /// Knows every relation of the catalog.
    pub fn new(catalog: &Catalog) -> Self {
        let mut names = Self::default();
        for table in &catalog.tables {
            names.take(&table.schema, &table.name);
            for index in &table.indexes {
                names.take(&table.schema, &index.name);
            }
        }
        for view in &catalog.views {
            names.take(&view.schema, &view.name);
        }
        names
    }

    /// A free name, taken from now on.
    pub fn choose(&mut self, spec: &IndexSpec, table: &Table) -> String {
        let base = base_name(spec, table);
        let plain = format!("{}{NAME_SUFFIX}", cut(&base, NAME_BYTES - NAME_SUFFIX.len()));
        let mut name = plain;
        let mut salt = 0_u32;
        while self.taken.get(&table.schema).is_some_and(|names| names.contains(&name)) {
            let hash = spec_hash(spec, table, salt);
            let room = NAME_BYTES - NAME_SUFFIX.len() - hash.len() - 1;
            name = format!("{}_{hash}{NAME_SUFFIX}", cut(&base, room));
            salt += 1;
        }
        self.take(&table.schema, &name);
        name
    }

    fn take(&mut self, schema: &str, name: &str) {
        self.taken.entry(schema.to_owned()).or_default().insert(name.to_owned());
    }
}

fn base_name(spec: &IndexSpec, table: &Table) -> String {
    let mut base = table.name.clone();
    for key in &spec.keys {
        base.push('_');
        match &key.target {
            KeyTarget::Column(attnum) => match table.column(*attnum) {
                Some(column) => base.push_str(&column.name),
                None => base.push_str(EXPRESSION_NAME),
            },
            KeyTarget::Expression(_) => base.push_str(EXPRESSION_NAME),
        }
    }
    base
}

/// The longest prefix of at most so many bytes that ends between characters (`pg_mbcliplen`).
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Hashes the definition rather than the spec, whose oid and column numbers differ between copies of a database.
fn spec_hash(spec: &IndexSpec, table: &Table, salt: u32) -> String {
    let definition = create_index(spec, table, None, Build::Plain);
    let digest = Sha256::digest(format!("{definition}\n{salt}"));
    let mut hex = String::new();
    for byte in digest.iter().take(HASH_DIGITS / 2) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// The statements that build an index on a table without blocking writes, in order, each complete and without a
/// semicolon. For an ordinary table it is one CREATE INDEX CONCURRENTLY. For a partitioned one: the parents' entries
/// by ON ONLY, each leaf's index CONCURRENTLY, and an ALTER INDEX … ATTACH PARTITION for each; the parent's index
/// becomes valid with the last of them.
pub fn create_script(spec: &IndexSpec, table: &Table, name: &str, catalog: &Catalog, names: &mut Names) -> Vec<String> {
    if table.kind != TableKind::Partitioned {
        return vec![create_index(spec, table, Some(name), Build::Concurrently)];
    }
    let mut script = vec![create_index(spec, table, Some(name), Build::OnlyParent)];
    script_partitions(spec, table, name, catalog, names, &mut script);
    script
}

fn script_partitions(
    spec: &IndexSpec,
    parent: &Table,
    parent_index: &str,
    catalog: &Catalog,
    names: &mut Names,
    script: &mut Vec<String>,
) {
    for partition in catalog.partitions_of(parent.oid) {
        // PostgreSQL leaves foreign partitions out of a partitioned index.
        if partition.kind == TableKind::Foreign {
            continue;
        }
        let Some(own) = for_partition(spec, parent, partition) else { continue };
        // A partition that has such an index already needs only the attachment, as in `DefineIndex`.
        let existing = partition.indexes.iter().find(|index| {
            index.valid && index.parent.is_none() && index.constraint.is_none() && index.spec(partition.oid) == own
        });
        let index = if let Some(index) = existing {
            index.name.clone()
        } else {
            let name = names.choose(&own, partition);
            if partition.kind == TableKind::Partitioned {
                script.push(create_index(&own, partition, Some(&name), Build::OnlyParent));
                script_partitions(&own, partition, &name, catalog, names, script);
            } else {
                script.push(create_index(&own, partition, Some(&name), Build::Concurrently));
            }
            name
        };
        script.push(format!(
            "ALTER INDEX {} ATTACH PARTITION {}",
            quote::qualified(&parent.schema, parent_index),
            quote::qualified(&partition.schema, &index)
        ));
    }
}

/// The same index on a partition, whose columns may be numbered differently. `None` if it lacks one.
pub fn for_partition(spec: &IndexSpec, parent: &Table, partition: &Table) -> Option<IndexSpec> {
    let renumber = |attnum: AttrNumber| partition.column_named(&parent.column(attnum)?.name).map(|c| c.attnum);
    let mut own = spec.clone();
    own.table = partition.oid;
    for key in &mut own.keys {
        if let KeyTarget::Column(attnum) = &mut key.target {
            *attnum = renumber(*attnum)?;
        }
    }
    for attnum in &mut own.include {
        *attnum = renumber(*attnum)?;
    }
    own.include.sort_unstable();
    Some(own)
}

/// Every leaf partition under a partitioned table, foreign ones left out, in the catalog's order; the table itself if
/// it is not partitioned.
pub fn leaves(table: Oid, catalog: &Catalog) -> Vec<&Table> {
    let mut found = Vec::new();
    let mut pending = vec![table];
    while let Some(oid) = pending.pop() {
        match catalog.table(oid) {
            Some(t) if t.kind == TableKind::Partitioned => pending.extend(catalog.partitions_of(oid).map(|p| p.oid)),
            Some(t) if t.kind != TableKind::Foreign => found.push(t),
            Some(_) | None => {}
        }
    }
    found.sort_unstable_by_key(|t| t.oid);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whatif::fixture::{column, table};

    fn spec(keys: Vec<KeySpec>) -> IndexSpec {
        IndexSpec {
            table: 1,
            method: IndexMethod::Btree,
            keys,
            include: vec![],
            predicate: None,
            unique: false,
            pages_per_range: None,
        }
    }

    #[test]
    fn everything_not_default_is_printed_and_quoted() {
        let t = table(1, "Sales", "order", vec![column(1, "id", "int4", 4), column(3, "Total", "numeric", -1)]);
        let mut key = KeySpec::column(3);
        key.descending = true;
        let mut lower = KeySpec::expression("lower(name)");
        lower.opclass = Some("text_pattern_ops".into());
        lower.collation = Some("\"C\"".into());
        lower.nulls_first = true;
        let mut index = spec(vec![key, lower]);
        index.include = vec![1];
        index.predicate = Some("deleted_at IS NULL".into());
        assert_eq!(
            create_index(&index, &t, Some("My Idx"), Build::Concurrently),
            "CREATE INDEX CONCURRENTLY \"My Idx\" ON \"Sales\".\"order\" (\"Total\" DESC NULLS LAST, \
             (lower(name)) COLLATE \"C\" text_pattern_ops NULLS FIRST) INCLUDE (id) WHERE deleted_at IS NULL"
        );
        assert_eq!(drop_index("Sales", "My Idx", true), "DROP INDEX CONCURRENTLY \"Sales\".\"My Idx\"");
    }

    #[test]
    fn methods_without_order_get_no_direction() {
        let t = table(1, "s", "t", vec![column(1, "doc", "jsonb", -1)]);
        let mut key = KeySpec::column(1);
        key.opclass = Some("jsonb_path_ops".into());
        key.descending = true;
        let mut index = spec(vec![key]);
        index.method = IndexMethod::Gin;
        assert_eq!(create_index(&index, &t, None, Build::Plain), "CREATE INDEX ON s.t USING gin (doc jsonb_path_ops)");
    }

    #[test]
    fn names_are_short_free_and_the_same_every_time() {
        let long = "ü".repeat(31);
        let t = table(1, "s", &long, vec![column(1, "a", "int4", 4)]);
        let index = spec(vec![KeySpec::column(1)]);
        let mut descending = index.clone();
        descending.keys[0].descending = true;
        let mut names = Names::default();
        let first = names.choose(&index, &t);
        let second = names.choose(&descending, &t);
        assert!(first.len() <= NAME_BYTES && second.len() <= NAME_BYTES, "{first} {second}");
        assert_ne!(first, second);
        // The name does not depend on the order of choosing beyond the first.
        let mut again = Names::default();
        again.choose(&index, &t);
        assert_eq!(again.choose(&descending, &t), second);
    }

    #[test]
    fn the_script_of_a_partitioned_table_reaches_every_leaf() {
        let mut root = table(1, "s", "root", vec![column(1, "id", "int4", 4), column(2, "day", "date", 4)]);
        root.kind = TableKind::Partitioned;
        // Attached tables number their columns in their own order.
        let mut sub = table(2, "s", "sub", vec![column(1, "day", "date", 4), column(2, "id", "int4", 4)]);
        sub.kind = TableKind::Partitioned;
        sub.partition_of = Some(crate::whatif::fixture::partition_of(1, 1));
        let mut leaf = table(3, "s", "leaf", vec![column(1, "id", "int4", 4), column(2, "day", "date", 4)]);
        leaf.partition_of = Some(crate::whatif::fixture::partition_of(2, 1));
        let mut foreign = leaf.clone();
        foreign.oid = 4;
        foreign.kind = TableKind::Foreign;
        let catalog = Catalog { tables: vec![root.clone(), sub, leaf, foreign], ..Catalog::default() };
        let mut names = Names::new(&catalog);
        let index = spec(vec![KeySpec::column(2)]);
        let name = names.choose(&index, &root);
        assert_eq!(
            create_script(&index, &root, &name, &catalog, &mut names),
            [
                "CREATE INDEX root_day_idx ON ONLY s.root (day)",
                "CREATE INDEX sub_day_idx ON ONLY s.sub (day)",
                "CREATE INDEX CONCURRENTLY leaf_day_idx ON s.leaf (day)",
                "ALTER INDEX s.sub_day_idx ATTACH PARTITION s.leaf_day_idx",
                "ALTER INDEX s.root_day_idx ATTACH PARTITION s.sub_day_idx",
            ]
        );
        assert_eq!(leaves(1, &catalog).iter().map(|t| t.oid).collect::<Vec<_>>(), [3]);
    }
}
