//! Statements that change the schema, as far as their effects and locks depend on their parts.

use super::{Expr, Statement, TableName, TypeName};

/// One statement of a migration.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A query or a data change.
    Query(Box<Statement>),
    /// A change of the schema, of the session or of its transaction.
    Ddl(Box<Ddl>),
}

/// A change of the schema, of the session or of its transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Ddl {
    /// CREATE TABLE, with AS and PARTITION OF.
    CreateTable(CreateTable),
    /// CREATE INDEX.
    CreateIndex(CreateIndex),
    /// ALTER TABLE, ALTER INDEX, ALTER VIEW and the like.
    AlterTable(AlterTable),
    /// DROP of anything.
    Drop(Drop),
    /// ALTER … RENAME.
    Rename(Rename),
    /// ALTER … SET SCHEMA.
    SetSchema {
        /// What moves.
        kind: ObjectKind,
        /// Which, for relations.
        name: Option<TableName>,
        /// Where to.
        schema: String,
    },
    /// TRUNCATE.
    Truncate {
        /// The tables.
        tables: Vec<TableName>,
        /// CASCADE.
        cascade: bool,
    },
    /// REINDEX.
    Reindex {
        /// `INDEX`, `TABLE`, `SCHEMA`, `DATABASE`, `SYSTEM`.
        what: &'static str,
        /// The index or table.
        name: Option<TableName>,
        /// CONCURRENTLY.
        concurrently: bool,
    },
    /// CLUSTER.
    Cluster {
        /// The table; `None` for all.
        table: Option<TableName>,
    },
    /// VACUUM; ANALYZE alone is [`Ddl::Other`].
    Vacuum {
        /// The tables; none for all.
        tables: Vec<TableName>,
        /// FULL.
        full: bool,
    },
    /// REFRESH MATERIALIZED VIEW.
    Refresh {
        /// The view.
        view: TableName,
        /// CONCURRENTLY.
        concurrently: bool,
        /// WITH NO DATA.
        no_data: bool,
    },
    /// CREATE TRIGGER.
    CreateTrigger {
        /// The table.
        table: TableName,
    },
    /// CREATE RULE.
    CreateRule {
        /// The table.
        table: TableName,
    },
    /// CREATE POLICY or ALTER POLICY.
    Policy {
        /// The table.
        table: TableName,
    },
    /// CREATE VIEW or CREATE MATERIALIZED VIEW.
    CreateView {
        /// The view.
        name: TableName,
        /// OR REPLACE.
        replace: bool,
        /// MATERIALIZED.
        materialized: bool,
    },
    /// CREATE TYPE … AS ENUM.
    CreateEnum {
        /// The type.
        name: TableName,
    },
    /// ALTER TYPE … ADD VALUE.
    AddEnumValue {
        /// The type.
        name: TableName,
        /// The value.
        value: String,
    },
    /// ALTER TYPE … RENAME VALUE.
    RenameEnumValue {
        /// The type.
        name: TableName,
    },
    /// LOCK TABLE.
    Lock {
        /// The tables.
        tables: Vec<TableName>,
        /// The mode's number as in PostgreSQL's lockdefs: 1 ACCESS SHARE … 8 ACCESS EXCLUSIVE.
        mode: i32,
    },
    /// COPY … FROM.
    CopyFrom {
        /// The table.
        table: TableName,
    },
    /// DO, with its body.
    Do {
        /// The body.
        body: String,
        /// `plpgsql` where none is named.
        language: String,
    },
    /// CREATE SCHEMA.
    CreateSchema {
        /// The schema.
        name: String,
    },
    /// SET and RESET of a session's setting.
    Set {
        /// The setting, lower-cased.
        name: String,
        /// The value as text; `None` for DEFAULT and RESET.
        value: Option<String>,
        /// LOCAL.
        local: bool,
    },
    /// BEGIN, COMMIT and their like.
    Transaction(Transaction),
    /// Anything else, by its first words.
    Other(String),
}

