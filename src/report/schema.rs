//! JSON Schemas of the two files that cross a boundary, generated from their types.

use serde_json::Value;

use super::Report;
use crate::snapshot::Snapshot;

/// The schema of a report, kept in docs/schema/report.schema.json.
pub fn report_schema() -> Value {
    titled(schemars::schema_for!(Report).to_value(), "pgwise report")
}

/// The schema of a snapshot, kept in docs/schema/snapshot.schema.json.
pub fn snapshot_schema() -> Value {
    titled(schemars::schema_for!(Snapshot).to_value(), "pgwise snapshot")
}

fn titled(mut schema: Value, title: &str) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), Value::from(title));
    }
    schema
}
