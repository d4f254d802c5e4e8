//! Statements from SQL files, with weights from comments.

use sha2::{Digest, Sha256};

use super::classify::{Verb, verb};
use crate::snapshot::{Blocks, PlanOutcome, Statement};
use crate::sql;

/// The statements of an SQL text that the planner would plan, in order; utility statements are passed over. Comment
/// lines before a statement may give its weight: `-- calls: 1000` (executions, 1 if absent) and `-- mean_ms: 3.2` (mean
/// execution time in milliseconds, 0 if absent: unknown).
pub fn statements_from_sql(text: &str) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    let mut previous_end = 0;
    for piece in sql::split(text) {
        let query = piece.text;
        // The comments stand between the statement before and this one.
        let (calls, mean_ms) = weight(text.get(previous_end..piece.offset).unwrap_or_default());
        previous_end = piece.offset + query.len();
        if verb(query) == Verb::Utility {
            continue;
        }
        let queryid = queryid(query);
        let total_ms = mean_ms * calls as f64;
        // The same text twice is one statement.
        if let Some(known) = statements.iter_mut().find(|s| s.queryid == queryid) {
            known.calls += calls;
            known.total_ms += total_ms;
            known.mean_ms = if known.calls == 0 { 0.0 } else { known.total_ms / known.calls as f64 };
            continue;
        }
        statements.push(Statement {
            queryid,
            user: None,
            query: query.to_owned(),
            calls,
            total_ms,
            mean_ms,
            min_ms: None,
            max_ms: None,
            stddev_ms: None,
            plan_ms: None,
            rows: 0,
            blocks: Blocks::default(),
            wal_bytes: None,
            plan: PlanOutcome::NotAsked,
        });
    }
    statements
}

fn weight(comments: &str) -> (u64, f64) {
    let value = |name: &str| {
        comments.lines().rev().find_map(|line| {
            let (key, value) = line.trim().strip_prefix("--")?.split_once(':')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })
    };
    let calls = value("calls").and_then(|v| v.parse().ok()).unwrap_or(1);
    let mean_ms = value("mean_ms").and_then(|v| v.parse::<f64>().ok()).filter(|ms| ms.is_finite() && *ms >= 0.0);
    (calls, mean_ms.unwrap_or(0.0))
}

/// Stable across runs and machines, and unlike any of the server's: these are decimal.
fn queryid(query: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(query.as_bytes());
    let mut id = String::from("f");
    for byte in &digest[..8] {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_stand_in_comments_and_utilities_are_passed_over() {
        let text = "set x = 1;\n-- calls: 20\n-- mean_ms: 1.5\nselect ';' from t -- ; no\n where a = $1;\n\n/* ; */ delete from t;\n;";
        let statements = statements_from_sql(text);
        assert_eq!(statements.len(), 2);
        assert_eq!((statements[0].calls, statements[0].mean_ms, statements[0].total_ms), (20, 1.5, 30.0));
        assert!(statements[0].query.starts_with("select ';'"));
        assert_eq!((statements[1].calls, statements[1].query.as_str()), (1, "delete from t"));
    }

    #[test]
    fn the_same_text_twice_is_one_statement() {
        let statements = statements_from_sql("-- calls: 2\nselect 1;\n-- calls: 3\nselect 1;");
        assert_eq!(statements.len(), 1);
        assert_eq!(statements[0].calls, 5);
    }
}
