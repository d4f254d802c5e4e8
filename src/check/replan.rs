//! What a change does to the plans of the workload: every statement on a table whose indexes change is costed before and
//! after, by the cost source at hand.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::Severity;
use crate::snapshot::{IndexMethod, IndexSpec, KeySpec, KeyTarget, Oid};
use crate::whatif::{CandidateId, Configuration, CostRequest, CostSource, Costed};

use super::context::Production;
use super::draft::Draft;
use super::schema::{Index, Schema, Table};

/// A statement is said to get dearer from this ratio of costs on.
const DEARER: f64 = 1.2;
/// Statements named for one index.
const NAMED: usize = 5;

/// What the files did to indexes, with the place of the statement that did it.
#[derive(Debug, Default)]
pub(super) struct IndexChanges<P> {
    /// Indexes of production that are gone: oid, name, table's name.
    pub(super) lost: BTreeMap<Oid, (String, String, P)>,
    /// Indexes created on tables of production: spec, name, table's name.
    pub(super) made: Vec<(IndexSpec, String, String, P)>,
}

/// What re-planning found about one index.
pub(super) enum Verdict {
    /// Statements get dearer without it.
    Regression(Draft),
    /// No statement uses it.
    Unused(Draft),
}

/// Indexes of production that are there, with their tables: compared before and after a statement to see what it took.
pub(super) fn indexes_of(schema: &Schema) -> BTreeMap<Oid, (String, String)> {
    schema
        .tables
        .values()
        .flat_map(|t| t.indexes.iter().filter_map(|i| Some((i.oid?, (i.name.clone(), t.display_name())))))
        .collect()
}

/// An index that a file creates on a table of production, as a cost source takes it; `None` where it holds columns that
/// production does not have yet.
pub(super) fn spec(index: &Index, table: &Table, production: &Production<'_>) -> Option<IndexSpec> {
    let oid = table.oid?;
    let columns = production.snapshot.catalog.table(oid)?;
    let number = |name: &String| columns.column_named(name).map(|c| c.attnum);
    let keys = index.keys.iter().map(|key| {
        let target = match (&key.column, &key.expression) {
            (Some(column), _) => KeyTarget::Column(number(column)?),
            (None, Some(expression)) => KeyTarget::Expression(expression.clone()),
            (None, None) => return None,
        };
        Some(KeySpec {
            target,
            opclass: key.opclass.clone(),
            collation: key.collation.clone(),
            descending: key.descending,
            nulls_first: key.nulls_first,
        })
    });
    let mut include = index.include.iter().map(number).collect::<Option<Vec<_>>>()?;
    include.sort_unstable();
    let method = IndexMethod::from_amname(&index.method);
    (method != IndexMethod::Other).then_some(())?;
    Some(IndexSpec {
        table: oid,
        method,
        keys: keys.collect::<Option<Vec<_>>>()?,
        include,
        predicate: index.predicate.clone(),
        unique: index.unique,
        pages_per_range: None,
    })
}

