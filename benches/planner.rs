//! Costings of the planner model: how many (statement, configuration) pairs it plans in a second on one core. Every pair
//! is asked once of a source that has prepared its statements, so that nothing is answered from memory that a search
//! would not have asked before.

mod support;

use std::sync::{Arc, OnceLock};

use divan::Bencher;
use divan::counter::ItemsCount;
use pgwise::snapshot::Snapshot;
use pgwise::whatif::CostSource as _;
use support::Asked;

fn main() {
    divan::main();
}

/// Configurations of a statement.
const EACH: usize = 60;

type Prepared = (Arc<Snapshot>, Asked);

fn prepared(texts: &[&str]) -> Prepared {
    let snapshot = support::with_statements(support::shop(), texts);
    let asked = support::configurations(&snapshot, EACH, 7);
    (Arc::new(snapshot), asked)
}

fn measure(bencher: Bencher<'_, '_>, (snapshot, asked): &Prepared) {
    bencher
        .counter(ItemsCount::new(asked.requests.len()))
        .with_inputs(|| support::ask(snapshot, asked))
        .bench_local_values(|mut source| {
            divan::black_box(source.cost(&asked.requests));
            source
        });
}

#[divan::bench(sample_count = 40, sample_size = 1)]
fn single_table(bencher: Bencher<'_, '_>) {
    static PREPARED: OnceLock<Prepared> = OnceLock::new();
    measure(bencher, PREPARED.get_or_init(|| prepared(support::SINGLE_TABLE)));
}

#[divan::bench(args = 0..support::JOINS.len(), sample_count = 20, sample_size = 1)]
fn join(bencher: Bencher<'_, '_>, query: usize) {
    static PREPARED: OnceLock<Vec<Prepared>> = OnceLock::new();
    let all = PREPARED.get_or_init(|| support::JOINS.iter().map(|text| prepared(&[text])).collect());
    measure(bencher, &all[query]);
}
