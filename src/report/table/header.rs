//! The top of the report: what was looked at, by what, and what came out.

use super::canvas::{Canvas, Tone};
use crate::report::{Report, Verdict, figures, neutral, words};

pub(super) fn draw(report: &Report, canvas: &mut Canvas) {
    let title = format!(
        "{} · {} · PostgreSQL {} · {}",
        report.tool,
        neutral::one_line(&report.source.database),
        figures::version(report.source.server_version_num),
        words::origin(report),
    );
    canvas.prose(0, Tone::Strong, &title);
    canvas.blank();
    let tone = match report.verdict() {
        Verdict::NothingLookedAt => Tone::Warn,
        Verdict::NothingFound | Verdict::Advice => Tone::Good,
    };
    canvas.prose(2, tone, &words::verdict(report));
    canvas.blank();

    canvas.labelled("Workload", Tone::Plain, &words::looked_at(&report.workload));
    if let Some(period) = words::period(report) {
        canvas.labelled("", Tone::Plain, &period);
    }
    let left_out = words::left_out(&report.workload);
    if !left_out.is_empty() {
        canvas.labelled("Left out", Tone::Plain, &left_out.join(", "));
    }
    if let Some(cost) = words::workload_cost(&report.workload) {
        canvas.labelled("Cost", Tone::Plain, &format!("{cost}, in the planner's unit, with all of the advice"));
    }
    canvas.labelled("Judged by", Tone::Plain, &words::cost_source(report));
    if let Some(agreement) = words::agreement(report) {
        canvas.labelled("", Tone::Plain, &agreement);
    }
    if let Some(note) = &report.cost_source.note {
        canvas.labelled("", Tone::Warn, note);
    }
    let mut also = Vec::new();
    if !report.findings.is_empty() {
        also.push(figures::plural(report.findings.len(), "finding", "findings"));
    }
    if !report.rejected.is_empty() {
        also.push(figures::plural(report.rejected.len(), "rejected candidate", "rejected candidates"));
    }
    if !report.not_evaluated.is_empty() {
        also.push(format!("{} not evaluated", figures::count(report.not_evaluated.len() as u64)));
    }
    if !also.is_empty() {
        canvas.labelled("Below", Tone::Plain, &also.join(", "));
    }
}
