//! Names as the server prints them: `format_type`, `regprocedure`, `regoperator`.

/// A name with its schema, where one is printed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Printed {
    pub(super) schema: Option<String>,
    pub(super) name: String,
    /// Followed by `[]`.
    pub(super) array: bool,
}

/// Types that `format_type` prints by SQL's names instead of their own.
const SQL_NAMES: [(&str, &str); 17] = [
    ("bigint", "int8"),
    ("bit varying", "varbit"),
    ("boolean", "bool"),
    ("character", "bpchar"),
    ("character varying", "varchar"),
    ("decimal", "numeric"),
    ("double precision", "float8"),
    ("integer", "int4"),
    ("interval", "interval"),
    ("real", "float4"),
    ("smallint", "int2"),
    ("time with time zone", "timetz"),
    ("time without time zone", "time"),
    ("timestamp with time zone", "timestamptz"),
    ("timestamp without time zone", "timestamp"),
    ("dec", "numeric"),
    ("int", "int4"),
];

/// A type as `format_type` prints it without a modifier.
pub(super) fn type_name(text: &str) -> Printed {
    let (text, array) = text.strip_suffix("[]").map_or((text, false), |inner| (inner, true));
    if let Some((_, name)) = SQL_NAMES.iter().find(|(sql, _)| *sql == text) {
        return Printed { schema: Some("pg_catalog".to_owned()), name: (*name).to_owned(), array };
    }
    let (schema, name) = qualified(text);
    Printed { schema, name, array }
}

/// A function or operator with the types in its brackets: `public.similarity(text,text)`, `%(text,text)`, `!!(NONE,int)`.
pub(super) fn signature(text: &str) -> Option<(Printed, Vec<&str>)> {
    let open = outside_quotes(text, '(').next()?;
    let inner = text.get(open + 1..)?.strip_suffix(')')?;
    let (schema, name) = qualified(text.get(..open)?);
    let mut types = Vec::new();
    let mut from = 0;
    for at in outside_quotes(inner, ',').chain([inner.len()]) {
        types.push(inner.get(from..at)?);
        from = at + 1;
    }
    types.retain(|t| !t.is_empty());
    Some((Printed { schema, name, array: false }, types))
}

/// A name that may be qualified and quoted.
pub(super) fn qualified(text: &str) -> (Option<String>, String) {
    match outside_quotes(text, '.').next() {
        Some(dot) => (text.get(..dot).map(unquoted), unquoted(text.get(dot + 1..).unwrap_or_default())),
        None => (None, unquoted(text)),
    }
}

fn unquoted(text: &str) -> String {
    match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_owned(),
    }
}

/// Where a character stands outside double quotes.
fn outside_quotes(text: &str, wanted: char) -> impl Iterator<Item = usize> + '_ {
    let mut quoted = false;
    text.char_indices().filter_map(move |(at, c)| {
        quoted ^= c == '"';
        (c == wanted && !quoted).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(schema: Option<&str>, name: &str, array: bool) -> Printed {
        Printed { schema: schema.map(str::to_owned), name: name.to_owned(), array }
    }

    #[test]
    fn types_are_read_as_format_type_prints_them() {
        assert_eq!(type_name("character varying[]"), named(Some("pg_catalog"), "varchar", true));
        assert_eq!(type_name("\"char\""), named(None, "char", false));
        assert_eq!(type_name("\"a.b\".\"C\"\"d\""), named(Some("a.b"), "C\"d", false));
        assert_eq!(type_name("app.mood"), named(Some("app"), "mood", false));
    }

    #[test]
    fn signatures_divide_at_their_commas() {
        let (name, types) = signature("public.f(\"a,b\",timestamp with time zone)").expect("a signature");
        assert_eq!(name, named(Some("public"), "f", false));
        assert_eq!(types, ["\"a,b\"", "timestamp with time zone"]);
        assert_eq!(signature("<%(text,text)").map(|(n, _)| n.name).as_deref(), Some("<%"));
        assert_eq!(signature("now()").map(|(_, t)| t.len()), Some(0));
        assert_eq!(signature("nonsense"), None);
    }
}
