//! The whole advisor against a toy planner.

use crate::progress::Silent;
use crate::report::{RecommendationKind, Report};
use crate::snapshot::{ForeignKey, ForeignKeyAction, IndexSpec, Table, TableActivity};
use crate::whatif::{CandidateId, CostError, CostRequest, CostSource, CostSourceKind, Costed, Registered};
use crate::workload::WriteKind;

use super::fixture::{Ask, CATEGORIES, ORDERS, Toy, ask, index, shop, tables};
use super::{Budget, Options, advise};

fn advised(tables: Vec<Table>, asks: &[Ask], options: &Options) -> Report {
    let (snapshot, workload) = shop(tables, asks);
    let mut toy = Toy::new(&snapshot, asks);
    advise(&snapshot, &workload, Some(&mut toy), options, &Silent).unwrap()
}

fn created(report: &Report) -> Vec<Vec<String>> {
    let creates = report.recommendations.iter().filter(|r| r.kind == RecommendationKind::CreateIndex);
    creates.filter_map(|r| r.index.as_ref()).map(|i| i.columns.clone()).collect()
}

fn dropped(report: &Report) -> Vec<String> {
    let drops = report.recommendations.iter().filter(|r| r.kind == RecommendationKind::DropIndex);
    drops.filter_map(|r| r.index.as_ref()).map(|i| i.name.clone()).collect()
}

fn rules(report: &Report) -> Vec<&str> {
    report.rejected.iter().map(|r| r.rule.as_str()).collect()
}

#[test]
fn equality_comes_before_the_order_and_the_old_prefix_goes() {
    let mut tables = tables();
    tables[0].indexes.push(index(101, "orders_user_id_idx", &[2]));
    let asks = [ask(ORDERS, 100).equal(&[2]).order(4, true)];
    let report = advised(tables, &asks, &Options::default());
    assert_eq!(created(&report), [["user_id", "created_at"]]);
    assert_eq!(dropped(&report), ["orders_user_id_idx"]);
    let create = &report.recommendations[0];
    let drop = &report.recommendations[1];
    assert_eq!(create.related, std::slice::from_ref(&drop.id));
    assert_eq!(drop.related, std::slice::from_ref(&create.id));
    assert_eq!(drop.ddl, "DROP INDEX CONCURRENTLY public.orders_user_id_idx;");
    assert_eq!(
        create.ddl,
        "CREATE INDEX CONCURRENTLY orders_user_id_created_at_idx\nON public.orders USING btree (user_id, created_at);"
    );
    assert!(create.impact.time_saved_ms_per_hour.is_some_and(|ms| ms > 0.0));
}

#[test]
fn one_index_serves_what_two_statements_share() {
    let asks = [ask(ORDERS, 100).equal(&[2]), ask(ORDERS, 50).equal(&[2]).order(4, true)];
    let report = advised(tables(), &asks, &Options::default());
    assert_eq!(created(&report), [["user_id", "created_at"]]);
    assert_eq!(report.recommendations[0].queries.len(), 2);
    assert!(report.rejected.is_empty(), "{:?}", report.rejected);
}

#[test]
fn what_is_indexed_well_gets_a_rejection_and_nothing_else() {
    let mut tables = tables();
    tables[0].indexes.push(index(101, "orders_recent", &[2, 4]));
    let asks = [ask(ORDERS, 100).equal(&[2]).order(4, true), ask(ORDERS, 900).equal(&[1])];
    let report = advised(tables, &asks, &Options::default());
    assert!(report.recommendations.is_empty(), "{:?}", report.recommendations);
    assert_eq!(rules(&report), ["already-indexed", "already-indexed"]);
}

#[test]
fn small_tables_and_few_valued_columns_are_turned_away_with_numbers() {
    let asks = [ask(CATEGORIES, 5000).equal(&[2]), ask(ORDERS, 100).equal(&[3])];
    let report = advised(tables(), &asks, &Options::default());
    assert!(report.recommendations.is_empty());
    assert_eq!(rules(&report), ["low-cardinality", "small-table"]);
    assert_eq!(report.rejected[0].numbers["n_distinct"], 5.0);
    assert_eq!(report.rejected[0].numbers["most_common_pct"], 97.0);
    assert_eq!(report.rejected[1].numbers["rows"], 300.0);
}

