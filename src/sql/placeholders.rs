//! `?` placeholders, as drivers and logs write them, as `$n`.

use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

/// The text with its `?` placeholders numbered, or `None` if it has none (or cannot be cut into tokens).
///
/// A `?` between two operands is jsonb's operator and stays. `every` takes each of them for a placeholder instead:
/// the second thing to try.
pub(super) fn number_placeholders(sql: &str, every: bool) -> Option<String> {
    if !sql.contains('?') {
        return None;
    }
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().ok()?;
    let lines = LineStarts::new(sql);
    let tokens: Vec<&TokenWithSpan> = tokens.iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).collect();
    let mut next = 1 + tokens.iter().filter_map(|t| dollar_number(&t.token)).max().unwrap_or(0);
    let mut out = String::with_capacity(sql.len() + 16);
    let mut copied = 0;
    let mut replaced = false;
    // Whether the token before, as it was read, ends an operand.
    let mut after_operand = false;
    for (i, token) in tokens.iter().enumerate() {
        let is_question = matches!(&token.token, Token::Placeholder(p) if p.starts_with('?'));
        if !is_question {
            after_operand = ends_operand(&token.token);
            continue;
        }
        if !every && after_operand && tokens.get(i + 1).is_some_and(|t| begins_operand(&t.token)) {
            after_operand = false;
            continue;
        }
        let start = lines.offset(sql, token.span.start)?;
        let Token::Placeholder(text) = &token.token else { continue };
        out.push_str(sql.get(copied..start)?);
        out.push('$');
        out.push_str(&next.to_string());
        next += 1;
        copied = start + text.len();
        replaced = true;
        after_operand = true;
    }
    if !replaced {
        return None;
    }
    out.push_str(sql.get(copied..)?);
    Some(out)
}

fn dollar_number(token: &Token) -> Option<u32> {
    match token {
        Token::Placeholder(p) => p.strip_prefix('$')?.parse().ok(),
        _ => None,
    }
}

fn ends_operand(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.quote_style.is_some() || !expects_operand(&word.value),
        Token::RParen
        | Token::RBracket
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::Placeholder(_) => true,
        _ => false,
    }
}

fn begins_operand(token: &Token) -> bool {
    match token {
        Token::Word(word) => {
            word.quote_style.is_some()
                || word.value.eq_ignore_ascii_case("array")
                || word.value.eq_ignore_ascii_case("cast")
                || sqlparser::keywords::ALL_KEYWORDS.binary_search(&word.value.to_ascii_uppercase().as_str()).is_err()
        }
        // `a ?| array['x']` and `a ?& …`: the tokenizer takes the question mark on its own.
        Token::Pipe
        | Token::Ampersand
        | Token::LParen
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::Placeholder(_) => true,
        _ => false,
    }
}

/// Words after which an expression begins, so that a `?` there can only be a placeholder. Sorted.
const EXPECT_OPERAND: &[&str] = &[
    "ALL",
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "DEFAULT",
    "DISTINCT",
    "ELSE",
    "ESCAPE",
    "FIRST",
    "FOR",
    "FROM",
    "HAVING",
    "ILIKE",
    "IN",
    "INTERVAL",
    "IS",
    "LIKE",
    "LIMIT",
    "NEXT",
    "NOT",
    "OFFSET",
    "ON",
    "OR",
    "RETURNING",
    "SELECT",
    "SET",
    "SIMILAR",
    "SOME",
    "SYMMETRIC",
    "THEN",
    "TO",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "ZONE",
];

fn expects_operand(word: &str) -> bool {
    EXPECT_OPERAND.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}

/// Byte offsets of the lines, to turn the tokenizer's line and column (in characters, from 1) into an offset.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn new(sql: &str) -> Self {
        let breaks = sql.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Self(std::iter::once(0).chain(breaks).collect())
    }

    fn offset(&self, sql: &str, at: Location) -> Option<usize> {
        let line = *self.0.get(usize::try_from(at.line).ok()?.checked_sub(1)?)?;
        let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let rest = sql.get(line..)?;
        rest.char_indices().nth(column).map(|(i, _)| line + i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_for_the_search() {
        assert!(EXPECT_OPERAND.is_sorted());
    }

    #[test]
    fn numbers_placeholders_and_leaves_operators() {
        let cases = [
            ("select * from t where a = ? and b in (?, ?)", "select * from t where a = $1 and b in ($2, $3)"),
            ("select * from t limit ? offset ?", "select * from t limit $1 offset $2"),
            ("select '?', \"a?\" from t -- ?\nwhere é = ?", "select '?', \"a?\" from t -- ?\nwhere é = $1"),
            ("select * from t where data ? 'k' and a = ?", "select * from t where data ? 'k' and a = $1"),
            ("select * from t where data ? ?", "select * from t where data ? $1"),
            ("select * from t where data ?| array[?]", "select * from t where data ?| array[$1]"),
            ("select * from t where data ?& ?", "select * from t where data ?& $1"),
            ("select * from t where a = $2 or b = ?", "select * from t where a = $2 or b = $3"),
            ("update t set a = ? where b between ? and ?", "update t set a = $1 where b between $2 and $3"),
            ("select case when a then ? else ? end", "select case when a then $1 else $2 end"),
            ("select now() - interval ?", "select now() - interval $1"),
        ];
        for (sql, expected) in cases {
            assert_eq!(number_placeholders(sql, false).as_deref().unwrap_or(sql), expected);
        }
        assert_eq!(number_placeholders("select 1", false), None);
    }
}
