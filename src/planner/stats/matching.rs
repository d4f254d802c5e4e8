//! Operators that match rather than compare, evaluated on common values: patterns and containment.

use serde_json::Value;

use super::pattern::Kind;
use crate::planner::facts::Facts;
use crate::planner::value::Datum;
use crate::snapshot::Oid;

/// A pattern, made ready to be matched with many texts.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// LIKE.
    Like(Vec<Piece>),
    /// ILIKE: letters in lower case.
    LikeAnyCase(Vec<Piece>),
    /// A regular expression.
    Regex(Box<regex::Regex>),
    /// A beginning.
    Prefix(String),
}

/// A piece of a LIKE pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// This character.
    Char(char),
    /// `_`.
    Any,
    /// `%`.
    Rest,
}

impl Pattern {
    /// Makes a pattern ready. `None` for a regular expression in the server's dialect only.
    pub(super) fn new(kind: Kind, text: &str) -> Option<Self> {
        Some(match kind {
            Kind::Like => Self::Like(pieces(text)),
            Kind::LikeAnyCase => Self::LikeAnyCase(pieces(&text.to_lowercase())),
            Kind::Prefix => Self::Prefix(text.to_owned()),
            Kind::Regex | Kind::RegexAnyCase => {
                let built = regex::RegexBuilder::new(text)
                    .case_insensitive(kind == Kind::RegexAnyCase)
                    .dot_matches_new_line(true)
                    .size_limit(1 << 20)
                    .build();
                Self::Regex(Box::new(built.ok()?))
            }
        })
    }

    /// Whether a text matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Like(pieces) => like(pieces, text),
            Self::LikeAnyCase(pieces) => like(pieces, &text.to_lowercase()),
            Self::Regex(regex) => regex.is_match(text),
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
        }
    }
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut chars = pattern.chars();
    let mut pieces = Vec::new();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '%' => Piece::Rest,
            '_' => Piece::Any,
            '\\' => Piece::Char(chars.next().unwrap_or('\\')),
            c => Piece::Char(c),
        });
    }
    pieces
}

/// Matches in time proportional to the product of the lengths: only the last `%` met is ever gone back to.
fn like(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        match pattern.get(p) {
            Some(Piece::Rest) => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(Piece::Any) => {
                p += 1;
                t += 1;
                continue;
            }
            Some(Piece::Char(wanted)) if wanted == c => {
                p += 1;
                t += 1;
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = retry else { return false };
        retry = Some((after, from + 1));
        (p, t) = (after, from + 1);
    }
    pattern.get(p..).unwrap_or_default().iter().all(|piece| *piece == Piece::Rest)
}

/// Whether an operator holds for two values; `None` where it is not one that is known here.
pub(super) fn holds(facts: &Facts, operator: Oid, left: &Datum, right: &Datum) -> Option<bool> {
    let fact = facts.operator(operator)?;
    let name = fact.name.as_str();
    match (name, left, right) {
        ("@>", Datum::Json(a), Datum::Json(b)) | ("<@", Datum::Json(b), Datum::Json(a)) => {
            Some(contains(a, b) || is_element(a, b))
        }
        ("?", Datum::Json(document), Datum::Text(key)) => Some(has_key(document, key)),
        ("?|", Datum::Json(document), Datum::Array(keys)) => Some(texts(keys).any(|key| has_key(document, key))),
        ("?&", Datum::Json(document), Datum::Array(keys)) => Some(texts(keys).all(|key| has_key(document, key))),
        ("^@", Datum::Text(text), Datum::Text(prefix)) => Some(text.starts_with(prefix.as_str())),
        (name, Datum::Inet(a), Datum::Inet(b)) => super::network::holds(name, a, b),
        _ => super::extension::holds(&facts.ty(fact.left)?.name, name, left, right),
    }
}

pub(super) fn texts(keys: &[Option<Datum>]) -> impl Iterator<Item = &str> {
    keys.iter().flatten().filter_map(|key| match key {
        Datum::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

/// A key of an object, a string of an array, or the string itself (`jsonb_exists`).
fn has_key(document: &Value, key: &str) -> bool {
    match document {
        Value::Object(map) => map.contains_key(key),
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(key)),
        other => other.as_str() == Some(key),
    }
}

/// A scalar is contained in an array that has it.
fn is_element(a: &Value, b: &Value) -> bool {
    matches!(a, Value::Array(items) if !b.is_array() && !b.is_object() && items.iter().any(|item| equal(item, b)))
}

/// `jsonb @> jsonb`. The depth is what the parser of documents allows.
fn contains(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            b.iter().all(|(key, wanted)| a.get(key).is_some_and(|value| contains(value, wanted)))
        }
        (Value::Array(a), Value::Array(b)) => b.iter().all(|wanted| a.iter().any(|value| contains(value, wanted))),
        _ => equal(a, b),
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_matches_as_the_server_does() {
        let matches = |pattern: &str, text: &str| Pattern::new(Kind::Like, pattern).is_some_and(|p| p.matches(text));
        assert!(matches("a%c", "abbbc") && matches("%", "") && matches("a\\%", "a%") && matches("_b%d%", "abcdxd"));
        assert!(!matches("a%c", "abbb") && !matches("_", "") && !matches("a\\%", "ab"));
        assert!(Pattern::new(Kind::LikeAnyCase, "%B%").is_some_and(|p| p.matches("abc")));
    }

    #[test]
    fn documents_contain_what_the_server_says() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        assert!(contains(&value(r#"{"a":1,"b":[1,2]}"#), &value(r#"{"b":[2]}"#)));
        assert!(!contains(&value(r#"{"a":1}"#), &value(r#"{"a":2}"#)));
        assert!(is_element(&value("[1,2]"), &value("2.0")));
    }
}
