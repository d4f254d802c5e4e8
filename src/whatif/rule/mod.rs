//! Rules of thumb over the captured plans: what answers where no planner can be asked, and for the kinds of index that
//! HypoPG cannot imagine.
//!
//! In: the snapshot (plans, statistics, settings) and the bound queries. Out: the captured plan's cost with the scans
//! that a candidate would serve made cheaper, by the formulas of PostgreSQL's own cost model, and everything above
//! them by no more than that. Joins keep their order and method, so a gain is understated rather than overstated.

mod access;
mod selectivity;
mod serve;

use std::collections::{BTreeMap, BTreeSet};

pub use selectivity::{Estimate, selectivity, selectivity_of_all};

use super::ddl::Names;
use super::{CandidateId, CostError, CostRequest, CostSource, CostSourceKind, Costed, Registered, size};
use crate::plan::{Explain, NodeId, ParentRelationship, PlanNode};
use crate::snapshot::{IndexMethod, IndexSpec, KeyTarget, PlanOutcome, Snapshot, Table};
use crate::workload::{BoundQuery, QueryBlock, Workload};
use access::{CostConstants, IndexAccess};
use serve::Service;

/// Bytes of a page.
const PAGE: f64 = 8192.0;

/// The rule source.
#[derive(Debug)]
pub struct Rule<'a> {
    snapshot: &'a Snapshot,
    queries: BTreeMap<usize, &'a BoundQuery>,
    candidates: BTreeMap<CandidateId, Candidate>,
    plans: BTreeMap<usize, Result<Explain, String>>,
    constants: CostConstants,
    asked: u64,
}

#[derive(Debug)]
struct Candidate {
    spec: IndexSpec,
    name: String,
}

/// A scan that a candidate makes cheaper.
struct Better {
    candidate: CandidateId,
    cost: f64,
    description: String,
}

impl<'a> Rule<'a> {
    /// Looks at a snapshot and its bound queries.
    pub fn new(snapshot: &'a Snapshot, workload: &'a Workload) -> Self {
        Self {
            snapshot,
            queries: workload.queries.iter().map(|q| (q.statement, &q.bound)).collect(),
            candidates: BTreeMap::new(),
            plans: BTreeMap::new(),
            constants: CostConstants::of(&snapshot.server),
            asked: 0,
        }
    }

    fn answer(&self, request: &CostRequest) -> Result<Costed, CostError> {
        if !request.configuration.without.is_empty() {
            return Err(CostError::Inexpressible("a rule cannot tell what a missing index would cost".to_owned()));
        }
        let plan = self.plans.get(&request.statement);
        let explain = match plan {
            Some(Ok(explain)) => explain,
            Some(Err(why)) => return Err(CostError::Statement(why.clone())),
            None => return Err(CostError::Statement("the snapshot has no such statement".to_owned())),
        };
        let query = self.queries.get(&request.statement);
        let mut savings: BTreeMap<NodeId, f64> = BTreeMap::new();
        let mut costed = Costed {
            total_cost: explain.total_cost(),
            rows: explain.root().plan_rows,
            used: BTreeSet::new(),
            used_existing: explain.indexes_used().into_iter().map(str::to_owned).collect(),
            scans: BTreeMap::new(),
            node: String::new(),
            by: CostSourceKind::Rule,
        };
        let mut dearest: Option<f64> = None;
        for node in explain.scans() {
            let better = query.and_then(|query| self.best(query, node, &request.configuration.with));
            let description = match better {
                Some(better) => {
                    savings.insert(node.id, node.total_cost - better.cost);
                    costed.used.insert(better.candidate);
                    better.description
                }
                None => explain.describe(node),
            };
            if dearest.is_none_or(|cost| node.total_cost > cost) {
                dearest = Some(node.total_cost);
                costed.node.clone_from(&description);
            }
            if let Some(relation) = &node.relation {
                let key = relation.alias.as_ref().unwrap_or(&relation.name);
                costed.scans.entry(key.clone()).or_insert(description);
            }
        }
        if costed.node.is_empty() {
            costed.node = explain.describe(explain.root());
        }
        let saved: f64 = savings.iter().map(|(node, saving)| saved_at_root(explain, *node, *saving)).sum();
        costed.total_cost = (costed.total_cost - saved).max(0.0);
        Ok(costed)
    }

