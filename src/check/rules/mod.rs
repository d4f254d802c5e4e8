//! One file per rule over migration files. Each holds its page as a constant, `RULE`, and `run`, which judges one
//! statement against the schema that those before it left.

pub(super) mod add_column_rewrite;
pub(super) mod add_not_null_without_default;
pub(super) mod alter_type_rewrite;
pub(super) mod broken_query;
pub(super) mod column_type;
pub(super) mod concurrently_in_transaction;
pub(super) mod constraint_without_not_valid;
pub(super) mod drop_column;
pub(super) mod drop_index_not_concurrent;
pub(super) mod drop_table;
pub(super) mod index_not_concurrent;
pub(super) mod long_exclusive_lock;
pub(super) mod missing_lock_timeout;
pub(super) mod plan_regression;
pub(super) mod redundant_index_added;
pub(super) mod rename;
pub(super) mod set_not_null;
pub(super) mod syntax_error;
pub(super) mod unindexed_foreign_key_added;
pub(super) mod unique_without_index;
pub(super) mod unused_ignore;
pub(super) mod unused_new_index;
pub(super) mod update_without_where;
pub(super) mod validate_in_same_transaction;
pub(super) mod work_after_exclusive_lock;
