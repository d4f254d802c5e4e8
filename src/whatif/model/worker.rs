//! One thread of the model: prepared statements, known indexes, and the answers.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc;

use rustc_hash::FxHashMap;

use super::Job;
use crate::planner::env::{GinCounts, IndexInfo, IndexRef};
use crate::planner::path::{Attached, Path, RelPaths};
use crate::planner::query::RteKind;
use crate::planner::root::ActiveIndexes;
use crate::planner::{Env, PathKind, Plan, PlannerError, Root, analyze, plan, prep, scan, upper};
use crate::snapshot::{IndexMethod, IndexSpec, Oid, Snapshot, Table};
use crate::sql::{self, quote};
use crate::whatif::ddl::{self, Names};
use crate::whatif::{CandidateId, CostError, CostRequest, Costed, Registered, live, size};

/// Path sets that a worker remembers at most: some megabytes.
const MOST_KNOWN: usize = 2_048;
/// Bytes of a page.
const PAGE: f64 = 8192.0;

/// Works until the source is dropped.
pub(super) fn run(snapshot: &Snapshot, queue: mpsc::Receiver<Job>) {
    let env = Env::new(snapshot);
    let mut state = State::new(&env);
    for job in queue {
        // Who asked may be gone.
        match job {
            Job::Register(candidates, reply) => {
                let _ = reply.send(candidates.iter().map(|(id, spec)| state.register(*id, spec)).collect());
            }
            Job::Explain(request, reply) => {
                let _ = reply.send(state.explain(&request));
            }
            Job::Cost(requests, reply) => {
                let answer = |(position, request): (usize, CostRequest)| (position, state.cost(&request));
                let _ = reply.send(requests.into_iter().map(answer).collect());
            }
        }
    }
}

/// Answers by the number of the final path set.
type Answers = RefCell<FxHashMap<u64, Costed>>;

/// A statement, prepared.
struct Prepared<'a> {
    root: Root<'a>,
    answers: Answers,
    /// Every table that it may scan, partitions included.
    tables: BTreeSet<Oid>,
}

/// A candidate on each table that it would be built on: one, or every leaf of a partitioned table.
struct Candidate {
    infos: Vec<Arc<IndexInfo>>,
}

struct State<'a> {
    env: &'a Env<'a>,
    existing: BTreeMap<Oid, Vec<Arc<IndexInfo>>>,
    /// For each partitioned index, those below it.
    below: BTreeMap<Oid, Vec<Oid>>,
    candidates: BTreeMap<CandidateId, Candidate>,
    prepared: FxHashMap<usize, Result<Prepared<'a>, CostError>>,
    /// Path sets that the statements' levels remember, together.
    known: usize,
    names: Names,
}

impl<'a> State<'a> {
    fn new(env: &'a Env<'a>) -> Self {
        let catalog = &env.snapshot.catalog;
        let mut existing: BTreeMap<Oid, Vec<Arc<IndexInfo>>> = BTreeMap::new();
        let mut below: BTreeMap<Oid, Vec<Oid>> = BTreeMap::new();
        for (table, index) in catalog.indexes() {
            if let Some(parent) = index.parent {
                below.entry(parent).or_default().push(index.oid);
            }
            let bytes = index.bytes.unwrap_or(u64::from(index.relpages) * 8192);
            let height = size::btree_height(&index.spec(table.oid), table, bytes / 8192);
            if let Some(info) = scan::index_info::existing(env, table, index, height) {
                existing.entry(table.oid).or_default().push(info);
            }
        }
        // `RelationGetIndexList` gives them by oid.
        for indexes in existing.values_mut() {
            indexes.sort_by_key(|info| info.id);
        }
        let names = Names::new(catalog);
        Self { env, existing, below, candidates: BTreeMap::new(), prepared: FxHashMap::default(), known: 0, names }
    }

