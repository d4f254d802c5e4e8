//! User-defined and extension types and casts, and what calls of functions rest on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TypeKind;

/// A type outside `pg_catalog`. Arrays and the row types of tables are left out: they follow from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserType {
    /// Schema.
    pub schema: String,
    /// `pg_type.typname`.
    pub name: String,
    /// Kind.
    pub kind: TypeKind,
    /// `pg_type.typcategory`.
    pub category: String,
    /// `pg_type.typispreferred`.
    pub preferred: bool,
    /// `pg_type.typlen`: bytes, -1 for variable length, -2 for a C string.
    pub length: i16,
    /// `pg_type.typalign`: `c` (1 byte), `s` (2), `i` (4), `d` (8).
    pub alignment: String,
    /// `pg_type.typbyval`.
    pub by_value: bool,
    /// Whether values have a collation.
    pub collatable: bool,
    /// The base type, for a domain, as `format_type` prints it.
    pub base: Option<String>,
    /// The range's subtype (of a multirange's range's, too), as `format_type` prints it.
    pub subtype: Option<String>,
    /// The labels in order, for an enum.
    pub enum_labels: Option<Vec<String>>,
    /// The fields in order, for a composite type.
    pub fields: Vec<Field>,
}

/// A field of a composite type, or an output column of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Name; empty for none.
    pub name: String,
    /// Type, as `format_type` prints it.
    #[serde(rename = "type")]
    pub ty: String,
}

/// A cast that a user or an extension made (`pg_cast`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserCast {
    /// From this type, as `format_type` prints it.
    pub source: String,
    /// To this type.
    pub target: String,
    /// The function, as `regprocedure` prints it; `None` for a cast without one.
    pub function: Option<String>,
    /// `castcontext`: `i` (implicit), `a` (on assignment), `e` (explicit only).
    pub context: String,
    /// `castmethod`: `f` (function), `b` (same bytes), `i` (through text).
    pub method: String,
}

/// How a function's arguments may be given, and what rows it returns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signature {
    /// Names of the input arguments in order, empty for an unnamed one.
    pub names: Vec<String>,
    /// Defaults of the last arguments, as expressions.
    pub defaults: Vec<String>,
    /// The element type of a VARIADIC last argument, as `format_type` prints it.
    pub variadic: Option<String>,
    /// Output columns (OUT, INOUT and TABLE arguments); empty where the result's type says it.
    pub columns: Vec<Field>,
}

/// What makes a function an aggregate (`pg_aggregate`). Functions are as `regprocedure` prints them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Aggregate {
    /// `aggkind`: `n` (normal), `o` (ordered-set), `h` (hypothetical-set).
    pub kind: String,
    /// `aggnumdirectargs`.
    pub direct_arguments: i16,
    /// The state's type, as `format_type` prints it.
    pub transition_type: String,
    /// `aggtransspace`, in bytes, 0 for a guess.
    pub transition_bytes: i32,
    /// The transition function.
    pub transition_function: String,
    /// The final function.
    pub final_function: Option<String>,
    /// The combine function.
    pub combine_function: Option<String>,
    /// The function that serialises an internal state.
    pub serial_function: Option<String>,
    /// The function that reads it back.
    pub deserial_function: Option<String>,
    /// `aggsortop`, as `regoperator` prints it.
    pub sort_operator: Option<String>,
}
