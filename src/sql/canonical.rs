//! One text for an expression, however it is written.
//!
//! A query says `lower(email)`, the catalog prints `lower((email)::text)`; a query says `status IN ('a', 'b')`, the
//! catalog prints `((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))`. Both are
//! brought to one form here, so that texts can be compared. The form is for comparing only: it drops casts, which DDL
//! needs.

use super::ast::{BooleanTest, Expr, LikeKind, Literal, Statement, TypeName};
use super::deparse::{deparse_expr, unqualified};

/// Reads one expression: `lower(email)`, `(data ->> 'kind'::text)`, `a = 1 AND b IS NULL`.
pub fn parse_expr(sql: &str) -> Option<Expr> {
    let mut statements = super::parse(&format!("SELECT ({sql}\n)")).ok()?;
    if statements.len() != 1 {
        return None;
    }
    let Some(Statement::Query(query)) = statements.pop() else { return None };
    let super::ast::Body::Select(mut select) = query.body else { return None };
    let only = select.targets.len() == 1 && select.from.is_empty();
    only.then(|| select.targets.pop().map(|t| t.expr)).flatten()
}

/// The canonical text of an expression as a query, an index definition or a partial predicate writes it; `None` if it
/// does not parse or holds what cannot stand in an index. Text that is equal means the same; text that differs may
/// still mean the same.
pub fn canonical_expr(sql: &str) -> Option<String> {
    let expr = parse_expr(sql)?;
    super::on_large_stack(|| deparse_expr(&canonical(&expr), &unqualified)).flatten()
}

/// The conjuncts of a predicate, each in canonical form, sorted. `None` as for [`canonical_expr`].
pub fn canonical_conjuncts(sql: &str) -> Option<Vec<String>> {
    let expr = parse_expr(sql)?;
    super::on_large_stack(|| {
        let conjuncts = match canonical(&expr) {
            Expr::And(list) => list,
            other => vec![other],
        };
        let texts: Option<Vec<String>> = conjuncts.iter().map(|e| deparse_expr(e, &unqualified)).collect();
        texts.map(|mut texts| {
            texts.sort_unstable();
            texts.dedup();
            texts
        })
    })
    .flatten()
}

/// An expression in canonical form.
pub fn canonical(expr: &Expr) -> Expr {
    match expr.map_children(&mut canonical) {
        Expr::Cast { expr, to } => cast(*expr, to),
        Expr::Quantified { left, op, all, right } => quantified(left, op, all, *right),
        Expr::Between { expr, low, high, negated: false, symmetric: false } => {
            conjunction(vec![comparison(">=", (*expr).clone(), *low), comparison("<=", *expr, *high)])
        }
        Expr::InList { expr, mut list, negated } => {
            if list.len() == 1 {
                let only = list.remove(0);
                return comparison(if negated { "<>" } else { "=" }, *expr, only);
            }
            sort_by_text(&mut list);
            Expr::InList { expr, list, negated }
        }
        Expr::And(list) => conjunction(list),
        Expr::Or(mut list) => {
            sort_by_text(&mut list);
            Expr::Or(list)
        }
        Expr::Operator { op, left: Some(left), right } => comparison(&op, *left, *right),
        Expr::BooleanTest { expr, test: BooleanTest::True } if is_comparison(&expr) => *expr,
        Expr::Like { kind: LikeKind::Like, negated, expr, pattern, escape: None } => {
            Expr::Like { kind: LikeKind::Like, negated, expr, pattern, escape: None }
        }
        Expr::Call(mut call) => {
            call.name = call.name.to_ascii_lowercase();
            // Before 14, EXTRACT was a spelling of date_part.
            if call.name == "date_part" && call.schema.is_none() {
                "extract".clone_into(&mut call.name);
            }
            Expr::Call(call)
        }
        other => other,
    }
}

fn is_comparison(expr: &Expr) -> bool {
    matches!(expr, Expr::Operator { op, .. } if matches!(op.as_str(), "=" | "<" | ">" | "<=" | ">=" | "<>"))
}

fn is_text_like(ty: &TypeName) -> bool {
    ty.schema.is_none() && matches!(ty.name.as_str(), "text" | "varchar")
}