    /// The indexes that exist, on every table.
    fn all_existing(&self) -> ActiveIndexes {
        let mut active = ActiveIndexes::default();
        for table in &self.env.snapshot.catalog.tables {
            if let Some(indexes) = self.existing.get(&table.oid) {
                active.set(table.oid, indexes.clone());
            }
        }
        active
    }

    fn register(&mut self, id: CandidateId, spec: &IndexSpec) -> Result<Registered, CostError> {
        let catalog = &self.env.snapshot.catalog;
        let impossible = |why: &str| CostError::Impossible(why.to_owned());
        let table = catalog.table(spec.table).ok_or_else(|| impossible("the snapshot has no such table"))?;
        let name = self.names.choose(spec, table);
        let mut infos = Vec::new();
        let mut bytes = 0;
        for leaf in ddl::leaves(table.oid, catalog) {
            let own = if leaf.oid == table.oid { Some(spec.clone()) } else { ddl::for_partition(spec, table, leaf) };
            let own = own.ok_or_else(|| impossible("a partition lacks one of the columns"))?;
            let (info, own_bytes) = self.hypothetical(id, &name, &own, leaf)?;
            bytes += own_bytes;
            infos.push(info);
        }
        self.candidates.insert(id, Candidate { infos });
        Ok(Registered { estimated_bytes: Some(bytes) })
    }

    fn hypothetical(
        &self,
        id: CandidateId,
        name: &str,
        spec: &IndexSpec,
        table: &Table,
    ) -> Result<(Arc<IndexInfo>, u64), CostError> {
        let fraction = match &spec.predicate {
            Some(predicate) => self.share(table, predicate)?,
            None => 1.0,
        };
        let unknown = || CostError::Inexpressible("the table's number of rows is not known".to_owned());
        let bytes = size::index_bytes(spec, table, fraction).ok_or_else(unknown)?;
        let pages = (bytes as f64 / PAGE).max(1.0);
        let height = match spec.method {
            IndexMethod::Btree => size::btree_height(spec, table, bytes / 8192),
            _ => 0,
        };
        let tuples = table.rows().unwrap_or(0.0) * fraction;
        let gin: Option<GinCounts> = None;
        let sizes = scan::index_info::Sizes { pages, tuples, tree_height: height, gin };
        scan::index_info::hypothetical(self.env, spec, IndexRef::Candidate(id), name, &sizes)
            .map(|info| (info, bytes))
            .ok_or_else(|| CostError::Inexpressible("the planner model does not know such an index".to_owned()))
    }

    /// The share of a table's rows that a predicate keeps.
    fn share(&self, table: &Table, predicate: &str) -> Result<f64, CostError> {
        let impossible = |why: String| CostError::Impossible(why);
        let name = quote::qualified(&table.schema, &table.name);
        let text = format!("SELECT FROM ONLY {name} WHERE {predicate}");
        let root = prepare_text(self.env, &text).map_err(|error| impossible(error.to_string()))?;
        let rel = root.rels.iter().flatten().next();
        let share = rel.and_then(|rel| Some(rel.rows / rel.base()?.tuples.max(1.0)));
        Ok(share.unwrap_or(1.0).clamp(0.0, 1.0))
    }

    fn cost(&mut self, request: &CostRequest) -> Result<Costed, CostError> {
        let known = |answers: &Answers, number| answers.borrow().get(&number).cloned();
        self.plan(request, |prepared, planned, path| {
            known(&prepared.answers, planned.number).unwrap_or_else(|| {
                let costed = answer(&prepared.root, path, &planned.attached);
                prepared.answers.borrow_mut().insert(planned.number, costed.clone());
                costed
            })
        })
    }

    fn explain(&mut self, request: &CostRequest) -> Result<Plan, CostError> {
        self.plan(request, |prepared, planned, path| Plan {
            root: plan::draw(&prepared.root, path, &planned.attached),
            notes: prepared.root.notes.borrow().clone(),
        })
    }

