//! What follows the recommendations: findings, rejections, what was not evaluated, what to do next.

use super::canvas::{Canvas, Column, Tone};
use crate::report::{Finding, Report, Severity, Style, figures, words};

/// Rejections shown for each rule, findings of the lowest severity, and parts not evaluated, unless all are asked for.
const PER_RULE: usize = 4;
const INFOS: usize = 5;
const PARTS: usize = 10;
/// Statements named for a finding.
const QUERYIDS: usize = 5;

pub(super) fn worse(report: &Report, style: Style, canvas: &mut Canvas) {
    if report.worse.is_empty() {
        return;
    }
    canvas.heading("Dearer with the advice", "");
    let shown = if style.all { report.worse.len() } else { PARTS.min(report.worse.len()) };
    for q in report.worse.iter().take(shown) {
        canvas.item(2, "▸ ", &words::dearer(q));
    }
    if report.worse.len() > shown {
        canvas.line(2, Tone::Faint, &format!("… {} more (--all shows them)", report.worse.len() - shown));
    }
}

pub(super) fn findings(report: &Report, style: Style, canvas: &mut Canvas) {
    if report.findings.is_empty() {
        return;
    }
    canvas.heading("Findings", "");
    let mut infos = 0;
    let mut hidden = 0;
    for finding in words::worst_first(report) {
        if finding.severity == Severity::Info {
            infos += 1;
            if infos > INFOS && !style.all {
                hidden += 1;
                continue;
            }
        }
        one_finding(finding, canvas);
    }
    if hidden > 0 {
        canvas.line(2, Tone::Faint, &format!("… {hidden} more of severity info (--all shows them)"));
    }
}

fn one_finding(f: &Finding, canvas: &mut Canvas) {
    let tone = match f.severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Info => Tone::Strong,
    };
    let place = f.location.as_ref().map_or_else(String::new, |l| format!("{}:{}:{}: ", l.file, l.line, l.column));
    canvas.prose(2, tone, &format!("{place}{} {} · {}", words::severity(f.severity), f.rule, f.object));
    canvas.prose(4, Tone::Plain, &f.message);
    if !f.evidence.is_empty() {
        canvas.prose(4, Tone::Faint, &words::numbers(&f.evidence));
    }
    if let Some(remedy) = &f.remedy {
        canvas.sql(4, Tone::Code, remedy, None);
    }
    if !f.queryids.is_empty() {
        let named = f.queryids.iter().take(QUERYIDS).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = f.queryids.len().saturating_sub(QUERYIDS);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        canvas.prose(4, Tone::Faint, &format!("queryid {named}{more}"));
    }
    canvas.blank();
}

pub(super) fn rejected(report: &Report, style: Style, canvas: &mut Canvas) {
    if report.rejected.is_empty() {
        return;
    }
    canvas.heading("Considered and rejected", "");
    for (rule, group) in words::by_rule(report) {
        let meaning = words::rule_meaning(rule).map_or_else(String::new, |m| format!(": {m}"));
        canvas.prose(2, Tone::Strong, &format!("{rule} ({}){meaning}", figures::count(group.len() as u64)));
        let shown = if style.all || group.len() == PER_RULE + 1 { group.len() } else { PER_RULE };
        let columns = [Column { name: "", figure: false }, Column { name: "", figure: false }];
        let rows = group
            .iter()
            .take(shown)
            .map(|r| vec![words::rejected_index(r), reason_with_numbers(&r.reason, &words::numbers(&r.numbers))])
            .collect();
        canvas.table(4, &columns, rows);
        if group.len() > shown {
            canvas.line(4, Tone::Faint, &format!("… {} more (--all shows them)", group.len() - shown));
        }
        canvas.blank();
    }
}

/// The reason names the numbers that matter; the bare ones follow only where it names none.
fn reason_with_numbers(reason: &str, numbers: &str) -> String {
    if numbers.is_empty() || reason.contains(|c: char| c.is_ascii_digit()) {
        reason.to_owned()
    } else {
        format!("{reason} ({numbers})")
    }
}

pub(super) fn not_evaluated(report: &Report, style: Style, canvas: &mut Canvas) {
    if report.not_evaluated.is_empty() {
        return;
    }
    canvas.heading("Not evaluated", "");
    let all = report.not_evaluated.len();
    let shown = if style.all || all == PARTS + 1 { all } else { PARTS };
    for part in report.not_evaluated.iter().take(shown) {
        canvas.item(2, "▸ ", &format!("{}: {}", part.what, part.reason));
        if let Some(remedy) = &part.remedy {
            canvas.sql(4, Tone::Code, remedy, None);
        }
    }
    if all > shown {
        canvas.line(2, Tone::Faint, &format!("… {} more (--all shows them)", all - shown));
    }
}

/// Statements left out, named, where all is asked for; the header has their numbers.
pub(super) fn left_out(report: &Report, style: Style, canvas: &mut Canvas) {
    let named: Vec<_> = report.workload.skipped.iter().filter(|s| !s.examples.is_empty()).collect();
    if !style.all || named.is_empty() {
        return;
    }
    canvas.heading("Left out", "");
    for skipped in named {
        canvas.prose(2, Tone::Strong, &format!("{} ({})", skipped.reason, figures::count(skipped.statements)));
        for example in &skipped.examples {
            canvas.item(4, "▸ ", &format!("queryid {}: {}", example.queryid, example.detail));
        }
    }
}

pub(super) fn next_steps(report: &Report, canvas: &mut Canvas) {
    canvas.heading("What to do next", "");
    for (number, step) in (1..).zip(words::next_steps(report)) {
        canvas.item(2, &format!("{number}. "), &step);
    }
}
