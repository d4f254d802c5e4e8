//! Costs of sorting, materialising, gathering and reading again (`costsize.c`): what joins, scans and the upper levels
//! share. Each function takes the costs of its input as [`Costs`] and gives those of the node.

use crate::planner::path::{DISABLE_COST, Path, PathKind};
use crate::planner::settings::Settings;

use super::costs::Costs;

/// `BLCKSZ`.
pub const BLOCK: f64 = 8192.0;
/// `MAXALIGN(SizeofHeapTupleHeader)`.
const TUPLE_HEADER: f64 = 24.0;
/// Memory for one input tape when merging: `MERGE_BUFFER_SIZE`, 32 blocks.
const MERGE_BUFFER: f64 = 32.0 * BLOCK;

/// Bytes of so many tuples in memory, with their headers (`relation_byte_size`).
pub fn relation_byte_size(tuples: f64, width: i32) -> f64 {
    tuples * (f64::from(max_align(width)) + TUPLE_HEADER)
}

/// Blocks that so many tuples fill (`page_size`).
pub fn page_size(tuples: f64, width: i32) -> f64 {
    (relation_byte_size(tuples, width) / BLOCK).ceil()
}

/// `MAXALIGN`: up to a multiple of 8.
pub fn max_align(width: i32) -> i32 {
    width.max(0).saturating_add(7) & !7
}

/// How many sorted runs are merged at once (`tuplesort_merge_order`). Until 14 each tape had one buffer beside the
/// merge buffer, since 15 two.
fn merge_order(settings: &Settings, memory: f64) -> f64 {
    let order = if settings.major >= 15 {
        memory / (2.0 * BLOCK + MERGE_BUFFER)
    } else {
        (memory - BLOCK) / (MERGE_BUFFER + BLOCK)
    };
    order.floor().clamp(6.0, 500.0)
}

/// Costs of sorting alone, before the first row and from there on (`cost_tuplesort`): quicksort, or a heap of
/// `limit_tuples` rows (none if not positive), or an external merge. `comparison_cost` is what a comparison costs
/// beyond two operators.
pub fn cost_tuplesort(
    settings: &Settings,
    tuples: f64,
    width: i32,
    comparison_cost: f64,
    limit_tuples: f64,
) -> (f64, f64) {
    let input_bytes = relation_byte_size(tuples, width);
    let memory = settings.work_mem * 1024.0;
    let tuples = tuples.max(2.0);
    let comparison = comparison_cost + 2.0 * settings.cpu_operator_cost;
    let bounded = limit_tuples > 0.0 && limit_tuples < tuples;
    let (output_tuples, output_bytes) =
        if bounded { (limit_tuples, relation_byte_size(limit_tuples, width)) } else { (tuples, input_bytes) };
    let startup = if output_bytes > memory {
        let pages = (input_bytes / BLOCK).ceil();
        let runs = input_bytes / memory;
        let order = merge_order(settings, memory);
        let passes = if runs > order { (runs.ln() / order.ln()).ceil() } else { 1.0 };
        comparison * tuples * tuples.log2()
            + 2.0 * pages * passes * (settings.seq_page_cost * 0.75 + settings.random_page_cost * 0.25)
    } else if tuples > 2.0 * output_tuples || input_bytes > memory {
        comparison * tuples * (2.0 * output_tuples).log2()
    } else {
        comparison * tuples * tuples.log2()
    };
    (startup, settings.cpu_operator_cost * tuples)
}

/// Costs of a Sort over an input of these costs (`cost_sort`; only the input's total counts, as all of it is read
/// before the first row).
pub fn cost_sort(
    settings: &Settings,
    input: Costs,
    tuples: f64,
    width: i32,
    comparison_cost: f64,
    limit_tuples: f64,
) -> Costs {
    let (startup, run) = cost_tuplesort(settings, tuples, width, comparison_cost, limit_tuples);
    let startup = startup + input.total;
    Costs { disabled_nodes: input.disabled_nodes, startup, total: startup + run }.unless(settings, settings.enable.sort)
}

/// Costs of an Incremental Sort (`cost_incremental_sort`) over an input whose first keys are in order and have
/// `input_groups` distinct values (`stats::num_groups` of the presorted keys; `DEFAULT_NUM_DISTINCT`, 200, capped by
/// the rows, where they cannot be had). Until 15 groups count as half as large again as they are on average.
pub fn cost_incremental_sort(
    settings: &Settings,
    input: Costs,
    tuples: f64,
    input_groups: f64,
    width: i32,
    comparison_cost: f64,
    limit_tuples: f64,
) -> Costs {
    let tuples = tuples.max(2.0);
    let groups = input_groups.max(1.0);
    let per_group = tuples / groups * if settings.major >= 16 { 1.0 } else { 1.5 };
    let input_per_group = (input.total - input.startup) / groups;
    let (group_startup, group_run) = cost_tuplesort(settings, per_group, width, comparison_cost, limit_tuples);
    let startup = group_startup + input.startup + input_per_group;
    let run = group_run
        + (group_run + group_startup + input_per_group) * (groups - 1.0)
        + (settings.cpu_tuple_cost + comparison_cost) * tuples
        + 2.0 * settings.cpu_tuple_cost * groups;
    Costs { disabled_nodes: input.disabled_nodes, startup, total: startup + run }
}

