//! GIN (`gincostestimate`): entries are looked up one by one, and each has its list of rows.

use super::{IndexUse, MethodCost, PAGE_CPU, index_pages_fetched};
use crate::planner::env::GinCounts;
use crate::planner::expr::{Const, Expr};
use crate::planner::scan::gin_query::{self, Entries, Mode};
use crate::planner::stats;
use crate::planner::value::Datum;

/// `BLCKSZ / 3`: rows a page of a posting tree can hold at most.
const ROWS_PER_PAGE: f64 = 8192.0 / 3.0;

/// What the conditions look up (`GinQualCounts`).
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    partial: f64,
    exact: f64,
    search: f64,
    array_scans: f64,
}

/// The index's pages by kind, as they are now.
struct Pages {
    pending: f64,
    entry: f64,
    data: f64,
    entries: f64,
}

pub(super) fn cost(usage: &IndexUse<'_, '_>) -> MethodCost {
    let settings = &usage.root.env.settings;
    let index = usage.index;
    let pages = current_pages(index.gin.as_ref(), index.pages);
    let selectivity = usage.selectivity(usage.quals());
    let Some(counts) = counts(usage, pages.entries) else { return MethodCost::default() };
    let loops = usage.loop_count;
    let unit = settings.cpu_operator_cost;
    let newer = settings.major >= 16;
    let repeats = loops * counts.array_scans;
    let cached = |fetched: f64, of: f64| {
        if loops > 1.0 || counts.array_scans > 1.0 {
            index_pages_fetched(usage.root, fetched * repeats, of.trunc(), of) / loops
        } else {
            fetched
        }
    };
    let partial = (counts.partial / pages.entries).min(1.0);
    let entry_fetched = pages.pending
        + (counts.search * pages.entry.powf(0.15).round_ties_even()).ceil()
        + (pages.entry * partial).ceil();
    let data_fetched = (pages.data * partial).ceil();
    let mut startup = 0.0;
    let mut total = 0.0;
    if newer {
        if pages.entries > 1.0 {
            startup += pages.entries.log2().ceil() * unit * counts.search;
        }
        startup += (entry_fetched + data_fetched) * PAGE_CPU * unit;
    }
    startup += (cached(entry_fetched, pages.entry) + cached(data_fetched, pages.data)) * settings.random_page_cost;
    let by_entries = (pages.data * counts.exact / pages.entries).ceil();
    let by_rows = (selectivity * (index.tuples / ROWS_PER_PAGE)).ceil();
    let exact_fetched = by_entries.max(by_rows);
    if newer {
        startup += PAGE_CPU * unit * counts.search;
        total += exact_fetched * counts.array_scans * PAGE_CPU * unit;
    }
    let exact_fetched = cached(exact_fetched, pages.data);
    total += startup + exact_fetched * settings.random_page_cost;
    let operands = usage.operands_cost();
    let operators = unit * usage.quals().count() as f64;
    startup += operands;
    total += operands;
    let found = index.tuples * selectivity;
    total += if newer {
        counts.search * counts.array_scans * operators + found * settings.cpu_index_tuple_cost
    } else {
        found * (settings.cpu_index_tuple_cost + operators)
    };
    MethodCost { startup, total, selectivity, correlation: 0.0, pages: exact_fetched }
}

/// The meta page's counts scaled to today's size, or a guess where they do not help.
fn current_pages(counted: Option<&GinCounts>, pages: f64) -> Pages {
    let pending = counted.map_or(0.0, |c| c.pending_pages);
    let pending = if pending < pages { pending } else { 0.0 };
    let usable = counted.filter(|c| {
        pages > 0.0
            && c.total_pages <= pages
            && c.total_pages > (pages / 4.0).floor()
            && c.entry_pages > 0.0
            && c.entries > 0.0
    });
    let (entry, data, entries);
    if let Some(c) = usable {
        let scale = pages / c.total_pages;
        entry = (c.entry_pages * scale).ceil().min(pages - pending);
        data = (c.data_pages * scale).ceil().min(pages - pending - entry);
        entries = (c.entries * scale).ceil();
    } else {
        let pages = pages.max(10.0);
        entry = ((pages - pending) * 0.90).floor();
        data = pages - pending - entry;
        entries = (entry * 100.0).floor();
    }
    Pages { pending, entry, data, entries: entries.max(1.0) }
}

