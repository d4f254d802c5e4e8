//! One new entry in an index.
//!
//! - The descent, priced as `btcostestimate` prices it for a scan: `ceil(log2 N)` comparisons, and 50 operator costs for
//!   each level touched.
//! - `cpu_index_tuple_cost` for each key, to form the tuple and place it.
//! - The page: a `random_page_cost` where keys arrive in random order, for each entry dirties a page of its own; next to
//!   nothing where keys arrive in order (a rising id or timestamp), for then a page is filled once by hundreds of
//!   entries. The correlation of the leading column says which it is.
//! - The WAL: the entry's own bytes, and the whole page the first time after a checkpoint (`full_page_writes`), in units
//!   of a page written in sequence.

use crate::snapshot::{IndexMethod, IndexSpec, KeyTarget, Persistence};
use crate::whatif::size;

use super::super::facts::Facts;

/// `DEFAULT_PAGE_CPU_MULTIPLIER`: operator costs for each page of a descent.
const PAGE_CPU: f64 = 50.0;
/// Entries made by a value of an inverted index, where element statistics are missing.
const GIN_ELEMENTS: f64 = 10.0;
/// The pending list lets GIN sort many entries before it places them: a share of the pages a B-tree would touch.
const GIN_BATCHING: f64 = 0.25;
/// Bytes of a WAL record about one entry beside the entry: header, block reference, and the operation's own data
/// (`SizeOfXLogRecord`, `RelFileLocator` and block number, `xl_btree_insert`).
const WAL_RECORD: f64 = 24.0 + 20.0 + 2.0;
/// Bytes of an entry beside its keys: `IndexTupleData` and the line pointer.
const ENTRY_OVERHEAD: f64 = 12.0;
/// `checkpoint_timeout` in seconds, where it is not known.
const CHECKPOINT_SECONDS: f64 = 300.0;
/// Pages of a BRIN index that an entry may change: its range's summary, found over the range map.
const BRIN_PAGES: f64 = 0.1;

/// How many entries are made between two checkpoints; `None` where the period is unknown.
pub(super) fn touches_per_checkpoint(facts: &Facts<'_>, entries: f64) -> Option<f64> {
    let hours = facts.statement_hours()?;
    let seconds = facts.snapshot.server.setting_f64("checkpoint_timeout").unwrap_or(CHECKPOINT_SECONDS);
    Some((entries / hours * seconds / 3600.0).max(1.0))
}

/// The cost of one new entry. `touches` are the entries made between two checkpoints.
pub(super) fn cost(facts: &Facts<'_>, spec: &IndexSpec, fraction: f64, touches: Option<f64>) -> f64 {
    let rows = (facts.rows(spec.table).unwrap_or(0.0) * fraction).max(2.0);
    let operator = facts.cost_setting("cpu_operator_cost", 0.0025);
    let tuple = facts.cost_setting("cpu_index_tuple_cost", 0.005);
    let random = facts.cost_setting("random_page_cost", 4.0);
    let sequential = facts.cost_setting("seq_page_cost", 1.0);
    let width = entry_bytes(facts, spec);
    let per_page = (facts.block_bytes() * 0.9 / width).max(2.0);
    let levels = (rows.ln() / per_page.ln()).floor().max(0.0) + 1.0;
    let descent = operator * (rows.log2().ceil() + levels * PAGE_CPU);
    let place = tuple * spec.keys.len() as f64;
    let record = wal(facts, spec, width);
    let image = wal(facts, spec, facts.block_bytes()) * first_touches(facts, spec, fraction, touches);
    match spec.method {
        IndexMethod::Gin => {
            let elements = elements(facts, spec);
            // The pending list gets the elements in one piece; their places are found when it is emptied.
            let pages = (elements * GIN_BATCHING).max(1.0);
            elements * (descent + tuple + record) + pages * (random + image)
        }
        // A range's summary changes only where a value falls outside of it.
        IndexMethod::Brin => operator * PAGE_CPU + tuple * spec.keys.len() as f64 + BRIN_PAGES * (record + image),
        // One bucket page, found by the hash.
        IndexMethod::Hash => operator * PAGE_CPU + place + random + record + image,
        // `gistchoose` weighs every entry of each page on the way down.
        IndexMethod::Gist | IndexMethod::Spgist | IndexMethod::Other => {
            descent + operator * levels * per_page.min(200.0) + place + random + record + image
        }
        IndexMethod::Btree => {
            let in_order = correlation(facts, spec);
            let new_page = (1.0 - in_order) + in_order / per_page;
            descent + place + random * (1.0 - in_order) + sequential * in_order / per_page + record + image * new_page
        }
    }
}

/// The cost of so many bytes of WAL; nothing where the table is not logged.
fn wal(facts: &Facts<'_>, spec: &IndexSpec, bytes: f64) -> f64 {
    let logged = facts.table(spec.table).is_none_or(|t| t.persistence == Persistence::Permanent);
    if logged { facts.cost_setting("seq_page_cost", 1.0) * (bytes + WAL_RECORD) / facts.block_bytes() } else { 0.0 }
}

/// The share of entries that are the first on their page since a checkpoint: of `n` throws on `pages` pages,
/// `pages × (1 - (1 - 1/pages)^n)` hit a new one. All of them, where it is not known how many there are.
fn first_touches(facts: &Facts<'_>, spec: &IndexSpec, fraction: f64, touches: Option<f64>) -> f64 {
    if facts.snapshot.server.setting("full_page_writes") == Some("off") {
        return 0.0;
    }
    let Some(touches) = touches else { return 1.0 };
    let bytes = facts.table(spec.table).and_then(|t| size::index_bytes(facts.snapshot, spec, t, fraction));
    let pages = bytes.map_or(1.0, |b| (b as f64 / facts.block_bytes()).max(1.0));
    (pages * (1.0 - (1.0 - 1.0 / pages).powf(touches)) / touches).clamp(0.0, 1.0)
}

fn entry_bytes(facts: &Facts<'_>, spec: &IndexSpec) -> f64 {
    if spec.method == IndexMethod::Hash {
        // The hash alone is kept.
        return ENTRY_OVERHEAD + 4.0;
    }
    ENTRY_OVERHEAD
        + spec.keys.iter().map(|k| facts.width(spec.table, &k.target)).sum::<f64>()
        + spec.include.iter().map(|c| facts.width(spec.table, &KeyTarget::Column(*c))).sum::<f64>()
}

/// How far keys arrive in order.
fn correlation(facts: &Facts<'_>, spec: &IndexSpec) -> f64 {
    let leading = spec.keys.first().and_then(|k| facts.key_stats(spec.table, &k.target));
    leading.and_then(|s| s.correlation).map_or(0.0, f64::abs)
}

/// Elements of an average value.
fn elements(facts: &Facts<'_>, spec: &IndexSpec) -> f64 {
    let stats = spec.keys.first().and_then(|k| facts.key_stats(spec.table, &k.target));
    let average = stats.and_then(|s| s.elements.as_ref()).and_then(|e| e.count_histogram.last().copied());
    average.unwrap_or(GIN_ELEMENTS).max(1.0)
}
