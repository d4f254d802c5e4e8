//! What rules look at: a snapshot with everything that several rules would otherwise work out again.

use std::collections::BTreeMap;

use crate::plan::{Explain, PlanError};
use crate::snapshot::{CapturedPlan, Oid, PlanKind, Snapshot, Statement, Table};
use crate::workload::{BoundQuery, Workload};

/// A snapshot, its bound workload and its plans.
pub struct Subject<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// Its statements, bound.
    pub workload: &'a Workload,
    /// Plans that could be read, by position in `snapshot.statements.items`.
    plans: BTreeMap<usize, (PlanKind, Explain)>,
}

/// One statement with what is known about it.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    /// Its position in `snapshot.statements.items`.
    pub(super) position: usize,
    pub(super) statement: &'a Statement,
    pub(super) bound: &'a BoundQuery,
}

impl<'a> Subject<'a> {
    /// Reads the plans that the snapshot carries.
    pub fn new(snapshot: &'a Snapshot, workload: &'a Workload) -> Self {
        let read = |plan: &CapturedPlan| -> Result<_, PlanError> { Ok((plan.kind, Explain::from_json(&plan.json)?)) };
        let plans = snapshot
            .statements
            .items
            .iter()
            .enumerate()
            .filter_map(|(position, item)| Some((position, read(item.plan.captured()?).ok()?)))
            .collect();
        Self { snapshot, workload, plans }
    }

    /// Every analysed statement.
    pub(super) fn queries(&self) -> impl Iterator<Item = Query<'a>> + use<'a> {
        let items = &self.snapshot.statements.items;
        self.workload.queries.iter().filter_map(move |q| {
            Some(Query { position: q.statement, statement: items.get(q.statement)?, bound: &q.bound })
        })
    }

    /// Every statement with a plan: position, how the plan was obtained, the plan.
    pub(super) fn plans(&self) -> impl Iterator<Item = (usize, PlanKind, &Explain)> {
        self.plans.iter().map(|(position, (kind, plan))| (*position, *kind, plan))
    }

    /// Statements whose plan was measured by executing it.
    pub(super) fn measured(&self) -> impl Iterator<Item = (usize, &Explain)> {
        self.plans().filter(|(_, kind, _)| *kind == PlanKind::Analyzed).map(|(position, _, plan)| (position, plan))
    }

    /// The statement at a position.
    pub(super) fn statement(&self, position: usize) -> Option<&'a Statement> {
        self.snapshot.statements.items.get(position)
    }

    pub(super) fn table(&self, oid: Oid) -> Option<&'a Table> {
        self.snapshot.catalog.table(oid)
    }
}
