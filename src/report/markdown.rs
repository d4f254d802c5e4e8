//! Markdown (GitHub's and GitLab's) for tickets and pull requests.
//!
//! Names and texts are escaped: code spans and fences are longer than any run of backticks within, pipes do not end a
//! cell, and neither HTML nor mentions nor links come alive.

use super::{Finding, Recommendation, Report, Style, figures, neutral, words};

/// Queries shown for each recommendation, and rejections for each rule, unless all are asked for.
const QUERIES: usize = 3;
const PER_RULE: usize = 10;

pub(super) fn render(report: &Report, style: Style) -> String {
    let mut out = Page(String::new());
    head(report, &mut out);
    if report.recommendations.len() > 1 {
        overview(report, &mut out);
    }
    for (number, recommendation) in words::ordered(report) {
        one(number, recommendation, style, &mut out);
    }
    worse(report, &mut out);
    explanations(report, style, &mut out);
    findings(report, &mut out);
    rejected(report, style, &mut out);
    not_evaluated(report, &mut out);
    out.put("\n## What to do next\n\n");
    for (number, step) in (1..).zip(words::next_steps(report)) {
        // The steps are pgwise's own words and use backticks as they are meant here.
        out.put(&format!("{number}. {step}\n"));
    }
    out.0
}

fn head(report: &Report, out: &mut Page) {
    out.put(&format!("# Index advice for {}\n\n", code(&report.source.database)));
    out.put(&format!("**{}**\n\n", prose(&words::verdict(report))));
    let mut facts = vec![
        (
            "Server",
            format!("PostgreSQL {}, {}", figures::version(report.source.server_version_num), words::origin(report)),
        ),
        ("Workload", words::looked_at(&report.workload)),
    ];
    facts.extend(words::period(report).map(|p| ("Period", p)));
    let left_out = words::left_out(&report.workload);
    if !left_out.is_empty() {
        facts.push(("Left out", left_out.join(", ")));
    }
    facts.extend(words::workload_cost(&report.workload).map(|c| ("Cost", c)));
    facts.push(("Judged by", words::cost_source(report)));
    facts.extend(words::agreement(report).map(|a| ("Agreement", a)));
    facts.extend(report.cost_source.note.clone().map(|n| ("Note", n)));
    facts.push(("Written by", report.tool.clone()));
    for (label, fact) in facts {
        out.put(&format!("- **{label}:** {}\n", prose(&fact)));
    }
}

fn overview(report: &Report, out: &mut Page) {
    out.put("\n| # | Table | Change | Saves | Cost | Size | Evidence |\n");
    out.put("|---:|---|---|---:|---:|---:|---|\n");
    for (number, r) in words::ordered(report) {
        let size = r.index.as_ref().and_then(|i| i.estimated_bytes).map(figures::bytes).unwrap_or_default();
        let cost = r.impact.reduction_pct.map(|pct| words::change_pct(-pct)).unwrap_or_default();
        out.put(&format!(
            "| {number} | {} | {} | {} | {cost} | {size} | {} |\n",
            cell_code(&r.table),
            cell_code(&words::short(r)),
            words::gain_short(r).unwrap_or_default(),
            words::evidence_short(r),
        ));
    }
}

fn one(number: usize, r: &Recommendation, style: Style, out: &mut Page) {
    out.put(&format!("\n## {number}. {}\n\n", prose(&words::title(r))));
    let mut ddl = r.prerequisites.clone();
    ddl.extend_from_slice(r.statements());
    out.put(&fenced(&ddl.iter().map(|s| neutral::statement(s).into_owned()).collect::<Vec<_>>().join("\n")));
    out.put(&format!("\n{}\n\n", prose(&r.reason)));
    let gain = words::gain(r);
    if !gain.is_empty() {
        out.put(&format!("- **Gain:** {}\n", prose(&gain)));
    }
    if let Some(size) = words::size(r) {
        out.put(&format!("- **Size:** {size}\n"));
    }
    if let Some(writes) = words::writes(r) {
        out.put(&format!("- **Writes:** {}\n", prose(&writes)));
    }
    out.put(&format!("- **Evidence:** {}\n", prose(&words::evidence(r))));
    if !r.undo_ddl.is_empty() {
        out.put(&format!("- **Undo:** {}\n", code(&neutral::statement(&r.undo_ddl))));
    }
    out.put(&format!("- **Id:** {}\n", code(&r.id)));
    let shown = if style.all { r.queries.len() } else { QUERIES.min(r.queries.len()) };
    for q in r.queries.iter().take(shown) {
        let change = words::change(q.cost_before, q.cost_after).map_or_else(String::new, |c| format!(" ({c})"));
        out.put(&format!(
            "\n{} calls × {}, cost {} → {}{change}: {} → {}\n\n",
            figures::count(q.calls),
            figures::duration(q.mean_time_ms),
            figures::number(q.cost_before),
            figures::number(q.cost_after),
            code(&q.node_before),
            code(&q.node_after),
        ));
        out.put(&fenced(&q.query));
    }
    if r.queries.len() > shown {
        out.put(&format!("\n… and {}.\n", figures::plural(r.queries.len() - shown, "more query", "more queries")));
    }
}

fn worse(report: &Report, out: &mut Page) {
    if report.worse.is_empty() {
        return;
    }
    out.put("\n## Dearer with the advice\n\n");
    for q in &report.worse {
        out.put(&format!("- {}\n", prose(&words::dearer(q))));
    }
}