#[test]
fn a_few_valued_column_leads_where_the_order_follows() {
    let report = advised(tables(), &[ask(ORDERS, 100).equal(&[3]).order(4, false)], &Options::default());
    assert_eq!(created(&report), [["status", "created_at"]]);
}

#[test]
fn a_counter_updated_on_every_view_loses() {
    let reads = ask(ORDERS, 6).order(5, true);
    let writes = ask(ORDERS, 500_000).equal(&[1]).writes(WriteKind::Update, &[5]);
    let report = advised(tables(), &[reads.clone(), writes], &Options::default());
    assert!(report.recommendations.is_empty());
    let rejection = report.rejected.iter().find(|r| r.rule == "write-heavy").unwrap();
    assert_eq!(rejection.columns, ["views"]);
    assert!(rejection.numbers["writes_cost_added"] > rejection.numbers["reads_cost_saved"]);
    assert!(rejection.numbers["hot_updates_lost_pct"] > 50.0);
    // The same column, seldom written, is worth it.
    let report = advised(tables(), &[reads, ask(ORDERS, 10).writes(WriteKind::Update, &[5])], &Options::default());
    assert_eq!(created(&report), [["views"]]);
}

#[test]
fn counters_count_where_statements_saw_less() {
    let mut tables = tables();
    let inserts = 100_000_000;
    tables[0].activity = Some(TableActivity { inserts, ..TableActivity::default() });
    let report = advised(tables, &[ask(ORDERS, 100).equal(&[2])], &Options::default());
    assert_eq!(rules(&report), ["write-heavy"]);
}

#[test]
fn limits_hold_and_what_they_cost_is_said() {
    let asks = [ask(ORDERS, 100).equal(&[2]), ask(ORDERS, 80).equal(&[6]), ask(ORDERS, 60).range(4)];
    let all = advised(tables(), &asks, &Options::default());
    assert_eq!(created(&all).len(), 3);
    let one = advised(tables(), &asks, &Options { max_indexes: Some(1), ..Options::default() });
    assert_eq!(created(&one), [["user_id"]]);
    assert_eq!(rules(&one), ["over-budget", "over-budget"]);
    let bytes = all.recommendations.iter().filter_map(|r| r.index.as_ref()?.estimated_bytes).max().unwrap();
    let tight = advised(tables(), &asks, &Options { budget: Some(Budget::Bytes(bytes + 1)), ..Options::default() });
    let spent: u64 = tight.recommendations.iter().filter_map(|r| r.index.as_ref()?.estimated_bytes).sum();
    assert!(spent <= bytes && !created(&tight).is_empty());
    let rejected = tight.rejected.iter().find(|r| r.rule == "over-budget").unwrap();
    assert_eq!(rejected.numbers["budget_bytes"], (bytes + 1) as f64);
    let none =
        advised(tables(), &asks, &Options { budget: Some(Budget::PercentOfDatabase(0.0)), ..Options::default() });
    assert!(created(&none).is_empty());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let asks =
        [ask(ORDERS, 100).equal(&[2, 3]).order(4, true), ask(ORDERS, 80).equal(&[6, 2]), ask(ORDERS, 60).range(4)];
    let json = |options: &Options| serde_json::to_string(&advised(tables(), &asks, options)).unwrap();
    assert_eq!(json(&Options::default()), json(&Options::default()));
}

#[test]
fn ids_do_not_depend_on_oids() {
    let asks = [ask(ORDERS, 100).equal(&[2])];
    let first = advised(tables(), &asks, &Options::default());
    let mut moved = tables();
    moved[0].oid = 77_777;
    moved.swap(0, 1);
    let asks = [ask(77_777, 100).equal(&[2])];
    let second = advised(moved, &asks, &Options::default());
    assert_eq!(first.recommendations[0].id, second.recommendations[0].id);
}

