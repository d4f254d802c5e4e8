//! The one list of rules, sorted by area and id.

use super::{Rule, plan, query, server, table};

/// Every rule.
pub const RULES: &[&Rule] = &[
    &query::n_plus_one::RULE,
    &plan::disk_sort::RULE,
    &table::missing_primary_key::RULE,
    &server::cache_hit_ratio::RULE,
];

/// The rule with this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|r| r.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_and_ids_are_kebab_case_and_unique() {
        let keys: Vec<_> = RULES.iter().map(|r| (r.area, r.id)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        for rule in RULES {
            assert!(rule.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", rule.id);
        }
    }

    #[test]
    fn every_rule_explains_itself() {
        for rule in RULES {
            for (part, text) in [
                ("problem", rule.problem),
                ("detection", rule.detection),
                ("example", rule.example),
                ("remedy", rule.remedy),
            ] {
                assert!(text.trim().len() > 40, "{} has no {part}", rule.id);
            }
            for threshold in rule.thresholds {
                assert!(
                    !threshold.meaning.is_empty() && threshold.default.is_finite(),
                    "{} {}",
                    rule.id,
                    threshold.name
                );
            }
        }
    }
}
