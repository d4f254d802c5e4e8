//! The contest between a relation's paths (`add_path`, `add_partial_path`, `set_cheapest`).

use std::cmp::Ordering;
use std::sync::Arc;

use super::order::{KeysOrder, compare_pathkeys, compare_startup, compare_total};
use super::{Attached, ParamInfo, Path};
use crate::planner::rel::{PathKey, Rel};
use crate::planner::relids::Relids;

/// `STD_FUZZ_FACTOR`.
const FUZZ: f64 = 1.01;
/// Decides between paths that are as good as equal (`add_path`).
const TINY_FUZZ: f64 = 1.000_000_000_1;

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
    /// Its number among those of its level that are remembered ([`crate::planner::known::Known`]); 0 for others.
    pub number: u64,
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

impl RelPaths {
    /// A relation without paths yet.
    pub fn new(rel: Arc<Rel>) -> Self {
        Self {
            number: 0,
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
