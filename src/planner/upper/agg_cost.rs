//! What aggregates cost (`get_agg_clause_costs`, `cost_agg`, `hash_agg_entry_size`, `hash_agg_set_limits`).

use crate::planner::cost;
use crate::planner::expr::{Aggref, Expr};
use crate::planner::path::{AggSplit, AggStrategy, DISABLE_COST, Path, clamp_rows};
use crate::planner::rel::QualCost;
use crate::planner::root::Planning;
use crate::planner::settings::Settings;
use crate::planner::stats;
use crate::snapshot::Oid;

/// `BLCKSZ`.
const PAGE: f64 = 8192.0;
/// `internal`, the pseudo-type of opaque transition states.
const INTERNAL: Oid = 2281;
/// `ALLOCSET_DEFAULT_INITSIZE`: what an opaque state is taken to need.
const INTERNAL_SPACE: f64 = 8192.0;

/// The aggregates of a level, with their costs (`AggClauseCosts`).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AggCosts {
    /// Per input row.
    pub(super) transition: QualCost,
    /// Per group.
    pub(super) finish: QualCost,
    /// Bytes of state per group.
    pub(super) space: f64,
    /// Distinct transition states.
    pub(super) states: usize,
}

/// Aggregates of some expressions, equal ones once.
pub(super) fn aggregates<'e>(exprs: impl Iterator<Item = &'e Expr>) -> Vec<&'e Aggref> {
    let mut found: Vec<&Aggref> = Vec::new();
    for expr in exprs {
        walk(expr, &mut |e| {
            if let Expr::Aggref(agg) = e
                && !found.contains(&&**agg)
            {
                found.push(agg);
            }
        });
    }
    found
}

/// Every node of an expression, from the top.
pub(super) fn walk<'e>(expr: &'e Expr, f: &mut dyn FnMut(&'e Expr)) {
    f(expr);
    expr.for_each_child(&mut |child| walk(child, f));
}

/// Sums up the costs of a level's aggregates for one stage of a possibly split aggregation.
pub(super) fn clause_costs(planning: &Planning<'_, '_>, aggregates: &[&Aggref], split: AggSplit) -> AggCosts {
    let env = planning.root.env;
    let (facts, unit) = (&env.facts, env.settings.cpu_operator_cost);
    let mut costs = AggCosts::default();
    let function = |oid: Oid| facts.function(oid).map_or(1.0, |f| f.cost) * unit;
    // Aggregates with the same transition function over the same input share a state (`preprocess_aggrefs`).
    let mut states: Vec<(Oid, &Aggref)> = Vec::new();
    for agg in aggregates {
        let Some(fact) = facts.function(agg.func) else { continue };
        let shared = states.iter().any(|(func, other)| {
            *func == fact.transition_func
                && other.args == agg.args
                && other.distinct == agg.distinct
                && other.filter == agg.filter
                && other.order_by == agg.order_by
        });
        if !shared {
            states.push((fact.transition_func, agg));
            costs.states += 1;
            if split == AggSplit::Finalize {
                costs.transition.per_tuple += function(fact.combine_func);
                if fact.deserial_func != 0 {
                    costs.transition.per_tuple += function(fact.deserial_func);
                }
            } else {
                costs.transition.per_tuple += function(fact.transition_func);
                for arg in agg.args.iter().chain(agg.order_by.iter().map(|(e, ..)| e)).chain(&agg.filter) {
                    let is_direct = agg.args.iter().any(|a| std::ptr::eq(a, arg));
                    // An ORDER BY item that is an argument is evaluated once.
                    if !is_direct && agg.args.contains(arg) {
                        continue;
                    }
                    costs.transition = costs.transition + cost::expr_cost(env, &planning.subplan_costs, arg);
                }
            }
            costs.space += state_space(planning, agg, fact.transition, fact.transition_space);
        }
        match split {
            AggSplit::Partial if fact.serial_func != 0 => costs.finish.per_tuple += function(fact.serial_func),
            AggSplit::Simple | AggSplit::Finalize if fact.final_func != 0 => {
                costs.finish.per_tuple += function(fact.final_func);
            }
            AggSplit::Simple | AggSplit::Partial | AggSplit::Finalize => {}
        }
    }
    costs
}

/// Bytes that one group's state takes beyond the fixed part.
fn state_space(planning: &Planning<'_, '_>, agg: &Aggref, transition: Oid, declared: i32) -> f64 {
    let facts = &planning.root.env.facts;
    if transition == INTERNAL {
        return if declared > 0 { f64::from(declared) } else { INTERNAL_SPACE };
    }
    let Some(ty) = facts.ty(transition) else { return 0.0 };
    if ty.by_value {
        return 0.0;
    }
    // A state of the input's own type is as wide as the input (min, max).
    let width = match agg.args.first() {
        Some(arg) if ty.len < 0 && arg.ty() == transition => f64::from(stats::expr_width(planning.root, arg)),
        _ if ty.len > 0 => f64::from(ty.len),
        _ if declared > 0 => f64::from(declared),
        _ => 32.0,
    };
    align(width) + 2.0 * 8.0
}

fn align(bytes: f64) -> f64 {
    (bytes / 8.0).ceil() * 8.0
}

/// Startup and total cost and rows of an aggregation, before its target list.
#[derive(Debug, Clone, Copy)]
pub(super) struct AggEstimate {
    pub(super) startup: f64,
    pub(super) total: f64,
    pub(super) rows: f64,
    /// A kind of node that is switched off (18+).
    pub(super) disabled: bool,
}