/// Control of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END.
    Commit,
    /// ROLLBACK.
    Rollback,
    /// Savepoints and two-phase commit.
    Other,
}

/// CREATE TABLE.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateTable {
    /// The table.
    pub name: TableName,
    /// TEMPORARY.
    pub temporary: bool,
    /// UNLOGGED.
    pub unlogged: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Columns.
    pub columns: Vec<ColumnDef>,
    /// Table constraints.
    pub constraints: Vec<Constraint>,
    /// PARTITION OF.
    pub partition_of: Option<TableName>,
    /// PARTITION BY.
    pub partitioned: bool,
    /// INHERITS.
    pub inherits: Vec<TableName>,
    /// LIKE: columns that are not known from the text.
    pub like: Vec<TableName>,
    /// AS: columns that are not known from the text.
    pub as_query: bool,
}

/// A column of CREATE TABLE or ADD COLUMN.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: TypeName,
    /// Its constraints, DEFAULT, IDENTITY and GENERATED among them.
    pub constraints: Vec<Constraint>,
    /// Where it stands in the statement's text, in bytes.
    pub offset: usize,
}

/// A constraint.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// Its name, where given.
    pub name: Option<String>,
    /// What it demands.
    pub kind: ConstraintKind,
    /// NOT VALID.
    pub not_valid: bool,
}

/// What a constraint demands.
#[derive(Debug, Clone, PartialEq)]
pub enum ConstraintKind {
    /// NULL.
    Null,
    /// NOT NULL. As a table constraint (18+), with the column.
    NotNull(Option<String>),
    /// DEFAULT.
    Default(Expr),
    /// GENERATED … AS IDENTITY.
    Identity,
    /// GENERATED ALWAYS AS (…).
    Generated {
        /// STORED, rather than VIRTUAL (18+).
        stored: bool,
    },
    /// CHECK.
    Check(Expr),
    /// PRIMARY KEY, UNIQUE or EXCLUDE.
    Index {
        /// Which.
        kind: IndexConstraint,
        /// Columns; none as a column's constraint (the column) or with USING INDEX.
        columns: Vec<String>,
        /// USING INDEX.
        using_index: Option<String>,
    },
    /// FOREIGN KEY or REFERENCES.
    ForeignKey {
        /// Referencing columns; none as a column's constraint: the column itself.
        columns: Vec<String>,
        /// The referenced table.
        references: TableName,
        /// Referenced columns; none for its primary key.
        referenced: Vec<String>,
    },
    /// DEFERRABLE and the like.
    Attribute,
}

/// Constraints that an index backs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexConstraint {
    /// PRIMARY KEY.
    Primary,
    /// UNIQUE.
    Unique,
    /// EXCLUDE.
    Exclude,
}

/// CREATE INDEX.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateIndex {
    /// Its name, where given.
    pub name: Option<String>,
    /// The table.
    pub table: TableName,
    /// ON ONLY.
    pub only: bool,
    /// The access method.
    pub method: String,
    /// Keys in order.
    pub keys: Vec<IndexElement>,
    /// INCLUDE.
    pub include: Vec<String>,
    /// WHERE.
    pub predicate: Option<Expr>,
    /// UNIQUE.
    pub unique: bool,
    /// CONCURRENTLY.
    pub concurrently: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
}

/// A key of CREATE INDEX.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexElement {
    /// The column; `None` for an expression.
    pub column: Option<String>,
    /// The expression.
    pub expression: Option<Expr>,
    /// The operator class.
    pub opclass: Option<TableName>,
    /// The collation.
    pub collation: Option<TableName>,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST, after the defaults have been applied.
    pub nulls_first: bool,
}

