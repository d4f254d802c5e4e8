//! A snapshot's schema as SQL for an empty database.
//!
//! Statements come in an order in which most of them work; who runs them tries those that fail again after the others,
//! so that a function may need a table and a table a function. Materialised views become tables: the planner treats
//! them alike, and nothing has to run to make one. What has no rows needs no triggers, rules, owners or privileges.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::NotRecreated;
use crate::snapshot::{
    Catalog, Column, ExtendedStatistics, Index, Oid, Persistence, SchemaDdl, SchemaObject, SchemaObjectKind, Snapshot,
    Table, TableConstraint, TableKind,
};
use crate::sql::quote;

/// One statement, and what it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// For a message: `table public.orders`.
    pub(super) object: String,
    /// The statement.
    pub(super) sql: String,
}

/// The statements that recreate the schema, and what has none.
pub(super) fn script(snapshot: &Snapshot, schema: &SchemaDdl) -> (Vec<Step>, Vec<NotRecreated>) {
    let mut script = Script { catalog: &snapshot.catalog, steps: Vec::new(), left_out: Vec::new() };
    // Extensions live in schemas, and everything else may need extensions.
    let (schemas, others): (Vec<_>, Vec<_>) = schema.objects.iter().partition(|o| o.kind == SchemaObjectKind::Schema);
    for object in schemas {
        script.object(object);
    }
    for extension in &snapshot.server.extensions {
        if extension.installed_version.is_some() && extension.name != "plpgsql" {
            script.extension(&extension.name, extension.schema.as_deref());
        }
    }
    for object in others {
        script.object(object);
    }
    for table in &snapshot.catalog.tables {
        script.table(table);
    }
    for table in &snapshot.catalog.tables {
        script.attach(table);
    }
    script.indexes(schema);
    for (table, index) in snapshot.catalog.indexes() {
        script.attach_index(table, index);
    }
    for constraint in schema.constraints.iter().filter(|c| c.kind == "f") {
        script.constraint(constraint, false);
    }
    for view in snapshot.catalog.views.iter().filter(|v| !v.materialized) {
        let name = quote::qualified(&view.schema, &view.name);
        let columns = quote::ident_list(view.columns.iter().map(String::as_str));
        script.step(
            format!("view {}.{}", view.schema, view.name),
            format!("CREATE VIEW {name} {columns}{} AS {}", with_options(&view.options), view.definition),
        );
    }
    for object in &snapshot.catalog.extended_statistics {
        script.extended(object);
    }
    (script.steps, script.left_out)
}

fn kind_word(kind: SchemaObjectKind) -> &'static str {
    match kind {
        SchemaObjectKind::Schema => "schema",
        SchemaObjectKind::ForeignServer => "foreign server",
        SchemaObjectKind::Collation => "collation",
        SchemaObjectKind::Type => "type",
        SchemaObjectKind::Sequence => "sequence",
        SchemaObjectKind::Function => "function",
    }
}

struct Script<'a> {
    catalog: &'a Catalog,
    steps: Vec<Step>,
    left_out: Vec<NotRecreated>,
}

