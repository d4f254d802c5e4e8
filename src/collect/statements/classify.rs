//! What a statement's text says it is.

use crate::collect::tokens::{Kind, Token, tokens};
use crate::sql::{self, StatementClass};

/// What stands in every statement that pgwise sends.
const MARKER: &str = "/* pgwise */";

/// A statement's verb, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE, MERGE, with or without WITH: the planner plans it.
    Planned,
    /// Everything else.
    Utility,
}

/// The verb, from the first keyword: what comes before it can only be an opening parenthesis.
pub(super) fn verb(query: &str) -> Verb {
    let tokens = tokens(query);
    let first = tokens.iter().find(|t| t.text != "(");
    let planned = ["select", "insert", "update", "delete", "merge", "with", "values", "table"];
    if !first.is_some_and(|t| planned.iter().any(|word| t.is_word(word))) {
        return Verb::Utility;
    }
    // SELECT … INTO makes a table. INTO stands in INSERT and MERGE too: only then is parsing worth its time.
    let may_make_a_table = tokens.iter().any(|t| t.is_word("into"));
    if may_make_a_table && matches!(sql::classify(query), StatementClass::Utility(_)) {
        return Verb::Utility;
    }
    Verb::Planned
}

/// Whether the statement is pgwise's own.
pub(super) fn is_own(query: &str) -> bool {
    query.contains(MARKER)
}

/// Whether the statement reads nothing but system catalogs and the views of statistics extensions.
pub(super) fn reads_only_catalogs(query: &str) -> bool {
    let tokens = tokens(query);
    let mut relations = 0;
    for (i, token) in tokens.iter().enumerate() {
        let introduces =
            ["from", "join", "into"].iter().any(|w| token.is_word(w)) || (i == 0 && token.is_word("update"));
        if !introduces {
            continue;
        }
        let mut rest = &tokens[i + 1..];
        if rest.first().is_some_and(|t| t.is_word("only")) {
            rest = &rest[1..];
        }
        // A list goes on after commas; only its plain names are looked at.
        let Some(name) = relation(rest) else { continue };
        if !name {
            return false;
        }
        relations += 1;
    }
    relations > 0
}

/// Whether the relation that these tokens begin with is a system one; `None` where no relation stands there.
fn relation(tokens: &[Token<'_>]) -> Option<bool> {
    let first = tokens.first()?;
    if !matches!(first.kind, Kind::Word | Kind::Quoted)
        || ["select", "lateral", "values"].iter().any(|w| first.is_word(w))
    {
        return None;
    }
    let qualified = tokens.get(1).is_some_and(|t| t.text == ".");
    let next = tokens.get(if qualified { 3 } else { 1 });
    // A function, or the `extract(x from y)` kind of FROM.
    if next.is_some_and(|t| t.text == "(") {
        return None;
    }
    let name = first.text.trim_matches('"').to_ascii_lowercase();
    if qualified {
        return Some(
            name == "pg_catalog" || name == "information_schema" || name == "pg_toast" || {
                tokens.get(2).is_some_and(|t| t.text.to_ascii_lowercase().starts_with("pg_stat_statements"))
            },
        );
    }
    // No user relation is likely to be named so, and pg_catalog comes first on any search path.
    Some(name.starts_with("pg_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_keyword_decides() {
        for query in
            ["select 1", "  /* app */ SELECT 1", "(select 1) union (select 2)", "WITH x AS (select 1) delete from t"]
        {
            assert_eq!(verb(query), Verb::Planned, "{query}");
        }
        for query in [
            "begin",
            "COPY t FROM stdin",
            "explain select 1",
            "",
            "-- select",
            "execute p(1)",
            "select a into b from c",
        ] {
            assert_eq!(verb(query), Verb::Utility, "{query}");
        }
    }

    #[test]
    fn catalog_queries_are_told_from_others() {
        for query in [
            "select * from pg_class c join pg_namespace n on true",
            "select * from pg_catalog.pg_class where relname = $1",
            "select count(*) from information_schema.tables",
            "select query from extensions.pg_stat_statements",
        ] {
            assert!(reads_only_catalogs(query), "{query}");
        }
        for query in [
            "select 1",
            "select * from orders",
            "select * from pg_class c join orders o on true",
            "select extract(epoch from at) from orders",
            "select 'from pg_class' from orders",
            "select * from generate_series($1, $2)",
        ] {
            assert!(!reads_only_catalogs(query), "{query}");
        }
    }
}
