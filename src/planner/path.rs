//! Paths: ways to compute a relation, and the contest between them (`pathnode.c`).

use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use super::env::IndexInfo;
use super::query::JoinType;
use super::rel::{PathKey, PathTarget, Rel, Restrict};
use super::relids::{RelId, Relids};
use crate::snapshot::Oid;

/// `STD_FUZZ_FACTOR`.
const FUZZ: f64 = 1.01;
/// Decides between paths that are as good as equal (`add_path`).
const TINY_FUZZ: f64 = 1.000_000_000_1;

/// A way to compute a relation.
#[derive(Debug, Clone)]
pub struct Path {
    /// What it does.
    pub kind: PathKind,
    /// What it computes.
    pub relids: Relids,
    /// What it emits.
    pub target: Arc<PathTarget>,
    /// Rows (per worker, for a partial path; per outer row, for a parameterised one).
    pub rows: f64,
    /// Cost before the first row.
    pub startup_cost: f64,
    /// Cost to the end.
    pub total_cost: f64,
    /// Nodes of disabled kinds (18+; always 0 before, where [`DISABLE_COST`] is added instead).
    pub disabled_nodes: u32,
    /// Order of the rows.
    pub pathkeys: Arc<[PathKey]>,
    /// Set for a parameterised path.
    pub param: Option<Arc<ParamInfo>>,
    /// Workers share the work.
    pub parallel_aware: bool,
    /// May run in a worker.
    pub parallel_safe: bool,
    /// Workers planned for.
    pub workers: u32,
}

/// `disable_cost` of costsize.c, before 18.
pub const DISABLE_COST: f64 = 1.0e10;

/// What a parameterised path needs (`ParamPathInfo`).
#[derive(Debug, Clone)]
pub struct ParamInfo {
    /// Relations that must supply values.
    pub required_outer: Relids,
    /// Rows per outer row.
    pub rows: f64,
    /// Join clauses that the path applies.
    pub clauses: Vec<Arc<Restrict>>,
}

/// One condition that an index scan uses: which key column, and the conditions (with commuted or derived forms).
#[derive(Debug, Clone)]
pub struct IndexClause {
    /// The original.
    pub restrict: Arc<Restrict>,
    /// As the index applies them (`indexquals`).
    pub quals: Vec<Arc<Restrict>>,
    /// Must be rechecked.
    pub lossy: bool,
    /// Key column, from 0.
    pub column: usize,
}

/// An index scan's particulars (`IndexPath`).
#[derive(Debug, Clone)]
pub struct IndexScan {
    /// The index.
    pub index: Arc<IndexInfo>,
    /// Range-table entry scanned.
    pub rel: RelId,
    /// Conditions that the index applies.
    pub clauses: Vec<IndexClause>,
    /// Whether ordering operators of a KNN scan are used.
    pub order_by: bool,
    /// Backward.
    pub backward: bool,
    /// The index part's cost and selectivity, for bitmap scans (`indextotalcost`, `indexselectivity`).
    pub index_cost: f64,
    /// See `index_cost`.
    pub selectivity: f64,
    /// Rows of the scan, what is put into a bitmap.
    pub rows: f64,
    /// The partial predicate, over the relation's own columns.
    pub predicate: Arc<[Arc<Restrict>]>,
}

/// A tree of bitmaps.
#[derive(Debug, Clone)]
pub enum Bitmap {
    /// One index.
    Index(Arc<IndexScan>),
    /// BitmapAnd.
    And(BitmapSet),
    /// BitmapOr.
    Or(BitmapSet),
}

/// Bitmaps combined.
#[derive(Debug, Clone)]
pub struct BitmapSet {
    /// What is combined.
    pub inputs: Vec<Bitmap>,
    /// Cost of making the bitmap.
    pub cost: f64,
    /// Its selectivity.
    pub selectivity: f64,
}

/// How an aggregate works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `AggStrategy`")]
pub enum AggStrategy {
    Plain,
    Sorted,
    Hashed,
    Mixed,
}

/// Which part of a split aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `AggSplit`")]
pub enum AggSplit {
    Simple,
    Partial,
    Finalize,
}

