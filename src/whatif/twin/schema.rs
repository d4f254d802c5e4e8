//! A snapshot's schema as SQL for an empty database.
//!
//! Statements come in an order in which most of them work; who runs them tries those that fail again after the others,
//! so that a function may need a table and a table a function. Materialised views become tables: the planner treats
//! them alike, and nothing has to run to make one. What has no rows needs no triggers, rules, owners or privileges.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::NotRecreated;
use super::reach::Reach;
use crate::snapshot::{
    Catalog, CheckConstraint, Column, ExtendedStatistics, ForeignTable, Index, Oid, Persistence, SchemaDdl,
    SchemaObject, SchemaObjectKind, Snapshot, Table, TableConstraint, TableKind,
};
use crate::sql::quote;

/// One statement, and what it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// For a message: `table public.orders`.
    pub(super) object: String,
    /// The statement.
    pub(super) sql: String,
    /// Whom it touches if it fails.
    pub(super) reach: Reach,
    /// The table that it creates.
    pub(super) creates: Option<Oid>,
}

/// What tables have to do without.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    /// Types of columns that the server does not have.
    pub(super) types: BTreeSet<String>,
    /// Collations that it does not have.
    pub(super) collations: BTreeSet<String>,
    /// Tables are created with nothing but columns: what else they have follows in steps of its own.
    pub(super) bare: bool,
}

impl Lacking {
    /// What of a table that was created is not as in production.
    pub(super) fn replaced(&self, table: &Table) -> Vec<NotRecreated> {
        let mut replaced = Vec::new();
        let mut add = |column: &Column, what: String, reason: &str| {
            let object = format!("{what} of column {}.{}", table.display_name(), column.name);
            let reach = Reach::Columns(table.oid, BTreeSet::from([column.attnum]));
            replaced.push(NotRecreated { object, reason: reason.to_owned(), reach });
        };
        for column in &table.columns {
            if self.types.contains(&column.ty.name) {
                add(column, format!("type {}", column.ty.name), "its server does not have it, and text stands in");
            } else if let Some(collation) = column.collation.as_ref().filter(|c| self.collations.contains(*c)) {
                let reason = "its server does not have it, and the database's own stands in";
                add(column, format!("collation {collation}"), reason);
            } else if self.bare && column.generated {
                add(
                    column,
                    "generation".to_owned(),
                    "the column is a plain one, as the table cannot be made otherwise",
                );
            }
        }
        replaced
    }

    fn column(&self, column: &Column) -> Column {
        let mut column = column.clone();
        let has_type = !self.types.contains(&column.ty.name);
        if !has_type {
            STAND_IN.clone_into(&mut column.ty.name);
        }
        if !has_type || column.collation.as_ref().is_some_and(|c| self.collations.contains(c)) {
            column.collation = None;
        }
        if !has_type || self.bare {
            column.default = None;
            column.generated = false;
        }
        column
    }
}

/// The type in the place of one that the server lacks: as wide as the statistics say, and with an order, so that its
/// plain indexes can be there. Statements that use the column are not asked about.
const STAND_IN: &str = "text";

/// The steps that create a table without what is lacking.
pub(super) fn table(snapshot: &Snapshot, table: &Table, lacking: &Lacking) -> Vec<Step> {
    let mut script = Script { catalog: &snapshot.catalog, lacking, steps: Vec::new(), left_out: Vec::new() };
    script.table(table);
    script.steps
}

/// The statements that recreate the schema, and what has none.
pub(super) fn script(snapshot: &Snapshot, schema: &SchemaDdl) -> (Vec<Step>, Vec<NotRecreated>) {
    let nothing = Lacking::default();
    let mut script = Script { catalog: &snapshot.catalog, lacking: &nothing, steps: Vec::new(), left_out: Vec::new() };
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
    lacking: &'a Lacking,
    steps: Vec<Step>,
    left_out: Vec<NotRecreated>,
}

