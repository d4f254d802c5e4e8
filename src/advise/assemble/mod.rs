//! The report: what the search decided, in words and numbers.
//!
//! In: the problem with its costs, the selection, the drops. Out: a [`Report`]. Everything that varies between runs
//! (oids, the clock) stays out of ids and texts.

mod coverage;
mod create;
mod drop;

use crate::report::{CostSourceReport, Recommendation, RecommendationKind, Report, SCHEMA_VERSION, Source};
use crate::sql;
use crate::whatif::{Account, CostSourceKind};

use super::costing::Set;
use super::drops::Drops;
use super::problem::Problem;
use super::rejections;
use super::selection::Selection;
use super::statistics;

/// Which program writes the report.
const TOOL: &str = concat!("pgwise ", env!("CARGO_PKG_VERSION"));

/// Puts the report together.
pub(super) fn report(problem: &Problem<'_, '_, '_>, selection: &Selection, drops: Drops<'_>) -> Report {
    let facts = problem.facts;
    let snapshot = facts.snapshot;
    let mut recommendations = create::recommendations(problem, selection);
    let ids: Vec<(usize, String)> = recommendations.iter().map(|(c, r)| (*c, r.id.clone())).collect();
    let mut dropped = drop::recommendations(problem, &drops.found, &ids);
    for (creator, drop) in &mut dropped {
        if let Some(creator) = creator
            && let Some((_, create)) = recommendations.iter_mut().find(|(c, _)| c == creator)
        {
            create.related.push(drop.id.clone());
            drop.related.push(create.id.clone());
        }
    }
    let mut all: Vec<Recommendation> = recommendations.into_iter().map(|(_, r)| r).collect();
    all.extend(dropped.into_iter().map(|(_, r)| r));
    all.extend(statistics::recommendations(problem));
    // What the planner knows comes first: index advice rests on it.
    let rank = |r: &Recommendation| match r.kind {
        RecommendationKind::AnalyzeTable => 0,
        RecommendationKind::SetStatisticsTarget | RecommendationKind::CreateStatistics => 1,
        RecommendationKind::CreateIndex | RecommendationKind::DropIndex => 2,
    };
    all.sort_by(|a, b| {
        let saved = |r: &Recommendation| r.impact.time_saved_ms.unwrap_or(0.0);
        let freed = |r: &Recommendation| r.impact.bytes_freed.unwrap_or(0);
        rank(a)
            .cmp(&rank(b))
            .then_with(|| saved(b).total_cmp(&saved(a)))
            .then_with(|| a.kind.cmp(&b.kind))
            .then_with(|| freed(b).cmp(&freed(a)))
            .then_with(|| a.ddl.cmp(&b.ddl))
    });
    let mut rejected = rejections::rejections(problem, selection);
    rejected.extend(drops.kept);
    Report {
        schema_version: SCHEMA_VERSION,
        tool: TOOL.to_owned(),
        generated_at: snapshot.captured_at,
        source: Source {
            kind: facts.options.source_kind,
            database: snapshot.server.database.clone(),
            server_version_num: snapshot.server.version_num,
            captured_at: snapshot.captured_at,
            stats_since: snapshot.statements.since,
            interval_ms: snapshot.statements.interval_ms,
            tables: snapshot.catalog.tables.len() as u64,
        },
        cost_source: cost_source(problem),
        workload: coverage::workload(problem, selection),
        recommendations: all,
        worse: create::worse(problem, &selection.chosen),
        explanations: vec![],
        rejected,
        findings: vec![],
        not_evaluated: coverage::not_evaluated(problem, drops.doubt),
    }
}

/// Who was asked, and how far they agree.
fn cost_source(problem: &Problem<'_, '_, '_>) -> CostSourceReport {
    let word = |kind: CostSourceKind| match kind {
        CostSourceKind::Hypopg => "hypopg",
        CostSourceKind::Twin => "twin",
        CostSourceKind::Model => "model",
        CostSourceKind::Rule => "rule",
    };
    let account = problem.costing.account();
    let searched_by = problem.costing.kind().unwrap_or(CostSourceKind::Rule);
    let proved_by = account.as_ref().and_then(|a| a.proved_by);
    let given = problem.facts.options.cost_source_note.clone();
    let notes: Vec<String> = given.into_iter().chain(account.as_ref().and_then(|a| a.note.clone())).collect();
    let count = |of: fn(&Account) -> usize| account.as_ref().map_or(0, |a| of(a) as u64);
    CostSourceReport {
        kind: word(proved_by.unwrap_or(searched_by)).to_owned(),
        searched_by: word(searched_by).to_owned(),
        proved_by: proved_by.map(|kind| word(kind).to_owned()),
        questions: problem.costing.questions(),
        search_questions: account.as_ref().map_or_else(|| problem.costing.questions(), |a| a.search_questions),
        proof_questions: account.as_ref().map_or(0, |a| a.proof_questions),
        statements_compared: count(|a| a.compared.len()),
        statements_disagreeing: count(|a| a.disagreeing.len()),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    }
}

/// A statement as a report carries it: laid out, and closed, so that one after another they are a script.
pub(super) fn statement(sql: &str) -> String {
    format!("{};", sql::pretty(sql).trim_end_matches(';'))
}

/// The set without one member.
fn without(set: &Set, id: usize) -> Set {
    set.iter().copied().filter(|other| *other != id).collect()
}
