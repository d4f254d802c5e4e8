//! What a pattern fixes: its prefix, and how selective the rest is (`pattern_fixed_prefix`).

use super::pattern::Kind;
use crate::planner::env::Env;
use crate::snapshot::Oid;

/// `FIXED_CHAR_SEL`: a character that must be there.
const FIXED_CHAR: f64 = 0.20;
/// `CHAR_RANGE_SEL`: one of a set.
const CHAR_RANGE: f64 = 0.25;
/// `ANY_CHAR_SEL`: any one character.
const ANY_CHAR: f64 = 0.9;
/// `FULL_WILDCARD_SEL`: anything.
const FULL_WILDCARD: f64 = 5.0;
/// `PARTIAL_WILDCARD_SEL`: a repetition.
const PARTIAL_WILDCARD: f64 = 2.0;

/// How a pattern begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prefix {
    /// With anything.
    None,
    /// With this text.
    Partial(String),
    /// It is this text and no more.
    Exact(String),
}

/// A pattern's fixed prefix and the selectivity of what follows it.
pub(super) fn of(env: &Env<'_>, collation: Oid, kind: Kind, pattern: &str) -> (Prefix, f64) {
    match kind {
        Kind::Like => like(pattern, |_| false),
        Kind::LikeAnyCase => {
            let is_c = super::compare::is_c(env, collation);
            like(pattern, |c| if is_c { c.is_ascii_alphabetic() } else { c.is_alphabetic() || !c.is_ascii() })
        }
        Kind::Regex | Kind::RegexAnyCase => regex(pattern, kind == Kind::RegexAnyCase),
        // `^@` has no wildcards: what follows the prefix is free.
        Kind::Prefix => (Prefix::Partial(pattern.to_owned()), 1.0),
    }
}

/// `like_fixed_prefix`. `varies` tells the characters that match in another case, too.
fn like(pattern: &str, varies: impl Fn(char) -> bool) -> (Prefix, f64) {
    let mut fixed = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if c == '%' || c == '_' {
            break;
        }
        let (c, after) = if c == '\\' {
            // An escape at the very end stands for nothing.
            rest = rest.get(1..).unwrap_or("");
            let Some(escaped) = rest.chars().next() else { break };
            (escaped, rest)
        } else {
            (c, rest)
        };
        if varies(c) {
            break;
        }
        fixed.push(c);
        rest = after.get(c.len_utf8()..).unwrap_or("");
    }
    let selectivity = like_rest(rest.as_bytes());
    let prefix = if rest.is_empty() {
        Prefix::Exact(fixed)
    } else if fixed.is_empty() {
        Prefix::None
    } else {
        Prefix::Partial(fixed)
    };
    (prefix, selectivity)
}

/// `like_selectivity`: by characters. Wildcards at the start are taken as given.
fn like_rest(pattern: &[u8]) -> f64 {
    let mut selectivity = 1.0;
    let mut bytes = pattern.iter().skip_while(|b| matches!(b, b'%' | b'_'));
    while let Some(byte) = bytes.next() {
        selectivity *= match byte {
            b'%' => FULL_WILDCARD,
            b'_' => ANY_CHAR,
            b'\\' => match bytes.next() {
                Some(_) => FIXED_CHAR,
                None => break,
            },
            _ => FIXED_CHAR,
        };
    }
    selectivity.min(1.0)
}

/// `regex_fixed_prefix`.
fn regex(pattern: &str, any_case: bool) -> (Prefix, f64) {
    match regex_prefix(pattern, any_case) {
        Prefix::Exact(text) => (Prefix::Exact(text), 1.0),
        Prefix::Partial(text) => {
            let rest = regex_rest(pattern.as_bytes(), text.len());
            (Prefix::Partial(text), rest)
        }
        Prefix::None => (Prefix::None, regex_rest(pattern.as_bytes(), 0)),
    }
}

/// What a regular expression must match literally at the start (`pg_regprefix`, for what is written plainly): literal
/// characters after `^` up to the first that is special or is repeated.
fn regex_prefix(pattern: &str, any_case: bool) -> Prefix {
    let Some(body) = pattern.strip_prefix('^') else { return Prefix::None };
    let mut fixed = String::new();
    let mut chars = body.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '$' if chars.peek().is_none() => {
                return if fixed.is_empty() && any_case { Prefix::None } else { Prefix::Exact(fixed) };
            }
            '\\' => match chars.peek().copied() {
                Some(escaped) if !escaped.is_alphanumeric() => {
                    chars.next();
                    escaped
                }
                _ => break,
            },
            '.' | '[' | '(' | ')' | '*' | '+' | '?' | '{' | '^' | '$' | '|' => break,
            c => c,
        };
        if any_case && literal.is_alphabetic() {
            break;
        }
        if matches!(chars.peek(), Some('*' | '?' | '{')) {
            break;
        }
        fixed.push(literal);
        if chars.peek() == Some(&'+') {
            break;
        }
    }
    // An alternative at the top level need not begin so.
    if fixed.is_empty() || has_top_level_alternative(body) { Prefix::None } else { Prefix::Partial(fixed) }
}

