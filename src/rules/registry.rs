//! The one list of rules over a snapshot, sorted by area and id.

use super::draft::Findings;
use super::rule::{Knobs, Rule};
use super::subject::Subject;
use super::{plan, query, server, table};

/// Looks for what its rule describes.
pub(super) type Run = fn(&Subject<'_>, &Knobs, &mut Findings<'_>);

/// Every rule over a snapshot, with what looks for it.
pub(super) const ENTRIES: &[(&Rule, Run)] = &[
    (&query::n_plus_one::RULE, query::n_plus_one::run),
    (&plan::disk_sort::RULE, plan::disk_sort::run),
    (&table::missing_primary_key::RULE, table::missing_primary_key::run),
    (&server::cache_hit_ratio::RULE, server::cache_hit_ratio::run),
];

/// Every rule over a snapshot. Those over migration files are in `check`.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    ENTRIES.iter().map(|(rule, _)| *rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_by_area_and_id() {
        let keys: Vec<_> = rules().map(|r| (r.area, r.id)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    }

    #[test]
    fn every_rule_explains_itself() {
        for rule in rules() {
            rule.assert_complete();
        }
    }
}