/// Drops the cast of a literal, which its context repeats, and a cast to text of what is likely text already.
fn cast(expr: Expr, to: TypeName) -> Expr {
    match &expr {
        Expr::Literal(Literal::String(text)) => match to.name.as_str() {
            "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" if !to.array && is_number(text) => number(text),
            // The catalog prints a bare date as midnight.
            "timestamp" if !to.array => match text.strip_suffix(" 00:00:00") {
                Some(day) => Expr::Literal(Literal::String(day.to_owned())),
                None => expr,
            },
            "bool" if !to.array => match text.as_str() {
                "t" | "true" => Expr::Literal(Literal::Boolean(true)),
                "f" | "false" => Expr::Literal(Literal::Boolean(false)),
                _ => expr,
            },
            _ => expr,
        },
        Expr::Literal(_) => expr,
        Expr::Column(_) | Expr::Slot(_) | Expr::Array(_) | Expr::Call(_) if is_text_like(&to) => expr,
        _ => Expr::Cast { expr: Box::new(expr), to },
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn number(text: &str) -> Expr {
    Expr::Literal(text.parse().map_or_else(|_| Literal::Number(text.to_owned()), Literal::Integer))
}

fn quantified(left: Box<Expr>, op: String, all: bool, right: Expr) -> Expr {
    match (right, op.as_str(), all) {
        (Expr::Array(list), "=", false) => canonical(&Expr::InList { expr: left, list, negated: false }),
        (Expr::Array(list), "<>", true) => canonical(&Expr::InList { expr: left, list, negated: true }),
        (right, ..) => Expr::Quantified { left, op, all, right: Box::new(right) },
    }
}

/// Nested ANDs flattened, sorted by text.
fn conjunction(list: Vec<Expr>) -> Expr {
    let mut flat = Vec::new();
    for expr in list {
        match expr {
            Expr::And(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    sort_by_text(&mut flat);
    Expr::And(flat)
}

fn sort_by_text(list: &mut [Expr]) {
    list.sort_by_cached_key(|e| deparse_expr(e, &|column| Some(format!("{column:?}"))));
}

/// A comparison with the literal on the right; `x = true` is `x`, `x = false` is `NOT x`.
fn comparison(op: &str, left: Expr, right: Expr) -> Expr {
    let (op, left, right) = match commuted(op) {
        Some(swapped) if is_constant(&left) && !is_constant(&right) => (swapped, right, left),
        _ => (op, left, right),
    };
    match (op, &right) {
        ("=", Expr::Literal(Literal::Boolean(true))) | ("<>", Expr::Literal(Literal::Boolean(false))) => left,
        ("=", Expr::Literal(Literal::Boolean(false))) | ("<>", Expr::Literal(Literal::Boolean(true))) => {
            Expr::Not(Box::new(left))
        }
        _ => Expr::Operator { op: op.to_owned(), left: Some(Box::new(left)), right: Box::new(right) },
    }
}

fn is_constant(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(_) | Expr::Parameter(_))
}

/// The operator that says the same with its operands swapped.
pub fn commuted(op: &str) -> Option<&'static str> {
    Some(match op {
        "=" => "=",
        "<>" => "<>",
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        "@>" => "<@",
        "<@" => "@>",
        "&&" => "&&",
        "@@" => "@@",
        "%" => "%",
        "<->" => "<->",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_and_the_catalog_agree() {
        let same = [
            ("lower(email)", "lower((email)::text)"),
            ("LOWER(u.email)", "lower(email)"),
            ("data->>'kind'", "(data ->> 'kind'::text)"),
            ("(data->>'age')::int", "((data ->> 'age'::text))::integer"),
            ("status = 'new'", "((status)::text = 'new'::text)"),
            ("'new' = status", "(status = 'new'::order_status)"),
            (
                "status in ('b', 'a')",
                "((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
            ),
            ("status not in ('a','b')", "(status <> ALL (ARRAY['a'::text, 'b'::text]))"),
            ("deleted_at is null and active", "((active = true) AND (deleted_at IS NULL))"),
            ("not active", "(active = false)"),
            ("amount > -1", "(amount > '-1'::integer)"),
            ("amount between 1 and 5", "((amount >= (1)::numeric) AND (amount <= (5)::numeric))"),
            ("name like 'a%'", "((name)::text ~~ 'a%'::text)"),
            ("date_trunc('day', at)", "date_trunc('day'::text, at)"),
            ("extract(epoch from at)", "date_part('epoch'::text, at)"),
            ("at at time zone 'UTC'", "timezone('UTC'::text, at)"),
            ("left(name, 3)", "\"left\"((name)::text, 3)"),
            ("coalesce(a, 0)", "COALESCE(a, 0)"),
            ("tags[1]", "(tags)[1]"),
            ("a || ' ' || b", "(((a)::text || ' '::text) || (b)::text)"),
        ];
        for (query, catalog) in same {
            let (a, b) = (canonical_expr(query), canonical_expr(catalog));
            assert!(a.is_some() && a == b, "{query}: {a:?} <> {b:?}");
        }
    }

    #[test]
    fn different_things_stay_different() {
        let different = [("lower(a)", "upper(a)"), ("a = 1", "a = 2"), ("a::int", "a::bigint"), ("a > 1", "1 > a")];
        for (one, other) in different {
            assert_ne!(canonical_expr(one), canonical_expr(other));
        }
        assert_eq!(canonical_expr("a) from t; --"), None);
        assert_eq!(canonical_expr("(select 1)"), None);
        assert_eq!(canonical_expr(""), None);
    }

    #[test]
    fn conjuncts() {
        let parts = canonical_conjuncts("(b IS NULL) AND ((status)::text = 'x'::text)").expect("parses");
        assert_eq!(parts, ["b IS NULL", "status = 'x'"]);
    }

    #[test]
    fn deparsed_text_reads_back_the_same() {
        for sql in [
            "a + b * c",
            "(a + b) * c",
            "- a",
            "not (a and b or c)",
            "case when a then 1 else 2 end",
            "x::numeric(10,2)",
            "a::timestamptz(3)",
            "a is not distinct from b",
            "row(a, b) = row(1, 2)",
            "a between 1 and 2",
            "(c).f",
            "c[1:2]",
            "a operator(public.<->) b",
            "x collate \"C\"",
            "substring(a from 1 for 2)",
            "position('x' in a)",
            "overlay(a placing 'x' from 1)",
            "trim(both from a)",
            "b'101'",
            "e'a\\\\b'",
            "current_date",
            "x::my.type[]",
            "a similar to 'b' escape '#'",
            "nullif(a, b)",
            "\"A b\" > 1",
            "extract(year from d)",
            "(-1)::int",
            "a::char(3)",
        ] {
            let expr = parse_expr(sql).expect(sql);
            let text = deparse_expr(&expr, &unqualified).expect(sql);
            assert_eq!(parse_expr(&text), Some(expr), "{sql} became {text}");
        }
    }
}