/// What a path does, with its inputs.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are EXPLAIN's, the fields say what they hold")]
pub enum PathKind {
    SeqScan {
        rel: RelId,
    },
    SampleScan {
        rel: RelId,
    },
    TidScan {
        rel: RelId,
    },
    IndexScan(IndexScan),
    IndexOnlyScan(IndexScan),
    BitmapHeapScan {
        rel: RelId,
        bitmap: Bitmap,
    },
    SubqueryScan {
        rel: RelId,
        input: Arc<Path>,
        filter: bool,
    },
    FunctionScan {
        rel: RelId,
    },
    ValuesScan {
        rel: RelId,
    },
    CteScan {
        rel: RelId,
        name: String,
    },
    WorkTableScan {
        rel: RelId,
    },
    ForeignScan {
        rel: RelId,
    },
    Result {
        input: Option<Arc<Path>>,
    },
    /// A Result over subqueries that each give an extreme.
    MinMax {
        inputs: Vec<Arc<Path>>,
    },
    ProjectSet {
        input: Arc<Path>,
    },
    Append {
        inputs: Vec<Arc<Path>>,
        first_partial: usize,
    },
    MergeAppend {
        inputs: Vec<Arc<Path>>,
    },
    NestLoop(JoinPath),
    MergeJoin {
        join: JoinPath,
        sort_outer: Vec<PathKey>,
        sort_inner: Vec<PathKey>,
        materialize_inner: bool,
    },
    HashJoin {
        join: JoinPath,
        batches: u32,
    },
    Material {
        input: Arc<Path>,
    },
    /// With what reading it again costs, start and in total (`cost_memoize_rescan`).
    Memoize {
        input: Arc<Path>,
        keys: usize,
        rescan: (f64, f64),
    },
    Sort {
        input: Arc<Path>,
    },
    IncrementalSort {
        input: Arc<Path>,
        presorted: usize,
    },
    Unique {
        input: Arc<Path>,
    },
    Gather {
        input: Arc<Path>,
    },
    GatherMerge {
        input: Arc<Path>,
    },
    Agg {
        input: Arc<Path>,
        strategy: AggStrategy,
        split: AggSplit,
    },
    Group {
        input: Arc<Path>,
    },
    WindowAgg {
        input: Arc<Path>,
    },
    SetOp {
        inputs: Vec<Arc<Path>>,
        hashed: bool,
        name: &'static str,
    },
    RecursiveUnion {
        left: Arc<Path>,
        right: Arc<Path>,
    },
    LockRows {
        input: Arc<Path>,
    },
    Limit {
        input: Arc<Path>,
    },
    ModifyTable {
        operation: &'static str,
        table: Oid,
        input: Arc<Path>,
    },
}

/// A join's inputs.
#[derive(Debug, Clone)]
pub struct JoinPath {
    /// Which join.
    pub kind: JoinType,
    /// Outer input.
    pub outer: Arc<Path>,
    /// Inner input.
    pub inner: Arc<Path>,
    /// Each outer row meets at most one inner row (`inner_unique`).
    pub inner_unique: bool,
    /// Conditions applied by the join.
    pub restrict: Vec<Arc<Restrict>>,
    /// Of these, the merge or hash clauses.
    pub clauses: Vec<Arc<Restrict>>,
}

impl Path {
    /// Relations that must supply parameters (`PATH_REQ_OUTER`).
    pub fn required_outer(&self) -> Relids {
        self.param.as_ref().map_or(Relids::EMPTY, |p| p.required_outer)
    }

    /// The order that counts in a contest: a parameterised path's never does.
    fn contest_pathkeys(&self) -> &[PathKey] {
        if self.param.is_some() { &[] } else { &self.pathkeys }
    }
}

/// No order.
pub fn no_keys() -> Arc<[PathKey]> {
    static NONE: LazyLock<Arc<[PathKey]>> = LazyLock::new(|| Arc::from([]));
    Arc::clone(&NONE)
}

