//! How long a function's result stays the same: what decides whether an expression may be indexed, and whether a value
//! is constant during a scan.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::snapshot::Volatility;

/// PostgreSQL's own functions: name, volatility (the worst over the overloads; see [`mixed`]) and result type, where
/// all overloads share one. Taken from `pg_proc` of PostgreSQL 15, with the functions that 16 to 18 added.
static BUILTIN: LazyLock<FxHashMap<&'static str, Builtin>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut words = line.split(' ');
        let name = words.next()?;
        let volatility = match words.next()? {
            "i" => Volatility::Immutable,
            "s" => Volatility::Stable,
            _ => Volatility::Volatile,
        };
        let result = words.next().filter(|ty| *ty != "-");
        Some((name, Builtin { volatility, result }))
    };
    include_str!("pg_proc.txt").lines().filter_map(line).collect()
});

#[derive(Debug, Clone, Copy)]
struct Builtin {
    volatility: Volatility,
    result: Option<&'static str>,
}

/// The volatility of a built-in function called with arguments of these types (`None` where unknown); `None` if there
/// is no such function.
pub(super) fn builtin(name: &str, args: &[Option<String>]) -> Option<Volatility> {
    let known = BUILTIN.get(name)?;
    Some(mixed(name, args).unwrap_or(known.volatility))
}

/// The result type (`pg_type.typname`) of a built-in function, where all its overloads share one.
pub(super) fn builtin_result(name: &str) -> Option<&'static str> {
    BUILTIN.get(name)?.result
}

/// Functions whose overloads differ, judged by the arguments. `None` where the worst overload must be assumed.
fn mixed(name: &str, args: &[Option<String>]) -> Option<Volatility> {
    let ty = |i: usize| args.get(i).and_then(Option::as_deref);
    let zoned = |t: &str| matches!(t, "timestamptz" | "timetz");
    let immutable = match name {
        "age" => args.len() == 2,
        "date_part" | "extract" | "date_trunc" => {
            // The three-argument date_trunc names its zone, and is stable all the same.
            args.len() == 2 && ty(1).is_some_and(|t| !(zoned(t) || (name == "date_trunc" && t == "date")))
        }
        "date" | "time" | "timestamp" => ty(0).is_some_and(|t| !zoned(t)),
        "timezone" => ty(1).is_some_and(|t| t != "timetz"),
        "generate_series" => ty(0).is_some_and(|t| !zoned(t)),
        "length" | "numeric" | "quote_literal" | "quote_nullable" => args.len() == 1 && ty(0) != Some("money"),
        "to_tsvector" | "to_tsquery" | "plainto_tsquery" | "phraseto_tsquery" | "websearch_to_tsquery" => {
            args.len() == 2
        }
        "json_to_tsvector" | "jsonb_to_tsvector" | "ts_rewrite" => args.len() == 3,
        "to_timestamp" => args.len() == 1,
        "overlaps" => (0..4).all(|i| ty(i).is_some_and(|t| !zoned(t))),
        _ => return None,
    };
    immutable.then_some(Volatility::Immutable)
}

/// Types whose text form depends on no setting and no catalog, so that their output functions are immutable.
const FIXED_FORM: &[&str] = &[
    "bit", "bool", "bytea", "cidr", "circle", "float4", "float8", "inet", "int2", "int4", "int8", "interval", "json",
    "jsonb", "macaddr", "macaddr8", "numeric", "oid", "point", "polygon", "time", "tsquery", "tsvector", "uuid",
    "varbit", "xid",
];

