//! Partitions and inheritance children scanned one after another (`add_paths_to_append_rel`).

use std::sync::Arc;

use super::{dummy, plain, scan_path};
use crate::planner::cost::scan::{Cost, parallel_divisor};
use crate::planner::path::{Path, PathKind, RelPaths, clamp_rows};
use crate::planner::rel::{BaseRel, Rel};
use crate::planner::root::Planning;
use crate::planner::settings::Settings;

/// `APPEND_CPU_COST_MULTIPLIER`: a row passed on costs half of what reading one does.
const PASS_ON: f64 = 0.5;

/// Adds an Append of the children's cheapest paths, and its shared form.
pub(super) fn add_paths(planning: &Planning<'_, '_>, paths: &mut RelPaths, base: &BaseRel) {
    let rel = Arc::clone(&paths.rel);
    let settings = &planning.root.env.settings;
    let children: Vec<RelPaths> = base
        .children
        .iter()
        .filter(|c| !c.dummy)
        .filter_map(|child| {
            let mut own = RelPaths::new(Arc::clone(child));
            let info = child.base()?;
            if info.children.is_empty() {
                plain::add_paths(planning, &mut own, info);
            } else {
                add_paths(planning, &mut own, info);
            }
            own.set_cheapest();
            Some(own)
        })
        .collect();
    if children.is_empty() {
        paths.add(dummy(&rel));
        return;
    }
    let cheapest: Option<Vec<Arc<Path>>> =
        children.iter().map(|c| c.cheapest_total.clone().filter(|p| p.param.is_none())).collect();
    if let Some(inputs) = cheapest {
        paths.add(append(settings, &rel, inputs));
    }
    let partial: Option<Vec<Arc<Path>>> = children.iter().map(|c| c.partial.first().cloned()).collect();
    if let Some(inputs) = partial.filter(|_| rel.consider_parallel) {
        paths.add_partial(shared_append(settings, &rel, inputs));
    }
}

/// `create_append_path`, `cost_append` without workers. An Append of one child will not be there.
fn append(settings: &Settings, rel: &Rel, inputs: Vec<Arc<Path>>) -> Path {
    let startup = inputs.first().map_or(0.0, |p| p.startup_cost);
    let rows: f64 = inputs.iter().map(|p| p.rows).sum();
    let mut total: f64 = inputs.iter().map(|p| p.total_cost).sum();
    if inputs.len() > 1 {
        total += settings.cpu_tuple_cost * PASS_ON * rows;
    }
    let disabled = inputs.iter().map(|p| p.disabled_nodes).sum();
    let parallel_safe = rel.consider_parallel && inputs.iter().all(|p| p.parallel_safe);
    let kind = PathKind::Append { inputs };
    Path { parallel_safe, ..scan_path(rel, kind, Cost { startup, total, rows, disabled }) }
}

/// `cost_append` for a Parallel Append of partial paths: workers spread over the children.
fn shared_append(settings: &Settings, rel: &Rel, inputs: Vec<Arc<Path>>) -> Path {
    let most = inputs.iter().map(|p| p.workers).max().unwrap_or(1);
    // At least one for each doubling of the children.
    let spread = usize::BITS - inputs.len().leading_zeros();
    let limit = u32::try_from(settings.max_parallel_workers_per_gather).unwrap_or(0);
    let workers = if settings.enable.parallel_append { most.max(spread).min(limit) } else { most };
    let divisor = parallel_divisor(settings, workers);
    let aware = settings.enable.parallel_append;
    let mut startup = f64::INFINITY;
    let (mut total, mut rows, mut disabled) = (0.0, 0.0, 0);
    for (i, input) in (0_u32..).zip(&inputs) {
        rows = if aware {
            clamp_rows(rows + input.rows * parallel_divisor(settings, input.workers) / divisor)
        } else {
            rows + input.rows
        };
        total += input.total_cost;
        if i == 0 || (aware && i < workers) {
            startup = startup.min(input.startup_cost);
        }
        disabled += input.disabled_nodes;
    }
    if inputs.len() > 1 || inputs.first().is_none_or(|only| only.parallel_aware != aware) {
        total += settings.cpu_tuple_cost * PASS_ON * rows;
    }
    let kind = PathKind::Append { inputs };
    Path { parallel_aware: aware, workers, ..scan_path(rel, kind, Cost { startup, total, rows, disabled }) }
}
