//! The sentences that several formats share, in plain text: each format escapes them in its own way.

use std::collections::BTreeMap;

use super::figures::{bytes, count, duration, number, percent, plural};
use super::{
    Confidence, Evidence, Finding, IndexExplanation, IndexOutcome, IndexReport, QueryExplanation, QueryImpact,
    Recommendation, RecommendationKind, Rejection, Report, Severity, SourceKind, Verdict, WorkloadReport,
};

/// Recommendations as people should read and run them: what adds something first, in the report's order; drops last,
/// because a drop may rest on a create. With the number that each is shown under.
pub(super) fn ordered(report: &Report) -> impl Iterator<Item = (usize, &Recommendation)> {
    let is_drop = |r: &&Recommendation| r.kind == RecommendationKind::DropIndex;
    let others = report.recommendations.iter().filter(move |r| !is_drop(r));
    (1..).zip(others.chain(report.recommendations.iter().filter(is_drop)))
}

/// `Create an index on public.orders`.
pub(super) fn title(r: &Recommendation) -> String {
    match (r.kind, &r.index) {
        (RecommendationKind::CreateIndex, Some(i)) if i.unique => format!("Create a unique index on {}", r.table),
        (RecommendationKind::CreateIndex, _) => format!("Create an index on {}", r.table),
        (RecommendationKind::DropIndex, Some(i)) => format!("Drop {} on {}", i.name, r.table),
        (RecommendationKind::DropIndex, None) => format!("Drop an index on {}", r.table),
        (RecommendationKind::CreateStatistics, _) => format!("Create extended statistics on {}", r.table),
        (RecommendationKind::SetStatisticsTarget, _) => format!("Raise a statistics target on {}", r.table),
        (RecommendationKind::AnalyzeTable, _) => format!("Analyze {}", r.table),
    }
}

/// `(customer_id, created_at DESC) INCLUDE (total) WHERE deleted_at IS NULL`; the method first where it is not B-tree.
pub(super) fn shape(index: &IndexReport) -> String {
    let mut out = String::new();
    if index.method != "btree" {
        out.push_str(&index.method);
        out.push(' ');
    }
    out.push('(');
    out.push_str(&index.columns.join(", "));
    out.push(')');
    if !index.include.is_empty() {
        out.push_str(" INCLUDE (");
        out.push_str(&index.include.join(", "));
        out.push(')');
    }
    if let Some(predicate) = &index.predicate {
        out.push_str(" WHERE ");
        out.push_str(predicate);
    }
    out
}

/// The change in half a line, for the overview: `create (customer_id)`, `drop orders_old_idx`, `analyze`.
pub(super) fn short(r: &Recommendation) -> String {
    match (r.kind, &r.index) {
        (RecommendationKind::CreateIndex, Some(i)) => format!("create {}", shape(i)),
        (RecommendationKind::CreateIndex, None) => "create an index".to_owned(),
        (RecommendationKind::DropIndex, Some(i)) => format!("drop {}", i.name),
        (RecommendationKind::DropIndex, None) => "drop an index".to_owned(),
        (RecommendationKind::CreateStatistics, _) => "create extended statistics".to_owned(),
        (RecommendationKind::SetStatisticsTarget, _) => "raise a statistics target".to_owned(),
        (RecommendationKind::AnalyzeTable, _) => "analyze".to_owned(),
    }
}

/// The gain as one figure: time saved an hour, else over the period, else bytes freed.
pub(super) fn gain_short(r: &Recommendation) -> Option<String> {
    let impact = &r.impact;
    let saved = |ms: Option<f64>| ms.filter(|ms| *ms > 0.0);
    saved(impact.time_saved_ms_per_hour)
        .map(|ms| format!("{}/h", duration(ms)))
        .or_else(|| saved(impact.time_saved_ms).map(duration))
        .or_else(|| impact.bytes_freed.map(|b| format!("frees {}", bytes(b))))
}

