//! The search path of a statement that was run under another one than ours.

use std::collections::{BTreeMap, BTreeSet};

use crate::collect::tokens::{Kind, tokens};
use crate::snapshot::Catalog;
use crate::sql::quote;

/// Which schemas hold a relation of a name.
pub(super) struct Schemas<'a> {
    by_name: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(catalog: &'a Catalog) -> Self {
        let mut by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let tables = catalog.tables.iter().map(|t| (t.name.as_str(), t.schema.as_str()));
        let views = catalog.views.iter().map(|v| (v.name.as_str(), v.schema.as_str()));
        for (name, schema) in tables.chain(views) {
            by_name.entry(name).or_default().insert(schema);
        }
        Self { by_name }
    }

    /// A search path under which a text's unqualified relation names can be found: the schemas that alone hold one of
    /// them, before the usual path. `None` where that adds nothing to the usual path.
    pub(super) fn path_for(&self, text: &str, usual: &[String]) -> Option<String> {
        let mut path: BTreeSet<&str> = BTreeSet::new();
        for name in unqualified_names(text) {
            let Some(schemas) = self.by_name.get(name.as_str()) else { continue };
            if usual.iter().any(|u| schemas.contains(u.as_str())) {
                continue;
            }
            if schemas.len() == 1 {
                path.extend(schemas);
            }
        }
        if path.is_empty() {
            return None;
        }
        let all = path.iter().copied().chain(usual.iter().map(String::as_str));
        Some(all.map(quote::ident).collect::<Vec<_>>().join(", "))
    }
}

/// Every name that could be an unqualified relation's: a superset, which the catalog then sifts.
fn unqualified_names(text: &str) -> BTreeSet<String> {
    let tokens = tokens(text);
    let mut names = BTreeSet::new();
    for (i, token) in tokens.iter().enumerate() {
        let qualified = i > 0 && tokens[i - 1].text == ".";
        match token.kind {
            Kind::Word if !qualified => {
                names.insert(token.text.to_ascii_lowercase());
            }
            Kind::Quoted if !qualified => {
                let inner = token.text.trim_start_matches('"').trim_end_matches('"');
                names.insert(inner.replace("\"\"", "\""));
            }
            _ => {}
        }
    }
    names
}