/// How two orders compare (`compare_pathkeys`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysOrder {
    /// The same.
    Equal,
    /// The first begins with the second.
    Better1,
    /// The second begins with the first.
    Better2,
    /// Neither.
    Different,
}

/// Compares two orders.
pub fn compare_pathkeys(a: &[PathKey], b: &[PathKey]) -> KeysOrder {
    if a.iter().zip(b).any(|(x, y)| x != y) {
        return KeysOrder::Different;
    }
    match a.len().cmp(&b.len()) {
        Ordering::Equal => KeysOrder::Equal,
        Ordering::Greater => KeysOrder::Better1,
        Ordering::Less => KeysOrder::Better2,
    }
}

/// Whether rows in the order `have` are in the order `want` too (`pathkeys_contained_in`).
pub fn pathkeys_contained_in(want: &[PathKey], have: &[PathKey]) -> bool {
    have.starts_with(want)
}

/// How many leading keys agree (`pathkeys_count_contained_in`).
pub fn pathkeys_common(want: &[PathKey], have: &[PathKey]) -> usize {
    want.iter().zip(have).take_while(|(a, b)| a == b).count()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CostOrder {
    Equal,
    Better1,
    Better2,
    Different,
}

/// A relation with its paths under one configuration.
#[derive(Debug, Clone)]
pub struct RelPaths {
    /// The relation.
    pub rel: Arc<Rel>,
    /// Paths, by ascending total cost.
    pub paths: Vec<Arc<Path>>,
    /// Partial paths, by ascending total cost.
    pub partial: Vec<Arc<Path>>,
    /// The cheapest to start, unparameterised.
    pub cheapest_startup: Option<Arc<Path>>,
    /// The cheapest in total, unparameterised if there is one.
    pub cheapest_total: Option<Arc<Path>>,
    /// The cheapest unparameterised and every parameterised path that survived (`cheapest_parameterized_paths`).
    pub cheapest_parameterized: Vec<Arc<Path>>,
    /// What is known of a join's parameterised paths, by what they need (`ppilist`).
    pub params: Vec<Arc<ParamInfo>>,
    /// For a level's final relation: the plans of the levels below it.
    pub attached: Vec<Attached>,
}

/// The plan of a level below another.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Which level.
    pub level: LevelRef,
    /// Its plan, where no node of the level above has it as an input.
    pub path: Option<Arc<Path>>,
    /// Plans of the levels below it.
    pub below: Vec<Attached>,
}

/// A level below another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LevelRef {
    /// A WITH query, by its position in [`super::Root::ctes`].
    Cte(usize),
    /// A subquery in an expression, by its position in [`super::Root::subplans`]; evaluated once (`InitPlan`) or not.
    SubPlan(usize, bool),
    /// A subquery in FROM.
    Subquery(RelId),
    /// One of the levels that give an extreme.
    MinMax(usize),
}

impl RelPaths {
    /// A relation without paths yet.
    pub fn new(rel: Arc<Rel>) -> Self {
        Self {
            rel,
            paths: Vec::new(),
            partial: Vec::new(),
            cheapest_startup: None,
            cheapest_total: None,
            cheapest_parameterized: Vec::new(),
            params: Vec::new(),
            attached: Vec::new(),
        }
    }

    fn startup_counts(&self, path: &Path) -> bool {
        if path.param.is_some() { self.rel.consider_param_startup } else { self.rel.consider_startup }
    }

    /// `compare_path_costs_fuzzily`.
    fn compare(&self, a: &Path, b: &Path, fuzz: f64) -> CostOrder {
        match a.disabled_nodes.cmp(&b.disabled_nodes) {
            Ordering::Less => return CostOrder::Better1,
            Ordering::Greater => return CostOrder::Better2,
            Ordering::Equal => {}
        }
        if a.total_cost > b.total_cost * fuzz {
            let fast_start = self.startup_counts(a) && b.startup_cost > a.startup_cost * fuzz;
            return if fast_start { CostOrder::Different } else { CostOrder::Better2 };
        }
        if b.total_cost > a.total_cost * fuzz {
            let fast_start = self.startup_counts(b) && a.startup_cost > b.startup_cost * fuzz;
            return if fast_start { CostOrder::Different } else { CostOrder::Better1 };
        }
        if a.startup_cost > b.startup_cost * fuzz {
            CostOrder::Better2
        } else if b.startup_cost > a.startup_cost * fuzz {
            CostOrder::Better1
        } else {
            CostOrder::Equal
        }
    }

