//! How large relations are (`plancat.c`).

use super::width;
use crate::planner::env::Env;
use crate::snapshot::{Table, TableKind};

/// Bytes of a heap page's header (`SizeOfPageHeaderData`).
const PAGE_HEADER: f64 = 24.0;
/// Bytes of a row's header, aligned, and of its line pointer.
const TUPLE_OVERHEAD: i32 = width::TUPLE_HEADER + 4;
/// Blocks that a table never vacuumed is assumed to have at least.
const NEVER_VACUUMED_PAGES: f64 = 10.0;

/// `MAXIMUM_ROWCOUNT`.
const MOST_ROWS: f64 = 1e100;

/// Blocks, rows and share of all-visible blocks of a table (`estimate_rel_size`,
/// `table_block_relation_estimate_size`). Where the blocks on disk could not be read, those that VACUUM and ANALYZE
/// counted stand for them. A partitioned table has no storage.
pub fn relation_size(env: &Env<'_>, table: &Table) -> (f64, f64, f64) {
    match table.kind {
        TableKind::Ordinary | TableKind::MaterializedView => heap_size(env, table),
        // What `get_relation_info` leaves in place, and postgresGetForeignRelSize and its like then correct.
        TableKind::Foreign => foreign_size(table),
        TableKind::Partitioned => (0.0, 0.0, 0.0),
    }
}

fn heap_size(env: &Env<'_>, table: &Table) -> (f64, f64, f64) {
    let relpages = f64::from(table.relpages);
    let never_vacuumed = if env.settings.major >= 14 { table.reltuples < 0.0 } else { relpages == 0.0 };
    let mut pages = f64::from(table.actual_pages.unwrap_or(table.relpages));
    let has_subclass = env.snapshot.catalog.tables.iter().any(|t| t.inherits.contains(&table.oid));
    if pages < NEVER_VACUUMED_PAGES && never_vacuumed && !has_subclass {
        pages = NEVER_VACUUMED_PAGES;
    }
    if pages == 0.0 {
        return (0.0, 0.0, 0.0);
    }
    let density = if table.reltuples >= 0.0 && relpages > 0.0 {
        table.reltuples / relpages
    } else {
        density_from_widths(env, table)
    };
    let tuples = (density * pages).round_ties_even().min(MOST_ROWS);
    let visible = f64::from(table.relallvisible);
    let all_visible = if visible <= 0.0 {
        0.0
    } else if visible >= pages {
        1.0
    } else {
        visible / pages
    };
    (pages, tuples, all_visible)
}

/// Rows that fit a page, in whole rows; from 17 on the fill factor is heeded.
fn density_from_widths(env: &Env<'_>, table: &Table) -> f64 {
    let tuple = f64::from(width::table_width(env, table).saturating_add(TUPLE_OVERHEAD));
    let usable = block_size(env) - PAGE_HEADER;
    let fill_factor = table
        .options
        .iter()
        .find_map(|o| o.strip_prefix("fillfactor=")?.parse::<f64>().ok())
        .filter(|_| env.settings.major >= 17);
    let usable = fill_factor.map_or(usable, |percent| (usable * percent / 100.0).floor());
    (usable / tuple).floor()
}

fn foreign_size(table: &Table) -> (f64, f64, f64) {
    let pages = f64::from(table.relpages);
    if pages > 0.0 && table.reltuples >= 0.0 {
        return (pages, table.reltuples.min(MOST_ROWS), 0.0);
    }
    // set_foreign_size_estimates.
    (pages, 1000.0, 0.0)
}

fn block_size(env: &Env<'_>) -> f64 {
    env.snapshot.server.setting_f64("block_size").filter(|size| *size >= 1024.0).unwrap_or(8192.0)
}
