//! The report: what the search decided, in words and numbers.
//!
//! In: the problem with its costs, the selection, the drops. Out: a [`Report`]. Everything that varies between runs
//! (oids, the clock) stays out of ids and texts.

mod coverage;
mod create;
mod drop;

use crate::report::{CostSourceReport, Recommendation, RecommendationKind, Report, SCHEMA_VERSION, Source};
use crate::sql;
use crate::whatif::CostSourceKind;

use super::costing::Set;
use super::drops::Drops;
use super::problem::Problem;
use super::rejections;
use super::selection::Selection;
use super::statistics;

/// Which program writes the report.
const TOOL: &str = concat!("pgwise ", env!("CARGO_PKG_VERSION"));

/// Puts the report together.
pub(super) fn report(
    problem: &Problem<'_, '_, '_>,
    selection: &Selection,
    drops: Drops<'_>,
    source: Option<CostSourceKind>,
) -> Report {
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
        cost_source: CostSourceReport {
            kind: match source {
                Some(CostSourceKind::Hypopg) => "hypopg".to_owned(),
                Some(CostSourceKind::Twin) => "twin".to_owned(),
                Some(CostSourceKind::Model) => "model".to_owned(),
                Some(CostSourceKind::Rule) | None => "rule".to_owned(),
            },
            questions: problem.costing.questions(),
            note: facts.options.cost_source_note.clone(),
        },
        workload: coverage::workload(problem, selection),
        recommendations: all,
        rejected,
        findings: vec![],
        not_evaluated: coverage::not_evaluated(problem, drops.doubt),
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