/// The gain in full; empty where nothing is known of it.
pub(super) fn gain(r: &Recommendation) -> String {
    let impact = &r.impact;
    let mut parts = Vec::new();
    if let Some(ms) = impact.time_saved_ms_per_hour.filter(|ms| *ms > 0.0) {
        parts.push(format!("about {} of execution time an hour", duration(ms)));
    } else if let Some(ms) = impact.time_saved_ms.filter(|ms| *ms > 0.0) {
        parts.push(format!("about {} of execution time over the period counted", duration(ms)));
    }
    if let (Some(before), Some(after)) = (impact.workload_cost_before, impact.workload_cost_after) {
        let change = impact.reduction_pct.map_or_else(String::new, |pct| format!(" ({})", change_pct(-pct)));
        parts.push(format!("cost of its queries {} → {}{change}", number(before), number(after)));
    }
    if let Some(freed) = impact.bytes_freed {
        parts.push(format!("frees {}", bytes(freed)));
    }
    parts.join("; ")
}

/// The size of an index, and whether it was measured.
pub(super) fn size(r: &Recommendation) -> Option<String> {
    let size = r.index.as_ref()?.estimated_bytes?;
    let how = if r.kind == RecommendationKind::DropIndex { "on disk now" } else { "estimated" };
    Some(format!("{} {how}", bytes(size)))
}

/// What the index costs on writes; `None` where nothing is known or nothing is written.
pub(super) fn writes(r: &Recommendation) -> Option<String> {
    let overhead = &r.write_overhead;
    let drop = r.kind == RecommendationKind::DropIndex;
    let mut parts = Vec::new();
    if let Some(pct) = overhead.table_writes_pct.filter(|pct| pct.abs() > 0.0) {
        parts.push(format!("{} on writes of this table", change_pct(pct)));
    }
    if let Some(writes) = overhead.writes_per_hour.filter(|w| *w > 0.0) {
        let verb = if drop { "no longer pay for it" } else { "pay for it" };
        parts.push(format!("{} writes an hour {verb}", number(writes.round())));
    }
    if overhead.cost.abs() > 0.0 {
        let verb = if drop { "gives back" } else { "costs" };
        parts.push(format!("{verb} {} over the period, in the planner's unit", number(overhead.cost.abs())));
    }
    if let Some(pct) = overhead.hot_updates_lost_pct.filter(|pct| *pct > 0.0) {
        let verb = if drop { "can be HOT again" } else { "can no longer be HOT" };
        parts.push(format!("{} of the table's updates {verb}", percent(pct)));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What the advice rests on.
pub(super) fn evidence(r: &Recommendation) -> String {
    let basis = match r.evidence {
        Evidence::Planner => "costed by PostgreSQL's own planner",
        Evidence::Model => "costed by the planner model",
        Evidence::Rule => "a rule's word, costed by nothing",
    };
    format!("{basis}; {} confidence", confidence(r.confidence))
}

/// The evidence in one word.
pub(super) fn evidence_short(r: &Recommendation) -> &'static str {
    evidence_word(r.evidence)
}

fn evidence_word(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Planner => "planner",
        Evidence::Model => "model",
        Evidence::Rule => "rule",
    }
}

