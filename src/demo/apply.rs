//! Following the advice on the demo's own database: what must come first, then what is created, then what is dropped.

use std::time::Instant;

use super::error::Error;
use super::outcome::AppliedStatement;
use crate::connect::Pool;
use crate::progress::Progress;
use crate::report::{RecommendationKind, Report};

/// The report's statements in the order to run them, each once: an index is dropped only when its replacement is there.
fn statements(report: &Report) -> Vec<&str> {
    let (drops, others): (Vec<_>, Vec<_>) =
        report.recommendations.iter().partition(|r| r.kind == RecommendationKind::DropIndex);
    let ordered = others.iter().chain(&drops);
    let all = ordered
        .clone()
        .flat_map(|r| r.prerequisites.iter().map(String::as_str))
        .chain(ordered.flat_map(|r| r.statements().iter().map(String::as_str)));
    let mut seen = std::collections::BTreeSet::new();
    all.filter(|sql| seen.insert(*sql)).collect()
}

/// Runs them one by one: CREATE INDEX CONCURRENTLY takes no company.
pub(super) async fn apply(
    pool: &Pool,
    report: &Report,
    progress: &dyn Progress,
) -> Result<Vec<AppliedStatement>, Error> {
    let statements = statements(report);
    let session = pool.get().await?;
    let mut applied = Vec::with_capacity(statements.len());
    progress.begin("applying the advice", Some(statements.len() as u64));
    for sql in statements {
        let began = Instant::now();
        session
            .batch_execute(sql)
            .await
            .map_err(|e| Error::Statement { doing: format!("`{sql}`"), source: session.error(e) })?;
        applied.push(AppliedStatement { sql: sql.to_owned(), ms: began.elapsed().as_secs_f64() * 1000.0 });
        progress.advance(1);
    }
    progress.end();
    Ok(applied)
}
