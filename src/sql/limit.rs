//! A normalised LIMIT with the number of rows that the statement really returns.

use std::fmt::Write as _;

use pg_query::protobuf::Token;

use super::text::{range, tokens};

/// The text with `LIMIT $n` of its outermost level replaced by so many rows, in a form in which `$n` still stands, so
/// that the parameters keep their number and types; `None` if there is no such LIMIT.
///
/// pg_stat_statements makes a parameter of the page size, and for a parameter the planner assumes a tenth of the rows
/// (`preprocess_limit`): a top-20 over a million rows is then costed as if it returned a hundred thousand. The constant
/// condition is folded before the limit is looked at.
pub fn assume_limit(sql: &str, rows: u64) -> Option<String> {
    let tokens = tokens(sql).ok()?;
    let mut depth = 0_usize;
    let mut found = None;
    for (i, token) in tokens.iter().enumerate() {
        match token.token() {
            Token::Ascii40 | Token::Ascii91 => depth += 1,
            Token::Ascii41 | Token::Ascii93 => depth = depth.saturating_sub(1),
            Token::Limit if depth == 0 => {
                let parameter = tokens.get(i + 1).filter(|t| t.token() == Token::Param)?;
                // `LIMIT $1 + 1` is something else.
                let next = tokens.get(i + 2).map(pg_query::protobuf::ScanToken::token);
                if !matches!(
                    next,
                    None | Some(Token::Offset | Token::For | Token::Ascii59 | Token::SqlComment | Token::CComment)
                ) {
                    return None;
                }
                found = Some(range(parameter));
            }
            _ => {}
        }
    }
    let (start, end) = found?;
    let parameter = sql.get(start..end)?;
    let mut out = String::with_capacity(sql.len() + 48);
    out.push_str(sql.get(..start)?);
    // Writing to a String cannot fail.
    let _ = write!(out, "(CASE WHEN true THEN {rows}::bigint ELSE {parameter} END)");
    out.push_str(sql.get(end..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outermost_limit_is_assumed() {
        assert_eq!(
            assume_limit("select * from t where a = $1 order by b limit $2 offset $3", 20).as_deref(),
            Some(
                "select * from t where a = $1 order by b limit (CASE WHEN true THEN 20::bigint ELSE $2 END) offset $3"
            )
        );
        assert_eq!(assume_limit("select * from (select * from t limit $1) s", 20), None);
        assert_eq!(assume_limit("select * from t limit 5", 20), None);
        assert_eq!(assume_limit("select * from t limit $1 + 1", 20), None);
        assert_eq!(assume_limit("select ' limit $1'", 20), None);
        assert!(assume_limit("select * from t limit $1 for update skip locked", 1).is_some());
    }

    #[test]
    fn what_comes_out_still_parses() {
        let text = assume_limit("select a from t union all select b from u order by 1 limit $1;", 7).unwrap();
        assert!(crate::sql::parse(&text).is_ok(), "{text}");
    }
}
