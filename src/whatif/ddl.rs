//! An index spec as SQL.