    /// Adds a path if none that is there is as good in every respect, and removes those that it beats (`add_path`).
    pub fn add(&mut self, new: Path) {
        if let Some(at) = self.place(&new) {
            self.paths.insert(at, Arc::new(new));
        }
    }

    /// [`RelPaths::add`] for a path that is shared already.
    pub fn add_shared(&mut self, new: &Arc<Path>) {
        if let Some(at) = self.place(new) {
            self.paths.insert(at, Arc::clone(new));
        }
    }

    /// Where a path belongs if it survives the contest; removes those that it beats.
    fn place(&mut self, new: &Path) -> Option<usize> {
        let mut insert_at = 0;
        let mut i = 0;
        while let Some(old) = self.paths.get(i) {
            match self.contest(new, old) {
                Contest::OldWins => return None,
                Contest::NewWins => {
                    self.paths.remove(i);
                    continue;
                }
                Contest::Both => {}
            }
            if (new.disabled_nodes, new.total_cost) >= (old.disabled_nodes, old.total_cost) {
                insert_at = i + 1;
            }
            i += 1;
        }
        Some(insert_at.min(self.paths.len()))
    }

    fn contest(&self, new: &Path, old: &Path) -> Contest {
        let cost = self.compare(new, old, FUZZ);
        if cost == CostOrder::Different {
            return Contest::Both;
        }
        let keys = compare_pathkeys(new.contest_pathkeys(), old.contest_pathkeys());
        if keys == KeysOrder::Different {
            return Contest::Both;
        }
        let (outer_new, outer_old) = (new.required_outer(), old.required_outer());
        let new_covers =
            outer_new.is_subset(outer_old) && new.rows <= old.rows && new.parallel_safe >= old.parallel_safe;
        let old_covers =
            outer_old.is_subset(outer_new) && new.rows >= old.rows && new.parallel_safe <= old.parallel_safe;
        match cost {
            CostOrder::Equal => match keys {
                KeysOrder::Better1 => Contest::new_if(new_covers),
                KeysOrder::Better2 => Contest::old_if(old_covers),
                _ if outer_new == outer_old => self.tie(new, old),
                _ if new_covers => Contest::NewWins,
                _ => Contest::old_if(old_covers),
            },
            CostOrder::Better1 => Contest::new_if(keys != KeysOrder::Better2 && new_covers),
            CostOrder::Better2 => Contest::old_if(keys != KeysOrder::Better1 && old_covers),
            CostOrder::Different => Contest::Both,
        }
    }

    /// Same cost, same order, same parameters: safety, rows, then the last digit.
    fn tie(&self, new: &Path, old: &Path) -> Contest {
        let safety = new.parallel_safe.cmp(&old.parallel_safe);
        let rows = old.rows.partial_cmp(&new.rows).unwrap_or(Ordering::Equal);
        match safety.then(rows) {
            Ordering::Greater => Contest::NewWins,
            Ordering::Equal if self.compare(new, old, TINY_FUZZ) == CostOrder::Better1 => Contest::NewWins,
            Ordering::Less | Ordering::Equal => Contest::OldWins,
        }
    }

    /// Whether a path of these figures could survive [`RelPaths::add`] (`add_path_precheck`): a quick no.
    pub fn could_add(
        &self,
        disabled_nodes: u32,
        startup_cost: f64,
        total_cost: f64,
        pathkeys: &[PathKey],
        required_outer: Relids,
    ) -> bool {
        let param = !required_outer.is_empty();
        let keys: &[PathKey] = if param { &[] } else { pathkeys };
        let startup_counts = if param { self.rel.consider_param_startup } else { self.rel.consider_startup };
        for old in &self.paths {
            if disabled_nodes < old.disabled_nodes {
                break;
            }
            if disabled_nodes == old.disabled_nodes && total_cost <= old.total_cost * FUZZ {
                break;
            }
            if (!startup_counts || startup_cost > old.startup_cost * FUZZ)
                && old.required_outer() == required_outer
                && matches!(compare_pathkeys(keys, old.contest_pathkeys()), KeysOrder::Equal | KeysOrder::Better2)
            {
                return false;
            }
        }
        true
    }