/// Costs the workload before and after. The answer has a verdict for each place at most; costs that nobody knows are
/// returned as sentences.
pub(super) fn judge<P: Clone>(
    changes: &IndexChanges<P>,
    production: &Production<'_>,
    costs: &mut dyn CostSource,
) -> (Vec<(P, Verdict)>, Vec<String>) {
    let mut unknown = vec![];
    let specs: Vec<(CandidateId, IndexSpec)> =
        changes.made.iter().enumerate().map(|(id, (spec, ..))| (id, spec.clone())).collect();
    let registered = costs.register(&specs);
    let mut made = BTreeSet::new();
    for ((id, _), answer) in specs.iter().zip(registered) {
        match answer {
            Ok(_) => {
                made.insert(*id);
            }
            Err(error) => unknown.push(format!("{}: {error}", changes.made[*id].1)),
        }
    }
    let tables: BTreeSet<Oid> = production
        .snapshot
        .catalog
        .tables
        .iter()
        .filter(|t| t.indexes.iter().any(|i| changes.lost.contains_key(&i.oid)))
        .map(|t| t.oid)
        .chain(changes.made.iter().map(|(spec, ..)| spec.table))
        .collect();
    let statements: Vec<usize> = production
        .workload
        .queries
        .iter()
        .filter(|q| !q.bound.tables().is_disjoint(&tables))
        .map(|q| q.statement)
        .collect();
    let after = Configuration { with: made.clone(), without: changes.lost.keys().copied().collect() };
    let ask = |configuration: &Configuration| -> Vec<CostRequest> {
        statements.iter().map(|s| CostRequest { statement: *s, configuration: configuration.clone() }).collect()
    };
    let before = costs.cost(&ask(&Configuration::default()));
    let after = costs.cost(&ask(&after));
    let mut pairs: Vec<(usize, Costed, Costed)> = vec![];
    for ((statement, before), after) in statements.iter().zip(before).zip(after) {
        match (before, after) {
            (Ok(before), Ok(after)) => pairs.push((*statement, before, after)),
            (Err(error), _) | (_, Err(error)) => {
                let queryid = &production.snapshot.statements.items[*statement].queryid;
                unknown.push(format!("query {queryid}: {error}"));
            }
        }
    }
    let mut verdicts = vec![];
    for (name, table, place) in changes.lost.values() {
        if let Some(draft) = regression(name, table, &pairs, production) {
            verdicts.push((place.clone(), Verdict::Regression(draft)));
        }
    }
    for (id, (spec, name, table, place)) in changes.made.iter().enumerate() {
        let used = pairs.iter().any(|(_, _, after)| after.used.contains(&id));
        if made.contains(&id) && !used && !spec.unique {
            verdicts.push((place.clone(), Verdict::Unused(unused(name, table, pairs.len()))));
        }
    }
    (verdicts, unknown)
}

/// The statements whose plan uses an index now, and that get dearer without it.
fn regression(
    name: &str,
    table: &str,
    pairs: &[(usize, Costed, Costed)],
    production: &Production<'_>,
) -> Option<Draft> {
    let items = &production.snapshot.statements.items;
    let mut dearer: Vec<(f64, f64, usize)> = pairs
        .iter()
        .filter(|(_, before, after)| {
            before.used_existing.contains(name) && after.total_cost > before.total_cost * DEARER
        })
        .map(|(s, before, after)| {
            let weight = items[*s].calls as f64 * (after.total_cost - before.total_cost);
            (weight, after.total_cost / before.total_cost.max(f64::MIN_POSITIVE), *s)
        })
        .collect();
    dearer.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.2.cmp(&b.2)));
    let (_, ratio, worst) = dearer.first().copied()?;
    let list: Vec<String> = dearer
        .iter()
        .take(NAMED)
        .map(|(_, ratio, s)| {
            format!("query {}: {} times as dear, {} calls", items[*s].queryid, round(*ratio), items[*s].calls)
        })
        .collect();
    let calls: u64 = dearer.iter().map(|(_, _, s)| items[*s].calls).sum();
    Some(Draft {
        object: format!("{table} {name}"),
        message: format!(
            "without {name}, {} statements of the workload get dearer, the worst {} times: {}",
            dearer.len(),
            round(dearer.iter().map(|d| d.1).fold(ratio, f64::max)),
            list.join("; ")
        ),
        evidence: vec![
            ("statements", dearer.len() as f64),
            ("calls", calls as f64),
            ("cost_before", pairs.iter().find(|p| p.0 == worst).map_or(0.0, |p| p.1.total_cost)),
            ("cost_after", pairs.iter().find(|p| p.0 == worst).map_or(0.0, |p| p.2.total_cost)),
        ],
        remedy: Some(format!("keep {name}, or create what replaces it first")),
        severity: (ratio < 2.0).then_some(Severity::Warning),
        queryids: dearer.iter().map(|d| items[d.2].queryid.clone()).collect(),
        time_at_stake_ms: Some(dearer.iter().map(|d| items[d.2].total_ms * (d.1 - 1.0)).sum()),
        ..Draft::default()
    })
}

fn unused(name: &str, table: &str, statements: usize) -> Draft {
    Draft {
        object: format!("{table} {name}"),
        message: format!("none of the {statements} statements of the workload on {table} would use this index"),
        evidence: vec![("statements", statements as f64)],
        remedy: Some("leave it out, unless it is for a query that production does not run yet".to_owned()),
        ..Draft::default()
    }
}

/// A ratio for people: two digits where it is small.
fn round(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.1}") } else { format!("{ratio:.0}") }
}
