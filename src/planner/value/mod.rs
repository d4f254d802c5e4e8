//! Data values as the planner meets them: constants of a query, common values and histogram bounds of statistics.
//!
//! In: the text that a type's input or output function takes and gives. Out: [`Datum`]s, compared as the type's B-tree
//! operator class does.

mod collate;
mod compare;
mod net;
mod number;
mod parse;
mod range;
pub mod time;
pub mod trigram;

pub use collate::sort_key;
pub use compare::{compare, equal};
pub use net::Net;
pub use number::numeric;
pub use parse::parse;

/// A value that is not NULL. Types without a variant of their own are [`Datum::Opaque`]: equal when their text is.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// `bool`.
    Bool(bool),
    /// `int2`, `int4`, `int8`, `oid`.
    Int(i64),
    /// `float4`, `float8`.
    Float(f64),
    /// `numeric`: as a double, and its canonical text (no trailing zeros after the point) for equality.
    Numeric(f64, String),
    /// `text`, `varchar`, `bpchar` (trailing blanks removed), `name`, `"char"`, `citext`.
    Text(String),
    /// `bytea`.
    Bytes(Vec<u8>),
    /// `date`: days since 2000-01-01.
    Date(i32),
    /// `time`: microseconds since midnight.
    Time(i64),
    /// `timestamp` and `timestamptz`: microseconds since 2000-01-01 (UTC for the latter).
    Timestamp(i64),
    /// `interval`.
    Interval {
        /// Months.
        months: i32,
        /// Days.
        days: i32,
        /// Microseconds.
        micros: i64,
    },
    /// `uuid`.
    Uuid([u8; 16]),
    /// `inet`, `cidr`.
    Inet(Net),
    /// An enum's label by its position.
    Enum(usize),
    /// An array's elements; `None` is NULL.
    Array(Vec<Option<Datum>>),
    /// A range. Absent bounds are infinite.
    Range {
        /// `empty`.
        empty: bool,
        /// Lower bound and whether it is included.
        lower: Option<(Box<Datum>, bool)>,
        /// Upper bound and whether it is included.
        upper: Option<(Box<Datum>, bool)>,
    },
    /// `json`, `jsonb`.
    Json(serde_json::Value),
    /// Any other type's output text.
    Opaque(String),
}
