//! Statistics about several columns, and more values of one.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::{Confidence, Recommendation, RecommendationKind};
use crate::snapshot::{AttrNumber, Column, ExtendedStatistics, Oid, Table};
use crate::sql::quote;

use super::super::assemble::statement;
use super::super::problem::Problem;
use super::mismatch::Mismatch;
use super::{Advice, analysable, analyze, recommendation};

/// Columns of one statistics object at most: `STATS_MAX_DIMENSIONS` is 8, and beyond a few their combinations are rare.
const MOST_COLUMNS: usize = 4;
/// `NAMEDATALEN - 1`.
const NAME_BYTES: usize = 63;
/// What one column alone keeps must allow for what was found, within this factor: otherwise it is that column's own
/// estimate that is wrong.
const ALLOWANCE: f64 = 2.0;
/// Distinct combinations up to this multiple of the distinct values of one column: it determines the other.
const DETERMINED: f64 = 1.1;
/// The greatest statistics target that is advised, and the step to it.
const GREATEST_TARGET: i32 = 5_000;
const TARGET_STEP: i32 = 10;
/// The least common of the values kept is this many times as common as the average of the others: the list is too short.
const CUT_SHORT: f64 = 4.0;
/// `default_statistics_target`.
const DEFAULT_TARGET: i32 = 100;

/// A set of columns to look at together, and who says so.
#[derive(Debug, Default)]
struct Together<'m> {
    seen: Vec<&'m Mismatch>,
    /// The determining and the determined column, by the distinct combinations of statistics that exist.
    dependency: Option<(AttrNumber, AttrNumber)>,
    statements: BTreeSet<usize>,
}

/// Extended statistics and targets for what the mismatches show.
pub(super) fn recommendations(problem: &Problem<'_, '_, '_>, mismatches: &[Mismatch]) -> Vec<Recommendation> {
    let facts = problem.facts;
    let mut together: BTreeMap<(Oid, BTreeSet<AttrNumber>), Together<'_>> = BTreeMap::new();
    let mut alone: BTreeMap<(Oid, AttrNumber), Vec<&Mismatch>> = BTreeMap::new();
    for mismatch in mismatches {
        let Some(table) = facts.table(mismatch.table).filter(|t| analysable(t)) else { continue };
        if let (1, Some(column), false) = (mismatch.columns.len(), mismatch.columns.first(), mismatch.others) {
            alone.entry((table.oid, *column)).or_default().push(mismatch);
        } else if mismatch.columns.len() > 1 && correlated(problem, table, mismatch) {
            let columns = strongest(problem, table, &mismatch.columns);
            let entry = together.entry((table.oid, columns)).or_default();
            entry.seen.push(mismatch);
            entry.statements.insert(mismatch.statement);
        }
    }
    for (table, pair, statements) in determined(problem) {
        let entry = together.entry((table, BTreeSet::from([pair.0, pair.1]))).or_default();
        entry.dependency = Some(pair);
        entry.statements.extend(statements);
    }
    let mut out = Vec::new();
    let mut taken: BTreeSet<(String, String)> =
        facts.snapshot.catalog.extended_statistics.iter().map(|s| (s.schema.clone(), s.name.clone())).collect();
    for ((oid, columns), why) in &together {
        let Some(table) = facts.table(*oid) else { continue };
        let covered = |s: &ExtendedStatistics| {
            s.table == *oid
                && columns.iter().all(|c| s.columns.contains(c))
                && s.kinds.iter().any(|k| k == "dependencies" || k == "mcv")
        };
        if !facts.snapshot.catalog.extended_statistics.iter().any(covered) {
            out.push(extended(problem, table, columns, why, &mut taken));
        }
    }
    for ((oid, column), seen) in &alone {
        let Some(table) = facts.table(*oid) else { continue };
        out.extend(target(problem, table, *column, seen));
    }
    out
}