fn has_top_level_alternative(pattern: &str) -> bool {
    let (mut depth, mut escaped) = (0_usize, false);
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// `regex_selectivity`: by characters, with the fixed prefix taken out.
fn regex_rest(pattern: &[u8], prefix: usize) -> f64 {
    let mut selectivity = match pattern {
        [body @ .., b'$'] if body.last() != Some(&b'\\') => regex_part(body, 0),
        _ => regex_part(pattern, 0) * FULL_WILDCARD,
    };
    if prefix > 0 {
        let taken = FIXED_CHAR.powi(i32::try_from(prefix).unwrap_or(i32::MAX));
        if taken > 0.0 {
            selectivity /= taken;
        }
    }
    super::restriction::clamp(selectivity)
}

/// Parentheses within parentheses that are followed.
const MAX_DEPTH: u32 = 100;

/// `regex_selectivity_sub`.
fn regex_part(pattern: &[u8], depth: u32) -> f64 {
    if depth > MAX_DEPTH {
        return 1.0;
    }
    let mut selectivity = 1.0;
    let (mut open, mut start) = (0_usize, 0);
    let mut at = 0;
    while let Some(byte) = pattern.get(at) {
        let factor = match byte {
            b'(' => {
                if open == 0 {
                    start = at + 1;
                }
                open += 1;
                None
            }
            b')' if open > 0 => {
                open -= 1;
                if open == 0 {
                    selectivity *= regex_part(pattern.get(start..at).unwrap_or_default(), depth + 1);
                }
                None
            }
            b'|' if open == 0 => {
                selectivity += regex_part(pattern.get(at + 1..).unwrap_or_default(), depth + 1);
                break;
            }
            b'[' => {
                at += 1;
                let negated = pattern.get(at) == Some(&b'^');
                at += usize::from(negated);
                at += usize::from(pattern.get(at) == Some(&b']'));
                while pattern.get(at).is_some_and(|b| *b != b']') {
                    at += 1;
                }
                Some(if negated { 1.0 - CHAR_RANGE } else { CHAR_RANGE })
            }
            b'.' => Some(ANY_CHAR),
            b'*' | b'?' | b'+' => Some(PARTIAL_WILDCARD),
            b'{' => {
                while pattern.get(at).is_some_and(|b| *b != b'}') {
                    at += 1;
                }
                Some(PARTIAL_WILDCARD)
            }
            b'\\' => {
                at += 1;
                if at >= pattern.len() {
                    break;
                }
                Some(FIXED_CHAR)
            }
            _ => Some(FIXED_CHAR),
        };
        if open == 0
            && let Some(factor) = factor
        {
            selectivity *= factor;
        }
        at += 1;
    }
    selectivity.min(1.0)
}

/// A text above all that begin with `prefix` (`make_greater_string`): its last byte that can be raised is, and what
/// follows is cut. `None` if there is none.
pub(super) fn greater(env: &Env<'_>, collation: Oid, prefix: &str) -> Option<String> {
    let _ = (env, collation);
    let mut text: Vec<char> = prefix.chars().collect();
    while let Some(last) = text.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            text.push(next);
            return Some(text.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns_fix_what_precedes_a_wildcard() {
        assert_eq!(like("abc%", |_| false), (Prefix::Partial("abc".to_owned()), 1.0));
        assert_eq!(like("abc", |_| false), (Prefix::Exact("abc".to_owned()), 1.0));
        let (prefix, rest) = like("%bc%", |_| false);
        assert_eq!(prefix, Prefix::None);
        assert!((rest - 0.2 * 0.2 * 5.0).abs() < 1e-12);
        assert_eq!(like("a\\_c_", |_| false).0, Prefix::Partial("a_c".to_owned()));
    }

    #[test]
    fn regular_expressions_are_estimated_by_their_characters() {
        assert_eq!(regex_prefix("^abc", false), Prefix::Partial("abc".to_owned()));
        assert_eq!(regex_prefix("^abc$", false), Prefix::Exact("abc".to_owned()));
        assert_eq!(regex_prefix("^ab*", false), Prefix::Partial("a".to_owned()));
        assert_eq!(regex_prefix("^a|b", false), Prefix::None);
        assert!((regex_rest(b"a.b", 0) - 0.2 * 0.9 * 0.2 * 5.0).abs() < 1e-12);
    }
}
