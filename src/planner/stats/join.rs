//! Selectivity of join conditions by the operator's estimator (`oprjoin`).

use super::compare;
use super::parsed::Parsed;
use super::pattern;
use super::restriction::{Call, DEFAULT_EQ, DEFAULT_INEQ, clamp};
use super::variable::{self, RelSize, Variable};
use crate::planner::query::JoinType;
use crate::planner::rel::SpecialJoin;
use crate::planner::root::Root;

/// Selectivity of an operator without an estimator.
const NO_ESTIMATOR: f64 = 0.5;

/// Selectivity of an operator between relations (`join_selectivity`).
pub(super) fn selectivity(root: &Root<'_>, call: &Call<'_>, _join: JoinType, special: &SpecialJoin) -> f64 {
    let Some(fact) = root.env.facts.operator(call.operator) else { return NO_ESTIMATOR };
    let estimate = match fact.join.as_str() {
        "" => NO_ESTIMATOR,
        "eqjoinsel" => equality(root, call, special),
        "neqjoinsel" => inequality(root, call, special),
        "scalarltjoinsel" | "scalarlejoinsel" | "scalargtjoinsel" | "scalargejoinsel" => DEFAULT_INEQ,
        "contjoinsel" => 0.001,
        "tsmatchjoinsel" | "areajoinsel" => 0.005,
        "positionjoinsel" => 0.1,
        "matchingjoinsel" => 0.010,
        "arraycontjoinsel"
        | "networkjoinsel"
        | "_int_overlap_joinsel"
        | "_int_contains_joinsel"
        | "_int_contained_joinsel" => {
            if fact.name == "&&" {
                0.01
            } else {
                0.005
            }
        }
        name => match pattern::Kind::of_estimator(name) {
            Some((_, true)) => 1.0 - DEFAULT_EQ,
            Some((_, false)) => DEFAULT_EQ,
            None => {
                root.note(format!("the estimator {name} is not modelled"));
                DEFAULT_EQ
            }
        },
    };
    clamp(estimate)
}

/// Both sides of a join condition (`get_join_variables`).
struct Sides<'e> {
    left: Variable<'e>,
    right: Variable<'e>,
    /// Whether the left operand belongs to the join's right side.
    reversed: bool,
}

fn sides<'e>(root: &Root<'_>, call: &Call<'e>, special: &SpecialJoin) -> Option<Sides<'e>> {
    let left = variable::examine(root, call.left, None);
    let right = variable::examine(root, call.right?, None);
    let within = |size: Option<RelSize>, relids| size.is_some_and(|s| s.relids.is_subset(relids));
    let reversed = within(left.rel, special.syn_right) || within(right.rel, special.syn_left);
    Some(Sides { left, right, reversed })
}

/// `eqjoinsel`.
fn equality(root: &Root<'_>, call: &Call<'_>, special: &SpecialJoin) -> f64 {
    let Some(sides) = sides(root, call, special) else { return DEFAULT_EQ };
    let left = Side::new(root, &sides.left);
    let right = Side::new(root, &sides.right);
    let matches = Matches::find(left.stats(), right.stats());
    let inner = inner(&left, &right, matches.as_ref());
    if !matches!(special.kind, JoinType::Semi | JoinType::Anti) {
        return inner;
    }
    let inner_rows = input_rows(root, special);
    let semi = if sides.reversed {
        semi(&right, &left, matches.is_some(), inner_rows)
    } else {
        semi(&left, &right, matches.is_some(), inner_rows)
    };
    // A semi join gives no more rows than the inner join would.
    semi.min(inner_rows * inner)
}

/// Rows of the relation on a semi join's right side (`find_join_input_rel`).
fn input_rows(root: &Root<'_>, special: &SpecialJoin) -> f64 {
    if let Some(rel) = special.min_right.singleton() {
        return variable::base_rel(root, rel).map_or(1.0, |r| r.rows);
    }
    let known = root.memo.joins.borrow().get(&special.min_right).map(|rel| rel.rows);
    known.unwrap_or_else(|| {
        special.min_right.iter().filter_map(|rel| variable::base_rel(root, rel)).map(|r| r.rows).product()
    })
}

/// One side of an equality.
struct Side<'v, 'e> {
    var: &'v Variable<'e>,
    distinct: f64,
    guessed: bool,
}

impl<'v, 'e> Side<'v, 'e> {
    fn new(root: &Root<'_>, var: &'v Variable<'e>) -> Self {
        let (distinct, guessed) = variable::distinct(root, var);
        Self { var, distinct, guessed }
    }

    fn stats(&self) -> Option<&'v Parsed> {
        self.var.stats.as_deref()
    }

    fn null_frac(&self) -> f64 {
        self.var.null_frac()
    }

    /// `min(1, others' share of the rest)`: what values that are not common add to the other side's chance of a match.
    fn shared(&self, frequency: f64, beyond: f64) -> f64 {
        if self.distinct > beyond { frequency / (self.distinct - beyond) } else { 0.0 }
    }
}

