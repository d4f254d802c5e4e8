//! Making a [`Restrict`] of a condition (`make_restrictinfo`, `check_mergejoinable`, `check_hashjoinable`).

use std::sync::{Arc, OnceLock};

use crate::planner::Root;
use crate::planner::expr::{Expr, OpKind};
use crate::planner::exprs::contains_volatile;
use crate::planner::rel::Restrict;
use crate::planner::relids::Relids;

/// What a condition's place in the query says of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Placement {
    /// See [`Restrict::is_pushed_down`].
    pub is_pushed_down: bool,
    /// See [`Restrict::outerjoin_delayed`].
    pub outerjoin_delayed: bool,
    /// See [`Restrict::pseudoconstant`].
    pub pseudoconstant: bool,
    /// Relations needed to evaluate it; those it reads if empty.
    pub required: Relids,
    /// See [`Restrict::outer_relids`].
    pub outer_relids: Relids,
    /// See [`Restrict::nullable`].
    pub nullable: Relids,
}

/// Makes a restriction of a condition (`make_restrictinfo`), with its merge and hash marks.
pub fn make_restrict(root: &Root<'_>, clause: Expr, place: Placement) -> Restrict {
    let or_branches = match &clause {
        Expr::Or(branches) => Some(branches.iter().map(|b| branch(root, b, place)).collect()),
        _ => None,
    };
    make_plain(root, clause, place, or_branches)
}

/// A branch of an OR: an implicit AND (`make_sub_restrictinfos`). What the parts require is what they read.
fn branch(root: &Root<'_>, clause: &Expr, place: Placement) -> Vec<Arc<Restrict>> {
    let inner = Placement { required: Relids::EMPTY, pseudoconstant: false, ..place };
    match clause {
        Expr::And(parts) => parts.iter().map(|p| Arc::new(make_restrict(root, p.clone(), inner))).collect(),
        other => vec![Arc::new(make_restrict(root, other.clone(), inner))],
    }
}

fn make_plain(
    root: &Root<'_>,
    clause: Expr,
    place: Placement,
    or_branches: Option<Vec<Vec<Arc<Restrict>>>>,
) -> Restrict {
    let (mut left, mut right, clause_relids) = (Relids::EMPTY, Relids::EMPTY, root.relids_of(&clause));
    let mut can_join = false;
    let (mut merge_families, mut hash_op) = (Vec::new(), 0);
    if let Expr::Op(op) = &clause
        && let [l, r] = op.args.as_slice()
        && op.kind == OpKind::Plain
    {
        left = root.relids_of(l);
        right = root.relids_of(r);
        can_join = !left.is_empty() && !right.is_empty() && !left.overlaps(right);
        let facts = &root.env.facts;
        if let Some(fact) = facts.operator(op.op)
            && !place.pseudoconstant
            && (fact.can_merge || fact.can_hash)
            && !contains_volatile(facts, &clause)
        {
            if fact.can_merge {
                merge_families = facts.merge_families(op.op);
            }
            if fact.can_hash {
                hash_op = op.op;
            }
        }
    }
    let id = root.memo.next_restrict.get();
    root.memo.next_restrict.set(id + 1);
    let required = if place.required.is_empty() { clause_relids } else { place.required };
    Restrict {
        id,
        clause,
        is_pushed_down: place.is_pushed_down,
        pseudoconstant: place.pseudoconstant,
        outerjoin_delayed: place.outerjoin_delayed,
        clause_relids,
        required,
        outer_relids: place.outer_relids,
        nullable: place.nullable,
        left,
        right,
        can_join,
        merge_families,
        hash_op,
        or_branches,
        left_ec: None,
        right_ec: None,
        parent_ec: None,
        norm_selectivity: OnceLock::new(),
        outer_selectivity: OnceLock::new(),
        eval_cost: OnceLock::new(),
        left_bucket: OnceLock::new(),
        right_bucket: OnceLock::new(),
    }
}

impl Restrict {
    /// Whether, at a join of these relations, it filters what was joined rather than deciding what joins
    /// (`RINFO_IS_PUSHED_DOWN`).
    pub fn is_filter_at(&self, join: Relids) -> bool {
        self.is_pushed_down || !self.required.is_subset(join)
    }

    /// The two operands of a binary operator.
    pub fn operands(&self) -> Option<(&Expr, &Expr)> {
        match &self.clause {
            Expr::Op(op) => match op.args.as_slice() {
                [left, right] => Some((left, right)),
                _ => None,
            },
            _ => None,
        }
    }
}