#[test]
fn a_foreign_key_whose_parents_are_deleted_gets_its_index() {
    let mut tables = tables();
    tables[1].reltuples = 5000.0;
    tables[0].foreign_keys.push(ForeignKey {
        name: "orders_category_fkey".to_owned(),
        columns: vec![6],
        references: CATEGORIES,
        referenced_columns: vec![1],
        on_delete: ForeignKeyAction::NoAction,
        on_update: ForeignKeyAction::NoAction,
        validated: true,
    });
    let deletes = ask(CATEGORIES, 40).equal(&[1]).writes(WriteKind::Delete, &[1, 2]);
    let report = advised(tables.clone(), &[deletes], &Options::default());
    assert_eq!(created(&report), [["total"]]);
    let create = report.recommendations.iter().find(|r| r.kind == RecommendationKind::CreateIndex).unwrap();
    assert!(create.reason.contains("orders_category_fkey"));
    // Without deletes nobody checks.
    let report = advised(tables, &[ask(CATEGORIES, 40).equal(&[1])], &Options::default());
    assert!(report.recommendations.iter().all(|r| r.table != "public.orders"));
}

#[test]
fn drops_are_guarded() {
    let unused = |oid, name: &str| {
        let mut i = index(oid, name, &[6]);
        i.activity = Some(crate::snapshot::IndexActivity::default());
        i
    };
    let mut tables = tables();
    tables[0].indexes.push(unused(101, "plain"));
    let mut unique = unused(102, "unique");
    unique.unique = true;
    unique.keys = index(0, "", &[5]).keys;
    let mut replica = unused(103, "replica");
    replica.replica_identity = true;
    replica.keys = index(0, "", &[4]).keys;
    tables[0].indexes.extend([unique, replica]);
    let asks = [ask(ORDERS, 1).equal(&[1])];
    let report = advised(tables.clone(), &asks, &Options::default());
    assert_eq!(dropped(&report), ["plain"]);
    // Ten days of counters are less than thirty.
    let options = Options { min_history: std::time::Duration::from_hours(30 * 24), ..Options::default() };
    let report = advised(tables, &asks, &options);
    assert!(dropped(&report).is_empty());
    assert!(report.not_evaluated.iter().any(|n| n.what == "unused indexes"));
}

#[test]
fn counters_never_reset_are_as_old_as_what_they_remember() {
    let mut tables = tables();
    let mut unused = index(101, "plain", &[6]);
    unused.activity = Some(crate::snapshot::IndexActivity::default());
    tables[0].indexes.push(unused);
    let statements = [ask(ORDERS, 1).equal(&[1])];
    let dropped_with = |vacuumed_days_ago: Option<i64>| {
        let (mut snapshot, workload) = shop(tables.clone(), &statements);
        snapshot.server.stats_reset = None;
        let activity = snapshot.catalog.tables[0].activity.get_or_insert_default();
        activity.last_vacuum =
            vacuumed_days_ago.map(|days| snapshot.captured_at - jiff::SignedDuration::from_hours(24 * days));
        dropped(&advise(&snapshot, &workload, None, &Options::default(), &Silent).unwrap())
    };
    assert_eq!(dropped_with(Some(8)), ["plain"]);
    assert!(dropped_with(Some(6)).is_empty());
    assert!(dropped_with(None).is_empty());
}

#[test]
fn of_two_duplicates_one_stays() {
    let mut tables = tables();
    tables[0].indexes.push(index(101, "b_copy", &[6]));
    tables[0].indexes.push(index(102, "c_copy", &[6]));
    let mut backwards = index(103, "d_backwards", &[6]);
    backwards.keys[0].descending = true;
    backwards.keys[0].nulls_first = true;
    tables[0].indexes.push(backwards);
    let report = advised(tables, &[ask(ORDERS, 1).equal(&[1])], &Options::default());
    assert_eq!(dropped(&report).len(), 2, "{:?}", dropped(&report));
    assert!(!dropped(&report).contains(&"orders_pkey".to_owned()));
}

/// A planner that dies when it has answered so many batches.
struct Dying {
    toy: Toy,
    batches_left: usize,
}

