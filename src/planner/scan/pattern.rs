//! Index conditions derived by an operator's support function (`like_support.c`): LIKE, regular expressions and
//! `starts_with` become a range of strings.

use std::sync::Arc;

use crate::planner::env::IndexKeyInfo;
use crate::planner::expr::{Const, Expr, OpExpr, OpKind, types};
use crate::planner::facts::Facts;
use crate::planner::value::Datum;
use crate::snapshot::Oid;

/// `TEXT_PATTERN_BTREE_FAM_OID`.
const TEXT_PATTERN: Oid = 2095;
/// `TEXT_SPGIST_FAM_OID`.
const TEXT_SPGIST: Oid = 4017;
/// `BPCHAR_PATTERN_BTREE_FAM_OID`.
const BPCHAR_PATTERN: Oid = 2097;

/// The operators by which a prefix becomes a range.
struct Operators {
    equal: Oid,
    less: Oid,
    greater_equal: Oid,
    /// They follow the collation.
    collated: bool,
}

/// The kinds of pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Like,
    LikeFold,
    Regex,
    RegexFold,
    Prefix,
}

/// Conditions on an index key that `function(left, right)` implies; empty for none. They are lossy.
pub(super) fn derive(facts: &Facts, function: Oid, args: &[Expr], collation: Oid, key: &IndexKeyInfo) -> Vec<Expr> {
    let kind = match facts.function(function).map_or("", |f| f.support.as_str()) {
        "textlike_support" => Kind::Like,
        "texticlike_support" => Kind::LikeFold,
        "textregexeq_support" => Kind::Regex,
        "texticregexeq_support" => Kind::RegexFold,
        "text_starts_with_support" => Kind::Prefix,
        _ => return Vec::new(),
    };
    let [left, Expr::Const(Const { value: Some(value), .. })] = args else { return Vec::new() };
    let Datum::Text(pattern) = value.as_ref() else { return Vec::new() };
    let Some(operators) = operators(left.ty(), key.family) else { return Vec::new() };
    let (prefix, exact) = fixed_prefix(pattern, kind);
    if prefix.is_empty() && !exact {
        return Vec::new();
    }
    let fits = |op: Oid| facts.strategy(op, key.family).is_some();
    let build = |op: Oid, text: String| compare(op, left, text, key.collation);
    if exact {
        return if fits(operators.equal) && key.collation == collation {
            vec![build(operators.equal, prefix)]
        } else {
            Vec::new()
        };
    }
    if (operators.collated && !key.collation_is_c) || !fits(operators.greater_equal) {
        return Vec::new();
    }
    let mut quals = vec![build(operators.greater_equal, prefix.clone())];
    if fits(operators.less)
        && let Some(above) = greater_string(&prefix)
    {
        quals.push(build(operators.less, above));
    }
    quals
}

fn operators(left: Oid, family: Oid) -> Option<Operators> {
    Some(match left {
        types::TEXT | types::VARCHAR if family == TEXT_PATTERN || family == TEXT_SPGIST => {
            Operators { equal: 98, less: 2314, greater_equal: 2317, collated: false }
        }
        types::TEXT | types::VARCHAR => Operators { equal: 98, less: 664, greater_equal: 667, collated: true },
        types::NAME => Operators { equal: 254, less: 255, greater_equal: 257, collated: true },
        types::BPCHAR if family == BPCHAR_PATTERN => {
            Operators { equal: 1054, less: 2326, greater_equal: 2329, collated: false }
        }
        types::BPCHAR => Operators { equal: 1054, less: 1058, greater_equal: 1061, collated: true },
        _ => return None,
    })
}

fn compare(op: Oid, left: &Expr, text: String, collation: Oid) -> Expr {
    let ty = if left.ty() == types::BPCHAR { types::BPCHAR } else { types::TEXT };
    let right = Expr::Const(Const { ty, value: Some(Arc::new(Datum::Text(text))), collation });
    Expr::Op(Box::new(OpExpr { op, args: vec![left.clone(), right], ty: types::BOOL, collation, kind: OpKind::Plain }))
}

/// The text that every match begins with, and whether it is all of the match (`pattern_fixed_prefix`).
fn fixed_prefix(pattern: &str, kind: Kind) -> (String, bool) {
    match kind {
        Kind::Prefix => (pattern.to_owned(), false),
        Kind::Like | Kind::LikeFold => like_prefix(pattern, kind == Kind::LikeFold),
        Kind::Regex | Kind::RegexFold => regex_prefix(pattern, kind == Kind::RegexFold),
    }
}

fn like_prefix(pattern: &str, fold: bool) -> (String, bool) {
    let mut prefix = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '%' | '_' => return (prefix, false),
            '\\' => match chars.next() {
                Some(escaped) => escaped,
                None => break,
            },
            c => c,
        };
        if fold && c.is_alphabetic() {
            return (prefix, false);
        }
        prefix.push(c);
    }
    (prefix, true)
}

fn regex_prefix(pattern: &str, fold: bool) -> (String, bool) {
    let Some(anchored) = pattern.strip_prefix('^') else { return (String::new(), false) };
    if anchored.contains('|') {
        return (String::new(), false);
    }
    let mut prefix = String::new();
    let mut chars = anchored.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match c {
            '$' if chars.peek().is_none() => return (prefix, true),
            '\\' if chars.peek().is_some_and(|c| !c.is_alphanumeric()) => chars.next().unwrap_or('\\'),
            '.' | '[' | '(' | '\\' | '$' | '^' | '*' | '+' | '?' | '{' | ')' => break,
            c => c,
        };
        if fold && c.is_alphabetic() {
            break;
        }
        match chars.peek() {
            Some('*' | '?' | '{') => break,
            Some('+') => {
                prefix.push(c);
                break;
            }
            _ => prefix.push(c),
        }
    }
    (prefix, false)
}

/// A string above every string with the prefix (`make_greater_string`): its last character raised.
fn greater_string(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = u32::from(last) + 1;
        // Characters of one byte go up to 0x7E; wider ones up to the gap of the surrogates.
        if next != 0x7F
            && next != 0x80
            && let Some(next) = char::from_u32(next)
        {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_where_the_pattern_varies() {
        assert_eq!(like_prefix("abc%d", false), ("abc".to_owned(), false));
        assert_eq!(like_prefix("a\\%b", false), ("a%b".to_owned(), true));
        assert_eq!(like_prefix("12ab%", true), ("12".to_owned(), false));
        assert_eq!(regex_prefix("^abc.*", false), ("abc".to_owned(), false));
        assert_eq!(regex_prefix("^abc$", false), ("abc".to_owned(), true));
        assert_eq!(regex_prefix("^ab?", false), ("a".to_owned(), false));
        assert_eq!(regex_prefix("abc", false), (String::new(), false));
    }

    #[test]
    fn a_greater_string_ends_the_range() {
        assert_eq!(greater_string("abc").as_deref(), Some("abd"));
        assert_eq!(greater_string("~").as_deref(), None);
    }
}