    /// Plans a statement and reads the plan.
    fn plan<T>(
        &mut self,
        request: &CostRequest,
        read: impl FnOnce(&Prepared<'_>, &RelPaths, &Path) -> T,
    ) -> Result<T, CostError> {
        let env = self.env;
        let prepared = self.prepared.entry(request.statement).or_insert_with(|| prepare(env, request.statement));
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Err(error.clone()),
        };
        let configuration = &request.configuration;
        let mut hidden: BTreeSet<Oid> = BTreeSet::new();
        let mut pending: Vec<Oid> = configuration.without.iter().copied().collect();
        while let Some(oid) = pending.pop() {
            if hidden.insert(oid) {
                pending.extend(self.below.get(&oid).into_iter().flatten());
            }
        }
        let mut active = ActiveIndexes::default();
        for table in &prepared.tables {
            let existing = self.existing.get(table).map_or(&[][..], Vec::as_slice);
            let is_hidden = |id: IndexRef| matches!(id, IndexRef::Existing(oid) if hidden.contains(&oid));
            let mut indexes: Vec<Arc<IndexInfo>> = Vec::with_capacity(existing.len() + configuration.with.len());
            indexes.extend(existing.iter().filter(|info| !is_hidden(info.id)).cloned());
            for id in &configuration.with {
                let infos = self.candidates.get(id).map_or(&[][..], |c| &c.infos);
                indexes.extend(infos.iter().filter(|info| info.table == *table).cloned());
            }
            active.set(*table, indexes);
        }
        let no_plan = || CostError::Statement("the planner model finds no plan for it".to_owned());
        let known = prepared.root.known_sets();
        let planned = upper::plan_level(&prepared.root, &active, None).ok_or_else(no_plan)?;
        let path = upper::best_path(&planned, 0.0).ok_or_else(no_plan)?;
        let read = read(prepared, &planned, path);
        self.known += prepared.root.known_sets() - known;
        if self.known > MOST_KNOWN {
            self.known = 0;
            for prepared in self.prepared.values().flatten() {
                prepared.root.forget_sets();
                prepared.answers.borrow_mut().clear();
            }
        }
        Ok(read)
    }
}

/// The plan of one text with the indexes that exist.
pub(super) fn explain(snapshot: &Snapshot, text: &str) -> Result<Plan, PlannerError> {
    let env = Env::new(snapshot);
    let root = prepare_text(&env, text)?;
    let indexes = State::new(&env).all_existing();
    let no_plan = || PlannerError::Unsupported("this statement: it finds no path".to_owned());
    let rel = upper::plan_level(&root, &indexes, None).ok_or_else(no_plan)?;
    let path = upper::best_path(&rel, 0.0).ok_or_else(no_plan)?;
    let drawn = plan::draw(&root, path, &rel.attached);
    Ok(Plan { root: drawn, notes: root.notes.borrow().clone() })
}

fn prepare_text<'a>(env: &'a Env<'a>, text: &str) -> Result<Root<'a>, PlannerError> {
    let mut parsed = sql::parse(text).map_err(|error| PlannerError::Analyze(error.to_string()))?;
    let (Some(tree), true) = (parsed.pop(), parsed.is_empty()) else {
        return Err(PlannerError::Analyze("the text is not one statement".to_owned()));
    };
    prep::prepare(env, analyze::analyze(env, &tree, &[])?)
}

fn prepare<'a>(env: &'a Env<'a>, statement: usize) -> Result<Prepared<'a>, CostError> {
    let refuse = |why: String| CostError::Statement(why);
    let item = env.snapshot.statements.items.get(statement);
    let item = item.ok_or_else(|| refuse("the snapshot has no such statement".to_owned()))?;
    let root = prepare_text(env, &live::text(item)).map_err(|error| refuse(error.to_string()))?;
    let mut tables = BTreeSet::new();
    collect_tables(&root, &mut tables);
    Ok(Prepared { root, answers: RefCell::default(), tables })
}