impl Dying {
    fn lost<T>(&mut self, asked: usize) -> Option<Vec<Result<T, CostError>>> {
        let left = self.batches_left.checked_sub(1);
        self.batches_left = left.unwrap_or(0);
        let lost = || (0..asked).map(|_| Err(CostError::Lost("the server stopped".to_owned()))).collect();
        left.is_none().then(lost)
    }
}

impl CostSource for Dying {
    fn kind(&self) -> CostSourceKind {
        self.toy.kind()
    }

    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        self.lost(candidates.len()).unwrap_or_else(|| self.toy.register(candidates))
    }

    fn cost(&mut self, requests: &[CostRequest]) -> Vec<Result<Costed, CostError>> {
        self.lost(requests.len()).unwrap_or_else(|| self.toy.cost(requests))
    }

    fn questions_asked(&self) -> u64 {
        self.toy.questions_asked()
    }

    fn can_hide(&self) -> bool {
        self.toy.can_hide()
    }
}

#[test]
fn a_source_that_is_lost_on_the_way_leaves_no_report() {
    let asks = [ask(ORDERS, 100).equal(&[2]), ask(ORDERS, 50).equal(&[2]).order(4, true)];
    let (snapshot, workload) = shop(tables(), &asks);
    let run = |batches_left| {
        let mut source = Dying { toy: Toy::new(&snapshot, &asks), batches_left };
        advise(&snapshot, &workload, Some(&mut source), &Options::default(), &Silent)
    };
    // Whenever it is lost: while candidates are registered, the first costs are asked, or the search goes on.
    let survived = (0..100).find(|batches| run(*batches).is_ok()).unwrap();
    assert!(survived > 2, "{survived}");
    let error = run(survived - 1).unwrap_err();
    assert!(error.to_string().contains("the server stopped"), "{error}");
}

/// As [`advised`], by a planner that can hide existing indexes.
fn advised_hiding(tables: Vec<Table>, asks: &[Ask]) -> Report {
    let (snapshot, workload) = shop(tables, asks);
    let mut toy = Toy::new(&snapshot, asks);
    toy.hides = true;
    advise(&snapshot, &workload, Some(&mut toy), &Options::default(), &Silent).unwrap()
}

#[test]
fn what_is_used_rarely_stays_where_somebody_would_miss_it() {
    let mut tables = tables();
    let mut rare = index(101, "orders_total_idx", &[6]);
    rare.activity.as_mut().unwrap().scans = 0;
    let mut nobodys = index(102, "orders_views_idx", &[5]);
    nobodys.activity.as_mut().unwrap().scans = 0;
    tables[0].indexes.extend([rare, nobodys]);
    // Ten calls in ten days against millions of inserts.
    let asks = [ask(ORDERS, 10).equal(&[6]), ask(ORDERS, 5_000_000).writes(WriteKind::Insert, &[1, 2, 3, 4, 5, 6])];
    let report = advised_hiding(tables, &asks);
    assert_eq!(dropped(&report), ["orders_views_idx"]);
    let kept = report.rejected.iter().find(|r| r.rule == "still-needed").unwrap();
    assert_eq!(kept.columns, ["total"]);
    assert!(kept.numbers["slowdown"] > 20.0, "{:?}", kept.numbers);
    assert_eq!(kept.queryids, ["1000"]);
}

#[test]
fn an_index_that_another_replaces_goes_for_the_sake_of_writes() {
    let mut tables = tables();
    // A range after the equality key serves the equality alone nearly as well: it is no prefix of the other.
    tables[0].indexes.extend([index(101, "orders_a_idx", &[2, 5]), index(102, "orders_b_idx", &[2, 6])]);
    let asks = [ask(ORDERS, 100).equal(&[2]), ask(ORDERS, 5_000_000).writes(WriteKind::Insert, &[1, 2, 3, 4, 5, 6])];
    let report = advised_hiding(tables.clone(), &asks);
    assert_eq!(dropped(&report), ["orders_a_idx"]);
    assert!(report.recommendations[0].write_overhead.table_writes_pct.is_some_and(|pct| pct < 0.0));
    // Nothing is written: nothing is gained.
    let report = advised_hiding(tables, &asks[..1]);
    assert!(dropped(&report).is_empty());
}