    /// The candidate that makes a scan cheapest, if one makes it cheaper at all.
    fn best(&self, query: &BoundQuery, node: &PlanNode, with: &BTreeSet<CandidateId>) -> Option<Better> {
        let parent = node.table(&self.snapshot.catalog)?;
        let scanned = node.relation.as_ref()?.resolve(&self.snapshot.catalog)?;
        let (block, relation) = relation_of(query, node, parent)?;
        let mut best: Option<Better> = None;
        for id in with {
            let Some(candidate) = self.candidates.get(id).filter(|c| c.spec.table == parent.oid) else { continue };
            let Some(service) = serve::service(&candidate.spec, parent, block, relation) else { continue };
            let Some((cost, bitmap)) = self.cost_of(&candidate.spec, parent, scanned, block, relation, &service) else {
                continue;
            };
            if cost < node.total_cost && best.as_ref().is_none_or(|b| cost < b.cost) {
                let (name, table) = (&candidate.name, &scanned.name);
                let description = if bitmap {
                    format!("Bitmap Heap Scan on {table} ({name})")
                } else {
                    format!("Index Scan using {name} on {table}")
                };
                best = Some(Better { candidate: *id, cost, description });
            }
        }
        best
    }

    fn cost_of(
        &self,
        spec: &IndexSpec,
        parent: &Table,
        scanned: &Table,
        block: &QueryBlock,
        relation: usize,
        service: &Service<'_>,
    ) -> Option<(f64, bool)> {
        let rows = scanned.rows()?;
        let implied = selectivity_of_all(service.implied.iter().copied(), parent).share;
        let index_share = selectivity_of_all(service.index.iter().copied(), parent).share;
        let filter_share = selectivity_of_all(service.filters.iter().copied(), parent).share;
        let entries = rows * implied;
        let mut fetched = (entries * index_share).max(1.0);
        let mut read = index_share;
        if let Some(limit) = service.stops_after {
            // As many rows as it takes to find the wanted ones among those that the filter keeps.
            let needed = (limit / filter_share.max(1e-9)).max(1.0);
            if needed < fetched {
                read *= needed / fetched;
                fetched = needed;
            }
        }
        let index_pages = size::index_bytes(self.snapshot, spec, scanned, implied)? as f64 / PAGE;
        let leading = spec.keys.first().and_then(|key| match &key.target {
            KeyTarget::Column(attnum) => parent.column(*attnum)?.statistics()?.correlation,
            KeyTarget::Expression(_) => None,
        });
        // Later keys spoil the order (`btcostestimate`).
        let correlation = leading.unwrap_or(0.0) * if spec.keys.len() > 1 { 0.75 } else { 1.0 };
        let pages = f64::from(scanned.actual_pages.unwrap_or(scanned.relpages));
        let access = IndexAccess {
            method: spec.method,
            rows: entries.max(1.0),
            pages,
            index_pages,
            index_share: read,
            fetched,
            index_conditions: service.index.len() as f64,
            filters: service.filters.len() as f64,
            correlation,
            heap_share: heap_share(spec, scanned, block, relation),
            ordered: service.stops_after.is_some(),
        };
        Some(access::cost(&access, &self.constants))
    }
}

impl CostSource for Rule<'_> {
    fn kind(&self) -> CostSourceKind {
        CostSourceKind::Rule
    }

    fn register(&mut self, candidates: &[(CandidateId, IndexSpec)]) -> Vec<Result<Registered, CostError>> {
        candidates
            .iter()
            .map(|(id, spec)| {
                let Some(table) = self.snapshot.catalog.table(spec.table) else {
                    return Err(CostError::Inexpressible(format!("the snapshot has no table {}", spec.table)));
                };
                if table.rows().is_none() {
                    let why = format!("the number of rows of {} is unknown", table.display_name());
                    return Err(CostError::Inexpressible(why));
                }
                if spec.method == IndexMethod::Other {
                    return Err(CostError::Inexpressible("no rule knows this access method".to_owned()));
                }
                let name = Names::default().choose(spec, table);
                self.candidates.insert(*id, Candidate { spec: spec.clone(), name });
                Ok(Registered { estimated_bytes: None })
            })
            .collect()
    }

    fn cost(&mut self, requests: &[CostRequest]) -> Vec<Result<Costed, CostError>> {
        self.asked += requests.len() as u64;
        for request in requests {
            let statement = self.snapshot.statements.items.get(request.statement);
            if let (Some(statement), false) = (statement, self.plans.contains_key(&request.statement)) {
                self.plans.insert(request.statement, read_plan(&statement.plan));
            }
        }
        requests.iter().map(|request| self.answer(request)).collect()
    }

    fn questions_asked(&self) -> u64 {
        self.asked
    }

    fn can_hide(&self) -> bool {
        false
    }
}

