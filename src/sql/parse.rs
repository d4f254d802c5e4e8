//! Text to syntax tree, by PostgreSQL's own grammar.

use super::ast::ddl::Command;
use super::ast::{IndexShape, Statement};
use super::stack::{self, MAX_DEPTH};
use super::{convert, placeholders, text};

/// The longest text that is parsed, in bytes. Longer ones are bulk loads, not queries to advise on.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Why a text was not parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The grammar refuses it.
    #[error("{0}")]
    Syntax(String),
    /// It breaks off in the middle of a statement.
    #[error("the text breaks off in the middle of a statement")]
    Truncated,
    /// It is longer than [`MAX_TEXT_BYTES`].
    #[error("the text is longer than {MAX_TEXT_BYTES} bytes")]
    TooLong,
    /// It nests deeper than pgwise follows.
    #[error("the statement nests more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// The system gave no thread to parse on.
    #[error("no thread could be started to parse on")]
    NoThread,
}

impl ParseError {
    /// A stable kebab-case word for the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "syntax",
            Self::Truncated => "truncated",
            Self::TooLong => "too-long",
            Self::TooDeep => "too-deep",
            Self::NoThread => "no-thread",
        }
    }
}

/// Parses a text of any number of statements. `?` placeholders become `$n`.
pub fn parse(sql: &str) -> Result<Vec<Statement>, ParseError> {
    match parse_as_written(sql) {
        Err(ParseError::Syntax(message)) => with_placeholders(sql).ok_or_else(|| {
            if is_truncated(sql, &message) { ParseError::Truncated } else { ParseError::Syntax(message) }
        }),
        other => other,
    }
}

/// Parses the text of one statement of a migration, as [`super::split`] cuts it; `None` where it holds none.
pub fn parse_command(sql: &str) -> Result<Option<Command>, ParseError> {
    let commands = guarded(sql, |text| {
        let parsed = pg_query::parse(text, 0).map_err(|error| ParseError::Syntax(message(&error)))?;
        Ok(convert::commands(text, parsed.protobuf))
    })??;
    Ok(commands.into_iter().next())
}

fn with_placeholders(sql: &str) -> Option<Vec<Statement>> {
    [false, true].iter().find_map(|every| {
        let numbered = placeholders::number_placeholders(sql, *every)?;
        parse_as_written(&numbered).ok()
    })
}

fn parse_as_written(sql: &str) -> Result<Vec<Statement>, ParseError> {
    guarded(sql, |text| {
        let parsed = pg_query::parse(text, 0).map_err(|error| ParseError::Syntax(message(&error)))?;
        Ok(convert::statements(text, parsed.protobuf))
    })?
}

/// Reads one CREATE INDEX.
pub fn index_shape(sql: &str) -> Result<IndexShape, ParseError> {
    let read = |text: &str| {
        let parsed = pg_query::parse(text, 0).map_err(|error| ParseError::Syntax(message(&error)))?;
        let no_index = || ParseError::Syntax("it is not one index that could exist".to_owned());
        convert::shape(parsed.protobuf).ok_or_else(no_index)
    };
    guarded(sql, read)?
}

/// The grammar's message, without pg_query's preface.
fn message(error: &pg_query::Error) -> String {
    match error {
        pg_query::Error::Parse(message) | pg_query::Error::Scan(message) => message.clone(),
        other => other.to_string(),
    }
}

/// Runs the parser (or another of pg_query's functions) on a text that has been found neither too long nor too deep,
/// on a stack that is large enough.
pub(super) fn guarded<T: Send>(sql: &str, work: impl FnOnce(&str) -> T + Send) -> Result<T, ParseError> {
    if sql.len() > MAX_TEXT_BYTES {
        return Err(ParseError::TooLong);
    }
    let tokens = text::tokens(sql).map_err(|error| ParseError::Syntax(message(&error)))?;
    if stack::depth_bound(&tokens) > MAX_DEPTH {
        return Err(ParseError::TooDeep);
    }
    stack::on_large_stack(|| work(sql)).ok_or(ParseError::NoThread)
}

/// Whether a text that does not parse was cut short: it ends where the grammar wants more, or within quotes or a
/// comment, or with an ellipsis that a log put there.
fn is_truncated(sql: &str, message: &str) -> bool {
    let text = sql.trim_end();
    message.contains("at end of input")
        || message.starts_with("unterminated")
        || text.ends_with("...")
        || text.ends_with('…')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn deep_and_wide_texts_neither_overflow_nor_fail() {
        let parentheses = format!("select {}1{}", "(".repeat(2_500), ")".repeat(2_500));
        assert!(parse(&parentheses).is_ok());
        let unions = vec!["select a from t"; 500].join(" union all ");
        assert!(parse(&unions).is_ok());
        let list = vec!["$1"; 10_000].join(", ");
        assert!(parse(&format!("select 1 from t where a in ({list})")).is_ok());
        let chain = vec!["a"; 2_000].join(" || ");
        assert!(parse(&format!("select {chain}")).is_ok());
    }

    #[test]
    fn refuses_what_is_too_deep_or_too_long() {
        let parentheses = format!("select {}1{}", "(".repeat(4_000), ")".repeat(4_000));
        assert_eq!(parse(&parentheses), Err(ParseError::TooDeep));
        let chain = vec!["a"; 100_000].join("+");
        assert_eq!(parse(&format!("select {chain}")), Err(ParseError::TooDeep));
        assert_eq!(parse(&" ".repeat(MAX_TEXT_BYTES + 1)), Err(ParseError::TooLong));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,80}") {
            let _ = parse(&text);
            let _ = crate::sql::split(&text);
            let _ = crate::sql::pretty(&text);
            let _ = crate::sql::classify(&text);
        }

        #[test]
        fn token_soup_never_panics(words in prop::collection::vec(prop::sample::select(SOUP), 0..25)) {
            let text = words.join(" ");
            let _ = parse(&text);
            let _ = crate::sql::split(&text);
            let _ = crate::sql::pretty(&text);
        }
    }

    const SOUP: &[&str] = &[
        "select", "from", "where", "(", ")", ",", ";", "a", "t", "*", "=", "?", "$1", "'x'", "1", "and", "or", "not",
        "in", "any", "case", "when", "then", "end", "join", "on", "using", "group", "by", "order", "limit", "union",
        "all", "with", "as", "insert", "into", "values", "update", "set", "delete", "begin", "atomic", "--", "/*",
        "*/", "'", "\"", "$$", "::", "int", "[", "]", ".", "é", "null", "is", "between", "like", "exists", "array",
        "\\",
    ];
}
