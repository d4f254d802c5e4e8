//! Costs of hash joins (`initial_cost_hashjoin`, `final_cost_hashjoin`, `ExecChooseHashTableSize`).

use super::costs::Costs;
use super::nestloop::FirstMatch;
use super::scan::parallel_divisor;
use super::sort::{max_align, page_size, relation_byte_size};
use crate::planner::path::{DISABLE_COST, Path, clamp_rows};
use crate::planner::rel::{PathTarget, QualCost};
use crate::planner::settings::Settings;

/// Bytes of a pointer, which is what a bucket is.
const POINTER: f64 = 8.0;
/// `HJTUPLE_OVERHEAD` and an aligned `SizeofMinimalTupleHeader`.
const TUPLE_OVERHEAD: f64 = 32.0;
/// What a common value costs beside its tuple: eight bucket pointers, a number, the bucket's head.
const SKEW_OVERHEAD: f64 = 8.0 * POINTER + 4.0 + 16.0;
/// Share of the memory for common values (`SKEW_HASH_MEM_PERCENT`).
const SKEW_PERCENT: f64 = 2.0;
/// `MaxAllocSize`.
const MAX_ALLOC: f64 = 1_073_741_823.0;

/// The shape of a hash table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashTable {
    /// Buckets, a power of 2.
    pub buckets: u32,
    /// Batches, a power of 2.
    pub batches: u32,
}

impl HashTable {
    /// Buckets of all batches together.
    pub fn virtual_buckets(self) -> f64 {
        f64::from(self.buckets) * f64::from(self.batches)
    }
}

fn next_power_of_two(n: f64) -> f64 {
    let mut power = 1.0;
    while power < n {
        power *= 2.0;
    }
    power
}

fn previous_power_of_two(n: f64) -> f64 {
    let power = next_power_of_two(n);
    if power > n { power / 2.0 } else { power }
}