/// The volatility of a cast between two types, by the functions behind it (`pg_cast`, or the types' input and output
/// functions). `from` is unknown (`None`) for a parameter: its value is constant then.
pub(super) fn cast(from: Option<&str>, to: &str) -> Volatility {
    let Some(from) = from else { return Volatility::Immutable };
    let is_time = |t: &str| matches!(t, "date" | "time" | "timestamp" | "timestamptz" | "timetz");
    let is_text = |t: &str| matches!(t, "text" | "varchar" | "bpchar" | "name" | "unknown" | "citext");
    let stable = match (from, to) {
        (a, b) if a == b => false,
        (a, b) if is_text(a) && is_text(b) => false,
        (a, b) if is_text(a) => !FIXED_FORM.contains(&b) || b == "interval" || b == "time",
        (a, b) if is_text(b) => !FIXED_FORM.contains(&a),
        ("timestamptz" | "timetz", b) => is_time(b),
        (a, "timestamptz" | "timetz") => is_time(a),
        _ => false,
    };
    if stable { Volatility::Stable } else { Volatility::Immutable }
}

/// Aggregates of PostgreSQL. Sorted.
const AGGREGATES: &[&str] = &[
    "any_value",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "every",
    "json_agg",
    "json_agg_strict",
    "json_arrayagg",
    "json_object_agg",
    "json_objectagg",
    "jsonb_agg",
    "jsonb_agg_strict",
    "jsonb_object_agg",
    "max",
    "min",
    "mode",
    "percentile_cont",
    "percentile_disc",
    "range_agg",
    "range_intersect_agg",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
    "xmlagg",
];

/// Whether a function of this name is one of PostgreSQL's aggregates.
pub(super) fn is_aggregate(name: &str) -> bool {
    AGGREGATES.binary_search(&name).is_ok()
}

/// Set-returning functions that stand in target lists. Sorted.
const SET_RETURNING: &[&str] = &[
    "generate_series",
    "generate_subscripts",
    "json_array_elements",
    "json_array_elements_text",
    "json_each",
    "json_each_text",
    "json_object_keys",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_each",
    "jsonb_each_text",
    "jsonb_object_keys",
    "jsonb_path_query",
    "regexp_matches",
    "regexp_split_to_table",
    "string_to_table",
    "unnest",
];

/// Whether a function of this name returns a set.
pub(super) fn is_set_returning(name: &str) -> bool {
    SET_RETURNING.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_complete() {
        assert!(AGGREGATES.is_sorted() && SET_RETURNING.is_sorted());
        assert_eq!(BUILTIN.len(), include_str!("pg_proc.txt").lines().count());
    }

    #[test]
    fn volatility_by_argument_types() {
        use Volatility::{Immutable, Stable, Volatile};
        let of = |name, args: &[&str]| {
            let args: Vec<Option<String>> = args.iter().map(|a| (!a.is_empty()).then(|| (*a).to_owned())).collect();
            builtin(name, &args)
        };
        let cases: &[(&str, &[&str], Option<Volatility>)] = &[
            ("lower", &["text"], Some(Immutable)),
            ("now", &[], Some(Stable)),
            ("random", &[], Some(Volatile)),
            ("concat", &["text"], Some(Stable)),
            ("to_char", &["timestamp", "text"], Some(Stable)),
            ("date_trunc", &["text", "timestamp"], Some(Immutable)),
            ("date_trunc", &["text", "timestamptz"], Some(Stable)),
            ("date_trunc", &["text", ""], Some(Stable)),
            ("date_trunc", &["text", "date"], Some(Stable)),
            ("extract", &["text", "date"], Some(Immutable)),
            ("timezone", &["text", "timestamptz"], Some(Immutable)),
            ("to_tsvector", &["text"], Some(Stable)),
            ("to_tsvector", &["unknown", "text"], Some(Immutable)),
            ("my_own", &[], None),
        ];
        for (name, args, expected) in cases {
            assert_eq!(of(name, args), *expected, "{name} {args:?}");
        }
        assert_eq!(cast(Some("timestamptz"), "date"), Stable);
        assert_eq!(cast(Some("timestamp"), "date"), Immutable);
        assert_eq!(cast(Some("text"), "int4"), Immutable);
        assert_eq!(cast(Some("text"), "date"), Stable);
        assert_eq!(cast(Some("int4"), "text"), Immutable);
    }
}