/// ALTER TABLE and its like.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterTable {
    /// What kind of relation the statement names.
    pub kind: ObjectKind,
    /// The relation.
    pub table: TableName,
    /// IF EXISTS.
    pub if_exists: bool,
    /// The subcommands in order.
    pub actions: Vec<AlterAction>,
}

/// A subcommand of ALTER TABLE.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterAction {
    /// ADD COLUMN.
    AddColumn {
        /// The column.
        column: ColumnDef,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP COLUMN.
    DropColumn {
        /// The column.
        column: String,
        /// IF EXISTS.
        if_exists: bool,
        /// CASCADE.
        cascade: bool,
    },
    /// ALTER COLUMN … TYPE.
    AlterType {
        /// The column.
        column: String,
        /// The new type.
        ty: TypeName,
        /// USING.
        using: Option<Expr>,
        /// COLLATE.
        collation: bool,
    },
    /// ALTER COLUMN … SET DEFAULT, or DROP DEFAULT.
    Default {
        /// The column.
        column: String,
    },
    /// ALTER COLUMN … SET NOT NULL.
    SetNotNull {
        /// The column.
        column: String,
    },
    /// ALTER COLUMN … DROP NOT NULL.
    DropNotNull {
        /// The column.
        column: String,
    },
    /// ALTER COLUMN … ADD GENERATED … AS IDENTITY.
    AddIdentity {
        /// The column.
        column: String,
    },
    /// ADD CONSTRAINT.
    AddConstraint(Constraint),
    /// VALIDATE CONSTRAINT.
    ValidateConstraint {
        /// The constraint.
        name: String,
    },
    /// DROP CONSTRAINT.
    DropConstraint {
        /// The constraint.
        name: String,
        /// CASCADE.
        cascade: bool,
    },
    /// ATTACH PARTITION.
    AttachPartition {
        /// The partition.
        partition: TableName,
    },
    /// DETACH PARTITION.
    DetachPartition {
        /// The partition.
        partition: TableName,
        /// CONCURRENTLY.
        concurrently: bool,
    },
    /// SET LOGGED, SET UNLOGGED, SET TABLESPACE, SET ACCESS METHOD: the table is written anew.
    Rewrite(&'static str),
    /// SET STATISTICS, SET (storage options), VALIDATE-like: SHARE UPDATE EXCLUSIVE.
    Light(&'static str),
    /// ENABLE or DISABLE TRIGGER: SHARE ROW EXCLUSIVE.
    Trigger(&'static str),
    /// Another subcommand, by its name: ACCESS EXCLUSIVE, but short.
    Other(&'static str),
}

/// DROP.
#[derive(Debug, Clone, PartialEq)]
pub struct Drop {
    /// What.
    pub kind: ObjectKind,
    /// The objects; for triggers, rules and policies the table that holds them.
    pub names: Vec<TableName>,
    /// IF EXISTS.
    pub if_exists: bool,
    /// CONCURRENTLY.
    pub concurrently: bool,
    /// CASCADE.
    pub cascade: bool,
}

/// ALTER … RENAME.
#[derive(Debug, Clone, PartialEq)]
pub struct Rename {
    /// What is renamed: [`ObjectKind::Column`] for a table's column.
    pub kind: ObjectKind,
    /// The relation concerned, where there is one.
    pub relation: Option<TableName>,
    /// The column or constraint, for those.
    pub part: Option<String>,
    /// The new name.
    pub to: String,
}

/// Kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A table, partitioned or foreign ones included.
    Table,
    /// A column.
    Column,
    /// A constraint.
    Constraint,
    /// An index.
    Index,
    /// A view.
    View,
    /// A materialised view.
    MaterializedView,
    /// A sequence.
    Sequence,
    /// A schema.
    Schema,
    /// A type or domain.
    Type,
    /// A function, procedure or aggregate.
    Function,
    /// A trigger.
    Trigger,
    /// A rule.
    Rule,
    /// A row-security policy.
    Policy,
    /// An extension.
    Extension,
    /// Something else.
    Other,
}
