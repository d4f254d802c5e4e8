//! A small shop and a toy planner for the unit tests of this folder.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{
    AttrNumber, Catalog, Index, IndexActivity, IndexKey, IndexSpec, KeySpec, KeyTarget, Oid, PlanOutcome,
    RecoveryState, Role, Server, Setting, Snapshot, Statement, StatementSource, Statements, Table, ValuesPolicy,
};
use crate::whatif::fixture::{column, stats, table};
use crate::whatif::{CandidateId, CostError, CostRequest, CostSource, CostSourceKind, Costed, Registered};
use crate::workload::{
    BoundQuery, Comparison, Limit, Operand, Predicate, QueryBlock, QueryKind, Relation, SortKey, Target, Value,
    Workload, WorkloadQuery, Write, WriteKind,
};

pub(super) const ORDERS: Oid = 10;
pub(super) const CATEGORIES: Oid = 20;

/// `orders (1 id, 2 user_id, 3 status, 4 created_at, 5 views, 6 total)`, a million rows; `categories (1 id, 2 slug)`,
/// 300 rows.
pub(super) fn tables() -> Vec<Table> {
    let mut orders = table(
        ORDERS,
        "public",
        "orders",
        vec![
            column(1, "id", "int8", 8),
            column(2, "user_id", "int8", 8),
            column(3, "status", "text", -1),
            column(4, "created_at", "timestamptz", 8),
            column(5, "views", "int4", 4),
            column(6, "total", "numeric", -1),
        ],
    );
    orders.reltuples = 1_000_000.0;
    orders.relpages = 20_000;
    orders.actual_pages = Some(20_000);
    for (at, distinct) in [-1.0, 50_000.0, 5.0, -0.9, 10_000.0, -0.5].into_iter().enumerate() {
        orders.columns[at].stats = Some(stats(distinct, 8, 0.0));
    }
    if let Some(status) = orders.columns[2].stats.as_mut() {
        status.mcv_freqs = vec![0.97, 0.01, 0.01, 0.005, 0.005];
    }
    orders.indexes = vec![index(100, "orders_pkey", &[1])];
    orders.indexes[0].primary = true;
    orders.indexes[0].unique = true;
    orders.indexes[0].constraint = Some("orders_pkey".to_owned());
    let mut categories =
        table(CATEGORIES, "public", "categories", vec![column(1, "id", "int4", 4), column(2, "slug", "text", -1)]);
    categories.reltuples = 300.0;
    categories.relpages = 4;
    categories.actual_pages = Some(4);
    vec![orders, categories]
}

pub(super) fn index(oid: Oid, name: &str, columns: &[AttrNumber]) -> Index {
    let key = |column: &AttrNumber| IndexKey {
        column: Some(*column),
        expression: None,
        ty: None,
        opclass: "int8_ops".to_owned(),
        opclass_is_default: true,
        opclass_options: vec![],
        collation: None,
        collation_is_default: true,
        descending: false,
        nulls_first: false,
        returnable: Some(true),
        stats: None,
    };
    Index {
        oid,
        name: name.to_owned(),
        method_name: "btree".to_owned(),
        keys: columns.iter().map(key).collect(),
        include: vec![],
        predicate: None,
        unique: false,
        nulls_not_distinct: false,
        primary: false,
        exclusion: false,
        constraint: None,
        referenced_by_foreign_keys: vec![],
        replica_identity: false,
        clustered: false,
        immediate: true,
        valid: true,
        ready: true,
        parent: None,
        options: vec![],
        tablespace: None,
        relpages: 3000,
        reltuples: 1_000_000.0,
        bytes: Some(24_000_000),
        tree_height: None,
        gin: None,
        definition: None,
        activity: Some(IndexActivity { scans: 10, ..IndexActivity::default() }),
    }
}

/// A statement under construction.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) table: Oid,
    pub(super) calls: u64,
    equal: Vec<AttrNumber>,
    ranges: Vec<AttrNumber>,
    order: Vec<(AttrNumber, bool)>,
    sets: Option<(WriteKind, Vec<AttrNumber>)>,
    base: f64,
}

pub(super) fn ask(table: Oid, calls: u64) -> Ask {
    Ask { table, calls, equal: vec![], ranges: vec![], order: vec![], sets: None, base: 32_500.0 }
}

impl Ask {
    pub(super) fn equal(mut self, columns: &[AttrNumber]) -> Self {
        self.equal.extend(columns);
        self
    }

