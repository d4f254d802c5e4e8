//! JSON: the report itself, indented, as docs/schema/report.schema.json describes it.

use std::fmt::Write;

use super::{Report, neutral};

pub(super) fn render(report: &Report) -> String {
    // Every map of a report has strings for keys, so there is nothing for the serializer to refuse.
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    escape_active(&text)
}

/// serde_json escapes C0 controls only. The others can stand in JSON only within strings, where an escape means the
/// same and does nothing to the terminal on which someone looks at the file.
fn escape_active(json: &str) -> String {
    let acts = |c: char| neutral::is_active(c) && c != '\n';
    if !json.contains(acts) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if acts(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}
