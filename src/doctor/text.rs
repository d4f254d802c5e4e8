//! Checks as text for a terminal.

use super::check::{Check, Status};
use crate::report::table::canvas::{Canvas, Tone};

/// Width of the verdict's column.
const VERDICT_WIDTH: usize = 10;

/// Renders checks for a terminal of this width. SQL is never wrapped, so that it can be copied.
pub fn render_text(checks: &[Check], width: usize, colour: bool) -> String {
    let mut canvas = Canvas::new(width, colour);
    for check in checks {
        let (verdict, tone) = verdict(check.status);
        if check.status == Status::Ok {
            canvas.item(0, &format!("{verdict:<VERDICT_WIDTH$}"), &check.what);
            continue;
        }
        canvas.blank();
        canvas.hanging(0, VERDICT_WIDTH, &format!("{verdict:<VERDICT_WIDTH$}"), tone, &check.what);
        canvas.prose(VERDICT_WIDTH, Tone::Faint, &check.why_it_matters);
        if !check.fix_sql.is_empty() {
            let needs: Vec<&str> = check.needs.iter().map(|need| need.as_str()).collect();
            let lead = if needs.is_empty() {
                "To mend it:".to_owned()
            } else {
                format!("To mend it (needs {}):", needs.join(", "))
            };
            canvas.prose(VERDICT_WIDTH, Tone::Plain, &lead);
            for sql in &check.fix_sql {
                canvas.sql(VERDICT_WIDTH + 2, Tone::Code, sql, None);
            }
        }
        canvas.blank();
    }
    canvas.blank();
    canvas.prose(0, Tone::Strong, &summary(checks));
    canvas.finish()
}

fn verdict(status: Status) -> (&'static str, Tone) {
    match status {
        Status::Ok => ("ok", Tone::Good),
        Status::Info => ("note", Tone::Strong),
        Status::Limited => ("limited", Tone::Warn),
        Status::Missing => ("missing", Tone::Bad),
    }
}

fn summary(checks: &[Check]) -> String {
    let count = |status: Status| checks.iter().filter(|check| check.status == status).count();
    match (count(Status::Missing), count(Status::Limited)) {
        (0, 0) => "Nothing is missing.".to_owned(),
        (0, limited) => format!("pgwise can work here; {limited} of {} checks could be better.", checks.len()),
        (missing, limited) => format!("{missing} missing, {limited} limited, of {} checks.", checks.len()),
    }
}
