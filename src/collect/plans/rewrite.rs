//! Making a normalised text acceptable to the server again.
//!
//! pg_stat_statements puts `$n` where a constant stood, also where the grammar wants a constant: `interval '1 day'` becomes
//! `interval $1`. Rewriting these as casts gives a statement with the same plan.

use std::fmt::Write as _;

use crate::collect::tokens::{Kind, Token, tokens};

/// Types that the grammar lets stand before a constant, as one word.
const PREFIX_TYPES: [&str; 9] =
    ["interval", "date", "time", "timestamp", "timestamptz", "timetz", "json", "jsonb", "uuid"];

/// The text with constants' parameters as casts.
pub(super) fn parameters_as_casts(text: &str) -> String {
    let tokens = tokens(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut copied = 0;
    let mut i = 0;
    while i < tokens.len() {
        if let Some((length, replacement)) = typed_constant(&tokens[i..]).or_else(|| extract_field(&tokens[i..])) {
            out.push_str(&text[copied..tokens[i].start]);
            out.push_str(&replacement);
            i += length;
            copied = tokens[i - 1].end();
        } else {
            i += 1;
        }
    }
    out.push_str(&text[copied..]);
    out
}

/// `interval $1` → `CAST($1 AS interval)`, `timestamp with time zone $1` alike. Gives the number of tokens replaced.
fn typed_constant(tokens: &[Token<'_>]) -> Option<(usize, String)> {
    let name = tokens.first().filter(|t| PREFIX_TYPES.iter().any(|ty| t.is_word(ty)))?;
    let words = |at: usize, expected: [&str; 3]| {
        expected.iter().enumerate().all(|(i, word)| tokens.get(at + i).is_some_and(|t| t.is_word(word)))
    };
    let zone = words(1, ["with", "time", "zone"]) || words(1, ["without", "time", "zone"]);
    let at = if zone { 4 } else { 1 };
    let parameter = tokens.get(at).filter(|t| matches!(t.kind, Kind::Parameter(_)))?;
    let mut ty = name.text.to_owned();
    if zone {
        ty = format!("{ty} {} time zone", tokens[1].text);
    }
    // `interval $1 day`: the unit only says how to read the constant.
    let units = ["year", "month", "week", "day", "hour", "minute", "second"];
    let unit = name.is_word("interval") && tokens.get(at + 1).is_some_and(|t| units.iter().any(|u| t.is_word(u)));
    Some((at + 1 + usize::from(unit), format!("CAST({} AS {ty})", parameter.text)))
}

/// `extract($1 FROM x)` → `extract(epoch FROM x)`: which field it was does not change a plan.
fn extract_field(tokens: &[Token<'_>]) -> Option<(usize, String)> {
    let [name, open, field, from, ..] = tokens else { return None };
    let matches =
        name.is_word("extract") && open.text == "(" && matches!(field.kind, Kind::Parameter(_)) && from.is_word("from");
    matches.then(|| (3, "extract(epoch".to_owned()))
}

/// The text with every use of one parameter cast to a type.
pub(super) fn cast_parameter(text: &str, number: u32, ty: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut copied = 0;
    for token in tokens(text).iter().filter(|t| t.kind == Kind::Parameter(number)) {
        out.push_str(&text[copied..token.start]);
        // Writing to a String cannot fail.
        let _ = write!(out, "CAST({} AS {ty})", token.text);
        copied = token.end();
    }
    out.push_str(&text[copied..]);
    out
}

/// The greatest parameter number; 0 for none.
pub(super) fn parameter_count(text: &str) -> u32 {
    let number = |t: &Token<'_>| if let Kind::Parameter(n) = t.kind { n } else { 0 };
    tokens(text).iter().map(number).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_become_casts() {
        for (before, after) in [
            ("select now() - interval $1", "select now() - CAST($1 AS interval)"),
            ("where a > timestamp with time zone $2 and b", "where a > CAST($2 AS timestamp with time zone) and b"),
            ("select interval $1 day, 2", "select CAST($1 AS interval), 2"),
            ("where at >= DATE $1", "where at >= CAST($1 AS DATE)"),
            ("select extract($1 from at)", "select extract(epoch from at)"),
            ("select date, 'interval $1' from t where date = $1", "select date, 'interval $1' from t where date = $1"),
        ] {
            assert_eq!(parameters_as_casts(before), after);
        }
    }

    #[test]
    fn only_the_parameter_asked_for_is_cast() {
        assert_eq!(cast_parameter("select $1, $11, '$1'", 1, "text"), "select CAST($1 AS text), $11, '$1'");
    }

    #[test]
    fn parameters_are_counted() {
        assert_eq!(parameter_count("select $2, '$9' -- $8"), 2);
        assert_eq!(parameter_count("select 1"), 0);
    }
}
