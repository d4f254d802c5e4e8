//! Rules about the server: settings with the arithmetic behind another value, and its state.

pub(super) mod cache_hit_ratio;