/// Whether the columns' joint estimate is what is wrong: what was found, each column alone would allow.
fn correlated(problem: &Problem<'_, '_, '_>, table: &Table, mismatch: &Mismatch) -> bool {
    let Some(rows) = problem.facts.rows(table.oid) else { return false };
    let most = |column: &AttrNumber| {
        let stats = problem.facts.stats(table.oid, *column)?;
        let average = rows / stats.distinct(rows)?.max(1.0);
        let common = stats.mcv_freqs.iter().copied().fold(0.0, f64::max) * rows;
        Some(average.max(common))
    };
    mismatch.columns.iter().filter_map(most).all(|rows| mismatch.found <= ALLOWANCE * rows)
}

/// The columns with the most distinct values: what they leave, the others hardly narrow.
fn strongest(problem: &Problem<'_, '_, '_>, table: &Table, columns: &BTreeSet<AttrNumber>) -> BTreeSet<AttrNumber> {
    let mut all: Vec<AttrNumber> = columns.iter().copied().collect();
    let distinct = |c: &AttrNumber| problem.facts.distinct(table.oid, *c).unwrap_or(0.0);
    all.sort_by(|a, b| distinct(b).total_cmp(&distinct(a)).then_with(|| a.cmp(b)));
    all.into_iter().take(MOST_COLUMNS).collect()
}

/// Pairs of columns of which one determines the other, as existing counts of distinct combinations show, that a
/// statement compares together.
fn determined(problem: &Problem<'_, '_, '_>) -> Vec<(Oid, (AttrNumber, AttrNumber), BTreeSet<usize>)> {
    let facts = problem.facts;
    let mut out = Vec::new();
    for object in &facts.snapshot.catalog.extended_statistics {
        let Some(data) = object.data_inherited.as_ref().or(object.data.as_ref()) else { continue };
        for item in &data.n_distinct {
            let [a, b] = item.attributes.as_slice() else { continue };
            let (Some(of_a), Some(of_b)) = (facts.distinct(object.table, *a), facts.distinct(object.table, *b)) else {
                continue;
            };
            if item.n_distinct > DETERMINED * of_a.max(of_b) || of_a.min(of_b) < 2.0 {
                continue;
            }
            let pair = if of_a >= of_b { (*a, *b) } else { (*b, *a) };
            let statements = problem.comparing_together(object.table, &[*a, *b]);
            if !statements.is_empty() {
                out.push((object.table, pair, statements));
            }
        }
    }
    out
}

fn extended(
    problem: &Problem<'_, '_, '_>,
    table: &Table,
    columns: &BTreeSet<AttrNumber>,
    why: &Together<'_>,
    taken: &mut BTreeSet<(String, String)>,
) -> Recommendation {
    let names: Vec<&str> = columns.iter().filter_map(|c| table.column(*c)).map(|c| c.name.as_str()).collect();
    let name = free_name(table, &names, taken);
    let qualified = quote::qualified(&table.schema, &name);
    // A list of common values that lacks most combinations would speak before the dependencies do
    // (`statext_clauselist_selectivity`), and hold what it lacks for rare.
    let few = columns.iter().all(|c| {
        let stats = table.column(*c).and_then(Column::statistics);
        stats.and_then(|s| s.distinct(table.rows()?)).is_some_and(|n| n <= f64::from(DEFAULT_TARGET))
    });
    let kinds = if few { "ndistinct, dependencies, mcv" } else { "ndistinct, dependencies" };
    let ddl = format!(
        "CREATE STATISTICS {qualified} ({kinds}) ON {} FROM {}",
        // In brackets they would be one expression.
        names.iter().map(|name| quote::ident(name)).collect::<Vec<_>>().join(", "),
        quote::qualified(&table.schema, &table.name)
    );
    let mut reason = String::new();
    let worst =
        why.seen.iter().max_by(|a, b| (a.found / a.estimated.max(1.0)).total_cmp(&(b.found / b.estimated.max(1.0))));
    if let Some(worst) = worst {
        reason = format!(
            "The planner takes {} to be independent and expects {:.0} rows where {:.0} {}, {:.0} times as many: they go together.",
            names.join(" and "),
            worst.estimated.max(1.0),
            worst.found,
            if worst.executed { "were found" } else { "are returned on average" },
            worst.found / worst.estimated.max(1.0),
        );
    } else if let Some((from, to)) = why.dependency {
        let name = |c: AttrNumber| table.column(c).map_or("", |c| c.name.as_str());
        reason = format!(
            "{} determines {}: there are hardly more combinations than values of it. The planner multiplies their shares as if they were independent.",
            name(from),
            name(to)
        );
    }
    reason.push_str(" The statistics take effect with the ANALYZE that follows.");
    let confidence = if why.seen.iter().any(|m| m.executed) || why.dependency.is_some() {
        Confidence::High
    } else {
        Confidence::Medium
    };
    let advice = Advice {
        kind: RecommendationKind::CreateStatistics,
        table,
        key: names.join(","),
        // The deparser puts the columns in parentheses, which would make them one expression.
        ddl: format!("{ddl};"),
        then: Some(analyze(table)),
        undo_ddl: statement(&format!("DROP STATISTICS {qualified}")),
        reason,
        confidence,
        statements: why.statements.clone(),
    };
    recommendation(problem, advice)
}

