//! Which hypothetical indexes are not worth the risk to the monitored server.

use crate::snapshot::{Catalog, IndexSpec};

/// Why HypoPG had better not see this index, if so.
///
/// To size a partial index, HypoPG estimates the predicate under a planner context of its own that holds one table,
/// while the table's entry keeps its place in the statement's. What looks the table up by that place then reads past
/// the end: a range comparison (`get_actual_variable_range`), an expression that matches an index's
/// (`examine_variable`), and extended statistics (`statext_clauselist_selectivity`). That crashes the backend, and with
/// it every session of the server (HypoPG/hypopg#116). Equality, NULL tests and booleans do not get there.
pub(super) fn of(spec: &IndexSpec, catalog: &Catalog) -> Option<String> {
    let predicate = spec.predicate.as_deref()?;
    let why = if catalog.extended_statistics.iter().any(|s| s.table == spec.table) {
        "on a table with extended statistics"
    } else if !harmless(predicate) {
        "whose predicate is more than equalities and NULL tests on columns"
    } else {
        return None;
    };
    Some(format!("HypoPG may crash the server over a partial index {why} (hypopg issue 116): not tried"))
}

/// Whether a predicate is made of columns, constants, `=`, `<>`, IS, IN, AND, OR, NOT and casts only. Judged by its
/// tokens, and refused when in doubt.
fn harmless(predicate: &str) -> bool {
    let mut rest = predicate;
    let mut previous_word = String::new();
    while let Some(c) = rest.chars().next() {
        match c {
            '\'' | '"' => match closing_quote(&rest[1..], c) {
                Some(end) => {
                    // A quoted name before a parenthesis may be a function's.
                    previous_word = if c == '"' { "\"".to_owned() } else { String::new() };
                    rest = &rest[1 + end + 1..];
                    continue;
                }
                None => return false,
            },
            '(' => {
                let keywords = [
                    "",
                    "and",
                    "or",
                    "not",
                    "in",
                    "any",
                    "is",
                    "numeric",
                    "varchar",
                    "varying",
                    "character",
                    "bpchar",
                    "timestamp",
                ];
                if !keywords.contains(&previous_word.as_str()) {
                    return false;
                }
                previous_word.clear();
            }
            ')' | ',' | '.' | '[' | ']' | ':' => previous_word.clear(),
            '=' => {
                if rest[1..].starts_with(is_operator) {
                    return false;
                }
                previous_word.clear();
            }
            '<' if rest[1..].starts_with('>') && !rest[2..].starts_with(is_operator) => {
                previous_word.clear();
                rest = &rest[2..];
                continue;
            }
            // A sign before a number.
            '-' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) && previous_word.is_empty() => {}
            _ if c.is_whitespace() => {}
            _ if c.is_alphanumeric() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
                previous_word = rest[..end].to_lowercase();
                let refused = ["like", "ilike", "similar", "between", "case", "overlaps", "select", "exists"];
                if refused.contains(&previous_word.as_str()) {
                    return false;
                }
                rest = &rest[end..];
                continue;
            }
            _ => return false,
        }
        rest = &rest[c.len_utf8()..];
    }
    true
}

fn is_operator(c: char) -> bool {
    "+-*/<>=~!@#%^&|`?".contains(c)
}

/// The position of the quote that ends a quoted text; doubled quotes stand for themselves.
fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => {
                    chars.next();
                }
                _ => return Some(at),
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn equality_null_tests_and_booleans_pass() {
        for predicate in [
            "deleted_at IS NULL",
            "(deleted_at IS NULL)",
            "active",
            "NOT active AND status = 'it''s < new'",
            "(status)::text = 'new'::character varying(10)",
            "status = ANY (ARRAY['a'::text, 'b'::text])",
            "status IN ('a', 'b') OR \"Odd <Name>\" IS NOT NULL",
            "kind <> 3 AND n = -1",
        ] {
            assert!(harmless(predicate), "{predicate}");
        }
    }

    #[test]
    fn ranges_patterns_and_expressions_do_not() {
        for predicate in [
            "num > 0",
            "num>=0 AND a = 1",
            "created_at < '2024-01-01'::date",
            "name LIKE 'a%'",
            "n BETWEEN 1 AND 2",
            "lower(name) = 'x'",
            "\"F\"(name) = 'x'",
            "a + b = 3",
            "a = b - 1",
            "doc @> '{}'",
            "x = 'unended",
            "name ~~ 'a%'",
            "a =< b",
        ] {
            assert!(!harmless(predicate), "{predicate}");
        }
    }
}