fn read_plan(outcome: &PlanOutcome) -> Result<Explain, String> {
    match outcome {
        PlanOutcome::Captured(plan) => Explain::from_json(&plan.json).map_err(|error| error.to_string()),
        PlanOutcome::Failed { reason } => Err(format!("no plan was captured: {reason}")),
        PlanOutcome::NotAsked => Err("no plan was captured".to_owned()),
    }
}

/// The relation of the query that a scan reads: by alias, or the only one on that table.
fn relation_of<'q>(query: &'q BoundQuery, node: &PlanNode, table: &Table) -> Option<(&'q QueryBlock, usize)> {
    let on_table: Vec<(&QueryBlock, usize)> = query
        .blocks
        .iter()
        .flat_map(|block| block.relations.iter().enumerate().map(move |(i, r)| (block, i, r)))
        .filter(|(_, _, relation)| relation.table == Some(table.oid))
        .map(|(block, i, _)| (block, i))
        .collect();
    if let [only] = on_table.as_slice() {
        return Some(*only);
    }
    let alias = node.relation.as_ref().and_then(|r| r.alias.as_deref().or(Some(&r.name)))?;
    let mut named = on_table.into_iter().filter(|(block, i)| block.relations.get(*i).is_some_and(|r| r.alias == alias));
    let found = named.next()?;
    // The same alias in two levels: which one is meant cannot be told.
    named.next().is_none().then_some(found)
}

/// The share of rows whose heap page must be visited: an index that holds every column wanted spares those on pages
/// that are visible to all (`cost_index`).
fn heap_share(spec: &IndexSpec, table: &Table, block: &QueryBlock, relation: usize) -> f64 {
    let Some(relation) = block.relations.get(relation) else { return 1.0 };
    let held: BTreeSet<i16> = spec
        .keys
        .iter()
        .filter_map(|key| match key.target {
            KeyTarget::Column(attnum) => Some(attnum),
            KeyTarget::Expression(_) => None,
        })
        .chain(spec.include.iter().copied())
        .collect();
    let covers = spec.method == IndexMethod::Btree && !relation.needs_heap && relation.columns.is_subset(&held);
    if !covers || table.relpages == 0 {
        return 1.0;
    }
    (1.0 - f64::from(table.relallvisible) / f64::from(table.relpages)).clamp(0.0, 1.0)
}

/// What a saving at a node saves of the whole plan.
fn saved_at_root(explain: &Explain, node: NodeId, saving: f64) -> f64 {
    let mut saving = saving;
    let mut child = explain.node(node);
    while let Some(current) = child {
        let Some(parent) = explain.parent(current) else { break };
        let others: f64 = explain
            .children(parent)
            .filter(|c| c.id != current.id && c.parent_relationship != Some(ParentRelationship::SubPlan))
            .map(|c| c.total_cost)
            .sum();
        let runs = match (parent.node_type.as_str(), current.node_type.as_str(), &current.parent_relationship) {
            // A materialised or memoised inner side is not read again for each outer row.
            ("Nested Loop", "Materialize" | "Memoize", _) => 1.0,
            ("Nested Loop", _, Some(ParentRelationship::Inner)) => {
                let outer = explain.children(parent).find(|c| c.id != current.id);
                outer.map_or(1.0, |c| c.plan_rows.max(1.0))
            }
            _ => 1.0,
        };
        // A node that stops early, such as LIMIT, pays for a part of its input only.
        let part = if current.total_cost > parent.total_cost && current.total_cost > 0.0 {
            parent.total_cost / current.total_cost
        } else {
            1.0
        };
        saving = (saving * runs * part).min((parent.total_cost - others).max(0.0)).min(parent.total_cost);
        child = Some(parent);
    }
    saving
}