/// Counts entries over all conditions; `None` where one can match nothing.
fn counts(usage: &IndexUse<'_, '_>, entries: f64) -> Option<Counts> {
    let mut counts = Counts { array_scans: 1.0, ..Counts::default() };
    let columns = usage.index.keys.len();
    let mut full = vec![false; columns];
    let mut normal = vec![false; columns];
    for clause in usage.clauses {
        let column = clause.column;
        for qual in &clause.quals {
            match &qual.clause {
                Expr::Op(op) => match op.args.get(1).map(Expr::strip_relabel) {
                    Some(Expr::Const(Const { value: None, .. })) => return None,
                    Some(Expr::Const(Const { value: Some(value), .. })) => {
                        let found = look_up(usage, column, op.op, value)?;
                        counts.add(&found);
                        full[column] |= found.mode == Mode::All;
                        normal[column] |= found.mode != Mode::All;
                    }
                    _ => counts.add_unknown(),
                },
                Expr::ScalarArrayOp(saop) => match saop.right.strip_relabel() {
                    Expr::Const(Const { value: None, .. }) => return None,
                    Expr::Const(Const { value: Some(value), .. }) => {
                        let one = array_counts(usage, column, saop.op, value, entries)?;
                        counts.partial += one.partial;
                        counts.exact += one.exact;
                        counts.search += one.search;
                        counts.array_scans *= one.array_scans;
                    }
                    right => {
                        counts.add_unknown();
                        counts.array_scans *= stats::array_length(usage.root, right);
                    }
                },
                _ => counts.add_unknown(),
            }
        }
    }
    let full_scan = full.iter().zip(&normal).any(|(full, normal)| *full && !normal);
    if full_scan || usage.clauses.is_empty() {
        counts = Counts { partial: 0.0, exact: entries, search: entries, ..counts };
    }
    Some(counts)
}

/// An ANY over a constant array: each element is a search of its own (`gincost_scalararrayopexpr`).
fn array_counts(usage: &IndexUse<'_, '_>, column: usize, op: u32, array: &Datum, entries: f64) -> Option<Counts> {
    let Datum::Array(elements) = array else { return None };
    let mut sum = Counts::default();
    for element in elements.iter().flatten() {
        let Some(found) = look_up(usage, column, op, element) else { continue };
        sum.array_scans += 1.0;
        if found.mode == Mode::All {
            sum.exact += entries;
            sum.search += entries;
        } else {
            sum.add(&found);
        }
    }
    if sum.array_scans == 0.0 {
        return None;
    }
    let n = sum.array_scans;
    Some(Counts { partial: sum.partial / n, exact: sum.exact / n, search: sum.search / n, array_scans: n })
}

/// `gincost_pattern`.
fn look_up(usage: &IndexUse<'_, '_>, column: usize, op: u32, value: &Datum) -> Option<Entries> {
    let key = usage.index.keys.get(column)?;
    let found = gin_query::extract(&usage.root.env.facts, key, op, value);
    (found.exact + found.partial > 0.0 || found.mode != Mode::Default).then_some(found)
}

impl Counts {
    fn add(&mut self, found: &Entries) {
        self.partial += 100.0 * found.partial;
        self.exact += found.exact;
        self.search += found.exact + found.partial;
        if found.mode == Mode::IncludeEmpty {
            self.exact += 1.0;
            self.search += 1.0;
        }
    }

    /// A value that is not known: one entry.
    fn add_unknown(&mut self) {
        self.exact += 1.0;
        self.search += 1.0;
    }
}
