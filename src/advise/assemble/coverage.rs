//! What was looked at, what was not, and why.

use std::collections::BTreeMap;

use crate::report::{NotEvaluated, SkippedExample, SkippedReport, WorkloadReport};
use crate::snapshot::{LeftOutReason, RecoveryState};
use crate::whatif::ddl;

use super::super::candidates::TRIGRAM_EXTENSION;
use super::super::costing::{Judge, Set};
use super::super::problem::Problem;
use super::super::selection::Selection;
use super::create::needs_trigrams;

/// Examples of skipped statements for each reason.
const EXAMPLES: usize = 3;

/// The workload in figures.
pub(super) fn workload(problem: &Problem<'_, '_, '_>, selection: &Selection) -> WorkloadReport {
    let facts = problem.facts;
    let statements = &facts.snapshot.statements;
    let mut skipped: BTreeMap<String, SkippedReport> = BTreeMap::new();
    let mut seen = statements.items.len() as u64;
    for left_out in &statements.left_out {
        seen += left_out.statements;
        let entry = skipped.entry(left_out_word(left_out.reason).to_owned()).or_insert_with_key(|r| empty(r));
        entry.statements += left_out.statements;
        entry.total_time_ms += left_out.total_ms;
    }
    let unbound = facts.workload.skipped.iter().map(|s| (s.statement, s.code, s.reason.as_str()));
    let uncosted = problem.costing.failures().iter().map(|(s, reason)| (*s, "not-explained", reason.as_str()));
    for (statement, code, reason) in unbound.chain(uncosted) {
        let Some(s) = facts.statement(statement) else { continue };
        let entry = skipped.entry(code.to_owned()).or_insert_with_key(|r| empty(r));
        entry.statements += 1;
        entry.total_time_ms += s.total_ms;
        if entry.examples.len() < EXAMPLES {
            entry.examples.push(SkippedExample { queryid: s.queryid.clone(), detail: reason.to_owned() });
        }
    }
    let (mut calls, mut time) = (0, 0.0);
    for s in problem.base.keys().filter_map(|s| facts.statement(*s)) {
        calls += s.calls;
        time += s.total_ms;
    }
    let mut skipped: Vec<SkippedReport> = skipped.into_values().collect();
    skipped.sort_by(|a, b| b.total_time_ms.total_cmp(&a.total_time_ms).then_with(|| a.reason.cmp(&b.reason)));
    WorkloadReport {
        statements_seen: seen,
        statements_analysed: problem.base.len() as u64,
        skipped,
        calls,
        total_time_ms: time,
        time_analysed_pct: if statements.total_time_ms > 0.0 {
            (100.0 * time / statements.total_time_ms).min(100.0)
        } else {
            100.0
        },
        cost_before: (!problem.base.is_empty()).then(|| problem.workload_cost(&Set::new())),
        cost_after: (!problem.base.is_empty()).then(|| problem.workload_cost(&selection.chosen)),
    }
}

fn empty(reason: &str) -> SkippedReport {
    SkippedReport { reason: reason.to_owned(), statements: 0, total_time_ms: 0.0, examples: vec![] }
}

fn left_out_word(reason: LeftOutReason) -> &'static str {
    match reason {
        LeftOutReason::Utility => "utility",
        LeftOutReason::SystemCatalog => "system-catalog",
        LeftOutReason::OwnStatement => "own-statement",
        LeftOutReason::TooFewCalls => "too-few-calls",
        LeftOutReason::TooFast => "too-fast",
        LeftOutReason::OtherUser => "other-user",
        LeftOutReason::BeyondTop => "beyond-top",
        LeftOutReason::TextHidden => "text-hidden",
    }
}

/// What could not be judged.
pub(super) fn not_evaluated(problem: &Problem<'_, '_, '_>, drop_doubt: Option<String>) -> Vec<NotEvaluated> {
    let facts = problem.facts;
    let snapshot = facts.snapshot;
    let mut out: Vec<NotEvaluated> = snapshot
        .not_seen
        .iter()
        .map(|n| NotEvaluated { what: n.part.clone(), reason: n.reason.clone(), remedy: n.remedy.clone() })
        .collect();
    for (statement, reason) in problem.costing.failures() {
        if let Some(s) = facts.statement(*statement) {
            out.push(NotEvaluated { what: format!("statement {}", s.queryid), reason: reason.clone(), remedy: None });
        }
    }
    for query in &facts.workload.queries {
        if let (Some(s), false) = (facts.statement(query.statement), query.bound.unresolved.is_empty()) {
            let what = format!("part of statement {}", s.queryid);
            out.push(NotEvaluated { what, reason: query.bound.unresolved.join("; "), remedy: None });
        }
    }
    for (id, candidate) in problem.generated.pool.iter() {
        let Some(table) = facts.table(candidate.spec.table) else { continue };
        if problem.costing.judge(id) == Judge::Nobody && !candidate.asked_by.is_empty() && !candidate.for_foreign_key {
            let missing = needs_trigrams(&candidate.spec) && !snapshot.server.extension_available(TRIGRAM_EXTENSION);
            let (reason, remedy) = if missing {
                (
                    format!("it needs the extension {TRIGRAM_EXTENSION}, which this server does not have"),
                    Some("install the server's contrib package".to_owned()),
                )
            } else {
                (problem.costing.refusal(id).unwrap_or("no cost source can judge it").to_owned(), None)
            };
            let what = format!("index on {}", ddl::describe(&candidate.spec, table));
            out.push(NotEvaluated { what, reason, remedy });
        }
    }
    for (oid, statements) in &problem.generated.unknown_size {
        let Some(table) = facts.table(*oid) else { continue };
        out.push(NotEvaluated {
            what: format!("table {}", table.display_name()),
            reason: format!("its size is unknown; {} statements read it", statements.len()),
            remedy: Some(format!("ANALYZE {}", crate::sql::quote::qualified(&table.schema, &table.name))),
        });
    }
    for ((oid, reason), statements) in &problem.generated.declined {
        let Some(table) = facts.table(*oid) else { continue };
        let reason = format!("{reason}; {} statements read it", statements.len());
        out.push(NotEvaluated { what: format!("table {}", table.display_name()), reason, remedy: None });
    }
    for ((oid, column, reason), statements) in &problem.generated.unserved {
        let Some(table) = facts.table(*oid) else { continue };
        let Some(column) = table.column(*column) else { continue };
        let what = format!("index on {} ({})", table.display_name(), column.name);
        let reason = format!("{reason}; {} statements ask for it", statements.len());
        out.push(NotEvaluated { what, reason, remedy: None });
    }
    if let Some(reason) = drop_doubt {
        let remedy = (snapshot.server.recovery == RecoveryState::Primary)
            .then(|| "wait, or pass a smaller --min-history".to_owned());
        out.push(NotEvaluated { what: "unused indexes".to_owned(), reason, remedy });
    }
    if facts.options.budget.is_some() && facts.options.budget_bytes(snapshot.server.database_bytes).is_none() {
        out.push(NotEvaluated {
            what: "the budget".to_owned(),
            reason: "the size of the database is unknown, so a share of it is no limit".to_owned(),
            remedy: Some("give the budget in bytes".to_owned()),
        });
    }
    out
}
