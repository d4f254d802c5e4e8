//! Inclusion of network addresses (`networksel` of `network_selfuncs.c`).

use std::cmp::Ordering;

use super::compare::Test;
use super::restriction::{Call, Probe, clamp};
use crate::planner::root::Root;
use crate::planner::value::{Datum, Net};

/// Which inclusion, as the server numbers them: -2 `>>`, -1 `>>=`, 0 `&&`, 1 `<<=`, 2 `<<`.
fn code(name: &str) -> Option<i8> {
    Some(match name {
        ">>" => -2,
        ">>=" => -1,
        "&&" => 0,
        "<<=" => 1,
        "<<" => 2,
        _ => return None,
    })
}

/// `networksel`.
pub(super) fn selectivity(root: &Root<'_>, call: &Call<'_>) -> f64 {
    let name = root.env.facts.operator(call.operator).map_or("", |o| o.name.as_str());
    let default = if name == "&&" { 0.01 } else { 0.005 };
    let Some(found) = call.split(root) else { return default };
    let Some(constant) = found.constant() else { return default };
    let Some(value) = constant.value.as_deref() else { return 0.0 };
    let (Datum::Inet(query), Some(stats), Some(code)) = (value, &found.var.stats, code(name)) else { return default };
    let code = if found.on_left { code } else { -code };
    let bounds: Vec<&Net> = stats
        .histogram
        .iter()
        .filter_map(|bound| match bound {
            Datum::Inet(net) => Some(net),
            _ => None,
        })
        .collect();
    let others = if bounds.len() < 2 { default } else { histogram(&bounds, query, code) };
    let test = Test::Named(call.operator);
    let probe = Probe { test, collation: 0, constant: value, on_left: found.on_left };
    let (passed, common) = probe.common_values(root, &found.var, default);
    clamp(passed + (1.0 - found.var.null_frac() - common) * others)
}

/// Whether an inclusion holds between two addresses.
pub(super) fn holds(name: &str, left: &Net, right: &Net) -> Option<bool> {
    let code = code(name)?;
    Some(order(left, right, code) == Ordering::Equal)
}

/// Equal where the lengths fit the inclusion (`inet_masklen_inclusion_cmp`).
fn order_of_lengths(left: &Net, right: &Net, code: i8) -> Ordering {
    let fits = match left.bits.cmp(&right.bits) {
        Ordering::Greater => code >= 0,
        Ordering::Equal => (-1..=1).contains(&code),
        Ordering::Less => code <= 0,
    };
    if fits { Ordering::Equal } else { code.cmp(&0) }
}

/// Equal where the inclusion holds (`inet_inclusion_cmp`).
fn order(left: &Net, right: &Net, code: i8) -> Ordering {
    left.v6
        .cmp(&right.v6)
        .then_with(|| left.order_of_prefix(right, left.bits.min(right.bits)))
        .then_with(|| order_of_lengths(left, right, code))
}

/// Share of a histogram's buckets that match (`inet_hist_value_sel`): whole ones, and of those that the query lies in a
/// part that halves with each bit in which the bound differs.
fn histogram(bounds: &[&Net], query: &Net, code: i8) -> f64 {
    let mut matched = 0.0;
    for pair in bounds.windows(2) {
        let [left, right] = pair else { continue };
        let orders = (order(left, query, code), order(right, query, code));
        matched += match orders {
            (Ordering::Equal, Ordering::Equal) => 1.0,
            (Ordering::Less | Ordering::Equal, Ordering::Greater | Ordering::Equal)
            | (Ordering::Greater | Ordering::Equal, Ordering::Less | Ordering::Equal) => {
                let bits =
                    differing_bits(left, query, code).into_iter().chain(differing_bits(right, query, code)).max();
                bits.map_or(0.0, |bits| 0.5_f64.powi(i32::from(bits)))
            }
            _ => 0.0,
        };
    }
    matched / (bounds.len() - 1) as f64
}

/// Decisive bits that a bound does not share (`inet_hist_match_divider`).
fn differing_bits(bound: &Net, query: &Net, code: i8) -> Option<u8> {
    if bound.v6 != query.v6 || order_of_lengths(bound, query, code) != Ordering::Equal {
        return None;
    }
    let shortest = bound.bits.min(query.bits);
    let decisive = match code.cmp(&0) {
        Ordering::Less => bound.bits,
        Ordering::Equal => shortest,
        Ordering::Greater => query.bits,
    };
    Some(decisive.saturating_sub(bound.common_bits(query, shortest)))
}
