//! BRIN (`brincostestimate`).

use super::{IndexUse, MethodCost};
use crate::planner::query::JoinType;
use crate::planner::rel::Restrict;
use crate::planner::stats;
use std::sync::Arc;

/// Entries on a page of the range map (`REVMAP_PAGE_MAXITEMS`).
const REVMAP_ENTRIES: f64 = 1360.0;

pub(super) fn cost(usage: &IndexUse<'_, '_>) -> MethodCost {
    let settings = &usage.root.env.settings;
    let index = usage.index;
    let ranges = (usage.base.pages / index.pages_per_range.max(1.0)).ceil().max(1.0);
    // The index's own count leaves out the first page of the map.
    let revmap = (ranges / REVMAP_ENTRIES).ceil() - 1.0;
    let correlation = usage
        .clauses
        .iter()
        .filter_map(|c| usage.key_stats(c.column)?.correlation)
        .fold(0.0_f64, |best, c| best.max(c.abs()));
    let quals: Vec<Arc<Restrict>> = usage.quals().cloned().collect();
    let selectivity = stats::clauselist_selectivity(usage.root, &quals, Some(usage.base.rel), JoinType::Inner, None);
    let least = (ranges * selectivity).ceil();
    let read = if correlation < 1.0e-10 { ranges } else { (least / correlation).min(ranges) };
    let operands = usage.operands_cost();
    let startup = settings.seq_page_cost * revmap + operands;
    let total = startup
        + settings.random_page_cost * (index.pages - revmap)
        + 0.1 * settings.cpu_operator_cost * read * index.pages_per_range;
    MethodCost { startup, total, selectivity: (read / ranges).clamp(0.0, 1.0), correlation, pages: index.pages }
}
