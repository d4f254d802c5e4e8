//! The answers to `--explain-why`.

use super::canvas::{Canvas, Column, Tone, cut};
use crate::report::{IndexOutcome, Report, Style, figures, words};

/// Statements shown for each index, unless all are asked for.
const QUERIES: usize = 10;
/// Columns of a statement's text.
const QUERY: usize = 60;

pub(super) fn draw(report: &Report, style: Style, canvas: &mut Canvas) {
    if report.explanations.is_empty() {
        return;
    }
    canvas.heading("Asked about", "");
    for e in &report.explanations {
        let tone = if e.outcome == IndexOutcome::Recommended { Tone::Good } else { Tone::Strong };
        canvas.prose(2, tone, &format!("{}: {}", e.asked, words::outcome(e.outcome)));
        canvas.prose(4, Tone::Plain, &e.reason);
        for (label, fact) in words::explanation(e) {
            canvas.labelled(label, Tone::Plain, &fact);
        }
        let shown = if style.all { e.queries.len() } else { QUERIES.min(e.queries.len()) };
        if shown > 0 {
            let figure = |name| Column { name, figure: true };
            let text = |name| Column { name, figure: false };
            let columns = [
                text("Query"),
                figure("Calls"),
                figure("Now"),
                figure("Alone"),
                figure("Advised"),
                figure("Both"),
                text("Used"),
            ];
            let rows = e.queries.iter().take(shown).map(|q| {
                let mut row = vec![cut(&q.query, QUERY)];
                row.extend(words::costs(q));
                row.push(words::used(q).to_owned());
                row
            });
            canvas.table(4, &columns, rows.collect());
        }
        if e.queries.len() > shown {
            let more = figures::count((e.queries.len() - shown) as u64);
            canvas.line(4, Tone::Faint, &format!("… {more} more (--all shows them)"));
        }
        canvas.blank();
    }
}