fn confidence(c: Confidence) -> &'static str {
    match c {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

/// A change of cost: `−92%`, `+3%`, `0%`.
pub(super) fn change_pct(pct: f64) -> String {
    let rounded = percent(pct);
    if pct > 0.0 { format!("+{rounded}") } else { rounded }
}

/// The change from one cost to another.
pub(super) fn change(before: f64, after: f64) -> Option<String> {
    (before > 0.0).then(|| change_pct((after - before) / before * 100.0))
}

/// What was analysed of the workload.
pub(super) fn looked_at(w: &WorkloadReport) -> String {
    if w.statements_seen == 0 {
        return "no statement was counted for this database".to_owned();
    }
    if w.statements_analysed == 0 {
        return format!("0 of {} statements analysed", count(w.statements_seen));
    }
    format!(
        "{} of {} statements analysed, {} of the execution time: {} in {} calls",
        count(w.statements_analysed),
        count(w.statements_seen),
        percent(w.time_analysed_pct),
        duration(w.total_time_ms),
        count(w.calls),
    )
}

/// Why statements were left out, the most time first.
pub(super) fn left_out(w: &WorkloadReport) -> Vec<String> {
    let mut skipped: Vec<_> = w.skipped.iter().filter(|s| s.statements > 0).collect();
    skipped.sort_by(|a, b| b.total_time_ms.total_cmp(&a.total_time_ms).then_with(|| a.reason.cmp(&b.reason)));
    skipped
        .into_iter()
        .map(|s| format!("{} {} ({})", count(s.statements), reason(&s.reason), duration(s.total_time_ms)))
        .collect()
}

/// A skip reason in words; one without words speaks for itself.
fn reason(id: &str) -> String {
    match id.replace('_', "-").as_str() {
        "utility" => "utility commands",
        "system-catalog" => "on system catalogs only",
        "own-statement" => "of pgwise itself",
        "too-few-calls" => "called too rarely",
        "too-fast" => "too fast to matter",
        "other-user" => "of other roles",
        "beyond-top" => "beyond --top",
        "text-hidden" => "with a text this role may not see",
        "truncated" => "with a truncated text",
        "syntax" => "that could not be parsed",
        "empty" => "without a statement in it",
        "multiple-statements" => "of several statements in one",
        "unknown-table" => "on tables that were not collected",
        "not-explained" => "that the server would not plan",
        other => return other.replace('-', " "),
    }
    .to_owned()
}

/// Where the numbers come from: `PostgreSQL's planner with hypothetical indexes (HypoPG)`.
pub(super) fn cost_source(report: &Report) -> String {
    let source = &report.cost_source;
    let what = |kind: &str| match kind {
        "hypopg" => "PostgreSQL's own planner, asked with hypothetical indexes (HypoPG)".to_owned(),
        "twin" => {
            "PostgreSQL's own planner, on an empty server with the snapshot's statistics and sizes (twin)".to_owned()
        }
        "model" => "the planner model, which computes PostgreSQL's plans from the snapshot".to_owned(),
        "rule" => "rules of thumb over the captured plans: no planner was asked".to_owned(),
        other => other.to_owned(),
    };
    let asked = |kind: &str, questions: u64| match questions {
        0 => what(kind),
        _ => format!("{}, {} questions", what(kind), count(questions)),
    };
    match &source.proved_by {
        Some(proved) if *proved != source.searched_by => format!(
            "{}; the outcome by {}",
            asked(&source.searched_by, source.search_questions),
            asked(proved, source.proof_questions)
        ),
        _ => asked(&source.kind, source.questions),
    }
}

/// How far the planner model agrees with the server; `None` where nothing was compared.
pub(super) fn agreement(report: &Report) -> Option<String> {
    let source = &report.cost_source;
    let (compared, apart) = (source.statements_compared, source.statements_disagreeing);
    if compared == 0 {
        return None;
    }
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let of = plural(number(compared), "statement", "statements");
    Some(match (apart, &source.proved_by) {
        (0, _) => format!("the model's costs of {of} are within 10 % of the server's"),
        (_, Some(_)) => format!(
            "the model's costs of {} of {of} are more than 10 % off the server's: a real planner costed those",
            count(apart)
        ),
        (_, None) => format!(
            "the model's costs of {} of {of} are more than 10 % off the server's: advice for those has low confidence",
            count(apart)
        ),
    })
}

/// What became of an index that somebody asked about.
pub(super) fn outcome(outcome: IndexOutcome) -> &'static str {
    match outcome {
        IndexOutcome::Recommended => "recommended",
        IndexOutcome::Exists => "exists already",
        IndexOutcome::Covered => "covered by the advice",
        IndexOutcome::Rejected => "not recommended",
        IndexOutcome::NotEvaluated => "not evaluated",
    }
}

