//! The outcome of a check as text: for people, and for the programs that CI feeds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::check::CheckReport;
use super::model::{Finding, Location, Severity};
use super::neutral;

/// The texts of files by path.
pub type Sources<'a> = BTreeMap<&'a str, &'a str>;

/// The forms that the outcome of a check can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckFormat {
    /// For people: each finding with its line and a marker under it.
    Human,
    /// JSON for programs: docs/schema/check.schema.json.
    Json,
    /// Annotations of GitHub Actions.
    Github,
}

/// Renders the outcome of a check. `sources` holds the files' texts by path. The text ends with a newline.
pub fn render(report: &CheckReport, format: CheckFormat, sources: &Sources<'_>, colour: bool) -> String {
    match format {
        CheckFormat::Human => human(report, sources, colour),
        // A report serialises: its maps have text keys and its numbers are finite.
        CheckFormat::Json => serde_json::to_string_pretty(report).map(|json| json + "\n").unwrap_or_default(),
        CheckFormat::Github => github(report),
    }
}

fn human(report: &CheckReport, sources: &Sources<'_>, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for finding in &report.findings {
        out.push_str(&one(finding, sources, &renderer));
        out.push_str("\n\n");
    }
    for part in &report.not_evaluated {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "not evaluated: {}: {}", neutral::line(&part.what), neutral::line(&part.reason));
    }
    out.push_str(&summary(report));
    out.push('\n');
    out
}

fn one(finding: &Finding, sources: &Sources<'_>, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let message = neutral::line(&finding.message).into_owned();
    let mut group = Group::with_title(level.primary_title(&message).id(&finding.rule));
    let located = finding.location.as_ref().and_then(|l| Some((l, neutral::text(sources.get(l.file.as_str())?))));
    if let Some((location, text)) = &located {
        let span = span(text, location);
        let snippet =
            Snippet::source(text.as_str()).path(&location.file).annotation(AnnotationKind::Primary.span(span));
        group = group.element(snippet);
    }
    let remedy = finding.remedy.as_deref().map(neutral::text);
    if let Some(remedy) = &remedy {
        group = group.element(Level::HELP.message(remedy.as_str()));
    }
    renderer.render(&[group])
}

/// The place of a finding in the text that is shown, in bytes: its first line only.
fn span(text: &str, location: &Location) -> std::ops::Range<usize> {
    let line_start = text.match_indices('\n').map(|(at, _)| at + 1).nth(location.line.saturating_sub(2) as usize);
    let line_start = if location.line <= 1 { 0 } else { line_start.unwrap_or(text.len()) };
    let line = text[line_start..].lines().next().unwrap_or("");
    let at = |column: u32| {
        let before = column.saturating_sub(1) as usize;
        line.char_indices().nth(before).map_or(line.len(), |(at, _)| at)
    };
    let start = at(location.column);
    let end = match (location.end_line, location.end_column) {
        (Some(end_line), Some(end_column)) if end_line == location.line => at(end_column),
        _ => line.trim_end().len(),
    };
    line_start + start..line_start + end.max(start)
}

fn summary(report: &CheckReport) -> String {
    let count = |severity| report.findings.iter().filter(|f| f.severity == severity).count();
    let judged = report.files.iter().filter(|f| f.judged);
    let (files, statements) = judged.fold((0_u64, 0), |(files, statements), f| (files + 1, statements + f.statements));
    let ignored =
        if report.ignored == 0 { String::new() } else { format!(", {} held back by comments", report.ignored) };
    let against = report.database.as_ref().map_or_else(
        || "without a snapshot: sizes, use and plans are not known".to_owned(),
        |database| format!("against the snapshot of {}", neutral::line(database)),
    );
    format!(
        "{files} files, {statements} statements, {against}: {} errors, {} warnings, {} notes{ignored}",
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Info)
    )
}

/// `::error file=…,line=…::message`, with what GitHub's runner would read as its own escaped.
fn github(report: &CheckReport) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut out = String::new();
    for finding in &report.findings {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let place = finding.location.as_ref().map_or_else(String::new, |l| {
            let end = l.end_line.map_or_else(String::new, |line| format!(",endLine={line}"));
            format!("file={},line={},col={}{end},", property(&l.file), l.line, l.column)
        });
        let remedy = finding.remedy.as_deref().map_or_else(String::new, |r| format!("\n{r}"));
        let _ = writeln!(
            out,
            "::{command} {place}title={}::{}",
            property(&finding.rule),
            data(&format!("{}{remedy}", finding.message))
        );
    }
    out
}