/// Tables of a level and of those below it.
fn collect_tables(root: &Root<'_>, tables: &mut BTreeSet<Oid>) {
    for rte in &root.query.rtable {
        if let RteKind::Table(oid) = rte.kind {
            tables.insert(oid);
        }
    }
    let below = root.subplans.iter().map(|s| &*s.root).chain(root.ctes.iter().map(|c| &*c.root));
    for level in below {
        collect_tables(level, tables);
    }
    let mut derived: Vec<_> = root.subqueries.iter().collect();
    derived.sort_by_key(|(rel, _)| **rel);
    for (_, level) in derived {
        collect_tables(level, tables);
    }
}

/// What a plan says.
fn answer(root: &Root<'_>, path: &Path, attached: &[Attached]) -> Costed {
    let mut used = BTreeSet::new();
    let mut used_existing = BTreeSet::new();
    plan::all_indexes(path, attached, &mut |index| match index.id {
        IndexRef::Candidate(id) => {
            used.insert(id);
        }
        IndexRef::Existing(_) => {
            used_existing.insert(index.name.clone());
        }
    });
    let mut scans = BTreeMap::new();
    let mut dearest: Option<(f64, String)> = None;
    describe(root, path, attached, &mut scans, &mut dearest);
    let node = dearest.map_or_else(|| plan::title(path), |(_, description)| description);
    // As EXPLAIN prints it.
    let total_cost = (path.total_cost * 100.0).round() / 100.0;
    Costed { total_cost, rows: path.rows, used, used_existing, scans, node }
}

/// Describes every table scan of a plan, and finds the dearest.
fn describe(
    root: &Root<'_>,
    path: &Path,
    attached: &[Attached],
    scans: &mut BTreeMap<String, String>,
    dearest: &mut Option<(f64, String)>,
) {
    if let Some(rel) = plan::scanned(&path.kind)
        && let Some(table) = root.table(rel)
    {
        let mut description = plan::title(path);
        match &path.kind {
            PathKind::IndexScan(scan) | PathKind::IndexOnlyScan(scan) => {
                description = format!("{description} using {} on {}", scan.index.name, table.name);
            }
            PathKind::BitmapHeapScan { .. } => {
                let mut names = Vec::new();
                plan::indexes(path, &mut |index| names.push(index.name.as_str()));
                description = format!("{description} on {} ({})", table.name, names.join(", "));
            }
            _ => description = format!("{description} on {}", table.name),
        }
        if dearest.as_ref().is_none_or(|(cost, _)| *cost < path.total_cost) {
            *dearest = Some((path.total_cost, description.clone()));
        }
        let alias = root.query.rtable.get(rel).map_or("", |rte| rte.alias.as_str());
        scans.entry(alias.to_owned()).or_insert(description);
    }
    if let PathKind::SubqueryScan { rel, input, .. } = &path.kind {
        if let Some(sub) = root.subqueries.get(rel) {
            describe(sub, input, &[], scans, dearest);
        }
    } else if let PathKind::MinMax { inputs } = &path.kind {
        for (i, input) in inputs.iter().enumerate() {
            if let Some(sub) = plan::level_root(root, crate::planner::path::LevelRef::MinMax(i)) {
                describe(sub, input, &[], scans, dearest);
            }
        }
    } else {
        for input in plan::inputs(&path.kind) {
            describe(root, input, &[], scans, dearest);
        }
    }
    for level in attached {
        let Some(below) = plan::level_root(root, level.level) else { continue };
        match &level.path {
            Some(path) => describe(below, path, &level.below, scans, dearest),
            None => describe_attached(below, &level.below, scans, dearest),
        }
    }
}

fn describe_attached(
    root: &Root<'_>,
    attached: &[Attached],
    scans: &mut BTreeMap<String, String>,
    dearest: &mut Option<(f64, String)>,
) {
    for level in attached {
        let Some(below) = plan::level_root(root, level.level) else { continue };
        match &level.path {
            Some(path) => describe(below, path, &level.below, scans, dearest),
            None => describe_attached(below, &level.below, scans, dearest),
        }
    }
}
