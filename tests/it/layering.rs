//! The direction of imports and the purity of the core, as ARCHITECTURE.md states them: the page and the code cannot
//! drift apart, because the page's own table is what the code is held to.

#![allow(clippy::unwrap_used, reason = "a test's helper fails by panicking, as the test does")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folders that do no I/O and know no clock, environment or runtime.
const PURE: [&str; 9] = ["snapshot", "sql", "workload", "plan", "planner", "report", "advise", "rules", "check"];

/// What a pure folder must not name, and why.
const IMPURE: [(&str, &str); 13] = [
    ("tokio", "no asynchronous runtime"),
    ("std::env", "no environment"),
    ("std::fs", "no files"),
    ("std::net", "no network"),
    ("std::process", "no processes"),
    ("SystemTime", "no clock"),
    ("Instant", "no clock"),
    ("Timestamp::now", "no clock"),
    ("Zoned::now", "no clock"),
    ("println!", "no standard streams"),
    ("print!", "no standard streams"),
    ("stdout()", "no standard streams"),
    ("stderr()", "no standard streams"),
];

struct Source {
    /// Path below src/, such as `whatif/ddl.rs`.
    path: String,
    /// The folder, or the file's stem for files directly in src/.
    folder: String,
    /// The text without comments and without unit tests.
    code: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut pending = vec![src.clone()];
    let mut found = Vec::new();
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(source(&src, &path));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn source(src: &Path, path: &Path) -> Source {
    let relative = path.strip_prefix(src).unwrap().to_str().unwrap().replace('\\', "/");
    let folder = relative.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
    let text = std::fs::read_to_string(path).unwrap();
    let text = if is_test_only(path) { "" } else { text.split("#[cfg(test)]\nmod tests").next().unwrap() };
    let code = text.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    Source { path: relative, folder, code }
}

/// Whether the module is declared under `#[cfg(test)]` in its folder.
fn is_test_only(path: &Path) -> bool {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let declaring = path.parent().unwrap().join("mod.rs");
    let text = std::fs::read_to_string(declaring).unwrap_or_default();
    ["mod", "pub mod", "pub(crate) mod", "pub(super) mod"]
        .iter()
        .any(|visibility| text.contains(&format!("#[cfg(test)]\n{visibility} {stem};")))
}

/// The first segments of every `crate::…` path, groups included.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.insert(first_segment(&std::mem::take(&mut name)));
                    }
                    _ if depth == 0 => name.push(c),
                    _ => {}
                }
            }
            found.insert(first_segment(&name));
        } else {
            found.insert(first_segment(rest));
        }
    }
    found.remove("");
    found
}

fn first_segment(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// ARCHITECTURE.md's table: folder or file below src/ → the folders it may import.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut table: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut above: BTreeSet<String> = BTreeSet::new();
    let names = |text: &str| -> BTreeSet<String> {
        text.split([',', ' '])
            .map(|n| n.trim_matches(['`', '.']))
            .filter(|n| !n.is_empty())
            .map(str::to_owned)
            .collect()
    };
    for row in page.lines().filter_map(|l| l.strip_prefix("| `")) {
        let cells: Vec<&str> = row.trim_end_matches('|').split(" | ").map(str::trim).collect();
        let [folder, _, imports] = cells.as_slice() else { panic!("not three cells: {row}") };
        let folder = folder.trim_matches('`').to_owned();
        let mut clauses = imports.split(';').map(str::trim);
        let own: BTreeSet<String> = match clauses.next().unwrap() {
            "nothing of ours" => BTreeSet::new(),
            "all of the above" | "everything" => above.clone(),
            listed => names(listed),
        };
        for clause in clauses {
            let (place, more) = clause.split_once(" also ").unwrap_or_else(|| panic!("not `x` also y: {clause}"));
            table.insert(place.trim_matches('`').to_owned(), own.union(&names(more)).cloned().collect());
        }
        above.insert(folder.clone());
        table.insert(folder, own);
    }
    table
}

/// The rule for a file: that of the longest place that contains it.
fn rule<'a>(table: &'a BTreeMap<String, BTreeSet<String>>, path: &str) -> Option<&'a BTreeSet<String>> {
    let stem = path.trim_end_matches(".rs");
    table
        .iter()
        .filter(|(place, _)| stem == *place || stem.starts_with(&format!("{place}/")))
        .max_by_key(|(place, _)| place.len())
        .map(|(_, imports)| imports)
}

#[test]
fn imports_run_the_way_that_architecture_md_says() {
    let table = allowed();
    assert!(table.len() > 10, "ARCHITECTURE.md's table was not found: {table:?}");
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| !["lib", "main"].contains(&s.folder.as_str())) {
        let Some(rule) = rule(&table, &source.path) else {
            wrong.push(format!("src/{} is in no row of the table", source.path));
            continue;
        };
        for import in imports(&source.code) {
            if import != source.folder && !rule.contains(&import) {
                wrong.push(format!("src/{} imports {import}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_core_is_pure() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for folder in PURE {
        assert!(page.contains(&format!("`{folder}`")), "ARCHITECTURE.md does not name {folder}");
    }
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| PURE.contains(&s.folder.as_str())) {
        for (word, why) in IMPURE {
            if names(&source.code, word) {
                wrong.push(format!("src/{} names {word}: {why}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_sql_knows_the_parsers() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.folder != "sql") {
        for parser in ["pg_query::", "sqlparser::"] {
            if names(&source.code, parser) {
                wrong.push(format!("src/{} names {parser}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether the code holds the word, not as the tail of a longer one.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') && boundary_after(code, at, word)
    })
}

fn boundary_after(code: &str, at: usize, word: &str) -> bool {
    !word.ends_with(char::is_alphanumeric)
        || !code[at + word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[test]
fn groups_and_paths_are_read() {
    let code = "use crate::{report::{Format, id}, sql};\nlet x = crate::plan::Explain::root;";
    assert_eq!(imports(code).into_iter().collect::<Vec<_>>(), ["plan", "report", "sql"]);
    assert!(names("std::fs::read", "std::fs") && !names("my_println!", "println!") && !names("Instantly", "Instant"));
}
