//! LIKE patterns and regular expressions: what an index can do with them.

use crate::sql::ast::{Expr, LikeKind, Literal};
use crate::workload::query::{Comparison, Unsargable};

/// The text of a literal, casts aside.
fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(Literal::String(s)) => Some(s),
        Expr::Cast { expr, .. } => literal(expr),
        _ => None,
    }
}

/// How LIKE, ILIKE or SIMILAR TO compares, and what prevents a B-tree from serving it.
pub(super) fn like(
    kind: LikeKind,
    negated: bool,
    pattern: &Expr,
    escape: Option<&Expr>,
) -> (Comparison, Option<Unsargable>) {
    let escape = match escape {
        None => Some('\\'),
        Some(expr) => literal(expr).and_then(|s| s.chars().next()),
    };
    let prefix = literal(pattern).map(|text| fixed_prefix(text, escape));
    let leading = prefix == Some(0);
    let comparison = match kind {
        LikeKind::Like if !leading => Comparison::LikePrefix,
        LikeKind::Like => Comparison::LikeInfix { case_insensitive: false, regex: false },
        LikeKind::Ilike => Comparison::LikeInfix { case_insensitive: true, regex: false },
        LikeKind::Similar => Comparison::LikeInfix { case_insensitive: false, regex: true },
    };
    let unsargable = if negated {
        Some(Unsargable::Negation)
    } else {
        (leading && kind != LikeKind::Similar).then_some(Unsargable::LeadingWildcard)
    };
    (comparison, unsargable)
}

/// How many characters a LIKE pattern fixes at its beginning.
fn fixed_prefix(pattern: &str, escape: Option<char>) -> usize {
    let mut fixed = 0;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            if chars.next().is_none() {
                break;
            }
        } else if matches!(c, '%' | '_') {
            break;
        }
        fixed += 1;
    }
    // An empty pattern matches the empty string only: as good as a prefix.
    if pattern.is_empty() { 1 } else { fixed }
}

/// How a regular expression compares: anchored with a fixed beginning, it is a prefix.
pub(super) fn regex(pattern: &Expr, case_insensitive: bool) -> Comparison {
    let anchored = literal(pattern).and_then(|text| text.strip_prefix('^')).is_some_and(|rest| {
        let mut chars = rest.chars();
        let first = chars.next().is_some_and(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '/' | '@'));
        first && !rest.contains('|') && !chars.next().is_some_and(|c| matches!(c, '*' | '?' | '{'))
    });
    if anchored && !case_insensitive {
        Comparison::LikePrefix
    } else {
        Comparison::LikeInfix { case_insensitive, regex: true }
    }
}