impl Script<'_> {
    /// Something that matters to none but the statements that name it.
    fn step(&mut self, object: String, sql: String) {
        self.reaching(object, sql, Reach::Named);
    }

    fn reaching(&mut self, object: String, sql: String, reach: Reach) {
        self.steps.push(Step { object, sql, reach, creates: None });
    }

    fn leave_out(&mut self, object: String, reason: &str, reach: Reach) {
        self.left_out.push(NotRecreated { object, reason: reason.to_owned(), reach });
    }

    fn object(&mut self, object: &SchemaObject) {
        let word = kind_word(object.kind);
        match &object.sql {
            Some(sql) => self.step(format!("{word} {}.{}", object.schema, object.name), sql.clone()),
            None => self.leave_out(
                format!("{word} {}.{}", object.schema, object.name),
                "it is written in a language, or is of a kind, that cannot be carried over",
                Reach::Named,
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
        let reach = Reach::Table(table.oid);
        if table.persistence == Persistence::Temporary {
            return self.leave_out(object, "a temporary table belongs to one session", reach);
        }
        let name = quote::qualified(&table.schema, &table.name);
        let columns = table.columns.iter().map(|column| column_definition(&self.lacking.column(column), table));
        let mut parts: Vec<String> = columns.collect();
        let with_table = |check: &&CheckConstraint| check.validated && !self.lacking.bare;
        for check in table.checks.iter().filter(with_table) {
            parts.push(format!("CONSTRAINT {} {}", quote::ident(&check.name), check.definition));
        }
        let later: Vec<&CheckConstraint> = table.checks.iter().filter(|c| !with_table(c)).collect();
        let mut sql = match (&table.foreign, table.kind) {
            (Some(foreign), _) => {
                if let Some(reason) = foreign_lack(foreign) {
                    self.leave_out(format!("the estimates of foreign {object}"), reason, reach.clone());
                }
                // It must not be asked for estimates: it is not there.
                let options = foreign.options.iter().filter(|o| !o.starts_with(REMOTE_ESTIMATE)).map(|o| option(o));
                let options = options.collect::<Vec<_>>().join(", ");
                let options = if options.is_empty() { options } else { format!(" OPTIONS ({options})") };
                let server = quote::ident(&foreign.server);
                format!("CREATE FOREIGN TABLE {name} ({}) SERVER {server}{options}", parts.join(", "))
            }
            (None, TableKind::Foreign) => {
                return self.leave_out(object, "its foreign server is not known", reach);
            }
            (None, _) => format!("CREATE TABLE {name} ({})", parts.join(", ")),
        };
        if let Some(key) = table.partition_key.as_ref().filter(|_| table.kind == TableKind::Partitioned) {
            let _ = write!(sql, " PARTITION BY {key}");
        }
        if table.foreign.is_none() {
            sql.push_str(&with_options(&table.options));
        }
        self.steps.push(Step { object, sql, reach: reach.clone(), creates: Some(table.oid) });
        for check in later {
            self.reaching(
                format!("constraint {} of {}", check.name, table.display_name()),
                format!("ALTER TABLE {name} ADD CONSTRAINT {} {}", quote::ident(&check.name), check.definition),
                reach.clone(),
            );
        }
        if self.lacking.bare {
            self.defaults(table, &name);
        }
    }

    /// Defaults as steps of their own.
    fn defaults(&mut self, table: &Table, name: &str) {
        for column in table.columns.iter().filter(|c| !c.generated && !self.lacking.types.contains(&c.ty.name)) {
            if let (Some(expression), None) = (&column.default, &column.identity) {
                self.reaching(
                    format!("default of column {}.{}", table.display_name(), column.name),
                    format!("ALTER TABLE {name} ALTER {} SET DEFAULT {expression}", quote::ident(&column.name)),
                    Reach::Columns(table.oid, BTreeSet::from([column.attnum])),
                );
            }
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
        let sql = format!("CREATE STATISTICS {name}{kinds} ON {on} FROM {of}");
        self.reaching(label, sql, of_extended(object));
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
            self.reaching(object.clone(), sql, Reach::Table(table.oid));
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
            let reach = Reach::of_index(table, index);
            match &index.definition {
                Some(sql) => self.reaching(object, sql.clone(), reach),
                None => self.leave_out(object, LOCKED, reach),
            }
        }
    }

    fn constraint(&mut self, constraint: &TableConstraint, only: bool) {
        let Some(table) = self.catalog.table(constraint.table) else { return };
        let object = format!("constraint {} of {}", constraint.name, table.display_name());
        let Some(definition) = &constraint.definition else {
            return self.leave_out(object, LOCKED, Reach::Table(table.oid));
        };
        let only = if only { "ONLY " } else { "" };
        let name = quote::qualified(&table.schema, &table.name);
        let sql = format!("ALTER TABLE {only}{name} ADD CONSTRAINT {} {definition}", quote::ident(&constraint.name));
        self.reaching(object, sql, Reach::Table(table.oid));
    }

    fn attach_index(&mut self, table: &Table, index: &Index) {
        let parent = index.parent.and_then(|oid| self.catalog.indexes().find(|(_, i)| i.oid == oid));
        let Some((parent_table, parent)) = parent else { return };
        let sql = format!(
            "ALTER INDEX {} ATTACH PARTITION {}",
            quote::qualified(&parent_table.schema, &parent.name),
            quote::qualified(&table.schema, &index.name)
        );
        let object = format!("place of index {} under its parent", index.name);
        self.reaching(object, sql, Reach::of_index(table, index));
    }
}

/// Why an index or a constraint has no definition.
const LOCKED: &str = "its table was locked when the snapshot was taken";
/// The option of postgres_fdw that has the remote server asked.
const REMOTE_ESTIMATE: &str = "use_remote_estimate=";

/// Why the plans of a foreign table are not production's; `None` if its wrapper plans by local statistics alone.
fn foreign_lack(foreign: &ForeignTable) -> Option<&'static str> {
    if foreign.wrapper != "postgres_fdw" {
        return Some("its wrapper asks what it stands for, which is not there");
    }
    let asked = foreign
        .options
        .iter()
        .filter_map(|o| o.strip_prefix(REMOTE_ESTIMATE))
        .any(|value| !["false", "off", "no", "0"].contains(&value.to_ascii_lowercase().as_str()));
    asked.then_some("production asks the remote server for them (use_remote_estimate)")
}

/// Extended statistics of columns matter to conditions on these.
pub(super) fn of_extended(object: &ExtendedStatistics) -> Reach {
    if object.expressions.is_empty() {
        Reach::Columns(object.table, object.columns.iter().copied().collect())
    } else {
        Reach::Table(object.table)
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