/// The facts of an explanation, with their labels.
pub(super) fn explanation(e: &IndexExplanation) -> Vec<(&'static str, String)> {
    let mut facts = vec![(
        "Cost",
        format!(
            "{} now, {} with it alone, {} as advised, {} as advised and with it",
            number(e.cost_before),
            number(e.cost_alone),
            number(e.cost_advised),
            number(e.cost_both)
        ),
    )];
    facts.extend(e.estimated_bytes.map(|b| ("Size", format!("about {}", bytes(b)))));
    facts.push(("Writes", format!("{} of cost", number(e.write_overhead.cost))));
    if !e.was_candidate {
        facts.push(("Candidate", "no statement led to it; it was costed because it was asked for".to_owned()));
    }
    facts.extend(e.evidence.map(|evidence| ("Evidence", evidence_word(evidence).to_owned())));
    facts
}

/// Calls, and the costs as things stand, with the index alone, as advised, as advised and with it.
pub(super) fn costs(q: &QueryExplanation) -> [String; 5] {
    [count(q.calls), number(q.cost_before), number(q.cost_alone), number(q.cost_advised), number(q.cost_both)]
}

/// A statement that costs more with the advice, in a line.
pub(super) fn dearer(q: &QueryImpact) -> String {
    format!(
        "queryid {} ({} calls): cost {} now, {} with the advice: {}",
        q.queryid,
        count(q.calls),
        number(q.cost_before),
        number(q.cost_after),
        q.query.split_whitespace().collect::<Vec<_>>().join(" ")
    )
}

/// When a statement's plan uses the index.
pub(super) fn used(q: &QueryExplanation) -> &'static str {
    match (q.used_alone, q.used_beside_advice) {
        (true, true) => "yes",
        (true, false) => "alone",
        (false, true) => "beside the advice",
        (false, false) => "no",
    }
}

/// Live or file, and when.
pub(super) fn origin(report: &Report) -> String {
    let at = super::figures::moment(report.source.captured_at);
    match report.source.kind {
        SourceKind::Live => format!("read live at {at}"),
        SourceKind::Snapshot => format!("snapshot of {at}"),
    }
}

/// Since when the counters count, and how long that is.
pub(super) fn period(report: &Report) -> Option<String> {
    let source = &report.source;
    if let Some(interval) = source.interval_ms {
        return Some(format!("counted over an interval of {}", duration(interval as f64)));
    }
    let since = source.stats_since?;
    let length = source.captured_at.duration_since(since).as_secs_f64() * 1_000.0;
    Some(format!("counted since {} ({})", super::figures::moment(since), duration(length.max(0.0))))
}

/// The outcome in a sentence.
pub(super) fn verdict(report: &Report) -> String {
    match report.verdict() {
        Verdict::NothingLookedAt => {
            let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            let tables = plural(number(report.source.tables), "table", "tables");
            let left_out = match report.workload.statements_seen {
                0 => String::new(),
                seen => format!("; all {} were left out", plural(number(seen), "statement", "statements")),
            };
            format!(
                "Nothing to judge: looked at {tables} and 0 statements{left_out}. This says nothing about the indexes."
            )
        }
        Verdict::NothingFound => format!(
            "Nothing to change: {} analysed, {} considered, and none would pay.",
            plural(
                usize::try_from(report.workload.statements_analysed).unwrap_or(usize::MAX),
                "statement",
                "statements"
            ),
            plural(report.rejected.len(), "candidate index", "candidate indexes"),
        ),
        Verdict::Advice => advice(report),
    }
}

