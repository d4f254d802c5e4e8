//! Candidates for statements, and configurations of them as a search meets them.

use std::collections::BTreeSet;

use pgwise::snapshot::{IndexMethod, IndexSpec, KeySpec, Snapshot};
use pgwise::whatif::model::ModelSource;
use pgwise::whatif::{CandidateId, Configuration, CostRequest, CostSource};

use super::Random;

/// Candidates that one statement is concerned by, and questions about it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Known to a source by their position.
    pub(crate) candidates: Vec<(CandidateId, IndexSpec)>,
    /// Each of another configuration, or of another statement.
    pub(crate) requests: Vec<CostRequest>,
}

/// One- and two-column B-trees on the columns that a statement names, of the tables that it names.
pub(crate) fn candidates(snapshot: &Snapshot, text: &str) -> Vec<IndexSpec> {
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let mut found = Vec::new();
    for table in snapshot.catalog.tables.iter().filter(|t| words.contains(t.name.as_str())) {
        let named = |c: &&pgwise::snapshot::Column| {
            words.contains(c.name.as_str()) && c.ty.default_opclasses.iter().any(|o| o == "btree")
        };
        let columns: Vec<_> = table.columns.iter().filter(named).map(|c| c.attnum).collect();
        for first in &columns {
            let mut add = |columns: &[i16]| {
                found.push(IndexSpec {
                    table: table.oid,
                    method: IndexMethod::Btree,
                    keys: columns.iter().map(|c| KeySpec::column(*c)).collect(),
                    include: Vec::new(),
                    predicate: None,
                    unique: false,
                });
            };
            add(&[*first]);
            for second in columns.iter().filter(|c| *c != first) {
                add(&[*first, *second]);
            }
        }
    }
    found
}

/// Up to `each` different configurations of up to four candidates for every statement.
pub(crate) fn configurations(snapshot: &Snapshot, each: usize, seed: u64) -> Asked {
    let mut random = Random::new(seed);
    let mut asked = Asked { candidates: Vec::new(), requests: Vec::new() };
    for (statement, item) in snapshot.statements.items.iter().enumerate() {
        let first = asked.candidates.len();
        let specs = candidates(snapshot, &item.query);
        let ids: Vec<CandidateId> = (first..first + specs.len()).collect();
        asked.candidates.extend(ids.iter().copied().zip(specs));
        let mut configurations: BTreeSet<BTreeSet<CandidateId>> = BTreeSet::new();
        // Few candidates have few configurations: asking for more would go on for ever.
        for _ in 0..if ids.is_empty() { 0 } else { each * 4 } {
            let size = 1 + random.below(4);
            configurations.insert((0..size).map(|_| *random.pick(&ids)).collect());
            if configurations.len() == each {
                break;
            }
        }
        asked.requests.extend(
            configurations
                .into_iter()
                .map(|with| CostRequest { statement, configuration: Configuration { with, without: BTreeSet::new() } }),
        );
    }
    asked
}

/// A source of one thread that knows the candidates and has answered every statement without any.
pub(crate) fn ask(snapshot: &std::sync::Arc<Snapshot>, asked: &Asked) -> ModelSource {
    let mut source = ModelSource::new(snapshot, 1).unwrap();
    for answer in source.register(&asked.candidates) {
        answer.unwrap();
    }
    let statements: BTreeSet<usize> = asked.requests.iter().map(|r| r.statement).collect();
    let bare: Vec<CostRequest> = statements
        .into_iter()
        .map(|statement| CostRequest { statement, configuration: Configuration::default() })
        .collect();
    for answer in source.cost(&bare) {
        answer.unwrap();
    }
    source
}