/// Common values that both sides have.
struct Matches {
    /// Pairs.
    pairs: f64,
    /// Sum over pairs of the product of frequencies.
    product: f64,
    /// Common values of either side: how many.
    counts: (f64, f64),
    /// Share of rows whose common value has a match.
    matched: (f64, f64),
    /// Share of rows whose common value has none.
    unmatched: (f64, f64),
}

impl Matches {
    /// Pairs up equal common values. `None` unless both sides have some. Of withheld values, whose equality cannot be
    /// told, the commonest of either side are not taken to be the same.
    fn find(left: Option<&Parsed>, right: Option<&Parsed>) -> Option<Self> {
        let (left, right) = (left?, right?);
        if left.mcv_freqs.is_empty() || right.mcv_freqs.is_empty() {
            return None;
        }
        let pairs = compare::equal_pairs(left, right, usize::MAX);
        let frequency = |stats: &Parsed, at: usize| stats.mcv_freqs.get(at).copied().unwrap_or(0.0);
        let product = pairs.iter().map(|(l, r)| frequency(left, *l) * frequency(right, *r)).sum();
        let matched_left: f64 = pairs.iter().map(|(l, _)| frequency(left, *l)).sum();
        let matched_right: f64 = pairs.iter().map(|(_, r)| frequency(right, *r)).sum();
        Some(Self {
            pairs: pairs.len() as f64,
            product: clamp(product),
            counts: (left.mcv_freqs.len() as f64, right.mcv_freqs.len() as f64),
            matched: (clamp(matched_left), clamp(matched_right)),
            unmatched: (clamp(left.common_sum() - matched_left), clamp(right.common_sum() - matched_right)),
        })
    }
}

/// `eqjoinsel_inner`.
fn inner(left: &Side<'_, '_>, right: &Side<'_, '_>, matches: Option<&Matches>) -> f64 {
    let Some(m) = matches else {
        let both = (1.0 - left.null_frac()) * (1.0 - right.null_frac());
        return both / left.distinct.max(right.distinct);
    };
    let other_left = clamp(1.0 - left.null_frac() - m.matched.0 - m.unmatched.0);
    let other_right = clamp(1.0 - right.null_frac() - m.matched.1 - m.unmatched.1);
    let by_left = m.product
        + m.unmatched.0 * right.shared(other_right, m.counts.1)
        + other_left * right.shared(other_right + m.unmatched.1, m.pairs);
    let by_right = m.product
        + m.unmatched.1 * left.shared(other_left, m.counts.0)
        + other_right * left.shared(other_left + m.unmatched.0, m.pairs);
    by_left.min(by_right)
}

/// `eqjoinsel_semi`: share of the left rows with a match on the right.
fn semi(left: &Side<'_, '_>, right: &Side<'_, '_>, both_common: bool, inner_rows: f64) -> f64 {
    let (mut distinct, mut guessed) = (right.distinct, right.guessed);
    for rows in right.var.rel.map(|r| r.rows).into_iter().chain([inner_rows]) {
        if distinct >= rows {
            (distinct, guessed) = (rows, false);
        }
    }
    let known = !left.guessed && !guessed;
    let share_of = |left: f64, right: f64| if left <= right || right < 0.0 { 1.0 } else { right / left };
    let null_frac = left.null_frac();
    let (Some(l), Some(r), true) = (left.stats(), right.stats(), both_common) else {
        let share = if known { share_of(left.distinct, distinct) } else { 0.5 };
        return share * (1.0 - null_frac);
    };
    // No more of the right side's common values than rows survive its restrictions.
    let kept = r.mcv.iter().enumerate().take_while(|(i, _)| ((i + 1) as f64) <= distinct).count();
    let pairs = compare::equal_pairs(l, r, kept);
    let matched = clamp(pairs.iter().filter_map(|(at, _)| l.mcv_freqs.get(*at)).sum());
    let found = pairs.len() as f64;
    let share = if known { share_of(left.distinct - found, distinct - found) } else { 0.5 };
    matched + share * clamp(1.0 - matched - null_frac)
}

/// `neqjoinsel`.
fn inequality(root: &Root<'_>, call: &Call<'_>, special: &SpecialJoin) -> f64 {
    if matches!(special.kind, JoinType::Semi | JoinType::Anti) {
        // Every row that is not NULL meets some other value.
        let Some(sides) = sides(root, call, special) else { return 1.0 - DEFAULT_EQ };
        let outer = if sides.reversed { &sides.right } else { &sides.left };
        return 1.0 - outer.null_frac();
    }
    match root.env.facts.operator(call.operator).map(|o| o.negator) {
        Some(negator) if negator != 0 => 1.0 - equality(root, &Call { operator: negator, ..*call }, special),
        _ => 1.0 - DEFAULT_EQ,
    }
}
