//! JSON Schemas of the two files that cross a boundary, generated from their types.

use serde_json::Value;

use super::{CheckReport, Report};
use crate::snapshot::Snapshot;

/// The schema of a report, kept in docs/schema/report.schema.json.
pub fn report_schema() -> Value {
    titled(schemars::schema_for!(Report).to_value(), "pgwise report")
}

/// The schema of a snapshot, kept in docs/schema/snapshot.schema.json.
pub fn snapshot_schema() -> Value {
    titled(schemars::schema_for!(Snapshot).to_value(), "pgwise snapshot")
}

/// The schema of a check's outcome, kept in docs/schema/check.schema.json.
pub fn check_schema() -> Value {
    titled(schemars::schema_for!(CheckReport).to_value(), "pgwise check")
}

fn titled(mut schema: Value, title: &str) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), Value::from(title));
    }
    schema
}