/// A name as PostgreSQL would choose it (`ChooseExtendedStatisticName`), that no other statistics object has.
fn free_name(table: &Table, columns: &[&str], taken: &mut BTreeSet<(String, String)>) -> String {
    let base = format!("{}_{}", table.name, columns.join("_"));
    for number in 0_u32.. {
        let suffix = if number == 0 { "_stat".to_owned() } else { format!("_stat{number}") };
        let mut end = base.len().min(NAME_BYTES - suffix.len());
        while !base.is_char_boundary(end) {
            end -= 1;
        }
        let name = format!("{}{suffix}", &base[..end]);
        if taken.insert((table.schema.clone(), name.clone())) {
            return name;
        }
    }
    base
}

/// A higher target for a column whose list of common values ends while they are still common.
fn target(
    problem: &Problem<'_, '_, '_>,
    table: &Table,
    column: AttrNumber,
    seen: &[&Mismatch],
) -> Option<Recommendation> {
    let facts = problem.facts;
    let column = table.column(column)?;
    let stats = column.statistics()?;
    let rows = facts.rows(table.oid)?;
    let default = facts.snapshot.server.setting("default_statistics_target").and_then(|s| s.parse::<i32>().ok());
    let own = column.statistics_target.filter(|t| *t >= 0);
    let now = own.or(default).unwrap_or(DEFAULT_TARGET);
    let kept = stats.mcv_freqs.len();
    let rest = (1.0 - stats.null_frac - stats.mcv_freqs.iter().sum::<f64>()).max(0.0);
    let others = stats.distinct(rows)? - kept as f64;
    let least = stats.mcv_freqs.last().copied()?;
    let full = i32::try_from(kept).is_ok_and(|kept| kept >= now) && others >= 1.0;
    let worst = seen.iter().max_by(|a, b| a.found.total_cmp(&b.found))?;
    if !full || now >= GREATEST_TARGET || least < CUT_SHORT * rest / others {
        return None;
    }
    let wanted = now.saturating_mul(TARGET_STEP).min(GREATEST_TARGET);
    let name = quote::qualified(&table.schema, &table.name);
    let set =
        |target: i32| format!("ALTER TABLE {name} ALTER COLUMN {} SET STATISTICS {target}", quote::ident(&column.name));
    let reason = format!(
        "The {kept} most common values of {} end with one that is {:.0} times as common as the average of the {others:.0} others: the list is too short. {:.0} rows are expected where {:.0} come. The higher target takes effect with the ANALYZE that follows.",
        column.name,
        least / (rest / others).max(f64::MIN_POSITIVE),
        worst.estimated.max(1.0),
        worst.found,
    );
    let advice = Advice {
        kind: RecommendationKind::SetStatisticsTarget,
        table,
        key: column.name.clone(),
        ddl: statement(&set(wanted)),
        then: Some(analyze(table)),
        undo_ddl: statement(&set(own.unwrap_or(-1))),
        reason,
        confidence: Confidence::Medium,
        statements: seen.iter().map(|m| m.statement).collect(),
    };
    Some(recommendation(problem, advice))
}