    /// Whether a partial path of these figures could survive [`RelPaths::add_partial`], and be of use when gathered
    /// (`add_partial_path_precheck`).
    pub fn could_add_partial(&self, disabled_nodes: u32, total_cost: f64, pathkeys: &[PathKey]) -> bool {
        for old in &self.partial {
            let keys = compare_pathkeys(pathkeys, &old.pathkeys);
            if keys == KeysOrder::Different {
                continue;
            }
            let dearer = disabled_nodes > old.disabled_nodes
                || (disabled_nodes == old.disabled_nodes && total_cost > old.total_cost * FUZZ);
            if dearer && keys != KeysOrder::Better1 {
                return false;
            }
            let cheaper = disabled_nodes < old.disabled_nodes
                || (disabled_nodes == old.disabled_nodes && old.total_cost > total_cost * FUZZ);
            if cheaper && keys != KeysOrder::Better2 {
                return true;
            }
        }
        self.could_add(disabled_nodes, total_cost, total_cost, pathkeys, Relids::EMPTY)
    }

    /// Adds a partial path (`add_partial_path`): total cost and order alone count.
    pub fn add_partial(&mut self, new: Path) {
        if let Some(at) = self.place_partial(&new) {
            self.partial.insert(at, Arc::new(new));
        }
    }

    /// [`RelPaths::add_partial`] for a path that is shared already.
    pub fn add_shared_partial(&mut self, new: &Arc<Path>) {
        if let Some(at) = self.place_partial(new) {
            self.partial.insert(at, Arc::clone(new));
        }
    }

    fn place_partial(&mut self, new: &Path) -> Option<usize> {
        let mut insert_at = 0;
        let mut i = 0;
        while let Some(old) = self.partial.get(i) {
            let keys = compare_pathkeys(&new.pathkeys, &old.pathkeys);
            if keys != KeysOrder::Different {
                let new_wins = match new.disabled_nodes.cmp(&old.disabled_nodes) {
                    Ordering::Greater if keys != KeysOrder::Better1 => Some(false),
                    Ordering::Less if keys != KeysOrder::Better2 => Some(true),
                    Ordering::Greater | Ordering::Less => None,
                    Ordering::Equal if new.total_cost > old.total_cost * FUZZ => {
                        (keys != KeysOrder::Better1).then_some(false)
                    }
                    Ordering::Equal if old.total_cost > new.total_cost * FUZZ => {
                        (keys != KeysOrder::Better2).then_some(true)
                    }
                    Ordering::Equal => Some(match keys {
                        KeysOrder::Better1 => true,
                        KeysOrder::Better2 => false,
                        _ => old.total_cost > new.total_cost * TINY_FUZZ,
                    }),
                };
                match new_wins {
                    Some(true) => {
                        self.partial.remove(i);
                        continue;
                    }
                    Some(false) => return None,
                    None => {}
                }
            }
            if new.total_cost >= old.total_cost {
                insert_at = i + 1;
            }
            i += 1;
        }
        Some(insert_at.min(self.partial.len()))
    }

    /// Finds the cheapest paths (`set_cheapest`).
    pub fn set_cheapest(&mut self) {
        let mut startup: Option<&Arc<Path>> = None;
        let mut total: Option<&Arc<Path>> = None;
        let mut best_param: Option<&Arc<Path>> = None;
        let mut parameterized: Vec<Arc<Path>> = Vec::new();
        for path in &self.paths {
            if path.param.is_some() {
                parameterized.push(Arc::clone(path));
                best_param = Some(best_param.map_or(path, |best| better_parameterized(best, path)));
                continue;
            }
            startup = Some(startup.map_or(path, |best| cheaper(best, path, compare_startup)));
            total = Some(total.map_or(path, |best| cheaper(best, path, compare_total)));
        }
        if let Some(total) = total {
            parameterized.insert(0, Arc::clone(total));
        }
        self.cheapest_startup = startup.cloned();
        self.cheapest_total = total.or(best_param).cloned();
        self.cheapest_parameterized = parameterized;
    }
}