fn advice(report: &Report) -> String {
    use RecommendationKind as Kind;
    let mut parts = Vec::new();
    for (kind, verb, one, many) in [
        (Kind::CreateIndex, "create", "index", "indexes"),
        (Kind::CreateStatistics, "create", "statistics object", "statistics objects"),
        (Kind::SetStatisticsTarget, "raise", "statistics target", "statistics targets"),
        (Kind::AnalyzeTable, "analyze", "table", "tables"),
        (Kind::DropIndex, "drop", "index", "indexes"),
    ] {
        match report.count(kind) {
            0 => {}
            n => parts.push(format!("{verb} {}", plural(n, one, many))),
        }
    }
    let mut sentence = parts.join(", ");
    if let Some(first) = sentence.get(..1).map(str::to_ascii_uppercase) {
        sentence.replace_range(..1, &first);
    }
    let saved: f64 = report.recommendations.iter().filter_map(|r| r.impact.time_saved_ms_per_hour).sum();
    if saved > 0.0 {
        sentence.push_str(": about ");
        sentence.push_str(&duration(saved));
        sentence.push_str(" of execution time saved an hour");
    }
    sentence.push('.');
    sentence
}

/// The cost of the whole workload before and after.
pub(super) fn workload_cost(w: &WorkloadReport) -> Option<String> {
    let (before, after) = (w.cost_before?, w.cost_after?);
    let change = change(before, after).map_or_else(String::new, |c| format!(" ({c})"));
    Some(format!("{} → {}{change}", number(before), number(after)))
}

/// Rejections by rule, the rule with the most first.
pub(super) fn by_rule(report: &Report) -> Vec<(&str, Vec<&Rejection>)> {
    let mut groups: BTreeMap<&str, Vec<&Rejection>> = BTreeMap::new();
    for rejection in &report.rejected {
        groups.entry(&rejection.rule).or_default().push(rejection);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(b.0)));
    groups
}

/// What a rejecting rule means.
pub(super) fn rule_meaning(rule: &str) -> Option<&'static str> {
    Some(match rule {
        "small-table" => "reading the whole table is as fast",
        "low-cardinality" => "too few distinct values to narrow anything down",
        "write-heavy" => "keeping it up to date would cost more than it saves",
        "already-indexed" => "an index that exists serves already",
        "no-planner-gain" => "the planner would not use it, or gain too little",
        "still-needed" => "an existing index that is seldom used, and missed by somebody if it went",
        "over-budget" => "others gain more in the room that --budget leaves",
        _ => return None,
    })
}

/// `on public.orders (status)`.
pub(super) fn rejected_index(r: &Rejection) -> String {
    let method = if r.method == "btree" { String::new() } else { format!("{} ", r.method) };
    format!("{} {method}({})", r.table, r.columns.join(", "))
}

/// Numbers by name: `rows 300, distinct 3`.
pub(super) fn numbers(numbers: &BTreeMap<String, f64>) -> String {
    numbers.iter().map(|(name, value)| format!("{} {}", name, number(*value))).collect::<Vec<_>>().join(", ")
}

/// Findings, the worst first, then as the report has them.
pub(super) fn worst_first(report: &Report) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    findings
}

/// A severity's name.
pub(super) fn severity(s: Severity) -> &'static str {
    match s {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// What to do after reading, in order.
pub(super) fn next_steps(report: &Report) -> Vec<String> {
    let mut steps = Vec::new();
    match report.verdict() {
        Verdict::NothingLookedAt => {
            steps.push(
                "Run `pgwise doctor`: it says what is missing on this database and prints the SQL that fixes it."
                    .to_owned(),
            );
            steps.push("Let the application run for a while, or pass its statements with --sql.".to_owned());
        }
        Verdict::NothingFound => {
            if !report.not_evaluated.is_empty() {
                steps.push("See what was not evaluated above: the answer holds for the rest only.".to_owned());
            }
            steps.push("Run it again when the workload or the data has changed.".to_owned());
        }
        Verdict::Advice => {
            steps.push("Write the script: the same command with `-o advice.sql`.".to_owned());
            steps.push("Read it, then run it with `psql -f advice.sql` outside a transaction.".to_owned());
            if report.recommendations.iter().any(|r| r.evidence == Evidence::Rule) {
                steps.push("Try what rests on a rule alone on a copy first: no planner has confirmed it.".to_owned());
            }
            steps.push("Run pgwise again after some hours of work to see that the indexes are used.".to_owned());
        }
    }
    steps
}
