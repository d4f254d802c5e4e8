//! Costings per second: sources beside each other, the same statements and candidates, in the same run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwise::snapshot::Snapshot;
use pgwise::whatif::hypopg::Hypopg;
use pgwise::whatif::model::ModelSource;
use pgwise::whatif::{CandidateId, Configuration, CostRequest, CostSource};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::candidates::Proposal;
use crate::configurations::Truth;
use crate::database::Source;

/// How long each is measured at least.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// Costings per second, of a source that knows the candidates already and has answered once.
pub(crate) fn per_second(source: &mut dyn CostSource, requests: &[CostRequest]) -> Option<f64> {
    if requests.is_empty() {
        return None;
    }
    tokio::task::block_in_place(|| {
        source.cost(requests);
        let began = Instant::now();
        let mut asked = 0;
        while began.elapsed() < LONG_ENOUGH {
            asked += source.cost(requests).len();
        }
        Some(asked as f64 / began.elapsed().as_secs_f64())
    })
}

/// Costings per second of the planner model on one core. It remembers what it was asked, so that asking the same again
/// would measure its memory: each round asks a new source, which has prepared the statements, everything once.
pub(crate) fn of_model(snapshot: &Arc<Snapshot>, proposals: &[Proposal], requests: &[CostRequest]) -> Option<f64> {
    if requests.is_empty() {
        return None;
    }
    let specs: Vec<_> = proposals.iter().map(|p| (p.id, p.spec.clone())).collect();
    let statements: BTreeSet<usize> = requests.iter().map(|r| r.statement).collect();
    let bare = |statement| CostRequest { statement, configuration: Configuration::default() };
    let bare: Vec<CostRequest> = statements.into_iter().map(bare).collect();
    let (mut asked, mut took) = (0, Duration::ZERO);
    while took < LONG_ENOUGH {
        let mut source = ModelSource::new(snapshot, 1).unwrap();
        source.register(&specs);
        source.cost(&bare);
        let began = Instant::now();
        asked += source.cost(requests).len();
        took += began.elapsed();
    }
    Some(asked as f64 / took.as_secs_f64())
}

/// HypoPG at the source in one session, as the twin has it, and the requests that it can answer: those that drop nothing and whose candidates it takes.
/// `None` where the server has no HypoPG.
pub(crate) async fn hypopg(
    source: &Source,
    snapshot: &Snapshot,
    proposals: &[Proposal],
    requests: &[CostRequest],
) -> Option<(Hypopg, Vec<CostRequest>)> {
    if !snapshot.server.has_extension("hypopg") {
        return None;
    }
    let mut hypopg = Hypopg::open(source.pool(1).await, snapshot, Handle::current()).await.unwrap();
    let specs: Vec<_> = proposals.iter().map(|p| (p.id, p.spec.clone())).collect();
    let answers = tokio::task::block_in_place(|| hypopg.register(&specs));
    let taken: BTreeSet<CandidateId> =
        proposals.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(p, _)| p.id).collect();
    let takes = |request: &&CostRequest| {
        request.configuration.without.is_empty() && request.configuration.with.is_subset(&taken)
    };
    Some((hypopg, requests.iter().filter(takes).cloned().collect()))
}

/// The requests whose statement reads one table and nothing else.
pub(crate) fn single_table(truths: &[Truth]) -> Vec<CostRequest> {
    fn tables(node: &Value) -> usize {
        let children = node["Plans"].as_array().into_iter().flatten().map(tables).sum::<usize>();
        // A bitmap's index scans name no relation; a ModifyTable names the one below it again.
        let own = node["Relation Name"].is_string() && node["Node Type"] != "ModifyTable";
        children + usize::from(own)
    }
    truths.iter().filter(|t| tables(&t.plan[0]["Plan"]) == 1).map(|t| t.request.clone()).collect()
}
