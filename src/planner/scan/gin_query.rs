//! What a GIN operator class looks up for a constant (its `extractQuery` function): how many entries, and whether they
//! suffice to find the rows.

use crate::planner::env::IndexKeyInfo;
use crate::planner::facts::Facts;
use crate::planner::value::{Datum, trigram};
use crate::snapshot::Oid;

/// `searchMode` of `extractQuery`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only rows with one of the entries match.
    Default,
    /// Rows without any entry may match too.
    IncludeEmpty,
    /// Any row may match: the whole index is read.
    All,
}

/// Entries looked up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entries {
    /// As whole entries.
    pub exact: f64,
    /// As prefixes.
    pub partial: f64,
    /// What else may match.
    pub mode: Mode,
}

impl Entries {
    fn of(exact: usize, when_none: Mode) -> Self {
        Self { exact: exact as f64, partial: 0.0, mode: if exact == 0 { when_none } else { Mode::Default } }
    }
}

/// What a condition `key op value` looks up.
pub fn extract(facts: &Facts, key: &IndexKeyInfo, op: Oid, value: &Datum) -> Entries {
    let name = facts.operator(op).map_or("", |o| o.name.as_str());
    match (key.opclass.as_str(), value) {
        ("array_ops", Datum::Array(elements)) => match name {
            "@>" => Entries::of(elements.len(), Mode::All),
            "<@" => Entries { mode: Mode::IncludeEmpty, ..Entries::of(elements.len(), Mode::Default) },
            "=" => Entries::of(elements.len(), Mode::IncludeEmpty),
            _ => Entries::of(elements.len(), Mode::Default),
        },
        ("jsonb_ops", Datum::Json(json)) => Entries::of(json_entries(json), Mode::All),
        ("jsonb_path_ops", Datum::Json(json)) => Entries::of(json_values(json), Mode::All),
        ("jsonb_ops", Datum::Text(_)) if name == "?" => Entries::of(1, Mode::All),
        ("jsonb_ops", Datum::Array(keys)) => {
            let mode = if name == "?&" { Mode::All } else { Mode::Default };
            Entries::of(keys.iter().flatten().count(), mode)
        }
        ("tsvector_ops", Datum::Opaque(query)) => ts_query(query),
        // hstore looks up keys and values apart (`gin_extract_hstore_query`).
        ("gin_hstore_ops", Datum::Opaque(pairs)) if name == "@>" => {
            Entries::of(2 * pairs.matches("=>").count(), Mode::All)
        }
        ("gin_hstore_ops", Datum::Array(keys)) => Entries::of(keys.iter().flatten().count(), Mode::Default),
        ("gin__int_ops", Datum::Array(elements)) => Entries::of(elements.len(), Mode::Default),
        ("gin_trgm_ops", Datum::Text(text)) => match name {
            "~~" | "~~*" => Entries::of(wildcard_trigrams(text), Mode::All),
            "~" | "~*" => Entries::of(regex_trigrams(text), Mode::All),
            _ => Entries::of(trigram::words(text).len(), Mode::Default),
        },
        _ => Entries::of(1, Mode::Default),
    }
}

/// `gin_extract_jsonb`: every key, value and element.
fn json_entries(json: &serde_json::Value) -> usize {
    match json {
        serde_json::Value::Object(map) => map.values().map(|v| 1 + json_entries(v)).sum(),
        serde_json::Value::Array(items) => items.iter().map(json_entries).sum(),
        _ => 1,
    }
}

/// `gin_extract_jsonb_path`: every value and element, each with its path.
fn json_values(json: &serde_json::Value) -> usize {
    match json {
        serde_json::Value::Object(map) => map.values().map(json_values).sum(),
        serde_json::Value::Array(items) => items.iter().map(json_values).sum(),
        _ => 1,
    }
}

/// Lexemes of a tsquery as it prints (`gin_extract_tsquery`): quoted, `:*` after a prefix.
fn ts_query(text: &str) -> Entries {
    let mut exact = 0;
    let mut partial = 0;
    let mut rest = text;
    // Without a lexeme that must be there, every row may match.
    let mut required = false;
    let mut negated = false;
    while let Some(c) = rest.chars().next() {
        if c == '\'' {
            let end = rest.char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(rest.len(), |(i, _)| i + 1);
            let after = rest.get(end..).unwrap_or_default();
            let is_prefix = after
                .strip_prefix(':')
                .is_some_and(|a| a.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '*').any(|c| c == '*'));
            if is_prefix {
                partial += 1;
            } else {
                exact += 1;
            }
            required |= !negated;
            negated = false;
            rest = after;
        } else {
            if c == '!' {
                negated = true;
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    let mode = if required { Mode::Default } else { Mode::All };
    Entries { exact: f64::from(exact), partial: f64::from(partial), mode }
}

/// Distinct trigrams that a LIKE pattern requires (`generate_wildcard_trgm`): a word has its blanks only where no
/// wildcard touches it.
fn wildcard_trigrams(pattern: &str) -> usize {
    let mut found = Vec::new();
    let mut word = String::from("  ");
    let mut letters = 0;
    let mut finish = |word: &mut String, letters: &mut usize, wildcard: bool| {
        if *letters > 0 {
            if !wildcard {
                word.push(' ');
            }
            trigram::of(word, &mut found);
        }
        word.clear();
        if !wildcard {
            word.push_str("  ");
        }
        *letters = 0;
    };
    let lower = pattern.to_lowercase();
    let mut chars = lower.chars();
    while let Some(c) = chars.next() {
        let (c, wildcard) = match c {
            '\\' => (chars.next().unwrap_or('\\'), false),
            '%' | '_' => (c, true),
            _ => (c, false),
        };
        if !wildcard && c.is_alphanumeric() {
            word.push(c);
            letters += 1;
        } else {
            finish(&mut word, &mut letters, wildcard);
        }
    }
    finish(&mut word, &mut letters, false);
    distinct(found)
}

/// Trigrams of a regular expression's literal stretches. The server builds them from the expression's automaton;
/// this is the count for plain stretches of letters.
fn regex_trigrams(pattern: &str) -> usize {
    let mut found = Vec::new();
    if pattern.contains(['|', '[', '(']) {
        return 0;
    }
    for stretch in pattern.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        trigram::of(stretch, &mut found);
    }
    distinct(found)
}

fn distinct(mut found: Vec<String>) -> usize {
    found.sort_unstable();
    found.dedup();
    found.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trigrams_are_counted_as_pg_trgm_does() {
        // show_trgm('word'): "  w"," wo","ord","rd ","wor".
        assert_eq!(trigram::words("word").len(), 5);
        assert_eq!(wildcard_trigrams("%foo%"), 1);
        assert_eq!(wildcard_trigrams("foo%"), 3);
        assert_eq!(wildcard_trigrams("%a%"), 0);
    }

    #[test]
    fn lexemes_are_counted_by_kind() {
        let found = ts_query("'cat' & 'do':* & !'fish'");
        assert_eq!((found.exact, found.partial, found.mode), (2.0, 1.0, Mode::Default));
        assert_eq!(ts_query("!'fish'").mode, Mode::All);
    }

    #[test]
    fn documents_give_keys_and_values() {
        let json = serde_json::json!({"a": 1, "b": {"c": [1, 2]}});
        assert_eq!(json_entries(&json), 6);
        assert_eq!(json_values(&json), 3);
    }
}
