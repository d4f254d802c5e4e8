//! Rules about statements: their texts, bound queries and counters.

pub(super) mod n_plus_one;