/// The shape of a hash table of so many rows (`ExecChooseHashTableSize`); `shared` counts the processes that may put
/// their memory together for a table that all use.
pub fn table_size(settings: &Settings, rows: f64, width: i32, shared: Option<u32>) -> HashTable {
    let rows = if rows <= 0.0 { 1000.0 } else { rows };
    let tuple = TUPLE_OVERHEAD + f64::from(max_align(width));
    let bytes = rows * tuple;
    let mut memory = settings.hash_mem_bytes().floor();
    if let Some(workers) = shared {
        memory *= f64::from(workers) + 1.0;
    }
    let per_value = tuple + SKEW_OVERHEAD;
    let values = ((memory / per_value).floor() * SKEW_PERCENT / 100.0).floor();
    memory -= values * per_value;

    let most = previous_power_of_two((memory / POINTER).floor().min((MAX_ALLOC / POINTER).floor())).max(1.0);
    let mut buckets = next_power_of_two(rows.ceil().min(most).max(1024.0));
    let mut batches = 1.0;
    if bytes + POINTER * buckets > memory {
        if shared.is_some() {
            return table_size(settings, rows, width, None);
        }
        let per_bucket = tuple + POINTER;
        let full = if memory <= per_bucket { 1.0 } else { next_power_of_two((memory / per_bucket).floor()) };
        buckets = full.min(most);
        let room = (memory - buckets * POINTER).max(1.0);
        batches = next_power_of_two((bytes / room).ceil().min(most).max(2.0));
    }
    HashTable { buckets: to_u32(buckets), batches: to_u32(batches) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a power of 2 within the clamp")]
fn to_u32(n: f64) -> u32 {
    n.clamp(1.0, 2_147_483_648.0) as u32
}

/// A lower bound of a hash join's costs, with what the final ones need.
#[derive(Debug, Clone, Copy)]
pub struct Initial {
    /// The bound.
    pub costs: Costs,
    /// The hash table.
    pub table: HashTable,
    run: f64,
}

/// The lower bound: reading the inputs and hashing `keys` columns of each row, and the temporary files if there is more
/// than one batch. `shared`: the processes build one table together (Parallel Hash).
pub fn initial(settings: &Settings, outer: &Path, inner: &Path, keys: usize, shared: bool) -> Initial {
    let hashing = settings.cpu_operator_cost * keys as f64;
    let mut startup = outer.startup_cost + inner.total_cost + (hashing + settings.cpu_tuple_cost) * inner.rows;
    let mut run = outer.total_cost - outer.startup_cost + hashing * outer.rows;
    let all_inner = if shared { inner.rows * parallel_divisor(settings, inner.workers) } else { inner.rows };
    let table = table_size(settings, all_inner, inner.target.width, shared.then_some(outer.workers));
    if table.batches > 1 {
        let outer_pages = page_size(outer.rows, outer.target.width);
        let inner_pages = page_size(inner.rows, inner.target.width);
        startup += settings.seq_page_cost * inner_pages;
        run += settings.seq_page_cost * (inner_pages + 2.0 * outer_pages);
    }
    let off = settings.major >= 18 && !settings.enable.hashjoin;
    let disabled_nodes = outer.disabled_nodes + inner.disabled_nodes + u32::from(off);
    Initial { costs: Costs { disabled_nodes, startup, total: startup + run }, table, run }
}

/// What the final costs need beside the bound.
#[derive(Debug, Clone, Copy)]
pub struct Joined<'j> {
    /// Rows of the outer input.
    pub outer_rows: f64,
    /// Rows of the inner input.
    pub inner_rows: f64,
    /// Bytes of an inner row.
    pub inner_width: i32,
    /// Share of the inner rows in the bucket that an outer row meets.
    pub bucket_share: f64,
    /// Frequency of the commonest inner value.
    pub commonest: f64,
    /// Set if the search ends at the first match, with whether the join wants the rows without one.
    pub first_match: Option<(FirstMatch, bool)>,
    /// Pairs that satisfy the hash conditions (`approx_tuple_count`), unless `first_match` is set.
    pub pairs: f64,
    /// Rows given out.
    pub rows: f64,
    /// The hash conditions.
    pub hash_quals: QualCost,
    /// All conditions.
    pub quals: QualCost,
    /// What is emitted.
    pub target: &'j PathTarget,
}

/// The costs.
pub fn finish(settings: &Settings, initial: &Initial, joined: &Joined<'_>) -> Costs {
    let mut startup = initial.costs.startup;
    let mut run = initial.run;
    if settings.major < 18 && !settings.enable.hashjoin {
        startup += DISABLE_COST;
    }
    let &Joined { outer_rows, inner_rows, .. } = joined;
    // One value's rows cannot be split into batches.
    let biggest = clamp_rows(inner_rows * joined.commonest);
    if relation_byte_size(biggest, joined.inner_width) > settings.hash_mem_bytes() {
        startup += DISABLE_COST;
    }
    let hash = joined.hash_quals;
    startup += hash.startup;
    let pairs = if let Some((first, wants_unmatched)) = joined.first_match {
        let matched = first.matched_rows(outer_rows);
        let met = clamp_rows(inner_rows * joined.bucket_share * first.scanned());
        run += hash.per_tuple * matched * met * 0.5;
        let average = clamp_rows(inner_rows / initial.table.virtual_buckets());
        run += hash.per_tuple * (outer_rows - matched) * average * 0.05;
        if wants_unmatched { outer_rows - matched } else { matched }
    } else {
        run += hash.per_tuple * outer_rows * clamp_rows(inner_rows * joined.bucket_share) * 0.5;
        joined.pairs
    };
    startup += joined.quals.startup - hash.startup;
    run += (settings.cpu_tuple_cost + joined.quals.per_tuple - hash.per_tuple) * pairs;
    startup += joined.target.cost.startup;
    run += joined.target.cost.per_tuple * joined.rows;
    Costs { disabled_nodes: initial.costs.disabled_nodes, startup, total: startup + run }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_fits_has_one_batch() {
        let settings = Settings::with(15, |_| None);
        assert_eq!(table_size(&settings, 100.0, 8, None), HashTable { buckets: 1024, batches: 1 });
        // explain analyze of a join with 100,000 inner rows of 8 bytes: Buckets: 131072  Batches: 1
        assert_eq!(table_size(&settings, 1e5, 8, None), HashTable { buckets: 131_072, batches: 1 });
    }

    #[test]
    fn a_table_that_does_not_is_split_or_shared() {
        let settings = Settings::with(15, |_| None);
        let million = table_size(&settings, 1e6, 8, None);
        assert_eq!(million, HashTable { buckets: 262_144, batches: 8 });
        let shared = table_size(&settings, 4e5, 8, Some(2));
        assert_eq!(shared, HashTable { buckets: 524_288, batches: 1 });
        assert!(table_size(&settings, 4e5, 8, None).batches > 1);
    }
}
