//! The one list of rules over migration files, sorted by id.

use crate::rules::Rule;

use super::context::Context;
use super::draft::Draft;
use super::rules as r;

/// Judges one statement.
pub(super) type Run = fn(&Context<'_>, &mut Vec<Draft>);

/// Every rule that judges statements, with what looks for it.
pub(super) const ENTRIES: &[(&Rule, Run)] = &[
    (&r::add_column_rewrite::RULE, r::add_column_rewrite::run),
    (&r::add_not_null_without_default::RULE, r::add_not_null_without_default::run),
    (&r::alter_type_rewrite::RULE, r::alter_type_rewrite::run),
    (&r::broken_query::RULE, r::broken_query::run),
    (&r::column_type::RULE, r::column_type::run),
    (&r::concurrently_in_transaction::RULE, r::concurrently_in_transaction::run),
    (&r::constraint_without_not_valid::RULE, r::constraint_without_not_valid::run),
    (&r::drop_column::RULE, r::drop_column::run),
    (&r::drop_index_not_concurrent::RULE, r::drop_index_not_concurrent::run),
    (&r::drop_table::RULE, r::drop_table::run),
    (&r::index_not_concurrent::RULE, r::index_not_concurrent::run),
    (&r::long_exclusive_lock::RULE, r::long_exclusive_lock::run),
    (&r::missing_lock_timeout::RULE, r::missing_lock_timeout::run),
    (&r::redundant_index_added::RULE, r::redundant_index_added::run),
    (&r::rename::RULE, r::rename::run),
    (&r::set_not_null::RULE, r::set_not_null::run),
    (&r::unindexed_foreign_key_added::RULE, r::unindexed_foreign_key_added::run),
    (&r::unique_without_index::RULE, r::unique_without_index::run),
    (&r::update_without_where::RULE, r::update_without_where::run),
    (&r::validate_in_same_transaction::RULE, r::validate_in_same_transaction::run),
    (&r::work_after_exclusive_lock::RULE, r::work_after_exclusive_lock::run),
];

/// Rules that play.rs applies by itself: about a file's text, and about the change as a whole.
pub(super) const OF_FILES: &[&Rule] =
    &[&r::plan_regression::RULE, &r::syntax_error::RULE, &r::unused_ignore::RULE, &r::unused_new_index::RULE];

/// Every rule over migration files, sorted by id.
pub fn rules() -> Vec<&'static Rule> {
    let mut rules: Vec<&'static Rule> = ENTRIES.iter().map(|(rule, _)| *rule).chain(OF_FILES.iter().copied()).collect();
    rules.sort_by_key(|r| r.id);
    rules
}

/// Every rule there is: those over a snapshot, then those over migration files.
pub fn all_rules() -> Vec<&'static Rule> {
    crate::rules::rules().chain(rules()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_unique_and_explain_themselves() {
        let ids: Vec<_> = ENTRIES.iter().map(|(r, _)| r.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        for rule in rules() {
            rule.assert_complete();
        }
    }
}
