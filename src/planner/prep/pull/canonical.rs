//! Conditions in canonical form: implicit ANDs, with what all branches of an OR share taken out of it
//! (`canonicalize_qual`, `find_duplicate_ors`, `process_duplicate_ors`).

use crate::planner::expr::Expr;
use crate::planner::query::{FromExpr, JoinTree};

/// Every condition of a join tree.
pub(super) fn in_jointree(from: &mut FromExpr) {
    from.quals = quals(std::mem::take(&mut from.quals));
    for item in &mut from.items {
        in_item(item);
    }
}

fn in_item(tree: &mut JoinTree) {
    match tree {
        JoinTree::Rel(_) => {}
        JoinTree::Join(join) => {
            join.quals = quals(std::mem::take(&mut join.quals));
            in_item(&mut join.left);
            in_item(&mut join.right);
        }
        JoinTree::From(from) => in_jointree(from),
    }
}

/// An implicit AND.
pub(super) fn quals(quals: Vec<Expr>) -> Vec<Expr> {
    let mut out = Vec::with_capacity(quals.len());
    for qual in quals {
        match factored(qual) {
            Expr::And(args) => out.extend(args),
            other => out.push(other),
        }
    }
    out
}

fn factored(expr: Expr) -> Expr {
    match expr {
        Expr::And(args) => {
            let mut flat = Vec::with_capacity(args.len());
            for arg in args {
                match factored(arg) {
                    Expr::And(inner) => flat.extend(inner),
                    other => flat.push(other),
                }
            }
            Expr::And(flat)
        }
        Expr::Or(args) => {
            let mut flat = Vec::with_capacity(args.len());
            for arg in args {
                match factored(arg) {
                    Expr::Or(inner) => flat.extend(inner),
                    other => flat.push(other),
                }
            }
            or_of(flat)
        }
        other => other,
    }
}

fn conjuncts(expr: &Expr) -> &[Expr] {
    match expr {
        Expr::And(args) => args,
        other => std::slice::from_ref(other),
    }
}

fn or_of(mut branches: Vec<Expr>) -> Expr {
    if branches.len() == 1 {
        return branches.swap_remove(0);
    }
    let shortest = branches.iter().min_by_key(|b| conjuncts(b).len());
    let mut common: Vec<Expr> = Vec::new();
    for candidate in shortest.map_or(&[][..], conjuncts) {
        let shared = branches.iter().all(|b| conjuncts(b).contains(candidate));
        if shared && !common.contains(candidate) {
            common.push(candidate.clone());
        }
    }
    if common.is_empty() {
        return Expr::Or(branches);
    }
    let mut rest = Vec::with_capacity(branches.len());
    for branch in &branches {
        let mut left: Vec<Expr> = conjuncts(branch).iter().filter(|c| !common.contains(c)).cloned().collect();
        match left.len() {
            // A branch that is nothing but what all share makes the others redundant.
            0 => {
                rest.clear();
                break;
            }
            1 => rest.push(left.swap_remove(0)),
            _ => rest.push(Expr::And(left)),
        }
    }
    if rest.len() == 1 {
        common.extend(rest);
    } else if !rest.is_empty() {
        common.push(Expr::Or(rest));
    }
    if common.len() == 1 { common.swap_remove(0) } else { Expr::And(common) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::expr::{Param, ParamSource, types};

    fn p(n: u32) -> Expr {
        Expr::Param(Param { source: ParamSource::External(n), ty: types::BOOL, collation: 0 })
    }

    #[test]
    fn what_all_branches_share_is_taken_out() {
        let or = Expr::Or(vec![Expr::And(vec![p(1), p(2)]), Expr::And(vec![p(3), p(1)])]);
        assert_eq!(quals(vec![or]), [p(1), Expr::Or(vec![p(2), p(3)])]);
        let absorbed = Expr::Or(vec![p(1), Expr::And(vec![p(1), p(2)])]);
        assert_eq!(quals(vec![absorbed]), [p(1)]);
        let apart = Expr::Or(vec![p(1), p(2)]);
        assert_eq!(quals(vec![apart.clone()]), [apart]);
    }
}