impl Script<'_> {
    fn step(&mut self, object: String, sql: String) {
        self.steps.push(Step { object, sql });
    }

    fn leave_out(&mut self, object: String, reason: &str) {
        self.left_out.push(NotRecreated { object, reason: reason.to_owned() });
    }

    fn object(&mut self, object: &SchemaObject) {
        let word = kind_word(object.kind);
        match &object.sql {
            Some(sql) => self.step(format!("{word} {}.{}", object.schema, object.name), sql.clone()),
            None => self.leave_out(
                format!("{word} {}.{}", object.schema, object.name),
                "it is written in a language, or is of a kind, that cannot be carried over",
            ),
        }
    }

    fn extension(&mut self, name: &str, schema: Option<&str>) {
        let place = schema.map(|s| format!(" SCHEMA {}", quote::ident(s))).unwrap_or_default();
        let sql = format!("CREATE EXTENSION IF NOT EXISTS {}{place} CASCADE", quote::ident(name));
        self.step(format!("extension {name}"), sql);
    }

    fn table(&mut self, table: &Table) {
        let object = format!("table {}", table.display_name());
        if table.persistence == Persistence::Temporary {
            return self.leave_out(object, "a temporary table belongs to one session");
        }
        let name = quote::qualified(&table.schema, &table.name);
        let mut parts: Vec<String> = table.columns.iter().map(|column| column_definition(column, table)).collect();
        for check in table.checks.iter().filter(|c| c.validated) {
            parts.push(format!("CONSTRAINT {} {}", quote::ident(&check.name), check.definition));
        }
        if let Some(foreign) = &table.foreign {
            // It must not be asked for estimates: it is not there.
            let options: Vec<String> =
                foreign.options.iter().filter(|o| !o.starts_with("use_remote_estimate=")).map(|o| option(o)).collect();
            let options = if options.is_empty() { String::new() } else { format!(" OPTIONS ({})", options.join(", ")) };
            let server = quote::ident(&foreign.server);
            let sql = format!("CREATE FOREIGN TABLE {name} ({}) SERVER {server}{options}", parts.join(", "));
            return self.step(object, sql);
        }
        if table.kind == TableKind::Foreign {
            return self.leave_out(object, "its foreign server is not known");
        }
        let mut sql = format!("CREATE TABLE {name} ({})", parts.join(", "));
        if let Some(key) = table.partition_key.as_ref().filter(|_| table.kind == TableKind::Partitioned) {
            let _ = write!(sql, " PARTITION BY {key}");
        }
        sql.push_str(&with_options(&table.options));
        self.step(object, sql);
        for check in table.checks.iter().filter(|c| !c.validated) {
            self.step(
                format!("constraint {} of {}", check.name, table.display_name()),
                format!("ALTER TABLE {name} ADD CONSTRAINT {} {}", quote::ident(&check.name), check.definition),
            );
        }
    }

    fn extended(&mut self, object: &ExtendedStatistics) {
        let label = format!("extended statistics {}.{}", object.schema, object.name);
        let Some(table) = self.catalog.table(object.table) else { return };
        let columns = object.columns.iter().filter_map(|n| table.column(*n)).map(|c| quote::ident(&c.name));
        let expressions = object.expressions.iter().map(|sql| format!("({sql})"));
        let on = columns.chain(expressions).collect::<Vec<_>>().join(", ");
        // A single expression has statistics of its own, and no kinds.
        let kinds: Vec<&str> = object.kinds.iter().map(String::as_str).filter(|k| *k != "expressions").collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        let name = quote::qualified(&object.schema, &object.name);
        let of = quote::qualified(&table.schema, &table.name);
        self.step(label, format!("CREATE STATISTICS {name}{kinds} ON {on} FROM {of}"));
    }

    /// Hangs a partition or a child below its parent.
    fn attach(&mut self, table: &Table) {
        let name = quote::qualified(&table.schema, &table.name);
        let object = format!("place of {} under its parent", table.display_name());
        let parent_name = |oid: Oid| self.catalog.table(oid).map(|p| quote::qualified(&p.schema, &p.name));
        let steps: Vec<String> = match &table.partition_of {
            Some(place) => parent_name(place.parent)
                .map(|parent| format!("ALTER TABLE ONLY {parent} ATTACH PARTITION {name} {}", place.bound))
                .into_iter()
                .collect(),
            None => table
                .inherits
                .iter()
                .filter_map(|oid| parent_name(*oid))
                .map(|parent| format!("ALTER TABLE ONLY {name} INHERIT {parent}"))
                .collect(),
        };
        for sql in steps {
            self.step(object.clone(), sql);
        }
    }

    /// Indexes in the order of their object identifiers: of equally cheap ones the planner takes the one that comes
    /// first in that order.
    fn indexes(&mut self, schema: &SchemaDdl) {
        let constraints: BTreeMap<Oid, &TableConstraint> =
            schema.constraints.iter().filter_map(|c| Some((c.index?, c))).collect();
        let mut indexes: Vec<(&Table, &Index)> = self.catalog.indexes().collect();
        indexes.sort_by_key(|(_, index)| index.oid);
        for (table, index) in indexes {
            // The planner does not look at an invalid index, but at the leaves below an invalid partitioned one.
            if !index.valid && table.kind != TableKind::Partitioned {
                continue;
            }
            if let Some(constraint) = constraints.get(&index.oid) {
                self.constraint(constraint, true);
                if !index.options.is_empty() && table.kind != TableKind::Partitioned {
                    let name = quote::qualified(&table.schema, &index.name);
                    let options = option_list(&index.options);
                    self.step(
                        format!("options of index {}", index.name),
                        format!("ALTER INDEX {name} SET ({options})"),
                    );
                }
                continue;
            }
            let object = format!("index {}.{}", table.schema, index.name);
            match &index.definition {
                Some(sql) => self.step(object, sql.clone()),
                None => self.leave_out(object, "its table was locked when the snapshot was taken"),
            }
        }
    }

    fn constraint(&mut self, constraint: &TableConstraint, only: bool) {
        let Some(table) = self.catalog.table(constraint.table) else { return };
        let object = format!("constraint {} of {}", constraint.name, table.display_name());
        let Some(definition) = &constraint.definition else {
            return self.leave_out(object, "its table was locked when the snapshot was taken");
        };
        let only = if only { "ONLY " } else { "" };
        let name = quote::qualified(&table.schema, &table.name);
        let sql = format!("ALTER TABLE {only}{name} ADD CONSTRAINT {} {definition}", quote::ident(&constraint.name));
        self.step(object, sql);
    }

    fn attach_index(&mut self, table: &Table, index: &Index) {
        let parent = index.parent.and_then(|oid| self.catalog.indexes().find(|(_, i)| i.oid == oid));
        let Some((parent_table, parent)) = parent else { return };
        let sql = format!(
            "ALTER INDEX {} ATTACH PARTITION {}",
            quote::qualified(&parent_table.schema, &parent.name),
            quote::qualified(&table.schema, &index.name)
        );
        self.step(format!("place of index {} under its parent", index.name), sql);
    }
}