/// What an aggregation reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct AggInput {
    pub(super) startup: f64,
    pub(super) total: f64,
    pub(super) rows: f64,
    /// Bytes a row.
    pub(super) width: f64,
}

impl From<&Path> for AggInput {
    fn from(path: &Path) -> Self {
        Self {
            startup: path.startup_cost,
            total: path.total_cost,
            rows: path.rows,
            width: f64::from(path.target.width),
        }
    }
}

/// HAVING's cost and selectivity.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Having {
    pub(super) cost: QualCost,
    pub(super) selectivity: Option<f64>,
}

/// `cost_agg`.
pub(super) fn cost_agg(
    settings: &Settings,
    strategy: AggStrategy,
    costs: &AggCosts,
    columns: usize,
    groups: f64,
    input: AggInput,
    having: Having,
) -> AggEstimate {
    let per_tuple = settings.cpu_tuple_cost;
    let compare = settings.cpu_operator_cost * columns as f64;
    let (mut startup, mut total, mut rows);
    let mut disabled = false;
    match strategy {
        AggStrategy::Plain => {
            startup = input.total
                + costs.transition.startup
                + costs.transition.per_tuple * input.rows
                + costs.finish.startup
                + costs.finish.per_tuple;
            total = startup + per_tuple;
            rows = 1.0;
        }
        AggStrategy::Sorted | AggStrategy::Mixed => {
            startup = input.startup;
            total = input.total;
            if strategy == AggStrategy::Mixed && !settings.enable.hashagg {
                disabled = true;
                if settings.major < 18 {
                    startup += DISABLE_COST;
                    total += DISABLE_COST;
                }
            }
            total += costs.transition.startup
                + costs.transition.per_tuple * input.rows
                + compare * input.rows
                + costs.finish.startup
                + costs.finish.per_tuple * groups
                + per_tuple * groups;
            rows = groups;
        }
        AggStrategy::Hashed => {
            startup = input.total;
            if !settings.enable.hashagg {
                disabled = true;
                if settings.major < 18 {
                    startup += DISABLE_COST;
                }
            }
            startup += costs.transition.startup
                + costs.transition.per_tuple * input.rows
                + compare * input.rows
                + costs.finish.startup;
            total = startup + costs.finish.per_tuple * groups + per_tuple * groups;
            rows = groups;
        }
    }
    if matches!(strategy, AggStrategy::Hashed | AggStrategy::Mixed) {
        let spill = spill(settings, costs, groups, input);
        startup += spill.0;
        total += spill.1;
    }
    if let Some(selectivity) = having.selectivity {
        startup += having.cost.startup;
        total += having.cost.startup + rows * having.cost.per_tuple;
        rows = clamp_rows(rows * selectivity);
    }
    AggEstimate { startup, total, rows, disabled: disabled && settings.major >= 18 }
}

/// What a hash table that outgrows its memory adds to startup and total cost.
fn spill(settings: &Settings, costs: &AggCosts, groups: f64, input: AggInput) -> (f64, f64) {
    let entry = entry_size(settings, costs.states, input.width, costs.space);
    let limits = limits(settings, entry, groups);
    let batches = (groups * entry / limits.memory).max(groups / limits.groups).max(1.0).ceil();
    let partitions = limits.partitions.max(2.0);
    let depth = (batches.ln() / partitions.ln()).ceil();
    let pages = (input.rows * (align(input.width) + align(23.0))) / PAGE * depth;
    // Hash aggregation writes and reads worse than a sort: twice the pages.
    let pages = pages * 2.0;
    let cpu = depth * input.rows * 2.0 * settings.cpu_tuple_cost;
    let write = pages * settings.random_page_cost;
    (write + cpu, write + pages * settings.seq_page_cost + cpu)
}

/// Bytes of one group in the hash table (`hash_agg_entry_size`).
pub(super) fn entry_size(settings: &Settings, states: usize, width: f64, space: f64) -> f64 {
    let header = if settings.major >= 16 { 8.0 } else { 16.0 };
    let tuple = 16.0 + align(width);
    let states = states as f64 * 16.0;
    let chunk = |bytes: f64| if bytes > 0.0 { header + bytes } else { 0.0 };
    24.0 + header + tuple + chunk(states) + chunk(space)
}

struct Limits {
    memory: f64,
    groups: f64,
    partitions: f64,
}

/// How much memory and how many groups before spilling, and into how many partitions (`hash_agg_set_limits`,
/// `hash_choose_num_partitions`).
fn limits(settings: &Settings, entry: f64, groups: f64) -> Limits {
    let memory = settings.hash_mem_bytes();
    if groups * entry <= memory {
        return Limits { memory, groups: (memory / entry).floor().max(1.0), partitions: 0.0 };
    }
    let at_most = (memory * 0.25 - PAGE) / PAGE;
    let wanted = (1.0 + 1.5 * groups * entry / memory).min(at_most).floor().clamp(4.0, 1024.0);
    let partitions = 2.0_f64.powf(wanted.log2().ceil());
    let buffers = PAGE + PAGE * partitions;
    let memory = if memory > 4.0 * buffers { memory - buffers } else { memory * 0.75 };
    let groups = if memory > entry { (memory / entry).floor() } else { 1.0 };
    Limits { memory, groups, partitions }
}
