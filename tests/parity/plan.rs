//! Plans as EXPLAIN (FORMAT JSON) prints them: what to compare, and how to show two of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

fn root(plan: &Value) -> &Value {
    plan.get(0).unwrap_or(plan).get("Plan").unwrap_or(plan)
}

/// Total cost at the top.
pub(crate) fn cost(plan: &Value) -> f64 {
    root(plan)["Total Cost"].as_f64().unwrap()
}

/// Rows at the top.
pub(crate) fn rows(plan: &Value) -> f64 {
    root(plan)["Plan Rows"].as_f64().unwrap()
}

/// Names of the indexes used.
pub(crate) fn indexes(plan: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(root(plan), 0, &mut |node, _| found.extend(node["Index Name"].as_str().map(str::to_owned)));
    found
}

/// Node types, join types, relations and indexes, in order and with their depth: two plans of one shape do the same.
pub(crate) fn shape(plan: &Value) -> String {
    let mut out = String::new();
    walk(root(plan), 0, &mut |node, depth| {
        let _ = write!(out, "{depth}");
        for key in ["Node Type", "Strategy", "Join Type", "Scan Direction", "Index Name", "Relation Name", "Alias"] {
            // What has no name has none in either plan.
            let _ = write!(out, " {}", node[key].as_str().unwrap_or("-"));
        }
        out.push('\n');
    });
    out
}

/// One line a node: its costs and rows, type, what it reads.
pub(crate) fn lines(plan: &Value) -> Vec<String> {
    let mut out = Vec::new();
    walk(root(plan), 0, &mut |node, depth| {
        let number = |key: &str| node[key].as_f64().unwrap_or(f64::NAN);
        let mut line = format!("{}{}", "  ".repeat(depth), node["Node Type"].as_str().unwrap_or("?"));
        for (word, key) in [("", "Join Type"), ("using ", "Index Name"), ("on ", "Relation Name"), ("", "Alias")] {
            if let Some(text) = node[key].as_str().filter(|t| *t != "Inner") {
                let _ = write!(line, " {word}{text}");
            }
        }
        let _ =
            write!(line, " ({:.2}..{:.2} rows={})", number("Startup Cost"), number("Total Cost"), number("Plan Rows"));
        out.push(line);
    });
    out
}

/// Where two plans part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// What kind of node, and which of its figures: `Merge Join: Startup Cost`. Differences of one kind may have one cause.
    pub(crate) kind: String,
    /// With names and figures.
    pub(crate) detail: String,
}

/// The first node of a plan, from the bottom up, whose cost or rows differ from the other's by more than the share
/// given, where both have one shape: what the difference comes from. Where they have not, the first node of another
/// type.
pub(crate) fn first_difference(one: &Value, other: &Value, share: f64) -> Option<Difference> {
    fn search(one: &Value, other: &Value, share: f64) -> Option<Difference> {
        if one["Node Type"] != other["Node Type"] {
            let (a, b) = (one["Node Type"].as_str().unwrap_or("?"), other["Node Type"].as_str().unwrap_or("?"));
            let kind = format!("{a}, not {b}");
            return Some(Difference { detail: kind.clone(), kind });
        }
        let none = Vec::new();
        let children = |node: &'_ Value| node["Plans"].as_array().unwrap_or(&none).clone();
        for (a, b) in children(one).iter().zip(&children(other)) {
            if let Some(found) = search(a, b, share) {
                return Some(found);
            }
        }
        let apart = |key: &str| {
            let (a, b) = (one[key].as_f64()?, other[key].as_f64()?);
            ((a - b).abs() > share * a.abs().max(b.abs())).then(|| (key.to_owned(), format!("{key} {a} against {b}")))
        };
        let what: Vec<_> = ["Plan Rows", "Total Cost", "Startup Cost"].into_iter().filter_map(apart).collect();
        let (first, _) = what.first()?;
        let name = ["Index Name", "Relation Name"].iter().find_map(|key| one[*key].as_str()).unwrap_or("");
        let node = one["Node Type"].as_str().unwrap_or("?");
        let figures: Vec<&str> = what.iter().map(|(_, text)| text.as_str()).collect();
        let detail = format!("{node} {name}: {}", figures.join(", "));
        Some(Difference { kind: format!("{node}: {first}"), detail })
    }
    search(root(one), root(other), share)
}

fn walk(node: &Value, depth: usize, visit: &mut dyn FnMut(&Value, usize)) {
    visit(node, depth);
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, depth + 1, visit);
    }
}

/// Two texts beside each other.
pub(crate) fn side_by_side(left: &[String], right: &[String]) -> String {
    let width = left.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let empty = String::new();
    let mut out = String::new();
    for n in 0..left.len().max(right.len()) {
        let (a, b) = (left.get(n).unwrap_or(&empty), right.get(n).unwrap_or(&empty));
        let _ = writeln!(out, "    {a}{} | {b}", " ".repeat(width - a.chars().count()));
    }
    out
}