    pub(super) fn range(mut self, column: AttrNumber) -> Self {
        self.ranges.push(column);
        self
    }

    pub(super) fn order(mut self, column: AttrNumber, descending: bool) -> Self {
        self.order.push((column, descending));
        self
    }

    /// A write: its own reading is cheap already.
    pub(super) fn writes(mut self, kind: WriteKind, columns: &[AttrNumber]) -> Self {
        self.sets = Some((kind, columns.to_vec()));
        self.base = 8.0;
        self
    }

    fn bound(&self) -> BoundQuery {
        let operand = |c: AttrNumber| Operand { relation: 0, target: Target::Column(c) };
        let predicate = |c: AttrNumber, comparison: Comparison, n: u32| Predicate {
            operand: operand(c),
            comparison,
            value: Value::Parameter(n),
            unsargable: None,
            or_group: None,
            or_branch: 0,
            as_index_predicate: None,
        };
        let mut predicates: Vec<Predicate> = self.equal.iter().map(|c| predicate(*c, Comparison::Eq, 1)).collect();
        predicates.extend(self.ranges.iter().map(|c| predicate(*c, Comparison::Greater, 2)));
        let kind = match &self.sets {
            None => QueryKind::Select,
            Some((WriteKind::Insert, _)) => QueryKind::Insert,
            Some((WriteKind::Update, _)) => QueryKind::Update,
            Some((WriteKind::Delete, _)) => QueryKind::Delete,
        };
        let block = QueryBlock {
            relations: vec![Relation {
                table: Some(self.table),
                alias: "t".to_owned(),
                columns: (1..=6).collect(),
                whole_row: true,
                needs_heap: self.sets.is_some(),
                nullable: false,
            }],
            predicates,
            order_by: self
                .order
                .iter()
                .map(|(c, descending)| SortKey {
                    operand: operand(*c),
                    descending: *descending,
                    nulls_first: *descending,
                    distance: None,
                })
                .collect(),
            limit: (!self.order.is_empty()).then_some(Limit::Rows(10)),
            ..QueryBlock::default()
        };
        BoundQuery {
            kind,
            blocks: vec![block],
            writes: self
                .sets
                .iter()
                .map(|(kind, columns)| Write {
                    table: self.table,
                    kind: *kind,
                    columns: columns.iter().copied().collect(),
                })
                .collect(),
            locks_rows: false,
            functions: BTreeSet::new(),
            parameters: 2,
            unresolved: vec![],
        }
    }

    /// The toy planner's cost with these keys: a hundredth for each leading equality, a tenth for a range after them,
    /// a twentieth for the whole order after them.
    fn cost_with(&self, keys: &[KeySpec]) -> f64 {
        let columns: Vec<AttrNumber> = keys
            .iter()
            .map(|k| match k.target {
                KeyTarget::Column(c) => c,
                KeyTarget::Expression(_) => 0,
            })
            .collect();
        let leading = columns.iter().take_while(|c| self.equal.contains(c)).count();
        let mut factor = 0.01_f64.powi(i32::try_from(leading).unwrap_or(0));
        let rest = &keys[leading..];
        let ordered = !self.order.is_empty()
            && leading == self.equal.len()
            && rest.len() >= self.order.len()
            && (rest.iter().zip(&self.order).all(|(k, o)| k.target == KeyTarget::Column(o.0) && k.descending == o.1)
                || rest
                    .iter()
                    .zip(&self.order)
                    .all(|(k, o)| k.target == KeyTarget::Column(o.0) && k.descending != o.1));
        if ordered {
            factor *= 0.05;
        } else if rest.first().is_some_and(|k| self.ranges.iter().any(|r| k.target == KeyTarget::Column(*r))) {
            factor *= 0.1;
        }
        if factor < 1.0 { self.base * factor + 8.0 } else { self.base }
    }
}

