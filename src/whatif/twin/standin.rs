//! Values in the place of those that a snapshot withholds: as many, all different, in ascending order, and about as wide.
//!
//! What the planner makes of a parameter rests on frequencies, counts and widths alone, so plans of parameterised
//! statements are those of the true values. A literal of a statement meets none of these values.

/// So many ascending values of a type, each about `width` bytes wide; `None` for a type whose values cannot be made up.
///
/// `base` is the base type's name in `pg_type`. Values that begin with digits have the same order in every collation.
pub(super) fn values(base: &str, width: i32, count: usize, of: Series) -> Option<Vec<String>> {
    let (offset, step) = match of {
        Series::Common => (1, 2),
        Series::Bounds => (0, 2),
    };
    (0..count).map(|n| numbered(base, width, n * step + offset)).collect()
}

/// Values that compare as their ranks do.
pub(super) fn ranked(base: &str, width: i32, ranks: &[u32]) -> Option<Vec<String>> {
    ranks.iter().map(|rank| numbered(base, width, usize::try_from(*rank).ok()?)).collect()
}

/// The nth value of a type.
fn numbered(base: &str, width: i32, n: usize) -> Option<String> {
    // avg_width counts a varlena value's header of one byte (four from 127 bytes on).
    let letters = usize::try_from(width).unwrap_or(0).saturating_sub(1).clamp(NUMBER, WIDEST);
    match base {
        "text" | "varchar" | "bpchar" | "citext" => Some(format!("{n:0NUMBER$}{}", "0".repeat(letters - NUMBER))),
        "name" => Some(format!("{n:0NUMBER$}")),
        "bytea" => Some(format!("\\x{n:016x}{}", "00".repeat(letters - NUMBER))),
        "uuid" => Some(format!("{n:08x}-0000-4000-8000-000000000000")),
        "jsonb" => Some(format!("\"{n:0NUMBER$}{}\"", "0".repeat(letters - NUMBER))),
        "inet" | "cidr" => {
            let [a, b, c] = [(n >> 16) & 0xFF, (n >> 8) & 0xFF, n & 0xFF];
            Some(format!("10.{a}.{b}.{c}/32"))
        }
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "oid" | "money" => Some(n.to_string()),
        "bool" if n / 2 < 2 => Some(if n / 2 == 0 { "f" } else { "t" }.to_owned()),
        "date" | "timestamp" | "timestamptz" => day(n).map(|d| d.to_string()),
        _ => None,
    }
}

/// Which of a column's two lists of values: they share none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Series {
    /// Most common values.
    Common,
    /// Histogram bounds.
    Bounds,
}

/// Digits of the running number.
const NUMBER: usize = 8;
/// Longest value: the planner only looks at the first bytes.
const WIDEST: usize = 120;

fn day(n: usize) -> Option<jiff::civil::Date> {
    let days = jiff::Span::new().try_days(i64::try_from(n).ok()?).ok()?;
    jiff::civil::date(2000, 1, 1).checked_add(days).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_ascend_and_the_lists_share_none() {
        for base in ["text", "uuid", "bytea", "jsonb", "date"] {
            let bounds = values(base, 20, 101, Series::Bounds).unwrap();
            let common = values(base, 20, 100, Series::Common).unwrap();
            assert!(bounds.is_sorted() && common.is_sorted(), "{base}");
            assert!(common.iter().all(|v| !bounds.contains(v)), "{base}");
        }
        assert_eq!(values("text", 20, 1, Series::Common).unwrap()[0].len(), 19);
        assert_eq!(values("tsvector", 20, 1, Series::Common), None);
    }
}
