//! What recreates the schema and is not in the [`Catalog`](super::Catalog): the definitions of everything that tables,
//! defaults, indexes, views and statements rest on. Statements are complete, quoted and qualified by the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Oid;

/// The schema beside the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaDdl {
    /// The database's encoding and order of text.
    pub locale: DatabaseLocale,
    /// Schemas, collations, types, sequences and functions, extensions' own left out, by kind and then by oid. One may
    /// need a later one: who runs them tries again what failed.
    pub objects: Vec<SchemaObject>,
    /// Primary keys, unique, exclusion and foreign key constraints that are not a partition's share of its parent's,
    /// by table and then by oid.
    pub constraints: Vec<TableConstraint>,
}

/// `pg_database`'s columns about text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseLocale {
    /// `pg_encoding_to_char(encoding)`.
    pub encoding: String,
    /// `datcollate`.
    pub collate: String,
    /// `datctype`.
    pub ctype: String,
    /// `datlocprovider` (15+): `c` (libc), `i` (ICU), `b` (built in).
    pub provider: Option<String>,
    /// `daticulocale` (15 and 16) or `datlocale` (17+).
    pub locale: Option<String>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaObject {
    /// Kind.
    pub kind: SchemaObjectKind,
    /// Schema; a schema's own name.
    pub schema: String,
    /// Name; for a function with the types of its arguments.
    pub name: String,
    /// The complete CREATE statement, without a semicolon; `None` where the server cannot print one that pgwise could
    /// use (a function in C, an aggregate).
    pub sql: Option<String>,
}

/// The kinds of object, in the order in which they are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchemaObjectKind {
    /// A schema.
    Schema,
    /// A foreign server, with those of its options that planning needs.
    ForeignServer,
    /// A collation.
    Collation,
    /// An enum, domain, composite or range type.
    Type,
    /// A sequence that is no identity column's.
    Sequence,
    /// A function. Procedures and trigger functions are no part of any plan and left out.
    Function,
}

/// A constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableConstraint {
    /// The table.
    pub table: Oid,
    /// The constraint's name.
    pub name: String,
    /// `pg_constraint.contype`: `p`, `u`, `x`, `f`.
    pub kind: String,
    /// The index behind a primary key, unique or exclusion constraint.
    pub index: Option<Oid>,
    /// `pg_get_constraintdef`; `None` where the table was locked.
    pub definition: Option<String>,
}
