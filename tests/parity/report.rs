//! Distribution, worst cases, and the JSON files.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::judge::{Row, Size};

/// The share in percent, to two places; of nothing, all.
pub(crate) fn pct(part: usize, of: usize) -> f64 {
    if of == 0 { 100.0 } else { (10_000.0 * part as f64 / of as f64).round() / 100.0 }
}

/// The share of rows for which something holds, in percent.
pub(crate) fn share(rows: &[&Row], holds: impl Fn(&Row) -> bool) -> f64 {
    pct(rows.iter().filter(|row| holds(row)).count(), rows.len())
}

/// The value below which so many percent of the values are; `None` of nothing.
pub(crate) fn percentile(values: impl Iterator<Item = f64>, percent: usize) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some(sorted[(last * percent).div_ceil(100)])
}

/// How many times the worst row's cost is the planner's. JSON knows no infinity: `None` where there is no answer.
pub(crate) fn worst_factor(rows: &[&Row]) -> Option<f64> {
    rows.iter().map(|row| row.factor()).max_by(f64::total_cmp).filter(|f| f.is_finite())
}

/// The rows with the largest difference, the worst first, those alike left out.
pub(crate) fn worst<'a>(rows: &[&'a Row], count: usize) -> Vec<&'a Row> {
    let mut apart: Vec<&Row> =
        rows.iter().copied().filter(|row| row.factor() > 1.000_01 || row.same_shape() == Some(false)).collect();
    apart.sort_by(|a, b| b.factor().total_cmp(&a.factor()).then_with(|| a.statement.cmp(&b.statement)));
    // The same question on a snapshot that carries more or fewer values.
    apart.dedup_by(|a, b| (a.major, &a.statement, &a.configuration) == (b.major, &b.statement, &b.configuration));
    apart.truncate(count);
    apart
}

/// What the differences begin with, the most frequent first: a first sorting by cause.
pub(crate) fn causes(rows: &[&Row]) -> Vec<(String, usize)> {
    let apart = rows.iter().filter(|row| !row.cost_within(0.001) || row.same_shape() == Some(false));
    let kinds = apart.filter_map(|row| match &row.answer {
        Err(why) => Some(format!("no answer: {why}")),
        Ok(_) => row.first_difference().map(|difference| difference.kind),
    });
    let mut counted: Vec<(String, usize)> =
        groups(kinds.map(|kind| (kind, ()))).into_iter().map(|(kind, rows)| (kind, rows.len())).collect();
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted
}

/// Prints the worst rows with their plans.
pub(crate) fn print_worst(title: &str, rows: &[&Row], count: usize) {
    let worst = worst(rows, count);
    if worst.is_empty() {
        return;
    }
    println!("\n{title}, the worst {} first:", worst.len());
    for (kind, count) in causes(rows) {
        println!("  {count:>5} first part at {kind}");
    }
    for row in worst {
        println!("{}", row.show());
    }
}

/// The worst rows for a file.
pub(crate) fn worst_json(rows: &[&Row], count: usize) -> Value {
    let cases = worst(rows, count).into_iter().map(|row| {
        json!({
            "version": row.major,
            "workload": row.workload,
            "statement": row.statement,
            "configuration": row.configuration,
            "ratio": row.ratio(),
            "error": row.answer.as_ref().err(),
        })
    });
    Value::Array(cases.collect())
}

/// Groups of something by a key.
pub(crate) fn groups<K: Ord, T>(of: impl Iterator<Item = (K, T)>) -> BTreeMap<K, Vec<T>> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for (key, item) in of {
        groups.entry(key).or_default().push(item);
    }
    groups
}

/// Costs under candidates and their sizes, by kind, and of all kinds together.
pub(crate) fn candidates(major: u32, rows: &[Row], sizes: &[Size]) -> Vec<Value> {
    let mut by_kind =
        groups(rows.iter().filter(|r| r.uses_candidate()).flat_map(|r| r.kinds.iter().map(move |k| (*k, r))));
    by_kind.insert("all", rows.iter().filter(|r| r.uses_candidate()).collect());
    let mut lines = Vec::new();
    println!("\nPostgreSQL {major}: candidates, the source against indexes really built (plans that use one)");
    println!(
        "  {:14} {:>6} {:>10} {:>12} {:>8} {:>6} {:>9}",
        "kind", "pairs", "within 5 %", "same indexes", "worst", "sizes", "near"
    );
    for (kind, rows) in by_kind {
        let sizes: Vec<&Size> = sizes.iter().filter(|s| kind == "all" || s.kind == kind).collect();
        let near = pct(sizes.iter().filter(|s| s.is_near()).count(), sizes.len());
        let (within, same) = (share(&rows, |r| r.cost_within(0.05)), share(&rows, Row::same_indexes));
        let worst = worst_factor(&rows);
        let shown = worst.map_or_else(|| "-".to_owned(), |w| format!("{w:.3}"));
        println!("  {kind:14} {:>6} {within:>10.2} {same:>12.2} {shown:>8} {:>6} {near:>9.2}", rows.len(), sizes.len());
        lines.push(json!({
            "version": major, "kind": kind, "pairs": rows.len(), "cost_within_5_pct": within, "same_indexes_pct": same,
            "worst": worst, "sizes": sizes.len(), "size_near_pct": near,
        }));
    }
    for size in sizes.iter().filter(|s| !s.is_near()) {
        println!(
            "    {:+.1} % in size: {} (estimated {}, built {})",
            size.error() * 100.0,
            size.index,
            size.estimated,
            size.built
        );
    }
    lines
}

/// Writes target/NAME.
pub(crate) fn write(name: &str, report: &Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, format!("{report:#}\n")).unwrap();
    println!("\nwritten: target/{name}");
}
