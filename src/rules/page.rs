//! Rules as pages: docs/rules/ and `pgwise rules ID` show the same text.

use std::fmt::Write as _;

use super::rule::Rule;

/// A rule's page, in Markdown.
pub fn rule_page(rule: &Rule) -> String {
    let mut page = format!(
        "# {id}\n\n{title}.\n\nArea: {area}. Default severity: {severity}.\n\n## Problem\n\n{problem}\n\n## How it is detected\n\n{detection}\n",
        id = rule.id,
        title = rule.title,
        area = rule.area.as_str(),
        severity = severity(rule),
        problem = rule.problem.trim(),
        detection = rule.detection.trim(),
    );
    if !rule.thresholds.is_empty() {
        page.push_str("\n| threshold | default | meaning |\n| --- | --- | --- |\n");
        for t in rule.thresholds {
            // Writing to a String cannot fail.
            let _ = writeln!(page, "| `{}` | {} | {} |", t.name, t.default, t.meaning);
        }
    }
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "\n## Example\n\n{}\n\n## Remedy\n\n{}\n\n## How to silence it\n\n{}",
        rule.example.trim(),
        rule.remedy.trim(),
        silence(rule)
    );
    page
}

fn silence(rule: &Rule) -> String {
    let mut text = format!("In `pgwise.toml`:\n\n```toml\n[rules.{}]\nenabled = false", rule.id);
    for t in rule.thresholds {
        let _ = write!(text, "\n# or: {} = {}", t.name, t.default);
    }
    text.push_str("\n```\n");
    text
}

/// The list of rules, in Markdown; those of one area must stand together.
pub fn index_page(rules: impl IntoIterator<Item = &'static Rule>) -> String {
    let mut page = String::from(
        "# Rules\n\nGenerated from the rules themselves: `UPDATE_DOCS=1 cargo test rule_pages` rewrites these pages.\n",
    );
    let mut area = None;
    for rule in rules {
        if area != Some(rule.area) {
            area = Some(rule.area);
            // Writing to a String cannot fail.
            let _ = write!(
                page,
                "\n## {}\n\n| rule | severity | what it finds |\n| --- | --- | --- |\n",
                rule.area.as_str()
            );
        }
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| [{0}]({0}.md) | {1} | {2} |", rule.id, severity(rule), rule.title);
    }
    page
}

fn severity(rule: &Rule) -> String {
    format!("{:?}", rule.severity).to_lowercase()
}
