//! Join costs against what PostgreSQL 15 printed for tables a (10,000 rows), b (50,000) and c (1,000) whose columns have
//! known numbers of distinct values.

use std::sync::Arc;

use super::costs::Costs;
use super::nestloop::FirstMatch;
use super::{hashjoin, memoize, mergejoin, nestloop};
use crate::planner::path::{Path, PathKind};
use crate::planner::rel::{PathTarget, QualCost};
use crate::planner::relids::Relids;
use crate::planner::settings::Settings;
use crate::planner::wrap;

/// One comparison of integers.
const EQUAL: QualCost = QualCost { startup: 0.0, per_tuple: 0.0025 };
const NO_QUALS: QualCost = QualCost { startup: 0.0, per_tuple: 0.0 };

fn settings() -> Settings {
    Settings::with(15, |_| None)
}

fn input(startup: f64, total: f64, rows: f64, width: i32) -> Path {
    Path {
        kind: PathKind::SeqScan { rel: 0 },
        relids: Relids::EMPTY,
        target: Arc::new(PathTarget { width, ..PathTarget::default() }),
        rows,
        startup_cost: startup,
        total_cost: total,
        disabled_nodes: 0,
        pathkeys: Arc::from([]),
        param: None,
        parallel_aware: false,
        parallel_safe: true,
        workers: 0,
    }
}

fn printed(costs: Costs) -> String {
    format!("{:.2}..{:.2}", costs.startup, costs.total)
}

fn looped(outer: &Path, inner: &Path, quals: QualCost, first: Option<FirstMatch>, indexed: bool) -> Costs {
    let initial = nestloop::initial(&settings(), outer, inner, first.is_some());
    let joined = nestloop::Joined {
        outer_rows: outer.rows,
        inner_rows: inner.rows,
        rows: 1.0,
        quals,
        target: &PathTarget::default(),
        first_match: first,
        indexed,
    };
    nestloop::finish(&settings(), initial, &joined)
}

#[test]
fn a_loop_over_kept_rows() {
    // explain select * from a, c where a.x < c.k
    let c = Arc::new(input(0.0, 15.0, 1000.0, 8));
    let kept = wrap::material(&settings(), c);
    let costs = looped(&input(0.0, 164.0, 10_000.0, 19), &kept, EQUAL, None, false);
    assert_eq!(printed(costs), "0.00..150181.50");
}

#[test]
fn a_loop_over_remembered_rows() {
    // select * from c join b on c.k = b.a_id with hash and merge joins off; b's index scan costs 0.29..1.79
    let scan = input(0.2925, 1.7875, 10.0, 12);
    let rescan = memoize::rescan(&settings(), &scan, 1000.0, 50.0, 4.0);
    let mut cache = input(0.3025, 1.7975, 10.0, 12);
    cache.kind = PathKind::Memoize { input: Arc::new(scan), rescan };
    let costs = looped(&input(0.0, 15.0, 1000.0, 8), &cache, NO_QUALS, None, false);
    assert!((costs.total - 243.62).abs() < 0.2, "{costs:?}");
}

fn hashed(outer: &Path, inner: &Path, share: f64, first: Option<(FirstMatch, bool)>, pairs: f64) -> Costs {
    let initial = hashjoin::initial(&settings(), outer, inner, 1, false);
    let joined = hashjoin::Joined {
        outer_rows: outer.rows,
        inner_rows: inner.rows,
        inner_width: inner.target.width,
        bucket_share: share,
        commonest: 0.0,
        first_match: first,
        pairs,
        rows: 1.0,
        hash_quals: EQUAL,
        quals: EQUAL,
        target: &PathTarget::default(),
    };
    hashjoin::finish(&settings(), &initial, &joined)
}

#[test]
fn hash_joins() {
    let a = input(0.0, 164.0, 10_000.0, 19);
    let c = input(0.0, 15.0, 1000.0, 8);
    // explain select * from a join c on a.x = c.k
    assert_eq!(printed(hashed(&c, &a, 0.01, None, 100_000.0)), "289.00..1431.50");
    // select * from a where exists (select from c where c.k = a.x), by making c.k unique
    let first = FirstMatch { matched: 0.5, matches: 1.0 };
    let unique = input(17.5, 18.0, 50.0, 4);
    assert_eq!(printed(hashed(&a, &unique, 1.0 / 1024.0, Some((first, false)), 0.0)), "18.62..264.50");
    // select * from a where not exists (select from c where c.k = a.x)
    let first = FirstMatch { matched: 0.5, matches: 20.0 };
    let c = input(0.0, 15.0, 1000.0, 4);
    assert_eq!(printed(hashed(&a, &c, 0.02, Some((first, true)), 0.0)), "27.50..279.62");
}

#[test]
fn a_merge_of_two_sorts() {
    // select * from a join c on a.x = c.k with hash joins and loops off: c.k ends where half of a.x is read
    let a = input(0.0, 164.0, 10_000.0, 19);
    let c = input(0.0, 15.0, 1000.0, 8);
    let half = mergejoin::Share { start: 0.0, end: 0.5 };
    let sort = mergejoin::Ordering::Sort;
    let initial = mergejoin::initial(&settings(), (&c, sort, mergejoin::Share::ALL), (&a, sort, half));
    let joined = mergejoin::Joined {
        inner_path_rows: a.rows,
        inner_width: 19,
        sort_inner: true,
        inner_can_mark: true,
        never_back: false,
        outer_distinct: false,
        pairs: 100_000.0,
        rows: 100_000.0,
        merge_quals: EQUAL,
        quals: EQUAL,
        target: &PathTarget::default(),
    };
    let (costs, materialized) = mergejoin::finish(&settings(), initial, &joined);
    assert_eq!((printed(costs).as_str(), materialized), ("893.21..2373.21", false));
}
