//! Average bytes of values and rows (`get_attavgwidth`, `get_typavgwidth`, `get_relation_data_width`).

use super::variable;
use crate::planner::env::Env;
use crate::planner::expr::{Expr, Var, types};
use crate::planner::query::RteKind;
use crate::planner::root::Root;
use crate::snapshot::{Column, Oid, Snapshot, Table};

/// Bytes of a row's header, aligned (`MAXALIGN(SizeofHeapTupleHeader)`).
pub(super) const TUPLE_HEADER: i32 = 24;
/// What a value of unknown size is taken for.
const DEFAULT_WIDTH: i32 = 32;

/// Average bytes of an expression's value.
pub(super) fn expr_width(root: &Root<'_>, expr: &Expr) -> i32 {
    if let Expr::Var(var) = expr {
        return var_width(root, var);
    }
    type_width(root, expr.ty(), expr.typmod())
}

fn var_width(root: &Root<'_>, var: &Var) -> i32 {
    let by_type = || type_width(root, var.ty, var.typmod);
    match root.query.rtable.get(var.rel).map(|e| &e.kind) {
        Some(RteKind::Table(_)) => {
            let Some(table) = root.table(var.rel) else { return by_type() };
            if var.attno == 0 {
                return table_width(root.env, table).saturating_add(TUPLE_HEADER);
            }
            let Some(column) = table.column(var.attno) else { return by_type() };
            parent_width(root, var, &column.name).or_else(|| measured(column)).unwrap_or_else(by_type)
        }
        Some(RteKind::Subquery(_) | RteKind::Cte { .. }) => {
            // A subquery's own column width (`set_subquery_size_estimates`).
            variable::subquery_output(root, var).map_or_else(by_type, |(sub, expr)| expr_width(sub, expr))
        }
        _ => by_type(),
    }
}

/// The width of a parent's column: that of its children's, by their rows (`set_append_rel_size`).
fn parent_width(root: &Root<'_>, var: &Var, name: &str) -> Option<i32> {
    let base = root.rel(var.rel)?.base()?;
    if base.children.is_empty() {
        return None;
    }
    let (mut bytes, mut rows) = (0.0, 0.0);
    for child in base.children.iter().filter(|c| !c.dummy) {
        let child_rel = child.base()?.rel;
        let column = root.table(child_rel)?.column_named(name)?;
        let width = expr_width(root, &Expr::Var(Var { rel: child_rel, attno: column.attnum, ..*var }));
        bytes += f64::from(width) * child.rows;
        rows += child.rows;
    }
    // Whole bytes, of at most what a type's width can be.
    (rows > 0.0).then(|| round(bytes / rows))
}

/// A column's average width where ANALYZE measured it, children aside (`get_attavgwidth`).
fn measured(column: &Column) -> Option<i32> {
    column.stats.as_ref().map(|s| s.avg_width).filter(|width| *width > 0)
}

/// Average bytes of a row's data, without its header (`get_rel_data_width`).
pub(super) fn table_width(env: &Env<'_>, table: &Table) -> i32 {
    let char_bytes = char_bytes(env.snapshot);
    let width = |c: &Column| measured(c).unwrap_or_else(|| declared_width(c, char_bytes));
    table.columns.iter().map(width).fold(0, i32::saturating_add)
}

/// As [`type_width`], from a column's declared type.
fn declared_width(column: &Column, char_bytes: i32) -> i32 {
    let length = i32::from(column.ty.length);
    if length > 0 {
        return length;
    }
    let inside = column.ty.name.split_once('(').and_then(|(_, rest)| rest.split(')').next());
    let mut numbers = inside.into_iter().flat_map(|i| i.split(',')).map(|n| n.trim().parse::<i32>());
    let Some(Ok(declared)) = numbers.next() else {
        // `char` without a length is of one character.
        return if column.ty.base == "bpchar" && column.ty.name == "character" {
            char_bytes + 4
        } else {
            DEFAULT_WIDTH
        };
    };
    match column.ty.base.as_str() {
        "bpchar" => declared.saturating_mul(char_bytes).saturating_add(4),
        "varchar" => of_maximum(declared.saturating_mul(char_bytes).saturating_add(4)),
        "numeric" => of_maximum(numeric_bytes(declared)),
        "bit" | "varbit" => of_maximum(bit_bytes(declared)),
        _ => DEFAULT_WIDTH,
    }
}

/// Bytes that a `numeric` of so many digits takes at most (`numeric_maximum_size`).
fn numeric_bytes(precision: i32) -> i32 {
    (precision.saturating_add(6) / 4).saturating_mul(2).saturating_add(8)
}

/// Bytes that so many bits take.
fn bit_bytes(bits: i32) -> i32 {
    (bits.saturating_add(7) / 8).saturating_add(8)
}

/// Bytes of a character in the database's encoding at most (`pg_encoding_max_length`).
pub(super) fn char_bytes(snapshot: &Snapshot) -> i32 {
    match snapshot.schema.as_ref().map(|s| s.locale.encoding.as_str()) {
        None | Some("UTF8" | "EUC_TW" | "GB18030" | "") => 4,
        Some("EUC_JP" | "EUC_CN" | "EUC_KR" | "EUC_JIS_2004") => 3,
        Some("SJIS" | "BIG5" | "GBK" | "UHC" | "JOHAB" | "SHIFT_JIS_2004") => 2,
        Some(_) => 1,
    }
}

/// Average bytes of a type's values when no statistics tell (`get_typavgwidth`).
pub(super) fn type_width(root: &Root<'_>, ty: Oid, typmod: i32) -> i32 {
    let Some(fact) = root.env.facts.ty(ty) else { return DEFAULT_WIDTH };
    if fact.len > 0 {
        return i32::from(fact.len);
    }
    if typmod < 4 {
        return DEFAULT_WIDTH;
    }
    // Only these types tell their greatest size by their modifier (`type_maximum_size`), most with 4 bytes added.
    let declared = typmod - 4;
    match fact.oid {
        types::BPCHAR => declared.saturating_mul(char_bytes(root.env.snapshot)).saturating_add(4),
        types::VARCHAR => of_maximum(declared.saturating_mul(char_bytes(root.env.snapshot)).saturating_add(4)),
        types::NUMERIC => of_maximum(numeric_bytes((declared >> 16) & 0xffff)),
        BIT | VARBIT => of_maximum(bit_bytes(typmod)),
        _ => DEFAULT_WIDTH,
    }
}

/// `bit` and `varbit`.
const BIT: Oid = 1560;
/// See [`BIT`].
const VARBIT: Oid = 1562;

/// A guess at the average from the greatest size.
fn of_maximum(maximum: i32) -> i32 {
    if maximum <= 32 {
        maximum
    } else if maximum < 1000 {
        32 + (maximum - 32) / 2
    } else {
        32 + (1000 - 32) / 2
    }
}

/// The nearest whole number that an `i32` holds.
#[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
fn round(width: f64) -> i32 {
    width.round_ties_even().clamp(0.0, f64::from(i32::MAX)) as i32
}
