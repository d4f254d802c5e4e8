//! Operators of the extensions that come with the server, evaluated on values as their types print them.

use crate::planner::value::{Datum, trigram};

/// `pg_trgm.similarity_threshold`, unless set otherwise.
const SIMILARITY_THRESHOLD: f64 = 0.3;

/// Whether an operator on a type of this name holds; `None` where it is not one that is known here.
pub(super) fn holds(ty: &str, name: &str, left: &Datum, right: &Datum) -> Option<bool> {
    match (ty, name, left, right) {
        ("text", "%", Datum::Text(a), Datum::Text(b)) => Some(trigram::similarity(a, b) >= SIMILARITY_THRESHOLD),
        ("ltree", "<@", Datum::Opaque(a), Datum::Opaque(b)) => Some(below(a, b)),
        ("ltree", "@>", Datum::Opaque(a), Datum::Opaque(b)) => Some(below(b, a)),
        ("hstore", "@>", Datum::Opaque(a), Datum::Opaque(b)) => Some(contains(&pairs(a)?, &pairs(b)?)),
        ("hstore", "<@", Datum::Opaque(a), Datum::Opaque(b)) => Some(contains(&pairs(b)?, &pairs(a)?)),
        ("hstore", "?", Datum::Opaque(a), Datum::Text(key)) => Some(has(&pairs(a)?, key)),
        ("hstore", "?|", Datum::Opaque(a), Datum::Array(keys)) => {
            let pairs = pairs(a)?;
            Some(super::matching::texts(keys).any(|key| has(&pairs, key)))
        }
        ("hstore", "?&", Datum::Opaque(a), Datum::Array(keys)) => {
            let pairs = pairs(a)?;
            Some(super::matching::texts(keys).all(|key| has(&pairs, key)))
        }
        _ => None,
    }
}

/// Whether a path is another or below it (`ltree <@ ltree`).
fn below(path: &str, ancestor: &str) -> bool {
    ancestor.is_empty() || path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

type Pair = (String, Option<String>);

fn has(pairs: &[Pair], key: &str) -> bool {
    pairs.iter().any(|(k, _)| k == key)
}

fn contains(a: &[Pair], b: &[Pair]) -> bool {
    b.iter().all(|wanted| a.contains(wanted))
}

/// The keys and values of an hstore's text, quoted or not.
fn pairs(text: &str) -> Option<Vec<Pair>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, _, after) = word(rest)?;
        let (value, quoted, after) = word(after.trim_start().strip_prefix("=>")?.trim_start())?;
        let value = (quoted || !value.eq_ignore_ascii_case("null")).then_some(value);
        pairs.push((key, value));
        rest = after.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(pairs)
}

/// A word, whether it was quoted, and what follows it.
fn word(text: &str) -> Option<(String, bool, &str)> {
    let mut out = String::new();
    let quoted = text.starts_with('"');
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.push(chars.next()?.1),
            '"' if quoted => return Some((out, true, text.get(at + 1..)?)),
            c if !quoted && (c.is_whitespace() || matches!(c, ',' | '=')) => {
                return (!out.is_empty()).then_some((out, false, text.get(at..)?));
            }
            c => out.push(c),
        }
    }
    (!quoted && !out.is_empty()).then_some((out, false, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opaque(text: &str) -> Datum {
        Datum::Opaque(text.to_owned())
    }

    #[test]
    fn operators_hold_as_their_extensions_say() {
        let check = |ty, name, a: &str, b: &str| holds(ty, name, &opaque(a), &opaque(b));
        assert_eq!(check("ltree", "<@", "a.b.c", "a.b"), Some(true));
        assert_eq!(check("ltree", "<@", "a.bc", "a.b"), Some(false));
        assert_eq!(check("hstore", "@>", "\"a\"=>\"1\", \"b\"=>NULL", "b=>null"), Some(true));
        assert_eq!(check("hstore", "@>", "\"a\"=>\"1\"", "a=>2"), Some(false));
        assert_eq!(check("hstore", "@>", "broken", "a=>2"), None);
        let key = Datum::Text("q\"u".to_owned());
        assert_eq!(holds("hstore", "?", &opaque("\"q\\\"u\"=>\"1\""), &key), Some(true));
    }
}