fn column_definition(column: &Column, table: &Table) -> String {
    let mut sql = format!("{} {}", quote::ident(&column.name), column.ty.name);
    if let Some(collation) = column.collation.as_ref().filter(|c| *c != "pg_catalog.\"default\"") {
        let _ = write!(sql, " COLLATE {collation}");
    }
    // A materialised view's columns have no defaults, and neither has a partition an identity of its own.
    match (&column.identity, &column.default) {
        (Some(kind), _) if table.partition_of.is_none() => {
            sql.push_str(if kind == "a" {
                " GENERATED ALWAYS AS IDENTITY"
            } else {
                " GENERATED BY DEFAULT AS IDENTITY"
            });
        }
        (_, Some(expression)) if column.generated => {
            let kind = if column.generated_virtual { "VIRTUAL" } else { "STORED" };
            let _ = write!(sql, " GENERATED ALWAYS AS ({expression}) {kind}");
        }
        (_, Some(expression)) => {
            let _ = write!(sql, " DEFAULT {expression}");
        }
        _ => {}
    }
    if column.not_null {
        sql.push_str(" NOT NULL");
    }
    sql
}

fn with_options(options: &[String]) -> String {
    if options.is_empty() { String::new() } else { format!(" WITH ({})", option_list(options)) }
}

/// `fetch_size=100` → `fetch_size '100'`.
fn option(option: &str) -> String {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    format!("{} {}", quote::ident(name), quote::literal(value))
}

/// `fillfactor=90` → `fillfactor = '90'`.
fn option_list(options: &[String]) -> String {
    let quoted = options.iter().map(|option| match option.split_once('=') {
        Some((name, value)) => format!("{} = {}", quote::ident(name), quote::literal(value)),
        None => quote::ident(option),
    });
    quoted.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whatif::fixture::{column, table};

    #[test]
    fn a_column_keeps_what_the_planner_and_inserts_look_at() {
        let t = table(1, "s", "t", vec![]);
        let mut c = column(1, "Total", "numeric", -1);
        c.not_null = true;
        c.default = Some("0".to_owned());
        c.collation = Some("pg_catalog.\"default\"".to_owned());
        assert_eq!(column_definition(&c, &t), "\"Total\" numeric DEFAULT 0 NOT NULL");
        c.generated = true;
        c.collation = Some("pg_catalog.\"C\"".to_owned());
        assert_eq!(
            column_definition(&c, &t),
            "\"Total\" numeric COLLATE pg_catalog.\"C\" GENERATED ALWAYS AS (0) STORED NOT NULL"
        );
    }

    #[test]
    fn options_are_quoted() {
        assert_eq!(with_options(&["fillfactor=90".to_owned()]), " WITH (fillfactor = '90')");
        assert_eq!(with_options(&[]), "");
    }
}
