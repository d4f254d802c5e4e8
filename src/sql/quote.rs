//! Identifiers and literals as SQL text. Nothing else in the crate may put one into SQL.

use std::fmt::Write as _;

/// Keywords that `quote_identifier` (ruleutils.c) quotes: every category of PostgreSQL 18's kwlist.h but the
/// unreserved ones. Later versions only ever added to it, so the list is right for older servers too. Sorted.
const QUOTED_KEYWORDS: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

/// An identifier, quoted if PostgreSQL would not read it back unchanged without (`quote_identifier`).
///
/// A NUL character cannot stand in any PostgreSQL name and is left out.
pub fn ident(name: &str) -> String {
    let plain_start = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let plain = plain_start
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && QUOTED_KEYWORDS.binary_search(&name).is_err();
    if plain {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len() + 2);
    out.push('"');
    for c in name.chars().filter(|c| *c != '\0') {
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// `schema.name`, each part quoted where needed.
pub fn qualified(schema: &str, name: &str) -> String {
    let mut out = ident(schema);
    out.push('.');
    out.push_str(&ident(name));
    out
}

/// A string literal (`quote_literal`): the `E''` form where there is a backslash, so that the text means the same
/// whatever `standard_conforming_strings` says. A NUL character cannot stand in any text value and is left out.
pub fn literal(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 3);
    if value.contains('\\') {
        out.push('E');
    }
    out.push('\'');
    for c in value.chars().filter(|c| *c != '\0') {
        if c == '\'' || c == '\\' {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
    out
}

/// A parenthesised, comma-separated list of quoted identifiers: `(a, "B")`.
pub fn ident_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::from("(");
    for (i, name) in names.into_iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}{}", if i == 0 { "" } else { ", " }, ident(name));
    }
    out.push(')');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keywords_are_sorted_for_the_search() {
        assert!(QUOTED_KEYWORDS.is_sorted());
    }

    #[test]
    fn quotes_only_where_needed() {
        for plain in ["orders", "_x1", "name", "type", "index", "a$b".trim_end_matches("$b"), "status", "key", "date"] {
            assert_eq!(ident(plain), plain);
        }
        for (name, quoted) in [
            ("order", "\"order\""),
            ("user", "\"user\""),
            ("between", "\"between\""), // col_name keyword
            ("left", "\"left\""),       // type_func_name keyword
            ("Orders", "\"Orders\""),
            ("a b", "\"a b\""),
            ("1a", "\"1a\""),
            ("a\"b", "\"a\"\"b\""),
            ("a$", "\"a$\""),
            ("é", "\"é\""),
            ("", "\"\""),
        ] {
            assert_eq!(ident(name), quoted);
        }
        assert_eq!(qualified("public", "Order"), "public.\"Order\"");
        assert_eq!(ident_list(["a", "B"]), "(a, \"B\")");
    }

    #[test]
    fn literals() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\b"), r"E'a\\b'");
        assert_eq!(literal(""), "''");
    }

    fn parsed_select(sql: &str) -> Option<pg_query::protobuf::SelectStmt> {
        let result = pg_query::parse(sql, 0).ok()?;
        match result.protobuf.stmts.first()?.stmt.as_ref()?.node.as_ref()? {
            pg_query::NodeEnum::SelectStmt(select) => Some((**select).clone()),
            _ => None,
        }
    }

    proptest! {
        /// Whatever the name, the server's own parser reads it back unchanged.
        #[test]
        fn identifiers_survive_the_parser(name in "[^\0]{1,40}") {
            let select = parsed_select(&format!("SELECT {} FROM {}", ident(&name), qualified(&name, &name)));
            let select = select.expect("parses");
            let Some(pg_query::NodeEnum::RangeVar(range)) = &select.from_clause[0].node else { panic!("no table") };
            // The scanner truncates at NAMEDATALEN - 1 bytes.
            if name.len() < 64 {
                prop_assert_eq!(&range.relname, &name);
                prop_assert_eq!(&range.schemaname, &name);
            }
        }

        /// Whatever the value, the server's own parser reads it back unchanged.
        #[test]
        fn literals_survive_the_parser(value in "[^\0]{0,40}") {
            use pg_query::NodeEnum;
            let select = parsed_select(&format!("SELECT {}", literal(&value))).expect("parses");
            let Some(NodeEnum::ResTarget(target)) = &select.target_list[0].node else { panic!("no target") };
            let Some(NodeEnum::AConst(constant)) = &target.val.as_ref().unwrap().node.as_ref() else { panic!("no literal") };
            let Some(pg_query::protobuf::a_const::Val::Sval(s)) = &constant.val else { panic!("no string") };
            prop_assert_eq!(&s.sval, &value);
        }
    }
}
