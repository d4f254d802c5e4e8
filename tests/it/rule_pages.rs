//! docs/rules/ is the rules' own text, written down; these tests keep it so.

use std::collections::BTreeMap;
use std::path::Path;

use pgwise::check::all_rules;
use pgwise::rules::{index_page, rule_page};

#[test]
#[expect(clippy::disallowed_methods, reason = "UPDATE_DOCS says whether to write")]
fn the_pages_of_the_rules_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    let mut pages: BTreeMap<String, String> =
        all_rules().into_iter().map(|rule| (format!("{}.md", rule.id), rule_page(rule))).collect();
    pages.insert("README.md".to_owned(), index_page(all_rules()));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("docs/rules can be made");
        for (name, page) in &pages {
            std::fs::write(folder.join(name), page).expect("docs/rules can be written");
        }
    }
    let mut written = BTreeMap::new();
    for entry in std::fs::read_dir(&folder).expect("docs/rules is there") {
        let entry = entry.expect("docs/rules can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        written.insert(name, std::fs::read_to_string(entry.path()).expect("a page can be read"));
    }
    assert!(written == pages, "docs/rules is out of date: run UPDATE_DOCS=1 cargo test rule_pages");
}
