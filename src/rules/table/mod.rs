//! Rules about tables, columns and indexes: their sizes, statistics and activity.

pub(super) mod missing_primary_key;