/// Costs of a Materialize (`cost_material`).
pub fn cost_material(settings: &Settings, input: Costs, tuples: f64, width: i32) -> Costs {
    let run = input.total - input.startup
        + 2.0 * settings.cpu_operator_cost * tuples
        + spill(settings, relation_byte_size(tuples, width));
    let off = settings.major >= 18 && !settings.enable.material;
    Costs { disabled_nodes: input.disabled_nodes + u32::from(off), startup: input.startup, total: input.startup + run }
}

/// What writing or reading a temporary file of so many bytes costs, nothing if they fit in `work_mem`.
fn spill(settings: &Settings, bytes: f64) -> f64 {
    if bytes > settings.work_mem * 1024.0 { settings.seq_page_cost * (bytes / BLOCK).ceil() } else { 0.0 }
}

/// Startup and total cost of reading a path's rows once more (`cost_rescan`). A Memoize knows its own from when it was
/// made.
pub fn cost_rescan(settings: &Settings, path: &Path) -> (f64, f64) {
    let width = path.target.width;
    match &path.kind {
        PathKind::FunctionScan { .. } | PathKind::HashJoin { batches: 1, .. } => {
            (0.0, path.total_cost - path.startup_cost)
        }
        PathKind::CteScan { .. } | PathKind::WorkTableScan { .. } => {
            let bytes = relation_byte_size(path.rows, width);
            (0.0, settings.cpu_tuple_cost * path.rows + spill(settings, bytes))
        }
        PathKind::Material { .. } | PathKind::Sort { .. } => {
            let bytes = relation_byte_size(path.rows, width);
            (0.0, settings.cpu_operator_cost * path.rows + spill(settings, bytes))
        }
        PathKind::Memoize { rescan, .. } => *rescan,
        _ => (path.startup_cost, path.total_cost),
    }
}

impl Costs {
    /// The costs of a node of a kind that may be switched off: a disabled node from 18 on, before that
    /// [`DISABLE_COST`] on top.
    #[must_use]
    pub fn unless(self, settings: &Settings, enabled: bool) -> Self {
        match (enabled, settings.major >= 18) {
            (true, _) => self,
            (false, true) => Self { disabled_nodes: self.disabled_nodes + 1, ..self },
            (false, false) => Self {
                disabled_nodes: self.disabled_nodes,
                startup: self.startup + DISABLE_COST,
                total: self.total + DISABLE_COST,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(major: u32) -> Settings {
        Settings::with(major, |_| None)
    }

    #[test]
    fn sizes_are_aligned() {
        assert_eq!(relation_byte_size(10.0, 4), 320.0);
        assert_eq!(page_size(1000.0, 9), 5.0);
    }

    #[test]
    fn sorts_cost_what_the_server_says() {
        let input = Costs { disabled_nodes: 0, startup: 0.0, total: 145.0 };
        // explain select * from t order by a, with 10,000 rows of 4 bytes: Sort (cost=809.39..834.39)
        let quick = cost_sort(&settings(15), input, 10_000.0, 4, 0.0, -1.0);
        assert_eq!(
            (format!("{:.2}", quick.startup), format!("{:.2}", quick.total)),
            ("809.39".into(), "834.39".into())
        );
        // The same with limit 10.
        let heap = cost_sort(&settings(15), input, 10_000.0, 4, 0.0, 10.0);
        assert_eq!(format!("{:.2}", heap.startup), "361.10");
        // More rows than work_mem holds go to disk.
        let disk = cost_sort(&settings(15), input, 1_000_000.0, 4, 0.0, -1.0);
        assert_eq!(
            format!("{:.2}", disk.startup),
            format!("{:.2}", 145.0 + 0.005 * 1e6 * 1e6_f64.log2() + 2.0 * 3907.0 * 1.75)
        );
    }

    #[test]
    fn a_disabled_sort_is_counted_or_charged() {
        let mut settings = settings(18);
        settings.enable.sort = false;
        let sort = |s: &Settings| cost_sort(s, Costs::default(), 100.0, 4, 0.0, -1.0);
        assert_eq!(sort(&settings).disabled_nodes, 1);
        settings.major = 17;
        assert!(sort(&settings).startup > DISABLE_COST);
        assert_eq!(sort(&settings).disabled_nodes, 0);
    }
}
