//! JSON: the report itself, indented, as docs/schema/report.schema.json describes it.

use super::{Report, neutral};

pub(super) fn render(report: &Report) -> String {
    // Every map of a report has strings for keys, so there is nothing for the serializer to refuse.
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    neutral::json(&text)
}
