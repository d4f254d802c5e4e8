//! The types of expressions, as far as an index cares: `pg_type.typname`, `None` where not known.

use crate::sql::ast::{Call, Expr, Literal, TypeName};

use super::volatility;

/// Gives a slot's type.
pub(super) type SlotType<'a> = dyn Fn(u32) -> Option<String> + 'a;

/// The type's `typname`, arrays with the underscore.
pub(super) fn typname(ty: &TypeName) -> String {
    if ty.array { format!("_{}", ty.name) } else { ty.name.clone() }
}

/// The type of an expression. A string literal is `unknown`, as for the server; a parameter is `None`.
pub(super) fn type_of(expr: &Expr, slot: &SlotType<'_>) -> Option<String> {
    let fixed = |name: &str| Some(name.to_owned());
    match expr {
        Expr::Slot(n) => slot(*n),
        Expr::Literal(literal) => match literal {
            Literal::Integer(_) => fixed("int4"),
            Literal::Number(n) if n.bytes().all(|b| b.is_ascii_digit() || b == b'-') && n.len() < 19 => fixed("int8"),
            Literal::Number(_) => fixed("numeric"),
            Literal::Boolean(_) => fixed("bool"),
            Literal::Bits(_) => fixed("bit"),
            Literal::String(_) | Literal::Null => fixed("unknown"),
        },
        Expr::Cast { to, .. } => Some(typname(to)),
        Expr::Collate { expr, .. } => type_of(expr, slot),
        Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_)
        | Expr::InList { .. }
        | Expr::Quantified { .. }
        | Expr::Like { .. }
        | Expr::Between { .. }
        | Expr::IsDistinct { .. }
        | Expr::IsNull { .. }
        | Expr::BooleanTest { .. } => fixed("bool"),
        Expr::Builtin { args, .. } => args.iter().find_map(|a| known(type_of(a, slot))),
        Expr::Case { whens, otherwise, .. } => {
            let results = whens.iter().map(|(_, then)| then).chain(otherwise.as_deref());
            results.into_iter().find_map(|e| known(type_of(e, slot)))
        }
        Expr::Array(list) => list.iter().find_map(|e| known(type_of(e, slot))).map(|t| format!("_{t}")),
        Expr::ValueFunction(name) => fixed(match *name {
            "CURRENT_DATE" => "date",
            "CURRENT_TIME" => "timetz",
            "CURRENT_TIMESTAMP" => "timestamptz",
            "LOCALTIME" => "time",
            "LOCALTIMESTAMP" => "timestamp",
            _ => "name",
        }),
        Expr::Call(call) => call_type(call, slot),
        Expr::Operator { op, left, right } => {
            let right = type_of(right, slot);
            match left.as_deref() {
                Some(left) => operator_type(op, type_of(left, slot), right.as_deref()),
                None => right,
            }
        }
        _ => None,
    }
}

fn known(ty: Option<String>) -> Option<String> {
    ty.filter(|t| t != "unknown")
}

fn call_type(call: &Call, slot: &SlotType<'_>) -> Option<String> {
    if call.schema.is_some() {
        return None;
    }
    let arg = |i: usize| call.args.get(i).and_then(|a| type_of(a, slot));
    let name = match call.name.as_str() {
        "lower" | "upper" | "substring" | "left" | "right" | "replace" | "trim" | "btrim" | "concat" => {
            match arg(0).as_deref() {
                Some(range) if range.ends_with("range") => return None,
                Some("bytea") => "bytea",
                _ => "text",
            }
        }
        "date_trunc" => match known(arg(1)).as_deref() {
            Some("date") => "timestamptz",
            other => return other.map(str::to_owned),
        },
        "timezone" => match arg(1).as_deref() {
            Some("timestamptz") => "timestamp",
            Some("timestamp") => "timestamptz",
            _ => return None,
        },
        "extract" => "numeric",
        "count" => "int8",
        "length" | "char_length" | "octet_length" => "int4",
        "abs" | "max" | "min" | "any_value" => return known(arg(0)),
        other => volatility::builtin_result(other)?,
    };
    Some(name.to_owned())
}

fn operator_type(op: &str, left: Option<String>, right: Option<&str>) -> Option<String> {
    let fixed = |name: &str| Some(name.to_owned());
    let (l, r) = (left.as_deref().unwrap_or(""), right.unwrap_or(""));
    match op {
        "->" | "#>" | "#-" => left,
        "||" if l.starts_with("json") || l.starts_with('_') || l == "tsvector" || l == "bytea" => left,
        "->>" | "#>>" | "||" => fixed("text"),
        "+" | "-" | "*" | "/" | "%" => arithmetic(op, l, r),
        "=" | "<>" | "<" | "<=" | ">" | ">=" | "@>" | "<@" | "&&" | "?" | "?|" | "?&" | "@?" | "@@" | "~" | "~*"
        | "!~" | "!~*" | "^@" | "<%" | "%>" => fixed("bool"),
        _ => None,
    }
}

fn arithmetic(op: &str, left: &str, right: &str) -> Option<String> {
    let name =
        match (left, right) {
            ("date", "date") if op == "-" => "int4",
            ("timestamp" | "timestamptz", "timestamp" | "timestamptz") if op == "-" => "interval",
            ("date", "interval") => "timestamp",
            ("" | "unknown", _) => right,
            ("date" | "timestamp" | "timestamptz" | "interval" | "time" | "timetz", _) | (_, "" | "unknown") => left,
            _ if number_rank(left).is_some() && number_rank(right).is_some() => {
                if number_rank(left) >= number_rank(right) { left } else { right }
            }
            ("jsonb", _) => left,
            _ => return None,
        };
    (!name.is_empty()).then(|| name.to_owned())
}

/// Where a numeric type stands in the order in which operands are promoted.
fn number_rank(ty: &str) -> Option<u8> {
    Some(match ty {
        "int2" => 1,
        "int4" => 2,
        "int8" => 3,
        "numeric" => 4,
        "float4" => 5,
        "float8" => 6,
        _ => return None,
    })
}

/// Whether a comparison of a column of one type with a value of another makes the server cast the column, so that an
/// index on it is of no use; gives the type cast to. Types within one B-tree operator family compare as they are.
pub(super) fn cast_on_column(column: &str, value: &str) -> Option<&'static str> {
    let family = |ty: &str| match ty {
        "int2" | "int4" | "int8" => 1,
        "numeric" => 2,
        "float4" | "float8" => 3,
        "bpchar" => 4,
        "text" | "varchar" => 5,
        _ => 0,
    };
    match (family(column), family(value)) {
        (1, 2) => Some("numeric"),
        (1 | 2, 3) => Some("float8"),
        (4, 5) => Some("text"),
        _ => None,
    }
}

/// Whether a cast between these types changes nothing but the label (`pg_cast.castmethod = 'b'`, without modifiers).
pub(super) fn binary_coercible(from: &str, to: &TypeName) -> bool {
    if !to.modifiers.is_empty() || to.schema.is_some() {
        return false;
    }
    let to = typname(to);
    from == to
        || matches!(
            (from, to.as_str()),
            ("varchar", "text")
                | ("text", "varchar")
                | ("_varchar", "_text")
                | ("_text", "_varchar")
                | ("cidr", "inet")
                | ("int4", "oid")
                | ("oid", "int4")
                | ("bit", "varbit")
                | ("varbit", "bit")
        )
}
