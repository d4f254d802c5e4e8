//! BRIN: a few bytes for each range of pages, worth it where rows lie in the order of the column.

use crate::snapshot::{IndexMethod, IndexSpec, KeyTarget, Oid};
use crate::workload::Comparison;

use super::super::facts::Facts;
use super::access::{key_target, plain_key, servable};
use super::{Access, Family, Proposal};

/// Correlation below which `brincostestimate` multiplies the ranges read so much that nothing is left of the gain.
const LEAST_ORDER: f64 = 0.5;
/// Pages below which a table has too few ranges to leave any out.
const LEAST_PAGES: f64 = 1024.0;
/// `BRIN_DEFAULT_PAGES_PER_RANGE`.
const DEFAULT_RANGE: u32 = 128;
/// Bytes of a summary beside its two values: `BrinTuple`, its line pointer, and its entry in the map of ranges.
const SUMMARY_OVERHEAD: f64 = 8.0 + 4.0 + 6.0;

/// One BRIN index for each ordered column that the access bounds.
pub(super) fn proposals(facts: &Facts<'_>, access: &Access<'_>) -> Vec<Proposal> {
    let pages = facts.pages(access.table);
    if pages < LEAST_PAGES {
        return vec![];
    }
    let mut out: Vec<Proposal> = Vec::new();
    for predicate in &access.predicates {
        let bounds = matches!(predicate.comparison, Comparison::Less | Comparison::Greater | Comparison::Between);
        if !bounds || predicate.or_group.is_some() || !servable(predicate) {
            continue;
        }
        let Some(target @ KeyTarget::Column(attnum)) = key_target(&predicate.operand.target) else { continue };
        let order = facts.stats(access.table, attnum).and_then(|s| s.correlation).map_or(0.0, f64::abs);
        if order < LEAST_ORDER || !summarised(facts, access.table, &target) {
            continue;
        }
        let range = pages_per_range(facts, pages, facts.width(access.table, &target));
        let spec = IndexSpec {
            table: access.table,
            method: IndexMethod::Brin,
            keys: vec![plain_key(target)],
            include: vec![],
            predicate: None,
            unique: false,
            pages_per_range: (range != DEFAULT_RANGE).then_some(range),
        };
        if !out.iter().any(|p| p.spec == spec) {
            out.push(Proposal { spec, family: Family::Brin, equality_keys: 0, fraction: 1.0, parents: vec![] });
        }
    }
    out
}

fn summarised(facts: &Facts<'_>, table: Oid, target: &KeyTarget) -> bool {
    let KeyTarget::Column(attnum) = target else { return false };
    let column = facts.table(table).and_then(|t| t.column(*attnum));
    column.is_some_and(|c| c.ty.default_opclasses.iter().any(|m| m == "brin"))
}

/// The width of a range at which a scan costs least.
///
/// A scan reads the whole index, `pages / range` summaries at `random_page_cost` a page, and at the ends of what it
/// finds about one range of table pages too many at `seq_page_cost`. The sum is least where both are equal:
/// `range² = pages × summary / block × random / sequential`. Rounded to a power of two.
fn pages_per_range(facts: &Facts<'_>, pages: f64, width: f64) -> u32 {
    let summary = (SUMMARY_OVERHEAD + 2.0 * width) / facts.block_bytes();
    let price = facts.cost_setting("random_page_cost", 4.0) / facts.cost_setting("seq_page_cost", 1.0).max(1e-6);
    let best = (pages * summary * price).max(1.0).sqrt();
    let mut range = 1;
    while f64::from(range) * std::f64::consts::SQRT_2 < best && range < 4096 {
        range *= 2;
    }
    range
}
