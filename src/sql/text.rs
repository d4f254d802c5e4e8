//! What can be said about a text without binding it: its kind, its parts, its shape, a readable form.

use pg_query::protobuf::{ScanToken, Token};
use pg_query::{DeparseOptions, FingerprintOptions};

use super::parse::{ParseError, guarded};

/// What kind of statement a text holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementClass {
    /// SELECT, VALUES, TABLE.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
    /// Anything else, by its first words: `CREATE INDEX`, `SET`, `BEGIN`.
    Utility(String),
    /// Nothing but comments.
    Empty,
    /// More than one statement.
    Multiple,
    /// The text breaks off in the middle of a statement (`track_activity_query_size`, a log line cut short).
    Truncated,
    /// The parser refuses it.
    Unparsable,
}

/// The kind of statement that a text holds.
pub fn classify(sql: &str) -> StatementClass {
    match super::parse(sql) {
        Ok(statements) => match statements.as_slice() {
            [] => StatementClass::Empty,
            [one] => one.class(),
            _ => StatementClass::Multiple,
        },
        Err(ParseError::Truncated) => StatementClass::Truncated,
        Err(_) => StatementClass::Unparsable,
    }
}

/// One statement of a text that holds several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Where it begins in the whole text, in bytes. Leading blanks and comments are left out.
    pub offset: usize,
    /// Its text, without the semicolon.
    pub text: &'a str,
}

/// The statements of a text. Semicolons within quotes, brackets, comments and SQL-standard function bodies do not
/// separate. Works on tokens, so that one statement that does not parse leaves the others alone; a text that cannot
/// even be cut into tokens is one piece.
pub fn split(sql: &str) -> Vec<Piece<'_>> {
    let Ok(tokens) = tokens(sql) else {
        let text = sql.trim();
        let offset = sql.len() - sql.trim_start().len();
        return if text.is_empty() { Vec::new() } else { vec![Piece { offset, text }] };
    };
    let mut pieces = Vec::new();
    let mut span: Option<(usize, usize)> = None;
    let mut brackets = 0_usize;
    let mut body = 0_usize;
    let mut previous = Token::Nul;
    for token in &tokens {
        let kind = token.token();
        let (start, end) = range(token);
        match kind {
            Token::SqlComment | Token::CComment => continue,
            Token::Ascii40 => brackets += 1,
            Token::Ascii41 => brackets = brackets.saturating_sub(1),
            Token::Atomic if previous == Token::BeginP => body = 1,
            Token::Case if body > 0 => body += 1,
            Token::EndP if body > 0 => body -= 1,
            Token::Ascii59 if brackets == 0 && body == 0 => {
                pieces.extend(span.take().and_then(|(from, to)| piece(sql, from, to)));
                previous = kind;
                continue;
            }
            _ => {}
        }
        previous = kind;
        span = Some((span.map_or(start, |(from, _)| from), end));
    }
    pieces.extend(span.and_then(|(from, to)| piece(sql, from, to)));
    pieces
}

fn piece(sql: &str, from: usize, to: usize) -> Option<Piece<'_>> {
    sql.get(from..to).map(|text| Piece { offset: from, text })
}

/// The text's tokens, comments included. (pg_query's faster `scan_tokens` builds a slice on a null pointer when there
/// are none.)
pub(super) fn tokens(sql: &str) -> pg_query::Result<Vec<ScanToken>> {
    pg_query::scan(sql).map(|result| result.tokens)
}

/// A token's place, in bytes.
pub(super) fn range(token: &ScanToken) -> (usize, usize) {
    (usize::try_from(token.start).unwrap_or(0), usize::try_from(token.end).unwrap_or(0))
}

/// A key that texts of one shape share, whatever their literals, blanks and table aliases; `None` if the text does not
/// parse. Sixteen hexadecimal digits. It tells schemas and numbered tables apart, which pg_query's default does not.
pub fn fingerprint(sql: &str) -> Option<String> {
    guarded(sql, |text| {
        let options = FingerprintOptions::RANGEVAR_PG17_COMPAT | FingerprintOptions::FULL_RELNAME;
        pg_query::fingerprint(text, 0, options).ok().map(|f| f.hex)
    })
    .ok()
    .flatten()
}

/// The text in a readable layout: clauses on lines of their own, one condition a line. The text itself where it does
/// not parse, or where laying it out would lose a comment or change its meaning.
pub fn pretty(sql: &str) -> String {
    let plain = sql.trim();
    let laid_out = guarded(plain, |text| {
        let parsed = pg_query::parse(text, 0).ok()?;
        let comments = pg_query::deparse_comments_for_query(text).ok()?;
        let options = DeparseOptions {
            comments,
            pretty_print: true,
            indent_size: 2,
            max_line_length: 100,
            trailing_newline: false,
            commas_start_of_line: false,
        };
        pg_query::deparse(&parsed.protobuf, options).ok()
    });
    match laid_out {
        Ok(Some(text)) if says_the_same(plain, &text) => text.trim().to_owned(),
        _ => plain.to_owned(),
    }
}

fn says_the_same(before: &str, after: &str) -> bool {
    comments_and_parameters(before) == comments_and_parameters(after) && {
        let shape = fingerprint(before);
        shape.is_some() && shape == fingerprint(after)
    }
}

