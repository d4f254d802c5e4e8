//! Statements of production that no longer work.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::context::Production;
use crate::check::draft::Draft;
use crate::sql::ast::TableName;
use crate::sql::ast::ddl::{AlterAction, Ddl, ObjectKind};
use crate::workload::{BoundQuery, WriteKind};

pub(in crate::check) const RULE: Rule = Rule {
    id: "broken-query",
    area: Area::Migration,
    severity: Severity::Error,
    title: "A statement of the workload names what the change takes away",
    thresholds: &[],
    problem: "The application still asks for the table or column: its query fails as soon as the migration has run.",
    detection: "The snapshot's statements, bound to its catalog: those that read or write a dropped or renamed table, or use a dropped or renamed column. `SELECT *` counts as use of every column.",
    example: "Dropping users.email while the workload holds `SELECT email FROM users WHERE id = $1` fires, with its calls; dropping a column that no statement names does not.",
    remedy: "Deploy the code that no longer names it first; judge again on a fresh snapshot.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(production) = context.production else { return };
    let (table, column) = match context.step.ddl() {
        Some(Ddl::Drop(drop)) if drop.kind == ObjectKind::Table => {
            for name in &drop.names {
                judge(context, production, name, None, found);
            }
            return;
        }
        Some(Ddl::Rename(rename)) => match (&rename.kind, &rename.relation) {
            (ObjectKind::Table, Some(table)) => (table, None),
            (ObjectKind::Column, Some(table)) => (table, rename.part.as_deref()),
            _ => return,
        },
        Some(Ddl::AlterTable(alter)) => {
            for action in &alter.actions {
                if let AlterAction::DropColumn { column, .. } = action {
                    judge(context, production, &alter.table, Some(column), found);
                }
            }
            return;
        }
        _ => return,
    };
    judge(context, production, table, column, found);
}

fn judge(
    context: &Context<'_>,
    production: &Production<'_>,
    name: &TableName,
    column: Option<&str>,
    found: &mut Vec<Draft>,
) {
    let Some(oid) = context.known(name).and_then(|t| t.oid) else { return };
    let catalog = &production.snapshot.catalog;
    let attnum = match column {
        Some(column) => match catalog.table(oid).and_then(|t| t.column_named(column)) {
            Some(column) => Some(column.attnum),
            None => return,
        },
        None => None,
    };
    let uses = |query: &BoundQuery| match attnum {
        None => query.tables().contains(&oid),
        Some(attnum) => {
            let read = query.blocks.iter().flat_map(|b| &b.relations);
            let read = read.filter(|r| r.table == Some(oid)).any(|r| r.columns.contains(&attnum));
            read || query
                .writes
                .iter()
                .any(|w| w.table == oid && w.kind == WriteKind::Update && w.columns.contains(&attnum))
        }
    };
    let items = &production.snapshot.statements.items;
    let broken: Vec<_> =
        production.workload.queries.iter().filter(|q| uses(&q.bound)).filter_map(|q| items.get(q.statement)).collect();
    let Some(first) = broken.first() else { return };
    let calls: u64 = broken.iter().map(|s| s.calls).sum();
    let what = column.map_or_else(|| context.display(name), |c| format!("{}.{c}", context.display(name)));
    let text = crate::report::neutral::line(&first.query.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned();
    let shown: String = text.chars().take(100).collect();
    found.push(Draft {
        message: format!("{} statements with {calls} calls use {what}, first of all: {shown}", broken.len()),
        object: what,
        evidence: vec![("statements", broken.len() as f64), ("calls", calls as f64)],
        remedy: Some("deploy code that does not name it first".to_owned()),
        queryids: broken.iter().map(|s| s.queryid.clone()).collect(),
        time_at_stake_ms: Some(broken.iter().map(|s| s.total_ms).sum()),
        ..Draft::default()
    });
}
