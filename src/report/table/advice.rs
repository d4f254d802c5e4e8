//! The recommendations: an overview, then each with its statement, gain, price and queries.

use super::canvas::{Canvas, Column, Tone};
use crate::report::{
    Evidence, QueryImpact, Recommendation, RecommendationKind, Report, Style, figures, neutral, words,
};

/// Queries shown for each recommendation, and lines of each, unless all are asked for.
const QUERIES: usize = 3;
const QUERY_LINES: usize = 8;

pub(super) fn draw(report: &Report, style: Style, canvas: &mut Canvas) {
    if report.recommendations.is_empty() {
        return;
    }
    if report.recommendations.len() > 1 {
        canvas.heading("What to do", "");
        overview(report, canvas);
    }
    for (number, recommendation) in words::ordered(report) {
        one(report, number, recommendation, style, canvas);
    }
}

fn overview(report: &Report, canvas: &mut Canvas) {
    let columns = [
        Column { name: "#", figure: true },
        Column { name: "Table", figure: false },
        Column { name: "Change", figure: false },
        Column { name: "Saves", figure: true },
        Column { name: "Cost", figure: true },
        Column { name: "Size", figure: true },
        Column { name: "Evidence", figure: true },
    ];
    let rows = words::ordered(report)
        .map(|(number, r)| {
            let size = r.index.as_ref().and_then(|i| i.estimated_bytes).map(figures::bytes);
            let cost = r.impact.reduction_pct.map(|pct| words::change_pct(-pct));
            let saves = match r.kind {
                // What a drop frees is its size.
                RecommendationKind::DropIndex => None,
                _ => words::gain_short(r),
            };
            vec![
                number.to_string(),
                r.table.clone(),
                words::short(r),
                saves.unwrap_or_default(),
                cost.unwrap_or_default(),
                size.unwrap_or_default(),
                words::evidence_short(r).to_owned(),
            ]
        })
        .collect();
    canvas.table(2, &columns, rows);
}

fn one(report: &Report, number: usize, r: &Recommendation, style: Style, canvas: &mut Canvas) {
    canvas.heading(&format!("{number}. {}", words::title(r)), &r.id);
    for prerequisite in &r.prerequisites {
        canvas.sql(4, Tone::Code, &neutral::statement(prerequisite), None);
    }
    for sql in r.statements() {
        canvas.sql(4, Tone::Code, &neutral::statement(sql), None);
    }
    canvas.blank();
    canvas.labelled("Why", Tone::Plain, &r.reason);
    let gain = words::gain(r);
    if !gain.is_empty() {
        canvas.labelled("Gain", Tone::Good, &gain);
    }
    if let Some(size) = words::size(r) {
        canvas.labelled("Size", Tone::Plain, &size);
    }
    if let Some(writes) = words::writes(r) {
        canvas.labelled("Writes", Tone::Plain, &writes);
    }
    let tone = if r.evidence == Evidence::Rule { Tone::Warn } else { Tone::Plain };
    canvas.labelled("Evidence", tone, &words::evidence(r));
    let related: Vec<String> = words::ordered(report)
        .filter(|(_, other)| r.related.contains(&other.id))
        .map(|(number, other)| format!("{number} ({})", words::short(other)))
        .collect();
    if !related.is_empty() {
        canvas.labelled("Belongs with", Tone::Plain, &related.join(", "));
    }
    if !r.undo_ddl.is_empty() {
        canvas.labelled("Undo", Tone::Faint, &neutral::statement(&r.undo_ddl));
    }
    queries(r, style, canvas);
}

fn queries(r: &Recommendation, style: Style, canvas: &mut Canvas) {
    let shown = if style.all { r.queries.len() } else { QUERIES.min(r.queries.len()) };
    for query in r.queries.iter().take(shown) {
        canvas.blank();
        one_query(query, style, canvas);
    }
    if r.queries.len() > shown {
        let more = figures::plural(r.queries.len() - shown, "more query", "more queries");
        canvas.blank();
        canvas.line(4, Tone::Faint, &format!("… {more} (--all shows them)"));
    }
}

fn one_query(q: &QueryImpact, style: Style, canvas: &mut Canvas) {
    let change = words::change(q.cost_before, q.cost_after).map_or_else(String::new, |c| format!(" ({c})"));
    let figures = format!(
        "{} calls × {} = {}; cost {} → {}{change}",
        figures::count(q.calls),
        figures::duration(q.mean_time_ms),
        figures::duration(q.calls as f64 * q.mean_time_ms),
        figures::number(q.cost_before),
        figures::number(q.cost_after),
    );
    canvas.item(4, "▸ ", &figures);
    canvas.prose(6, Tone::Faint, &plan_change(q));
    canvas.sql(6, Tone::Plain, &q.query, (!style.all).then_some(QUERY_LINES));
}

fn plan_change(q: &QueryImpact) -> String {
    if q.node_before == q.node_after {
        q.node_before.clone()
    } else {
        format!("{} → {}", q.node_before, q.node_after)
    }
}