fn explanations(report: &Report, style: Style, out: &mut Page) {
    if report.explanations.is_empty() {
        return;
    }
    out.put("\n## Asked about\n");
    for e in &report.explanations {
        out.put(&format!("\n### {}\n\n", code(&e.asked)));
        out.put(&format!("**{}:** {}\n\n", prose(words::outcome(e.outcome)), prose(&e.reason)));
        for (label, fact) in words::explanation(e) {
            out.put(&format!("- **{label}:** {}\n", prose(&fact)));
        }
        if e.queries.is_empty() {
            continue;
        }
        out.put("\n| Query | Calls | Now | Alone | Advised | Both | Used |\n|---|---:|---:|---:|---:|---:|---|\n");
        let shown = if style.all { e.queries.len() } else { PER_RULE.min(e.queries.len()) };
        for q in e.queries.iter().take(shown) {
            let [calls, before, alone, advised, both] = words::costs(q);
            let used = words::used(q);
            out.put(&format!(
                "| {} | {calls} | {before} | {alone} | {advised} | {both} | {used} |\n",
                cell_code(&q.query)
            ));
        }
        if e.queries.len() > shown {
            out.put(&format!("\n… and {} more.\n", e.queries.len() - shown));
        }
    }
}

fn findings(report: &Report, out: &mut Page) {
    if report.findings.is_empty() {
        return;
    }
    out.put("\n## Findings\n\n");
    for finding in words::worst_first(report) {
        one_finding(finding, out);
    }
}

fn one_finding(f: &Finding, out: &mut Page) {
    let place = f
        .location
        .as_ref()
        .map_or_else(String::new, |l| format!(" at {}", code(&format!("{}:{}:{}", l.file, l.line, l.column))));
    out.put(&format!(
        "- **{}** {} on {}{place}: {}",
        words::severity(f.severity),
        code(&f.rule),
        code(&f.object),
        prose(&f.message)
    ));
    if !f.evidence.is_empty() {
        out.put(&format!(" ({})", prose(&words::numbers(&f.evidence))));
    }
    out.put("\n");
    if let Some(remedy) = &f.remedy {
        out.put(&format!("  Remedy: {}\n", code(remedy)));
    }
}

fn rejected(report: &Report, style: Style, out: &mut Page) {
    if report.rejected.is_empty() {
        return;
    }
    out.put(&format!(
        "\n<details>\n<summary>Considered and rejected: {}</summary>\n",
        figures::plural(report.rejected.len(), "candidate", "candidates")
    ));
    for (rule, group) in words::by_rule(report) {
        let meaning = words::rule_meaning(rule).map_or_else(String::new, |m| format!(": {m}"));
        out.put(&format!("\n**{}** ({}){meaning}\n\n| Index | Why not |\n|---|---|\n", prose(rule), group.len()));
        let shown = if style.all { group.len() } else { PER_RULE.min(group.len()) };
        for r in group.iter().take(shown) {
            out.put(&format!("| {} | {} |\n", cell_code(&words::rejected_index(r)), prose(&r.reason)));
        }
        if group.len() > shown {
            out.put(&format!("\n… and {} more.\n", group.len() - shown));
        }
    }
    out.put("\n</details>\n");
}

fn not_evaluated(report: &Report, out: &mut Page) {
    if report.not_evaluated.is_empty() {
        return;
    }
    out.put("\n## Not evaluated\n\n");
    for part in &report.not_evaluated {
        out.put(&format!("- {}: {}\n", prose(&part.what), prose(&part.reason)));
        if let Some(remedy) = &part.remedy {
            out.put(&format!("  Remedy: {}\n", code(remedy)));
        }
    }
}

/// The text under construction.
struct Page(String);

impl Page {
    fn put(&mut self, text: &str) {
        self.0.push_str(text);
    }
}

/// Text in which nothing is markup: every character that could begin some is an entity or escaped.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in neutral::one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Mentions and issue references are looked for in the rendered text: only an element between breaks them.
            '@' => out.push_str("@<!-- -->"),
            '#' => out.push_str("\\#<!-- -->"),
            ':' if out.ends_with("http") || out.ends_with("https") || out.ends_with("ftp") => out.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    // `www.` alone makes a link, too.
    out.replace("www.", "www&#46;")
}

/// A code span.
fn code(text: &str) -> String {
    let text = neutral::one_line(text);
    let ticks = "`".repeat(longest_run(&text) + 1);
    // A space keeps a backtick at the edge apart from the fence, and is not shown.
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// A code span within a table's cell, where a pipe must be escaped even in code.
fn cell_code(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A fenced block of SQL.
fn fenced(sql: &str) -> String {
    let lines = neutral::lines(sql);
    let run = lines.iter().map(|l| longest_run(l)).max().unwrap_or(0);
    let fence = "`".repeat(3.max(run + 1));
    format!("{fence}sql\n{}\n{fence}\n", lines.join("\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_comes_alive() {
        assert_eq!(prose("a*b_<img src=x>@me|#1"), "a\\*b\\_&lt;img src=x&gt;@<!-- -->me\\|\\#<!-- -->1");
        assert_eq!(prose("see https://x.org www.x.org"), "see https&#58;//x.org www&#46;x.org");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(cell_code("a|b"), "`a\\|b`");
        assert_eq!(fenced("select '````'"), "`````sql\nselect '````'\n`````\n");
    }
}
