//! Paths of a relation without inheritance children, by what it is (`set_rel_pathlist`'s cases).

use std::sync::Arc;

use super::bitmap::Combiner;
use super::offer::offers;
use super::{always_required, base_param_info, scan_path};
use crate::planner::cost::quals_cost;
use crate::planner::cost::scan::{self as cost, Scanned};
use crate::planner::path::{ParamInfo, Path, PathKind, RelPaths};
use crate::planner::rel::{BaseRel, Rel};
use crate::planner::root::Planning;

/// Adds the scans of a plain table.
pub(super) fn add_paths(planning: &Planning<'_, '_>, paths: &mut RelPaths, base: &BaseRel) {
    let rel = Arc::clone(&paths.rel);
    let param = base_param_info(planning.root, &rel, always_required(&rel));
    paths.add(seq_scan(planning, &rel, base, param.as_ref(), 0));
    if rel.consider_parallel && param.is_none() {
        let settings = &planning.root.env.settings;
        let workers = cost::parallel_workers(
            settings,
            base.parallel_workers,
            base.parent.is_some(),
            Some(base.pages),
            None,
            settings.max_parallel_workers_per_gather,
        );
        if workers > 0 {
            paths.add_partial(seq_scan(planning, &rel, base, None, workers));
        }
    }
    add_index_paths(planning, paths, &rel, base);
}

/// `create_index_paths`.
fn add_index_paths(planning: &Planning<'_, '_>, paths: &mut RelPaths, rel: &Arc<Rel>, base: &BaseRel) {
    let offers = offers(planning, rel, base);
    if offers.is_empty() {
        return;
    }
    for offer in &offers {
        for path in &offer.plain {
            paths.add_shared(path);
        }
        for path in &offer.partial {
            paths.add_shared_partial(path);
        }
    }
    Combiner { planning, rel, base, offers: &offers }.add_paths(paths);
}

/// Conditions, rows and output of a scan of all of a relation.
pub(super) fn scanned<'r>(
    planning: &Planning<'_, '_>,
    rel: &'r Rel,
    base: &BaseRel,
    param: Option<&Arc<ParamInfo>>,
) -> Scanned<'r> {
    let env = planning.root.env;
    let mut quals = quals_cost(env, &planning.subplan_costs, &rel.restrict);
    if let Some(param) = param {
        quals = quals + quals_cost(env, &planning.subplan_costs, &param.clauses);
    }
    Scanned { tuples: base.tuples, rows: param.map_or(rel.rows, |p| p.rows), quals, target: &rel.target }
}

/// `create_seqscan_path`.
fn seq_scan(
    planning: &Planning<'_, '_>,
    rel: &Rel,
    base: &BaseRel,
    param: Option<&Arc<ParamInfo>>,
    workers: u32,
) -> Path {
    let scanned = scanned(planning, rel, base, param);
    let cost = cost::seqscan(&planning.root.env.settings, &scanned, base.pages, workers);
    Path {
        param: param.cloned(),
        parallel_aware: workers > 0,
        workers,
        ..scan_path(rel, PathKind::SeqScan { rel: base.rel }, cost)
    }
}