enum Contest {
    NewWins,
    OldWins,
    Both,
}

impl Contest {
    fn new_if(wins: bool) -> Self {
        if wins { Self::NewWins } else { Self::Both }
    }

    fn old_if(wins: bool) -> Self {
        if wins { Self::OldWins } else { Self::Both }
    }
}

fn better_parameterized<'p>(best: &'p Arc<Path>, path: &'p Arc<Path>) -> &'p Arc<Path> {
    let (a, b) = (path.required_outer(), best.required_outer());
    let better = if a == b {
        compare_total(path, best) == Ordering::Less
    } else {
        // Fewer parameters win outright.
        a.is_subset(b)
    };
    if better { path } else { best }
}

fn cheaper<'p>(best: &'p Arc<Path>, path: &'p Arc<Path>, compare: fn(&Path, &Path) -> Ordering) -> &'p Arc<Path> {
    match compare(best, path) {
        Ordering::Greater => path,
        Ordering::Equal if compare_pathkeys(&best.pathkeys, &path.pathkeys) == KeysOrder::Better2 => path,
        Ordering::Equal | Ordering::Less => best,
    }
}

/// By total cost, then startup cost (`compare_path_costs` with `TOTAL_COST`).
pub fn compare_total(a: &Path, b: &Path) -> Ordering {
    let by = |x: f64, y: f64| x.partial_cmp(&y).unwrap_or(Ordering::Equal);
    a.disabled_nodes
        .cmp(&b.disabled_nodes)
        .then(by(a.total_cost, b.total_cost))
        .then(by(a.startup_cost, b.startup_cost))
}

/// By startup cost, then total cost.
pub fn compare_startup(a: &Path, b: &Path) -> Ordering {
    let by = |x: f64, y: f64| x.partial_cmp(&y).unwrap_or(Ordering::Equal);
    a.disabled_nodes
        .cmp(&b.disabled_nodes)
        .then(by(a.startup_cost, b.startup_cost))
        .then(by(a.total_cost, b.total_cost))
}

/// The path that is cheapest when a share of the rows is fetched (`compare_fractional_path_costs`); a fraction of 0 or
/// 1 and above means all.
pub fn compare_fractional(a: &Path, b: &Path, fraction: f64) -> Ordering {
    if fraction <= 0.0 || fraction >= 1.0 {
        return compare_total(a, b);
    }
    let cost = |p: &Path| p.startup_cost + fraction * (p.total_cost - p.startup_cost);
    a.disabled_nodes.cmp(&b.disabled_nodes).then(cost(a).partial_cmp(&cost(b)).unwrap_or(Ordering::Equal))
}

/// The cheapest path, unparameterised or with parameters within `required_outer`, that has an order
/// (`get_cheapest_path_for_pathkeys`).
pub fn cheapest_for_pathkeys<'p>(
    paths: &'p [Arc<Path>],
    pathkeys: &[PathKey],
    required_outer: Relids,
    compare: fn(&Path, &Path) -> Ordering,
    parallel_safe: bool,
) -> Option<&'p Arc<Path>> {
    let mut best: Option<&Arc<Path>> = None;
    for path in paths {
        if best.is_some_and(|b| compare(b, path) != Ordering::Greater) || (parallel_safe && !path.parallel_safe) {
            continue;
        }
        if pathkeys_contained_in(pathkeys, &path.pathkeys) && path.required_outer().is_subset(required_outer) {
            best = Some(path);
        }
    }
    best
}

/// `clamp_row_est`: a whole number of at least one row.
pub fn clamp_rows(rows: f64) -> f64 {
    if rows > 1e100 || rows.is_nan() {
        1e100
    } else if rows <= 1.0 {
        1.0
    } else {
        rows.round_ties_even()
    }
}