/// A snapshot taken ten days after the counters began, with its workload.
pub(super) fn shop(tables: Vec<Table>, asks: &[Ask]) -> (Snapshot, Workload) {
    let captured_at: jiff::Timestamp = "2026-01-11T00:00:00Z".parse().unwrap();
    let since: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let items: Vec<Statement> = asks
        .iter()
        .enumerate()
        .map(|(i, a)| Statement {
            queryid: format!("{}", 1000 + i),
            user: None,
            query: format!("select {i}"),
            calls: a.calls,
            total_ms: a.calls as f64 * a.base / 100.0,
            mean_ms: a.base / 100.0,
            min_ms: None,
            max_ms: None,
            stddev_ms: None,
            plan_ms: None,
            rows: a.calls,
            blocks: crate::snapshot::Blocks::default(),
            wal_bytes: None,
            plan: PlanOutcome::NotAsked,
        })
        .collect();
    let snapshot = Snapshot {
        schema_version: 1,
        tool: "pgwise test".to_owned(),
        captured_at,
        values: ValuesPolicy::Safe,
        server: Server {
            version_num: 150_018,
            version: "15.18".to_owned(),
            database: "shop".to_owned(),
            database_bytes: Some(1_000_000_000),
            system_identifier: None,
            started_at: None,
            stats_reset: Some(since),
            blocks_hit: None,
            blocks_read: None,
            settings: BTreeMap::<String, Setting>::new(),
            extensions: vec![],
            tablespaces: vec![],
            role: Role {
                name: "r".to_owned(),
                superuser: false,
                read_all_stats: true,
                read_all_settings: true,
                read_all_data: true,
                create_in_database: true,
            },
            recovery: RecoveryState::Primary,
            search_path: vec!["public".to_owned()],
        },
        catalog: Catalog { tables, ..Catalog::default() },
        schema: None,
        statements: Statements {
            source: StatementSource::PgStatStatements,
            since: Some(since),
            interval_ms: None,
            reset_during_interval: false,
            evicted: None,
            total_calls: items.iter().map(|s| s.calls).sum(),
            total_time_ms: items.iter().map(|s| s.total_ms).sum(),
            items,
            left_out: vec![],
        },
        not_seen: vec![],
    };
    let queries = asks.iter().enumerate().map(|(statement, a)| WorkloadQuery { statement, bound: a.bound() }).collect();
    (snapshot, Workload { queries, skipped: vec![] })
}

/// A planner that knows only the asks and the existing indexes of their tables.
pub(super) struct Toy {
    asks: Vec<Ask>,
    existing: BTreeMap<Oid, Vec<(Oid, String, Vec<KeySpec>)>>,
    specs: BTreeMap<CandidateId, IndexSpec>,
    pub(super) questions: u64,
    /// Whether it can hide existing indexes.
    pub(super) hides: bool,
}

impl Toy {
    pub(super) fn new(snapshot: &Snapshot, asks: &[Ask]) -> Self {
        let existing = snapshot
            .catalog
            .tables
            .iter()
            .map(|t| (t.oid, t.indexes.iter().map(|i| (i.oid, i.name.clone(), i.spec(t.oid).keys)).collect()))
            .collect();
        Self { asks: asks.to_vec(), existing, specs: BTreeMap::new(), questions: 0, hides: false }
    }
}

impl CostSource for Toy {
    fn kind(&self) -> CostSourceKind {
        CostSourceKind::Hypopg
    }

    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        self.specs.extend(candidates.iter().cloned());
        candidates.iter().map(|_| Ok(Registered { estimated_bytes: None })).collect()
    }

    fn cost(&mut self, requests: &[CostRequest]) -> Vec<Result<Costed, CostError>> {
        self.questions += requests.len() as u64;
        requests
            .iter()
            .map(|request| {
                let ask = &self.asks[request.statement];
                let mut best = (ask.base, None, None);
                let seen = self.existing.get(&ask.table).into_iter().flatten();
                for (_, name, keys) in seen.filter(|(oid, ..)| !request.configuration.without.contains(oid)) {
                    let cost = ask.cost_with(keys);
                    if cost < best.0 {
                        best = (cost, None, Some(name.clone()));
                    }
                }
                for id in &request.configuration.with {
                    let spec = &self.specs[id];
                    let cost = if spec.table == ask.table { ask.cost_with(&spec.keys) } else { ask.base };
                    if cost < best.0 {
                        best = (cost, Some(*id), None);
                    }
                }
                Ok(Costed {
                    total_cost: best.0,
                    rows: 1.0,
                    used: best.1.into_iter().collect(),
                    used_existing: best.2.into_iter().collect(),
                    scans: BTreeMap::new(),
                    node: if best.1.is_some() { "Index Scan".to_owned() } else { "Seq Scan".to_owned() },
                    by: CostSourceKind::Hypopg,
                })
            })
            .collect()
    }

    fn questions_asked(&self) -> u64 {
        self.questions
    }

    fn can_hide(&self) -> bool {
        self.hides
    }
}