/// Comments and parameters, sorted: what a layout must keep.
fn comments_and_parameters(sql: &str) -> Option<Vec<&str>> {
    let tokens = tokens(sql).ok()?;
    let kept = tokens.iter().filter(|t| matches!(t.token(), Token::SqlComment | Token::CComment | Token::Param));
    let mut texts: Vec<&str> = kept.filter_map(|t| sql.get(range(t).0..range(t).1)).collect();
    texts.sort_unstable();
    Some(texts)
}

/// The first words of a utility statement, enough to tell its kind: `CREATE INDEX`, `ALTER TABLE`, `SET`.
pub(super) fn utility_words(sql: &str) -> String {
    const OBJECTS: &[&str] = &[
        "AGGREGATE",
        "CAST",
        "COLLATION",
        "CONVERSION",
        "DATABASE",
        "DEFAULT",
        "DOMAIN",
        "EVENT",
        "EXTENSION",
        "FOREIGN",
        "FUNCTION",
        "GROUP",
        "INDEX",
        "LANGUAGE",
        "MATERIALIZED",
        "OPERATOR",
        "OWNED",
        "POLICY",
        "PROCEDURE",
        "PUBLICATION",
        "ROLE",
        "ROUTINE",
        "RULE",
        "SCHEMA",
        "SEQUENCE",
        "SERVER",
        "STATISTICS",
        "SUBSCRIPTION",
        "SYSTEM",
        "TABLE",
        "TABLESPACE",
        "TEXT",
        "TRANSFORM",
        "TRIGGER",
        "TYPE",
        "USER",
        "VIEW",
    ];
    let mut words = sql.split(|c: char| !c.is_ascii_alphabetic() && c != '_').filter(|w| !w.is_empty());
    let Some(first) = words.next().map(str::to_ascii_uppercase) else { return String::new() };
    if matches!(first.as_str(), "CREATE" | "ALTER" | "DROP") {
        let object = words.map(str::to_ascii_uppercase).find(|w| OBJECTS.contains(&w.as_str()));
        if let Some(object) = object {
            return format!("{first} {object}");
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies() {
        let cases = [
            ("select 1", StatementClass::Select),
            ("/* x */ TABLE t", StatementClass::Select),
            ("values (1)", StatementClass::Select),
            ("insert into t values ($1)", StatementClass::Insert),
            ("update t set a = ? where id = ?", StatementClass::Update),
            ("with x as (select 1) delete from t", StatementClass::Delete),
            ("merge into t using s on t.id = s.id when matched then delete", StatementClass::Merge),
            ("  ", StatementClass::Empty),
            ("-- nothing\n;", StatementClass::Empty),
            ("select 1; select 2", StatementClass::Multiple),
            ("create unique index concurrently i on t (a)", StatementClass::Utility("CREATE INDEX".into())),
            ("SET search_path = x", StatementClass::Utility("SET".into())),
            ("/* c */ begin", StatementClass::Utility("BEGIN".into())),
            ("select a into b from c", StatementClass::Utility("SELECT INTO".into())),
            ("select a from t where b =", StatementClass::Truncated),
            ("select a from t where b = 'abc", StatementClass::Truncated),
            ("select a from t where b = $1 an...", StatementClass::Truncated),
            ("selec a from t", StatementClass::Unparsable),
        ];
        for (sql, class) in cases {
            assert_eq!(classify(sql), class, "{sql}");
        }
    }

    #[test]
    fn splits_on_the_right_semicolons() {
        let sql = "-- first; one\nselect ';' ;; insert into t values (1) ; create function f() returns int begin atomic \
                   select case when true then 1 end; select 2; end; select $a$;$a$ -- last";
        let pieces = split(sql);
        let texts: Vec<&str> = pieces.iter().map(|p| p.text).collect();
        assert_eq!(texts.len(), 4, "{texts:?}");
        assert_eq!(texts[0], "select ';'");
        assert_eq!(texts[1], "insert into t values (1)");
        assert!(texts[2].ends_with("select 2; end"), "{}", texts[2]);
        assert_eq!(texts[3], "select $a$;$a$");
        for p in pieces {
            assert_eq!(&sql[p.offset..p.offset + p.text.len()], p.text);
        }
        assert_eq!(split(" select 'é ")[0], Piece { offset: 1, text: "select 'é" });
    }

    #[test]
    fn fingerprints_tell_tables_apart_and_ignore_aliases_and_literals() {
        let f = |sql| fingerprint(sql).expect("parses");
        assert_eq!(f("select * from orders where id = 1"), f("SELECT *  FROM orders WHERE id = $1"));
        assert_ne!(f("select * from orders t where t.id = 1"), f("select * from users t where t.id = 1"));
        assert_ne!(f("select * from a.orders"), f("select * from b.orders"));
        assert_ne!(f("select * from events_2024_01"), f("select * from events_2024_02"));
        assert_eq!(fingerprint("selec"), None);
    }

    #[test]
    fn pretty_breaks_lines_and_keeps_what_it_must() {
        let text = pretty("select a, b from t where a = $1 and b > $2 order by a");
        assert!(text.lines().count() >= 5, "{text}");
        assert_eq!(pretty("select  ?? from "), "select  ?? from");
        let commented = pretty("select a /* keep me */ from t where b in ($1 /*, ... */)");
        assert!(commented.contains("keep me") && commented.contains(", ..."), "{commented}");
    }
}
